"""Turns 4xx and 5xx responses into errors, whatever their bodies are.

Source: https://docs.sikoia.com/docs/api-behaviour, "Generic Error Response".
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast

import attrs

from sikoia_async._codec.json import DecodeError, read_json
from sikoia_async._codec.redaction import redact
from sikoia_async._errors import APIError, CallInfo, LinkExpiredError, api_error_class
from sikoia_async._logging import is_correlation_id

if TYPE_CHECKING:
    from sikoia_async._transport.types import Response

__all__ = ["error_from", "is_sikoia_error", "link_error_from"]

_LINK_EXPIRED: Final = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


def error_from(
    response: Response, call: CallInfo, *, retry_after: float | None, may_have_been_processed: bool
) -> APIError:
    """Return the error for a 4xx or 5xx response of the API."""
    problem = _problem(response.body)
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
    return _problem(response.body)["type"] is not None


_Problem = dict[str, "str | None"]
_FIELDS: Final = ("type", "title", "detail", "details", "correlation_id")


def _problem(body: bytes) -> _Problem:
    """Return the fields of Sikoia's error format, with None for each that is not a string."""
    try:
        plain = read_json(body)
    except DecodeError:
        plain = None
    fields = cast("dict[str, Any]", plain) if isinstance(plain, dict) else {}
    problem: _Problem = {
        name: value if isinstance(value := fields.get(name), str) else None for name in _FIELDS
    }
    # The documentation's page on errors has `details`, the specification `detail`.
    problem["detail"] = problem["detail"] or problem["details"]
    return problem


def _description(response: Response, problem: _Problem) -> str:
    """Return redacted text for the message, which ends up in logs and tickets."""
    texts = [problem[name] or "" for name in ("type", "title", "detail")]
    return ": ".join(redact(text) for text in texts if text) or _phrase(response.status)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown Error"
