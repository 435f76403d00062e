"""Authorization: each request carries an access token, and a refused token is discarded.

Source: https://docs.sikoia.com/docs/api-behaviour; every request carries a bearer token.
"""

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import httpx

from sikoia_async._transport.types import state_of

if TYPE_CHECKING:
    from sikoia_async._auth.secret import Secret
    from sikoia_async._auth.tokens import TokenSource

__all__ = ["Authorize", "DiscardRefusedToken", "SendApiKey"]

_SCHEME: Final = "Bearer "


class Authorize:
    """Request hook: set `Authorization`.

    Args:
        source: gets the access token.
    """

    def __init__(self, source: "TokenSource") -> None:
        self._source = source

    async def __call__(self, request: httpx.Request) -> None:
        state_of(request).stopwatch.enter("token")
        request.headers["Authorization"] = _SCHEME + await self._source.get()


class DiscardRefusedToken:
    """Response hook: discard the access token after a 401, and note whether it can be renewed.

    Args:
        source: has the access token.
    """

    def __init__(self, source: "TokenSource") -> None:
        self._source = source

    async def __call__(self, response: httpx.Response) -> None:
        if response.status_code != HTTPStatus.UNAUTHORIZED:
            return
        request = response.request
        header = request.headers.get("Authorization")
        if header is not None:  # a transport of the caller's may have removed it
            token = header.removeprefix(_SCHEME)
            state_of(request).can_renew_token = self._source.forget(token)


class SendApiKey:
    """Request hook: set `apikey`, the legacy key of customers from before 2024.

    Args:
        api_key: the key.
    """

    def __init__(self, api_key: "Secret") -> None:
        self._api_key = api_key

    async def __call__(self, request: httpx.Request) -> None:
        request.headers["apikey"] = self._api_key.reveal()
