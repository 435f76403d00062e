"""Cancelled at every step of a call, by all means there are: the next call finds all in its place.

`../calls/test_cancellation.py` does the same with one call that holds a token, on servers of
several kinds, and proves that a bare httpx does not pass.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Final

import anyio
import httpx
import pytest
from anyio.lowlevel import checkpoint
from faults import SECRET, Peer, answer, certified, client, core, guards, serve, trusting
from reliability.harness import ask, put
from reliability.oracle import overrun

from sikoia_async import Limits, Quota, Sikoia
from sikoia_async.environments import local

pytestmark = pytest.mark.anyio

_Call = Callable[[], Coroutine[Any, Any, object]]
_Calls = Sequence[_Call]
_Cancel = Callable[[_Calls, int], Awaitable[bool]]

_IN_A_ROW: Final = 15
"""How many times the calls finish first until the last step was seen: the kernel may be slow."""
_AT_MOST: Final = 500
_SLOTS: Final = 500
_OPEN_FILES: Final = Path("/proc/self/fd")
_GRANT: Final = answer(201, b'{"access_token": "a-token", "expires_in": 3600}')


async def _by_task(calls: _Calls, steps: int) -> bool:
    """Cancel tasks after this many steps; return whether any was still running."""
    tasks = [asyncio.create_task(call()) for call in calls]
    for _ in range(steps):
        await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert not [end for end in ends if isinstance(end, Exception)]
    return any(task.cancelled() for task in tasks)


async def _by_timeout(calls: _Calls, steps: int) -> bool:
    """The same with `asyncio.timeout`, which raises `TimeoutError`."""
    limits = [asyncio.timeout(None) for _ in calls]

    async def run(call: _Call, limit: asyncio.Timeout) -> None:
        async with limit:
            await call()

    tasks = [asyncio.create_task(run(*both)) for both in zip(calls, limits, strict=True)]
    for _ in range(steps + 1):
        await asyncio.sleep(0)
    for task, limit in zip(tasks, limits, strict=True):
        if not task.done():
            limit.reschedule(asyncio.get_running_loop().time())
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(end) for end in ends} <= {type(None), TimeoutError}
    return any(limit.expired() for limit in limits)


async def _by_scope(calls: _Calls, steps: int) -> bool:
    """The same with an anyio cancel scope."""
    scopes = [anyio.CancelScope() for _ in calls]

    async def run(call: _Call, scope: anyio.CancelScope) -> None:
        with scope:
            await call()

    async with anyio.create_task_group() as tasks:
        for call, scope in zip(calls, scopes, strict=True):
            tasks.start_soon(run, call, scope)
        for _ in range(steps):
            await checkpoint()
        for scope in scopes:
            scope.cancel()
    return any(scope.cancelled_caught for scope in scopes)


async def _grants_and_answers(peer: Peer) -> None:
    """Close after every second response."""
    for _ in range(2):
        request = await peer.request()
        await peer.send(_GRANT if request.startswith(b"POST /token") else answer(body=b"[1]"))


async def _cancel_at_each_step(
    cancel: _Cancel, make: Callable[[str], Sikoia], calls: int, url: str, arrived: list[bytes]
) -> None:
    """Cancel at each step in turn, until the calls finish first."""
    files = _open_files()
    steps, finished_first = 0, 0
    while finished_first < _IN_A_ROW:
        assert steps < _AT_MOST
        arrived.clear()
        async with make(url) as sikoia:
            cancelled = await cancel([lambda: put(sikoia)] * calls, steps)
            await _assert_whole(sikoia, calls, arrived)
        finished_first = 0 if cancelled else finished_first + 1
        steps += 1
    await _until(lambda: _open_files() <= files)
    gc.collect()  # what was never closed warns now


async def _assert_whole(sikoia: Sikoia, calls: int, arrived: list[bytes]) -> None:
    """Check that connections and slots are returned, and that the next call works."""
    pacer, before = core(sikoia).rate_limiter, len(_deletions(arrived))
    assert pacer is not None
    assert [guard.free for guard in guards(sikoia)] in ([1], [2, 1])
    assert before <= _SLOTS - pacer.left <= calls
    with overrun(0.25):
        assert await sikoia.request("GET", "/v2/cases") == [1]
    assert len(_deletions(arrived)) <= _SLOTS - pacer.left <= calls + 1
    assert [guard.free for guard in guards(sikoia)] in ([1], [2, 1])


def _deletions(arrived: list[bytes]) -> list[bytes]:
    return [request for request in arrived if request.startswith(b"DELETE")]


def _open_files() -> int:
    return len(list(_OPEN_FILES.iterdir())) if _OPEN_FILES.exists() else 0


async def _until(reached: Callable[[], bool]) -> None:
    with anyio.fail_after(30):
        while not reached():  # noqa: ASYNC110 - what is waited for happens in the kernel
            await anyio.sleep(0.001)


def _cold(url: str) -> Sikoia:
    """Return a client without an access token."""
    quota = Quota(_SLOTS, per=1000)
    return Sikoia(
        "an-id",
        SECRET,
        environment=local(url),
        quota=quota,
        limits=Limits(max_in_flight=1),
        timeout=10,
    )


_CALLS = pytest.mark.parametrize("calls", [1, 2, 3], ids=["one", "two", "three"])


@_CALLS
async def test_cancelling_scopes_at_any_step_leaks_nothing(calls: int) -> None:
    """J1: one to three concurrent calls, from the token request to the response."""
    async with serve(_grants_and_answers) as server:
        await _cancel_at_each_step(_by_scope, _cold, calls, server.url, server.requests)


@_CALLS
@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
@pytest.mark.parametrize("cancel", [_by_task, _by_timeout], ids=["task.cancel", "asyncio.timeout"])
async def test_cancelling_tasks_at_any_step_leaks_nothing(cancel: _Cancel, calls: int) -> None:
    """J1: with asyncio's native cancellation, which ignores anyio's shields."""
    async with serve(_grants_and_answers) as server:
        await _cancel_at_each_step(cancel, _cold, calls, server.url, server.requests)


async def _over_tls(cancel: _Cancel, folder: Path) -> None:
    file = trusting(folder)
    quota = Quota(_SLOTS, per=1000)
    async with serve(_grants_and_answers, certified()) as server:
        await _cancel_at_each_step(
            cancel,
            lambda url: client(url, tls=file, quota=quota, limits=Limits(max_in_flight=1)),
            1,
            server.url,
            server.requests,
        )


async def test_cancelling_a_scope_during_a_handshake_leaks_nothing(tmp_path: Path) -> None:
    """J1, over TLS: httpcore leaks the socket of a cancelled handshake."""
    await _over_tls(_by_scope, tmp_path)


@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
@pytest.mark.parametrize("cancel", [_by_task, _by_timeout], ids=["task.cancel", "asyncio.timeout"])
async def test_cancelling_a_task_during_a_handshake_leaks_nothing(
    cancel: _Cancel, tmp_path: Path
) -> None:
    """J1, over TLS, with asyncio's native cancellation."""
    await _over_tls(cancel, tmp_path)


class _Body(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"["
        await anyio.sleep(100)
        yield b"]"


async def _token() -> str:
    await anyio.sleep(100)
    return "a-token"


async def _slow(_: httpx.Request) -> httpx.Response:
    await anyio.sleep(100)
    raise AssertionError


def _at_once(response: Callable[[], httpx.Response]) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: response()


_Reply = Callable[[httpx.Request], Any]
_WAITS: Final[dict[str, tuple[_Reply, dict[str, Any]]]] = {
    "quota": (_slow, {"quota": Quota(1, per=1000), "timeout": 2000}),
    "token": (_slow, {"token": _token}),
    "permit": (_slow, {"limits": Limits(max_in_flight=1)}),
    "answer": (_slow, {}),
    "body": (_at_once(lambda: httpx.Response(200, stream=_Body())), {}),
    "backoff": (_at_once(lambda: httpx.Response(503, headers={"Retry-After": "55"})), {}),
    "poll": (_at_once(lambda: httpx.Response(202, headers={"Retry-After": "55"})), {}),
}


async def _cancelled_while_it_waits(what: str, cancel: Callable[..., Awaitable[object]]) -> None:
    reply, options = _WAITS[what]
    well = False

    async def serve_one(request: httpx.Request) -> httpx.Response:
        if well:
            return httpx.Response(200, content=b"[]")
        given = reply(request)
        return given if isinstance(given, httpx.Response) else await given

    options = {"retries": 2, "timeout": 500, "quota": Quota(99, per=60), **options}
    sikoia = client("https://127.0.0.1:1", transport=httpx.MockTransport(serve_one), **options)
    permits, budget = guards(sikoia)[0].free, core(sikoia).budget.left

    await cancel([lambda: ask(sikoia), lambda: ask(sikoia)])
    assert guards(sikoia)[0].free == permits
    assert core(sikoia).budget.left == budget
    well = True
    calm = sikoia.with_options(timeout=2000)
    async with anyio.create_task_group() as calls:
        for _ in range(3 * permits if what != "quota" else 1):
            calls.start_soon(ask, calm)
    assert guards(sikoia)[0].free == permits


@pytest.mark.virtual_time
@pytest.mark.parametrize("what", _WAITS)
async def test_cancelling_scopes_in_any_wait_leaks_nothing(
    what: str,
) -> None:
    """J3, E14: in each wait of two calls; the retry budget is refunded."""

    async def cancel(calls: _Calls) -> None:
        # Not by a deadline: a call would see it, and not begin a pause that crosses it.
        async with anyio.create_task_group() as tasks:
            for call in calls:
                tasks.start_soon(call)
            await anyio.sleep(50)
            tasks.cancel_scope.cancel()

    await _cancelled_while_it_waits(what, cancel)


@pytest.mark.virtual_time
@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
@pytest.mark.parametrize("what", _WAITS)
async def test_cancelling_tasks_in_any_wait_leaks_nothing(what: str) -> None:
    """J3, with `task.cancel()`."""

    async def cancel(calls: _Calls) -> None:
        tasks = [asyncio.create_task(call()) for call in calls]
        await asyncio.sleep(50)
        for task in tasks:
            assert task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    await _cancelled_while_it_waits(what, cancel)


async def _fifty(sikoia: Sikoia) -> None:
    async with anyio.create_task_group() as calls:
        for number in range(50):
            path = "/v2/bad" if number == 20 else "/v2/cases"
            calls.start_soon(sikoia.request, "GET", path)


async def test_one_failure_in_a_group_cancels_the_others() -> None:
    """J11: the group has one error of ours, and the client stays usable."""

    async def script(peer: Peer) -> None:
        while True:
            request = await peer.request()
            if b"/bad" in request:
                await peer.send(answer(404, b"{}"))
            await anyio.sleep(0.001)
            await peer.send(answer(body=b"[1]"))

    async with (
        serve(script) as server,
        client(server.url, limits=Limits(max_in_flight=10)) as sikoia,
    ):
        with pytest.raises(ExceptionGroup) as caught:
            await _fifty(sikoia)

        assert [type(error).__name__ for error in caught.value.exceptions] == [
            "ResourceNotFoundError"
        ]
        assert guards(sikoia)[0].free == 10
        assert await ask(sikoia) == [1]
