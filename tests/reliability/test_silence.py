"""Silent and slow servers: the deadline holds."""

from pathlib import Path
from typing import Final

import anyio
import pytest
from faults import Peer, Script, answer
from reliability.harness import CallOf, act, ask, healthy, plan, put, silent, talking
from reliability.oracle import overrun, watched

from sikoia_async import CallError, ConnectionFailedError, DeadlineExceededError, Sikoia

pytestmark = pytest.mark.anyio

_SHORT: Final = 1.0
"""Seconds; enough for a request to arrive on a busy machine."""
_BODY: Final = b"[" + b" " * 2000 + b"]"


async def _trickles_body(peer: Peer) -> None:
    await peer.request()
    head, _, body = answer(body=_BODY).partition(b"\r\n\r\n")
    await peer.send(head + b"\r\n\r\n")
    await _trickle(peer, body)


async def _trickles_head(peer: Peer) -> None:
    await peer.request()
    await _trickle(peer, answer(body=_BODY))


async def _trickle(peer: Peer, data: bytes) -> None:
    for at in range(len(data)):
        await peer.send(data[at : at + 1])
        await anyio.sleep(0.02)


async def test_a_safe_request_to_a_silent_server_is_retried() -> None:
    """D1: once, after half of the timeout; then the deadline ends both requests."""
    timeout = 2 * _SHORT  # half of it is enough for a request, on a busy machine too
    async with plan(silent) as planned, watched(talking(planned, timeout=timeout), planned) as row:
        error = await row.fails(
            DeadlineExceededError,
            ask,
            requests=2,
            attempts=1,
            deadline=timeout,
        )

        assert error.attempts[0].error == "no response within half of the timeout"
        assert not error.may_have_been_processed
        assert error.reached == "sent"


async def test_a_server_silent_once_costs_half_of_the_timeout() -> None:
    """D1: the second attempt succeeds."""

    async def awakes(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer())

    async with (
        plan(silent, awakes) as planned,
        watched(talking(planned, timeout=2 * _SHORT), planned) as row,
    ):
        await row.works(requests=2)


@pytest.mark.parametrize("share", [0.55, 0.7, 0.9])
@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
async def test_a_slow_response_is_not_given_up(share: float, *, warm: bool) -> None:
    """D1: each request gets its response in time, and the first one's is returned."""
    limit = 4 * _SHORT  # a tenth of it is left, also on a busy machine

    async def slow(peer: Peer) -> None:
        if warm and planned.server.connections == 1:
            await peer.request()
            await peer.send(answer())
        while True:
            await peer.request()
            if not planned.well:
                await anyio.sleep(share * limit)
            await peer.send(answer(body=b'["slow"]'))

    async with plan(slow) as planned, watched(talking(planned, timeout=limit), planned) as row:
        if warm:
            await row.works(ask)
        assert await row.works(ask, requests=2) == ["slow"]


async def test_a_dead_connection_costs_half_of_the_timeout() -> None:
    """D1: other open connections may be as dead, so that a new one is opened."""

    async def dies(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer())
        await silent(peer)

    async with (
        plan(dies, dies, healthy) as planned,
        # The other connection is still dead, so that a further call would wait for half a minute.
        watched(talking(planned, timeout=2 * _SHORT), planned, next_call=False) as row,
    ):
        async with anyio.create_task_group() as calls:
            for _ in range(2):
                calls.start_soon(ask, row.sikoia)
        assert planned.server.connections == 2
        with overrun(_SHORT):
            await row.works(ask, requests=2)
        assert planned.server.connections == 3
        assert row.sikoia.stats().connections_replaced == 1


async def test_a_cancelled_call_leaves_neither_of_its_requests() -> None:
    """D1, D9: both connections are closed."""
    async with plan(silent) as planned, watched(talking(planned, timeout=_SHORT), planned) as row:
        with anyio.move_on_after(0.75 * _SHORT):
            await ask(row.sikoia)
        with anyio.fail_after(10):
            while planned.server.open:  # noqa: ASYNC110 - what is waited for happens in the kernel
                await anyio.sleep(0.01)
        assert planned.seen == 2


@pytest.mark.parametrize("call", [put, act], ids=["idempotent", "unsafe"])
async def test_other_requests_wait_for_the_whole_timeout(call: CallOf) -> None:
    """D1: a change may be slow for a reason, so the first attempt gets all of the time."""
    async with plan(silent) as planned, watched(talking(planned, timeout=_SHORT), planned) as row:
        error = await row.fails(
            DeadlineExceededError, call, requests=1, attempts=0, deadline=_SHORT
        )

        assert error.may_have_been_processed
        assert error.spent["response"] > 0


@pytest.mark.parametrize(
    ("script", "reached"),
    [(_trickles_body, "partial"), (_trickles_head, "sent")],
    ids=["body", "head"],
)
async def test_a_trickling_response_ends_at_the_deadline(script: Script, reached: str) -> None:
    """D2, D3: although every byte arrives in time."""
    async with (
        plan(script) as planned,
        watched(talking(planned, timeout=_SHORT), planned) as row,
    ):
        error = await row.fails(DeadlineExceededError, act, requests=1, attempts=0, deadline=_SHORT)

        assert error.reached == reached


async def test_a_trickling_download_leaves_no_file(tmp_path: Path) -> None:
    """D4: the deadline applies to downloads too."""
    target = tmp_path / "file.pdf"

    async with plan(_trickles_body) as planned:

        async def save(sikoia: Sikoia) -> int:
            return await sikoia.save(f"{planned.server.url}/file?sig=x", target)

        async with watched(talking(planned, timeout=_SHORT, retries=0), planned) as row:
            await row.fails(DeadlineExceededError, save, requests=1, attempts=0, deadline=_SHORT)

    assert _names(tmp_path) == []


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_an_outer_deadline_is_a_cancellation() -> None:
    """D9: the call raises none of our errors."""
    async with plan(silent) as planned, watched(talking(planned, timeout=30), planned) as row:
        with pytest.raises(TimeoutError) as caught, anyio.fail_after(_SHORT):
            await ask(row.sikoia)

    assert not isinstance(caught.value, CallError | ConnectionFailedError)
