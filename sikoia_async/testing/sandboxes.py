"""A local Sikoia in memory, with the face of the one on a socket."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

import anyio

from sikoia_async.sandbox import Sandbox, create_app
from sikoia_async.testing.memory import in_memory

if TYPE_CHECKING:
    from typing import Unpack

    from sikoia_async.sandbox.settings import Options
    from sikoia_async.testing.memory import MemoryTransport

__all__ = ["MemorySandbox"]


class MemorySandbox(Sandbox):
    """A local Sikoia that runs while the `with` block does, in memory: without socket and thread.

    It is a `Sandbox` in all but this: only a client on its `transport` finds it, such as that of
    `client_of`, and webhooks are told nothing until you ask for it: by `until_settled()`, or by
    `deliveries.deliver_due(httpx.ASGITransport(your_app))`, which needs no socket either.

    Args:
        options: as for `sikoia_async.sandbox.create_app`.

    Raises:
        ValueError: an `inspector` is asked for, which only a `Sandbox` has.
    """

    transport: MemoryTransport
    """Where it answers, for `Sikoia(transport=...)`."""

    def __init__(self, **options: Unpack[Options]) -> None:
        # A test without types may bring anything, and a marker has none.
        if "inspector" in options:
            msg = "inspector: what is in memory has no socket for a page, so use Sandbox"
            raise ValueError(msg)
        super().__init__(**options)

    def __enter__(self) -> Self:
        app = create_app(**self._options)
        self._describe(app, Path())
        self.ca_file = ""
        self.transport = in_memory(app)
        return self

    @property
    def variables(self) -> dict[str, str]:
        """There are none: no environment leads to what is in memory.

        Raises:
            RuntimeError: always.
        """
        msg = (
            "a local Sikoia in memory cannot be found through the environment: run a Sandbox, "
            "or mark the test with @pytest.mark.sikoia(tls=True)"
        )
        raise RuntimeError(msg)

    async def until_settled(self) -> None:
        """Tell webhooks all that is due by the clock; on asyncio and on trio."""
        await self.deliveries.settle()

    def _settle(self) -> None:
        anyio.run(self.deliveries.settle)
