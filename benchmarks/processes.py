"""What processes share, measured with real processes: a rate limit, an access token, a memory.

The rate limit is measured against a window of any phase. Time is scaled: the limit is 100 in 6 s
instead of 200 in 60 s, and a request takes up to 50 ms to the server, and as long back, instead of
500 ms. The stores are not scaled.
"""

import asyncio
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import _sharing
import attrs
from _flood import Flood, Limiter
from _measure import Row, is_quick, print_table
from _virtual import VirtualLoop, now
from _window import Window, worst

from sikoia_async import Quota
from sikoia_async._rate_limit.shared import SharedRateLimiter
from sikoia_async.stores import MemoryStores
from sikoia_async.stores.background import Background

sys.path.insert(1, str(Path(__file__).parent.parent / "tests"))
from servers import Missing, RedisServer

__all__ = ["compare"]

_PEERS: Final[dict[Limiter, str]] = {
    "limits": "limits",
    "pyrate-limiter": "pyrate_limiter",
    "throttled-py": "throttled",
}
"""Their modules."""
_INTERACTIVE_SHARE: Final = 0.2
"""The part of the quota that the interactive process uses."""
_HOPELESS: Final = 300.0
"""Seconds after which a run that does not progress fails."""


@attrs.frozen
class _Scale:
    """How much is measured."""

    limit: int
    per: float
    jitter: float
    windows: int
    counts: tuple[int, ...]
    """How many processes."""


_FULL: Final = _Scale(100, 6.0, 0.05, 5, (4, 8))
_QUICK: Final = _Scale(10, 1.0, 0.005, 1, (2,))


@attrs.frozen
class _Result:
    """What the server has seen."""

    refused: int
    worst: int
    share: float
    """Which part of the quota was used."""
    counts: list[int]
    """The requests of each process."""
    waits: list[float]
    """The seconds that the calls of the last process have waited for the limit."""


def compare(*, quick: bool) -> list[Row]:
    """Measure floods of several processes, with each store and with each peer."""
    scale = _QUICK if quick else _FULL
    rows = list[Row]()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stores: dict[Limiter, str] = {"sqlite": ""}
        try:
            stores["redis"] = stack.enter_context(RedisServer()).url
        except Missing as missing:
            print(f"processes: {missing}: SQLite only, and no peers", file=sys.stderr)
        if "redis" in stores and find_spec("redis") is None:
            print("processes: redis is not installed: SQLite only, and no peers", file=sys.stderr)
            del stores["redis"]
        runs = _Runs(scale, folder, stores)
        rows += runs.without_a_store()
        for store in stores:
            for count in scale.counts:
                rows += runs.flood(store, count)
            if not quick or store == "sqlite":
                rows += runs.idle_holders(store)
                rows += runs.interactive(store)
        for peer, module in _PEERS.items() if "redis" in stores else ():
            if find_spec(module) is None:
                print(f"processes: {peer} is not installed; without it", file=sys.stderr)
            else:
                rows += runs.peer(peer)
        rows += _sharing.compare({store: runs.place(store) for store in stores}, quick=quick)
    return [*rows, _ten_thousand(1_000 if quick else 10_000)]


class _Runs:
    def __init__(self, scale: _Scale, folder: Path, stores: dict[Limiter, str]) -> None:
        self._scale = scale
        self._folder = folder
        self._stores = stores
        self._made = 0

    def without_a_store(self) -> list[Row]:
        """Show what a store is for: each process takes the limit for its own."""
        result = self._run([self._own(number) for number in range(self._scale.counts[0])])
        count = self._scale.counts[0]
        return [Row(f"{count} processes without a store, 429s", f"{result.refused}", "-")]

    def flood(self, store: Limiter, count: int) -> list[Row]:
        """Let equal processes send as much as they may."""
        result = self._run(self._floods(store, count))
        what = f"{count} processes, {store}"
        spread = max(result.counts) / min(result.counts)
        return [
            *self._limit_rows(what, result),
            _share_row(f"{what}, quota used", result, 0.95),
            Row(
                f"{what}, requests of a process: most | fewest",
                f"{max(result.counts)}",
                f"{min(result.counts)}",
                spread,
                "≤ 1.5",
                _yes(spread <= 1.5),
            ),
        ]

    def idle_holders(self, store: Limiter) -> list[Row]:
        """Let two processes send a burst and rest, beside two that send as much as they may."""
        burst = self._scale.limit * 2 // 5
        floods = self._floods(store, 4)
        rest = [attrs.evolve(one, calls=burst, tasks=burst) for one in floods[:2]]
        result = self._run([*rest, *floods[2:]])
        what = f"2 processes beside 2 idle ones, {store}"
        return [*self._limit_rows(what, result), _share_row(f"{what}, quota used", result, 0.85)]

    def interactive(self, store: Limiter) -> list[Row]:
        """Let one process make few calls that somebody waits for, beside three floods."""
        scale = self._scale
        floods = [attrs.evolve(one, priority="background") for one in self._floods(store, 4)]
        think = 3 * scale.per / (_INTERACTIVE_SHARE * scale.limit)
        one = attrs.evolve(floods[3], priority="interactive", tasks=3, think=think)
        result = self._run([*floods[:3], one])
        longest = statistics.quantiles(result.waits or [0.0, 0.0], n=100)[-1]
        target = scale.per / 60
        return [
            Row(
                f"1 interactive process beside 3 floods, {store}, wait: p99 | 1 s, scaled",
                f"{longest * 1000:.0f} ms",
                f"{target * 1000:.0f} ms",
                longest / target,
                "≤ 1",
                _yes(longest <= target),
            )
        ]

    def peer(self, peer: Limiter) -> list[Row]:
        """Let the same flood be limited by another library, with Redis."""
        count = self._scale.counts[0]
        result = self._run(self._floods(peer, count))
        what = f"{count} processes, {peer}"
        return [
            Row(f"{what}, 429s", "-", f"{result.refused}"),
            Row(f"{what}, most in any window | limit", f"{self._scale.limit}", f"{result.worst}"),
            Row(f"{what}, quota used", "-", f"{result.share:.0%}"),
        ]

    def _limit_rows(self, what: str, result: _Result) -> list[Row]:
        limit = self._scale.limit
        return [
            Row(f"{what}, 429s", f"{result.refused}", "-", None, "0", _yes(result.refused == 0)),
            Row(
                f"{what}, most in any window | limit",
                f"{result.worst}",
                f"{limit}",
                result.worst / limit,
                "≤ 1",
                _yes(result.worst <= limit),
            ),
        ]

    def _own(self, number: int) -> Flood:
        scale = self._scale
        return Flood(
            name=f"{number}",
            port=0,
            limiter="alone",
            at="",
            limit=scale.limit,
            per=scale.per,
            tasks=max(20, scale.limit // 2),
        )

    def _floods(self, limiter: Limiter, count: int) -> list[Flood]:
        at = self.place(limiter)
        return [attrs.evolve(self._own(number), limiter=limiter, at=at) for number in range(count)]

    def place(self, limiter: Limiter) -> str:
        """Return a new file, or the URL of Redis."""
        if limiter != "sqlite":
            return self._stores["redis"]
        self._made += 1
        return str(self._folder / f"{self._made}.db")

    def _run(self, floods: Sequence[Flood]) -> _Result:
        return asyncio.run(_run(self._scale, floods))


async def _run(scale: _Scale, floods: Sequence[Flood]) -> _Result:
    """Run processes until they have used a number of windows."""
    enough = scale.limit * scale.windows + 1
    async with Window(scale.limit, scale.per, scale.jitter) as server:
        children = [await _start(attrs.evolve(flood, port=server.port)) for flood in floods]
        try:
            for child in children:
                _line(child)
            async with asyncio.timeout(_HOPELESS):
                while server.served < enough:  # noqa: ASYNC110 - a hundredth of a second matters not
                    await asyncio.sleep(0.01)
                _line(children[-1])
                waits = json.loads(await children[-1].stdout.readline())
        finally:
            for child in children:
                child.kill()
                await child.wait()
    served = [one for one in server.arrivals if not one.refused]
    used = served[enough - 1].at - served[0].at
    counts = server.by_process(len(server.arrivals))
    return _Result(
        server.refused,
        worst(server.arrivals, scale.per),
        scale.windows * scale.per / used,
        [counts[flood.name] for flood in floods],
        waits,
    )


async def _start(flood: Flood) -> Any:
    """Start a process, and wait until it is ready."""
    script = str(Path(__file__).with_name("_flood.py"))
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        script,
        json.dumps(attrs.asdict(flood)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**24,
    )
    if child.stdout is None or await child.stdout.readline() != b"ready\n":
        msg = "a process of the benchmark has failed"
        raise RuntimeError(msg)
    return child


def _line(child: Any) -> None:
    child.stdin.write(b"\n")


def _share_row(what: str, result: _Result, target: float) -> Row:
    share = result.share
    return Row(what, f"{share:.1%}", "-", share, f"≥ {target:g}", _yes(share >= target))


def _ten_thousand(calls: int) -> Row:
    """Let 8 limiters share a store that takes 4 ms, at 200 in 60 s, in virtual time."""
    limit, per, count = 200, 60.0, 8

    async def main() -> float:
        store: Any = _Slow(MemoryStores(clock=now).quota)
        limiters = [
            SharedRateLimiter(
                Quota(limit, per=per), now, store=store, account="", background=Background()
            )
            for _ in range(count)
        ]

        async def call(limiter: SharedRateLimiter) -> None:
            ticket = await limiter.acquire()
            await asyncio.sleep(0.02)
            limiter.settle(ticket, sent=True)

        began = now()
        async with asyncio.TaskGroup() as tasks:
            for number in range(calls):
                tasks.create_task(call(limiters[number % count]))
        return now() - began

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        seconds = runner.run(main())
    least = (calls / limit - 1) * per
    return Row(
        f"{calls:,} calls by {count} processes, virtual time | least possible",
        f"{seconds:,.0f} s",
        f"{least:,.0f} s",
        seconds / least,
        "≤ 1.01",
        _yes(seconds <= 1.01 * least),
    )


class _Slow:
    """A store that takes 4 ms to answer."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        async def slow(*arguments: Any) -> Any:
            await asyncio.sleep(0.002)
            result = await method(*arguments)
            await asyncio.sleep(0.002)
            return result

        return slow


def _yes(met: bool) -> str:
    return "yes" if met else "no"


if __name__ == "__main__":
    print_table(compare(quick=is_quick()))
