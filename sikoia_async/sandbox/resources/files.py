"""Short-lived links to files, like those of the blob store behind the API.

They need no token: anyone who has a link may read the file until the link expires.
"""

from datetime import timedelta
from hmac import compare_digest
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sikoia_async.sandbox.resources.routing import Resource
from sikoia_async.sandbox.state import State

_SECONDS = 60


def link(
    state: State, name: str, content: bytes, *, minutes: int, media_type: str = "application/pdf"
) -> str:
    """Return a new link to a file.

    Args:
        state: The records.
        name: The name under which clients save the file.
        content: The content of the file.
        minutes: How long the link is valid, by the clock.
        media_type: The media type of the file.
    """
    file_id, signature = state.new_id(), state.new_secret(24)
    file = {
        "name": name,
        "content": content,
        "media_type": media_type,
        "signature": signature,
        "expires": state.clock() + minutes * _SECONDS,
    }
    state.store("files").add(file_id, file)
    expiry = state.now() + timedelta(minutes=minutes)
    return f"{state.url}/sandbox/files/{file_id}?se={expiry:%Y-%m-%dT%H:%M:%SZ}&sig={signature}"


def routes(state: State) -> list[Route]:
    """Return the routes for linked files."""
    files = Files(state)
    return [Route("/sandbox/files/{file_id}", Resource(get=files.get))]


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
        file = self._state.store("files").get(request.path_params["file_id"]).record
        signature = request.query_params.get("sig", "")
        is_signed = compare_digest(signature.encode(), str(file["signature"]).encode())
        if not is_signed or self._state.clock() >= file["expires"]:
            return _refusal(403, "AuthenticationFailed", "The signature is wrong or has expired.")
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(file['name'])}"}
        return Response(file["content"], headers=headers, media_type=file["media_type"])


def _refusal(status: int, code: str, message: str) -> Response:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Response(body, status, media_type="application/xml")
