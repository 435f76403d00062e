"""A client after many random cancellations, an outage, failing logins and a stalling server.

The peer is an `httpx.AsyncClient` with the same number of connections and without retries. The
server counts usable connections: the requests that it gets at once when all of them are needed.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import attrs
import httpx
from _measure import Row, is_quick, print_table
from faulty_server import counts, running

from sikoia_async import CallError, Environment, Limits, Sikoia
from sikoia_async.environments import local

__all__ = ["compare"]

_WORKERS: Final = 20
_CONNECTIONS: Final = 10
_CANCELLED: Final = 0.7
_LONGEST: Final = 0.25
"""Seconds that a call of the storm may take: a pool without connections would never end it."""
_PATIENCE: Final = 2.0
"""Seconds after which a call that does not come through counts as lost."""
_TIMEOUT: Final = 0.3
_STALLS: Final = (
    "silent",
    "half",
    "drips-head",
    "drips-body",
    "drips-chunks",
    "interim",
)
_OPEN_FILES: Final = Path("/proc/self/fd")

_Call = Callable[[str], Awaitable[object]]


def compare(*, quick: bool) -> list[Row]:
    """Compare both in each scenario."""
    with running() as url:
        return [
            *asyncio.run(_cancellations(url, 1_000 if quick else 10_000)),
            asyncio.run(_outage(url, 100 if quick else 1_000)),
            asyncio.run(_token(url, "refusing", 1)),
            asyncio.run(_token(url, "failing", 3)),
            asyncio.run(_overruns(url, 1 if quick else 5)),
        ]


@attrs.frozen
class _Aftermath:
    """The state of a client after the cancellations."""

    lost: int
    """Connections that can no longer be had."""
    seconds: float | None
    """Until the next call came through; None if it did not."""
    files: int
    """Files that are open after the client was closed, more than before."""
    tasks: int


async def _cancellations(url: str, calls: int) -> list[Row]:
    ours, peer = await _storm(url, calls, _our_client), await _storm(url, calls, _bare_client)
    in_time = ours.seconds is not None and ours.seconds <= 0.25
    what = f"{calls:,} calls, {_CANCELLED:.0%} cancelled | httpx"
    return [
        _row(f"{what}: connections lost, of {_CONNECTIONS}", ours.lost, peer.lost, "0", ours.lost),
        _row(
            "… time of the next call",
            _shown(ours.seconds),
            _shown(peer.seconds),
            "≤ 250 ms",
            not in_time,
        ),
        _row("… open files after closing", ours.files, peer.files, "0", ours.files),
        _row("… remaining tasks", ours.tasks, peer.tasks, "0", ours.tasks),
    ]


def _row(what: str, ours: object, peer: object, target: str, missed: object) -> Row:
    return Row(what, str(ours), str(peer), None, target, "no" if missed else "yes")


def _shown(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds * 1000:.0f} ms"


def _our_client(url: str) -> tuple[_Call, Callable[[], Awaitable[None]]]:
    sikoia = Sikoia(
        token="a-token",  # noqa: S106 - the faulty server accepts any token
        environment=local(url),
        quota=None,
        limits=Limits(max_in_flight=_CONNECTIONS),
        retries=0,
    )

    async def call(path: str) -> object:
        try:
            return await sikoia.request("GET", path)
        except CallError:
            return None

    return call, sikoia.aclose


def _bare_client(url: str) -> tuple[_Call, Callable[[], Awaitable[None]]]:
    limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
    client = httpx.AsyncClient(base_url=url, limits=limits, trust_env=False)

    async def call(path: str) -> object:
        try:
            return (await client.get(path)).json()
        except httpx.HTTPError:
            return None

    return call, client.aclose


async def _storm(
    url: str, calls: int, make: Callable[[str], tuple[_Call, Callable[[], Awaitable[None]]]]
) -> _Aftermath:
    """Make calls, cancel most of them with `task.cancel()`, and measure what is left."""
    chance = random.Random(11)  # noqa: S311 - not for secrets
    files, tasks = _open_files(), len(asyncio.all_tasks())
    call, aclose = make(url)
    todo = iter(range(calls))

    async def work() -> None:
        for _ in todo:
            task = asyncio.ensure_future(call("/v2/mix"))
            if chance.random() < _CANCELLED:
                await _some_time(chance)
                task.cancel()
            await asyncio.wait([task], timeout=_LONGEST)
            task.cancel()
            await asyncio.wait([task])

    await asyncio.gather(*(work() for _ in range(_WORKERS)))
    seconds = await _until_it_works(call)
    counts(url)
    await asyncio.wait([asyncio.ensure_future(_all_at_once(call))], timeout=_PATIENCE)
    lost = _CONNECTIONS - counts(url).get("slow at once", 0)
    await aclose()
    await asyncio.sleep(_PATIENCE)  # lets remaining tasks end
    return _Aftermath(lost, seconds, _open_files() - files, len(asyncio.all_tasks()) - tasks)


async def _some_time(chance: random.Random) -> None:
    """Yield to the event loop a few times, or wait for up to 6 ms."""
    if chance.random() < 0.5:
        for _ in range(chance.randrange(40)):
            await asyncio.sleep(0)
    else:
        await asyncio.sleep(chance.uniform(0, 0.006))


async def _until_it_works(call: _Call) -> float | None:
    began = time.perf_counter()
    try:
        async with asyncio.timeout(_PATIENCE):
            while await call("/v2/cases") is None:
                pass
    except TimeoutError:
        return None
    return time.perf_counter() - began


async def _all_at_once(call: _Call) -> None:
    await asyncio.gather(*(call("/v2/slow") for _ in range(_CONNECTIONS)))


def _open_files() -> int:
    return len(list(_OPEN_FILES.iterdir())) if _OPEN_FILES.exists() else 0


async def _outage(url: str, calls: int) -> Row:
    """Make calls during an outage, 50 at a time, with the default retries."""
    counts(url)
    sikoia = Sikoia(token="a-token", environment=local(url), quota=None)  # noqa: S106 - any token is accepted
    todo = iter(range(calls))

    async def work() -> None:
        for _ in todo:
            with suppress(CallError):
                await sikoia.request("GET", "/v2/outage")

    async with sikoia:
        await asyncio.gather(*(work() for _ in range(50)))
    ratio = counts(url)["/v2/outage"] / calls
    what = f"{calls:,} calls in an outage: requests per call"
    target = 1.05 if calls >= 1_000 else 1.4
    return _row(what, f"{ratio:.3f}", "-", f"≤ {target:g}", ratio > target)


async def _token(url: str, kind: str, goal: int) -> Row:
    """Have 50 callers request a token from a failing endpoint, and again after their errors."""
    counts(url)
    environment = Environment(name="test", api=url, token_url=f"{url}/{kind}/token", scope="all")
    sikoia = Sikoia("an-id", "a-secret", environment=environment, quota=None)

    async def work() -> None:
        for _ in range(2):
            with suppress(CallError):
                await sikoia.request("GET", "/v2/cases")

    async with sikoia:
        await asyncio.gather(*(work() for _ in range(50)))
    asked = counts(url)[f"/{kind}/token"]
    what = f"50 callers, twice each, {kind} token endpoint: token requests"
    return _row(what, asked, "-", f"≤ {goal}", asked > goal)


async def _overruns(url: str, times: int) -> Row:
    """Make calls with a short timeout to each stalling path, and return the longest overrun."""
    sikoia = Sikoia(token="a-token", environment=local(url), quota=None, timeout=_TIMEOUT)  # noqa: S106 - any token is accepted
    ours: list[float] = []
    peer: list[float] = []
    async with sikoia, httpx.AsyncClient(base_url=url, timeout=_TIMEOUT, trust_env=False) as bare:
        for stall in _STALLS * times:
            ours.append(await _taken(sikoia.request("GET", f"/v2/{stall}")))
            peer.append(await _taken(bare.get(f"/v2/{stall}")))
    late = max(ours) - _TIMEOUT
    longest = max(peer) - _TIMEOUT
    httpxs = f"{longest * 1000:.0f} ms" if longest < _PATIENCE - _TIMEOUT else "unlimited"
    what = f"timeout={_TIMEOUT}, {len(_STALLS)} ways to stall | httpx: longest overrun"
    return _row(what, f"{late * 1000:.0f} ms", httpxs, "≤ 100 ms", late > 0.1)


async def _taken(call: Awaitable[object]) -> float:
    """Return the time of a call, or the time after which it was abandoned."""
    began = time.perf_counter()
    with suppress(TimeoutError, CallError, httpx.HTTPError):
        async with asyncio.timeout(_PATIENCE):
            await call
    return time.perf_counter() - began


if __name__ == "__main__":
    print_table(compare(quick=is_quick()))
