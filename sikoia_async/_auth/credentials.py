"""How a client shows who it is: client credentials, an access token, or the legacy API key."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import attrs

from sikoia_async._auth.secret import Secret
from sikoia_async._auth.tokens import CallableToken, StaticToken
from sikoia_async._errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from sikoia_async._auth.tokens import TokenSource

__all__ = ["ApiKey", "Credentials"]


@attrs.frozen
class ApiKey:
    """The legacy API key of customers from before 2024."""

    secret: Secret


@attrs.frozen
class Credentials:
    """How the client shows who it is; one way and no more.

    Raises:
        ConfigurationError: there is none, or more than one, or one is malformed.
    """

    client_id: str | None
    client_secret: str | None = attrs.field(repr=False)
    token: str | Callable[[], str | Awaitable[str]] | None = attrs.field(repr=False)
    api_key: str | None = attrs.field(repr=False)

    def given(self) -> Secret | TokenSource | ApiKey:
        """Return the client's secret (its id is `client_id`), or what stands in its place."""
        # No variable holds them: there are tools that write down those of a traceback.
        if sum(way is not None for way in self._ways()) > 1:
            msg = "give client_id and client_secret, or token, or api_key, but not several of them"
            raise ConfigurationError(msg)
        if self.api_key is not None:
            return ApiKey(Secret("api_key", self.api_key))
        if isinstance(self.token, str | bytes):
            return StaticToken(Secret("token", self.token))
        return self._secret() if self.token is None else CallableToken(self.token)

    def _ways(self) -> Iterator[object]:
        yield from (self.token, self.api_key, self.client_id or self.client_secret)

    def _secret(self) -> Secret:
        if self.client_id is None or self.client_secret is None:
            missing = "client_secret is missing" if self.client_id else "client_id is missing"
            problem = missing if self.client_id or self.client_secret else "no credentials"
            msg = (
                f"{problem}: pass client_id=... and client_secret=..., or set both "
                "SIKOIA_CLIENT_ID and SIKOIA_CLIENT_SECRET (each environment has its own)"
            )
            raise ConfigurationError(msg)
        Secret("client_id", self.client_id)
        return Secret("client_secret", self.client_secret)

    @property
    def signing_secret(self) -> str:
        """What only this application knows; empty where it was given nothing that lasts."""
        return self.client_secret or self.api_key or ""

    def or_from_environment(self) -> Credentials:
        """Return these, or where nothing was given what the process's environment holds."""
        given = (self.client_id, self.client_secret, self.token, self.api_key)
        if any(way is not None for way in given):
            return self
        get = os.environ.get
        return Credentials(get("SIKOIA_CLIENT_ID"), get("SIKOIA_CLIENT_SECRET"), None, None)
