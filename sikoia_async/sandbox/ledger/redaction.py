"""Redacts secrets in requests and responses: credentials, keys and tokens."""

import re
from collections.abc import Iterable
from urllib.parse import unquote_plus

__all__ = [
    "redacted_form",
    "redacted_headers",
    "redacted_request_body",
    "redacted_response_body",
]

_REDACTED = "[redacted]"
_HEADERS = {
    b"api-key",
    b"apikey",
    b"authorization",
    b"cookie",
    b"proxy-authorization",
    b"set-cookie",
    b"x-api-key",
}
_FIELDS = (
    "access_token",
    "api_key",
    "apikey",
    "authorization",
    "client_assertion",
    "client_secret",
    "id_token",
    "password",
    "refresh_token",
    "shared_key",
    "sig",
)
_NAMES = "|".join(_FIELDS).encode()
# A body may be cut off inside a string.
_IN_JSON = re.compile(
    rb'("(?:' + _NAMES + rb')"\s*:\s*)(?:"(?:[^"\\]|\\.)*"?|[^\s,}\]"]+)', re.DOTALL
)
_REPLACEMENT = rb'\1"[redacted]"'
# Base64 has no underscore, so an uploaded file cannot contain these by chance.
_CREDENTIALS = (b"access_token", b"client_assertion", b"client_secret", b"refresh_token")


def redacted_headers(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return headers one a line, with secrets redacted."""
    return b"".join(
        b"%b: %b\n" % (name, _REDACTED.encode() if name.lower() in _HEADERS else value)
        for name, value in headers
    )


def redacted_form(form: str) -> str:
    """Return a form or a query with secrets redacted."""
    return "&".join(_redacted_pair(pair) for pair in form.split("&"))


def redacted_request_body(body: bytes, media_type: str) -> bytes:
    """Return the body of a request with secrets redacted.

    A body that mentions credentials and is neither a form nor JSON is redacted as a whole.
    """
    if media_type.startswith("application/x-www-form-urlencoded"):
        return redacted_form(body.decode("latin-1")).encode("latin-1")
    changed, count = _IN_JSON.subn(_REPLACEMENT, body)
    is_unknown = not count and any(name in body for name in _CREDENTIALS)
    return _REDACTED.encode() if is_unknown else changed


def redacted_response_body(body: bytes) -> bytes:
    """Return the body of a response with secrets redacted."""
    return _IN_JSON.sub(_REPLACEMENT, body)


def _redacted_pair(pair: str) -> str:
    name, _, _ = pair.partition("=")
    return f"{name}={_REDACTED}" if unquote_plus(name).strip().lower() in _FIELDS else pair
