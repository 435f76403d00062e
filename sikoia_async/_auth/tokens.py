"""Sources of access tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sikoia_async._auth.secret import Secret

__all__ = ["StaticToken", "TokenSource"]


class TokenSource(Protocol):
    """Supplies the access token of each request."""

    async def get(self) -> str:
        """Return an access token that is valid for the next seconds."""
        ...

    def forget(self, token: str) -> bool:
        """Discard a refused access token; return whether another one may be accepted."""
        ...


class StaticToken:
    """One access token, which the user renews."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    async def get(self) -> str:
        """Return the access token."""
        return self._token.reveal()

    def forget(self, token: str) -> bool:  # noqa: ARG002 - there is only one
        """Return False, because another one does not exist."""
        return False
