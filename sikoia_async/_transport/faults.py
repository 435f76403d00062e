"""Translates the exceptions of httpx, httpcore and the operating system into `TransportFault`."""

from __future__ import annotations

import os
import socket
import ssl
from typing import TYPE_CHECKING, Final, cast

import httpx

from sikoia_async._transport.types import TransportFault

if TYPE_CHECKING:
    from sikoia_async._transport.types import Reached, RequestState

__all__ = ["fault_from"]

_CONNECT_TIMEOUT: Final = "connecting timed out"
_REASONS: Final[dict[type[BaseException], str]] = {
    httpx.ConnectTimeout: _CONNECT_TIMEOUT,
    httpx.ReadTimeout: _CONNECT_TIMEOUT,
    TimeoutError: _CONNECT_TIMEOUT,
    httpx.RemoteProtocolError: "the server closed the connection early, or does not speak HTTP",
    httpx.ReadError: "the connection was lost",
    httpx.WriteError: "the connection was lost",
}


def fault_from(error: Exception, state: RequestState, reached: Reached) -> TransportFault:
    """Describe a failed exchange, without URL, header or address.

    The class of the error does not show whether the request was sent, because a transport of the
    caller's may raise any class at any moment. Only the state of the request does.

    Args:
        error: what httpx or the operating system raised.
        state: the state of the request.
        reached: how far the exchange got, unless nothing was sent.
    """
    if not state.is_sent:
        reached = "unsent"
    is_assumed = reached == "sent" and not state.is_traced
    if isinstance(error, httpx.LocalProtocolError):  # its message repeats the bad header
        reason, is_final = "the request is not valid HTTP", True
    elif isinstance(error, httpx.ReadTimeout) and reached != "unsent":
        reason, is_final = "the transport waited no longer for the response", False
    else:
        cause = _root_cause(error)
        reason, is_final = _reason(cause), _is_final(cause, reached)
    return TransportFault(reached, reason, final=is_final, is_assumed=is_assumed)


def _is_final(cause: BaseException, reached: Reached) -> bool:
    """Return whether TLS was refused; a handshake that was cut off may succeed the next time."""
    if isinstance(cause, ssl.SSLCertVerificationError):
        return True
    is_refused = isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError)
    return is_refused and reached == "unsent"


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
