"""The rows of the fault matrix that the wire decides, over the wires of other libraries.

They run over httpx2, aiohttp and httpx-aiohttp, which a caller brings. The other rows, such as
statuses and shapes, depend on nothing that a wire does.
"""

import gzip
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
import anyio
import anyio.lowlevel
import pytest
from faults import Peer, Script, answer, client, guards, refusing
from reliability.harness import (
    NAME,
    CallOf,
    Plan,
    act,
    ask,
    healthy,
    plan,
    put,
    resets,
    sends,
    silent,
    talking,
)
from reliability.oracle import Watch

from sikoia_async import (
    APIError,
    ConnectionFailedError,
    DeadlineExceededError,
    Limits,
    UnexpectedResponseError,
)

httpx2: Any = pytest.importorskip("httpx2", reason="the lowest versions are tested without it")
httpx_aiohttp: Any = pytest.importorskip(
    "httpx_aiohttp", reason="the lowest versions are tested without it"
)

pytestmark = [
    pytest.mark.anyio,
    # aiohttp needs asyncio. That httpx2 also works on trio is tested in ../transport.
    pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True),
]

_WIRES: Final[dict[str, tuple[str, Any]]] = {
    "httpx2 transport": ("transport", lambda: httpx2.AsyncHTTPTransport()),  # noqa: PLW0108 - late
    "httpx2 client": ("http_client", lambda: httpx2.AsyncClient(trust_env=False)),
    "aiohttp": ("http_client", aiohttp.ClientSession),
    "httpx-aiohttp": ("transport", lambda: httpx_aiohttp.AiohttpTransport()),  # noqa: PLW0108
}
_PROVES: Final = {"httpx2 transport", "httpx2 client", "aiohttp"}
"""The wires of which a refused connection proves that nothing was sent."""
_ID: Final = "4f1d7c2e-0000-4000-8000-000000004711"
_every_wire: Final = pytest.mark.parametrize("wire", _WIRES)


@asynccontextmanager
async def _row(wire: str, *scripts: Script, **options: Any) -> AsyncGenerator[Watch]:
    """Yield a row's `Watch`; afterwards, the next calls work, and nothing is left open."""
    argument, make = _WIRES[wire]
    async with plan(*scripts) as planned:
        async with make() as made:
            sikoia = talking(planned, **{argument: made}, **options)
            free = [guard.free for guard in guards(sikoia)]
            yield Watch(sikoia, planned)
            planned.well = True
            calm = sikoia.with_options(timeout=30)
            for _ in range(3):
                await CallOf("GET", "/v2/cases", query={"number": 4})(calm)
            assert [guard.free for guard in guards(sikoia)] == free
        with anyio.fail_after(10):
            while planned.server.open:  # noqa: ASYNC110 - the kernel closes them
                await anyio.sleep(0.001)


_OK: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_CHUNKED: Final = _OK + b"Transfer-Encoding: chunked\r\n\r\n"
_LOST: Final = {
    "B1 no byte": b"",
    "B3 half a head": _OK[:40],
    "B4 SSH": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "B5 1000": b"HTTP/1.1 1000 X\r\nContent-Length: 2\r\n\r\n[]",
    "B9 NUL": _OK + b"X: a\0b\r\nContent-Length: 2\r\n\r\n[]",
    "B10 two lengths": _OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n[] ",
    "B10 negative": _OK + b"Content-Length: -2\r\n\r\n[]",
    "B10 hex": _OK + b"Content-Length: 0x2\r\n\r\n[]",
    "B11 length and chunks": _OK + b"Content-Length: 2\r\n" + _CHUNKED[len(_OK) :] + b"0\r\n\r\n",
    "B12 short body": _OK + b"Content-Length: 20\r\n\r\n[]",
    "B14 bad size": _CHUNKED + b"xyz\r\n",
    "B14 no CRLF": _CHUNKED + b"2\r\n[]0\r\n\r\n",
    "B14 cut in a chunk": _CHUNKED + b"2\r\n[",
    "B14 cut after a chunk": _CHUNKED + b"2\r\n[]\r\n",
}


@_every_wire
@pytest.mark.parametrize("said", _LOST.values(), ids=_LOST)
async def test_a_response_that_is_not_complete_is_refused(wire: str, said: bytes) -> None:
    """B1 to B14: what is safe is retried, what is not is sent once and is in doubt."""
    async with _row(wire, sends(said)) as row:
        for call in (ask, put):
            with pytest.raises(ConnectionFailedError) as caught:
                await call(row.sikoia)
            assert len(caught.value.attempts) == 3
        error = await row.fails(ConnectionFailedError, act, requests=1)

        assert error.may_have_been_processed


@_every_wire
async def test_another_transfer_coding_is_refused(wire: str) -> None:
    """B11: aiohttp accepts any, and decodes none."""
    said = _OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"
    async with _row(wire, sends(said)) as row:
        error = await row.fails(ConnectionFailedError, act, requests=1)

        assert error.may_have_been_processed


@_every_wire
async def test_a_connection_that_is_reset_is_in_doubt(wire: str) -> None:
    """B21: the server may have read the request."""
    async with _row(wire, resets) as row:
        with pytest.raises(ConnectionFailedError) as caught:
            await act(row.sikoia)

        assert len(caught.value.attempts) == 1
        assert caught.value.may_have_been_processed


@_every_wire
async def test_an_idle_connection_closed_as_it_is_reused(wire: str) -> None:
    """B2: a safe request is retried; an unsafe one is not, and may have been processed."""

    async def closes_on_the_second(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer())
        await peer.request()

    async with _row(wire, closes_on_the_second, limits=Limits(max_in_flight=1)) as row:
        await row.works(ask)
        await row.works(ask, requests=2)
        error = await row.fails(ConnectionFailedError, act, requests=1)

        assert error.may_have_been_processed


_PACKED: Final = gzip.compress(b'[{"user_id": "1"}]', mtime=0)
_CUT_OR_LONG: Final = {
    "C1 cut in its head": (_PACKED[:5], "cut short"),
    "C1 cut in its data": (_PACKED[:-10], "cut short"),
    "C1 cut in its trailer": (_PACKED[:-1], "cut short"),
    "C2 wrong checksum": (_PACKED[:-8] + b"\0" + _PACKED[-7:], "not valid gzip"),
    "C3 junk after it": (_PACKED + b"x", "bytes follow the end"),
    "C4 not packed": (b"[]", "not valid gzip"),
}


@_every_wire
@pytest.mark.parametrize(("body", "match"), _CUT_OR_LONG.values(), ids=_CUT_OR_LONG)
async def test_a_broken_gzip_is_refused(wire: str, body: bytes, match: str) -> None:
    """C1 to C4: no wire decompresses, so that the SDK checks every byte."""
    async with _row(wire, sends(answer(body=body, Content_Encoding="gzip"))) as row:
        await row.fails(UnexpectedResponseError, ask, requests=1, match=match)


@_every_wire
async def test_a_good_gzip_is_read(wire: str) -> None:
    """C1: once."""
    async with _row(wire, sends(answer(body=_PACKED, Content_Encoding="gzip"))) as row:
        assert await row.works(ask) == [{"user_id": "1"}]


@_every_wire
async def test_an_endless_body_is_abandoned(wire: str) -> None:
    """C7: after `max_body` bytes."""

    async def endless(peer: Peer) -> None:
        await peer.request()
        await peer.send(_CHUNKED)
        while True:
            await peer.send(b"1000\r\n" + b" " * 0x1000 + b"\r\n")

    async with _row(wire, endless, limits=Limits(max_in_flight=2, max_body=100_000)) as row:
        await row.fails(UnexpectedResponseError, ask, requests=1)


@_every_wire
async def test_silence_ends_at_the_deadline(wire: str) -> None:
    """D1: the request may have been processed."""
    async with _row(wire, silent, timeout=0.3) as row:
        error = await row.fails(DeadlineExceededError, act, requests=1, attempts=0, deadline=0.3)

        assert error.may_have_been_processed


@_every_wire
async def test_a_refused_upload_is_told_or_in_doubt(wire: str) -> None:
    """B22: the server refuses a large body before it has read it."""

    async def refuses(peer: Peer) -> None:
        await peer.something()
        await peer.send(answer(413, b'{"detail": "too large"}', Connection="close"))

    large = CallOf("POST", "/v2/cases", body={"case_name": NAME * 100_000})
    async with _row(wire, refuses) as row:
        with pytest.raises((ConnectionFailedError, APIError)) as caught:
            await large(row.sikoia)

        assert len(caught.value.attempts) == 1


@_every_wire
@pytest.mark.parametrize("steps", [1, 3, 6, 12])
async def test_a_cancelled_call_leaves_nothing(wire: str, steps: int) -> None:
    """J1: the next call gets its own response, and each connection is in use or closed."""

    async def echoes(peer: Peer) -> None:
        while True:
            request = await peer.request()
            number = request.partition(b"number=")[2].partition(b" ")[0]
            await peer.send(_OK + b"Content-Length: 5\r\n\r\n")
            await anyio.lowlevel.checkpoint()
            await peer.send(b"[%3s]" % number)

    def numbered(number: int) -> CallOf:
        return CallOf("GET", "/v2/cases", query={"number": number})

    async with _row(wire, echoes, limits=Limits(max_in_flight=1)) as row:
        await numbered(1)(row.sikoia)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(numbered(2), row.sikoia)
            for _ in range(steps):
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()

        assert await numbered(3)(row.sikoia) == [3]
        assert guards(row.sikoia)[0].in_use == 0


@_every_wire
async def test_connections_are_shared_and_bounded(wire: str) -> None:
    """J10: a hundred calls at once over four connections, and fifty in turn over one."""
    async with _row(wire, healthy, limits=Limits(max_in_flight=4)) as row:
        for _ in range(50):
            await ask(row.sikoia)
        assert isinstance(row.other, Plan)
        server = row.other.server
        assert server.connections == 1
        async with anyio.create_task_group() as tasks:
            for _ in range(100):
                tasks.start_soon(ask, row.sikoia)

        assert server.connections <= 4
        assert len(server.requests) == 150


@_every_wire
async def test_a_refused_connection_is_unsent_only_if_that_is_proven(wire: str) -> None:
    """A1: otherwise, a request that must not be repeated is sent once, and counts."""
    argument, make = _WIRES[wire]
    async with refusing() as url, make() as made:
        sikoia = client(url, retries=2, **{argument: made})
        with pytest.raises(ConnectionFailedError) as caught:
            await act(sikoia)

    proven = wire in _PROVES
    assert caught.value.may_have_been_processed is not proven
    assert len(caught.value.attempts) == (3 if proven else 1)


@_every_wire
async def test_no_request_is_logged(wire: str, caplog: pytest.LogCaptureFixture) -> None:
    """I1: at no level, by no library."""
    named = CallOf("GET", f"/v2/cases/{_ID}", query={"search": NAME})
    with caplog.at_level(logging.DEBUG):
        for name in ("httpx2", "httpcore2", "aiohttp", "httpx"):
            caplog.set_level(logging.DEBUG, name)
        async with _row(wire, healthy) as row:
            await named(row.sikoia)

    assert NAME not in caplog.text
    assert _ID not in caplog.text
