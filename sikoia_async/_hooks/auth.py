"""Authorization: the token goes out with each request, and is forgotten where it was refused.

Source: https://docs.sikoia.com/docs/api-behaviour; every request carries a bearer token.
"""

from typing import TYPE_CHECKING, Final

import attrs
import httpx

if TYPE_CHECKING:
    from sikoia_async._auth.secret import Secret
    from sikoia_async._auth.tokens import TokenSource

__all__ = ["Authorize", "ForgetRefused", "SendApiKey"]

_SCHEME: Final = "Bearer "
_UNAUTHORIZED: Final = 401


@attrs.frozen
class Authorize:
    """Request hook: set `Authorization`."""

    source: "TokenSource"

    async def __call__(self, request: httpx.Request) -> None:
        request.extensions["stopwatch"].enter("token")
        request.headers["Authorization"] = _SCHEME + await self.source.get()


@attrs.frozen
class ForgetRefused:
    """Response hook: drop the token that a 401 refused, and note whether another may be had."""

    source: "TokenSource"

    async def __call__(self, response: httpx.Response) -> None:
        if response.status_code == _UNAUTHORIZED:
            token = response.request.headers["Authorization"].removeprefix(_SCHEME)
            response.request.extensions["renewable"] = self.source.forget(token)


@attrs.frozen
class SendApiKey:
    """Request hook: in place of a token, the legacy `apikey` of customers from before 2024."""

    api_key: "Secret"

    async def __call__(self, request: httpx.Request) -> None:
        request.headers["apikey"] = self.api_key.reveal()
