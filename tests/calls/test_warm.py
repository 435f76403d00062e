"""`Sikoia.warm`: the access token and the connection are ready before the first call."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, NoReturn

import anyio
import anyio.lowlevel
import httpcore
import httpx
import pytest
from faults import (
    SECRET,
    TOKEN,
    NoPauses,
    Peer,
    Server,
    answer,
    assert_plain,
    certified,
    client,
    forward,
    guards,
    refusing,
    request_to,
    serve,
    trusting,
    tuned,
)

from sikoia_async import (
    ConnectionFailedError,
    DeadlineExceededError,
    Limits,
    Sikoia,
    TokenError,
)
from sikoia_async._transport.pool import ConnectionPool
from sikoia_async._transport.single import new_transport, open_ahead, use_single_connection
from sikoia_async._transport.stopwatch import Stopwatch
from sikoia_async._transport.types import state_of
from sikoia_async.environments import Environment

pytestmark = pytest.mark.anyio

_GRANTED: Final = answer(
    201, b'{"access_token": "%s", "expires_in": 3600}' % TOKEN.encode(), connection="close"
)


async def _answers(peer: Peer) -> None:
    while True:
        await peer.request()
        await peer.send(answer())


async def _grants(peer: Peer) -> None:
    await peer.request()
    await peer.send(_GRANTED)


async def _stalls(peer: Peer) -> None:
    await peer.gone()


def _environment(api: Server | str, token: Server) -> Environment:
    url = api if isinstance(api, str) else api.url
    return Environment(name="local", api=url, token_url=f"{token.url}/token", scope=f"{url}/x")


def _credentials(api: Server | str, token: Server, **options: Any) -> Sikoia:
    sikoia = Sikoia(
        "an-id", SECRET, environment=_environment(api, token), quota=None, retries=0, **options
    )
    return tuned(sikoia, retry_policy=NoPauses())


@asynccontextmanager
async def _route(kind: str, tls: Path) -> AsyncGenerator[dict[str, Any]]:
    """Return the options of a client that connects directly, or through a proxy."""
    if kind == "direct":
        yield {"tls": tls}
        return
    async with serve(forward, certified() if kind == "https proxy" else None) as proxy:
        yield {"tls": tls, "proxy": proxy.url}


@pytest.mark.parametrize("kind", ["direct", "http proxy", "https proxy"])
async def test_the_first_call_costs_no_handshake(kind: str, tmp_path: Path) -> None:
    """Over TLS, also through a tunnel; each connection to the server is one handshake."""
    async with (
        serve(_answers, certified()) as server,
        _route(kind, trusting(tmp_path)) as options,
        client(server.url, **options) as sikoia,
    ):
        await sikoia.warm()
        ready = (server.connections, list(server.requests))
        for _ in range(3):
            assert await sikoia.request("GET", "/v2/cases") == []

    assert ready == (1, [])
    assert server.connections == 1
    assert server.lines == 3 * ["GET /v2/cases"]
    assert sikoia.stats().connections_replaced == 0


async def test_over_plain_http_the_connection_is_open_too() -> None:
    """As with a local Sikoia."""
    async with serve(_answers) as server, client(server.url) as sikoia:
        await sikoia.warm()
        assert server.connections == 1
        await sikoia.request("GET", "/v2/cases")

    assert server.connections == 1


async def test_token_and_connection_are_fetched_at_the_same_time() -> None:
    """Each server waits for the other one to be reached, and one token serves the first call."""
    reached = {"api": anyio.Event(), "token": anyio.Event()}

    async def api(peer: Peer) -> None:
        reached["api"].set()
        await _answers(peer)

    async def token(peer: Peer) -> None:
        await peer.request()
        reached["token"].set()
        await reached["api"].wait()
        await peer.send(_GRANTED)

    async with (
        serve(api) as server,
        serve(token) as granter,
        _credentials(server, granter) as sikoia,
    ):
        await sikoia.warm()
        await sikoia.request("GET", "/v2/cases")

    assert reached["token"].is_set()
    assert (server.connections, granter.connections) == (1, 1)
    assert TOKEN.encode() in server.requests[0]


async def test_entering_a_client_sends_nothing() -> None:
    """An application starts while Sikoia is unavailable."""
    async with serve(_answers) as server, serve(_grants) as granter, _credentials(server, granter):
        pass

    assert (server.connections, granter.connections) == (0, 0)


async def test_an_unreachable_api_is_an_error_that_says_so() -> None:
    """Nothing was sent, and the client works as soon as the API does."""
    async with refusing() as url, client(url) as sikoia:
        with pytest.raises(ConnectionFailedError, match="could not be reached") as caught:
            await sikoia.warm()

    assert_plain(caught.value)
    assert caught.value.reached == "unsent"
    assert not caught.value.may_have_been_processed
    assert guards(sikoia)[-1].in_use == 0


async def test_an_untrusted_server_is_an_error(tmp_path: Path) -> None:
    """The error of a call, and no connection stays open."""
    tls = trusting(tmp_path)
    async with serve(_answers, certified("other.example")) as server:
        async with client(server.url, tls=tls) as sikoia:
            with pytest.raises(ConnectionFailedError, match="certificate is not valid"):
                await sikoia.warm()
        await _all_closed(server)


async def test_a_refused_token_is_an_error() -> None:
    """The connection that was being opened meanwhile is closed."""

    async def refuses(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer(401, b'{"error": "invalid_client"}'))

    async with serve(_stalls) as server:
        api = server.url.replace("http:", "https:")
        async with serve(refuses) as granter, _credentials(api, granter) as sikoia:
            with pytest.raises(TokenError, match="invalid_client") as caught:
                await sikoia.warm()
        await _all_closed(server)

    assert_plain(caught.value)


async def test_a_failing_token_function_is_an_error() -> None:
    """One that cannot reach its authorization server fails like an unreachable API."""

    def token() -> NoReturn:
        msg = "no network"
        raise httpx.ConnectError(msg)

    async with serve(_answers) as server, client(server.url, token=token) as sikoia:
        with pytest.raises(ConnectionFailedError, match="the function raised ConnectError"):
            await sikoia.warm()


async def test_the_timeout_applies() -> None:
    """A handshake that stalls ends then, and leaves nothing open."""
    async with serve(_stalls) as server:
        url = server.url.replace("http:", "https:")
        async with client(url) as sikoia:
            with pytest.raises(DeadlineExceededError, match=r"connection 0\.\d+ s") as caught:
                await sikoia.with_options(timeout=0.1).warm()
            await _all_closed(server)

    assert_plain(caught.value)
    assert guards(sikoia)[-1].in_use == 0


async def test_a_slow_token_is_what_the_deadline_names() -> None:
    """As soon as the connection is open."""
    async with (
        serve(_answers) as server,
        serve(_stalls) as granter,
        _credentials(server, granter) as sikoia,
    ):
        with pytest.raises(DeadlineExceededError, match=r"token 0\.\d+ s"):
            await sikoia.with_options(timeout=0.1).warm()


async def test_an_unused_connection_is_closed_with_the_client(tmp_path: Path) -> None:
    """Also the one inside a tunnel."""
    async with serve(_answers, certified()) as server, serve(forward) as proxy:
        for options in ({}, {"proxy": proxy.url}):
            async with client(server.url, tls=trusting(tmp_path), **options) as sikoia:
                await sikoia.warm()
                assert server.open == 1
            await _all_closed(server)


async def _all_closed(server: Server) -> None:
    with anyio.fail_after(5):
        while server.open:  # noqa: ASYNC110 - a count, and no event
            await anyio.sleep(0.001)


class _Clocked:
    """Opens connections ahead and sends requests, at times that are set by hand."""

    def __init__(self, server: Server) -> None:
        self.now = 100.0
        self._url = server.url
        self.pool = ConnectionPool(server.url, 1, lambda: new_transport(None, None, None))

    async def warm(self) -> None:
        await self.pool.open_ahead(self._request())

    async def send(self, **state: Any) -> None:
        response = await self.pool.handle_async_request(self._request(**state))
        await response.aread()
        await response.aclose()

    def _request(self, **state: Any) -> httpx.Request:
        request = request_to(self._url, headers={"Host": "127.0.0.1"}, **state)
        state_of(request).stopwatch = Stopwatch(lambda: self.now, "rate_limit")
        return request


async def test_a_connection_is_kept_for_a_while() -> None:
    """For fifteen seconds; later it is closed, and the request opens another one."""
    async with serve(_answers) as server:
        clocked = _Clocked(server)
        await clocked.warm()
        clocked.now += 14.9
        await clocked.send()
        assert server.connections == 1
        clocked.now += 20
        await clocked.warm()
        assert server.connections == 2
        clocked.now += 15.1
        await clocked.send()
        assert server.connections == 3
        await clocked.pool.aclose()
        await _all_closed(server)


async def test_a_request_that_must_not_be_repeated_uses_it_within_a_second() -> None:
    """A server may be closing one that was idle for longer."""
    async with serve(_answers) as server:
        clocked = _Clocked(server)
        for idle, connections in ((0.9, 1), (1.1, 2)):
            await clocked.pool.aclose()
            clocked = _Clocked(server)
            server.connections = 0
            await clocked.warm()
            clocked.now += idle
            await clocked.send(freshness="recent")
            assert server.connections == connections
        await clocked.pool.aclose()


async def test_warming_again_opens_nothing_more() -> None:
    """Neither while the connection is unused, nor once it has been used."""
    async with serve(_answers) as server, client(server.url) as sikoia:
        for _ in range(3):
            await sikoia.warm()
            await sikoia.warm()
            await sikoia.request("GET", "/v2/cases")

    assert server.connections == 1


async def test_calls_in_progress_are_not_disturbed() -> None:
    """If every connection is in use, none is opened."""
    held = anyio.Event()

    async def holds(peer: Peer) -> None:
        await peer.request()
        await held.wait()
        await peer.send(answer())

    async with serve(holds) as server:
        limits = Limits(max_in_flight=1)
        async with client(server.url, limits=limits) as sikoia, anyio.create_task_group() as tasks:
            tasks.start_soon(sikoia.request, "GET", "/v2/cases")
            while not server.requests:  # noqa: ASYNC110 - a list, and no event
                await anyio.sleep(0.001)
            await sikoia.warm()
            held.set()

    assert server.connections == 1


async def test_with_a_transport_of_the_caller_only_the_token_is_fetched() -> None:
    """Such a transport opens connections when it wants to."""
    seen: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path)
        return httpx.Response(201, json={"access_token": TOKEN, "expires_in": 3600})

    async with serve(_answers) as server:
        transport = httpx.MockTransport(respond)
        async with _credentials(server, server, transport=transport) as sikoia:
            await sikoia.warm()

    assert seen == ["/token"]
    assert server.connections == 0


async def test_an_api_key_needs_no_token() -> None:
    """Only the connection is opened."""
    async with serve(_answers) as server, client(server.url, token=None, api_key="k") as sikoia:
        await sikoia.warm()

    assert server.connections == 1
    assert not server.requests


async def test_a_closed_client_is_refused() -> None:
    """Like a call."""
    async with refusing() as url, client(url) as sikoia:
        pass
    with pytest.raises(RuntimeError, match="the client is closed"):
        await sikoia.warm()


def _refuses(*_: object) -> NoReturn:
    msg = "not mocked"
    raise AssertionError(msg)


async def _mocked(*_: object) -> httpcore.Response:
    return httpcore.Response(200, content=_Empty())


class _Empty(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncGenerator[bytes]:
        yield b""


@pytest.mark.parametrize(
    ("where", "mock"),
    [
        (httpx.AsyncHTTPTransport, _refuses),
        (httpcore.AsyncHTTPConnection, _refuses),
        (httpcore.AsyncHTTPConnection, _mocked),
    ],
    ids=["httpx", "httpcore", "httpcore that answers"],
)
async def test_mocks_of_test_libraries_are_left_alone(
    where: type, mock: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They replace the methods of httpx or httpcore; nothing is connected then."""
    async with serve(_answers) as server, client(server.url) as sikoia:
        with monkeypatch.context() as patched:
            patched.setattr(where, "handle_async_request", mock)
            await sikoia.warm()
        assert server.connections == 0
        await sikoia.request("GET", "/v2/cases")


async def test_without_the_private_names_of_httpx_nothing_is_opened_ahead() -> None:
    """The transport keeps httpx's own pool, and works."""
    async with serve(_answers) as server, httpx.AsyncHTTPTransport() as transport:
        own = transport._pool  # pyright: ignore[reportPrivateUsage] - the names in question
        backend = own.__dict__.pop("_network_backend")
        use_single_connection(transport)
        own.__dict__["_network_backend"] = backend
        await open_ahead(transport, request_to(server.url))
        assert server.connections == 0
        request = request_to(server.url, headers={"Host": "127.0.0.1"})
        response = await transport.handle_async_request(request)
        assert response.status_code == 200
        await response.aclose()


@pytest.mark.parametrize("after", range(0, 30, 3))
async def test_a_cancelled_warm_up_leaves_nothing_open(after: int, tmp_path: Path) -> None:
    """Wherever it is cancelled, and the next one succeeds."""
    async with serve(_answers, certified()) as server:
        async with client(server.url, tls=trusting(tmp_path)) as sikoia:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(sikoia.warm)
                for _ in range(after):
                    await anyio.lowlevel.checkpoint()
                tasks.cancel_scope.cancel()
            assert guards(sikoia)[-1].in_use == 0
            await sikoia.warm()
            assert await sikoia.request("GET", "/v2/cases") == []
        await _all_closed(server)


@pytest.mark.parametrize("after", range(0, 24, 3))
async def test_a_cancelled_first_call_leaves_nothing_open(after: int, tmp_path: Path) -> None:
    """Wherever it is cancelled while it takes over a connection through a tunnel."""
    async with (
        serve(_answers, certified()) as server,
        serve(forward) as proxy,
        client(server.url, tls=trusting(tmp_path), proxy=proxy.url) as sikoia,
    ):
        await sikoia.warm()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(sikoia.request, "GET", "/v2/cases")
            for _ in range(after):
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        assert guards(sikoia)[-1].in_use == 0
        assert await sikoia.request("GET", "/v2/cases") == []
        await sikoia.aclose()
        await _all_closed(server)


async def test_a_proxy_that_refuses_is_an_error() -> None:
    """And its connection is closed."""

    async def refuses(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer(407))
        await peer.gone()

    async with serve(refuses) as proxy, client("https://127.0.0.1:1", proxy=proxy.url) as sikoia:
        with pytest.raises(ConnectionFailedError, match="the proxy refused to connect: 407"):
            await sikoia.warm()
        await _all_closed(proxy)
