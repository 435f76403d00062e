"""A session of aiohttp, without httpx-aiohttp in between: what it proves, and what it does not."""

import socket
import ssl
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
from faults import Peer, answer, certified, client, refusing, serve, trusting, tuned

from sikoia_async import (
    ClientStateError,
    ConfigurationError,
    ConnectionFailedError,
    ResourceNotFoundError,
    Sikoia,
)
from sikoia_async.environments import local

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True),
]

_Make = Callable[[], aiohttp.ClientSession]


async def _pass_on(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    return await handler(request)


class _Connector(aiohttp.TCPConnector):
    """A connector of the caller's."""


def _subclass() -> aiohttp.ClientSession:
    with pytest.warns(DeprecationWarning, match="discouraged"):

        class Session(aiohttp.ClientSession):
            """A session that may do anything."""

    return Session()


_UNPROVEN: Final[dict[str, _Make]] = {
    "a middleware": lambda: aiohttp.ClientSession(middlewares=[_pass_on]),
    "another connector": lambda: aiohttp.ClientSession(connector=_Connector()),
    "a subclass": _subclass,
}


@asynccontextmanager
async def _lent(
    url: str, make: _Make = aiohttp.ClientSession, **options: Any
) -> AsyncGenerator[Sikoia]:
    async with make() as session:
        yield client(url, http_client=session, **options)


def _replies(*responses: bytes) -> Callable[[Peer], Awaitable[None]]:
    async def script(peer: Peer) -> None:
        for response in responses:
            await peer.request()
            await peer.send(response)

    return script


async def _buy(sikoia: Sikoia) -> object:
    return await sikoia.request("POST", "/v2/identity", body={"name": "Wilma"}, chargeable=True)


async def test_a_refused_connection_is_retried() -> None:
    """Nothing was sent, because aiohttp connects first and never repeats a POST."""
    async with refusing() as url, _lent(url, retries=2) as sikoia:
        with pytest.raises(ConnectionFailedError, match="nothing was sent") as caught:
            await _buy(sikoia)

    assert len(caught.value.attempts) == 3
    assert not caught.value.may_have_been_processed
    assert not sikoia.spend


async def test_a_connection_that_takes_too_long_is_retried(tmp_path: Path) -> None:
    """The server accepts it, and begins no TLS."""

    async def silent(peer: Peer) -> None:
        await peer.gone()

    tls = aiohttp.TCPConnector(ssl=_context(tmp_path))
    async with serve(silent) as server, aiohttp.ClientSession(connector=tls) as session:
        url = server.url.replace("http:", "https:")
        sikoia = tuned(client(url, http_client=session, retries=1), connect_timeout=0.05)
        with pytest.raises(ConnectionFailedError, match="connecting timed out") as caught:
            await _buy(sikoia)

    assert len(caught.value.attempts) == 2
    assert not caught.value.may_have_been_processed


def _context(folder: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=trusting(folder))


async def test_a_wrong_certificate_is_final() -> None:
    """Nothing was sent, and every further attempt would fail too."""
    async with serve(_replies(), certified()) as server, _lent(server.url, retries=2) as sikoia:
        with pytest.raises(ConnectionFailedError, match="certificate is not valid") as caught:
            await _buy(sikoia)

    assert len(caught.value.attempts) == 1
    assert not caught.value.may_have_been_processed
    assert not sikoia.spend


async def test_a_proxy_that_refuses_is_named(tmp_path: Path) -> None:
    """Nothing was sent to Sikoia."""
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    async with serve(_replies(refusal)) as proxy:
        connector = aiohttp.TCPConnector(ssl=_context(tmp_path))
        made = aiohttp.ClientSession(connector=connector, proxy=proxy.url)
        async with _lent("https://127.0.0.1:1", lambda: made, retries=2) as sikoia:
            with pytest.raises(ConnectionFailedError, match="refused to connect: 407") as caught:
                await _buy(sikoia)

    assert len(caught.value.attempts) == 1
    assert not caught.value.may_have_been_processed


@pytest.mark.parametrize("make", _UNPROVEN.values(), ids=_UNPROVEN)
async def test_other_sessions_prove_nothing(make: _Make) -> None:
    """They may do the work, and then raise the error of a refused connection."""
    async with refusing() as url, _lent(url, make, retries=2) as sikoia:
        with pytest.raises(ConnectionFailedError) as caught:
            await _buy(sikoia)

    assert len(caught.value.attempts) == 1
    assert caught.value.may_have_been_processed
    assert dict(sikoia.spend) == {"identity.request": 1}


async def test_a_refused_connection_proves_nothing_for_what_aiohttp_repeats() -> None:
    """It may be the second attempt of aiohttp."""
    async with refusing() as url, _lent(url, retries=2) as sikoia:
        with pytest.raises(ConnectionFailedError) as caught:
            await sikoia.request("GET", "/v2/identity", chargeable=True)

    assert len(caught.value.attempts) == 1
    assert caught.value.may_have_been_processed


def _respond_and_close(listener: socket.socket, times: int) -> None:
    for _ in range(times):
        connection, _ = listener.accept()
        with connection:
            while not connection.recv(65_536).endswith(b"}"):
                pass
            connection.sendall(answer())


async def test_a_connection_that_was_closed_meanwhile_is_not_used() -> None:
    """Not even if the event loop had no time to read that: a POST would be in doubt."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=_respond_and_close, args=(listener, 3))
        server.start()
        async with _lent(f"http://127.0.0.1:{listener.getsockname()[1]}") as sikoia:
            for _ in range(3):
                assert await _buy(sikoia) == []
                time.sleep(0.05)  # noqa: ASYNC251 - the event loop is kept busy
        server.join()

    assert dict(sikoia.spend) == {"identity.request": 3}


_LOST: Final = {
    "no response": b"",
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "half a body": answer(Content_Length="1000"),
    "half a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n[",
}


@pytest.mark.parametrize("response", _LOST.values(), ids=_LOST)
async def test_a_lost_response_is_in_doubt(response: bytes) -> None:
    """The request is sent once."""
    async with (
        serve(_replies(response)) as server,
        _lent(server.url, retries=2) as sikoia,
    ):
        with pytest.raises(ConnectionFailedError) as caught:
            await _buy(sikoia)

    assert len(server.requests) == 1
    assert caught.value.may_have_been_processed


async def test_settings_of_the_session_change_no_response() -> None:
    """It raises for no status, follows no redirect, and decompresses nothing."""
    redirect = answer(302, b"", Location="https://elsewhere.example/")
    replies = _replies(answer(404, b'{"detail": "why"}'), redirect)
    made = aiohttp.ClientSession(raise_for_status=True, headers={"Authorization": "Bearer theirs"})
    async with serve(replies) as server, _lent(server.url, lambda: made) as sikoia:
        with pytest.raises(ResourceNotFoundError) as caught:
            await sikoia.request("GET", "/v2/cases/c-1")
        assert b"why" in caught.value.body
        with pytest.raises(Exception, match="302"):
            await sikoia.request("GET", "/v2/cases/c-1")

    assert server.connections == 1
    assert b"theirs" not in server.received


async def test_a_url_is_sent_as_it_is() -> None:
    """Aiohttp would decode what need not be encoded."""
    async with serve(_replies(answer())) as server, _lent(server.url) as sikoia:
        await sikoia.request("GET", "/v2/cases", query={"search": "a/b~c &d"})
        async with serve(_replies(answer())) as other, client(other.url) as plain:
            await plain.request("GET", "/v2/cases", query={"search": "a/b~c &d"})

    assert server.lines == other.lines


@pytest.mark.parametrize("size", [100, 100_000, 2_000_000])
async def test_a_body_arrives_whole(size: int) -> None:
    """A large one as a stream, because aiohttp would warn about it."""
    async with serve(_replies(answer())) as server, _lent(server.url) as sikoia:
        await sikoia.request("POST", "/v2/cases", body={"name": "a" * size})

    assert server.requests[0].endswith(b"a" * size + b'"}')
    assert b"chunked" not in server.requests[0].lower()


async def test_a_closed_session_has_sent_nothing() -> None:
    """The call is not counted."""
    session = aiohttp.ClientSession()
    await session.close()
    sikoia = client("https://127.0.0.1:1", http_client=session)
    with pytest.raises(ClientStateError, match="http_client is closed"):
        await _buy(sikoia)

    assert not sikoia.spend


async def test_a_session_with_credentials_is_refused() -> None:
    """Aiohttp would raise for each request that has an access token."""
    with pytest.warns(DeprecationWarning, match="auth"):
        made = aiohttp.ClientSession(auth=aiohttp.BasicAuth("a", "b"))
    async with made as session:
        with pytest.raises(ConfigurationError, match=r"^http_client: expected a session without"):
            Sikoia(token="t", http_client=session, environment=local("https://127.0.0.1:1"))


async def test_a_session_is_no_transport() -> None:
    """The error says where it goes."""
    async with aiohttp.ClientSession() as session:
        given: Any = session
        with pytest.raises(ConfigurationError, match=r"pass a client as http_client="):
            Sikoia(token="t", transport=given, environment=local("https://127.0.0.1:1"))
