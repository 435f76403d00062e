"""The token endpoint: trades the credentials of an application for a short-lived, opaque token."""

from collections.abc import Mapping
from hmac import compare_digest
from urllib.parse import parse_qsl

import attrs
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sikoia_async.sandbox.errors import expired_token, invalid_token
from sikoia_async.sandbox.snapshot import Saved
from sikoia_async.sandbox.state import State

_FIELDS = ("grant_type", "scope", "client_id", "client_secret")


@attrs.frozen(kw_only=True)
class Application:
    """Who may ask for tokens, and for which API."""

    client_id: str
    client_secret: str = attrs.field(repr=False)
    resource: str

    @property
    def scope(self) -> str:
        """The one scope a token can have."""
        return f"{self.resource}/.default"


class AccessTokens:
    """Issues tokens and remembers them, so that an expired one is told from an invented one."""

    def __init__(self, application: Application, *, life: float, state: State) -> None:
        self._application = application
        self._life = life
        self._state = state
        self._expiries: dict[str, float] = {}

    async def grant(self, request: Request) -> Response:
        """Answer `POST /token`: 201 and a token, or 400 in the words of OAuth 2.0."""
        # Parsed here: starlette reads forms through one more dependency.
        fields = dict(parse_qsl((await request.body()).decode("latin-1")))
        if refusal := _refusal(fields, self._application):
            error, description = refusal
            return JSONResponse({"error": error, "error_description": description}, 400)
        return JSONResponse(self.issue(), 201)

    def issue(self) -> dict[str, str | int]:
        """Make a token, and the record that tells of it."""
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
        """Let a live token pass.

        Raises:
            ApiError: The token is over, or was never issued here.
        """
        if token not in self._expiries:
            raise invalid_token()
        if self._state.clock() >= self._expiries[token]:
            raise expired_token()

    def expire(self, token: str) -> None:
        """Let a token be over from now on; one that was never issued here is left as it is."""
        if token in self._expiries:
            self._expiries[token] = self._state.clock()

    def save(self) -> Saved:
        """Give the tokens, and when they expire."""
        return Saved(copied=self._expiries)

    def restore(self, saved: Saved) -> None:
        """Know these tokens, and no others."""
        self._expiries = saved.copied


def bearer_token(headers: Headers) -> str:
    """Return the token of a request, or an empty text when it has none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


def _refusal(fields: Mapping[str, str], application: Application) -> tuple[str, str] | None:
    for name in _FIELDS:
        if name not in fields:
            return "invalid_request", f"The form lacks {name}."
    if fields["grant_type"] != "client_credentials":
        return "unsupported_grant_type", "The only grant type here is client_credentials."
    if not _same(fields["client_id"], application.client_id):
        return "invalid_client", "No application has this client_id."
    if not _same(fields["client_secret"], application.client_secret):
        return "invalid_client", "The client_secret is not one of this application."
    if fields["scope"] != application.scope:
        return "invalid_scope", "The scope must be the address of the API followed by /.default."
    return None


def _same(given: str, known: str) -> bool:
    return compare_digest(given.encode(), known.encode())
