"""Access control of the inspector: only its own page may use its API.

Any website can make a browser send requests to loopback. The guard checks the host and the origin
of a request, and a token that only the page can read.
"""

from collections.abc import Sequence
from hmac import compare_digest
from http import HTTPStatus

import attrs
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["API", "TOKEN_HEADER", "TOKEN_PATH", "Guard"]

API = "/api/"
"""The paths that need the token; the page and its files need none."""
TOKEN_PATH = f"{API}token"
"""Where programs read the token, which the page contains. Browsers show it to no other site."""
TOKEN_HEADER = "X-Inspector-Token"  # noqa: S105 - the name of a header

_JSON = "application/json"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@attrs.frozen(kw_only=True)
class Guard:
    """Refuses requests that the page cannot have sent, and adds security headers to responses."""

    app: ASGIApp
    origins: Sequence[str]
    """The only origins that are accepted."""
    token: str = attrs.field(repr=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        app = self._refusal(scope) or self.app
        await app(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        headers = Headers(scope=scope)
        # A website can point its own host name to loopback and so share the origin.
        origin = f"http://{headers.get('host')}"
        if origin not in self.origins:
            reason = f"The inspector is at {self.origins[0]}/"
            return _refuse(HTTPStatus.MISDIRECTED_REQUEST, reason)
        if not scope["path"].startswith(API):
            return None
        if headers.get("origin", origin) != origin or _is_from_elsewhere(headers):
            return _refuse(HTTPStatus.FORBIDDEN, "Only the inspector's own page may use this.")
        given = headers.get(TOKEN_HEADER, "").encode()
        if scope["path"] != TOKEN_PATH and not compare_digest(given, self.token.encode()):
            return _refuse(HTTPStatus.FORBIDDEN, "The page is from an earlier run: reload it.")
        # Forms of other sites cannot set this type, and scripts need permission by CORS.
        if scope["method"] == "POST" and headers.get("content-type") != _JSON:
            return _refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"The body must be {_JSON}.")
        return None


def _is_from_elsewhere(headers: Headers) -> bool:
    """Return whether the browser says that another site sent the request."""
    return headers.get("sec-fetch-site", "same-origin") != "same-origin"


def _refuse(status: HTTPStatus, reason: str) -> JSONResponse:
    return JSONResponse({"error": reason}, status)
