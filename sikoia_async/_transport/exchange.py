"""One request out, one whole answer back, or a fault as plain data.

Nothing of httpx comes out of here: its errors hold the request, and the request holds the token.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, cast

import anyio
import attrs
import httpx

from sikoia_async._transport.body import BodyError, BodyReader, Inflater
from sikoia_async._transport.quiet import quiet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from sikoia_async._transport.stopwatch import Stopwatch

__all__ = [
    "ENDLESS",
    "Echo",
    "HeldBack",
    "Limits",
    "Pieces",
    "Reached",
    "Response",
    "Sink",
    "TransportFault",
    "build",
    "close_opened",
    "exchange",
    "mark_sending",
    "release_body",
    "was_sent",
]

ENDLESS: Final = "the answer does not say where it ends, so nobody can tell whether it is whole"
"""What is wrong with a file of that kind; JSON has an end of its own."""

Reached = Literal["unsent", "sent", "partial"]
"""How far an attempt got: nothing was sent, no answer came, or a part of one."""

_DRAIN: Final = 0.2
"""Seconds that a body may go on after it was given up."""

_OK: Final = 200

_BODILESS: Final = frozenset({"GET", "DELETE"})

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
class Response:
    """A whole answer."""

    status: int
    headers: httpx.Headers = attrs.field(repr=False)  # cookies, and whatever else
    body: bytes = attrs.field(repr=False)  # a token, where the token endpoint answers
    broken: str | None = None
    """Why the body cannot be trusted; None where it came whole."""
    delimited: bool = True
    """Whether the answer says where it ends; else it ended with the connection, whoever cut it."""


@attrs.frozen
class TransportFault:
    """Why no whole answer came."""

    reached: Reached
    reason: str
    final: bool = False
    """Whether another attempt must fail alike: the other side's certificate is not good."""


@attrs.define
class Echo:
    """Whether a server answers with the correlation ids that it is sent, as far as was seen."""

    known: bool = False
    _sent: OrderedDict[str, None] = attrs.field(factory=OrderedDict[str, None])

    def sends(self, request: httpx.Request) -> None:
        """Remember the id of a request that goes out."""
        self._sent[request.extensions.get("correlation_id", "")] = None
        if len(self._sent) > _IDS:
            self._sent.popitem(last=False)

    def is_anothers(self, request: httpx.Request, status: int) -> bool:
        """Tell whether the answer to a request names another one.

        An id that we sent with another request tells for sure. One that we never sent tells where
        the server was seen to answer with ours, and only of what may be asked again: a service
        behind a gateway may make ids of its own, and an answer may have cost money. Errors may
        come from the gateway itself.
        """
        sent = request.extensions.get("correlation_id", "")
        received = request.extensions.get("received_id")
        if received is None or status >= _FIRST_ERROR:
            return False
        if received.lower() == sent.lower():
            self.known = True
            return False
        if received in self._sent:
            return True
        known, self.known = self.known, False
        return known and request.extensions.get("repeatable", False)


class HeldBack(Exception):  # noqa: N818 - nothing went wrong
    """A 429 came while the request waited for its permit: nothing was sent, and it waits anew."""


class Pieces(Protocol):
    """A request's body that is made while it is sent, as often as it is sent."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[bytes]: ...


class Sink(Protocol):
    """Where the body of a 200 goes, piece by piece."""

    @property
    def failure(self) -> str | None:
        """Why the sink, and not the answer, is at fault where something went wrong."""
        ...

    async def start(self) -> None:
        """Hear that an answer begins; what an earlier attempt brought is void."""
        ...

    async def take(self, piece: bytes) -> None:
        """Take the next piece, inflated.

        Raises:
            BodyError: no more is wanted.
        """
        ...

    async def end(self) -> str | None:
        """Hear that the answer came whole, and tell why it is not what it should be."""
        ...


class _Content(httpx.AsyncByteStream):
    """A request's body, which knows whether the head before it may have been written.

    It is no async generator: httpcore leaves it half way where the server hangs up, and trio minds
    generators that are left.
    """

    def __init__(self, content: bytes | Pieces) -> None:
        self._content = content
        self._left: Iterator[bytes] = iter(())
        self.sent = False
        self.opened: Any = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        self.sent = True
        content = self._content
        self._left = iter((content,) if isinstance(content, bytes) else content)
        return self

    async def __anext__(self) -> bytes:
        for piece in self._left:
            return piece
        raise StopAsyncIteration

    def release_body(self) -> None:
        """Drop the body."""
        self._content, self._left = b"", iter(())

    async def trace(self, event: str, said: Mapping[str, Any]) -> None:
        """Hear from httpcore when the head goes out, and of the socket that it opened."""
        if event.endswith("send_request_headers.started"):
            self.sent = True
        elif event.endswith("connect_tcp.complete"):
            self.opened = said["return_value"]


def build(
    method: str,
    url: str,
    headers: Mapping[str, str],
    content: bytes | Pieces,
    watch: Stopwatch,
    **more: Any,
) -> httpx.Request:
    """Build a request that is timed by `watch`, with `more` for the hooks to read."""
    if content or method not in _BODILESS:
        # A POST without a body says so, or some servers answer 411.
        headers = {**headers, "Content-Length": str(len(content))}
    stream = _Content(content)
    timeout = {"connect": _CONNECT_TIMEOUT}
    extensions = {"timeout": timeout, "stopwatch": watch, "content": stream, **more}
    return httpx.Request(method, url, headers=headers, stream=stream, extensions=extensions)


def mark_sending(request: httpx.Request, *, warm: bool) -> None:
    """Note that a request goes to its connection.

    On one that is open it counts as sent from here on, for a cancellation may strike between the
    write of the head and the question for the body. One that is still to be opened is listened to.
    """
    content = cast("_Content", request.extensions["content"])
    if warm:
        content.sent = True
    else:
        request.extensions["trace"] = content.trace


def was_sent(request: httpx.Request) -> bool:
    """Tell whether the request may have been sent, and so acted on."""
    return cast("_Content", request.extensions["content"]).sent


def release_body(request: httpx.Request) -> None:
    """Drop the body of a request that is done with.

    httpx ties response and request into a knot, where a file would stay until the garbage collector
    comes by.
    """
    cast("_Content", request.extensions["content"]).release_body()


async def close_opened(request: httpx.Request) -> None:
    """Close the socket that was opened for a request that came to nothing.

    httpcore forgets it where a TLS handshake is cancelled.
    """
    opened = cast("_Content", request.extensions["content"]).opened
    if opened is not None:
        await opened.aclose()


async def exchange(
    client: httpx.AsyncClient, request: httpx.Request, limits: Limits, sink: Sink | None = None
) -> Response | TransportFault:
    """Send one request and read the whole answer, inflated and within limits.

    With a sink, the body of a 200 goes there whatever its size, and the answer has its beginning.
    """
    response: httpx.Response | None = None
    with quiet():
        try:
            response = await client.send(request, stream=True, follow_redirects=False)
            try:
                request.extensions["stopwatch"].enter("body")
                problem = _head_problem(request, response)
                if problem is not None:
                    return problem
                if sink is not None and response.status_code == _OK:
                    return await _pour(response, sink, limits.error_body)
                return await _read(response, limits)
            finally:
                await response.aclose()
        except (httpx.HTTPError, OSError) as error:
            return _fault(error, "sent" if response is None else "partial")


def _head_problem(request: httpx.Request, response: httpx.Response) -> TransportFault | None:
    """Tell why the head of an answer makes it none; h11 takes more than is safe."""
    headers, echo = response.headers, cast("Echo | None", request.extensions.get("echo"))
    version = response.extensions.get("http_version", b"HTTP/2")
    if not version.startswith(b"HTTP/1.") and version not in _NEWER:
        return TransportFault("sent", "what came is of no version of HTTP that is in use")
    if len(headers) > _MOST_HEADERS:
        return TransportFault(
            "sent", f"what came has more than {_MOST_HEADERS} headers", final=True
        )
    if "transfer-encoding" in headers and "content-length" in headers:
        # A gateway before us may have gone by the other one, and taken the rest for an answer.
        return TransportFault("sent", "what came declares its length in two ways")
    if echo is not None and echo.is_anothers(request, response.status_code):
        return TransportFault("sent", "what came is the answer to another request")
    return None


async def _read(response: httpx.Response, limits: Limits) -> Response:
    status, headers = response.status_code, response.headers
    reader, broken = _reader(headers.get("content-encoding", ""), limits.of(status))
    pieces = aiter(cast("httpx.AsyncByteStream", response.stream))
    try:
        async for piece in pieces:
            reader.feed(piece)
        return Response(status, headers, reader.whole(), broken, _is_delimited(response))
    except BodyError as error:
        broken = str(error)
    await _give_up(response, pieces)
    return Response(status, headers, reader.so_far(), broken)


async def _pour(response: httpx.Response, sink: Sink, keep: int) -> Response:
    """Let a body flow into a sink; its beginning is kept, for the error that may follow."""
    status, headers, beginning = response.status_code, response.headers, bytearray()
    pieces = aiter(cast("httpx.AsyncByteStream", response.stream))
    try:
        inflater = Inflater(headers.get("content-encoding", ""))
        await sink.start()
        async for piece in pieces:
            for inflated in inflater.feed(piece):
                beginning += inflated[: keep - len(beginning)]
                await sink.take(inflated)
        inflater.end()
        broken = None if _is_delimited(response) else ENDLESS
        return Response(status, headers, bytes(beginning), broken)
    except BodyError as error:
        broken = str(error)
    except BaseException:
        # Where the sink was at work when this came, the body's generators have not heard of it.
        with anyio.CancelScope(shield=True):
            await _give_up(response, pieces)
        raise
    await _give_up(response, pieces)
    return Response(status, headers, bytes(beginning), broken)


def _is_delimited(response: httpx.Response) -> bool:
    headers = response.headers
    return (
        "content-length" in headers
        or "transfer-encoding" in headers
        or "content-encoding" in headers  # a gzip body has an end of its own, which was seen
        or not response.extensions.get("http_version", b"").startswith(b"HTTP/1")
    )


def _reader(encoding: str, limit: int) -> tuple[BodyReader, str | None]:
    """Return what reads a body; one in an encoding that we do not know is kept as it comes."""
    try:
        return BodyReader(encoding, limit), None
    except BodyError as error:
        return BodyReader("", limit), str(error)


async def _give_up(response: httpx.Response, pieces: AsyncIterator[bytes]) -> None:
    """Read no more of a body.

    Its generators are run to their end, for trio minds those that are neither ended nor closed:
    once the connection is closed they end. On a transport of the caller's that may end nothing; so
    not for ever.
    """
    await response.aclose()
    with anyio.move_on_after(_DRAIN), suppress(httpx.HTTPError, httpx.StreamError):
        async for _ in pieces:
            pass


def _fault(error: Exception, reached: Reached) -> TransportFault:
    cause = _deepest(error)
    if isinstance(error, httpx.LocalProtocolError):
        # Its message repeats the header that it does not like.
        return TransportFault("unsent", "the request could not be written as HTTP", final=True)
    if isinstance(error, httpx.ReadTimeout):
        return TransportFault(reached, "nothing came for half of the time")
    if isinstance(error, _NEVER_SENT):
        return TransportFault("unsent", _reason(cause), final=_is_final(cause))
    return TransportFault(reached, _reason(cause))


_IDS: Final = 1000
"""How many of the ids that were sent last are remembered."""
_FIRST_ERROR: Final = 400
_MOST_HEADERS: Final = 200
_NEWER: Final = frozenset({b"HTTP/2", b"HTTP/3"})
_NEVER_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


def _is_final(cause: BaseException) -> bool:
    """Tell whether TLS was refused; a handshake that broke off may go well the next time."""
    return isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError)


def _deepest(error: BaseException) -> BaseException:
    """Follow an error to the one that says most: httpx and anyio wrap the system's."""
    found = error
    inner = _within(error)
    while inner is not None:
        # That OpenSSL wanted to read is what was going on when it happened, and not why.
        if isinstance(inner, OSError) and not isinstance(inner, ssl.SSLWantReadError):
            found = inner
        inner = _within(inner)
    return found


def _within(error: BaseException) -> BaseException | None:
    if isinstance(error, BaseExceptionGroup):  # of trio, with one for each address of a host
        return cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error.__cause__ or error.__context__


def _reason(cause: BaseException) -> str:
    """Say what happened in words that name neither address nor header."""
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"the server's certificate is not good: {cause.verify_message}"
    if isinstance(cause, ssl.SSLError):
        return f"TLS failed: {cause.reason or 'the peer speaks no TLS that we accept'}"
    if isinstance(cause, socket.gaierror):
        return "the host name cannot be resolved"
    if isinstance(cause, OSError) and cause.errno:
        return os.strerror(cause.errno)  # asyncio puts the address into its own words
    return _WORDS.get(type(cause), type(cause).__name__)


_WORDS: Final[dict[type[BaseException], str]] = {
    httpx.ConnectTimeout: "no connection within the time for it",
    TimeoutError: "no connection within the time for it",
    httpx.RemoteProtocolError: "the server broke off, or does not speak HTTP",
    httpx.ReadError: "the connection was lost",
    httpx.WriteError: "the connection was lost",
}
