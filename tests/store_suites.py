"""The conformance suite for `MemoryStores`, with a clock that tests move."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from sikoia_async.stores import MemoryStores, Stores
from sikoia_async.testing.stores import StoreConformance

__all__ = ["Clock", "MemoryConformance"]


class Clock:
    """A clock that tests move."""

    now = 1000.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now


class MemoryConformance(StoreConformance):
    """Tests of stores in memory, to the millisecond."""

    patience = 0.001
    units: Sequence[float] = (1.0,)
    clock = Clock()
    stores: Stores = MemoryStores(clock=clock)

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Stores]:
        """Return the same stores each time, because nothing else shares their state."""
        yield self.stores

    async def sleep(self, seconds: float) -> None:
        """Move the clock."""
        self.clock.now += seconds

    def now(self) -> float:
        """Return the time of the clock."""
        return self.clock.now
