"""The cost and benefit of our rate limiter, compared with two common ones in virtual time.

The server counts requests in fixed windows of unknown phase, and returns 429 over the limit. Such
a call waits for the time in Retry-After, and queues again.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from _measure import Row, is_quick, print_table
from _virtual import VirtualLoop, now

from sikoia_async import Quota
from sikoia_async._rate_limit.limiter import RateLimiter

__all__ = ["compare"]

_LIMIT: Final = 200
_PER: Final = 60.0
_WAY: Final = 0.01
"""Seconds that a request takes to the server, or its answer back, at most."""


def compare(*, quick: bool) -> list[Row]:
    """Make the same calls with each limiter, for several phases of the server's window."""
    calls, phases = (2_000, 2) if quick else (10_000, 5)
    flood, bursts = [0.0] * calls, _bursts(calls)
    return [
        *_time_rows(calls, {name: _refusals(make, flood, phases) for name, make in _LIMITERS}),
        *_burst_rows({name: _refusals(make, bursts, phases) for name, make in _LIMITERS}),
    ]


def _time_rows(calls: int, results: dict[str, tuple[int, float]]) -> list[Row]:
    least = (calls / _LIMIT - 1) * _PER
    refused, ours = results.pop("ours")
    ratio = ours / least
    flood = f"{calls:,} calls at once"
    return [
        Row(
            f"{flood}, time | least possible",
            _seconds(ours),
            _seconds(least),
            ratio,
            "≤ 1.01",
            _yes(ratio <= 1.01),
        ),
        *(
            Row(f"{flood}, time | {peer}", _seconds(ours), _seconds(theirs), ours / theirs)
            for peer, (_, theirs) in results.items()
        ),
        *_refusal_rows(flood, refused, results),
    ]


def _burst_rows(results: dict[str, tuple[int, float]]) -> list[Row]:
    refused, _ = results.pop("ours")
    return _refusal_rows("the same in bursts", refused, results)


def _refusal_rows(what: str, ours: int, results: dict[str, tuple[int, float]]) -> list[Row]:
    return [
        Row(f"{what}, 429s | {peer}", f"{ours:,}", f"{theirs:,}", None, "0", _yes(ours == 0))
        for peer, (theirs, _) in results.items()
    ]


class _Limiter(Protocol):
    async def acquire(self) -> object: ...

    def settle(self, *, sent: bool) -> None: ...


class _FixedWindow:
    """A fixed-window limiter whose first window starts with the first call."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._opened = -_PER
        self._count = 0

    async def acquire(self) -> None:
        async with self._turn:
            if self._count == _LIMIT:
                await asyncio.sleep(self._opened + _PER - now())
            if now() >= self._opened + _PER:
                self._opened, self._count = now(), 0
            self._count += 1

    def settle(self, *, sent: bool) -> None:
        """Do nothing."""


class _TokenBucket:
    """A token bucket with the size and the rate of the limit."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._tokens, self._since = float(_LIMIT), now()

    async def acquire(self) -> None:
        async with self._turn:
            self._fill()
            if self._tokens < 1:
                await asyncio.sleep((1 - self._tokens) * _PER / _LIMIT)
                self._fill()
            self._tokens -= 1

    def settle(self, *, sent: bool) -> None:
        """Do nothing."""

    def _fill(self) -> None:
        new = (now() - self._since) * _LIMIT / _PER
        self._tokens, self._since = min(_LIMIT, self._tokens + new), now()


def _ours() -> RateLimiter:
    return RateLimiter(Quota(_LIMIT, per=_PER), now)


_LIMITERS: Final[Sequence[tuple[str, Callable[[], _Limiter]]]] = (
    ("ours", _ours),
    ("fixed window", _FixedWindow),
    ("token bucket", _TokenBucket),
)


class _Server:
    """A server with a fixed-window limit."""

    def __init__(self, phase: float) -> None:
        self.refused = 0
        self._phase = phase
        self._counts = Counter[float]()

    def wait(self) -> float:
        """Count a request, and return the seconds of Retry-After if it is refused."""
        window, into_it = divmod(now() - self._phase, _PER)
        self._counts[window] += 1
        if self._counts[window] <= _LIMIT:
            return 0
        self.refused += 1
        return _PER - into_it


def _refusals(
    make: Callable[[], _Limiter], starts: Sequence[float], phases: int
) -> tuple[int, float]:
    """Return the 429s of all phases together, and the time of each phase."""
    runs = [_run(make, starts, (number + 0.5) * _PER / phases) for number in range(phases)]
    return sum(refused for refused, _ in runs), sum(seconds for _, seconds in runs) / phases


def _run(make: Callable[[], _Limiter], starts: Sequence[float], phase: float) -> tuple[int, float]:
    """Make calls at these times, and return the 429s and the time of the last response."""
    server, chance = _Server(phase), random.Random(phase)  # noqa: S311 - not for secrets

    async def call(limiter: _Limiter, start: float) -> None:
        await asyncio.sleep(start)
        wait = 1.0
        while wait:
            await limiter.acquire()
            await asyncio.sleep(chance.uniform(0, _WAY))
            wait = server.wait()
            await asyncio.sleep(chance.uniform(0, _WAY))
            limiter.settle(sent=True)
            await asyncio.sleep(wait)

    async def main() -> tuple[int, float]:
        limiter = make()
        async with asyncio.TaskGroup() as tasks:
            for start in starts:
                tasks.create_task(call(limiter, start))
        return server.refused, now()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())


def _bursts(calls: int) -> list[float]:
    """Return random start times: bursts of 10 to 200 calls, 150 a minute on average."""
    chance, moment, starts = random.Random(1), 0.0, list[float]()  # noqa: S311 - not for secrets
    while len(starts) < calls:
        moment += chance.uniform(0, 84)
        starts += [moment] * chance.randint(10, _LIMIT)
    return starts[:calls]


def _seconds(seconds: float) -> str:
    return f"{seconds:,.0f} s"


def _yes(met: bool) -> str:
    return "yes" if met else "no"


if __name__ == "__main__":
    print_table(compare(quick=is_quick()))
