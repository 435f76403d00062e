"""What it costs to share: a slot of the rate limit and a purchase, in a file of SQLite.

A slot is leased and settled without anybody in the way, and compared with the rate limiter of one
process: the median, because the machine may be shared. A purchase is on the disk when it is
recorded, so its peer is a line that is appended to a file and synchronized.
"""

import os
import statistics
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import anyio
from _measure import Row, at_most, is_quick, print_table, race

from sikoia_async import Quota
from sikoia_async._rate_limit.limiter import RateLimiter
from sikoia_async.stores import Ask, Grant, MemoryStores, Purchase, Settled, SqliteStores

__all__ = ["compare"]

_ASK: Final = Ask(account="benchmark", limit=200, per=60.0, asker="one")
_USED: Final = 150
"""Slots that are in use meanwhile."""


def compare(*, quick: bool) -> list[Row]:
    """Compare slots and purchases."""
    rounds, slots, purchases = (3, 20, 5) if quick else (51, 200, 50)
    slot = race(
        {
            "none": lambda: anyio.run(_in_process, slots),
            "memory": lambda: anyio.run(_shared, MemoryStores, slots),
            "sqlite": lambda: anyio.run(_shared, _sqlite, slots),
        },
        rounds,
    )
    purchase = race(
        {
            "sqlite": lambda: anyio.run(_purchases, purchases),
            "file": lambda: _synchronized(purchases),
        },
        rounds,
    )
    return [
        at_most(300, "acquire + settle, SQLite | one process", slot["sqlite"], slot["none"],
                "s/call"),
        at_most(None, "acquire + settle, MemoryStores | one process", slot["memory"], slot["none"],
                "s/call"),
        at_most(5, "intent of a purchase, SQLite | line and fsync", purchase["sqlite"],
                purchase["file"], "s/call"),
    ]  # fmt: skip


def _folder() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="sikoia-benchmark-")


def _sqlite(folder: str = "") -> SqliteStores:
    return SqliteStores(Path(folder) / "sikoia.db")


async def _in_process(times: int) -> float:
    limiter = RateLimiter(Quota(limit=_ASK.limit, per=_ASK.per), anyio.current_time)
    for _ in range(_USED):
        await limiter.acquire()
        limiter.settle(sent=True)

    async def work() -> None:
        await limiter.acquire()
        limiter.settle(sent=False)

    return await _median(work, times)


async def _shared(create: Callable[..., Any], times: int) -> float:
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(_folder())
        stores = await stack.enter_async_context(create(folder) if create is _sqlite else create())

        async def work(*, sent: bool = False) -> None:
            grant = await stores.quota.acquire(_ASK)
            assert isinstance(grant, Grant)  # noqa: S101 - a limit that is reached measures nothing
            await stores.quota.settle(_ASK, [Settled(grant.ticket, sent=sent)])

        for _ in range(_USED):
            await work(sent=True)
        return await _median(work, times)


async def _purchases(times: int) -> float:
    async with AsyncExitStack() as stack:
        stores: Any = await stack.enter_async_context(_sqlite(stack.enter_context(_folder())))
        count = 0

        async def work() -> None:
            nonlocal count
            count += 1
            purchase = Purchase(key=f"{count:064}", operation="x", arguments="0" * 64)
            await stores.purchases.intend("benchmark", purchase)

        await work()
        return await _seconds(work, times)


def _synchronized(times: int) -> float:
    with _folder() as folder, (Path(folder) / "journal").open("ab", buffering=0) as file:
        started = perf_counter()
        for _ in range(times):
            file.write(b"0" * 200 + b"\n")
            os.fsync(file.fileno())
        return (perf_counter() - started) / times


async def _median(work: Callable[[], Awaitable[object]], times: int) -> float:
    return statistics.median([await _seconds(work, 1) for _ in range(times)])


async def _seconds(work: Callable[[], Awaitable[object]], times: int) -> float:
    started = perf_counter()
    for _ in range(times):
        await work()
    return (perf_counter() - started) / times


if __name__ == "__main__":
    print_table(compare(quick=is_quick()))
