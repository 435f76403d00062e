"""The pages behind `bank_connection_url`, `verification_url` and `direct_url`.

A page has one button for each thing that its visitor can do. It needs no JavaScript, and like the
links to files it needs no token: everybody who has the link may use it.
"""

from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from html import escape
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

import attrs
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from sikoia_async.sandbox.resources.routing import Resource
from sikoia_async.sandbox.state import State
from sikoia_async.sandbox.store import Entry

__all__ = ["connection_url", "routes", "verification_urls"]

_BANK, _VERIFY = "/sandbox/openbanking", "/sandbox/verify"
_STYLE = (
    ":root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}"
    "main{max-width:32rem;margin:3rem auto;padding:0 1rem}"
    "button{font:inherit;padding:.5rem 1rem;margin:0 .5rem .5rem 0}"
)
_STYLE_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()
_ACTIONS = {"approve": "Approve", "reject": "Reject", "cancel": "Cancel"}


def connection_url(state: State, connection_id: str) -> str:
    """Return the link for the account holder of a bank connection."""
    return f"{state.url}{_BANK}/{connection_id}"


def verification_urls(state: State, request_id: str) -> tuple[str, str]:
    """Return the `verification_url` and the `direct_url` of an identity verification."""
    return f"{state.url}{_VERIFY}/{request_id}", f"{state.url}{_VERIFY}/direct/{request_id}"


def routes(state: State) -> list[Route]:
    """Return the routes for the pages."""
    bank = _Page(state, "connections", "Connect a bank account", _answer_bank, _open_bank)
    person = _Page(state, "identity", "Verify an identity", _answer_verification, _open_nothing)
    return [
        Route(f"{_BANK}/{{id}}", bank.resource),
        Route(f"{_VERIFY}/{{id}}", person.resource),
        Route(f"{_VERIFY}/direct/{{id}}", person.resource),
    ]


@attrs.frozen
class _Page:
    """The page for one kind of work."""

    state: State
    kind: str
    title: str
    answer: Callable[[State, str, Entry, str], None]
    """Does what the visitor chose."""
    open: Callable[[Entry], dict[str, str]]
    """Notes that the link was opened, and returns the actions that come before the usual ones."""

    @property
    def resource(self) -> Resource:
        return Resource(get=self.get, post=self.post)

    async def get(self, request: Request) -> Response:
        """Return the page."""
        entry = self._entry(request)
        if entry.is_done:
            return self._html("<p>This is done; you can close this page.</p>")
        buttons = "".join(
            f'<button name="action" value="{action}">{escape(label)}</button>'
            for action, label in (self.open(entry) | _ACTIONS).items()
        )
        return self._html(f'<form method="post">{buttons}</form>')

    async def post(self, request: Request) -> Response:
        """Do what the visitor chose, and send them back."""
        entry = self._entry(request)
        if entry.is_done:
            return self._html("<p>This was done before.</p>", HTTPStatus.CONFLICT)
        (action,) = parse_qs((await request.body()).decode("latin-1")).get("action", [""])[:1]
        if action not in self.open(entry) | _ACTIONS:
            return self._html("<p>Choose one of the buttons.</p>", HTTPStatus.BAD_REQUEST)
        self.answer(self.state, request.path_params["id"], entry, action)
        back = self.state.return_url if action in _ACTIONS else None
        return self._finished(RedirectResponse(back or request.url.path, HTTPStatus.SEE_OTHER))

    def _entry(self, request: Request) -> Entry:
        return self.state.store(self.kind).get(request.path_params["id"])

    def _html(self, content: str, status: int = HTTPStatus.OK) -> Response:
        note = "<p>The local Sikoia made this page. Nobody's data is on it.</p>"
        body = (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width,initial-scale=1">'
            f"<title>{escape(self.title)}</title><style>{_STYLE}</style></head>"
            f"<body><main><h1>{escape(self.title)}</h1>{content}{note}</main></body></html>"
        )
        return self._finished(HTMLResponse(body, status))

    def _finished(self, response: Response) -> Response:
        """Add the headers of a page to a response."""
        back = urlsplit(self.state.return_url or "")
        # Browsers apply this to the redirect after a form, too.
        targets = f"'self' {back.scheme}://{back.netloc}" if back.netloc else "'self'"
        response.headers.update(
            {
                "Content-Security-Policy": (
                    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none';"
                    f" form-action {targets}; frame-ancestors 'none';"
                    " require-trusted-types-for 'script'; trusted-types 'none'"
                ),
                "Cross-Origin-Opener-Policy": "same-origin",
                "Cross-Origin-Resource-Policy": "same-origin",
                "Referrer-Policy": "no-referrer",
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "no-store",
            }
        )
        return response


def _open_bank(entry: Entry) -> dict[str, str]:
    connection = entry.record
    if connection["status"] == "Created":
        connection["status"] = "SelectingInstitutions"
    is_chosen = connection["status"] == "Authorising"
    return {} if is_chosen else {"choose": "Choose Sandbox Bank"}


def _answer_bank(state: State, connection_id: str, entry: Entry, action: str) -> None:
    if action == "choose":
        entry.record["status"] = "Authorising"
    elif action == "cancel":
        # The account holder leaves, and may come back.
        state.progress.postpone("connections", connection_id)
    else:
        entry.record["_ends_as"] = "Connected" if action == "approve" else "Rejected"
        state.progress.end("connections", connection_id)


def _open_nothing(_entry: Entry) -> dict[str, str]:
    return {}


def _answer_verification(state: State, request_id: str, entry: Entry, action: str) -> None:
    decisions = {"approve": "Approved", "reject": "Declined", "cancel": "Expired"}
    entry.record["_decision"] = decisions[action]
    state.progress.end("identity", request_id)
