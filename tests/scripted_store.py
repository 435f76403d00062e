"""A quota store for tests: it counts as the one in memory does, and fails as a test wants it."""

from collections.abc import Sequence
from typing import Any

import anyio

from sikoia_async.stores import Ask, Grant, MemoryStores, QuotaStore, Settled, Wait

__all__ = ["ScriptedStore"]


class ScriptedStore:
    """The rate limit of several processes, on the event loop's clock.

    Args:
        delay: seconds that it takes to receive a message, and to answer it.
    """

    def __init__(self, delay: float = 0.0) -> None:
        self.delay = delay
        self.error: Exception | None = None
        """What every method raises."""
        self.hangs = False
        """Whether no method returns before `resume`."""
        self._resumed = anyio.Event()
        self.replies: list[Any] = []
        """What the next questions get, instead of a slot."""
        self.calls: list[tuple[str, float]] = []
        """The methods that were called, and when."""
        self.asks: list[Ask] = []
        self.granted: list[Ask] = []
        """The questions that got a slot."""
        self.tickets: list[str] = []
        """Their tickets."""
        self.settled: list[Settled] = []
        self.registered: list[str] = []
        self.register_lease = 0.0
        self.pauses: list[float] = []
        self.most_messages = 0
        """How many messages other than questions were in progress at most."""
        self._messages = 0
        self._quota = self._new()

    @property
    def names(self) -> list[str]:
        """The methods that were called."""
        return [name for name, _ in self.calls]

    @property
    def in_use(self) -> int:
        """How many slots are leased or age."""
        windows: Any = vars(self._quota)["_windows"]
        now = anyio.current_time()
        return sum(end > now for window in windows.values() for end in window.ends.values())

    def resume(self) -> None:
        """Go on with everything that hangs."""
        self.hangs = False
        self._resumed.set()
        self._resumed = anyio.Event()

    def lose(self) -> None:
        """Forget everything, as a server that is restarted empty."""
        self._quota = self._new()

    async def acquire(self, ask: Ask) -> Grant | Wait:
        """Lease a slot, or do what the test wants."""
        self.asks.append(ask)
        await self._receive("acquire")
        if self.replies:
            reply = self.replies.pop(0)
            if isinstance(reply, Exception):
                raise reply
            return reply  # type: ignore[no-any-return]
        reply = await self._quota.acquire(ask)
        if isinstance(reply, Grant):
            self.granted.append(ask)
            self.tickets.append(reply.ticket)
        await anyio.sleep(self.delay / 2)
        return reply

    async def settle(self, ask: Ask, leases: Sequence[Settled]) -> None:
        """End leases."""
        await self._message("settle")
        self.settled += leases
        await self._quota.settle(ask, leases)

    async def register(self, ask: Ask, tickets: Sequence[str]) -> None:
        """Count leases."""
        await self._message("register")
        self.registered += tickets
        self.register_lease = ask.lease
        await self._quota.register(ask, tickets)

    async def pause(self, ask: Ask, seconds: float) -> None:
        """Grant nothing for a while."""
        await self._message("pause")
        self.pauses.append(seconds)
        await self._quota.pause(ask, seconds)

    async def _message(self, name: str) -> None:
        self._messages += 1
        self.most_messages = max(self.most_messages, self._messages)
        try:
            await self._receive(name)
        finally:
            self._messages -= 1

    async def _receive(self, name: str) -> None:
        self.calls.append((name, anyio.current_time()))
        await anyio.sleep(self.delay / 2)
        if self.hangs:
            await self._resumed.wait()
        if self.error is not None:
            raise self.error

    @staticmethod
    def _new() -> QuotaStore:
        quota = MemoryStores(clock=anyio.current_time).quota
        assert quota is not None
        return quota
