"""A transport of httpx-aiohttp and a session of aiohttp, on real sockets. aiohttp needs asyncio."""

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
import httpx
import pytest
from faults import Peer, Script, answer, client, refusing, serve

from sikoia_async import ConnectionFailedError, Entity, Sikoia

httpx_aiohttp: Any = pytest.importorskip(
    "httpx_aiohttp", reason="the lowest versions are tested without it"
)

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True),
]

_CASE: Final = Entity("case", "c-1")


@asynccontextmanager
async def _as_transport(url: str, **options: Any) -> AsyncGenerator[Sikoia]:
    async with httpx_aiohttp.AiohttpTransport() as transport:
        yield client(url, transport=transport, **options)


@asynccontextmanager
async def _as_client(url: str, **options: Any) -> AsyncGenerator[Sikoia]:
    async with httpx_aiohttp.HttpxAiohttpClient() as theirs:
        yield client(url, http_client=theirs, **options)


@asynccontextmanager
async def _in_client(url: str, **options: Any) -> AsyncGenerator[Sikoia]:
    transport = httpx_aiohttp.AiohttpTransport()
    async with httpx.AsyncClient(transport=transport) as theirs:
        yield client(url, http_client=theirs, **options)


@asynccontextmanager
async def _as_session(url: str, **options: Any) -> AsyncGenerator[Sikoia]:
    async with aiohttp.ClientSession() as session:
        yield client(url, http_client=session, **options)


_INDIRECT: Final = [_as_transport, _as_client, _in_client]
_LENT: Final = pytest.mark.parametrize("lent", [*_INDIRECT, _as_session])


def _works(*, then: Callable[[Peer], Any], after: int = 0) -> Script:
    """Respond to some requests; do the work of the next one and then something else."""
    left: Iterator[int] = iter(range(after))

    async def script(peer: Peer) -> None:
        for _ in left:
            await peer.request()
            await peer.send(answer())
        await peer.request()
        await then(peer)

    return script


async def _closes(_: Peer) -> None:
    """Let the server close the connection."""


async def _buys(sikoia: Sikoia, what: str) -> None:
    if what == "identity":
        await sikoia.request("POST", "/v2/identity", body={"name": "Wilma"}, chargeable=True)
    elif what == "report":
        await sikoia.reports.excel(_CASE)
    else:
        await sikoia.request("POST", "/v2/empty", chargeable=True)


@_LENT
@pytest.mark.parametrize("what", ["identity", "report", "empty"])
@pytest.mark.parametrize("then", [Peer.reset, _closes], ids=["reset", "close"])
@pytest.mark.parametrize("after", [0, 2], ids=["cold", "warm"])
async def test_a_purchase_is_executed_once(
    lent: Callable[..., Any], what: str, then: Callable[[Peer], Any], after: int
) -> None:
    """Aiohttp's exceptions look like refused connections, and it repeats a GET by itself."""
    async with serve(_works(then=then, after=after)) as server, lent(server.url) as sikoia:
        for _ in range(after):
            await sikoia.request("GET", "/v2/cases")
        view = sikoia.with_options(timeout=5)
        with pytest.raises(ConnectionFailedError) as caught:
            await _buys(view, what)

    assert len(server.requests) == after + 1
    assert caught.value.may_have_been_processed
    assert "may have been sent" in str(caught.value)
    assert sum(sikoia.spend.values()) == 1


@_LENT
async def test_connections_are_kept(lent: Callable[..., Any]) -> None:
    """A request without a body is not sent in chunks, after which aiohttp gives up a connection."""

    async def script(peer: Peer) -> None:
        while True:
            request = await peer.request()
            file = b"PK\x03\x04" if b"excel" in request else b"[]"
            await peer.send(answer(body=file))

    async with serve(script) as server, lent(server.url, retries=2) as sikoia:
        for _ in range(20):
            await sikoia.request("GET", "/v2/cases")
            await sikoia.request("DELETE", "/v2/cases/c-1", into=bytes)
            await sikoia.request("POST", "/v2/cases", body={"name": "Loan"})
            await sikoia.with_options(retries=0).request("GET", "/v2/cases")
            await sikoia.request("GET", "/v2/excel", chargeable=True, into=bytes)

    assert len(server.requests) == 100
    assert server.connections == 1
    assert b"chunked" not in server.received.lower()


@pytest.mark.parametrize("lent", _INDIRECT)
async def test_a_refused_connection_is_retried_only_if_that_is_safe(
    lent: Callable[..., Any],
) -> None:
    """Its report proves nothing, because it raises the same error after the work was done."""
    async with refusing() as url, lent(url, retries=2) as sikoia:
        with pytest.raises(ConnectionFailedError) as caught:
            await sikoia.request("GET", "/v2/cases")
        assert len(caught.value.attempts) == 3
        with pytest.raises(ConnectionFailedError) as caught:
            await sikoia.request("POST", "/v2/identity", chargeable=True)
        assert len(caught.value.attempts) == 1
        assert caught.value.may_have_been_processed
