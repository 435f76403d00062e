"""Helpers for tests of the rate limiter: a limiter on the loop's clock, and a counting server."""

import random
from collections import Counter
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager

import anyio

from sikoia_async import Quota, QuotaStore
from sikoia_async._rate_limit.limiter import RateLimiter
from sikoia_async._rate_limit.queue import Priority
from sikoia_async._rate_limit.shared import SharedRateLimiter
from sikoia_async.stores.background import Background

__all__ = ["Server", "limiter_of", "refused", "shared_limiter", "slot"]


def limiter_of(limit: int, per: float = 60.0) -> RateLimiter:
    """Return a limiter."""
    return RateLimiter(Quota(limit, per=per), anyio.current_time)


def shared_limiter(
    store: QuotaStore, quota: Quota, background: Background | None = None
) -> SharedRateLimiter:
    """Return the limiter of a process that shares a quota with others."""
    return SharedRateLimiter(
        quota,
        anyio.current_time,
        store=store,
        account="an account",
        background=background or Background(),
    )


@asynccontextmanager
async def slot(
    limiter: RateLimiter, priority: Priority = "interactive", *, sent: bool = True
) -> AsyncGenerator[None]:
    """Hold a slot while the block runs."""
    ticket = await limiter.acquire(priority)
    try:
        yield
    finally:
        limiter.settle(ticket, sent=sent)


class Server:
    """Records when requests arrive; each request and each response takes a random time."""

    def __init__(self, max_delay: float, seed: int = 0) -> None:
        self.arrivals: list[float] = []
        self._max_delay = max_delay
        self._random = random.Random(seed)  # noqa: S311 - no secrets

    async def call(self, limiter: RateLimiter, after: float = 0.0) -> None:
        """Make one request, once there is a slot."""
        await anyio.sleep(after)
        async with slot(limiter):
            await self._delay()
            self.arrivals.append(anyio.current_time())
            await self._delay()

    def most_in_any(self, per: float) -> int:
        """Return the most requests that arrived within any `per` seconds."""
        times, first, most = sorted(self.arrivals), 0, 0
        for last, time in enumerate(times):
            while time - times[first] >= per:
                first += 1
            most = max(most, last - first + 1)
        return most

    async def _delay(self) -> None:
        # At least a microsecond, because sums of floats are rounded.
        await anyio.sleep(1e-6 + self._random.uniform(0, self._max_delay))


def refused(arrivals: Iterable[float], limit: int, per: float, phase: float) -> int:
    """Count the requests refused by a server with fixed windows that start at `phase`."""
    windows = Counter((time - phase) // per for time in arrivals)
    return sum(max(0, count - limit) for count in windows.values())
