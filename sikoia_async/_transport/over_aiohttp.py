"""Sessions of aiohttp.

aiohttp is not imported before there is one.
"""

from __future__ import annotations

import asyncio
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import httpx

from sikoia_async._errors import ClientStateError
from sikoia_async._transport.lent import CLOSED, Once
from sikoia_async._transport.types import mark_unsent, state_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sikoia_async._transport.types import RequestState

__all__ = ["AiohttpTransport"]

_NOT_REPEATED: Final = frozenset({"POST", "PATCH"})
"""The methods of which aiohttp sends a request once."""
_STREAMED: Final = 64 * 1024
"""Bytes from which aiohttp gets a body as a stream; it warns about large ones that are not."""
_OUR_HEADERS: Final = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""What aiohttp would add."""


class AiohttpTransport(httpx.AsyncBaseTransport):
    """A session of aiohttp, with its connections, tracing, default headers and cookies."""

    def __init__(self, session: Any) -> None:
        self._session = session

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request through the session.

        Raises:
            ClientStateError: the session is closed; nothing was sent.
        """
        session, state = self._session, state_of(request)
        if session.closed:
            mark_unsent(request)
            raise ClientStateError(CLOSED)
        aiohttp, new_url = _aiohttp()
        # The event loop may not have read yet that the server closed an idle connection: the first
        # turn finds it readable, and the second closes it.
        for _ in range(state.is_concurrent if state.may_repeat else 2):
            await asyncio.sleep(0)
        try:
            response = await session.request(
                request.method,
                new_url(str(request.url), encoded=True),
                headers=_headers(request),
                data=_content(request, state),
                skip_auto_headers=_OUR_HEADERS,
                allow_redirects=False,
                auto_decompress=False,
                raise_for_status=False,
                timeout=_timeout(request.extensions["timeout"]["connect"]),
            )
        except aiohttp.ClientError as error:
            if self._is_unsent(error, request.method):
                mark_unsent(request)
            raise _as_httpx_error(error) from error
        version = response.version
        return httpx.Response(
            response.status,
            headers=response.raw_headers,
            stream=_AiohttpBody(response),
            extensions={"http_version": b"HTTP/%d.%d" % (version.major, version.minor)},
        )

    def _is_unsent(self, error: Exception, method: str) -> bool:
        """Return whether an error proves that a request was not sent.

        aiohttp opens a connection first, and repeats only idempotent requests. A subclass, a
        middleware or a connector of the caller's may do anything.
        """
        aiohttp, _ = _aiohttp()
        session, connecting = self._session, (aiohttp.TCPConnector, aiohttp.UnixConnector)
        return (
            method in _NOT_REPEATED
            and type(session) is aiohttp.ClientSession
            and type(session.connector) in connecting
            and not getattr(session, "_middlewares", True)
            and isinstance(
                error,
                aiohttp.ClientConnectorError
                | aiohttp.ConnectionTimeoutError
                | aiohttp.ClientHttpProxyError,
            )
        )


class _AiohttpBody(httpx.AsyncByteStream):
    """The body of a response of aiohttp, as received."""

    def __init__(self, response: Any) -> None:
        self._response = response

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        aiohttp, _ = _aiohttp()
        try:
            chunk: bytes = await self._response.content.readany()
        except aiohttp.ClientError as error:
            raise _as_httpx_error(error) from error
        if chunk:
            return chunk
        raise StopAsyncIteration

    async def aclose(self) -> None:
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


@cache
def _aiohttp() -> tuple[Any, Any]:
    """Return aiohttp, and the class of its URLs."""
    import aiohttp  # noqa: PLC0415 - an extra, and the caller has loaded it
    import yarl  # noqa: PLC0415

    return aiohttp, yarl.URL


@cache
def _timeout(connect: float) -> Any:
    """Return a timeout for connecting; a call has its own deadline."""
    return _aiohttp()[0].ClientTimeout(sock_connect=connect)


def _headers(request: httpx.Request) -> list[tuple[str, str]]:
    return [(name.decode(), value.decode()) for name, value in request.headers.raw]


def _content(request: httpx.Request, state: RequestState) -> object:
    """Return the body of a request.

    aiohttp repeats an idempotent request by itself, so one that must not be repeated is a stream
    that can be sent once.
    """
    content = state.content
    may_be_bytes = state.may_repeat or request.method in _NOT_REPEATED
    if may_be_bytes and isinstance(content, bytes) and len(content) < _STREAMED:
        return content or None
    return state if state.may_repeat else Once(state)


def _as_httpx_error(error: Any) -> httpx.HTTPError:
    """Return an exception of httpx for one of aiohttp's."""
    aiohttp, _ = _aiohttp()
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return httpx.ProxyError(f"{error.status} {error.message}")
    if isinstance(error, aiohttp.ClientConnectorError):
        return httpx.ConnectError("")
    if isinstance(error, aiohttp.ServerTimeoutError):
        return httpx.ConnectTimeout("")
    if isinstance(error, aiohttp.ClientOSError):
        return httpx.ReadError("")
    return httpx.RemoteProtocolError("")
