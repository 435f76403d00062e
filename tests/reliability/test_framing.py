"""HTTP/1.1, byte by byte: answers that break off, contradict themselves, or are nobody's."""

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
    CallError,
    ConnectionFailedError,
    DeadlineExceededError,
    ServerError,
    UnexpectedResponseError,
)

pytestmark = pytest.mark.anyio

_OK: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_CHUNKED: Final = _OK + b"Transfer-Encoding: chunked\r\n\r\n"
_LONG: Final = _OK + b"Content-Length: 2\r\n\r\n[]"


async def _fails_as_lost(row: Watch, match: str) -> None:
    """Check that an ask and a set are tried three times, and an act but once, and in doubt."""
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
async def test_a_connection_that_ends_before_an_answer_is_tried_again(said: bytes) -> None:
    """B1, B3."""
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
async def test_what_is_no_sound_http_is_no_answer(said: bytes) -> None:
    """B4, B5, B7 to B11: no byte of it is believed."""
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
async def test_an_answer_that_breaks_off_is_no_answer(said: bytes) -> None:
    """B12, B14: the status was 200, and that is not enough."""
    async with plan(sends(said)) as planned, watched(talking(planned), planned) as row:
        await _fails_as_lost(row, "the response was incomplete")


_RESET: Final = {
    "in the head": (_LONG[:40], "the request was sent, and no response arrived"),
    "in the body": (_LONG[:-1], "the response was incomplete"),
}


@pytest.mark.parametrize(("said", "match"), _RESET.values(), ids=_RESET.keys())
async def test_a_connection_that_is_reset_is_no_answer(said: bytes, match: str) -> None:
    """B21; the reset may overtake what was sent, so that no more than the class is sure."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(said)
        await anyio.sleep(0.05)
        await peer.reset()

    async with plan(script) as planned, watched(talking(planned), planned) as row:
        await _fails_as_lost(row, match)


async def test_a_reset_after_the_last_byte_does_no_harm() -> None:
    """B21: the answer is whole, and the next call finds another connection."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(_LONG)
        await anyio.sleep(0.05)
        await peer.reset()

    async with plan(script) as planned, watched(talking(planned), planned) as row:
        for call in (ask, act, put):
            await row.works(call)
            await anyio.sleep(0.1)
        assert planned.server.connections == 3


async def _closes_unasked(peer: Peer) -> None:
    """Answer, and hang up without having said so."""
    await peer.request()
    await peer.send(answer())


async def _closes_on_the_second(peer: Peer) -> None:
    """Answer, and hang up when the next request has been read."""
    await peer.request()
    await peer.send(answer())
    await peer.request()


async def test_an_idle_connection_that_ends_as_it_is_used() -> None:
    """B2: an ask is made again; an act is not, and says that it may have been processed."""
    async with (
        plan(_closes_on_the_second) as planned,
        watched(talking(planned, max_in_flight=1), planned) as row,
    ):
        await row.works(ask)
        for _ in range(20):
            await row.works(ask, requests=2)
        error = await row.fails(ConnectionFailedError, act, requests=1)

        assert error.may_have_been_processed


async def test_a_server_that_always_hangs_up_without_a_word() -> None:
    """B2, B23: 200 asks succeed; an act succeeds or is in doubt, and is never sent twice."""
    async with (
        plan(_closes_unasked) as planned,
        watched(talking(planned, max_in_flight=1), planned) as row,
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


async def test_a_status_that_http_does_not_have_is_a_servers_error() -> None:
    """B5: 600 is answered like any 5xx, by what it is: an error."""
    said = b"HTTP/1.1 600 X\r\nContent-Length: 2\r\n\r\n[]"
    async with plan(sends(said)) as planned, watched(talking(planned), planned) as row:
        error = await row.fails(ServerError, act, requests=1)

        assert error.status == 600


@pytest.mark.parametrize("interim", [100, 103])
async def test_interim_answers_without_end_last_until_the_deadline(interim: int) -> None:
    """B6."""

    async def script(peer: Peer) -> None:
        await peer.request()
        while True:
            await peer.send(f"HTTP/1.1 {interim} Wait\r\n\r\n".encode())
            await anyio.sleep(0.01)

    async with plan(script) as planned, watched(talking(planned, timeout=1.0), planned) as row:
        await row.fails(DeadlineExceededError, ask, requests=1, attempts=0, deadline=1.0)
        error = await row.fails(DeadlineExceededError, act, requests=1, attempts=0, deadline=1.0)

        assert error.may_have_been_processed


async def test_headers_without_number_are_refused() -> None:
    """B8: 9,000 of them; another attempt would meet the same."""
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
async def test_what_http_lets_pass_is_an_answer(said: bytes) -> None:
    """B9, B14, B15: RFC 9112 has each of these understood; a trailer is no header."""
    async with plan(sends(said)) as planned, watched(talking(planned), planned) as row:
        for call in (ask, put, act):
            await row.works(call)
        with_id = await row.sikoia.with_options(correlation_id="ours").request("GET", "/v2/cases")
        assert with_id == []


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
async def test_json_that_ends_too_early_with_its_connection_is_refused(
    *, tls: bool, tmp_path: Path
) -> None:
    """B16: nothing on the wire tells that it was cut; that it is no JSON does."""
    said = _OK + b'\r\n[{"row": 1}, {'
    async with (
        plan(sends(said), tls=tls) as planned,
        watched(talking(planned, tmp_path if tls else None), planned) as row,
    ):
        for call in (ask, act):
            error = await row.fails(UnexpectedResponseError, call, requests=1)
            assert error.body == b'[{"row": 1}, {'


async def test_a_body_that_is_longer_than_it_says_spoils_one_call_at_most() -> None:
    """B13: what is over is not taken for the next answer, for its connection is dropped."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(_OK + b'Content-Length: 4\r\n\r\n["good"]')
        await healthy(peer)

    async with (
        plan(script) as planned,
        watched(talking(planned, max_in_flight=1), planned, next_call=False) as row,
    ):
        await row.fails(UnexpectedResponseError, ask, requests=1)
        planned.well = True
        await row.works(ask)
        assert planned.server.connections == 2


_STRAY: Final = answer(body=b'["of somebody else"]')


def _large(size: int) -> bytes:
    """Write an answer of so many bytes in all."""
    rough = answer(body=b'["' + b"x" * size + b'"]')
    return answer(body=b'["' + b"x" * (2 * size - len(rough)) + b'"]')


_BIG: Final = _large(100_010)
_ONE_READ: Final = _large(65_536)
"""As much as httpcore reads at once; asyncio reads more than that."""
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
async def test_an_answer_that_nobody_asked_for_reaches_nobody(
    said: tuple[bytes, ...], *, tls: bool, tmp_path: Path
) -> None:
    """B17: wherever it waits, in the socket, in TLS or in h11, its connection is not used again."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(*said)
        await healthy(peer)

    async with (
        plan(script, tls=tls) as planned,
        watched(talking(planned, tmp_path if tls else None, max_in_flight=1), planned) as row,
    ):
        for _ in range(5):
            assert "of somebody else" not in await row.works(ask)
            await anyio.sleep(0.02)  # two pieces may be two packets
        assert planned.server.connections == 5
        assert guards(row.sikoia)[0].connections_replaced <= 5


async def test_an_answer_that_comes_late_finds_nobody() -> None:
    """B19: by then the connection is idle, and httpcore sees that it should not speak."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(_ASKED)
        await anyio.sleep(0.05)
        await peer.send(_STRAY)
        await healthy(peer)

    async with (
        plan(script) as planned,
        watched(talking(planned, max_in_flight=1), planned) as row,
    ):
        for _ in range(3):
            assert await row.works(ask) == ["asked for"]
            await anyio.sleep(0.1)
        assert planned.server.connections == 3


def _naming(correlation_id: str, body: bytes = b'["asked for"]', status: int = 200) -> bytes:
    return answer(status, body, X_Correlation_Id=correlation_id)


async def _echo(peer: Peer) -> None:
    """Answer with the id of the request, as the documentation lets hope."""
    while True:
        await peer.send(_naming(_id_of(await peer.request())))


def _id_of(request: bytes) -> str:
    (line,) = [line for line in request.split(b"\r\n") if line.lower().startswith(b"x-corr")]
    return line.partition(b": ")[2].decode()


def _echoes_and(*stray: bytes, before: bool = False) -> Script:
    """Send the stray answer just before the next answer, or before any request at all."""

    async def script(peer: Peer) -> None:
        if not before:
            await peer.send(_naming(_id_of(await peer.request())))
            await peer.request()
        await peer.send(*stray)
        await _echo(peer)

    return script


async def test_an_answer_that_names_another_request_is_refused() -> None:
    """B17, B18: where the server is seen to answer with our ids, one with another id is not ours.

    It comes here when the next request is on its way already, so that nothing else gives it away.
    """
    script = _echoes_and(_naming("another", b'["of somebody else"]'))
    async with (
        plan(script, _echo) as planned,
        watched(talking(planned, max_in_flight=1), planned) as row,
    ):
        assert await row.works(ask) == ["asked for"]
        assert await row.works(ask, requests=2) == ["asked for"]
        assert planned.server.connections == 2


async def test_an_act_whose_answer_names_another_request_is_in_doubt() -> None:
    """B17: an id that we sent before tells for sure."""

    async def script(peer: Peer) -> None:
        first = _id_of(await peer.request())
        await peer.send(_naming(first))
        await peer.request()
        await peer.send(_naming(first))

    async with (
        plan(script, _echo) as planned,
        watched(talking(planned, max_in_flight=1), planned, next_call=False) as row,
    ):
        await row.works(ask)
        error = await row.fails(
            ConnectionFailedError, act, requests=1, match="the response belongs to another request"
        )
        assert error.may_have_been_processed


async def test_an_act_whose_answer_has_an_id_of_its_own_is_believed() -> None:
    """B17: a service behind the gateway may make ids; an answer may have cost money."""

    async def script(peer: Peer) -> None:
        while True:
            request = await peer.request()
            asked = request.startswith(b"GET")
            await peer.send(_naming(_id_of(request).upper() if asked else "its-own"))

    async with (
        plan(script) as planned,
        watched(talking(planned, max_in_flight=1), planned) as row,
    ):
        for _ in range(3):
            await row.works(ask)
            await row.works(act)


async def test_an_answer_that_comes_before_the_request_is_refused() -> None:
    """B18: on a fresh connection only its id gives it away, once the server is known to echo."""
    early = _echoes_and(_naming("another", b'["of somebody else"]'), before=True)

    async def hangs_up_after_one(peer: Peer) -> None:
        await peer.send(_naming(_id_of(await peer.request())))

    async with (
        plan(hangs_up_after_one, early, _echo) as planned,
        watched(talking(planned, max_in_flight=1), planned, next_call=False) as row,
    ):
        assert await row.works(ask) == ["asked for"]
        await anyio.sleep(0.05)
        assert await ask(row.sikoia) == ["asked for"]
        assert planned.server.connections == 3


@pytest.mark.parametrize("status", [200, 404, 500])
async def test_a_server_with_ids_of_its_own_is_believed(status: int) -> None:
    """Not every server echoes, and a gateway's errors have ids of the gateway's."""

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


async def test_a_server_that_stops_echoing_is_doubted_once() -> None:
    """Behind one address there may be several servers; only one answer is lost to the doubt."""

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
        watched(talking(planned, max_in_flight=1), planned) as row,
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
async def test_a_body_where_there_can_be_none_is_not_read(said: bytes) -> None:
    """B22: nor is it taken for the beginning of the next answer."""

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


@pytest.mark.parametrize("reset", [False, True], ids=["answers", "answers and resets"])
async def test_an_upload_that_is_refused_half_way_is_not_sent_again(*, reset: bool) -> None:
    """B20: the 413 is read if it can be; what a reset swallowed is in doubt."""

    async def script(peer: Peer) -> None:
        await peer.something()
        await peer.send(answer(413, b"{}", Connection="close"))
        if reset:
            await peer.reset()
        await peer.gone()

    async with plan(script) as planned, watched(talking(planned), planned) as row:
        with pytest.raises(CallError) as caught:
            await _upload(row.sikoia)

        refused = getattr(caught.value, "status", None) == 413
        assert refused or isinstance(caught.value, ConnectionFailedError)
        assert refused or caught.value.may_have_been_processed
        assert refused or reset
        assert planned.server.connections == 1
        assert len(caught.value.attempts) == 1
