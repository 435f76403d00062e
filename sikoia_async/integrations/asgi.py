"""Correlation ids for any ASGI application: Starlette, FastAPI, Litestar, Quart and others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

from sikoia_async import CORRELATION_ID_HEADER
from sikoia_async.integrations._shared import incoming_correlation_id

__all__ = ["CorrelationIdMiddleware"]

_Mapping: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Mapping]]
_Send: TypeAlias = Callable[[_Mapping], Awaitable[None]]
_App: TypeAlias = Callable[[_Mapping, _Receive, _Send], Awaitable[None]]

_NAME: Final = CORRELATION_ID_HEADER.lower().encode()
_WITH_HEADERS: Final = ("http.response.start", "websocket.accept", "websocket.http.response.start")


class CorrelationIdMiddleware:
    """Uses the correlation id of a request for calls to Sikoia, and responds with it.

    A request without exactly one valid id gets a new one.

    Args:
        app: the ASGI application. To have the id in every response, even after a bug, wrap the
            whole application instead of adding this to a framework's list of middleware.
    """

    def __init__(self, app: _App) -> None:
        self._app: _App = app

    async def __call__(self, scope: _Mapping, receive: _Receive, send: _Send) -> None:
        """Handle one request, one WebSocket, or the lifespan."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return

        async def send_with_id(message: _Mapping) -> None:
            if message["type"] in _WITH_HEADERS:
                headers = message.get("headers", ())
                kept = [(name, value) for name, value in headers if name.lower() != _NAME]
                message = {**message, "headers": [*kept, (_NAME, used.encode())]}
            await send(message)

        values = [value for name, value in scope["headers"] if name.lower() == _NAME]
        with incoming_correlation_id([value.decode("latin-1") for value in values]) as used:
            await self._app(scope, receive, send_with_id)
