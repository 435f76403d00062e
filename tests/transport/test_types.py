"""The state of a request, and transports of the caller's that change the request."""

import copy
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, cast

import httpx
import pytest
from faults import Peer, answer, client, guards, request_to, serve

from sikoia_async import (
    ConfigurationError,
    ConnectionFailedError,
    Limits,
    ResourceNotFoundError,
    Sikoia,
)
from sikoia_async._transport.types import state_of

pytestmark = pytest.mark.anyio

_URL: Final = "https://127.0.0.1:1"


async def _answers(peer: Peer) -> None:
    while True:
        await peer.request()
        await peer.send(answer())


def _replaces(request: httpx.Request) -> None:
    request.extensions = {}


def _clears(request: httpx.Request) -> None:
    request.extensions.clear()


def _copies(request: httpx.Request) -> None:
    request.extensions = copy.deepcopy(dict(request.extensions))


def _deletes(request: httpx.Request) -> None:
    del request.extensions


_CHANGES: Final = [_replaces, _clears, _copies, _deletes]
_Change = Callable[[httpx.Request], None]


class _Transport(httpx.AsyncBaseTransport):
    """Changes each request, and responds to it with the id that it carries."""

    def __init__(self, change: _Change, *outcomes: int | Exception) -> None:
        self._change = change
        self._outcomes = list(outcomes)
        self.tokens: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.tokens.append(request.headers["Authorization"])
        self._change(request)
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        headers = {"X-Correlation-Id": request.headers["X-Correlation-Id"]}
        body: object = {"type": "ExpiredToken"} if outcome == 401 else []
        return httpx.Response(outcome, headers=headers, json=body)


@pytest.mark.parametrize("change", _CHANGES)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_transport_may_change_the_extensions(change: _Change, method: str) -> None:
    """The response arrives, with the correlation id that the hook read from it."""
    sikoia = client(_URL, transport=_Transport(change, 200))

    assert await sikoia.with_options(correlation_id="mine").request(method, "/v2/cases") == []


@pytest.mark.parametrize("change", _CHANGES)
async def test_a_refused_token_is_renewed_although_extensions_change(change: _Change) -> None:
    """The hook for 401s finds the state of the request."""
    tokens = iter(["first", "second"])
    transport = _Transport(change, 401, 200)
    sikoia = client(_URL, transport=transport, token=lambda: next(tokens))

    assert await sikoia.request("GET", "/v2/cases") == []
    assert transport.tokens == ["Bearer first", "Bearer second"]


@pytest.mark.parametrize("change", _CHANGES)
async def test_failures_are_reported_although_extensions_change(change: _Change) -> None:
    """A lost connection and a 404 have their own errors, with the facts about the call."""
    transport = _Transport(change, httpx.ReadError("lost"), 404)
    sikoia = client(_URL, transport=transport)

    with pytest.raises(ConnectionFailedError) as lost:
        await sikoia.request("POST", "/v2/cases", body={"name": "Loan"})
    with pytest.raises(ResourceNotFoundError) as missing:
        await sikoia.with_options(correlation_id="mine").request("GET", "/v2/cases/7")

    assert lost.value.may_have_been_processed
    assert missing.value.correlation_id == "mine"


@pytest.mark.parametrize("change", _CHANGES[:2])
async def test_hooks_of_an_http_client_may_change_the_extensions(change: _Change) -> None:
    """The request is sent, and its response is decoded."""

    async def hook(request: httpx.Request) -> None:
        change(request)

    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=[]))
    async with httpx.AsyncClient(transport=transport, event_hooks={"request": [hook]}) as theirs:
        assert await client(_URL, http_client=theirs).request("GET", "/v2/cases") == []


async def test_a_transport_may_build_a_new_request() -> None:
    """The response then belongs to another request, or to none."""

    class Forwarding(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            new = httpx.Request(request.method, "https://elsewhere.example/", content=b"{}")
            responses.append(httpx.Response(200, json=[], request=new if responses else None))
            return responses[-1]

    responses: list[httpx.Response] = []
    sikoia = client(_URL, transport=Forwarding())

    assert await sikoia.request("GET", "/v2/cases") == []
    assert await sikoia.request("POST", "/v2/cases", body={"name": "Loan"}) == []


async def _async_chunks() -> AsyncIterator[bytes]:
    yield b"[]"


@pytest.mark.parametrize(
    "response",
    [None, b"[]", httpx.Response(200, content=iter([b"[]"]))],
    ids=["None", "bytes", "synchronous stream"],
)
async def test_a_transport_that_returns_something_else_is_named(response: Any) -> None:
    """The error says what a transport must return, and no connection slot is lost."""

    class Wrong(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002
            return cast("httpx.Response", responses.pop(0))

    good = httpx.Response(200, content=_async_chunks())
    responses = [response, good]
    sikoia: Sikoia = client(_URL, transport=Wrong(), limits=Limits(max_in_flight=1))

    with pytest.raises(ConfigurationError, match=r"^transport: expected it to return"):
        await sikoia.request("GET", "/v2/cases")
    assert await sikoia.request("GET", "/v2/cases") == []


async def test_a_request_that_is_read_counts_as_sent() -> None:
    """Also if a transport reads it a second time; afterwards the body can be released."""
    request = request_to(_URL, "POST", content=b"name")
    state = state_of(request)
    assert not state.is_sent

    read = [b"".join([chunk async for chunk in state]) for _ in range(2)]
    state.release_body()

    assert read == [b"name", b"name"]
    assert state.is_sent
    assert b"".join([chunk async for chunk in state]) == b""


async def test_a_request_is_traced_until_it_is_sent() -> None:
    """Nothing that happens later is used, unless a large body may be refused meanwhile."""
    async with serve(_answers) as server, client(server.url) as sikoia:
        pool = guards(sikoia)[-1]
        for content, is_traced in ((b"", False), (b"[]", False), (b" " * 100_000, True)):
            request = request_to(server.url, headers={"Host": "127.0.0.1"}, content=content)
            response = await pool.handle_async_request(request)
            await response.aclose()
            assert state_of(request).is_sent
            assert ("trace" in request.extensions) is is_traced


async def test_a_trace_of_the_callers_sees_everything() -> None:
    """It stays on the request until its response has ended."""
    seen: list[str] = []

    async def trace(event: str, _: object) -> None:
        seen.append(event)

    async def add(request: httpx.Request) -> None:
        request.extensions["trace"] = trace

    async with serve(_answers) as server, httpx.AsyncClient() as theirs:
        theirs.event_hooks["request"] = [add]
        async with client(server.url, http_client=theirs) as sikoia:
            await sikoia.request("GET", "/v2/cases")

    assert seen[-1] == "http11.response_closed.complete"
