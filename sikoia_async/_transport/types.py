"""The records and protocols of one exchange: what goes in, and what comes out."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

import attrs
import httpx

from sikoia_async._errors import ConfigurationError, is_error
from sikoia_async._logging import MutedHttpLogs
from sikoia_async._transport.desync import read_after_failure, read_while_sending

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    import httpcore

    from sikoia_async._transport.desync import EchoCheck
    from sikoia_async._transport.stopwatch import Stopwatch
    from sikoia_async.observers._pairs import ObservedAttempt

__all__ = [
    "UNDELIMITED",
    "Freshness",
    "RateLimitPaused",
    "Reached",
    "RequestNotSent",
    "RequestState",
    "Response",
    "Sink",
    "StreamedContent",
    "TransportFault",
    "mark_unsent",
    "needs_turn",
    "state_of",
]

UNDELIMITED: Final = "the response declares no length, so it may be incomplete"
"""Why a file without a declared length is rejected. JSON shows by itself whether it is complete."""

Reached = Literal["unsent", "sent", "partial"]
"""How far a failed attempt got: not sent, sent without a response, or part of a response."""

Freshness = Literal["open", "recent", "new"]
"""Which connections a request may use: any that is open, one that was used a moment ago, or none
but a new one."""

_KEY: Final = "sikoia"
_NO_FIELDS: Final[Mapping[bytes, bytes]] = {}
_NO_CHUNKS: Final[Iterator[bytes]] = iter(())
_CONNECTING: Final = frozenset({"connect_tcp.started", "connect_unix_socket.started"})


@attrs.frozen(eq=False, repr=False)
class Response:
    """A response, read to its end or to its limit."""

    status: int
    headers: httpx.Headers
    body: bytes
    broken: str | None = None
    """Why the body cannot be trusted; None if it is complete."""
    delimited: bool = True
    """Whether the response declares its length. Otherwise the closed connection ended it, and
    anybody on the way can close one."""

    @property
    def is_error(self) -> bool:
        """Whether the status is a 4xx or 5xx."""
        return is_error(self.status)


@attrs.frozen(repr=False)
class TransportFault:
    """Why an attempt brought no complete response."""

    reached: Reached
    reason: str
    final: bool = False
    """Whether every further attempt would fail too, for example because of a bad certificate."""
    is_assumed: bool = False
    """Whether it only counts as sent because the transport does not report what it sends."""

    is_stray: bool = False
    """Whether there was a response, and it belongs to another request."""

    is_error = True


class RateLimitPaused(Exception):  # noqa: N818 - nothing went wrong
    """A 429 arrived while the request waited for a connection; it was not sent."""


class RequestNotSent(Exception):  # noqa: N818 - a hook's way to end an exchange
    """A hook of ours could not complete a request, which was not sent."""

    def __init__(self, fault: TransportFault) -> None:
        super().__init__(fault.reason)
        self.fault = fault


class StreamedContent(Protocol):
    """A request body that is produced while it is sent, and can be sent again."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[bytes]: ...


class Sink(Protocol):
    """Destination for the body of a 200, chunk by chunk."""

    @property
    def failure(self) -> str | None:
        """Why the sink failed; None if it did not, whatever the response did."""
        ...

    async def open(self) -> None:
        """Prepare for a body, before anything is sent.

        Raises:
            ConfigurationError: the destination cannot be used.
        """
        ...

    async def start(self) -> None:
        """Start a new body, and discard what an earlier attempt wrote."""
        ...

    async def take(self, piece: bytes) -> None:
        """Write the next chunk, decompressed.

        Raises:
            BodyError: the sink accepts no more.
        """
        ...

    async def end(self) -> str | None:
        """Finish a complete body, and return why it is not acceptable, if so."""
        ...


@attrs.define(eq=False, repr=False)
class RequestState(httpx.AsyncByteStream):
    """What our own layers know about one request: hooks, pool and exchange read and write it.

    It is also the stream of the request's body, because a body that is read shows that the request
    was sent. It is not an async generator: httpcore abandons the body if the server hangs up, and
    trio warns about abandoned generators.
    """

    stopwatch: Stopwatch
    correlation_id: str = ""
    """The id to send."""
    content: bytes | StreamedContent = b""
    path: str = attrs.field(default="", kw_only=True)
    """The path template, if the request has one; never with ids."""
    may_repeat: bool = False
    """Whether the request may be sent again, however this attempt ends."""
    freshness: Freshness = "open"
    """Which connections it may use."""
    is_second: bool = False
    """Whether another attempt of the call is in progress; then this one waits for no connection."""
    is_concurrent: bool = False
    """Whether other requests are in progress. Then one turn of the event loop before it is sent
    brings those that are ready together: the server is not woken for each of them."""
    is_paused: Callable[[], bool] | None = None
    """Returns whether a 429 has paused all requests."""
    ticket: str = ""
    """The lease of its rate-limit slot, if processes share these."""
    is_sent: bool = False
    """Whether the request may have been sent, and so processed."""
    is_traced: bool = False
    """Whether the transport reports what it sends."""
    is_reported: bool = False
    """Whether it has reported anything."""
    stream_id: int | None = None
    """The number of the HTTP/2 stream that the request was sent on."""
    received_id: str | None = None
    """The correlation id of the response."""
    headers: httpx.Headers | None = None
    """The headers of the response, if it belongs to this request."""
    fields: Mapping[bytes, bytes] = _NO_FIELDS
    """The headers of the response by name in lower case, whatever request it belongs to."""
    http_version: bytes | None = None
    """The HTTP version of that response, if the transport says it."""
    hook_error: BaseException | None = None
    """What a hook of the caller's client raised, which is not a fault of the exchange."""
    can_renew_token: bool = False
    """Whether the response refused an access token that can be replaced by a new one."""
    echo: EchoCheck | None = None
    observed: ObservedAttempt | None = None
    """Tells observers about the attempt; None without observers."""
    uploads_to: httpx.AsyncBaseTransport | None = None
    """The transport of ours that sends a body which servers may refuse before they have read it."""
    opened: Any = None
    """The socket that httpcore opened for this request, until the connection is established."""
    is_new: bool = False
    """Whether a connection was opened for this request."""
    is_handshake_open: bool = False
    """Whether the server may still refuse the TLS handshake after the request was sent."""
    tunnel: Literal["none", "requested", "open"] = "none"
    """Whether a proxy was asked for a tunnel for this request, and has opened it."""
    _timeouts: Any = attrs.field(default=None, init=False)
    """The timeouts of a request that a proxy is asked for a tunnel for."""
    _read_timeout: float | None = attrs.field(default=None, init=False)
    """What the read timeout among them will be again."""
    _muted: MutedHttpLogs | None = attrs.field(default=None, init=False)
    _chunks: Iterator[bytes] = attrs.field(default=_NO_CHUNKS, init=False)

    def __aiter__(self) -> AsyncIterator[bytes]:
        self.is_sent = True
        if self.uploads_to is not None:
            read_while_sending(self.uploads_to)
        content = self.content
        self._chunks = iter((content,) if isinstance(content, bytes) else content)
        return self

    async def __anext__(self) -> bytes:
        for chunk in self._chunks:
            return chunk
        raise StopAsyncIteration

    def __deepcopy__(self, _: object) -> RequestState:
        """Return the state itself: a transport may copy a request's extensions."""
        return self

    def read(self) -> bytes:
        """Return the body. Unlike an iteration, this does not count as sending it."""
        content = self.content
        return content if isinstance(content, bytes) else b"".join(content)

    def mark_sending(self, request: httpx.Request, transport: object) -> None:
        """Note that the request is handed to a transport.

        The transports of httpx and httpx2 themselves report when they send the request. With any
        other, it counts as sent from now on, because nothing else proves that it was not: a
        transport may retry by itself, or raise any exception after the work was done. Subclasses
        are such transports too.
        """
        trace = request.extensions.setdefault("trace", self.trace)  # or a hook's own
        self.is_traced = _is_traced(type(transport)) and trace == self.trace
        self.is_sent = not self.is_traced

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Trace extension of httpcore: note how far a connection or a request has got."""
        self.is_reported = True
        name = event.partition(".")[2]
        if name == "send_request_headers.started":
            self.stream_id = info.get("stream_id")
            if info["request"].method == b"CONNECT":
                self._request_tunnel(info["request"])
            else:
                self.is_sent, self.opened = True, None
                if self.is_traced and self.uploads_to is None:
                    # Nothing else that httpcore reports is used.
                    info["request"].extensions.pop("trace", None)
        elif name == "connect_tcp.complete":
            self.opened, self.is_new = info["return_value"], True
        elif name == "send_request_body.failed" and self.uploads_to is not None:
            read_after_failure(self.uploads_to)
        elif name == "start_tls.started" and self.tunnel == "requested":
            self._open_tunnel()
        elif name == "start_tls.complete" and self.is_traced:
            self.is_handshake_open = _is_open(info["return_value"].get_extra_info("ssl_object"))
        elif self.is_traced and (name in _CONNECTING or _is_invalid(name, info)):
            self.is_sent = False

    def _request_tunnel(self, request: Any) -> None:
        """Note that a proxy is asked for a tunnel, which takes no longer than connecting.

        httpcore would wait as long as for a response of Sikoia.
        """
        self._timeouts = request.extensions.get("timeout", {})
        self._read_timeout = self._timeouts.get("read")
        self._timeouts["read"] = self._timeouts.get("connect")
        self.tunnel = "requested"

    def _open_tunnel(self) -> None:
        self._timeouts["read"] = self._read_timeout
        self.tunnel = "open"

    def mute_logs(self) -> None:
        """Drop what httpx and httpcore log about the request.

        Only now, because the hooks before it call the user's `token=` function.
        """
        if self._muted is None:
            self._muted = MutedHttpLogs()

    def unmute_logs(self) -> None:
        """Let httpx and httpcore log again."""
        if self._muted is not None:
            self._muted.end()
            self._muted = None

    @property
    def is_unsent(self) -> bool:
        """Whether it is certain that a request that failed was not sent.

        Test libraries replace the method of httpx's transport; then it reports nothing.
        """
        return not self.is_sent and (self.is_reported or not self.is_traced)

    async def close_opened(self) -> None:
        """Close the socket of a failed request; httpcore leaks it if a handshake is cancelled."""
        if self.opened is not None:
            await self.opened.aclose()

    def release_body(self) -> None:
        """Drop the body after the exchange.

        httpx links request and response in a reference cycle, which would keep a file in memory
        until the next garbage collection.
        """
        self.content, self._chunks = b"", _NO_CHUNKS

    def attach_to(self, request: httpx.Request) -> None:
        """Make `state_of` return this state, whatever a transport did to the extensions."""
        request.extensions = {_KEY: self}


def _is_traced(kind: type) -> bool:
    """Return whether a class of transports reports what it sends."""
    httpx2: Any = sys.modules.get("httpx2")
    return kind is httpx.AsyncHTTPTransport or (
        httpx2 is not None and kind is httpx2.AsyncHTTPTransport
    )


def _is_open(tls: ssl.SSLObject) -> bool:
    """Return whether a handshake that seems complete may still be refused.

    In TLS 1.3 a client has to send before it hears whether the server accepts its certificate. The
    server reads no request before that, unless it may also ask for a certificate later.
    """
    return tls.version() == "TLSv1.3" and not tls.context.post_handshake_auth


def _is_invalid(name: str, info: Mapping[str, Any]) -> bool:
    """Return whether an event says that the head is not valid HTTP, and so was not written."""
    is_failure = name == "send_request_headers.failed"
    return is_failure and type(info["exception"]).__name__ == "LocalProtocolError"


def mark_unsent(request: httpx.Request) -> None:
    """Note that a transport of ours has not sent a request; those of other clients are ignored."""
    state: Any = request.extensions.get(_KEY)
    if isinstance(state, RequestState):
        state.is_sent = False


def needs_turn(request: httpx.Request | httpcore.Request) -> bool:
    """Return whether a request of ours is to be sent one turn of the event loop later.

    Other tasks then prepare theirs, or notice that the server closes the connection, which matters
    to one that must not be repeated.
    """
    state: Any = request.extensions.get(_KEY)
    return isinstance(state, RequestState) and (state.is_concurrent or not state.may_repeat)


def state_of(request: httpx.Request) -> RequestState:
    """Return the state of a request.

    Raises:
        ConfigurationError: the request carries none: this SDK did not build it, or a transport
            of the caller's replaced it.
    """
    state: Any = request.extensions.get(_KEY)
    if isinstance(state, RequestState):
        return state
    msg = f'request.extensions["{_KEY}"]: missing; pass requests on with their extensions'
    raise ConfigurationError(msg)
