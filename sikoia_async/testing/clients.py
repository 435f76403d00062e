"""Clients of a local Sikoia, which need to be told nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sikoia_async import Interval, Sikoia
from sikoia_async.environments import local
from sikoia_async.testing.sandboxes import MemorySandbox

if TYPE_CHECKING:
    from sikoia_async.sandbox import Sandbox

__all__ = ["client_of"]

_SOON: Final = Interval(first=0.1)


def client_of(sandbox: Sandbox, *, interval: Interval | None = _SOON, **options: Any) -> Sikoia:
    """Return a client of a local Sikoia, in memory or on a socket; it is yours to close.

        async with client_of(sandbox, retries=0) as sikoia:
            users = await sikoia.users.list()

    Args:
        sandbox: a `MemorySandbox` or a `Sandbox`, which runs.
        interval: how often operations are asked about: after a tenth of a second at first, so that
            no test waits for its next poll. None for what each operation has by itself.
        options: what else `Sikoia` takes.
    """
    if isinstance(sandbox, MemorySandbox):
        options["transport"] = sandbox.transport
    else:
        options["tls"] = sandbox.ca_file
    credentials = (sandbox.client_id, sandbox.client_secret)
    sikoia = Sikoia(*credentials, environment=local(sandbox.url), **options)
    return sikoia if interval is None else sikoia.with_options(interval=interval)
