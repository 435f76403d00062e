"""One connection instead of httpcore's pool, which can be opened before it is needed.

httpcore's pool has queues and locks for many connections and requests, which cost a tenth of a
call. Each of our transports has one connection, and is used by one request at a time.

httpcore opens a connection with the first request only. `open_ahead` lets it begin a request, stops
it before the first byte of that is sent, and keeps the stream. The next request gets that stream:
the proxy's tunnel and the TLS handshake, which httpcore asks for again, come from the recording.
"""

# ruff: noqa: SLF001 - httpx has no public way to bring a pool or a network backend; without these
# private names, httpcore's own pool is used, and nothing is opened ahead.

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final, cast

import httpcore
import httpx
from anyio.lowlevel import checkpoint

from sikoia_async._transport.types import needs_turn, state_of
from sikoia_async._transport.untimed import untimed

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Mapping

__all__ = ["KEEPALIVE", "new_transport", "open_ahead", "use_single_connection"]

KEEPALIVE: Final = 15.0
"""Seconds that an idle connection is kept: less than the 60 s after which common gateways close it,
so that requests rarely meet a connection that is being closed."""
_HTTPX: Final = "httpx."


def new_transport(
    context: ssl.SSLContext | None, proxy_context: ssl.SSLContext | None, proxy: str | None
) -> httpx.AsyncHTTPTransport:
    """Create a transport with one connection, which ignores the process's environment."""
    transport = httpx.AsyncHTTPTransport(
        verify=False if context is None else context,  # plain http to loopback has no context
        trust_env=False,
        proxy=None if proxy is None else httpx.Proxy(proxy, ssl_context=proxy_context),
        limits=httpx.Limits(
            max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEEPALIVE
        ),
    )
    use_single_connection(transport)
    return transport


def use_single_connection(transport: httpx.AsyncHTTPTransport) -> None:
    """Let one of httpx's transports, which must be new, have one connection instead of a pool."""
    pool: Any = getattr(transport, "_pool", None)
    if hasattr(pool, "create_connection") and hasattr(pool, "_network_backend"):
        cast("Any", transport)._pool = _Single(pool)


async def open_ahead(transport: httpx.AsyncBaseTransport, request: httpx.Request) -> None:
    """Open the connection of a transport, so that the next request finds it open.

    Args:
        transport: one that `use_single_connection` has changed; any other stays as it is, and so
            does one that a test library has replaced.
        request: a request to the same origin, which is not sent.

    Raises:
        httpx.TransportError: the connection was not opened.
    """
    single: object = getattr(transport, "_pool", None)
    send: Any = transport.handle_async_request
    if not isinstance(single, _Single) or not send.__module__.startswith(_HTTPX):
        return
    state = state_of(request)
    state.mark_sending(request, transport)

    async def trace(event: str, info: Mapping[str, Any]) -> None:
        if event.endswith("send_request_headers.started") and info["request"].method != b"CONNECT":
            raise _Connected
        await state.trace(event, info)

    request.extensions["trace"] = trace
    single.backend.is_recording = True
    try:
        response = await send(request)
    except _Connected:
        return
    except Exception:
        if state.is_reported:  # otherwise a test library has replaced httpcore's connections
            raise
        return
    finally:
        single.backend.is_recording = False
    await response.aclose()


class _Connected(Exception):  # noqa: N818 - stops httpcore at the right moment
    """The connection is open."""


class _Single:
    """At most one connection, with the methods of `httpcore.AsyncConnectionPool` that httpx calls.

    Args:
        pool: creates connections, for the right proxy and TLS context.
    """

    def __init__(self, pool: Any) -> None:
        self.backend: _Backend = _Backend(pool._network_backend)
        pool._network_backend = self.backend
        self._create = pool.create_connection
        self._connection: Any = None

    @property
    def connections(self) -> list[Any]:
        """The connection, if there is one."""
        connection = self._connection
        return [] if connection is None or connection.is_closed() else [connection]

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send a request over the connection, or over a new one if that has closed or expired."""
        if needs_turn(request):
            await checkpoint()
        connection = self._connection
        if connection is not None and connection.is_available() and not connection.has_expired():
            return cast("httpcore.Response", await connection.handle_async_request(request))
        await self._close()
        connection = self._connection = self._create(request.url.origin)
        response = await connection.handle_async_request(request)
        _remove_locks(connection)
        return cast("httpcore.Response", response)

    async def aclose(self) -> None:
        """Close the connection."""
        try:
            await self._close()
        finally:
            await self.backend.discard()

    async def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.aclose()


def _remove_locks(connection: Any) -> None:
    """Remove the locks of an open connection, which one request at a time uses.

    Each of the three costs a turn of the event loop and a cancel scope.
    """
    while connection is not None:
        for name in _LOCKS:
            if hasattr(connection, name):
                setattr(connection, name, _NO_LOCK)
        connection = getattr(connection, "_connection", None)


class _NoLock:
    """What httpcore enters instead of a lock."""

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, *_: object) -> None:
        pass


_LOCKS: Final = frozenset({"_connect_lock", "_request_lock", "_state_lock"})
_NO_LOCK: Final = _NoLock()


class _Backend(httpcore.AsyncNetworkBackend):
    """Opens connections, and keeps one that was opened ahead.

    Args:
        backend: opens them.
    """

    def __init__(self, backend: httpcore.AsyncNetworkBackend) -> None:
        self._backend = backend
        self._ahead: _Recorded | None = None
        self.is_recording: bool = False

    async def discard(self) -> None:
        """Close the connection that was opened ahead."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            await ahead.discard()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Return a connection, the one that was opened ahead if there is one."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            return ahead.replayed()
        stream = await self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        stream = untimed(stream)
        if self.is_recording:
            stream = self._ahead = _Recorded(stream)
        return stream


class _Recorded(httpcore.AsyncNetworkStream):
    """A stream on which a tunnel and TLS are opened once, and again from the recording.

    Args:
        stream: the stream.
    """

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._results: deque[bytes | _Recorded] = deque()
        """What was read, and the stream with TLS, if one was started."""
        self._is_replayed = False

    def replayed(self) -> httpcore.AsyncNetworkStream:
        """Return a stream that repeats the recording, and then goes on."""
        self._is_replayed = True
        return self if self._results else self._stream

    async def discard(self) -> None:
        """Close it."""
        tls = self._results.pop() if self._results else None
        await (tls.discard() if isinstance(tls, _Recorded) else self._stream.aclose())

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        """Read, or repeat what was read."""
        if self._is_replayed:
            return cast("bytes", self._results.popleft())
        data = await self._stream.read(max_bytes, timeout)
        self._results.append(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
        """Write what was not written yet."""
        if not self._is_replayed:
            await self._stream.write(buffer, timeout)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        """Start TLS, or return the stream on which it was started."""
        if self._is_replayed:
            return cast("_Recorded", self._results.popleft()).replayed()
        stream = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        tls = _Recorded(stream)
        self._results.append(tls)
        return tls

    async def aclose(self) -> None:
        """Close it if it is in use; otherwise it is kept for the next request."""
        if self._is_replayed:
            await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        """Return what the stream says."""
        return self._stream.get_extra_info(info)
