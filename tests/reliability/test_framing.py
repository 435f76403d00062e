"""HTTP/1.1 framing: truncated, contradictory and unsolicited responses."""

from contextlib import suppress
from pathlib import Path
from typing import Final

import anyio
import pytest
from faults import Peer, Script, answer, guards
from reliability.harness import (
    CallOf,
    act,
    ask,
    healthy,
    plan,
    put,
    sends,
    talking,
)
from reliability.oracle import Watch, watched

from sikoia_async import (
    APIError,
    ConnectionFailedError,
    DeadlineExceededError,
    Limits,
    ServerError,
    UnexpectedResponseError,
)

pytestmark = pytest.mark.anyio

_OK: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_CHUNKED: Final = _OK + b"Transfer-Encoding: chunked\r\n\r\n"
_LONG: Final = _OK + b"Content-Length: 2\r\n\r\n[]"


async def _fails_as_lost(row: Watch, match: str) -> None:
    """Check that safe and idempotent requests are sent three times, and an unsafe one once."""
    for safe in (ask, put):
        error = await row.fails(ConnectionFailedError, safe, requests=3, match=match)
        assert {attempt.status for attempt in error.attempts} == {None}
    error = await row.fails(ConnectionFailedError, act, requests=1, match=match)
    assert error.may_have_been_processed


_NOTHING: Final = {
    "B1 no byte": b"",
    "B3 half a status line": b"HTTP/1.1 2",
    "B3 half a head": _LONG[:40],
}


@pytest.mark.parametrize("said", _NOTHING.values(), ids=_NOTHING.keys())
async def test_a_connection_closed_before_the_response_is_retried(said: bytes) -> None:
    """B1, B3: with nothing sent, or a part of the head."""
    async with plan(sends(said)) as planned, watched(talking(planned), planned) as row:
        await _fails_as_lost(row, "the request was sent, and no response arrived")


_NO_HTTP: Final = {
    "B4 SSH": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "B4 TLS alert": bytes([21, 3, 3, 0, 2, 2, 40]),
    "B5 099": b"HTTP/1.1 099 X\r\nContent-Length: 2\r\n\r\n[]",
    "B5 1000": b"HTTP/1.1 1000 X\r\nContent-Length: 2\r\n\r\n[]",
    "B5 HTTP/9.9": b"HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\n[]",
    "B5 HTTP/2.0": b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\n[]",
    "B7 101": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nhello",
    "B8 a line of 200 kB": _OK + b"X: " + b"a" * 200_000 + b"\r\nContent-Length: 2\r\n\r\n[]",
    "B9 NUL": _OK + b"X: a\0b\r\nContent-Length: 2\r\n\r\n[]",
    "B9 CR": _OK + b"X: a\rb\r\nContent-Length: 2\r\n\r\n[]",
    "B9 name beyond ASCII": _OK + "X-é: a\r\nContent-Length: 2\r\n\r\n[]".encode(),
    "B9 space after a name": _OK + b"Content-Length : 2\r\n\r\n[]",
    "B10 two lengths": _OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n[] ",
    "B10 negative": _OK + b"Content-Length: -2\r\n\r\n[]",
    "B10 plus": _OK + b"Content-Length: +2\r\n\r\n[]",
    "B10 hex": _OK + b"Content-Length: 0x2\r\n\r\n[]",
    "B10 of 31 digits": _OK + b"Content-Length: 1" + b"0" * 30 + b"\r\n\r\n[]",
    "B11 length and chunks": _OK + b"Content-Length: 2\r\n" + _CHUNKED[len(_OK) :] + b"0\r\n\r\n",
    "B11 other codings": _OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("said", _NO_HTTP.values(), ids=_NO_HTTP.keys())
async def test_malformed_http_is_refused(said: bytes) -> None:
    """B4, B5, B7 to B11: no byte of it is used."""
    async with plan(sends(said)) as planned, watched(talking(planned), planned) as row:
        await _fails_as_lost(row, "the request was sent, and no response arrived")


_CUT: Final = {
    "B10 of 19 digits": _OK + b"Content-Length: 9" + b"0" * 18 + b"\r\n\r\n[]",
    "B12 short body": _OK + b"Content-Length: 20\r\n\r\n[]",
    "B14 bad size": _CHUNKED + b"xyz\r\n",
    "B14 negative size": _CHUNKED + b"-2\r\n[]\r\n0\r\n\r\n",
    "B14 no CRLF": _CHUNKED + b"2\r\n[]0\r\n\r\n",
    "B14 any two bytes": _CHUNKED + b"2\r\n[]XX0\r\n\r\n",
    "B14 huge size": _CHUNKED + b"f" * 30 + b"\r\n[]",
    "B14 cut in a chunk": _CHUNKED + b"2\r\n[",
    "B14 cut after a chunk": _CHUNKED + b"2\r\n[]\r\n",
}


@pytest.mark.parametrize("said", _CUT.values(), ids=_CUT.keys())
async def test_a_truncated_response_is_refused(said: bytes) -> None:
    """B12, B14: a status of 200 is not enough."""
    async with plan(sends(said)) as planned, watched(talking(planned), planned) as row:
        await _fails_as_lost(row, "the response was incomplete")


_RESET: Final = {
    "in the head": (_LONG[:40], "the request was sent, and no response arrived"),
    "in the body": (_LONG[:-1], "the response was incomplete"),
}


@pytest.mark.parametrize(("said", "match"), _RESET.values(), ids=_RESET.keys())
async def test_a_reset_connection_is_retried(said: bytes, match: str) -> None:
    """B21: the reset may overtake the data, so only the class of the error is certain."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(said)
        await anyio.sleep(0.05)
        await peer.reset()

    async with plan(script) as planned, watched(talking(planned), planned) as row:
        await _fails_as_lost(row, match)


async def test_a_reset_after_a_complete_response_is_harmless() -> None:
    """B21: the next call opens another connection."""
    resets = anyio.Semaphore(0)

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(_LONG)
        await anyio.sleep(0.05)
        await peer.reset()
        resets.release()

    async with plan(script) as planned, watched(talking(planned), planned) as row:
        for call in (ask, act, put):
            await row.works(call)
            await resets.acquire()
            await anyio.wait_all_tasks_blocked()
        assert planned.server.connections == 3


async def _closes_unasked(peer: Peer) -> None:
    """Respond, and close without announcing it."""
    await peer.request()
    await peer.send(answer())


async def _closes_on_the_second(peer: Peer) -> None:
    """Respond, and close once the next request was read."""
    await peer.request()
    await peer.send(answer())
    await peer.request()


async def test_an_idle_connection_closed_as_it_is_reused() -> None:
    """B2: a safe request is retried; an unsafe one is not, and may have been processed."""
    async with (
        plan(_closes_on_the_second) as planned,
        watched(talking(planned, limits=Limits(max_in_flight=1)), planned) as row,
    ):
        await row.works(ask)
        for _ in range(20):
            await row.works(ask, requests=2)
        error = await row.fails(ConnectionFailedError, act, requests=1)

        assert error.may_have_been_processed


async def test_a_server_that_closes_after_every_response() -> None:
    """B2, B23: 200 safe requests succeed; unsafe ones are never sent twice."""
    async with (
        plan(_closes_unasked) as planned,
        watched(talking(planned, limits=Limits(max_in_flight=1)), planned) as row,
    ):
        for _ in range(200):
            await row.works(ask)
        assert planned.server.connections <= 400

        before, worked = planned.seen, 0
        for _ in range(100):
            with suppress(ConnectionFailedError):
                await act(row.sikoia)
                worked += 1
        # One that met the end of its connection was not read, and one that was read is answered.
        assert planned.seen - before == worked > 0


async def test_an_unknown_status_is_a_server_error() -> None:
    """B5: 600 is treated like a 5xx."""
    said = b"HTTP/1.1 600 X\r\nContent-Length: 2\r\n\r\n[]"
    async with plan(sends(said)) as planned, watched(talking(planned), planned) as row:
        error = await row.fails(ServerError, act, requests=1)

        assert error.status == 600


@pytest.mark.parametrize("interim", [100, 103])
async def test_endless_interim_responses_end_at_the_deadline(interim: int) -> None:
    """B6: 100 and 103."""

    async def script(peer: Peer) -> None:
        await peer.request()
        while True:
            await peer.send(f"HTTP/1.1 {interim} Wait\r\n\r\n".encode())
            await anyio.sleep(0.01)

    async with plan(script) as planned, watched(talking(planned, timeout=1.0), planned) as row:
        # The safe request is sent again beside the first one, as after silence.
        await row.fails(DeadlineExceededError, ask, requests=2, attempts=1, deadline=1.0)
        error = await row.fails(DeadlineExceededError, act, requests=1, attempts=0, deadline=1.0)

        assert error.may_have_been_processed


async def test_too_many_headers_are_refused() -> None:
    """B8: 9,000 of them; the request is not retried."""
    many = b"".join(b"X-%d: a\r\n" % number for number in range(9000))
    said = _OK + many + b"Content-Length: 2\r\n\r\n[]"
    async with plan(sends(said)) as planned, watched(talking(planned), planned) as row:
        await row.fails(ConnectionFailedError, ask, requests=1, match="more than 200 headers")
        error = await row.fails(ConnectionFailedError, act, requests=1)

        assert error.may_have_been_processed


_TOLERATED: Final = {
    "B9 folded": _OK + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\n[]",
    "B9 bare LF": _OK + b"X: a\nY: b\r\nContent-Length: 2\r\n\r\n[]",
    "B14 extension": _CHUNKED + b"2;a=b\r\n[]\r\n0\r\n\r\n",
    "B14 trailers": _CHUNKED + b"2\r\n[]\r\n0\r\nX-Correlation-Id: evil\r\n\r\n",
    "B15 ends with its connection": _OK + b"\r\n[]",
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n[]",
}


@pytest.mark.parametrize("said", _TOLERATED.values(), ids=_TOLERATED.keys())
async def test_unusual_but_valid_http_is_accepted(said: bytes) -> None:
    """B9, B14, B15: RFC 9112 allows each of these; a trailer is not a header."""
    async with plan(sends(said)) as planned, watched(talking(planned), planned) as row:
        for call in (ask, put, act):
            await row.works(call)
        with_id = await row.sikoia.with_options(correlation_id="ours").request("GET", "/v2/cases")
        assert with_id == []


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
async def test_truncated_json_delimited_by_its_connection_is_refused(
    *, tls: bool, tmp_path: Path
) -> None:
    """B16: HTTP does not show the truncation, but the JSON does."""
    said = _OK + b'\r\n[{"row": 1}, {'
    async with (
        plan(sends(said), tls=tls) as planned,
        watched(talking(planned, tmp_path if tls else None), planned) as row,
    ):
        for call in (ask, act):
            error = await row.fails(UnexpectedResponseError, call, requests=1)
            assert error.body == b'[{"row": 1}, {'


async def test_a_body_longer_than_declared_affects_one_call_at_most() -> None:
    """B13: the connection is closed, so the excess is not read as the next response."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(_OK + b'Content-Length: 4\r\n\r\n["good"]')
        await healthy(peer)

    async with (
        plan(script) as planned,
        watched(talking(planned, limits=Limits(max_in_flight=1)), planned, next_call=False) as row,
    ):
        await row.fails(UnexpectedResponseError, ask, requests=1)
        planned.well = True
        await row.works(ask)
        assert planned.server.connections == 2


_STRAY: Final = answer(body=b'["of somebody else"]')


def _large(size: int) -> bytes:
    """Return a response of this many bytes in total."""
    rough = answer(body=b'["' + b"x" * size + b'"]')
    return answer(body=b'["' + b"x" * (2 * size - len(rough)) + b'"]')


_BIG: Final = _large(100_010)
_ONE_READ: Final = _large(65_536)
"""How much httpcore reads at once; asyncio reads more."""
_ASKED: Final = answer(body=b'["asked for"]')
_STRAYS: Final = {
    "one piece": (_ASKED + _STRAY,),
    "two pieces": (_ASKED, _STRAY),
    "a large answer": (_BIG + _STRAY,),
    "after a large answer": (_BIG, _STRAY),
    "after a whole read": (_ONE_READ + _STRAY,),
    "half of one": (_ASKED + _STRAY[:20],),
}


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("said", _STRAYS.values(), ids=_STRAYS.keys())
async def test_an_unsolicited_response_is_discarded(
    said: tuple[bytes, ...], *, tls: bool, tmp_path: Path
) -> None:
    """B17: wherever it is buffered (socket, TLS or h11), its connection is not reused."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(*said)
        await healthy(peer)

    async with (
        plan(script, tls=tls) as planned,
        watched(
            talking(planned, tmp_path if tls else None, limits=Limits(max_in_flight=1)), planned
        ) as row,
    ):
        for _ in range(5):
            assert "of somebody else" not in await row.works(ask)
            await anyio.sleep(0.02)  # two pieces may be two packets
        assert planned.server.connections == 5
        assert guards(row.sikoia)[0].connections_replaced <= 5


async def test_a_late_response_is_discarded() -> None:
    """B19: httpcore sees that an idle connection is readable."""
    strays = anyio.Semaphore(0)

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(_ASKED)
        await anyio.sleep(0.05)
        await peer.send(_STRAY)
        strays.release()
        await healthy(peer)

    async with (
        plan(script) as planned,
        watched(talking(planned, limits=Limits(max_in_flight=1)), planned) as row,
    ):
        for _ in range(3):
            assert await row.works(ask) == ["asked for"]
            await strays.acquire()
            await anyio.wait_all_tasks_blocked()
        assert planned.server.connections == 3


def _naming(correlation_id: str, body: bytes = b'["asked for"]', status: int = 200) -> bytes:
    return answer(status, body, X_Correlation_Id=correlation_id)


async def _echo(peer: Peer) -> None:
    """Respond with the correlation id of the request, as the documentation suggests."""
    while True:
        await peer.send(_naming(_id_of(await peer.request())))


def _id_of(request: bytes) -> str:
    (line,) = [line for line in request.split(b"\r\n") if line.lower().startswith(b"x-corr")]
    return line.partition(b": ")[2].decode()


def _echoes_and(*stray: bytes, before: bool = False) -> Script:
    """Send the stray response just before the next one, or before any request."""

    async def script(peer: Peer) -> None:
        if not before:
            await peer.send(_naming(_id_of(await peer.request())))
            await peer.request()
        await peer.send(*stray)
        await _echo(peer)

    return script


async def test_a_response_to_another_request_is_refused() -> None:
    """B17, B18: where the server is seen to answer with our ids, one with another id is not ours.

    It comes here when the next request is on its way already, so that nothing else gives it away.
    """
    script = _echoes_and(_naming("another", b'["of somebody else"]'))
    async with (
        plan(script, _echo) as planned,
        watched(talking(planned, limits=Limits(max_in_flight=1)), planned) as row,
    ):
        assert await row.works(ask) == ["asked for"]
        assert await row.works(ask, requests=2) == ["asked for"]
        assert planned.server.connections == 2


async def test_an_unsafe_request_with_a_foreign_response_is_in_doubt() -> None:
    """B17: the response has the id of an earlier request of ours."""

    async def script(peer: Peer) -> None:
        first = _id_of(await peer.request())
        await peer.send(_naming(first))
        await peer.request()
        await peer.send(_naming(first))

    async with (
        plan(script, _echo) as planned,
        watched(talking(planned, limits=Limits(max_in_flight=1)), planned, next_call=False) as row,
    ):
        await row.works(ask)
        error = await row.fails(
            ConnectionFailedError, act, requests=1, match="the response belongs to another request"
        )
        assert error.may_have_been_processed


async def test_an_unsafe_request_accepts_an_unknown_id() -> None:
    """B17: services behind the gateway may create ids, and the response may have cost money."""

    async def script(peer: Peer) -> None:
        while True:
            request = await peer.request()
            asked = request.startswith(b"GET")
            await peer.send(_naming(_id_of(request).upper() if asked else "its-own"))

    async with (
        plan(script) as planned,
        watched(talking(planned, limits=Limits(max_in_flight=1)), planned) as row,
    ):
        for _ in range(3):
            await row.works(ask)
            await row.works(act)


async def test_a_first_response_with_another_id_is_accepted() -> None:
    """B18: on a new connection, there is no other request that it could belong to."""

    async def hangs_up_after_one(peer: Peer) -> None:
        await peer.send(_naming(_id_of(await peer.request())))

    async def another_id(peer: Peer) -> None:
        await peer.request()
        await peer.send(_naming("another", b'["asked for"]'))

    async with (
        plan(hangs_up_after_one, another_id, _echo) as planned,
        watched(talking(planned, limits=Limits(max_in_flight=1)), planned) as row,
    ):
        for _ in range(3):
            assert await row.works(ask) == ["asked for"]
            await anyio.sleep(0.05)
        assert planned.server.connections == 3


class _Cache:
    """A gateway that caches each GET, with the correlation id of the request that filled the cache.

    Each of its connections is kept open.
    """

    def __init__(self) -> None:
        self._kept: dict[bytes, bytes] = {}

    async def __call__(self, peer: Peer) -> None:
        while True:
            request = await peer.request()
            line = request.partition(b"\r\n")[0]
            response = _naming(_id_of(request), b'["for %s"]' % line.split()[1])
            if line.startswith(b"GET"):
                response = self._kept.setdefault(line, response)
            await peer.send(response)


@pytest.mark.parametrize("retries", [0, 2])
async def test_a_cached_response_is_accepted(retries: int) -> None:
    """B17: once a new connection has returned it, its id is known."""
    async with (
        plan(_Cache()) as planned,
        watched(
            talking(planned, limits=Limits(max_in_flight=1), retries=retries),
            planned,
            next_call=False,
        ) as row,
    ):
        for path in ("/v2/a", "/v2/b"):
            get = CallOf("GET", path)
            assert await row.works(get) == [f"for {path}"]
            assert await row.works(get, requests=2) == [f"for {path}"]
            for _ in range(5):
                assert await row.works(get) == [f"for {path}"]
        assert planned.server.connections == 3
        await row.works(act)


async def test_a_response_that_another_client_cached_is_accepted() -> None:
    """B17: although the client has never sent its id, and other responses have the client's."""
    async with plan(_Cache()) as planned:
        async with talking(planned) as other:
            await ask(other)
            await put(other)
        async with watched(
            talking(planned, limits=Limits(max_in_flight=1)), planned, next_call=False
        ) as row:
            await row.works(CallOf("GET", "/v2/users"))
            await row.works(ask, requests=2)
            await row.works(ask)


async def test_calls_through_a_cache_at_once_are_accepted() -> None:
    """B17: over any number of connections."""
    async with (
        plan(_Cache()) as planned,
        talking(planned, limits=Limits(max_in_flight=4), quota=None) as sikoia,
    ):
        for _ in range(5):
            async with anyio.create_task_group() as calls:
                for _ in range(16):
                    calls.start_soon(ask, sikoia)
        assert planned.seen <= 80 + 4


async def test_an_unsafe_request_on_a_new_connection_has_its_own_response() -> None:
    """B17: even if the gateway sends an id of ours again; what was paid for is not thrown away."""
    first = b""

    async def script(peer: Peer) -> None:
        nonlocal first
        request = await peer.request()
        first = first or _id_of(request).encode()
        await peer.send(_naming(first.decode()))

    async with (
        plan(script) as planned,
        watched(talking(planned, limits=Limits(max_in_flight=1)), planned, next_call=False) as row,
    ):
        for call in (ask, act, put):
            await row.works(call)
            await anyio.sleep(0.05)


@pytest.mark.parametrize("status", [200, 404, 500])
async def test_a_server_that_creates_ids_is_accepted(status: int) -> None:
    """Not every server echoes ids, and a gateway's errors have the gateway's."""

    async def script(peer: Peer) -> None:
        request = await peer.request()
        await peer.send(_naming(_id_of(request) if status != 200 else "its-own-1"))
        while True:
            await peer.request()
            await peer.send(_naming("its-own-2", status=status))

    async with (
        plan(script) as planned,
        watched(talking(planned, retries=0), planned, next_call=status == 200) as row,
    ):
        await row.works(ask)
        if status == 200:
            await row.works(ask)
        else:
            with pytest.raises(APIError) as caught:
                await ask(row.sikoia)
            assert caught.value.status == status


async def test_a_server_that_stops_echoing_costs_one_response() -> None:
    """There may be several servers behind one URL."""

    async def script(peer: Peer) -> None:
        await peer.send(_naming(_id_of(await peer.request())))
        while True:
            await peer.request()
            await peer.send(_naming("its-own"))

    async def other(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(_naming("its-own"))

    async with (
        plan(script, other) as planned,
        watched(talking(planned, limits=Limits(max_in_flight=1)), planned) as row,
    ):
        await row.works(ask)
        await row.works(ask, requests=2)
        await row.works(ask)


_BODILESS: Final = {
    "204": b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n[]",
    "204, half-closed": b"HTTP/1.1 204 No Content\r\n\r\n",
    "304": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n[]",
}


@pytest.mark.parametrize("said", _BODILESS.values(), ids=_BODILESS.keys())
async def test_a_body_that_http_forbids_is_not_read(said: bytes) -> None:
    """B22: nor is it read as the beginning of the next response."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(said)
        await healthy(peer)

    nothing = CallOf("GET", "/v2/cases/1", into=type(None))
    async with plan(script) as planned, watched(talking(planned, retries=0), planned) as row:
        if said.startswith(b"HTTP/1.1 204"):
            await row.works(nothing)
        else:
            await row.fails(UnexpectedResponseError, nothing, requests=1)
        planned.well = True
        await row.works(ask)


_upload: Final = CallOf("POST", "/v2/documents", body={"document": "x" * 20_000_000})


async def _lingers(peer: Peer) -> None:
    await peer.gone()


async def _closes(_: Peer) -> None:
    """Close with unread bytes, for which the kernel resets the connection."""


@pytest.mark.parametrize("status", [401, 413])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("then", [_lingers, _closes, Peer.reset])
async def test_an_early_refusal_of_an_upload_is_read(
    then: Script, status: int, tmp_path: Path, *, tls: bool
) -> None:
    """B20: although the connection is closed or reset while the body is sent."""

    async def script(peer: Peer) -> None:
        await peer.something()
        await peer.send(answer(status, b"{}", Connection="close"))
        await then(peer)

    async with (
        plan(script, tls=tls) as planned,
        watched(
            talking(planned, tmp_path if tls else None), planned, next_call=then is _lingers
        ) as row,
    ):
        with pytest.raises(APIError) as caught:
            await _upload(row.sikoia)

        assert caught.value.status == status
        assert not caught.value.may_have_been_processed
        assert planned.server.connections == 1
        assert len(caught.value.attempts) == 1
