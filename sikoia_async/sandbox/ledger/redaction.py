"""Keeps secrets out of the ledger: credentials, keys and tokens, wherever a request has them."""

import re
from collections.abc import Iterable
from urllib.parse import unquote_plus

__all__ = ["redacted_form", "redacted_headers", "redacted_sent", "redacted_text"]

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
# The end of a text may be cut off.
_IN_JSON = re.compile(
    rb'("(?:' + _NAMES + rb')"\s*:\s*)(?:"(?:[^"\\]|\\.)*"?|[^\s,}\]"]+)', re.DOTALL
)
_HIDDEN = rb'\1"[redacted]"'
# No file in base64 has these in it.
_CREDENTIALS = (b"access_token", b"client_assertion", b"client_secret", b"refresh_token")


def redacted_headers(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Write headers down, a line each."""
    return b"".join(
        b"%b: %b\n" % (name, _REDACTED.encode() if name.lower() in _HEADERS else value)
        for name, value in headers
    )


def redacted_form(form: str) -> str:
    """Write a form or a query down as it is, but for the secrets in it."""
    return "&".join(_redacted_pair(pair) for pair in form.split("&"))


def redacted_sent(body: bytes, media_type: str) -> bytes:
    """Write the body of a request down without the secrets in it.

    One that speaks of credentials and is neither a form nor JSON is left out as a whole.
    """
    if media_type.startswith("application/x-www-form-urlencoded"):
        return redacted_form(body.decode("latin-1")).encode("latin-1")
    changed, count = _IN_JSON.subn(_HIDDEN, body)
    is_strange = not count and any(name in body for name in _CREDENTIALS)
    return _REDACTED.encode() if is_strange else changed


def redacted_text(body: bytes) -> bytes:
    """Write the body of an answer down without the secrets in it."""
    return _IN_JSON.sub(_HIDDEN, body)


def _redacted_pair(pair: str) -> str:
    name, _, _ = pair.partition("=")
    return f"{name}={_REDACTED}" if unquote_plus(name).strip().lower() in _FIELDS else pair
