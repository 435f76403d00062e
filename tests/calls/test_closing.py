"""Closing: idle connections at once, the others when their exchange ends."""

import anyio
import httpx
import pytest
from faults import Peer, answer, client, guards, request_to, serve

from sikoia_async import ClientStateError
from sikoia_async._transport.pool import ConnectionPool

pytestmark = pytest.mark.anyio


async def test_closing_closes_idle_connections_at_once() -> None:
    """A closed client leaves no connection open."""
    gone = anyio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer())
        await peer.gone()
        gone.set()

    async with serve(script) as server:
        sikoia = client(server.url)
        await sikoia.request("GET", "/v2/cases")
        await sikoia.aclose()
        with anyio.fail_after(5):
            await gone.wait()


async def test_closing_lets_a_call_in_progress_finish() -> None:
    """It gets its response, then its connection is closed, and no other call starts."""
    asked, closed, gone = anyio.Event(), anyio.Event(), anyio.Event()
    rows: list[object] = []

    async def script(peer: Peer) -> None:
        await peer.request()
        asked.set()
        await closed.wait()
        await peer.send(answer(body=b"[1]"))
        await peer.gone()
        gone.set()

    async with serve(script) as server:
        sikoia = client(server.url)

        async def call() -> None:
            rows.append(await sikoia.request("GET", "/v2/cases"))

        async with anyio.create_task_group() as calls:
            calls.start_soon(call)
            await asked.wait()
            await sikoia.aclose()
            with pytest.raises(ClientStateError, match="closed"):
                await sikoia.request("GET", "/v2/cases")
            closed.set()
        with anyio.fail_after(5):
            await gone.wait()

    assert rows == [[1]]
    assert guards(sikoia)[0].connections_replaced == 0


@pytest.mark.virtual_time
async def test_a_transport_that_does_not_close_is_abandoned() -> None:
    """Closing a broken transport may take a second, even while being cancelled."""
    closing: list[float] = []

    class Stuck(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002
            await anyio.sleep_forever()
            raise AssertionError

        async def aclose(self) -> None:
            closing.append(anyio.current_time())
            await anyio.sleep_forever()

    pool = ConnectionPool("https://api.example", 1, Stuck)
    request = request_to("https://api.example/v2/cases")

    with anyio.move_on_after(5) as scope:
        await pool.handle_async_request(request)

    assert scope.cancelled_caught
    assert anyio.current_time() - closing[0] == pytest.approx(1)
    assert pool.free == 1
