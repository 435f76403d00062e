"""The SDK's own httpx client: event hooks around a connection pool."""

from __future__ import annotations

from http.cookiejar import CookieJar, DefaultCookiePolicy
from operator import attrgetter
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sikoia_async._transport.pool import ConnectionPool

__all__ = ["Client"]


class Client(httpx.AsyncClient):
    """Sends requests with its hooks; it keeps no cookies and ignores the process's environment.

    Args:
        pool: sends the requests.
        hooks: the event hooks, by `request` and `response`.
    """

    def __init__(
        self, pool: ConnectionPool, hooks: Mapping[str, list[Callable[..., Any]]] | None = None
    ) -> None:
        no_cookies = CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
        super().__init__(
            transport=pool,
            event_hooks={} if hooks is None else hooks,
            cookies=no_cookies,
            trust_env=False,
        )
        self._pool = pool

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Call the request hooks, the pool and the response hooks; the body is not read.

        httpx's own method also runs an authentication flow, prepares redirects, reads cookies,
        measures time and writes a log record, none of which is used here. It costs as much as all
        the rest of a call. Tools replace it, or what it calls, and then it is called.

        Raises:
            RuntimeError: the client is closed.
        """
        if _current(httpx.AsyncClient) != _OWN or self.is_closed:
            return await super().send(request, **options)
        hooks = self.event_hooks
        for hook in hooks["request"]:
            await hook(request)
        response = await self._pool.handle_async_request(request)
        try:
            response.request = request
            for hook in hooks["response"]:
                await hook(response)
        except BaseException:
            await response.aclose()
            raise
        return response


def _own_methods() -> object:
    """Return httpx's methods; None if a tool has replaced one."""
    methods = [getattr(httpx.AsyncClient, name) for name in _REPLACED]
    are_own = [
        type(one) is FunctionType and one.__globals__["__name__"].startswith("httpx.")
        for one in methods
    ]
    return tuple(methods) if all(are_own) else None


_REPLACED: Final = ("send", "_send_single_request", "_transport_for_url")
"""What tools replace that trace, record or mock httpx: Sentry, vcrpy before 8, and respx."""
_current: Final = attrgetter(*_REPLACED)
_OWN: Final = _own_methods()
