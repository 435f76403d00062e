"""A transport's single connection, and what httpcore has around it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

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
