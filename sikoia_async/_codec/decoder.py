"""An answer becomes a model or an error; pure, from bytes and headers alone."""

from __future__ import annotations

import re
from http import HTTPStatus
from types import GenericAlias, NoneType
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast, get_args, get_origin

import attrs

from sikoia_async._codec.json import DecodeError, read_json
from sikoia_async._codec.loader import load_hook
from sikoia_async._codec.redaction import redact
from sikoia_async._errors import (
    APIError,
    CallInfo,
    ConfigurationError,
    LinkExpiredError,
    UnexpectedResponseError,
    api_error_class,
)
from sikoia_async._logging import is_correlation_id
from sikoia_async._transport.exchange import ENDLESS
from sikoia_async.models import Items, Model, ResponseInfo

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sikoia_async._codec.drift import Drift
    from sikoia_async._transport.exchange import Response

__all__ = ["check_into", "decode", "error_from", "link_error_from"]

T = TypeVar("T")

_OK: Final = 200
_REDIRECT: Final = 300
_FIRST_ERROR: Final = 400
_LINK_OVER: Final = frozenset({403, 404, 410})
_PROBLEMS_SHOWN: Final = 5
_MEDIA: Final = re.compile(r"[a-z]{1,20}/[A-Za-z0-9.+-]{1,80}")
"""What is shown of a Content-Type; the longest that is in use has 73 signs."""


def decode(
    answer: Response, into: type[T], call: CallInfo, drift: Drift, *, acts: bool | None = None
) -> T:
    """Turn a 2xx into what it is to be: a model, `Items` of models, bytes, plain JSON, or None.

    Args:
        answer: the whole answer.
        into: what it is to be.
        call: what was sent.
        drift: where differences from the models are counted.
        acts: whether the request did more than ask; None where its method tells.

    Raises:
        UnexpectedResponseError: the answer is none of these.
    """
    problems = _unusable(answer)
    if into is bytes and not answer.delimited:
        problems = problems or (ENDLESS,)
    if not problems:
        if into is NoneType:
            return cast("T", None)
        if into is bytes:
            return cast("T", answer.body)
        try:
            unread: dict[str, str] = {}
            value = _load(answer.body, into, drift, unread)
            return cast("T", _attach(value, answer.status, call, unread))
        except DecodeError as misfit:
            problems = misfit.problems or ("does not fit",)
    acts = call.method != "GET" if acts is None else acts
    raise _unexpected(answer, into, call, problems, acts=acts)


def check_into(into: Any) -> None:
    """Refuse a type that no answer can become, before anything is sent.

    Raises:
        ConfigurationError: it is one.
    """
    item = get_args(into)[0] if get_origin(into) is Items else into
    try:
        if into in {object, bytes, NoneType}:
            return
        load_hook(item)
    except Exception:  # noqa: BLE001 - msgspec and cattrs have many ways to say so
        msg = "into: give an attrs class, Items[...] of one, bytes, or type(None)"
    else:
        return
    raise ConfigurationError(msg)


def error_from(
    answer: Response, call: CallInfo, *, retry_after: float | None, may_have_been_processed: bool
) -> APIError:
    """Turn a 4xx or 5xx into an error, whatever its body is."""
    problem = _problem(answer.body)
    received_id = problem["correlation_id"] or ""
    if is_correlation_id(received_id) and call.correlation_id == call.sent_correlation_id:
        call = attrs.evolve(call, correlation_id=received_id)
    return api_error_class(answer.status, problem["type"])(
        f"{answer.status} {_words(answer, problem)}",
        call=call,
        status=answer.status,
        type=problem["type"],
        title=problem["title"],
        detail=problem["detail"],
        body=answer.body,
        retry_after=retry_after,
        may_have_been_processed=may_have_been_processed,
    )


def link_error_from(answer: Response, call: CallInfo, *, retry_after: float | None) -> APIError:
    """Turn a 4xx or 5xx of a link into an error; its body is kept, and nothing of it repeated."""
    is_over = answer.status in _LINK_OVER
    hint = "; links live for minutes: retrieve what it came with again, for a new one"
    return (LinkExpiredError if is_over else api_error_class(answer.status, None))(
        f"{answer.status} {_phrase(answer.status)}{hint if is_over else ''}",
        call=call,
        status=answer.status,
        type=None,
        title=None,
        detail=None,
        body=answer.body,
        retry_after=retry_after,
    )


def _unusable(answer: Response) -> tuple[str, ...]:
    if not _OK <= answer.status < _REDIRECT:
        return ("a redirect or an informational answer, which is never followed",)
    return (answer.broken,) if answer.broken else ()


def _load(body: bytes, into: Any, drift: Drift, unread: dict[str, str]) -> Any:
    if not body and into is object:
        return None
    if not body:
        problem = "it is empty"
        raise DecodeError(problem)
    if get_origin(into) is Items:
        rows: Any = GenericAlias(tuple, (get_args(into)[0], ...))
        return Items[Any](load_hook(rows)(body, drift, unread))
    if into is object:
        return read_json(body)
    return load_hook(into)(body, drift, unread)


def _attach(value: Any, status: int, call: CallInfo, unread: dict[str, str]) -> Any:
    """Give models the answer that they came in: `response` is no field, for decoders see fields."""
    info = ResponseInfo(
        method=call.method,
        path=call.path,
        url=call.url,
        correlation_id=call.correlation_id,
        sent_correlation_id=call.sent_correlation_id,
        attempts=call.attempts,
        seconds=call.seconds,
        idempotency_key=call.idempotency_key,
        status=status,
        unread=unread,
    )
    is_list = type(value) is Items
    models: Iterable[Any] = cast("Any", value) if is_list else (value,)
    for model in models:
        if isinstance(model, Model):
            object.__setattr__(model, "_response", info)
    if is_list:
        vars(value)["_response"] = info
    return value


def _unexpected(
    answer: Response, into: Any, call: CallInfo, problems: tuple[str, ...], *, acts: bool
) -> UnexpectedResponseError:
    shown = "; ".join(problems[:_PROBLEMS_SHOWN])
    more = f"; and {rest} more" if (rest := len(problems) - _PROBLEMS_SHOWN) > 0 else ""
    media = answer.headers.get("content-type", "").partition(";")[0].strip()
    kind = f" ({media})" if _MEDIA.fullmatch(media) and media != "application/json" else ""
    return UnexpectedResponseError(
        f"{answer.status} with a body{kind} that is no {_name(into)}: {shown}{more}",
        call=call,
        status=answer.status,
        body=answer.body,
        problems=problems,
        may_have_been_processed=acts,
    )


def _name(into: Any) -> str:
    if get_origin(into) is Items:
        return f"list of {get_args(into)[0].__name__}"
    return "JSON" if into is object else getattr(into, "__name__", str(into))


_Problem = dict[str, "str | None"]
_FIELDS: Final = ("type", "title", "detail", "details", "correlation_id")


def _problem(body: bytes) -> _Problem:
    """Read Sikoia's error format; whatever is something else counts as absent."""
    try:
        plain = read_json(body)
    except DecodeError:
        plain = None
    found = cast("dict[str, Any]", plain) if isinstance(plain, dict) else {}
    problem = {name: text if isinstance(text := found.get(name), str) else None for name in _FIELDS}
    # The vendor's page says `details`, the specification `detail`.
    problem["detail"] = problem["detail"] or problem["details"]
    return problem


def is_sikoias(answer: Response) -> bool:
    """Tell whether an error is Sikoia's own, and not that of something before it."""
    return _problem(answer.body)["type"] is not None


def _words(answer: Response, problem: _Problem) -> str:
    said = [problem[name] or "" for name in ("type", "title", "detail")]
    # The fields have the whole words; a message goes into logs and tickets.
    return ": ".join(redact(text) for text in said if text) or _phrase(answer.status)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "an error without words"
