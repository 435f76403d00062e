"""Client life cycle: closing during calls, limits, forks, and failing hooks."""

import asyncio
import gc
import subprocess
import sys
import textwrap
from collections.abc import Callable
from typing import Any, Final

import anyio
import httpx
import pytest
from anyio.lowlevel import checkpoint
from faults import TOKEN, Peer, answer, client, guards, serve
from reliability.harness import ask, plan, silent, talking
from reliability.oracle import overrun

from sikoia_async import ClientStateError, DeadlineExceededError, Limits, Sikoia

pytestmark = pytest.mark.anyio


async def _until(reached: Callable[[], bool]) -> None:
    with anyio.fail_after(30):
        while not reached():  # noqa: ASYNC110 - what is waited for happens in the kernel
            await anyio.sleep(0.001)


async def _answers_when(peer: Peer, told: anyio.Event) -> None:
    await peer.request()
    await told.wait()
    await peer.send(answer(body=b"[1]"))
    await peer.gone()


async def test_calls_in_progress_complete_after_closing() -> None:
    """J6: closing neither waits for them nor breaks them; new calls are refused."""
    told, rows = anyio.Event(), list[object]()

    async def script(peer: Peer) -> None:
        await _answers_when(peer, told)

    async with serve(script) as server:
        sikoia = client(server.url)

        async def call() -> None:
            rows.append(await ask(sikoia))

        async with anyio.create_task_group() as calls:
            for _ in range(10):
                calls.start_soon(call)
            await _until(lambda: len(server.requests) == 10)
            with overrun(1):
                await sikoia.aclose()
            with pytest.raises(ClientStateError, match="closed"):
                await ask(sikoia)
            told.set()
        await _until(lambda: server.open == 0)

    assert rows == [[1]] * 10
    assert guards(sikoia)[0].free == 16


async def test_a_call_in_progress_at_closing_ends_at_its_deadline() -> None:
    """J6: without a response, it holds its connection no longer."""
    async with plan(silent) as planned:
        sikoia = client(planned.server.url, timeout=1.0)

        async def call() -> None:
            with overrun(1.0), pytest.raises(DeadlineExceededError):
                await ask(sikoia)

        async with anyio.create_task_group() as calls:
            calls.start_soon(call)
            await _until(lambda: planned.seen == 1)
            await sikoia.aclose()
        await _until(lambda: planned.server.open == 0)


async def test_concurrent_closing_is_harmless() -> None:
    """J7: also of a client that was never entered."""
    async with plan() as planned:
        sikoia = talking(planned)
        for _ in range(3):
            await ask(sikoia)
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(sikoia.aclose)
        await _until(lambda: planned.server.open == 0)


async def _warm(sikoia: Sikoia, connections: int) -> None:
    """Open this many connections, and leave them idle."""
    async with anyio.create_task_group() as calls:
        for _ in range(connections):
            calls.start_soon(ask, sikoia)


@pytest.mark.parametrize("steps", range(12))
async def test_closing_cancelled_by_a_scope_closes_all(steps: int) -> None:
    """J4: at any step, and twice: no connection stays open."""
    async with plan() as planned:
        sikoia, scope = talking(planned), anyio.CancelScope()
        await _warm(sikoia, 3)

        async def close() -> None:
            with scope:
                await sikoia.aclose()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(close)
            for _ in range(steps):
                await checkpoint()
            scope.cancel()
            await checkpoint()
            scope.cancel()
        if steps:
            await _until(lambda: planned.server.open == 0)
        else:
            await sikoia.aclose()
    gc.collect()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("steps", range(12))
async def test_closing_in_a_cancelled_task_closes_all(steps: int) -> None:
    """J4: `task.cancel()` ignores shields, also when called twice."""
    async with plan() as planned:
        sikoia = talking(planned)
        await _warm(sikoia, 3)
        task = asyncio.create_task(sikoia.aclose())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if not steps:
            await sikoia.aclose()
        await _until(lambda: planned.server.open == 0)
    gc.collect()


async def test_a_connection_opened_while_closing_is_closed() -> None:
    """J6: the call was waiting for its access token; its connection closes with it."""
    given, closing, asked, closed = (anyio.Event() for _ in range(4))

    class Slow(httpx.AsyncHTTPTransport):
        """Takes its time to close, in which it can be used again."""

        async def aclose(self) -> None:
            await super().aclose()
            if not closing.is_set():
                closing.set()
                await asked.wait()

    async def token() -> str:
        if server.requests:
            await given.wait()
        return TOKEN

    async def script(peer: Peer) -> None:
        await peer.request()
        if len(server.requests) > 1:
            asked.set()
            await closed.wait()
        await peer.send(answer())
        await peer.gone()

    async with serve(script) as server:
        sikoia = client(server.url, token=token, limits=Limits(max_in_flight=1))
        guards(sikoia)[0].make = Slow
        await ask(sikoia)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, sikoia)
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(_closes, sikoia, closed)
            await closing.wait()
            given.set()
        await _until(lambda: server.open == 0)
    gc.collect()


async def _closes(sikoia: Sikoia, closed: anyio.Event) -> None:
    await sikoia.aclose()
    closed.set()


async def test_five_hundred_calls_over_ten_connections() -> None:
    """J10: none times out waiting for a connection."""
    async with (
        plan() as planned,
        talking(planned, limits=Limits(max_in_flight=10), timeout=60) as sikoia,
    ):
        async with anyio.create_task_group() as calls:
            for number in range(500):
                calls.start_soon(sikoia.request, "GET", f"/v2/cases/{number}")

        assert len(set(planned.server.lines)) == planned.seen == 500
        assert planned.server.connections <= 10


@pytest.mark.virtual_time
async def test_connections_are_first_come_first_served() -> None:
    """J10: requests are sent in the order of their calls."""
    began, sent = list[str](), list[str]()

    async def reply(request: httpx.Request) -> httpx.Response:
        sent.append(request.url.path)
        await anyio.sleep(1)
        return httpx.Response(200, content=b"[]")

    transport = httpx.MockTransport(reply)
    sikoia = client(
        "https://127.0.0.1:1", transport=transport, limits=Limits(max_in_flight=10), timeout=90
    )

    async def call(path: str) -> None:
        began.append(path)
        await sikoia.request("GET", path)

    async with anyio.create_task_group() as calls:
        for number in range(500):
            calls.start_soon(call, f"/v2/cases/{number}")
            await anyio.sleep(0.001)  # trio lets those of one moment go in any order

    assert sent == began
    assert len(sent) == 500


class _Leaving(BaseException):
    """Like `SystemExit`, not caught by anything."""


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit, _Leaving])
async def test_base_exceptions_pass_through_callbacks(error: type[BaseException]) -> None:
    """J12: they are not mistaken for an error of the call, and the client stays usable."""
    leaving = True

    def token() -> str:
        if leaving:
            raise error
        return TOKEN

    async with (
        plan() as planned,
        talking(planned, token=token, limits=Limits(max_in_flight=1)) as sikoia,
    ):
        with pytest.raises(error):
            await ask(sikoia)
        leaving = False
        assert guards(sikoia)[0].free == 1
        assert await ask(sikoia) == []


async def _raise(_: httpx.Request) -> None:
    msg = "a mistake in a hook"
    raise LookupError(msg)


async def _hang(_: httpx.Request) -> None:
    await anyio.sleep_forever()


@pytest.mark.parametrize(
    ("hook", "error"),
    [(_raise, LookupError), (_hang, DeadlineExceededError)],
    ids=["raise", "hang"],
)
async def test_a_failing_user_hook(
    hook: Callable[[httpx.Request], Any], error: type[Exception]
) -> None:
    """J13: its exception passes through, and the call's deadline bounds it."""
    hooks = {"request": [hook]}
    async with plan() as planned, httpx.AsyncClient(event_hooks=hooks, trust_env=False) as theirs:
        sikoia = client(planned.server.url, http_client=theirs, timeout=0.3)
        with overrun(0.3), pytest.raises(error):
            await ask(sikoia)
        assert guards(sikoia)[0].free == 16
        assert planned.seen == 0
        theirs.event_hooks = {}
        assert await ask(sikoia.with_options(timeout=10)) == []


_FORKS: Final = """
    import asyncio, os, sys
    from sikoia_async import ClientStateError, Sikoia
    from sikoia_async.environments import local

    sikoia = Sikoia(token="t", environment=local(sys.argv[1]), quota=None)

    async def main():
        await sikoia.request("GET", "/v2/parent")
        child = os.fork()
        if not child:
            for use in (sikoia.request("GET", "/v2/child"), sikoia.aclose()):
                try:
                    await use
                except ClientStateError:
                    continue
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        await sikoia.request("GET", "/v2/parent")
        await sikoia.aclose()
        sys.exit(os.waitstatus_to_exitcode(status))

    asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
async def test_a_forked_child_does_not_use_its_parents_connection() -> None:
    """J9: the server sees one connection, and nothing from the child."""
    async with plan() as planned:
        await _run(_FORKS, planned.server.url)

        assert planned.server.lines == ["GET /v2/parent"] * 2
        assert planned.server.connections == 1


_DEBUGGED: Final = """
    import asyncio, gc, sys
    from sikoia_async import Sikoia
    from sikoia_async.environments import local

    async def main():
        asyncio.get_running_loop().slow_callback_duration = 60  # on a busy machine all is slow
        async with Sikoia("id", "secret", environment=local(sys.argv[1])) as sikoia:
            for steps in range(0, 60, 3):
                calls = [asyncio.create_task(sikoia.request("GET", "/v2/cases")) for _ in range(3)]
                for _ in range(steps):
                    await asyncio.sleep(0)
                calls[0].cancel()
                await asyncio.gather(*calls, return_exceptions=True)
                assert calls[1].result() == calls[2].result() == []

    asyncio.run(main())
    gc.collect()
"""


async def test_python_development_mode_warns_of_nothing() -> None:
    """J14: with `-X dev`, asyncio's debug mode, and warnings as errors."""

    async def script(peer: Peer) -> None:
        while True:
            request = await peer.request()
            token = b'{"access_token": "t", "expires_in": 3600}'
            await peer.send(answer(body=token if b"/token " in request else b"[]"))

    async with serve(script) as server:
        told = await _run(_DEBUGGED, server.url, "-X", "dev", "-W", "error")

    assert told == b""


async def _run(source: str, url: str, *flags: str) -> bytes:
    """Run a program and return its output."""
    command = [sys.executable, *flags, "-c", textwrap.dedent(source), url]
    with anyio.fail_after(30):
        ended = await anyio.run_process(command, check=False, stderr=subprocess.STDOUT)
    assert ended.returncode == 0, ended.stdout.decode()
    return ended.stdout
