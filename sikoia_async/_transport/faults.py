"""Translates the exceptions of httpx, httpcore and the operating system into `TransportFault`."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast

import httpx

from sikoia_async._errors import is_server_error
from sikoia_async._transport.types import TransportFault
from sikoia_async._validation import lazy_pattern

if TYPE_CHECKING:
    from sikoia_async._transport.types import Reached, RequestState

__all__ = ["fault_from", "is_out_of_descriptors", "reason_of"]

_CONNECT_TIMEOUT: Final = "connecting timed out"
_REASONS: Final[dict[type[BaseException], str]] = {
    httpx.ConnectTimeout: _CONNECT_TIMEOUT,
    httpx.ReadTimeout: _CONNECT_TIMEOUT,
    TimeoutError: _CONNECT_TIMEOUT,
    httpx.RemoteProtocolError: "the server closed the connection early, or does not speak HTTP",
    httpx.ReadError: "the connection was lost",
    httpx.WriteError: "the connection was lost",
}
_REFUSED_STREAM: Final = 7
_STATUS: Final = lazy_pattern(r"[0-9]{3}(?= |$)")
_STATUSES: Final = frozenset(HTTPStatus)
_CERTIFICATE_ALERTS: Final = frozenset(
    {
        "ACCESS_DENIED",
        "BAD_CERTIFICATE",
        "CERTIFICATE_EXPIRED",
        "CERTIFICATE_REQUIRED",
        "CERTIFICATE_REVOKED",
        "CERTIFICATE_UNKNOWN",
        "DECRYPT_ERROR",
        "UNKNOWN_CA",
        "UNSUPPORTED_CERTIFICATE",
    }
)
"""What a server says of a client's certificate: RFC 8446, section 6.2."""
_UNTRUSTED: Final = frozenset({18, 19, 20, 21})
"""What OpenSSL says of a certificate whose authority is not known: `X509_V_ERR_…`."""
_ADVICE: Final = (
    "; to trust another authority, see tls= and link_tls=, SIKOIA_CA_FILE for a local Sikoia, or "
    "the settings of your own transport or http_client"
)
_HANDSHAKE_ALERTS: Final = _CERTIFICATE_ALERTS | {"HANDSHAKE_FAILURE"}


def fault_from(error: Exception, state: RequestState, reached: Reached) -> TransportFault:
    """Describe a failed exchange, without URL, header or address.

    The class of the error does not show whether the request was sent, because a transport of the
    caller's may raise any class at any moment. Only the state of the request does.

    Args:
        error: what httpx or the operating system raised.
        state: the state of the request.
        reached: how far the exchange got, unless nothing was sent.
    """
    cause = _root_cause(error)
    is_handshake_refused = state.is_handshake_open and _alert(cause) in _HANDSHAKE_ALERTS
    is_stream_refused = state.is_traced and _is_stream_refused(error, state.stream_id)
    if state.is_unsent or (reached == "sent" and (is_handshake_refused or is_stream_refused)):
        reached = "unsent"
    is_assumed = reached == "sent" and not state.is_traced
    status = _status_of_proxy(error)
    if status is not None:
        reason, is_final = _refusal(status), not is_server_error(status)
    elif isinstance(error, httpx.LocalProtocolError):  # its message repeats the bad header
        reason, is_final = "the request is not valid HTTP", True
    elif isinstance(error, httpx.ReadTimeout) and reached != "unsent":
        reason, is_final = "the transport waited no longer for the response", False
    elif is_stream_refused and reached == "unsent":
        reason, is_final = "the server refused the request before it processed it", False
    else:
        reason = f"{_reason(cause)}{_advice(cause)}"
        is_final = _is_final(cause, reached, state)
        if state.tunnel == "requested":
            reason = f"the proxy has opened no tunnel: {reason}"
    return TransportFault(reached, reason, final=is_final, is_assumed=is_assumed)


def reason_of(error: Exception) -> str:
    """Describe an error of httpx or the operating system, without URL, header or address."""
    return _reason(_root_cause(error))


def _is_stream_refused(error: Exception, stream_id: int | None) -> bool:
    """Return whether an HTTP/2 server said that it did not process a request.

    It resets the stream with REFUSED_STREAM, or sends a GOAWAY that names an earlier stream as the
    last one that it may process: RFC 9113, sections 6.8 and 8.7. httpcore's exception holds the
    event.
    """
    details = getattr(error.__cause__, "args", ())
    if stream_id is None or not details:
        return False
    last_stream_id = getattr(details[0], "last_stream_id", None)
    if last_stream_id is not None:
        return bool(stream_id > last_stream_id)
    return getattr(details[0], "error_code", None) == _REFUSED_STREAM


def _status_of_proxy(error: Exception) -> int | None:
    """Return the status with which a proxy refused; httpcore's message begins with it."""
    match = _STATUS.match(str(error)) if isinstance(error, httpx.ProxyError) else None
    return int(match[0]) if match else None


def _refusal(status: int) -> str:
    phrase = HTTPStatus(status).phrase if status in _STATUSES else ""
    return f"the proxy refused to connect: {status} {phrase}".rstrip()


def _alert(cause: BaseException) -> str:
    """Return OpenSSL's name of the alert that an error reports; empty if there is none."""
    reason = cause.reason if isinstance(cause, ssl.SSLError) else None
    return (reason or "").partition("_ALERT_")[2]


def _is_final(cause: BaseException, reached: Reached, state: RequestState) -> bool:
    """Return whether TLS was refused; a handshake that was cut off may succeed the next time.

    Bytes that are not TLS may come from a proxy that fails, and not from the server.
    """
    if isinstance(cause, ssl.SSLCertVerificationError):
        return True
    if reached != "unsent" or not isinstance(cause, ssl.SSLError):
        return False
    is_alert = bool(_alert(cause))
    return is_alert or not (isinstance(cause, ssl.SSLEOFError) or state.tunnel == "open")


def is_out_of_descriptors(error: BaseException) -> bool:
    """Return whether a connection was not opened because the process has no descriptor left."""
    cause = _root_cause(error)
    if isinstance(cause, socket.gaierror):
        # The resolver opens files and sockets, and its own errors do not say why it could not.
        try:
            socket.socket().close()
        except OSError as failure:
            cause = failure
    return isinstance(cause, OSError) and cause.errno in {errno.EMFILE, errno.ENFILE}


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


def _advice(cause: BaseException) -> str:
    """Return what to do about an authority that is not trusted; empty for any other cause."""
    is_untrusted = getattr(cause, "verify_code", None) in _UNTRUSTED
    return _ADVICE if is_untrusted and isinstance(cause, ssl.SSLCertVerificationError) else ""


def _reason(cause: BaseException) -> str:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"the server's certificate is not valid: {cause.verify_message}"
    alert = _alert(cause)
    if alert in _CERTIFICATE_ALERTS:
        return f"the server refused this client's certificate: {alert.lower().replace('_', ' ')}"
    if isinstance(cause, ssl.SSLError):
        return f"TLS failed: {cause.reason or 'the server offers no acceptable TLS version'}"
    if isinstance(cause, socket.gaierror):
        return "the host name cannot be resolved"
    if isinstance(cause, OSError) and cause.errno:
        return os.strerror(cause.errno)  # asyncio puts the address into its own message
    return _REASONS.get(type(cause), type(cause).__name__)
