"""Decodes successful responses into models, from bytes and headers alone."""

from __future__ import annotations

import re
from collections import deque
from http import HTTPStatus
from itertools import repeat
from types import GenericAlias, NoneType
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast, get_args, get_origin

from sikoia_async._codec.extra import extra_fields
from sikoia_async._codec.hollow import hollow_problem
from sikoia_async._codec.loader import load_hook
from sikoia_async._errors import ArgumentError, CallInfo, UnexpectedResponseError
from sikoia_async._schema.json import DecodeError, read_json
from sikoia_async._schema.shapes import ShapeError
from sikoia_async._transport.limits import Limits
from sikoia_async._transport.types import UNDELIMITED
from sikoia_async.models import Items, Model, ResponseInfo

if TYPE_CHECKING:
    from collections.abc import Callable

    from sikoia_async._codec.drift import Drift
    from sikoia_async._transport.types import Response

__all__ = ["check_into", "decode"]

T = TypeVar("T")

_PROBLEMS_SHOWN: Final = 5
_BYTES_PER_VALUE: Final = 20
"""A dense response of Sikoia's, without spaces, has about 24."""
_NO_STRUCTURE: Final = bytes(byte for byte in range(256) if byte not in b"[{,")
"""All bytes but those of which one precedes each value but the first."""
_MEDIA_TYPE: Final = re.compile(r"[a-z]{1,20}/[A-Za-z0-9.+-]{1,80}")
"""The media types that messages show. The longest in use has 73 characters."""


def decode(
    response: Response,
    into: type[T],
    call: CallInfo,
    drift: Drift,
    *,
    max_json: int = Limits().max_json,
    may_have_been_processed: bool | None = None,
    keep_extra: bool = False,
    keep_body: bool = False,
) -> T:
    """Decode a 2xx response into a model, `Items` of models, bytes, plain JSON or None.

    Args:
        response: the complete response.
        into: the type to decode into.
        call: the call that was made.
        drift: counts differences from the models.
        max_json: the maximum size of JSON in bytes; it may have one value for every 20 of them.
        may_have_been_processed: what an error says about the request. None for a GET is False, for
            other methods True.
        keep_extra: whether to find the fields that the type does not have.
        keep_body: whether to keep the bytes.

    Raises:
        UnexpectedResponseError: the response does not fit the type.
    """
    problems = _unusable(response)
    if into is bytes and not response.delimited:
        problems = problems or (UNDELIMITED,)
    if not problems:
        if into is NoneType:
            return cast("T", None)
        if into is bytes:
            return cast("T", response.body)
        try:
            objects = _check_size(response.body, max_json)
            unread: dict[str, Any] = {}
            value = _load(response.body, into, drift, unread, objects)
            extra = extra_fields(response.body, into) if keep_extra else None
            kept = {"extra": extra, "body": response.body if keep_body else None}
            return cast("T", _attach(value, response.status, call, unread=unread, **kept))
        except DecodeError as error:
            problems = error.problems or ("unknown problem",)
    if may_have_been_processed is None:
        may_have_been_processed = call.method != "GET"
    raise _unexpected(response, into, call, problems, may_have_been_processed)


def check_into(into: Any) -> None:
    """Refuse a type that responses cannot be decoded into, before a request is sent.

    Raises:
        ArgumentError: `into` is such a type.
    """
    item = get_args(into)[0] if get_origin(into) is Items else into
    try:
        if into in {object, bytes, NoneType}:
            return
        load_hook(item)
    except ShapeError as error:
        msg = f"into: {error}"
    except Exception:  # noqa: BLE001 - msgspec and cattrs raise many kinds of errors
        msg = "into: expected an attrs class, Items[...] of one, bytes or type(None)"
    else:
        return
    raise ArgumentError(msg)


def _unusable(response: Response) -> tuple[str, ...]:
    if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
        return ("redirects and informational responses are not followed",)
    return (response.broken,) if response.broken else ()


def _check_size(body: bytes, limit: int) -> int | None:
    """Refuse JSON that would take too long to decode, or too much memory.

    Return the number of braces that open an object or are in a string, if they were counted.
    """
    if len(body) > limit:
        problem = f"the JSON is larger than {limit:,} bytes; allow more with Limits(max_json=...)"
        raise DecodeError(problem)
    most = limit // _BYTES_PER_VALUE
    if len(body) <= most:  # it has no more values than bytes
        return None
    structure = body.translate(None, _NO_STRUCTURE)
    if len(structure) > most:
        problem = f"the JSON has more than {most:,} values; allow more with Limits(max_json=...)"
        raise DecodeError(problem)
    return structure.count(b"{")


def _load(body: bytes, into: Any, drift: Drift, unread: dict[str, Any], objects: int | None) -> Any:
    if not body and into is object:
        return None
    if not body:
        problem = "the body is empty"
        raise DecodeError(problem)
    if into is object:
        return read_json(body)
    if get_origin(into) is Items:
        items: Any = into
        rows: Any = GenericAlias(tuple, (get_args(into)[0], ...))
        value: Any = items(load_hook(rows)(body, drift, unread, objects))
    else:
        value = load_hook(into)(body, drift, unread, objects)
    hollow = hollow_problem(value, into, body)
    if hollow is not None:
        raise DecodeError(hollow)
    return value


def _attach(value: Any, status: int, call: CallInfo, **kept: Any) -> Any:
    """Set `response` on models. It is not a field, because decoders see all fields."""
    info = ResponseInfo(
        method=call.method,
        path=call.path,
        url=call.url,
        correlation_id=call.correlation_id,
        sent_correlation_id=call.sent_correlation_id,
        attempts=call.attempts,
        seconds=call.seconds,
        idempotency_key=call.idempotency_key,
        headers=call.headers,
        http_version=call.http_version,
        status=status,
        **kept,
    )
    is_list = type(value) is Items
    models: tuple[Any, ...] = cast("Any", value) if is_list else (value,)
    try:
        deque(map(_set_response, models, repeat(info)), maxlen=0)
    except TypeError:  # not all are models
        for model in models:
            if isinstance(model, Model):
                _set_response(model, info)
    if is_list:
        vars(value)["_response"] = info
    return value


def _unexpected(
    response: Response,
    into: Any,
    call: CallInfo,
    problems: tuple[str, ...],
    may_have_been_processed: bool,
) -> UnexpectedResponseError:
    shown = "; ".join(problems[:_PROBLEMS_SHOWN])
    more = f"; and {rest} more" if (rest := len(problems) - _PROBLEMS_SHOWN) > 0 else ""
    media = response.headers.get("content-type", "").partition(";")[0].strip()
    is_shown = _MEDIA_TYPE.fullmatch(media) and media != "application/json"
    return UnexpectedResponseError(
        f"{response.status} response{f' ({media})' if is_shown else ''} "
        f"cannot be decoded as {_name(into)}: {shown}{more}",
        call=call,
        status=response.status,
        body=response.body,
        problems=problems,
        may_have_been_processed=may_have_been_processed,
    )


def _name(into: Any) -> str:
    if get_origin(into) is Items:
        return f"a list of {get_args(into)[0].__name__}"
    return _NAMES[into] if into in _NAMES else getattr(into, "__name__", str(into))


_set_response: Final[Callable[[Any, ResponseInfo], None]] = vars(Model)["_response"].__set__
"""What sets the slot. It takes half of the time of `object.__setattr__`."""
_NAMES: Final[dict[Any, str]] = {object: "JSON", bytes: "a file", NoneType: "an empty response"}
