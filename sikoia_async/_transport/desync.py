"""What was read off a connection and belongs to no answer: it would be taken for the next one's.

Where a server sends an answer that nobody asked for, httpcore 1.0.9 gives it to whoever uses the
connection next. It looks for such bytes in the socket, but not in what has left it: h11 keeps what
came in one piece with the answer, TLS keeps the records after the one that was read last, and
asyncio's stream what came before it was stopped. Nothing public shows these, so private names are
followed here, and here alone; tests hold each of them on asyncio and trio, with TLS and without.
"""

# ruff: noqa: SLF001

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import httpx

__all__ = ["has_leftovers"]


def has_leftovers(transport: httpx.AsyncBaseTransport) -> bool:
    """Tell whether bytes follow the answer that a transport of httpx's has just given.

    Where that cannot be seen, for the private names have changed, it is assumed.
    """
    try:
        for connection in cast("Any", transport)._pool.connections:
            if _follows(connection):
                return True
    except AttributeError:
        return True
    return False


def _follows(connection: Any) -> bool:
    while not hasattr(connection, "_h11_state"):  # the layers of proxies, and of connecting
        connection = connection._connection
    if connection._h11_state.trailing_data[0]:
        return True
    stream = connection._network_stream._stream
    while stream is not None:
        if _is_unread(stream):
            return True
        stream = getattr(stream, "transport_stream", None)  # TLS is over another one
    return False


def _is_unread(stream: Any) -> bool:
    records = getattr(stream, "_read_bio", None) or getattr(stream, "_incoming", None)
    if records is not None:  # of anyio's TLS, or of trio's
        return bool(records.pending)
    protocol = getattr(stream, "_protocol", None)
    return protocol is not None and bool(protocol.read_queue)
