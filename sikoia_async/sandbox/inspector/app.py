"""The inspector as an ASGI application: its page, what the page asks for, and what it may do."""

import json
import re
import secrets
from pathlib import Path
from typing import Any, cast

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sikoia_async.sandbox.app import App
from sikoia_async.sandbox.inspector.actions import ACTIONS, act
from sikoia_async.sandbox.inspector.guard import API, Guard
from sikoia_async.sandbox.inspector.views import choices, request_in_full, state_of

__all__ = ["create_inspector"]

_PAGE = Path(__file__).with_name("page")
_FILES = {
    "style.css": "text/css",
    "script.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
_TOKEN = b"{{token}}"
_NUMBER = re.compile("[0-9]{1,15}")
_LARGEST = 10_000
"""Bytes of a form."""


def create_inspector(app: App, *, origin: str) -> ASGIApp:
    """Make the inspector of a local Sikoia, to be served in the same event loop.

    Args:
        app: The local Sikoia.
        origin: Where it will be reached; it answers to no other name.
    """
    # Not drawn from the seed: who knows that could foretell it.
    token = secrets.token_urlsafe(32)
    inspector = _Inspector(app)
    routes = [
        _page(token),
        *(_file(name, media_type) for name, media_type in _FILES.items()),
        Route(f"{API}choices", inspector.choices),
        Route(f"{API}state", inspector.state),
        Route(f"{API}requests/{{number}}", inspector.request),
        Route(f"{API}do/{{action}}", inspector.do, methods=["POST"]),
    ]
    return Guard(app=Starlette(routes=routes), origin=origin, token=token)


class _Inspector:
    """Answers the page."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def choices(self, _request: Request) -> Response:
        """Answer what the forms offer."""
        return _Json(choices(self._app))

    async def state(self, _request: Request) -> Response:
        """Answer all that the page shows."""
        # What has ended by now, has ended before somebody looks.
        self._app.deliveries.notice()
        return _Json(state_of(self._app))

    async def request(self, request: Request) -> Response:
        """Answer one request of the ledger with its headers and bodies."""
        number = request.path_params["number"]
        known = _NUMBER.fullmatch(number)
        found = request_in_full(self._app.ledger, int(number)) if known else None
        return _refusal("The ledger has forgotten it.", 404) if found is None else _Json(found)

    async def do(self, request: Request) -> Response:
        """Do what a person asks for, and answer what has been done."""
        action = request.path_params["action"]
        if action not in ACTIONS:
            return _refusal("There is no such action.", 404)
        try:
            return _Json({"message": act(self._app, action, await _form(request))})
        except ValueError as exc:
            return _refusal(str(exc), 400)
        except ClientDisconnect:
            # Whoever was to read an answer has gone; so it is too when the local Sikoia stops.
            return _refusal("The form did not come.", 400)


class _Json(JSONResponse):
    """An answer that can tell of any string: half a surrogate pair has no bytes in UTF-8."""

    def render(self, content: Any) -> bytes:
        """Write it down in ASCII."""
        return json.dumps(content, separators=(",", ":")).encode("ascii")


def _page(token: str) -> Route:
    body = (_PAGE / "index.html").read_bytes().replace(_TOKEN, token.encode())

    async def answer(_request: Request) -> Response:
        return Response(body, media_type="text/html")

    return Route("/", answer)


def _file(name: str, media_type: str) -> Route:
    body = (_PAGE / name).read_bytes()

    async def answer(_request: Request) -> Response:
        return Response(body, media_type=media_type)

    return Route(f"/{name}", answer)


async def _form(request: Request) -> dict[str, Any]:
    """Read what was filled in.

    Raises:
        ValueError: It is no object of JSON, or longer than any form.
    """
    read = b""
    async for part in request.stream():
        read += part
        if len(read) > _LARGEST:
            msg = "This is more than a form can have."
            raise ValueError(msg)
    try:
        form: object = json.loads(read)
    except (ValueError, RecursionError):
        form = None
    if not isinstance(form, dict):
        msg = "The body must be an object of JSON."
        raise ValueError(msg)  # noqa: TRY004 - the page shows what a ValueError says
    return cast("dict[str, Any]", form)  # JSON has no other keys


def _refusal(reason: str, status: int) -> Response:
    return _Json({"error": reason}, status)
