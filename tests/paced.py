"""What the tests of the pacer share: a pacer on the loop's clock, and a server that counts."""

import random
from collections import Counter
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager

import anyio

from sikoia_async._rate_limit.limiter import Priority, Quota, QuotaStore, RateLimiter

__all__ = ["Server", "pacer_of", "refused", "slot"]


def pacer_of(limit: int, per: float = 60.0, store: QuotaStore | None = None) -> RateLimiter:
    """Make a pacer."""
    return RateLimiter(Quota(limit, per=per, store=store), anyio.current_time)


@asynccontextmanager
async def slot(
    pacer: RateLimiter, priority: Priority = "interactive", *, sent: bool = True
) -> AsyncGenerator[None]:
    """Hold a slot while the block runs."""
    await pacer.acquire(priority)
    try:
        yield
    finally:
        pacer.settle(sent=sent)


class Server:
    """Notes when requests arrive, each after a way of random length, and answers over another."""

    def __init__(self, longest_way: float, seed: int = 0) -> None:
        self.arrivals: list[float] = []
        self._longest_way = longest_way
        self._chance = random.Random(seed)  # noqa: S311 - no secrets

    async def call(self, pacer: RateLimiter, after: float = 0.0) -> None:
        """Make one request in its turn."""
        await anyio.sleep(after)
        async with slot(pacer):
            await self._travel()
            self.arrivals.append(anyio.current_time())
            await self._travel()

    def most_in_any(self, per: float) -> int:
        """Count the requests in the span of so many seconds that saw the most."""
        times, first, most = sorted(self.arrivals), 0, 0
        for last, time in enumerate(times):
            while time - times[first] >= per:
                first += 1
            most = max(most, last - first + 1)
        return most

    async def _travel(self) -> None:
        # A microsecond at least: no packet takes no time, and sums of floats are rounded.
        await anyio.sleep(1e-6 + self._chance.uniform(0, self._longest_way))


def refused(arrivals: Iterable[float], limit: int, per: float, phase: float) -> int:
    """Count what a server refuses whose windows turn every `per` seconds, first at `phase`."""
    windows = Counter((time - phase) // per for time in arrivals)
    return sum(max(0, count - limit) for count in windows.values())
