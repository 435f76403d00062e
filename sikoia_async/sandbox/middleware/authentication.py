"""Authentication for `/v2`, followed by the rate limit and the required headers."""

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
    """Refuses requests to `/v2` without a valid access token, over the limit, or not JSON."""

    app: ASGIApp
    tokens: AccessTokens = attrs.field(kw_only=True)
    rate_limit: RateLimit = attrs.field(kw_only=True)
    api_key: str | None = attrs.field(repr=False, kw_only=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or raise the error response; other paths are never refused."""
        if scope["type"] == "http" and scope["path"].startswith("/v2/"):
            headers = Headers(scope=scope)
            self.rate_limit.admit(self._authenticate(headers))
            _require_json(headers)
        await self.app(scope, receive, send)

    def _authenticate(self, headers: Headers) -> str:
        """Return the access token or the API key of the request."""
        if self.api_key and _is_equal(headers.get("apikey", ""), self.api_key):
            return self.api_key
        token = bearer_token(headers)
        self.tokens.check(token)
        return token


def _is_equal(given: str, expected: str) -> bool:
    return compare_digest(given.encode(), expected.encode())


def _require_json(headers: Headers) -> None:
    # The guide requires both headers on every request, including those without a body.
    for name in ("Accept", "Content-Type"):
        if _JSON not in headers.get(name, "").lower():
            detail = f"The header {name} must be {_JSON}."
            raise invalid_request(detail)
