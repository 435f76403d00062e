"""One process of benchmarks/processes.py: sends requests, limited by ours or by another library.

    python benchmarks/_flood.py '{"name": "1", "port": 8000, ...}'

It says `ready`, waits for a line, sends until it is terminated, and answers a line on its standard
input with the seconds that its calls have waited for the limit.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from importlib import import_module
from typing import Any, Final, Literal

import attrs

from sikoia_async import Priority, Quota, Sikoia, local

__all__ = ["Flood", "Limiter"]


Limiter = Literal["alone", "sqlite", "redis", "limits", "pyrate-limiter", "throttled-py"]


@attrs.frozen(kw_only=True)
class Flood:
    """What a process does."""

    name: str
    port: int
    limiter: Limiter
    at: str
    """The file or the URL of the store."""
    limit: int
    per: float
    tasks: int = 20
    priority: Priority = "interactive"
    calls: int | None = None
    """How many calls it makes before it rests; None for as many as possible."""
    think: float = 0.0
    """Seconds between two calls of a task, on average."""


async def _warm_up(flood: Flood, shared: Any) -> None:
    """Load what the first call loads, and connect to the store."""
    environment = local(f"http://127.0.0.1:{flood.port}")
    async with Sikoia(token="benchmark", environment=environment, quota=None) as sikoia:  # noqa: S106 - no secret
        await sikoia.request("GET", "/warm-up")
    if shared is not None:
        await shared.token.load("nobody")


_Acquire = Callable[[], Awaitable[object]]


def _shared(flood: Flood) -> Any:
    """Return the stores of a client."""
    if flood.limiter == "sqlite":
        from sikoia_async.stores import SqliteStores  # noqa: PLC0415 - one process needs one of them

        return SqliteStores(flood.at)
    if flood.limiter == "redis":
        from sikoia_async.stores import RedisStores  # noqa: PLC0415 - one process needs one of them

        return RedisStores.from_url(flood.at)
    return None


async def _limits(flood: Flood) -> _Acquire:
    limits = import_module("limits")
    strategies = import_module("limits.aio.strategies")
    storage = import_module("limits.aio.storage").RedisStorage(
        f"async+{flood.at}", implementation="redispy"
    )
    limiter = strategies.MovingWindowRateLimiter(storage)
    item = limits.RateLimitItemPerSecond(flood.limit, int(flood.per))

    async def acquire() -> None:
        while not await limiter.hit(item, "sikoia"):
            stats = await limiter.get_window_stats(item, "sikoia")
            await asyncio.sleep(max(0.01, stats.reset_time - time.time()))

    return acquire


async def _pyrate_limiter(flood: Flood) -> _Acquire:
    pyrate_limiter, redis = import_module("pyrate_limiter"), import_module("redis.asyncio")
    rate = pyrate_limiter.Rate(flood.limit, round(flood.per * 1000))
    client = redis.Redis.from_url(flood.at)
    limiter = pyrate_limiter.Limiter(
        await pyrate_limiter.RedisBucket.init([rate], client, "sikoia")
    )
    return lambda: limiter.try_acquire_async("sikoia", blocking=True)


async def _throttled_py(flood: Flood) -> _Acquire:
    throttled = import_module("throttled.asyncio")
    quota = throttled.per_duration(timedelta(seconds=flood.per), flood.limit, burst=flood.limit)
    store = throttled.RedisStore(server=flood.at)
    limiter = throttled.Throttled(key="sikoia", using="sliding_window", quota=quota, store=store)

    async def acquire() -> None:
        while (await limiter.limit()).limited:  # noqa: ASYNC110 - the peer has nothing to wait for
            await asyncio.sleep(0.01)

    return acquire


_PEERS: Final = {
    "limits": _limits,
    "pyrate-limiter": _pyrate_limiter,
    "throttled-py": _throttled_py,
}


async def _run(flood: Flood) -> None:
    chance = random.Random(flood.name)  # noqa: S311 - not for secrets
    waits, began = list[float](), dict[Any, float]()
    shared = _shared(flood)
    acquire = await _PEERS[flood.limiter](flood) if flood.limiter in _PEERS else None

    def sent(_: object) -> None:
        waits.append(time.monotonic() - began[asyncio.current_task()])

    sikoia = Sikoia(
        token="benchmark",  # noqa: S106 - no secret
        environment=local(f"http://127.0.0.1:{flood.port}"),
        quota=None if acquire else Quota(flood.limit, per=flood.per),
        shared=shared,
        retries=0,
        on_request=sent,
    ).with_options(priority=flood.priority)
    left = [flood.calls if flood.calls is not None else sys.maxsize]

    async def calls() -> None:
        while left[0] > 0:
            left[0] -= 1
            began[asyncio.current_task()] = time.monotonic()
            if acquire is not None:
                await acquire()
            try:
                await sikoia.request("GET", f"/{flood.name}/v2/cases")
            except Exception as error:  # noqa: BLE001 - the server counts its 429s
                del error
            if flood.think:
                await asyncio.sleep(chance.uniform(0, 2 * flood.think))

    await _warm_up(flood, shared)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(flood.tasks):
            tasks.create_task(calls())
        await asyncio.to_thread(sys.stdin.readline)
        print(json.dumps(waits), flush=True)


if __name__ == "__main__":
    asyncio.run(_run(Flood(**json.loads(sys.argv[1]))))
