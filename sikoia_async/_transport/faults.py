"""Translates the exceptions of httpx, httpcore and the operating system into `TransportFault`."""

from __future__ import annotations

import os
import socket
import ssl
from typing import TYPE_CHECKING, Final, cast

import httpx

from sikoia_async._transport.types import TransportFault

if TYPE_CHECKING:
    from sikoia_async._transport.types import Reached

__all__ = ["fault_from"]

_NEVER_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
_CONNECT_TIMEOUT: Final = "connecting timed out"
_REASONS: Final[dict[type[BaseException], str]] = {
    httpx.ConnectTimeout: _CONNECT_TIMEOUT,
    TimeoutError: _CONNECT_TIMEOUT,
    httpx.RemoteProtocolError: "the server closed the connection early, or does not speak HTTP",
    httpx.ReadError: "the connection was lost",
    httpx.WriteError: "the connection was lost",
}


def fault_from(error: Exception, reached: Reached) -> TransportFault:
    """Describe a failed exchange, without URL, header or address.

    Args:
        error: what httpx or the operating system raised.
        reached: how far the exchange got, if the error does not tell.
    """
    if isinstance(error, httpx.LocalProtocolError):  # its message repeats the bad header
        return TransportFault("unsent", "the request is not valid HTTP", final=True)
    if isinstance(error, httpx.ReadTimeout):
        return TransportFault(reached, "no response within half of the timeout")
    cause = _root_cause(error)
    if isinstance(error, _NEVER_SENT):
        return TransportFault("unsent", _reason(cause), final=_is_final(cause))
    return TransportFault(reached, _reason(cause))


def _is_final(cause: BaseException) -> bool:
    """Return whether TLS was refused; a handshake that was cut off may succeed the next time."""
    return isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError)


def _root_cause(error: BaseException) -> BaseException:
    """Return the most specific error of a chain: httpx and anyio wrap the operating system's."""
    root = error
    inner = _wrapped(error)
    while inner is not None:
        # SSLWantReadError is what OpenSSL was doing when it happened, not the reason.
        if isinstance(inner, OSError) and not isinstance(inner, ssl.SSLWantReadError):
            root = inner
        inner = _wrapped(inner)
    return root


def _wrapped(error: BaseException) -> BaseException | None:
    if isinstance(error, BaseExceptionGroup):  # trio's: one for each address of the host
        return cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error.__cause__ or error.__context__


def _reason(cause: BaseException) -> str:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"the server's certificate is not valid: {cause.verify_message}"
    if isinstance(cause, ssl.SSLError):
        return f"TLS failed: {cause.reason or 'the server offers no acceptable TLS version'}"
    if isinstance(cause, socket.gaierror):
        return "the host name cannot be resolved"
    if isinstance(cause, OSError) and cause.errno:
        return os.strerror(cause.errno)  # asyncio puts the address into its own message
    return _REASONS.get(type(cause), type(cause).__name__)
