"""What the report of a failed test shows of its local Sikoia, so that it can be run again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sikoia_async._logs import without_ids
from sikoia_async.testing.sandboxes import MemorySandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sikoia_async.sandbox import Sandbox
    from sikoia_async.testing.marker import Wanted

__all__ = ["report_of"]


def report_of(wanted: Wanted, sandbox: Sandbox) -> str:
    """Say how it was run, which faults happened and did not, and what was asked last.

    Of requests it shows what tells nothing of a person: no ids but correlation ids, no queries, no
    bodies.
    """
    return "\n".join(_lines(wanted, sandbox))


def _lines(wanted: Wanted, sandbox: Sandbox) -> Iterator[str]:
    tls = ", tls=True" if wanted.tls else ""
    yield f"run it again with @pytest.mark.sikoia(seed={wanted.seed}{tls})"
    for happened in sandbox.faults.happened:
        yield f"a fault happened: {_shown(happened.operation)}: {happened.what}"
    for planned in sandbox.faults.planned:
        yield f"a fault is still to happen: {_shown(planned.operation)}: {planned.what}"
    if isinstance(sandbox, MemorySandbox):
        yield from (str(one) for one in sandbox.transport.latest)


def _shown(operation: str) -> str:
    """Leave ids out of what was asked for, which need not be an operation."""
    method, space, path = operation.partition(" ")
    return method + space + without_ids(path)
