"""One request out, one whole answer back, or a fault as plain data.

Nothing of httpx comes out of here: its errors hold the request, and the request holds the token.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import attrs
import httpx

from sikoia_async._inflate import BodyError, BodyReader, TooLargeError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from sikoia_async._timing import Stopwatch

__all__ = ["Answer", "Fault", "Limits", "Reached", "build", "exchange", "was_sent"]

Reached = Literal["unsent", "sent", "partial"]
"""How far an attempt got: nothing was sent, no answer came, or a part of one."""

_CONNECT_TIMEOUT: Final = 10.0
"""Seconds to open a connection before another attempt is worth more."""


@attrs.frozen
class Limits:
    """How much of an answer is read, in bytes after inflating."""

    body: int = 32 * 1024 * 1024
    error_body: int = 64 * 1024

    def of(self, status: int) -> int:
        """Return the limit for an answer of this status."""
        return self.error_body if status >= _FIRST_ERROR else self.body


@attrs.frozen
class Answer:
    """A whole answer."""

    status: int
    headers: httpx.Headers
    body: bytes
    broken: str | None = None
    """Why the body cannot be trusted; None where it came whole."""


@attrs.frozen
class Fault:
    """Why no whole answer came."""

    reached: Reached
    reason: str
    final: bool = False
    """Whether another attempt must fail alike: the other side's certificate is not good."""


class _Content(httpx.AsyncByteStream):
    """A request's body, which knows whether the head before it was written."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.asked_for = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.asked_for = True
        yield self._content


def build(
    method: str, url: str, headers: Mapping[str, str], content: bytes, watch: Stopwatch, **more: Any
) -> httpx.Request:
    """Build a request that is timed by `watch`, with `more` for the hooks to read."""
    if content:
        headers = {**headers, "Content-Length": str(len(content))}
    stream = _Content(content)
    timeout = {"connect": _CONNECT_TIMEOUT}
    extensions = {"timeout": timeout, "stopwatch": watch, "content": stream, **more}
    return httpx.Request(method, url, headers=headers, stream=stream, extensions=extensions)


def was_sent(request: httpx.Request) -> bool:
    """Tell whether the request's head was written, so that it may have been acted on."""
    return cast("_Content", request.extensions["content"]).asked_for


async def exchange(
    client: httpx.AsyncClient, request: httpx.Request, limits: Limits
) -> Answer | Fault:
    """Send one request and read the whole answer, inflated and within limits."""
    reached: Reached = "sent"
    try:
        response = await client.send(request, stream=True, follow_redirects=False)
        reached = "partial"
        try:
            return await _read(response, limits, request.extensions["stopwatch"])
        finally:
            await response.aclose()
    except (httpx.HTTPError, OSError) as error:
        return _fault(error, reached)


async def _read(response: httpx.Response, limits: Limits, watch: Stopwatch) -> Answer:
    watch.enter("body")
    status, headers = response.status_code, response.headers
    limit = limits.of(status)
    try:
        reader = BodyReader(headers.get("content-encoding", ""), limit)
    except BodyError as error:
        return Answer(status, headers, b"", str(error))
    try:
        async for piece in cast("httpx.AsyncByteStream", response.stream):
            reader.feed(piece)
        return Answer(status, headers, reader.whole())
    except TooLargeError as error:
        return Answer(status, headers, reader.so_far(), str(error))
    except BodyError as error:
        return Answer(status, headers, reader.so_far(), str(error))


def _fault(error: Exception, reached: Reached) -> Fault:
    cause = _deepest(error)
    if isinstance(error, httpx.LocalProtocolError):
        # Its message repeats the header that it does not like.
        return Fault("unsent", "the request could not be written as HTTP", final=True)
    if isinstance(error, _NEVER_SENT):
        return Fault("unsent", _reason(cause), final=isinstance(cause, ssl.SSLError))
    return Fault(reached, _reason(cause))


_FIRST_ERROR: Final = 400
_NEVER_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


def _deepest(error: BaseException) -> BaseException:
    """Follow an error to the one that says most: httpx and anyio wrap the system's."""
    found = error
    inner = error.__cause__ or error.__context__
    while inner is not None:
        if isinstance(inner, OSError):
            found = inner
        inner = inner.__cause__ or inner.__context__
    return found


def _reason(cause: BaseException) -> str:
    """Say what happened in words that name neither address nor header."""
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"the server's certificate is not good: {cause.verify_message}"
    if isinstance(cause, ssl.SSLError):
        return f"TLS failed: {cause.reason or 'the peer speaks no TLS that we accept'}"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return _WORDS.get(type(cause), type(cause).__name__)


_WORDS: Final[dict[type[BaseException], str]] = {
    httpx.ConnectTimeout: "no connection within the time for it",
    TimeoutError: "no connection within the time for it",
    httpx.RemoteProtocolError: "the server broke off, or does not speak HTTP",
    httpx.ReadError: "the connection was lost",
    httpx.WriteError: "the connection was lost",
}
