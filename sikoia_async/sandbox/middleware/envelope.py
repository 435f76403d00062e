"""Adds a correlation id to every response, and turns exceptions into the error envelope."""

import logging
import re
from collections.abc import Callable
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sikoia_async.sandbox.errors import ApiError, invalid_request, server_error

_HEADER = "X-Correlation-Id"
_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,128}")

_log = logging.getLogger(__name__)


class Envelope:
    """Completes every response.

    Args:
        app: The wrapped application.
        echo: Reuse the correlation id of the request if it is well-formed.
        new_id: Creates the other correlation ids; random by default.
    """

    def __init__(self, app: ASGIApp, *, echo: bool, new_id: Callable[[], object] = uuid4) -> None:
        self._app = app
        self._echo = echo
        self._new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and complete its response."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        correlation_id = self._correlation_id(Headers(scope=scope).get(_HEADER, ""))

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[_HEADER] = correlation_id
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception as exc:  # noqa: BLE001 - every failure becomes an envelope
            error = _api_error(exc)
            response = JSONResponse(error.body(correlation_id), error.status, error.headers)
            await response(scope, receive, send_with_id)

    def _correlation_id(self, given: str) -> str:
        return given if self._echo and _WELL_FORMED.fullmatch(given) else str(self._new_id())


def _api_error(exc: Exception) -> ApiError:
    if isinstance(exc, ApiError):
        return exc
    if isinstance(exc, ClientDisconnect):  # nobody reads this response
        return invalid_request("The client closed the connection in the middle of the request.")
    _log.error("a handler of the local Sikoia failed", exc_info=exc)
    return server_error()
