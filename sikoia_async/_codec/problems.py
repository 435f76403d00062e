"""Turns 4xx and 5xx responses into errors, whatever their bodies are.

Source: https://docs.sikoia.com/docs/api-behaviour, "Generic Error Response".
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast

import attrs

from sikoia_async._codec.redaction import redact
from sikoia_async._errors import APIError, CallInfo, LinkExpiredError, api_error_class
from sikoia_async._logging import is_correlation_id
from sikoia_async._schema.json import DecodeError, read_json

if TYPE_CHECKING:
    from sikoia_async._transport.types import Response

__all__ = ["error_from", "is_sikoia_error", "link_error_from", "problem_in"]

_LINK_EXPIRED: Final = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


def error_from(
    response: Response, call: CallInfo, *, retry_after: float | None, may_have_been_processed: bool
) -> APIError:
    """Return the error for a 4xx or 5xx response of the API."""
    problem = problem_in(_plain(response))
    received_id = problem["correlation_id"] or ""
    if is_correlation_id(received_id) and call.correlation_id == call.sent_correlation_id:
        call = attrs.evolve(call, correlation_id=received_id)
    return api_error_class(response.status, problem["type"])(
        f"{response.status} {_description(response, problem)}",
        call=call,
        status=response.status,
        type=problem["type"],
        title=problem["title"],
        detail=problem["detail"],
        body=response.body,
        retry_after=retry_after,
        may_have_been_processed=may_have_been_processed,
    )


def link_error_from(response: Response, call: CallInfo, *, retry_after: float | None) -> APIError:
    """Return the error for a 4xx or 5xx response of a download link.

    The error keeps the body, and its message repeats nothing of it.
    """
    is_expired = response.status in _LINK_EXPIRED
    hint = "; links expire after a few minutes, so retrieve the model with the link again"
    return (LinkExpiredError if is_expired else api_error_class(response.status, None))(
        f"{response.status} {_phrase(response.status)}{hint if is_expired else ''}",
        call=call,
        status=response.status,
        type=None,
        title=None,
        detail=None,
        body=response.body,
        retry_after=retry_after,
    )


def is_sikoia_error(response: Response) -> bool:
    """Return whether an error has Sikoia's format, and so does not come from a gateway."""
    return problem_in(_plain(response))["type"] is not None


Problem = dict[str, "str | None"]
_FIELDS: Final = ("type", "title", "correlation_id")
# ASP.NET has `errors` or `ModelState`, API management `message`, and other gateways `error`.
_MORE: Final = ("errors", "modelstate", "message", "error")
_DEEPEST: Final = 6
_LONGEST: Final = 8192


def _plain(response: Response) -> Any:
    try:
        return read_json(response.body)
    except DecodeError:
        return None


def problem_in(plain: Any) -> Problem:
    """Return type, title, detail and correlation id of an error in JSON; None for what it lacks.

    The names of fields may be spelt in any case. The detail is all text that describes the error,
    also where it is a list or an object.
    """
    fields: dict[str, Any] = {}
    if isinstance(plain, dict):
        for name, value in cast("dict[str, Any]", plain).items():
            fields.setdefault(name if name in _FIELDS else name.lower(), value)
    elif isinstance(plain, list):
        fields = {"errors": plain}
    problem: Problem = {
        name: value if isinstance(value := fields.get(name), str) else None for name in _FIELDS
    }
    # The documentation's page on errors has `details`, the specification `detail`.
    first = _text(fields.get("detail")) or _text(fields.get("details"))
    details = dict.fromkeys([first, *(_text(fields.get(name)) for name in _MORE)])
    problem["detail"] = "; ".join(filter(None, details))[:_LONGEST] or None
    return problem


def _text(value: Any, depth: int = 0) -> str:
    """Return the texts in a JSON value: `Stage: is required; Name: is too long`."""
    if isinstance(value, str):
        return value
    rows: list[tuple[str, Any]] = []
    if isinstance(value, dict) and depth < _DEEPEST:
        rows = list(cast("dict[str, Any]", value).items())
    if isinstance(value, list) and depth < _DEEPEST:
        rows = [("", one) for one in cast("list[object]", value)]
    texts = [(name, _text(one, depth + 1)) for name, one in rows]
    return "; ".join(f"{name}: {text}" if name else text for name, text in texts if text)


def _description(response: Response, problem: Problem) -> str:
    """Return redacted text for the message, which ends up in logs and tickets."""
    named = {name: " ".join((problem[name] or "").split()) for name in ("type", "title", "detail")}
    if "://" in named["type"]:  # a page about the status, in ASP.NET
        named["type"] = ""
    shown = {name: redact(text) for name, text in named.items() if text}
    hidden = [f"error.{name}" for name, text in shown.items() if text != named[name]]
    hint = f" (in full: {', '.join(hidden)})" if hidden else ""
    return f"{': '.join(shown.values())}{hint}" if shown else _phrase(response.status)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown Error"
