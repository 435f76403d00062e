"""The token endpoint: exchanges client credentials for a short-lived, opaque access token."""

from collections.abc import Mapping
from hmac import compare_digest
from http import HTTPStatus
from urllib.parse import parse_qsl

import attrs
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sikoia_async.sandbox.errors import expired_token, invalid_token
from sikoia_async.sandbox.snapshot import Saved
from sikoia_async.sandbox.state import State

_MAX_FORM = 65_536
"""Bytes of a request for a token, which anybody may send."""
_FORM = "application/x-www-form-urlencoded"
_FIELDS = ("grant_type", "scope", "client_id", "client_secret")


@attrs.frozen(kw_only=True)
class Application:
    """The only OAuth client, and the API for which it may request tokens."""

    client_id: str
    client_secret: str = attrs.field(repr=False)
    resource: str

    @property
    def scope(self) -> str:
        """The only scope of a token."""
        return f"{self.resource}/.default"


class AccessTokens:
    """Issues access tokens, and remembers them so that expired and unknown tokens differ."""

    def __init__(self, application: Application, *, life: float, state: State) -> None:
        self._application = application
        self._life = life
        self._state = state
        self._expiries: dict[str, float] = {}

    async def grant(self, request: Request) -> Response:
        """Handle `POST /token`: 201 with a token, or 400 with an OAuth 2.0 error code."""
        if _FORM not in request.headers.get("Content-Type", "").lower():
            body = {"error": "invalid_request", "error_description": f"The body must be {_FORM}."}
            return JSONResponse(body, HTTPStatus.BAD_REQUEST)
        # Parsed by hand, because starlette needs another dependency to read forms.
        form = bytearray()
        async for chunk in request.stream():
            form += chunk
            if len(form) > _MAX_FORM:
                body = {"error": "invalid_request", "error_description": "The form is too large."}
                return JSONResponse(body, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        fields = dict(parse_qsl(form.decode("latin-1")))
        if refusal := _refusal(fields, self._application):
            error, description = refusal
            body = {"error": error, "error_description": description}
            return JSONResponse(body, HTTPStatus.BAD_REQUEST)
        return JSONResponse(self.issue(), HTTPStatus.CREATED)

    def issue(self) -> dict[str, str | int]:
        """Create a token, and return the body that describes it."""
        token = self._state.new_secret(32)
        self._expiries[token] = self._state.clock() + self._life
        now = self._state.now().timestamp()
        return {
            "access_token": token,
            "token_type": "Bearer",
            "not_before": int(now),
            "expires_in": int(self._life),
            "expires_on": int(now + self._life),
            "resource": self._application.resource,
        }

    def check(self, token: str) -> None:
        """Verify a token.

        Raises:
            ApiError: 401, the token has expired or was never issued here.
        """
        if token not in self._expiries:
            raise invalid_token()
        if self._state.clock() >= self._expiries[token]:
            raise expired_token()

    def expire(self, token: str) -> None:
        """Expire a token at once; unknown tokens are ignored."""
        if token in self._expiries:
            self._expiries[token] = self._state.clock()

    def save(self) -> Saved:
        """Return the tokens with their expiry times."""
        return Saved(copied=self._expiries)

    def restore(self, saved: Saved) -> None:
        """Replace the tokens."""
        self._expiries = saved.copied


def bearer_token(headers: Headers) -> str:
    """Return the bearer token of a request, or an empty string."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


def _refusal(fields: Mapping[str, str], application: Application) -> tuple[str, str] | None:
    for name in _FIELDS:
        if name not in fields:
            return "invalid_request", f"The form lacks {name}."
    if fields["grant_type"] != "client_credentials":
        return "unsupported_grant_type", "The only supported grant type is client_credentials."
    if not _is_equal(fields["client_id"], application.client_id):
        return "invalid_client", "No application has this client_id."
    if not _is_equal(fields["client_secret"], application.client_secret):
        return "invalid_client", "The client_secret is wrong."
    if fields["scope"] != application.scope:
        return "invalid_scope", "The scope must be the URL of the API followed by /.default."
    return None


def _is_equal(given: str, expected: str) -> bool:
    return compare_digest(given.encode(), expected.encode())
