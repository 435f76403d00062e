"""Short-lived links to files, like those of the blob store behind the API.

They need no token: anyone who has a link may read the file until the link expires. A file belongs
to a record and is deleted with it; links are signed and not stored.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta
from urllib.parse import quote

import attrs
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sikoia_async.sandbox.errors import not_found
from sikoia_async.sandbox.resources.routing import Resource
from sikoia_async.sandbox.state import State

FILES = "_files"
"""The key of a record's files."""
_STORES = ("adverse-media", "documents", "identity", "peps-sanctions")
"""The stores whose records have files."""


@attrs.frozen
class File:
    """A file, with the name under which clients save it."""

    name: str
    content: bytes
    media_type: str = "application/pdf"


def link(state: State, store: str, key: str, *, minutes: int, number: int = 0) -> str:
    """Return a link to a file of a record.

    Args:
        state: The records.
        store: The name of the store that holds the record.
        key: The record's key there.
        minutes: How long the link is valid, by the clock; it ends with a full second.
        number: Which file of the record.
    """
    path = f"/sandbox/files/{store}/{key}/{number}"
    expiry = f"{state.now() + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"
    return f"{state.url}{path}?se={expiry}&sig={_signature(state, path, expiry)}"


def routes(state: State) -> list[Route]:
    """Return the routes for linked files."""
    files = Files(state)
    return [Route("/sandbox/files/{store}/{key}/{number}", Resource(get=files.get))]


class Files:
    """Handlers for `/sandbox/files`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def get(self, request: Request) -> Response:
        """Return a file if the link is valid; like a blob store, refuse requests with a token."""
        if "authorization" in request.headers:
            return _refusal(
                400, "InvalidAuthenticationInfo", "Use the link without an Authorization header."
            )
        file = self._file(**request.path_params)
        if not self._is_valid(request):
            return _refusal(403, "AuthenticationFailed", "The signature is wrong or has expired.")
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name)}"}
        return Response(file.content, headers=headers, media_type=file.media_type)

    def _file(self, store: str, key: str, number: str) -> File:
        if store in _STORES:
            files: tuple[File, ...] = self._state.store(store).get(key).record[FILES]
            for index, file in enumerate(files):
                if number == str(index):
                    return file
        path = f"{store}/{key}/{number}"
        raise not_found(path)

    def _is_valid(self, request: Request) -> bool:
        given, expiry = request.query_params.get("sig", ""), request.query_params.get("se", "")
        expected = _signature(self._state, request.url.path, expiry)
        if not hmac.compare_digest(given.encode(), expected.encode()):
            return False
        return self._state.now() < datetime.fromisoformat(expiry)


def _signature(state: State, path: str, expiry: str) -> str:
    key = state.draw("links", state.url).randbytes(32)
    digest = hmac.digest(key, f"{path}?{expiry}".encode(), hashlib.sha256)
    return urlsafe_b64encode(digest[:24]).decode()


def _refusal(status: int, code: str, message: str) -> Response:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Response(body, status, media_type="application/xml")
