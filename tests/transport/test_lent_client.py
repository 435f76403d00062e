"""The caller's own client: its hooks, and exceptions that carry the response."""

from collections.abc import Callable
from typing import Any, Final

import httpx
import pytest
from faults import Peer, Script, answer, client, core, guards, serve

from sikoia_async import (
    APIError,
    CallError,
    ConnectionFailedError,
    Limits,
    RateLimitError,
    ResourceNotFoundError,
    ServerError,
    TokenError,
)

pytestmark = pytest.mark.anyio

_URL: Final = "https://127.0.0.1:1"
_Hook = Callable[[Any], Any]


class _OwnError(Exception):
    def __init__(self, response: httpx.Response) -> None:
        self.response = response


class _StatusError(httpx.HTTPStatusError):
    pass


async def _raises(response: httpx.Response) -> None:
    response.raise_for_status()


async def _reads_and_raises(response: httpx.Response) -> None:
    await response.aread()
    response.raise_for_status()


async def _raises_own(response: httpx.Response) -> None:
    if response.is_error:
        raise _OwnError(response)


async def _raises_subclass(response: httpx.Response) -> None:
    if response.is_error:
        msg = "refused"
        raise _StatusError(msg, request=response.request, response=response)


_REFUSING: Final = pytest.mark.parametrize(
    "hook", [_raises, _reads_and_raises, _raises_own, _raises_subclass]
)


def _replies(*statuses: int) -> Script:
    """Respond with each status in turn, and repeat the last."""
    left = list(statuses)

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            status = left.pop(0) if len(left) > 1 else left[0]
            await peer.send(answer(status, b'{"detail": "why"}' if status >= 400 else b"[]"))

    return script


def _hooked(**hooks: _Hook) -> httpx.AsyncClient:
    events = {name: [hook] for name, hook in hooks.items()}
    return httpx.AsyncClient(event_hooks=events, trust_env=False)


@_REFUSING
@pytest.mark.parametrize(
    ("status", "error"),
    [(400, APIError), (404, ResourceNotFoundError), (409, APIError), (422, APIError)],
)
async def test_a_refused_status_is_final(hook: _Hook, status: int, error: type[APIError]) -> None:
    """The request is sent once, was not processed, costs nothing, and keeps its connection."""
    async with serve(_replies(status)) as server, _hooked(response=hook) as theirs:
        sikoia = client(server.url, http_client=theirs, retries=2)
        for method, chargeable in (("GET", False), ("POST", True)):
            with pytest.raises(error) as caught:
                await sikoia.request(method, "/v2/identity", chargeable=chargeable)
            assert caught.value.status == status
            assert b"why" in caught.value.body
            assert not caught.value.may_have_been_processed

    assert len(server.requests) == 2
    assert server.connections == 1
    assert not sikoia.spend


@_REFUSING
async def test_an_expired_token_is_renewed(hook: _Hook) -> None:
    """The 401 is seen, and the next token is sent."""
    tokens = iter(["first", "second"])
    async with serve(_replies(401, 200)) as server, _hooked(response=hook) as theirs:
        sikoia = client(server.url, http_client=theirs, token=lambda: next(tokens))
        assert await sikoia.request("POST", "/v2/identity", chargeable=True) == []

    assert [b"Bearer second" in one for one in server.requests] == [False, True]


@_REFUSING
@pytest.mark.virtual_time
async def test_statuses_are_retried_as_usual(hook: _Hook) -> None:
    """A 429 always, a 503 only if the request may be repeated."""
    statuses: list[int] = []
    theirs = httpx.AsyncClient(
        transport=httpx.MockTransport(lambda _: httpx.Response(statuses.pop(0), json=[])),
        event_hooks={"response": [hook]},
    )
    sikoia = client(_URL, http_client=theirs, retries=2)

    statuses[:] = [429, 503, 200]
    assert await sikoia.request("GET", "/v2/cases") == []
    statuses[:] = [429, 503, 200]
    with pytest.raises(ServerError) as caught:
        await sikoia.request("POST", "/v2/identity", chargeable=True)

    assert caught.value.may_have_been_processed
    assert statuses == [200]


@_REFUSING
async def test_a_refused_token_request_is_named(hook: _Hook) -> None:
    """The authorization server's 401 is not a lost connection."""
    async with serve(_replies(401)) as server, _hooked(response=hook) as theirs:
        way: dict[str, Any] = {"client_id": "an-id", "client_secret": "a-secret", "token": None}
        with pytest.raises(TokenError, match="granted no access token"):
            await client(server.url, http_client=theirs, retries=2, **way).request("GET", "/v2/x")

    assert len(server.requests) == 1


class _OtherError(Exception):
    """Carries nothing."""


_OWN: Final[list[Exception]] = [
    _OtherError(),
    httpx.ConnectError("of another request"),
    httpx.InvalidURL("of another request"),
    ConnectionResetError(),
    httpx.HTTPStatusError(
        "of another request",
        request=httpx.Request("GET", "https://secrets.example/"),
        response=httpx.Response(401, request=httpx.Request("GET", "https://secrets.example/")),
    ),
]
_OWN_ERRORS: Final = pytest.mark.parametrize("error", _OWN, ids=lambda one: type(one).__name__)


@_OWN_ERRORS
async def test_what_a_request_hook_raises_passes_and_nothing_was_sent(error: Exception) -> None:
    """Also if the hook has read the body, for example to sign it."""

    async def hook(request: httpx.Request) -> None:
        await request.aread()
        raise error

    async with serve(_replies(200)) as server, _hooked(request=hook) as theirs:
        sikoia = client(server.url, http_client=theirs, retries=2)
        with pytest.raises(type(error)) as caught:
            await sikoia.request("POST", "/v2/identity", body={"name": "Wilma"}, chargeable=True)

    assert caught.value is error
    assert not sikoia.spend
    assert not server.requests
    assert not hasattr(error, "__notes__")


@_OWN_ERRORS
async def test_what_a_response_hook_raises_passes_and_is_in_doubt(error: Exception) -> None:
    """The request was executed once, its connection is usable again, and no slot is lost."""

    async def hook(response: httpx.Response) -> None:
        await response.aread()
        raise error

    async with serve(_replies(200)) as server, _hooked(response=hook) as theirs:
        sikoia = client(server.url, http_client=theirs, retries=2, limits=Limits(max_in_flight=1))
        with pytest.raises(type(error)) as caught:
            await sikoia.request("POST", "/v2/identity", chargeable=True)
        theirs.event_hooks = {}
        assert await sikoia.request("GET", "/v2/cases") == []

    assert caught.value is error
    assert len(server.requests) == 2
    assert server.connections == 1
    assert dict(sikoia.spend) == {"identity.request": 1}
    assert "may have been processed" in caught.value.__notes__[0]
    del error.__notes__


async def test_an_own_error_about_a_good_response_passes() -> None:
    """The hook refuses the response for a reason of its own."""

    async def hook(response: httpx.Response) -> None:
        raise _OwnError(response)

    async with serve(_replies(200)) as server, _hooked(response=hook) as theirs:
        with pytest.raises(_OwnError):
            await client(server.url, http_client=theirs, retries=2).request("GET", "/v2/cases")

    assert len(server.requests) == 1


async def test_a_response_that_is_lost_while_a_hook_reads_it_is_lost() -> None:
    """It is a failed connection, as without the hook."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer(Content_Length="1000"))

    async with serve(script) as server, _hooked(response=httpx.Response.aread) as theirs:
        sikoia = client(server.url, http_client=theirs, retries=0)
        with pytest.raises(ConnectionFailedError) as caught:
            await sikoia.request("POST", "/v2/identity", chargeable=True)

    assert caught.value.may_have_been_processed
    assert guards(sikoia)[0].in_use == 0


class _Raising(httpx.AsyncBaseTransport):
    """A transport that calls `raise_for_status` itself, as those that retry may."""

    def __init__(self, wrapped: httpx.AsyncBaseTransport, *, closes: bool = False) -> None:
        self._wrapped = wrapped
        self._closes = closes

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._wrapped.handle_async_request(request)
        response.request = request
        if self._closes:
            await response.aclose()
        return response.raise_for_status()


class _RaisingClient(httpx.AsyncClient):
    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        return (await super().send(request, **options)).raise_for_status()


@pytest.mark.parametrize("closes", [False, True])
async def test_a_transport_that_raises_for_a_status(*, closes: bool) -> None:
    """The status is known, and the body unless the transport has closed it."""
    async with (
        serve(_replies(404, 404, 200)) as server,
        httpx.AsyncHTTPTransport(trust_env=False) as wrapped,
    ):
        sikoia = client(server.url, transport=_Raising(wrapped, closes=closes), retries=2)
        for method, chargeable in (("GET", False), ("POST", True)):
            with pytest.raises(ResourceNotFoundError) as caught:
                await sikoia.request(method, "/v2/identity", chargeable=chargeable)
            assert (b"why" in caught.value.body) is not closes
        if not closes:
            assert await sikoia.request("GET", "/v2/cases") == []

    assert not sikoia.spend
    assert core(sikoia).tally.attempts == 3 - closes


async def test_a_client_that_raises_for_a_status() -> None:
    """A subclass may call it in `send`."""
    async with serve(_replies(429, 404)) as server, _RaisingClient(trust_env=False) as theirs:
        sikoia = client(server.url, http_client=theirs, retries=1)
        with pytest.raises(ResourceNotFoundError):
            await sikoia.request("POST", "/v2/identity", chargeable=True)

    assert len(server.requests) == 2


@pytest.mark.parametrize("request_", [None, httpx.Request("GET", "https://secrets.example/")])
async def test_the_response_to_another_request_is_not_taken(
    request_: httpx.Request | None,
) -> None:
    """A transport may fail to fetch the credentials that it adds."""

    class Signing(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = httpx.Response(401, request=request_)
            msg = "no credentials"
            raise httpx.HTTPStatusError(msg, request=request, response=response)

    with pytest.raises(CallError) as caught:
        await client(_URL, transport=Signing(), retries=2).request("POST", "/v2/identity")

    assert isinstance(caught.value, ConnectionFailedError)
    assert caught.value.may_have_been_processed


async def test_a_rate_limit_is_told_as_one() -> None:
    """The hint of its header is kept."""
    async with serve(_replies(429)) as server, _hooked(response=_raises) as theirs:
        with pytest.raises(RateLimitError):
            await client(server.url, http_client=theirs).request("GET", "/v2/cases")
