"""Transports and clients of the caller's: what their exceptions prove, and what they do not."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, cast

import httpx
import pytest
from faults import client, refusing

from sikoia_async import ClientStateError, ConnectionFailedError, Sikoia

pytestmark = pytest.mark.anyio

_URL: Final = "https://127.0.0.1:1"


def _subclasses(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for one in kind.__subclasses__():
        yield from _subclasses(one)


_ERRORS: Final = [
    *_subclasses(httpx.TransportError),
    httpx.DecodingError,
    httpx.TooManyRedirects,
    httpx.HTTPError,
    httpx.RequestError,
    httpx.StreamClosed,
    httpx.StreamConsumed,
    httpx.RequestNotRead,
    httpx.ResponseNotRead,
    httpx.InvalidURL,
    httpx.CookieConflict,
    OSError,
    TimeoutError,
    ConnectionRefusedError,
    ConnectionResetError,
]


class _Working(httpx.AsyncBaseTransport):
    """Does the work of a request, and then raises."""

    def __init__(self, error: Callable[..., Exception]) -> None:
        self._error = error
        self.done = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002
        self.done += 1
        try:
            error = self._error("no")
        except TypeError:
            error = self._error()
        raise error


def _as_transport(working: httpx.AsyncBaseTransport, url: str = _URL, **options: Any) -> Sikoia:
    return client(url, transport=working, **options)


def _as_client(working: httpx.AsyncBaseTransport, url: str = _URL, **options: Any) -> Sikoia:
    return client(url, http_client=httpx.AsyncClient(transport=working), **options)


_LENT: Final = pytest.mark.parametrize("lent", [_as_transport, _as_client])


@_LENT
@pytest.mark.parametrize("error", _ERRORS)
@pytest.mark.parametrize(("method", "chargeable"), [("POST", True), ("GET", True), ("POST", False)])
async def test_no_exception_proves_that_nothing_was_sent(
    lent: Callable[..., Sikoia], error: type[Exception], method: str, *, chargeable: bool
) -> None:
    """Whatever a transport raises, it may have sent the request before."""
    working = _Working(error)
    sikoia = lent(working, retries=2)

    with pytest.raises(ConnectionFailedError) as caught:
        await sikoia.request(method, "/v2/identity", chargeable=chargeable)

    assert working.done == 1
    assert caught.value.may_have_been_processed
    assert caught.value.reached == "sent"
    assert str(caught.value).startswith("the request may have been sent, and no response arrived")
    assert sum(sikoia.spend.values()) == chargeable


@_LENT
@pytest.mark.virtual_time
async def test_what_is_safe_is_retried_after_any_exception(lent: Callable[..., Sikoia]) -> None:
    """A GET that costs nothing can be sent twice."""
    working = _Working(httpx.ConnectTimeout)

    with pytest.raises(ConnectionFailedError) as caught:
        await lent(working, retries=2).request("GET", "/v2/cases")

    assert working.done == 3
    assert not caught.value.may_have_been_processed


@pytest.mark.parametrize("http_client", [False, True])
async def test_a_refused_connection_of_an_httpx_transport_is_retried(*, http_client: bool) -> None:
    """Its trace proves that nothing was sent."""
    async with refusing() as url, httpx.AsyncHTTPTransport(trust_env=False) as transport:
        lent: dict[str, Any] = {"transport": transport}
        if http_client:
            lent = {"http_client": httpx.AsyncClient(transport=transport)}
        sikoia = client(url, retries=2, **lent)

        with pytest.raises(ConnectionFailedError, match="nothing was sent") as caught:
            await sikoia.request("POST", "/v2/identity", chargeable=True)

    assert len(caught.value.attempts) == 3
    assert not caught.value.may_have_been_processed
    assert not sikoia.spend


class _Failover(httpx.AsyncBaseTransport):
    """Does the work in its own way, and fails with the error of a refused connection."""

    def __init__(self, refused: httpx.AsyncBaseTransport) -> None:
        self._refused = refused
        self.done = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.done += 1
        return await self._refused.handle_async_request(request)


@_LENT
async def test_a_wrapped_transport_proves_nothing(lent: Callable[..., Sikoia]) -> None:
    """It may have sent the request before its last connection was refused."""
    async with refusing() as url, httpx.AsyncHTTPTransport(trust_env=False) as refused:
        failover = _Failover(refused)
        sikoia = lent(failover, url, retries=2)
        with pytest.raises(ConnectionFailedError) as caught:
            await sikoia.request("POST", "/v2/identity", chargeable=True)

    assert failover.done == 1
    assert caught.value.may_have_been_processed
    assert dict(sikoia.spend) == {"identity.request": 1}


class _Repeating(httpx.AsyncBaseTransport):
    """Sends a request twice, as some versions of aiohttp do with a GET."""

    done = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        for _ in range(2):
            async for _ in cast("httpx.AsyncByteStream", request.stream):
                pass
            self.done += 1
        return httpx.Response(200, json=[])


@_LENT
async def test_a_transport_cannot_repeat_what_is_paid_for(lent: Callable[..., Sikoia]) -> None:
    """Not even a GET, whose body is empty."""
    repeating = _Repeating()
    sikoia = lent(repeating, retries=2)
    with pytest.raises(ConnectionFailedError) as caught:
        await sikoia.request("GET", "/v2/excel", chargeable=True)

    assert repeating.done == 1
    assert caught.value.may_have_been_processed


class _Subclass(httpx.AsyncHTTPTransport):
    done = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.done += 1
        return await super().handle_async_request(request)


class _RetryingClient(httpx.AsyncClient):
    done = 0

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        self.done += 1
        return await super().send(request, **options)


@pytest.mark.parametrize("argument", ["transport", "http_client"])
async def test_a_subclass_proves_nothing(argument: str) -> None:
    """It may do anything besides what httpx does."""
    made = _Subclass() if argument == "transport" else _RetryingClient(trust_env=False)
    async with refusing() as url, made:
        lent: dict[str, Any] = {argument: made}
        sikoia = client(url, retries=2, **lent)
        with pytest.raises(ConnectionFailedError) as caught:
            await sikoia.request("POST", "/v2/identity", chargeable=True)

    assert made.done == 1
    assert caught.value.may_have_been_processed
    assert dict(sikoia.spend) == {"identity.request": 1}


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ConnectTimeout, httpx.ReadTimeout])
async def test_a_mocked_transport_of_httpx_proves_nothing(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Test libraries replace the method of httpx's transport, under the SDK's own connections."""
    working = _Working(error)

    async def mock(_: object, request: httpx.Request) -> httpx.Response:
        return await working.handle_async_request(request)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", mock)
    sikoia = client(_URL, retries=2)

    with pytest.raises(ConnectionFailedError) as caught:
        await sikoia.request("POST", "/v2/identity", chargeable=True)

    assert working.done == 1
    assert caught.value.may_have_been_processed


async def test_a_closed_client_has_sent_nothing() -> None:
    """The call is not counted."""
    theirs = httpx.AsyncClient()
    sikoia = client(_URL, http_client=theirs)
    await theirs.aclose()

    with pytest.raises(ClientStateError) as caught:
        await sikoia.request("POST", "/v2/identity", chargeable=True)

    assert not sikoia.spend
    assert not hasattr(caught.value, "__notes__")


async def test_a_unix_socket_without_a_listener_is_retried(tmp_path: Path) -> None:
    """Connecting to it is reported like any connection."""
    async with httpx.AsyncHTTPTransport(uds=str(tmp_path / "none")) as transport:
        sikoia = client("http://127.0.0.1:1", transport=transport, retries=2)
        with pytest.raises(ConnectionFailedError, match="nothing was sent") as caught:
            await sikoia.request("POST", "/v2/identity", chargeable=True)

    assert len(caught.value.attempts) == 3
