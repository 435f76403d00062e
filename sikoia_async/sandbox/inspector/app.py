"""The inspector as an ASGI application: the page, its data and its actions, also for programs."""

import json
import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sikoia_async.sandbox.app import App
from sikoia_async.sandbox.inspector.actions import ACTIONS, SNAPSHOT_ACTIONS, act
from sikoia_async.sandbox.inspector.guard import API, TOKEN_PATH, Guard
from sikoia_async.sandbox.inspector.views import (
    choices,
    ledger_of,
    request_in_full,
    scenarios_of,
    state_of,
)
from sikoia_async.sandbox.middleware.health import HEALTH_PATH, healthy
from sikoia_async.sandbox.snapshot import Snapshot

__all__ = ["create_inspector"]

_PAGE = Path(__file__).with_name("page")
_FILES = {
    "style.css": "text/css",
    "script.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
_TOKEN = b"{{token}}"
_NUMBER = re.compile("[0-9]{1,15}")
_MAX_FORM = 10_000
"""The maximum size of a form in bytes."""


def create_inspector(app: App, *, origins: Sequence[str]) -> ASGIApp:
    """Create the inspector of a local Sikoia; serve it in the same event loop.

    Args:
        app: The local Sikoia.
        origins: The origins of the page, the usual one first; requests to any other host are
            refused.
    """
    # Not drawn from the seed, from which anybody could predict it.
    token = secrets.token_urlsafe(32)
    inspector = _Inspector(app)
    routes = [
        _page(token),
        Route(HEALTH_PATH, _health),
        *(_file(name, media_type) for name, media_type in _FILES.items()),
        Route(TOKEN_PATH, _token(token)),
        Route(f"{API}choices", inspector.choices),
        Route(f"{API}har", inspector.har),
        Route(f"{API}ledger", inspector.ledger),
        Route(f"{API}scenarios", inspector.scenarios),
        Route(f"{API}state", inspector.state),
        Route(f"{API}requests/{{number}}", inspector.request),
        Route(f"{API}do/{{action}}", inspector.do, methods=["POST"]),
    ]
    return Guard(app=Starlette(routes=routes), origins=origins, token=token)


class _Inspector:
    """Handles the requests of the page."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._snapshots = dict[str, Snapshot]()

    async def har(self, _request: Request) -> Response:
        """Return all requests as an HTTP archive."""
        return _Json(self._app.ledger.to_har())

    async def ledger(self, request: Request) -> Response:
        """Return all requests, or those after the one with the number `since`."""
        since = request.query_params.get("since", "0")
        if not _NUMBER.fullmatch(since):
            return _error(HTTPStatus.BAD_REQUEST, "since: expected the number of a request.")
        return _Json(ledger_of(self._app.ledger, int(since)))

    async def scenarios(self, _request: Request) -> Response:
        """Return all scenarios."""
        return _Json(scenarios_of(self._app))

    async def choices(self, _request: Request) -> Response:
        """Return the options of the forms."""
        return _Json(choices(self._app))

    async def state(self, _request: Request) -> Response:
        """Return everything that the page shows."""
        # First record the operations that have ended.
        self._app.deliveries.queue_events()
        return _Json(state_of(self._app))

    async def request(self, request: Request) -> Response:
        """Return one request of the ledger with headers and bodies."""
        number = request.path_params["number"]
        known = _NUMBER.fullmatch(number)
        found = request_in_full(self._app.ledger, int(number)) if known else None
        if found is None:
            return _error(HTTPStatus.NOT_FOUND, "The request is no longer in the ledger.")
        return _Json(found)

    async def do(self, request: Request) -> Response:
        """Perform an action, and return its message."""
        action = request.path_params["action"]
        if action == "settle":
            await self._app.deliveries.settle()
            return _Json({"message": "All deliveries that are due have been attempted."})
        if action not in {*ACTIONS, *SNAPSHOT_ACTIONS}:
            return _error(HTTPStatus.NOT_FOUND, "Unknown action.")
        try:
            message = act(self._app, action, await _form(request), self._snapshots)
            return _Json({"message": message})
        except AssertionError as exc:
            return _error(HTTPStatus.CONFLICT, str(exc))
        except ValueError as exc:
            return _error(HTTPStatus.BAD_REQUEST, str(exc))
        except ClientDisconnect:
            # Nobody reads this response. It also happens when the local Sikoia stops.
            return _error(HTTPStatus.BAD_REQUEST, "The form is incomplete.")


class _Json(JSONResponse):
    """A JSON response in ASCII, because lone surrogates cannot be encoded in UTF-8."""

    def render(self, content: Any) -> bytes:
        """Encode the content."""
        return json.dumps(content, separators=(",", ":")).encode("ascii")


def _token(token: str) -> Callable[[Request], Awaitable[Response]]:
    async def respond(_request: Request) -> Response:
        return _Json({"token": token})

    return respond


def _page(token: str) -> Route:
    body = (_PAGE / "index.html").read_bytes().replace(_TOKEN, token.encode())

    async def respond(_request: Request) -> Response:
        return Response(body, media_type="text/html")

    return Route("/", respond)


def _file(name: str, media_type: str) -> Route:
    body = (_PAGE / name).read_bytes()

    async def respond(_request: Request) -> Response:
        return Response(body, media_type=media_type)

    return Route(f"/{name}", respond)


async def _health(_request: Request) -> Response:
    return healthy()


async def _form(request: Request) -> dict[str, Any]:
    """Read a form from the body.

    Raises:
        ValueError: The body is not a JSON object, or is too large.
    """
    read = b""
    async for part in request.stream():
        read += part
        if len(read) > _MAX_FORM:
            msg = "The form is too large."
            raise ValueError(msg)
    try:
        form: object = json.loads(read)
    except (ValueError, RecursionError):
        form = None
    if not isinstance(form, dict):
        msg = "The body must be a JSON object."
        raise ValueError(msg)  # noqa: TRY004 - the page shows the message of a ValueError
    return cast("dict[str, Any]", form)  # JSON has no other keys


def _error(status: HTTPStatus, reason: str) -> Response:
    return _Json({"error": reason}, status)
