"""Where access tokens come from: given, asked for, or shared between processes."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

import attrs
import httpx

from sikoia_async._auth.secret import Secret, is_sendable
from sikoia_async._errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sikoia_async._transport.types import Response

__all__ = [
    "CallableToken",
    "Grant",
    "Refusal",
    "StaticToken",
    "StoredToken",
    "TokenSource",
    "TokenStore",
    "read_grant",
]


class TokenSource(Protocol):
    """Gives the token that a request carries."""

    async def get(self) -> str:
        """Return a token that is good for the next seconds."""
        ...

    def forget(self, token: str) -> bool:
        """Drop a token that was refused; tell whether there may be a better one."""
        ...


class StaticToken:
    """One token, which the caller looks after."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    async def get(self) -> str:
        """Return the token."""
        return self._token.reveal()

    def forget(self, token: str) -> bool:  # noqa: ARG002 - there is but one
        """There is no better one."""
        return False


class CallableToken:
    """A function of the caller's, sync or async, that is asked before each request."""

    def __init__(self, give: Callable[[], str | Awaitable[str]]) -> None:
        self._give = give

    async def get(self) -> str:
        """Ask the function.

        Raises:
            ConfigurationError: it failed, or gave something that cannot be a token.
        """
        try:
            # No variable holds what it gave: there are tools that write down those of a traceback.
            return Secret("the token that token() gave", await self._ask()).reveal()
        except (httpx.HTTPError, OSError) as error:
            # Kept from being taken for a fault of the call that it was asked for.
            problem = type(error).__name__
        msg = f"the function that was passed as token= failed with {problem}"
        raise ConfigurationError(msg)

    async def _ask(self) -> str:
        given = self._give()
        return await given if inspect.isawaitable(given) else given

    def forget(self, token: str) -> bool:  # noqa: ARG002 - the function knows what it gives
        """The function may give another one."""
        return True


@attrs.frozen
class StoredToken:
    """An access token as several processes share it."""

    value: str = attrs.field(repr=False)
    expires_at: float
    """When it runs out, in seconds since the epoch."""


class TokenStore(Protocol):
    """Shares one access token between processes, through a database or a cache, say.

    What it keeps is a secret. A store that fails costs a token request, never a call.
    """

    async def load(self, key: str) -> StoredToken | None:
        """Return the token under this key, or None."""
        ...

    async def save(self, key: str, token: StoredToken) -> None:
        """Keep a token under this key, which is a hash and tells nothing."""
        ...


@attrs.frozen
class Grant:
    """What the authorization server granted."""

    token: str = attrs.field(repr=False)
    seconds: float
    """How long the token lives."""


@attrs.frozen
class Refusal:
    """Why it granted nothing."""

    reason: str
    error: str | None = None
    """OAuth's code; None where the answer had none."""


def read_grant(answer: Response) -> Grant | Refusal:
    """Read an answer of the token endpoint.

    The specification says 201; any 2xx counts. Its examples give numbers as text; both count.
    """
    body = _object(answer)
    if not _OK <= answer.status < _REDIRECT:
        return _refusal(answer.status, body)
    token = body.get("access_token")
    if not isinstance(token, str) or not is_sendable(token):
        return Refusal(f"{answer.status} without a usable access_token")
    if str(body.get("token_type", "Bearer")).lower() != "bearer":
        return Refusal(f"{answer.status} with a token that is no bearer token")
    return Grant(token, min(max(_seconds(body.get("expires_in")), _SHORTEST), _LONGEST))


_OK: Final = 200
_REDIRECT: Final = 300
_SHORTEST: Final = 60.0
_LONGEST: Final = 86_400.0
_CODE: Final = re.compile(r"[a-z_]{1,40}")
_NUMBER: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")
_ADVICE: Final = {
    "invalid_client": "check client_id and client_secret, and that they are this environment's",
    "unauthorized_client": "this application may not use client credentials",
    "invalid_scope": "check the environment's scope",
}


def _refusal(status: int, body: dict[str, Any]) -> Refusal:
    """Name OAuth's code and our advice; the server's own words might repeat the secret."""
    error = body.get("error")
    code = error if isinstance(error, str) and _CODE.fullmatch(error) else None
    advice = f": {_ADVICE[code]}" if code in _ADVICE else ""
    return Refusal(f"{status} {code or 'without an OAuth error code'}{advice}", code)


def _object(answer: Response) -> dict[str, Any]:
    import msgspec  # noqa: PLC0415 - loaded with the first answer, and not with the package

    try:
        body: object = msgspec.json.decode(answer.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        body = None
    return cast("dict[str, Any]", body) if isinstance(body, dict) else {}


def _seconds(value: object) -> float:
    return float(str(value)) if _NUMBER.fullmatch(str(value)) else 0.0
