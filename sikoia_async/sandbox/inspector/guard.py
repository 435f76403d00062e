"""Who may ask the inspector: its own page, and no other that the same browser has open.

Any site in the world can have a browser send requests to loopback. What tells them apart is the
name they ask for, where they say they come from, and a token that only the page can read.
"""

from hmac import compare_digest
from http import HTTPStatus
from urllib.parse import urlsplit

import attrs
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["API", "TOKEN_HEADER", "Guard"]

API = "/api/"
"""Below it, everything needs the token; the page and its files are for whoever is here."""
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
    """Lets requests pass that the page may have sent, and puts its headers on every answer."""

    app: ASGIApp
    origin: str
    """Where the inspector is: the only name by which it answers."""
    token: str = attrs.field(repr=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request down, or refuse it."""

        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        app = self._refusal(scope) or self.app
        await app(scope, receive, stamped)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        headers = Headers(scope=scope)
        # A site may have its own name lead to loopback, and then be of one origin with this.
        if headers.get("host") != urlsplit(self.origin).netloc:
            return _refuse(HTTPStatus.MISDIRECTED_REQUEST, f"The inspector is at {self.origin}/")
        if not scope["path"].startswith(API):
            return None
        if headers.get("origin", self.origin) != self.origin or _is_from_elsewhere(headers):
            return _refuse(HTTPStatus.FORBIDDEN, "Only the inspector's own page may ask this.")
        if not compare_digest(headers.get(TOKEN_HEADER, "").encode(), self.token.encode()):
            return _refuse(HTTPStatus.FORBIDDEN, "The page is of an earlier run: load it again.")
        # No form of another site can say this, and no script without asking first.
        if scope["method"] == "POST" and headers.get("content-type") != _JSON:
            return _refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"The body must be {_JSON}.")
        return None


def _is_from_elsewhere(headers: Headers) -> bool:
    """Believe the browser, if it says; whatever is no browser needs the token all the same."""
    return headers.get("sec-fetch-site", "same-origin") != "same-origin"


def _refuse(status: HTTPStatus, reason: str) -> JSONResponse:
    return JSONResponse({"error": reason}, status)
