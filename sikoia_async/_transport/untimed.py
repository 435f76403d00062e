"""Streams of asyncio that cost less than httpcore's.

For each read and write, httpcore enters a cancel scope, even without a timeout. To see whether a
server has closed a connection, it collects all attributes of that.
"""

# ruff: noqa: SLF001 - httpcore has no public way to the stream that it wraps; one that it does not
# wrap is used as it is.

from __future__ import annotations

import select
from typing import TYPE_CHECKING, Any

import anyio
import httpcore
from anyio.abc import ByteStream

if TYPE_CHECKING:
    import ssl

__all__ = ["untimed"]

_LOST = (anyio.BrokenResourceError, anyio.ClosedResourceError)


def untimed(stream: httpcore.AsyncNetworkStream) -> httpcore.AsyncNetworkStream:
    """Return a stream that needs no timer without a timeout; trio's stay as they are."""
    is_anyio = isinstance(getattr(stream, "_stream", None), ByteStream)
    return _UntimedStream(stream) if is_anyio and hasattr(select, "poll") else stream


class _UntimedStream(httpcore.AsyncNetworkStream):
    """A stream of anyio's, as httpcore wraps it.

    Args:
        timed: httpcore's, for everything that is rare.
    """

    def __init__(self, timed: Any) -> None:
        self._timed = timed
        self._stream: ByteStream = timed._stream
        self._socket = timed.get_extra_info("socket")

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        """Return the next bytes; none at the end."""
        if timeout is not None:
            return bytes(await self._timed.read(max_bytes, timeout))
        try:
            return await self._stream.receive(max_bytes)
        except anyio.EndOfStream:
            return b""
        except _LOST as error:
            raise httpcore.ReadError(error) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
        """Send bytes."""
        if timeout is not None or not buffer:
            await self._timed.write(buffer, timeout)
            return
        try:
            await self._stream.send(buffer)
        except _LOST as error:
            raise httpcore.WriteError(error) from error

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        """Start TLS."""
        return untimed(await self._timed.start_tls(ssl_context, server_hostname, timeout))

    async def aclose(self) -> None:
        """Close it."""
        await self._timed.aclose()

    def get_extra_info(self, info: str) -> Any:
        """Return what the stream says; ask the socket itself whether it can be read."""
        if info != "is_readable":
            return self._timed.get_extra_info(info)
        if self._socket.fileno() < 0:
            return True
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(0))
