"""The connection pool: one origin, bounded concurrency, and no lost slots."""

import errno
import socket
import sys
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Final, cast

import anyio
import httpx
import pytest
from faults import (
    Peer,
    Script,
    Server,
    answer,
    certified,
    client,
    guards,
    no_descriptors,
    refusing,
    request_to,
    serve,
    trusting,
)

from sikoia_async import CallError, ConfigurationError, Limits
from sikoia_async._transport.faults import is_out_of_descriptors
from sikoia_async._transport.pool import ConnectionPool
from sikoia_async._transport.single import new_transport
from sikoia_async._transport.stopwatch import Stopwatch
from sikoia_async._transport.types import Freshness, state_of

pytestmark = pytest.mark.anyio

_ORIGIN: Final = "https://api.example"


def _request(url: str = f"{_ORIGIN}/v2/cases") -> httpx.Request:
    return request_to(url)


def _fine() -> httpx.AsyncBaseTransport:
    return httpx.MockTransport(lambda _: httpx.Response(200, content=b"[]"))


def _flowing() -> httpx.AsyncBaseTransport:
    """Return a transport whose responses have a streamed body, as over a socket."""

    async def body() -> AsyncIterator[bytes]:
        yield b"[]"

    return httpx.MockTransport(lambda _: httpx.Response(200, content=body()))


async def _answers(peer: Peer) -> None:
    while True:
        await peer.request()
        await peer.send(answer())


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/v2/cases",
        "https://api.example.evil.example/v2/cases",
        "https://api.example@evil.example/v2/cases",
        "https://evil.example/https://api.example/v2/cases",
        "https://api.example:444/v2/cases",
        "http://api.example/v2/cases",
        "http://api.example:443/v2/cases",
        "//evil.example/v2/cases",
    ],
)
async def test_nothing_goes_to_another_origin(url: str) -> None:
    """The token goes to one origin only."""
    made: list[str] = []

    def make() -> httpx.AsyncBaseTransport:
        made.append(url)
        return _fine()

    pool = ConnectionPool(_ORIGIN, 1, make)

    with pytest.raises(ConfigurationError, match="another origin"):
        await pool.handle_async_request(_request(url))
    assert not made
    assert pool.free == 1


@pytest.mark.parametrize("url", [f"{_ORIGIN}:443/", "https://API.example/"])
async def test_the_same_origin_may_be_spelt_differently(url: str) -> None:
    """The default port and capital letters do not matter."""
    response = await ConnectionPool(_ORIGIN, 1, _fine).handle_async_request(_request(url))

    assert response.status_code == 200


async def test_concurrency_is_bounded_by_the_slots() -> None:
    """Twelve calls over three slots keep the server busy with three requests, never more."""
    running = most = 0
    crowded = anyio.Event()

    async def script(peer: Peer) -> None:
        nonlocal running, most
        while True:
            await peer.request()
            running += 1
            most = max(most, running)
            if running == 3:
                crowded.set()
            await crowded.wait()
            running -= 1
            await peer.send(answer())

    async with (
        serve(script) as server,
        client(server.url, limits=Limits(max_in_flight=3)) as sikoia,
        anyio.create_task_group() as calls,
    ):
        for _ in range(12):
            calls.start_soon(sikoia.request, "GET", "/v2/cases")

    assert most == 3
    assert len(server.requests) == 12
    assert server.connections == 3


async def test_a_request_knows_whether_others_are_in_progress() -> None:
    """The first one does not, and the second one beside it does."""
    pool = ConnectionPool(_ORIGIN, 2, _flowing)
    requests = [_request(), _request(), _request()]
    responses = [await pool.handle_async_request(one) for one in requests[:2]]
    for response in responses:
        await response.aclose()
    await pool.handle_async_request(requests[2])

    assert [state_of(one).is_concurrent for one in requests] == [False, True, False]


async def test_calls_in_turn_share_a_connection() -> None:
    """Twenty sequential calls need one connection, although there are sixteen slots."""
    async with serve(_answers) as server, client(server.url) as sikoia:
        for _ in range(20):
            await sikoia.request("GET", "/v2/cases")

    assert server.connections == 1


async def test_a_transport_of_the_callers_is_shared_and_left_open() -> None:
    """It serves all slots, and the caller closes it."""

    class Brought(httpx.AsyncBaseTransport):
        asked = closed = 0

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002
            self.asked += 1
            if self.asked == 2:
                msg = "lost"
                raise httpx.ReadError(msg)
            return httpx.Response(200, content=b"[]")

        async def aclose(self) -> None:
            self.closed += 1

    brought = Brought()
    async with client("http://127.0.0.1:1", transport=brought, retries=1) as sikoia:
        for _ in range(3):
            await sikoia.request("GET", "/v2/cases")

    assert (brought.asked, brought.closed) == (4, 0)
    assert guards(sikoia)[0].connections_replaced == 0


@pytest.mark.parametrize("make", [_fine, _flowing], ids=["bytes", "stream"])
async def test_a_response_made_of_bytes_frees_its_slot(
    make: Callable[[], httpx.AsyncBaseTransport],
) -> None:
    """Httpx regards it as read, and never closes it."""
    async with client(
        "http://127.0.0.1:1", transport=make(), limits=Limits(max_in_flight=2)
    ) as sikoia:
        for _ in range(5):
            await sikoia.request("GET", "/v2/cases")

        assert guards(sikoia)[0].free == 2


async def _resets(peer: Peer) -> None:
    await peer.request()
    await peer.reset()


async def _cuts(peer: Peer) -> None:
    await peer.request()
    await peer.send(answer()[:-1])


async def _fails(peer: Peer) -> None:
    await peer.request()
    await peer.send(answer(500))
    await peer.gone()


@pytest.mark.parametrize(
    ("script", "connections_replaced"),
    [(_resets, 1), (_cuts, 1), (_fails, 0)],
    ids=["reset", "cut", "500"],
)
async def test_a_broken_exchange_costs_its_connection_and_no_slot(
    script: Script, connections_replaced: int
) -> None:
    """The connection is kept only if the response was complete."""
    async with (
        serve(script) as server,
        client(server.url, limits=Limits(max_in_flight=2)) as sikoia,
    ):
        with pytest.raises(CallError):
            await sikoia.request("GET", "/v2/cases")
        (pool,) = guards(sikoia)

        assert pool.free == 2
        assert pool.connections_replaced == connections_replaced


async def test_a_refused_connection_costs_no_slot() -> None:
    """The slot is free again."""
    async with refusing() as url, client(url, limits=Limits(max_in_flight=2)) as sikoia:
        with pytest.raises(CallError):
            await sikoia.request("GET", "/v2/cases")

        assert guards(sikoia)[0].free == 2


@pytest.mark.parametrize("times", [1, 2])
async def test_a_slot_is_freed_once(times: int) -> None:
    """Closing a response twice frees one slot; an unread response costs the connection."""
    pool = ConnectionPool(_ORIGIN, 2, _flowing)
    response = await pool.handle_async_request(_request())
    held = pool.free

    for _ in range(times):
        await cast("httpx.AsyncByteStream", response.stream).aclose()

    assert (held, pool.free, pool.connections_replaced) == (1, 2, 1)


async def test_a_transport_that_cannot_be_created_costs_no_slot() -> None:
    """The slot is free again after the error."""

    def make() -> httpx.AsyncBaseTransport:
        msg = "no certificates"
        raise ConfigurationError(msg)

    pool = ConnectionPool(_ORIGIN, 1, make)

    for _ in range(2):
        with pytest.raises(ConfigurationError, match="no certificates"):
            await pool.handle_async_request(_request())
    assert pool.free == 1


class _Idle:
    """Sends requests over one slot; its clock is set by hand, and its sockets are real."""

    def __init__(self, server: Server) -> None:
        self.now = 0.0
        self._server = server
        self._pool = ConnectionPool(server.url, 1, lambda: new_transport(None, None, None))

    async def send(self, freshness: Freshness = "open") -> int:
        """Send a request, and return how many connections there were until now."""
        headers = {"Host": "127.0.0.1"}
        request = request_to(self._server.url, headers=headers, freshness=freshness)
        state_of(request).stopwatch = Stopwatch(lambda: self.now, "rate_limit")
        response = await self._pool.handle_async_request(request)
        await response.aread()
        await response.aclose()
        assert self._pool.connections_replaced == 0
        return self._server.connections

    async def close(self) -> None:
        await self._pool.aclose()


def _announcing(header: str) -> Script:
    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(answer(Keep_Alive=header))

    return script


@pytest.mark.parametrize(
    ("header", "used", "unused"),
    [
        ("timeout=5", 3.9, 4.1),
        ("timeout=5, max=100", 3.9, 4.1),
        ("max=100, timeout=5", 3.9, 4.1),
        ("Timeout = 5", 3.9, 4.1),
        ('timeout="5"', 3.9, 4.1),
        ("timeout=2", 0.9, 1.1),
        ("timeout=1", 0.4, 0.6),
        ("timeout=0", None, 0.0),
    ],
)
async def test_a_keep_alive_header_is_obeyed(
    header: str, used: float | None, unused: float
) -> None:
    """A connection that the server is about to close is not used."""
    async with serve(_announcing(header)) as server:
        idle = _Idle(server)
        assert await idle.send() == 1
        if used is not None:
            idle.now += used
            assert await idle.send() == 1
        idle.now += unused
        assert await idle.send() == 2
        await idle.close()


@pytest.mark.parametrize("header", ["", "timeout", "timeout=-1", "timeout=soon", "mytimeout=0"])
async def test_an_odd_keep_alive_header_is_ignored(header: str) -> None:
    """As if there were none."""
    async with serve(_announcing(header)) as server:
        idle = _Idle(server)
        for _ in range(2):
            assert await idle.send() == 1
            idle.now += 100
        await idle.close()


async def test_a_request_that_must_not_be_repeated_uses_a_recent_connection_or_a_new_one() -> None:
    """One that was idle for long may be closed by the server at any moment."""
    async with serve(_answers) as server:
        idle = _Idle(server)
        assert await idle.send("recent") == 1
        idle.now += 0.9
        assert await idle.send("recent") == 1
        idle.now += 1.1
        assert await idle.send("open") == 1
        idle.now += 1.1
        assert await idle.send("recent") == 2
        assert await idle.send("new") == 3
        await idle.close()


async def test_a_purchase_does_not_meet_the_end_of_an_idle_connection() -> None:
    """The server closes it when the next request arrives."""

    async def closes_on_the_second(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer())
        await peer.request()

    async with serve(closes_on_the_second) as server, client(server.url) as sikoia:
        for _ in range(2):
            await sikoia.request("POST", "/v2/identity", chargeable=True)
            await anyio.sleep(1.1)

    assert server.connections == 2


async def test_a_closed_connection_is_not_told_as_sent_without_a_network(tmp_path: Path) -> None:
    """No new one could be opened either."""
    for tls in (None, certified()):
        async with serve(_answers_once, tls) as server:
            sikoia = client(server.url, **({"tls": trusting(tmp_path)} if tls else {}))
            await sikoia.request("POST", "/v2/identity", chargeable=True)
            await anyio.sleep(0.1)
        with pytest.raises(CallError, match="nothing was sent") as caught:
            await sikoia.request("POST", "/v2/identity", chargeable=True)
        await sikoia.aclose()

        assert not caught.value.may_have_been_processed
        assert dict(sikoia.spend) == {"identity.request": 1}


async def _answers_once(peer: Peer) -> None:
    await peer.request()
    await peer.send(answer())


async def test_a_request_without_a_descriptor_waits_for_any_exchange_to_end() -> None:
    """Also for a second attempt, which holds no slot."""
    is_free, ended = anyio.Event(), list[str]()

    class Scarce(httpx.AsyncBaseTransport):
        used = 0

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if scarce.used:
                state_of(request).is_sent = False
                msg = "no connection"
                raise httpx.ConnectError(msg) from OSError(errno.EMFILE, "too many")
            scarce.used += 1
            await is_free.wait()
            scarce.used -= 1
            return httpx.Response(200, content=b"[]")

    async def send(name: str, *, is_second: bool) -> None:
        request = request_to(f"{_ORIGIN}/v2/cases", is_second=is_second)
        await pool.handle_async_request(request)
        ended.append(name)

    scarce = Scarce()
    pool = ConnectionPool(_ORIGIN, 2, lambda: scarce)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(partial(send, "first", is_second=True))
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(partial(send, "second", is_second=False))
        await anyio.wait_all_tasks_blocked()
        assert pool.in_use == 2
        is_free.set()

    assert ended == ["first", "second"]
    assert (pool.free, pool.in_use) == (2, 0)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit to set")
def test_the_resolver_may_be_out_of_descriptors() -> None:
    """Its own error does not say so."""
    error = httpx.ConnectError("no")
    error.__cause__ = socket.gaierror(socket.EAI_AGAIN, "temporary failure")

    assert not is_out_of_descriptors(error)
    with no_descriptors():
        is_out = is_out_of_descriptors(error)
    assert is_out
