"""Detects a response that belongs to another request.

A server that sends an unsolicited response desynchronises its connection: httpcore 1.0.9 returns
that response to the next request. Two checks prevent it. `has_leftovers` finds bytes that follow a
response and were already read from the socket: h11 keeps what arrived in one segment with the
response, TLS keeps decrypted records, and asyncio's stream keeps what it received before it was
paused. `EchoCheck` compares correlation ids, for bytes that arrive later.
"""

# ruff: noqa: SLF001 - no public API shows these bytes; tests check each private name on asyncio and
# trio, with TLS and without.

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, cast

from sikoia_async._errors import is_error

if TYPE_CHECKING:
    import httpx

__all__ = ["EchoCheck", "has_leftovers", "read_after_failure", "read_while_sending"]

_REMEMBERED: Final = 1000


class EchoCheck:
    """Compares the correlation id of a response with the one that was sent."""

    def __init__(self) -> None:
        self._sent: OrderedDict[str, None] = OrderedDict()
        """The ids sent last."""
        self._cached: OrderedDict[str, None] = OrderedDict()
        """Other ids that new connections returned: a cache in between has these responses."""
        self._echoes = False
        """Whether the last response carried the id of its request."""

    def record_sent(self, correlation_id: str) -> None:
        """Remember the id of a request."""
        _remember(correlation_id, self._sent)

    def is_mismatch(
        self, sent: str, received: str | None, status: int, *, is_new: bool, may_repeat: bool
    ) -> bool:
        """Return whether a response belongs to another request.

        It does if it carries the id of another request of ours. An id that we never sent counts
        only if the server has echoed our ids so far and the request may be repeated: a service
        behind the gateway may create its own ids, and the response may have cost money. Errors are
        accepted, because the gateway itself sends some.

        The first response on a new connection belongs to the first request. With another id it is
        from a cache, and that id is accepted from then on.

        Args:
            sent: the id of the request.
            received: the id of the response, if it has one.
            status: status of the response.
            is_new: whether the connection was opened for the request.
            may_repeat: whether the request may be repeated.
        """
        if received is None or is_error(status):
            return False
        if received == sent or received.lower() == sent.lower():
            self._echoes = True
            return False
        if is_new:
            _remember(received, self._cached)
        if received in self._cached:
            return False
        if received in self._sent:
            return True
        echoed, self._echoes = self._echoes, False
        return echoed and may_repeat


def _remember(correlation_id: str, ids: OrderedDict[str, None]) -> None:
    ids[correlation_id] = None
    if len(ids) > _REMEMBERED:
        ids.popitem(last=False)


def has_leftovers(transport: httpx.AsyncBaseTransport) -> bool:
    """Return whether unread bytes follow the last response of one of httpx's transports.

    Returns True if that cannot be determined because the private names have changed.
    """
    try:
        for connection in cast("Any", transport)._pool.connections:
            if _has_unread_bytes(connection):
                return True
    except AttributeError:
        return True
    return False


def read_while_sending(transport: httpx.AsyncBaseTransport) -> None:
    """Let asyncio read from the connection of one of httpx's transports while a body is sent.

    A server may refuse a large body before it has read it, and close the connection. Sending then
    fails, and asyncio discards what it has not read until then: the response.
    """
    with suppress(AttributeError, ValueError):  # trio can still read, or the names have changed
        _streams(transport)[-1]._transport.resume_reading()


def read_after_failure(transport: httpx.AsyncBaseTransport) -> None:
    """Let TLS decrypt what was received before sending failed."""
    with suppress(AttributeError, ValueError):
        for stream in _streams(transport)[:-1]:
            if hasattr(stream, "_broken"):  # anyio's
                stream._broken = False
            else:  # trio's
                stream._state = cast("Any", type(stream._state)).OK


def _streams(transport: httpx.AsyncBaseTransport) -> list[Any]:
    """Return the streams of a transport's connection, the one of the socket last."""
    (connection,) = cast("Any", transport)._pool.connections
    streams = [_h11_connection(connection)._network_stream._stream]
    while hasattr(streams[-1], "transport_stream"):  # TLS wraps another stream
        streams.append(streams[-1].transport_stream)
    return streams


def _h11_connection(connection: Any) -> Any:
    while not hasattr(connection, "_h11_state"):  # wrappers for proxies and for connecting
        connection = connection._connection
    return connection


def _has_unread_bytes(connection: Any) -> bool:
    connection = _h11_connection(connection)
    if connection._h11_state.trailing_data[0]:
        return True
    stream = connection._network_stream._stream
    while stream is not None:
        if _is_unread(stream):
            return True
        stream = getattr(stream, "transport_stream", None)  # TLS wraps another stream
    return False


def _is_unread(stream: Any) -> bool:
    records = getattr(stream, "_read_bio", None) or getattr(stream, "_incoming", None)
    if records is not None:  # anyio's TLS, or trio's
        return bool(records.pending)
    protocol = getattr(stream, "_protocol", None)
    return protocol is not None and bool(protocol.read_queue)
