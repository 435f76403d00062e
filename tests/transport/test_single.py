"""A transport's single connection, and what httpcore has around it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import anyio
import httpx
import pytest
from faults import Peer, answer, certified, forward, request_to, serve, trusting

from sikoia_async._transport.single import new_transport
from sikoia_async._transport.tls import new_context

pytestmark = pytest.mark.anyio


async def _answers(peer: Peer) -> None:
    while True:
        await peer.request()
        await peer.send(answer())


@pytest.mark.parametrize("is_tunnelled", [False, True])
async def test_an_open_connection_has_no_locks(tmp_path: Path, *, is_tunnelled: bool) -> None:
    """One request at a time uses it, so they would only cost time."""
    tls = certified() if is_tunnelled else None
    async with serve(_answers, tls) as server, serve(forward) as proxy:
        context = new_context(trusting(tmp_path), trust_env=False) if is_tunnelled else None
        transport = new_transport(context, None, proxy.url if is_tunnelled else None)
        locks: list[int] = []
        for _ in range(2):
            request = request_to(server.url, headers={"Host": "127.0.0.1"})
            response = await transport.handle_async_request(request)
            assert await response.aread() == b"[]"
            await response.aclose()
            (connection,) = transport._pool.connections  # pyright: ignore[reportPrivateUsage] - httpx's
            locks += [sum(type(one).__name__ == "AsyncLock" for one in _parts(connection))]
        await transport.aclose()

    assert locks == [0, 0]
    assert server.connections == 1


def _parts(connection: Any) -> Iterator[object]:
    """Return the attributes of a connection and of those inside it."""
    while connection is not None:
        yield from cast("dict[str, object]", vars(connection)).values()
        connection = getattr(connection, "_connection", None)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize(
    ("is_concurrent", "may_repeat"), [(False, True), (True, True), (False, False)]
)
async def test_other_tasks_that_are_ready_run_before_a_request(
    *, is_concurrent: bool, may_repeat: bool
) -> None:
    """Then the requests of all of them are sent together; a single one is sent at once.

    One that must not be repeated waits, because the server may be closing the connection.
    """
    begun: list[int] = []
    others: list[int] = []

    async def other() -> None:
        others.append(1)

    async def trace(event: str, _: object) -> None:
        if event == "http11.send_request_headers.started":
            begun.append(len(others))

    transport = new_transport(None, None, None)
    async with serve(_answers) as server, anyio.create_task_group() as tasks:
        for _ in range(2):
            headers = {"Host": "127.0.0.1"}
            request = request_to(
                server.url, headers=headers, is_concurrent=is_concurrent, may_repeat=may_repeat
            )
            request.extensions["trace"] = trace
            tasks.start_soon(other)
            response = await transport.handle_async_request(request)
            await response.aread()
        await transport.aclose()

    assert begun[1] == (1 if may_repeat and not is_concurrent else 2)


async def test_a_tool_may_replace_a_request() -> None:
    """One that has lost its state is sent, too."""
    transport = new_transport(None, None, None)
    async with serve(_answers) as server:
        response = await transport.handle_async_request(httpx.Request("GET", server.url))
        assert await response.aread() == b"[]"
        await transport.aclose()
