"""Links to files that live for minutes, as a blob store beside the API hands them out.

Nobody shows a token here: who holds the link may read the file, until it expires.
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
    """Make a link to a file.

    Args:
        state: Where it is kept.
        name: The file's name, for whoever saves it.
        content: What is in it.
        minutes: How long the link lives, on the state's clock.
        media_type: What it is.
    """
    file_id, signature = state.new_id(), state.new_secret(24)
    file = {
        "name": name,
        "content": content,
        "media_type": media_type,
        "signature": signature,
        "until": state.clock() + minutes * _SECONDS,
    }
    state.store("files").add(file_id, file)
    expiry = state.now() + timedelta(minutes=minutes)
    return f"{state.url}/sandbox/files/{file_id}?se={expiry:%Y-%m-%dT%H:%M:%SZ}&sig={signature}"


def routes(state: State) -> list[Route]:
    """Serve the files that there are links to."""
    files = Files(state)
    return [Route("/sandbox/files/{file_id}", Resource(get=files.get))]


class Files:
    """Answers for `/sandbox/files`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def get(self, request: Request) -> Response:
        """Answer a file to whoever has its link, and shows no token of ours."""
        if "authorization" in request.headers:
            return _refusal(400, "InvalidAuthenticationInfo", "A link is all that is asked for.")
        file = self._state.store("files").get(request.path_params["file_id"]).record
        given = request.query_params.get("sig", "")
        signed = compare_digest(given.encode(), str(file["signature"]).encode())
        if not signed or self._state.clock() >= file["until"]:
            return _refusal(403, "AuthenticationFailed", "The signature is wrong, or expired.")
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(file['name'])}"}
        return Response(file["content"], headers=headers, media_type=file["media_type"])


def _refusal(status: int, code: str, message: str) -> Response:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Response(body, status, media_type="application/xml")
