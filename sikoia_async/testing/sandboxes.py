"""A local Sikoia in memory, with the interface of the one on a socket."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import anyio

from sikoia_async.sandbox import Sandbox, create_app
from sikoia_async.testing.memory import in_memory

if TYPE_CHECKING:
    from typing import Unpack

    from sikoia_async.sandbox.settings import Options
    from sikoia_async.testing.memory import MemoryTransport

__all__ = ["MemorySandbox"]

_URL: Final = "https://localhost:1"
"""On loopback, which `SIKOIA_ENVIRONMENT` requires. No server listens there."""


class MemorySandbox(Sandbox):
    """A local Sikoia that runs in memory during a `with` block, without a socket or a thread.

    It differs from `Sandbox` in two ways. It is reached only through its `transport`, which the
    client of `client_of` uses; a client that reads its `variables` needs it as well. Webhook
    deliveries are sent only when you await `until_settled()` or
    `deliveries.deliver_due(httpx.ASGITransport(your_app))`, which needs no socket either.

    Args:
        options: as for `sikoia_async.sandbox.create_app`.

    Raises:
        ValueError: `inspector` or `state_dir` is given, which only a `Sandbox` has.
    """

    transport: MemoryTransport
    """The transport that leads to it, for `Sikoia(transport=...)`."""

    def __init__(self, **options: Unpack[Options]) -> None:
        # Type checkers do not see the arguments of markers.
        for name in ("inspector", "state_dir"):
            if name in options:
                msg = f"{name}: not available in memory; use Sandbox"
                raise ValueError(msg)
        super().__init__(**options)

    def __enter__(self) -> Self:
        app = create_app(url=_URL, **self._options)
        self._describe(app, Path())
        self.ca_file = ""
        self.transport = in_memory(app)
        return self

    async def until_settled(self) -> None:
        """Send all webhook deliveries that are due by the clock, on asyncio or trio."""
        await self.deliveries.settle()

    def _settle(self) -> None:
        anyio.run(self.deliveries.settle)
