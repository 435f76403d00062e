"""Who gets in to `/v2`: a caller with a live token, within the limit, with the right headers."""

from hmac import compare_digest

import attrs
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from sikoia_async.sandbox.errors import invalid_request
from sikoia_async.sandbox.middleware.rate_limit import RateLimit
from sikoia_async.sandbox.middleware.token_endpoint import AccessTokens, bearer_token

_JSON = "application/json"


@attrs.frozen
class Authentication:
    """Lets a request to `/v2` pass, or raises the reason why not."""

    app: ASGIApp
    tokens: AccessTokens = attrs.field(kw_only=True)
    window: RateLimit = attrs.field(kw_only=True)
    api_key: str | None = attrs.field(repr=False, kw_only=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request down when it may pass; what is not below `/v2` always may."""
        if scope["type"] == "http" and scope["path"].startswith("/v2/"):
            headers = Headers(scope=scope)
            self.window.admit(self._authenticate(headers))
            _require_json(headers)
        await self.app(scope, receive, send)

    def _authenticate(self, headers: Headers) -> str:
        """Return the key or the token that the request may pass with."""
        if self.api_key and _same(headers.get("apikey", ""), self.api_key):
            return self.api_key
        token = bearer_token(headers)
        self.tokens.check(token)
        return token


def _same(given: str, known: str) -> bool:
    return compare_digest(given.encode(), known.encode())


def _require_json(headers: Headers) -> None:
    # The guide asks for both on every request, those without a body included.
    for name in ("Accept", "Content-Type"):
        if _JSON not in headers.get(name, "").lower():
            detail = f"The header {name} must be {_JSON}."
            raise invalid_request(detail)
