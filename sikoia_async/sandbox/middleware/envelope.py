"""What every answer has: a correlation id, and when it is a refusal, the error envelope."""

import logging
import re
from collections.abc import Callable
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sikoia_async.sandbox.errors import ApiError, server_error

_HEADER = "X-Correlation-Id"
_SANE = re.compile(r"[A-Za-z0-9._-]{1,128}")

_log = logging.getLogger(__name__)


class Envelope:
    """Stamps every answer, and turns whatever is raised below into the error envelope.

    Args:
        app: The application below.
        echo: Take the correlation id of the request when it is a sane one.
        new_id: Makes the other correlation ids; by default random ones.
    """

    def __init__(self, app: ASGIApp, *, echo: bool, new_id: Callable[[], object] = uuid4) -> None:
        self._app = app
        self._echo = echo
        self._new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request down, and see that its answer is complete."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        correlation_id = self._choose(Headers(scope=scope).get(_HEADER, ""))

        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[_HEADER] = correlation_id
            await send(message)

        try:
            await self._app(scope, receive, stamped)
        except Exception as exc:  # noqa: BLE001 - whatever went wrong, the caller gets an envelope
            error = _refusal(exc)
            response = JSONResponse(error.body(correlation_id), error.status, error.headers)
            await response(scope, receive, stamped)

    def _choose(self, given: str) -> str:
        return given if self._echo and _SANE.fullmatch(given) else str(self._new_id())


def _refusal(exc: Exception) -> ApiError:
    if isinstance(exc, ApiError):
        return exc
    _log.error("a handler of the local Sikoia failed", exc_info=exc)
    return server_error()
