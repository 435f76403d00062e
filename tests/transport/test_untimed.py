"""Streams without httpcore's timers: they read, write and fail as httpcore's own do."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpcore
import pytest
from faults import Peer, Script, serve

from sikoia_async._transport.untimed import untimed

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def _connected(script: Script) -> AsyncGenerator[httpcore.AsyncNetworkStream]:
    async with serve(script) as server:
        url = urlsplit(server.url)
        backend: Any = httpcore.AnyIOBackend()
        timed: httpcore.AsyncNetworkStream = await backend.connect_tcp(url.hostname, url.port)
        stream = untimed(timed)
        assert stream is not timed
        try:
            yield stream
        finally:
            await stream.aclose()


async def _silent(peer: Peer) -> None:
    await peer.gone()


async def test_bytes_are_read_until_the_end() -> None:
    """After the last one, nothing is returned."""

    async def two_pieces(peer: Peer) -> None:
        await peer.something()
        await peer.send(b"abc")

    async with _connected(two_pieces) as stream:
        await stream.write(b"hello")
        await stream.write(b"")
        assert await stream.read(2) == b"ab"
        assert await stream.read(2) == b"c"
        assert await stream.read(2) == b""


async def test_a_timeout_is_kept() -> None:
    """A proxy has a limited time to open a tunnel."""
    async with _connected(_silent) as stream:
        with anyio.fail_after(5), pytest.raises(httpcore.ReadTimeout):
            await stream.read(1, timeout=0.001)
        await stream.write(b"hello", timeout=1)


async def test_a_lost_connection_raises_the_errors_of_httpcore() -> None:
    """For reading and for writing, with the reason as their cause."""

    async def reset(peer: Peer) -> None:
        await peer.something()
        await peer.reset()

    async with _connected(reset) as stream:
        await stream.write(b"hello")
        with pytest.raises(httpcore.ReadError) as lost:
            await stream.read(1)
        assert isinstance(lost.value.__cause__, anyio.BrokenResourceError)
        with pytest.raises(httpcore.WriteError) as unsent:
            await stream.write(b"hello")
        assert isinstance(unsent.value.__cause__, anyio.BrokenResourceError)


async def test_a_closed_connection_is_readable() -> None:
    """Whichever side has closed it; httpcore then opens another one."""

    async def hangs_up(peer: Peer) -> None:
        await peer.something()

    async with _connected(_silent) as stream:
        assert not stream.get_extra_info("is_readable")
        await stream.aclose()
        await anyio.wait_all_tasks_blocked()
        assert stream.get_extra_info("is_readable")
    async with _connected(hangs_up) as stream:
        await stream.write(b"hello")
        with anyio.fail_after(5):
            while not stream.get_extra_info("is_readable"):  # noqa: ASYNC110 - no event
                await anyio.sleep(0.001)


async def test_other_streams_stay_as_they_are() -> None:
    """Such as those of trio, which httpcore does not get from anyio."""
    stream = httpcore.AsyncMockStream([])

    assert untimed(stream) is stream
