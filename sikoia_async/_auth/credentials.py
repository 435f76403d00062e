"""How a client authenticates: client credentials, an access token, or the legacy API key."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import attrs

from sikoia_async._auth.secret import Secret
from sikoia_async._auth.tokens import StaticToken
from sikoia_async._errors import ArgumentTypeError, ConfigurationError
from sikoia_async._settings import variables

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

__all__ = ["ApiKey", "Credentials", "TokenFunction"]


class ApiKey(NamedTuple):
    """The legacy API key of customers from before 2024."""

    secret: Secret


class TokenFunction(NamedTuple):
    """A function that returns access tokens."""

    function: Callable[[], str | Awaitable[str]]


@attrs.frozen(eq=False, repr=False)
class Credentials:
    """The arguments that say how a client authenticates; exactly one method must be given."""

    client_id: str | None
    client_secret: str | None
    token: str | Callable[[], str | Awaitable[str]] | None
    api_key: str | None
    names: tuple[str, str] = ("client_id", "client_secret")
    """What errors call client id and secret."""

    def resolve(self) -> Secret | StaticToken | TokenFunction | ApiKey:
        """Return the client's secret (its id is `client_id`), a token source, or an API key.

        Raises:
            ConfigurationError: no method is given, or more than one, or a value is invalid.
        """
        # No local variable holds a secret: error reporters record those of a traceback.
        if sum(method is not None for method in self._methods()) > 1:
            msg = "credentials: pass client_id and client_secret, or token, or api_key, only one"
            raise ConfigurationError(msg)
        if self.api_key is not None:
            return ApiKey(Secret("api_key", self.api_key))
        if isinstance(self.token, str | bytes):
            return StaticToken(Secret("token", self.token))
        if self.token is None:
            return self._secret()
        if not callable(self.token):
            msg = "token: expected an access token, or a function that returns one"
            raise ArgumentTypeError(msg)
        return TokenFunction(self.token)

    def _methods(self) -> Iterator[object]:
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
        Secret(self.names[0], self.client_id)
        return Secret(self.names[1], self.client_secret)

    def or_from_environment(self) -> Credentials:
        """Return these credentials or, if none are given, those in environment variables."""
        given = (self.client_id, self.client_secret, self.token, self.api_key)
        if any(value is not None for value in given):
            return self
        names = ("SIKOIA_CLIENT_ID", "SIKOIA_CLIENT_SECRET")
        sources = (variables.source_of(names[0]), variables.source_of(names[1]))
        client_id = variables.secret(names[0])
        return Credentials(client_id, variables.secret(names[1]), None, None, sources)
