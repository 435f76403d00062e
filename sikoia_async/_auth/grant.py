"""Reads the responses of the token endpoint.

Source: https://datatracker.ietf.org/doc/html/rfc6749#section-5
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import attrs

from sikoia_async._auth.secret import is_sendable
from sikoia_async._validation import lazy_pattern

if TYPE_CHECKING:
    from sikoia_async._transport.types import Response

__all__ = ["Grant", "Refusal", "read_grant"]


@attrs.frozen(repr=False)
class Grant:
    """An access token that the authorization server granted."""

    token: str
    seconds: float
    """How long it is valid."""


class Refusal(NamedTuple):
    """Why the authorization server granted no access token."""

    reason: str
    error: str | None = None
    """OAuth's error code; None if the response has none."""


def read_grant(response: Response) -> Grant | Refusal:
    """Read a response of the token endpoint.

    The specification says 201; any 2xx is accepted. Its examples have numbers as strings; both
    forms are accepted. A token_type that is absent, null or `""` is taken as Bearer.
    """
    body = _object(response)
    if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
        return _refusal(response.status, body)
    token = body.get("access_token")
    if not isinstance(token, str) or not is_sendable(token):
        return Refusal(f"{response.status} without a usable access_token")
    kind = body.get("token_type")
    if kind not in (None, "") and str(kind).lower() != "bearer":
        return Refusal(f"{response.status} with a token_type other than Bearer")
    return Grant(token, min(max(_seconds(body.get("expires_in")), _SHORTEST), _LONGEST))


_BOM: Final = b"\xef\xbb\xbf"
_SHORTEST: Final = 60.0
_LONGEST: Final = 86_400.0
_CODE: Final = lazy_pattern(r"[a-z_]{1,40}")
_NUMBER: Final = lazy_pattern(r"[0-9]{1,12}(\.[0-9]{1,12})?")
_ADVICE: Final = {
    "invalid_client": "check client_id and client_secret, and that they are this environment's",
    "unauthorized_client": "this application may not use client credentials",
    "invalid_scope": "check the environment's scope",
}


def _refusal(status: int, body: dict[str, Any]) -> Refusal:
    """Return OAuth's code and our advice; the server's own words might repeat the secret."""
    error = body.get("error")
    code = error if isinstance(error, str) and _CODE.fullmatch(error) else None
    advice = f": {_ADVICE[code]}" if code in _ADVICE else ""
    return Refusal(f"{status} {code or 'without an OAuth error code'}{advice}", code)


def _object(response: Response) -> dict[str, Any]:
    import msgspec  # noqa: PLC0415 - loaded with the first response, not with the package

    try:
        body: object = msgspec.json.decode(response.body.removeprefix(_BOM))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        body = None
    return cast("dict[str, Any]", body) if isinstance(body, dict) else {}


def _seconds(value: object) -> float:
    return float(str(value)) if _NUMBER.fullmatch(str(value)) else 0.0
