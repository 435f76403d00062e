"""The health check, for containers and start scripts."""

from http import HTTPStatus

import attrs
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["HEALTH_PATH", "Health", "healthy"]

HEALTH_PATH = "/healthz"


def healthy() -> Response:
    """Return the response to a health check."""
    return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


@attrs.frozen
class Health:
    """Responds to health checks, outside everything else.

    They need no credentials, trigger no fault, are not limited and are not in the ledger.
    """

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to a health check, and pass on every other request."""
        await self._target(scope)(scope, receive, send)

    def _target(self, scope: Scope) -> ASGIApp:
        if scope["type"] != "http" or scope["path"] != HEALTH_PATH:
            return self.app
        if scope["method"] in {"GET", "HEAD"}:
            return healthy()
        return Response(
            status_code=HTTPStatus.METHOD_NOT_ALLOWED.value, headers={"Allow": "GET, HEAD"}
        )
