"""Headers of the caller's, for which this SDK has no argument."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from sikoia_async._errors import ArgumentError, ArgumentTypeError
from sikoia_async._validation import lazy_pattern, plain_string, validate_mapping, validate_type

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["OWN_HEADERS", "merge_headers", "sendable", "validate_app_info", "validate_headers"]

OWN_HEADERS: Final = frozenset(
    {
        # What a call needs, and what describes its body.
        *("accept", "accept-charset", "accept-encoding", "apikey", "authorization", "cookie"),
        *("content-encoding", "content-length", "content-type", "expect", "host", "range"),
        *("user-agent", "x-correlation-id"),
        # What belongs to a connection (RFC 9110, section 7.6.1).
        *("connection", "http2-settings", "keep-alive", "proxy-authenticate"),
        *("proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding"),
        "upgrade",
    }
)
"""Headers that only this SDK sets, in lower case."""
_INSTEAD: Final = {
    "apikey": "api_key=...",
    "authorization": "token=... or client_id=... and client_secret=...",
    "idempotency-key": "idempotency_header=... and with_options(idempotency_key=...)",
    "user-agent": "app_info=...",
    "x-correlation-id": "with_options(correlation_id=...) or correlation_id(...)",
    "x-idempotency-key": "idempotency_header=... and with_options(idempotency_key=...)",
}
_NAME: Final = lazy_pattern(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
_VALUE: Final = lazy_pattern(r"([!-~]([\t -~]{0,8190}[!-~])?)?")
_APP: Final = lazy_pattern(r"[!-~]([ -~]{0,254}[!-~])?")


def validate_headers(headers: Mapping[str, str], own_header: str | None) -> dict[str, str]:
    """Return headers that may be added to requests.

    Args:
        headers: the caller's.
        own_header: the header for the client's idempotency keys, if it has one.

    Raises:
        ArgumentTypeError: they are not a mapping of strings to strings.
        ArgumentError: a name or a value cannot be sent, only this SDK sets such a header, or
            it occurs twice.
    """
    validate_mapping("headers", headers)
    own = OWN_HEADERS if own_header is None else OWN_HEADERS | {own_header.lower()}
    valid: dict[str, str] = {}
    for name, value in headers.items():
        plain = plain_string(name)
        if not _NAME.fullmatch(plain):
            msg = "headers: a name is not valid; expected letters, digits and hyphens"
            raise ArgumentError(msg)
        lower = plain.lower().replace("_", "-")  # as some servers read it
        if lower in own or lower in _INSTEAD:
            instead = f"; pass {_INSTEAD[lower]}" if lower in _INSTEAD else ""
            msg = f"headers: {lower} is set by this SDK{instead}"
            raise ArgumentError(msg)
        if plain.lower() in {one.lower() for one in valid}:
            msg = f"headers: {plain} is there twice, in different letter case"
            raise ArgumentError(msg)
        valid[plain] = _value(plain, value)
    return valid


def sendable(headers: Mapping[str, str], own_header: str | None) -> dict[str, str]:
    """Return those headers that may be added to requests, by the rules of `validate_headers`."""
    valid: dict[str, str] = {}
    for name, value in headers.items():
        with suppress(ArgumentError, ArgumentTypeError):
            valid |= validate_headers({name: value}, own_header)
    return valid


def _value(name: str, value: object) -> str:
    if not isinstance(value, str):
        msg = f"headers: the value of {name} must be a string"
        raise ArgumentTypeError(msg)
    plain = plain_string(value)
    if not _VALUE.fullmatch(plain):
        msg = (
            f"headers: the value of {name} cannot be sent; expected up to 8,192 ASCII characters "
            "without line breaks, other control characters, and spaces around it"
        )
        raise ArgumentError(msg)
    return plain


def merge_headers(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """Return headers with others added, which replace those of the same name in any case."""
    replaced = {name.lower() for name in new}
    return {name: one for name, one in old.items() if name.lower() not in replaced} | dict(new)


def validate_app_info(app_info: object) -> str:
    """Return what is added to the User-Agent, such as `loans/1.4`.

    Raises:
        ArgumentTypeError: it is not a string.
        ArgumentError: it cannot be sent.
    """
    validate_type("app_info", app_info, str, "a string such as 'loans/1.4'")
    plain = plain_string(str(app_info))
    if not _APP.fullmatch(plain):
        msg = (
            "app_info: expected 1 to 256 ASCII characters without line breaks, such as 'loans/1.4'"
        )
        raise ArgumentError(msg)
    return plain
