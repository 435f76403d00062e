"""The SDK's own httpx client: its hooks, its pool, and tools that trace httpx."""

import subprocess
import sys
from typing import Any, Final

import httpx
import pytest
from faults import Peer, answer, client, request_to, serve
from httpx import AsyncClient

from sikoia_async._transport.client import Client
from sikoia_async._transport.headers import fields_of
from sikoia_async._transport.pool import ConnectionPool

pytestmark = pytest.mark.anyio

_ORIGIN: Final = "http://127.0.0.1:1"


def _pool() -> ConnectionPool:
    return ConnectionPool(_ORIGIN, 1, lambda: httpx.MockTransport(lambda _: httpx.Response(200)))


async def test_hooks_run_before_and_after_a_request() -> None:
    """A request hook can change the request, and a response hook sees it."""
    seen: list[str] = []

    async def before(request: httpx.Request) -> None:
        request.headers["X-Added"] = "1"

    async def after(response: httpx.Response) -> None:
        seen.append(response.request.headers["X-Added"])

    own = Client(_pool(), {"request": [before], "response": [after]})
    response = await own.send(request_to(f"{_ORIGIN}/"))

    assert response.status_code == 200
    assert seen == ["1"]


async def test_a_response_hook_that_raises_frees_the_connection() -> None:
    """The response is closed, and the slot can be used again."""

    async def fail(_: httpx.Response) -> None:
        raise ZeroDivisionError

    def stream(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=_Endless())

    pool = ConnectionPool(_ORIGIN, 1, lambda: httpx.MockTransport(stream))
    with pytest.raises(ZeroDivisionError):
        await Client(pool, {"response": [fail]}).send(request_to(f"{_ORIGIN}/"))

    assert pool.free == 1


class _Endless(httpx.AsyncByteStream):
    def __aiter__(self) -> Any:
        raise AssertionError


async def test_a_closed_client_sends_nothing() -> None:
    """As httpx documents."""
    own = Client(_pool())
    await own.aclose()

    with pytest.raises(RuntimeError, match="closed"):
        await own.send(request_to(f"{_ORIGIN}/"))


@pytest.mark.parametrize("method", ["send", "_send_single_request"])
async def test_a_tool_that_replaces_a_method_sees_requests(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sentry and Datadog trace httpx by replacing `send`; vcrpy before 8 replaced the other."""
    seen: list[str] = []
    original = getattr(AsyncClient, method)

    async def replaced(self: AsyncClient, request: httpx.Request, **options: Any) -> Any:
        seen.append(request.url.path)
        return await original(self, request, **options)

    monkeypatch.setattr(AsyncClient, method, replaced)

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer())

    async with serve(script) as server, client(server.url) as sikoia:
        await sikoia.request("GET", "/v2/cases")

    assert seen == ["/v2/cases"]


async def test_a_tool_that_chooses_the_transport_mocks_requests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So does `respx.mock(using="httpx")`."""
    mock = httpx.MockTransport(lambda _: httpx.Response(200, json=["mocked"]))

    def choose(_: AsyncClient, __: httpx.URL) -> httpx.MockTransport:
        return mock

    monkeypatch.setattr(AsyncClient, "_transport_for_url", choose)

    assert await client(_ORIGIN).request("GET", "/v2/cases") == ["mocked"]


_TRACED: Final = """
import asyncio, functools, httpx

original = httpx.AsyncClient.send

@functools.wraps(original)
async def send(self, request, **options):
    print(request.url.path)
    return await original(self, request, **options)

httpx.AsyncClient.send = send

from sikoia_async import Sikoia, local

async def main():
    wire = httpx.MockTransport(lambda _: httpx.Response(200, json=[]))
    async with Sikoia(token="t", environment=local("http://127.0.0.1:1"), transport=wire) as sikoia:
        await sikoia.request("GET", "/v2/cases")

asyncio.run(main())
"""


async def test_a_tool_that_was_loaded_first_sees_requests() -> None:
    """It does not matter whether the tool or the SDK is imported first."""
    done = subprocess.run(  # noqa: ASYNC221 - a program of ours; nothing else runs meanwhile
        [sys.executable, "-c", _TRACED], capture_output=True, text=True, check=True
    )

    assert done.stdout == "/v2/cases\n"


def test_repeated_headers_are_joined() -> None:
    """A second `Transfer-Encoding` must not hide the first."""
    headers = httpx.Headers(
        [(b"Transfer-Encoding", b"gzip"), (b"Age", b"1"), (b"transfer-encoding", b"chunked")]
    )

    assert fields_of(headers) == {b"transfer-encoding": b"gzip, chunked", b"age": b"1"}
