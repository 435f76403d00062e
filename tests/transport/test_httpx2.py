"""Transports and clients of httpx2, on real sockets: what they prove, and what they do not."""

import logging
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

import httpx
import pytest
from faults import Peer, answer, client, refusing, serve

from sikoia_async import (
    ClientStateError,
    ConfigurationError,
    ConnectionFailedError,
    Limits,
    ResourceNotFoundError,
    Sikoia,
    UnexpectedResponseError,
)
from sikoia_async.environments import local

httpx2: Any = pytest.importorskip("httpx2", reason="the lowest versions are tested without it")

pytestmark = pytest.mark.anyio

_URL: Final = "https://127.0.0.1:1"


@asynccontextmanager
async def _as_transport(url: str, **options: Any) -> AsyncGenerator[Sikoia]:
    async with httpx2.AsyncHTTPTransport(trust_env=False) as transport:
        yield client(url, transport=transport, **options)


@asynccontextmanager
async def _as_client(url: str, **options: Any) -> AsyncGenerator[Sikoia]:
    async with httpx2.AsyncClient(trust_env=False) as theirs:
        yield client(url, http_client=theirs, **options)


_LENT: Final = pytest.mark.parametrize("lent", [_as_transport, _as_client])
_Lent = Callable[..., Any]


async def _buy(sikoia: Sikoia) -> object:
    return await sikoia.request("POST", "/v2/identity", body={"name": "Wilma"}, chargeable=True)


async def _responds(peer: Peer) -> None:
    while True:
        request = await peer.request()
        await peer.send(answer(404, b'{"detail": "why"}') if b"/none" in request else answer())


@_LENT
async def test_connections_are_kept(lent: _Lent) -> None:
    """Also after an error, and with every kind of body."""
    async with serve(_responds) as server, lent(server.url, retries=2) as sikoia:
        for _ in range(10):
            await sikoia.request("GET", "/v2/cases")
            await sikoia.request("DELETE", "/v2/cases/c-1", into=bytes)
            await _buy(sikoia)
            await sikoia.request("GET", "/v2/excel", chargeable=True, into=bytes)
            with pytest.raises(ResourceNotFoundError) as caught:
                await sikoia.request("GET", "/v2/none")
            assert b"why" in caught.value.body

    assert len(server.requests) == 50
    assert server.connections == 1
    assert b"chunked" not in server.received.lower()


@_LENT
async def test_a_refused_connection_is_retried(lent: _Lent) -> None:
    """The transport reports that it sent nothing."""
    async with refusing() as url, lent(url, retries=2) as sikoia:
        with pytest.raises(ConnectionFailedError, match="nothing was sent") as caught:
            await _buy(sikoia)

    assert len(caught.value.attempts) == 3
    assert not caught.value.may_have_been_processed
    assert not sikoia.spend


_LOST: Final = {
    "no response": b"",
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "half a body": answer(Content_Length="1000"),
    "half a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n[",
}


@_LENT
@pytest.mark.parametrize("response", _LOST.values(), ids=_LOST)
async def test_a_lost_response_is_in_doubt(lent: _Lent, response: bytes) -> None:
    """The request is sent once."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(response)

    async with serve(script) as server, lent(server.url, retries=2) as sikoia:
        with pytest.raises(ConnectionFailedError) as caught:
            await _buy(sikoia)

    assert len(server.requests) == 1
    assert caught.value.may_have_been_processed
    assert dict(sikoia.spend) == {"identity.request": 1}


@_LENT
async def test_an_endless_body_is_abandoned(lent: _Lent) -> None:
    """Its generators end, too: trio warns about those that do not."""

    async def endless(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await peer.send(b"1000\r\n" + b" " * 0x1000 + b"\r\n")

    limits = Limits(max_in_flight=1, max_body=100_000)
    async with serve(endless) as server, lent(server.url, limits=limits) as sikoia:
        for _ in range(2):
            with pytest.raises(UnexpectedResponseError):
                await sikoia.request("GET", "/v2/cases")

    assert server.connections == 2


class _Subclass(httpx2.AsyncHTTPTransport):  # type: ignore[misc]
    """A transport that may do anything besides."""


class _OwnClient(httpx2.AsyncClient):  # type: ignore[misc]
    """A client that may do anything besides."""


_UNPROVEN: Final[dict[str, Callable[[], dict[str, Any]]]] = {
    "transport": lambda: {"transport": _Subclass()},
    "client": lambda: {"http_client": _OwnClient()},
}


@pytest.mark.parametrize("lend", _UNPROVEN.values(), ids=_UNPROVEN)
async def test_a_subclass_proves_nothing(lend: Callable[[], dict[str, Any]]) -> None:
    """It may have done the work before its last connection was refused."""
    lent = lend()
    async with refusing() as url, next(iter(lent.values())):
        sikoia = client(url, retries=2, **lent)
        with pytest.raises(ConnectionFailedError) as caught:
            await _buy(sikoia)

    assert len(caught.value.attempts) == 1
    assert caught.value.may_have_been_processed


def _subclasses(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for one in kind.__subclasses__():
        yield from _subclasses(one)


_ERRORS: Final = [
    *_subclasses(httpx2.TransportError),
    *_subclasses(httpx2.StreamError),
    *(httpx2.DecodingError, httpx2.TooManyRedirects, httpx2.HTTPError, httpx2.InvalidURL),
    *(httpx2.CookieConflict, ConnectionResetError),
]


class _Working(httpx2.AsyncBaseTransport):  # type: ignore[misc]
    """Does the work of a request, and then raises or returns something."""

    def __init__(self, then: Callable[..., object]) -> None:
        self._then = then
        self.done = 0

    async def handle_async_request(self, request: Any) -> Any:  # noqa: ARG002
        self.done += 1
        try:
            result = self._then("no")
        except TypeError:
            result = self._then()
        if isinstance(result, Exception):
            raise result
        return result


@pytest.mark.parametrize("error", _ERRORS)
@pytest.mark.parametrize("in_client", [False, True])
async def test_no_exception_proves_that_nothing_was_sent(
    error: type[Exception], *, in_client: bool
) -> None:
    """Whatever a transport raises, it may have sent the request before."""
    working = _Working(error)
    lent: dict[str, Any] = {"transport": working}
    if in_client:
        lent = {"http_client": httpx2.AsyncClient(transport=working)}
    sikoia = client(_URL, retries=2, **lent)
    with pytest.raises(ConnectionFailedError) as caught:
        await _buy(sikoia)

    assert working.done == 1
    assert caught.value.may_have_been_processed
    assert caught.value.reached == "sent"


async def test_an_unknown_exception_passes() -> None:
    """As from a transport of httpx."""
    with pytest.raises(LookupError, match="no"):
        await client(_URL, transport=_Working(LookupError)).request("GET", "/v2/cases")


def _respond(status: int, request: object, **content: Any) -> Any:
    del request
    return httpx2.Response(status, **content)


async def test_a_response_made_of_bytes_is_taken() -> None:
    """As mocks return it."""
    mock = httpx2.MockTransport(partial(_respond, 200, json=[{"id": 1}]))
    sikoia = client(_URL, transport=mock)
    other = client(_URL, http_client=httpx2.AsyncClient(transport=mock))

    assert await sikoia.request("GET", "/v2/cases") == [{"id": 1}]
    assert await other.request("GET", "/v2/cases") == [{"id": 1}]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: httpx2.Response(200, stream=httpx2.SyncByteStream()),
        lambda: "a response",
    ],
    ids=["a synchronous stream", "something else"],
)
async def test_a_wrong_response_is_refused(wrong: Callable[[], object]) -> None:
    """The error says what is expected."""
    with pytest.raises(ConfigurationError, match="expected it to return an httpx2"):
        await client(_URL, transport=_Working(wrong)).request("GET", "/v2/cases")


class _Unclosable(httpx2.AsyncByteStream):  # type: ignore[misc]
    """A body whose connection is lost while it is closed."""

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        yield b"[]"

    async def aclose(self) -> None:
        msg = "lost"
        raise httpx2.CloseError(msg)


async def test_a_response_that_cannot_be_closed_is_lost() -> None:
    """No exception of httpx2 reaches the caller."""
    working = _Working(lambda: httpx2.Response(200, stream=_Unclosable()))
    with pytest.raises(ConnectionFailedError) as caught:
        await _buy(client(_URL, transport=working, retries=2))

    assert working.done == 1
    assert caught.value.may_have_been_processed


class _Raising(httpx2.AsyncBaseTransport):  # type: ignore[misc]
    """A transport that calls `raise_for_status` itself, as those that retry may."""

    def __init__(self, wrapped: Any, *, names: bool) -> None:
        self._wrapped = wrapped
        self._names = names

    async def handle_async_request(self, request: Any) -> Any:
        response = await self._wrapped.handle_async_request(request)
        if self._names:
            response.request = request
        msg = "refused"
        raise httpx2.HTTPStatusError(msg, request=request, response=response)


async def test_a_transport_that_raises_for_a_status() -> None:
    """The status and the body are known."""
    async with serve(_responds) as server, httpx2.AsyncHTTPTransport() as wrapped:
        sikoia = client(server.url, transport=_Raising(wrapped, names=True), retries=2)
        with pytest.raises(ResourceNotFoundError) as caught:
            await sikoia.request("POST", "/v2/none", chargeable=True)

    assert b"why" in caught.value.body
    assert not sikoia.spend


async def test_a_response_of_no_request_is_not_taken() -> None:
    """It may belong to another one."""
    mock = httpx2.MockTransport(partial(_respond, 401))
    sikoia = client(_URL, transport=_Raising(mock, names=False), retries=2)
    with pytest.raises(ConnectionFailedError) as caught:
        await _buy(sikoia)

    assert caught.value.may_have_been_processed


async def test_hooks_see_and_change_requests_of_httpx2() -> None:
    """They are called as for a client of httpx; a status that one refuses is the SDK's error."""
    seen = list[Any]()

    async def on_request(request: Any) -> None:
        request.headers["X-Theirs"] = "yes"
        seen.append(request)

    async def on_response(response: Any) -> None:
        seen.append(response)
        await response.aread()
        response.raise_for_status()

    hooks = {"request": [on_request], "response": [on_response]}
    async with serve(_responds) as server, httpx2.AsyncClient(event_hooks=hooks) as theirs:
        sikoia = client(server.url, http_client=theirs)
        assert await sikoia.request("GET", "/v2/cases") == []
        with pytest.raises(ResourceNotFoundError) as caught:
            await sikoia.request("GET", "/v2/none")

    assert b"why" in caught.value.body
    assert [type(one) for one in seen] == [httpx2.Request, httpx2.Response] * 2
    assert all(b"x-theirs: yes" in request.lower() for request in server.requests)
    assert server.connections == 1


@pytest.mark.parametrize("error", [LookupError("theirs"), httpx2.ConnectError("theirs")])
@pytest.mark.parametrize("event", ["request", "response"])
async def test_what_a_hook_raises_passes(error: Exception, event: str) -> None:
    """Nothing was sent if it was a request hook."""

    async def hook(message: Any) -> None:
        await message.aread()
        raise error

    async with serve(_responds) as server, httpx2.AsyncClient(event_hooks={event: [hook]}) as own:
        sikoia = client(server.url, http_client=own, retries=2, limits=Limits(max_in_flight=1))
        with pytest.raises(type(error)) as caught:
            await _buy(sikoia)
        own.event_hooks = {}
        await _buy(sikoia)

    assert caught.value is error
    assert len(server.requests) == 1 + (event == "response")
    assert sum(sikoia.spend.values()) == len(server.requests)


async def test_a_response_that_is_lost_while_a_hook_reads_it_is_lost() -> None:
    """It is a failed connection, as without the hook."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer(Content_Length="1000"))

    hooks = {"response": [httpx2.Response.aread]}
    async with serve(script) as server, httpx2.AsyncClient(event_hooks=hooks) as theirs:
        with pytest.raises(ConnectionFailedError) as caught:
            await _buy(client(server.url, http_client=theirs))

    assert caught.value.may_have_been_processed


async def test_a_closed_client_has_sent_nothing() -> None:
    """The call is not counted."""
    theirs = httpx2.AsyncClient()
    await theirs.aclose()
    sikoia = client(_URL, http_client=theirs)
    with pytest.raises(ClientStateError):
        await _buy(sikoia)

    assert not sikoia.spend


@_LENT
async def test_requests_are_not_logged(lent: _Lent, caplog: pytest.LogCaptureFixture) -> None:
    """Their URLs hold ids. Requests of others still are."""
    with caplog.at_level(logging.DEBUG):
        async with serve(_responds) as server, lent(server.url) as sikoia:
            await sikoia.request("GET", "/v2/cases/c-4711")
            async with httpx2.AsyncClient(trust_env=False) as theirs:
                await theirs.get(f"{server.url}/others")

    assert "c-4711" not in caplog.text
    assert "/others" in caplog.text


_WRONG: Final[dict[str, tuple[str, Callable[[], Any]]]] = {
    "a synchronous client": ("http_client", httpx2.Client),
    "a synchronous transport": ("transport", httpx2.HTTPTransport),
    "an abstract transport": ("transport", httpx2.AsyncBaseTransport),
    "a client as transport": ("transport", httpx2.AsyncClient),
    "a transport as client": ("http_client", httpx2.AsyncHTTPTransport),
    "a client of a wrong transport": (
        "http_client",
        lambda: httpx2.AsyncClient(transport=httpx.AsyncHTTPTransport()),
    ),
}


@pytest.mark.parametrize(("argument", "make"), _WRONG.values(), ids=_WRONG)
def test_what_cannot_send_is_refused(argument: str, make: Callable[[], Any]) -> None:
    """In the constructor, which says what is accepted."""
    lent = {argument: make()}
    with pytest.raises(ConfigurationError, match=rf"^{argument}: .*httpx2"):
        Sikoia(token="t", environment=local(_URL), **lent)
