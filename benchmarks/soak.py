"""100,000 calls to a faulty server, a third of them cancelled: growth of the client's process.

The server responds correctly to four of five calls. The others are disconnected, truncated,
wrongly encoded, or get an error; see `faulty_server.py`. Memory, files and tasks are measured
after a tenth of the calls, when everything is loaded and caches are full, and at the end.
"""

import asyncio
import gc
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import attrs
from _measure import Row, is_quick, print_table
from faulty_server import running

from sikoia_async import Limits, Sikoia, SikoiaError
from sikoia_async.environments import local

__all__ = ["compare"]

_CALLERS: Final = 64
_CONNECTIONS: Final = 16
_CANCELLED: Final = 0.3
_GROWTH: Final = 5.0
_PROCESS: Final = Path("/proc/self")


@attrs.frozen
class _Held:
    """The resources of the process."""

    memory: float
    """In MiB."""
    files: int
    tasks: int

    @classmethod
    def now(cls) -> "_Held":
        gc.collect()
        pages = int((_PROCESS / "statm").read_text().split()[1])
        files = len(list((_PROCESS / "fd").iterdir()))
        return cls(pages * 4096 / 2**20, files, len(asyncio.all_tasks()))


def compare(*, quick: bool) -> list[Row]:
    """Make the calls; there is no peer, because nothing should grow."""
    if not _PROCESS.exists():
        return [Row("soak: needs /proc", "-", "-")]
    with running() as url:
        return asyncio.run(_soak(url, 2_000 if quick else 100_000))


async def _soak(url: str, calls: int) -> list[Row]:
    before, began = _Held.now(), time.perf_counter()
    sikoia = Sikoia(
        "an-id",
        "a-secret",
        environment=local(url),
        quota=None,
        limits=Limits(max_in_flight=_CONNECTIONS),
        timeout=5,
    )
    ends = Counter[str]()
    async with sikoia:
        await _make(sikoia, calls // 10, ends)
        warm = _Held.now()
        await _make(sikoia, calls - calls // 10, ends)
        await asyncio.sleep(0.5)
        end = _Held.now()
        replaced = sikoia.stats().connections_replaced
    await asyncio.sleep(0.5)
    closed = _Held.now()
    seconds = time.perf_counter() - began
    print(f"{calls:,} calls in {seconds:.0f} s: {dict(ends.most_common())}", file=sys.stderr)
    print(f"{replaced:,} connections replaced", file=sys.stderr)
    what = f"soak, {calls:,} calls"
    grown, files, tasks = end.memory - warm.memory, closed.files, end.tasks - before.tasks
    return [
        _row(f"{what}: memory growth", f"{grown:.1f} MiB", f"< {_GROWTH:g} MiB", grown < _GROWTH),
        _row(f"{what}: open files after closing", files - before.files, "0", files <= before.files),
        _row(f"{what}: remaining tasks", tasks, "0", not tasks),
    ]


def _row(what: str, ours: object, target: str, met: object) -> Row:
    return Row(what, str(ours), "-", None, target, "yes" if met else "no")


async def _make(sikoia: Sikoia, calls: int, ends: Counter[str]) -> None:
    """Make calls of all kinds, cancel some of them, and count their outcomes."""
    chance = random.Random(calls)  # noqa: S311 - not for secrets
    todo = iter(range(calls))

    async def work() -> None:
        for _ in todo:
            task = asyncio.create_task(_call(sikoia, chance.choice(("GET", "DELETE", "POST"))))
            if chance.random() < _CANCELLED:
                await asyncio.sleep(chance.uniform(0, 0.02))
                task.cancel()
            await asyncio.wait([task])
            ends["cancelled" if task.cancelled() else task.result()] += 1

    await asyncio.gather(*(work() for _ in range(_CALLERS)))


async def _call(sikoia: Sikoia, method: str) -> str:
    body: dict[str, Any] | None = {"name": "A loan"} if method == "POST" else None
    try:
        await sikoia.request(method, "/v2/bad-day", body=body)
    except SikoiaError as error:
        return type(error).__name__
    return "answered"


if __name__ == "__main__":
    print_table(compare(quick=is_quick()))
