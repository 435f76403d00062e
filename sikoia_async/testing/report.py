"""What the report of a failed test shows of its local Sikoia, so that it can be run again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sikoia_async._logging import is_correlation_id, without_ids

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sikoia_async.sandbox import Sandbox
    from sikoia_async.sandbox.ledger.recorded_request import RecordedRequest
    from sikoia_async.testing.marker import Wanted

__all__ = ["report_of"]

_LATEST: Final = 20
"""How many of the latest requests are shown."""
_LONGEST: Final = 1000
"""Characters of a line that are shown."""


def report_of(wanted: Wanted, sandbox: Sandbox) -> str:
    """Say how it was run, which faults happened and did not, and what was asked last.

    Lines are shown that plan the same faults again. Of requests it shows what tells nothing of a
    person: no ids but correlation ids, no queries, no bodies.
    """
    return "\n".join(_lines(wanted, sandbox))


def _lines(wanted: Wanted, sandbox: Sandbox) -> Iterator[str]:
    tls = ", tls=True" if wanted.tls else ""
    yield f"to run it again as it was: @pytest.mark.sikoia(seed={wanted.seed}{tls})"
    yield from _faults(sandbox)
    yield from (_request(asked) for asked in sandbox.ledger[-_LATEST:])


def _faults(sandbox: Sandbox) -> Iterator[str]:
    plans = (("a fault", sandbox.faults), ("a fault of a delivery", sandbox.deliveries.faults))
    for name, plan in plans:
        for subject, what in plan.triggered:
            yield f"{name} happened: {_shown(subject)}: {what}"
        for planned in plan.planned:
            yield f"{name} is still to happen: {_shown(planned.subject)}: {planned.effect}"
    scripts = [line for _, plan in plans for line in plan.script().splitlines()]
    if scripts:
        yield "plan the same faults again:"
        yield from (_cut(line) for line in scripts)


def _cut(line: str) -> str:
    """Show no more of a line than one reads: a fault may have a long body."""
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}… (see script() of that plan)"


def _request(asked: RecordedRequest) -> str:
    came = "no answer" if asked.status is None else asked.status
    sent = asked.sent_correlation_id or "none"
    shown = sent if is_correlation_id(sent) else "not shown"
    return f"{asked.method} {without_ids(asked.path)}: {came} (correlation id {shown})"


def _shown(operation: str) -> str:
    """Leave ids out of what was asked for, which need not be an operation."""
    method, space, path = operation.partition(" ")
    return method + space + without_ids(path)
