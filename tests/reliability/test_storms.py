"""Storms: thousands of calls, most of them cancelled, leak nothing.

`../../benchmarks/storms.py` runs 10,000 calls against a server in another process, and prints how
many connections plain httpx loses.
"""

import asyncio
import gc
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import anyio
import httpx
import pytest
from faults import Peer, Script, Server, answer, client, core, guards, serve
from reliability.oracle import overrun

from sikoia_async import CallError, Limits, Quota, Sikoia

pytestmark = pytest.mark.anyio

_CALLS: Final = 1_000
_WORKERS: Final = 20
_CONNECTIONS: Final = 10
_CANCELLED: Final = 0.7
_OPEN_FILES: Final = Path("/proc/self/fd")
_Call = Callable[[], Awaitable[object]]
_Work = Callable[[_Call, Iterator[int], random.Random], Coroutine[Any, Any, None]]


def _mixing(seed: int) -> Script:
    """Respond in two pieces, and close the connection at random."""
    chance = random.Random(seed)  # noqa: S311 - no secrets

    async def script(peer: Peer) -> None:
        going_on = True
        while going_on:
            await peer.request()
            whole = answer(body=b"[1]")
            middle = chance.randrange(1, len(whole))
            await peer.send(whole[:middle], whole[middle:])
            going_on = chance.random() > 0.3

    return script


def _open_files() -> int:
    return len(list(_OPEN_FILES.iterdir())) if _OPEN_FILES.exists() else 0


async def _until(reached: Callable[[], bool]) -> None:
    with anyio.fail_after(30):
        while not reached():  # noqa: ASYNC110 - what is waited for happens in the kernel
            await anyio.sleep(0.001)


async def _work_natively(call: _Call, todo: Iterator[int], chance: random.Random) -> None:
    for _ in todo:
        task = asyncio.ensure_future(call())
        if chance.random() < _CANCELLED:
            for _ in range(chance.randrange(60)):
                await asyncio.sleep(0)
            task.cancel()
        await asyncio.wait([task], timeout=10)
        if not task.cancelled():
            task.result()


async def _work_in_scopes(call: _Call, todo: Iterator[int], chance: random.Random) -> None:
    for _ in todo:
        seconds = chance.uniform(0, 0.01) if chance.random() < _CANCELLED else 10
        with anyio.move_on_after(seconds):
            await call()


async def _storm(work: _Work, sikoia: Sikoia, server: Server) -> None:
    """Run the storm and check that nothing was leaked."""
    limiter, todo = core(sikoia).rate_limiter, iter(range(_CALLS))

    async def call() -> None:
        with suppress(CallError):  # the server closed an idle connection, and there are no retries
            await sikoia.request("GET", "/v2/cases")

    async with anyio.create_task_group() as workers:
        for seed in range(_WORKERS):
            workers.start_soon(work, call, todo, random.Random(seed))  # noqa: S311 - no secrets
    assert guards(sikoia)[0].free == _CONNECTIONS
    assert limiter is not None
    assert len(server.requests) <= 10_000 - limiter.left <= _CALLS
    calm = sikoia.with_options(retries=2)
    with overrun(0.25):
        assert await calm.request("GET", "/v2/cases") == [1]
    async with anyio.create_task_group() as calls:
        for _ in range(_CONNECTIONS):
            calls.start_soon(calm.request, "GET", "/v2/cases")
    assert guards(sikoia)[0].free == _CONNECTIONS


async def _passes(work: _Work) -> None:
    async with serve(_mixing(3)) as server:
        files = _open_files()
        options = {"limits": Limits(max_in_flight=_CONNECTIONS), "quota": Quota(10_000, per=10_000)}
        async with client(server.url, **options) as sikoia:
            await _storm(work, sikoia, server)
        await _until(lambda: server.open == 0)
        await _until(lambda: _open_files() <= files)
    gc.collect()  # what was never closed warns now


async def test_a_storm_of_cancelled_scopes_leaks_nothing() -> None:
    """J2: no connection, slot or file is lost, and the next call works at once."""
    await _passes(_work_in_scopes)


@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
async def test_a_storm_of_cancelled_tasks_leaks_nothing() -> None:
    """J2, with `task.cancel()`."""
    tasks = len(asyncio.all_tasks())
    await _passes(_work_natively)

    assert len(asyncio.all_tasks()) == tasks


@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
async def test_the_same_storm_makes_plain_httpx_lose_connections() -> None:
    """J2: shows that the storm is one: a pool of ten loses some for good."""
    chance, timeout = random.Random(5), httpx.Timeout(5, pool=0.05)  # noqa: S311 - no secrets
    limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
    bare = httpx.AsyncClient(limits=limits, timeout=timeout, trust_env=False)
    async with serve(_mixing(3)) as server, bare:

        async def call() -> None:
            with suppress(httpx.HTTPError):
                await bare.get(server.url)

        todo = iter(range(_CALLS))
        await asyncio.gather(*(_work_natively(call, todo, chance) for _ in range(_WORKERS)))
        lost, held = 0, list[httpx.Response]()
        for _ in range(_CONNECTIONS):
            try:
                request = bare.build_request("GET", server.url)
                held.append(await bare.send(request, stream=True))
            except httpx.PoolTimeout:
                lost += 1
            except httpx.HTTPError:
                pass
        for response in held:
            await response.aclose()

    assert lost > 0
