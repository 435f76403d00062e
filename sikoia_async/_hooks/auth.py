"""Authorization: each request carries an access token, and a refused token is discarded.

Source: https://docs.sikoia.com/docs/api-behaviour; every request carries a bearer token.
"""

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import attrs
import httpx

from sikoia_async._transport.types import state_of

if TYPE_CHECKING:
    from sikoia_async._auth.secret import Secret
    from sikoia_async._auth.tokens import TokenSource

__all__ = ["Authorize", "DiscardRefusedToken", "SendApiKey"]

_SCHEME: Final = "Bearer "


@attrs.frozen
class Authorize:
    """Request hook: set `Authorization`."""

    source: "TokenSource"

    async def __call__(self, request: httpx.Request) -> None:
        state_of(request).stopwatch.enter("token")
        request.headers["Authorization"] = _SCHEME + await self.source.get()


@attrs.frozen
class DiscardRefusedToken:
    """Response hook: discard the access token after a 401, and note whether it can be renewed."""

    source: "TokenSource"

    async def __call__(self, response: httpx.Response) -> None:
        if response.status_code != HTTPStatus.UNAUTHORIZED:
            return
        request = response.request
        header = request.headers.get("Authorization")
        if header is not None:  # a transport of the caller's may have removed it
            token = header.removeprefix(_SCHEME)
            state_of(request).can_renew_token = self.source.forget(token)


@attrs.frozen
class SendApiKey:
    """Request hook: set `apikey`, the legacy key of customers from before 2024."""

    api_key: "Secret"

    async def __call__(self, request: httpx.Request) -> None:
        request.headers["apikey"] = self.api_key.reveal()
