"""Where a client can be used: in its event loop and process, until it is closed."""

import asyncio
import os
import subprocess
import sys
import textwrap
from functools import partial
from types import ModuleType
from typing import Any, cast

import anyio
import httpx
import pytest
import trio
from faults import client

from sikoia_async import ClientStateError, Sikoia
from sikoia_async._transport.event_loop import current_loop


def _client() -> tuple[Sikoia, list[str]]:
    sent: list[str] = []

    def app(request: httpx.Request) -> httpx.Response:
        sent.append(request.url.path)
        return httpx.Response(200, content=b"[]")

    return client("https://127.0.0.1:1", transport=httpx.MockTransport(app)), sent


async def _call(sikoia: Sikoia) -> Any:
    return await sikoia.request("GET", "/v2/cases")


@pytest.mark.anyio
async def test_a_closed_client_cannot_be_used() -> None:
    """Neither directly, nor by a view, nor by entering it again; closing it twice is fine."""
    sikoia, sent = _client()
    view = sikoia.with_options(timeout=1)
    await sikoia.aclose()
    await sikoia.aclose()
    await view.aclose()

    for closed in (sikoia, view):
        with pytest.raises(ClientStateError, match="closed"):
            await _call(closed)
    with pytest.raises(ClientStateError, match="closed"):
        async with sikoia:
            pass
    assert not sent


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("second", ["asyncio", "trio"])
def test_a_client_stays_with_its_loop(backend: str, second: str) -> None:
    """A second `asyncio.run` has another loop, which does not own the connections."""
    sikoia, sent = _client()
    assert anyio.run(_call, sikoia, backend=backend) == []

    for use in (partial(_call, sikoia), sikoia.aclose):
        with pytest.raises(ClientStateError, match="another event loop"):
            anyio.run(use, backend=second)
    assert sent == ["/v2/cases"]


def test_a_guest_of_a_loop_is_another_loop() -> None:
    """A guest run of trio is inside asyncio's loop, which does not make that loop its own."""
    sikoia, sent = _client()

    async def host() -> object:
        await _call(sikoia)
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[Any] = loop.create_future()
        trio.lowlevel.start_guest_run(
            _call,
            sikoia,
            run_sync_soon_threadsafe=loop.call_soon_threadsafe,
            done_callback=ended.set_result,
            host_uses_signal_set_wakeup_fd=True,
        )
        return cast("object", (await ended).unwrap())

    with pytest.raises(ClientStateError, match="another event loop"):
        asyncio.run(host())
    assert sent == ["/v2/cases"]


def test_asyncio_may_be_imported_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a thread beside trio's loop: the module is there before its functions are."""
    monkeypatch.setitem(sys.modules, "asyncio", ModuleType("asyncio"))

    async def is_found() -> bool:
        return current_loop() is trio.lowlevel.current_trio_token()

    assert trio.run(is_found)


def test_a_client_can_be_created_outside_of_a_loop() -> None:
    """A module may create it when it is imported; the first call binds it to a loop."""
    sikoia, sent = _client()

    async def main() -> None:
        async with sikoia:
            await _call(sikoia)

    anyio.run(main)

    assert sent == ["/v2/cases"]


@pytest.mark.anyio
async def test_a_client_stays_with_its_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process is checked before the loop: asyncio has no loop in a forked child."""
    sikoia, sent = _client()
    await _call(sikoia)
    monkeypatch.setattr(os, "getpid", lambda: -1)

    for use in (partial(_call, sikoia), sikoia.aclose):
        with pytest.raises(ClientStateError, match="before this process was forked"):
            await use()
    assert sent == ["/v2/cases"]


_FORKS = """
    import asyncio, os, httpx
    from sikoia_async import ClientStateError, Sikoia

    app = httpx.MockTransport(lambda _: print("sent", flush=True) or httpx.Response(200, json=[]))
    sikoia = Sikoia(token="t", transport=app)

    async def call():
        try:
            await sikoia.request("GET", "/v2/cases")
        except ClientStateError as error:
            print(error, flush=True)

    async def main():
        await call()
        if {in_loop} and not os.fork():
            await call()
            os._exit(0)

    asyncio.run(main())
    if not {in_loop} and not os.fork():
        asyncio.run(call())
        os._exit(0)
    os.wait()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
@pytest.mark.parametrize("in_loop", [False, True], ids=["between loops", "in the loop"])
def test_a_forked_child_does_not_write_into_its_parents_connections(*, in_loop: bool) -> None:
    """A server that forks its workers after the first call must create a client in each."""
    script = textwrap.dedent(_FORKS).format(in_loop=in_loop)
    command = [sys.executable, "-W", "ignore", "-c", script]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)

    sent, refused = told.stdout.splitlines()
    assert sent == "sent"
    assert "before this process was forked" in refused
