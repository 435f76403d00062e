"""Sentry: keeps secrets and personal data out of its events.

    sentry_sdk.init(
        dsn="…",
        before_send=scrub,
        before_send_transaction=scrub,
        before_breadcrumb=scrub,
    )

This module does not import `sentry_sdk`.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from urllib.parse import urlsplit

import sikoia_async
from sikoia_async import types, webhooks
from sikoia_async._calls.operations import OPERATIONS
from sikoia_async._logging import without_ids
from sikoia_async._transport.origins import is_known
from sikoia_async._transport.tracebacks import LIBRARIES
from sikoia_async.integrations._personal_names import PERSONAL_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["scrub"]

T = TypeVar("T")

_HIDDEN: Final = "***"
_SIGNATURE: Final = webhooks.SIGNATURE_HEADER.lower()
_URL: Final = re.compile(r"https?://[^\s\"'<>\\()\[\]|]+", re.IGNORECASE)
_STORE_KEY: Final = re.compile(r":\{[0-9a-f]{32}\}:")
"""A part of each key in Redis: the account."""
_ID_IN_REPR: Final = re.compile(r"\b(\w*id)=('[^']*(?:'|$)|\"[^\"]*(?:\"|$))")
_NAMED: Final = re.compile(
    r"""(?P<before>(?P<quote>["'])(?P<name>\w+)(?P=quote)\s*:\s*)
    (?:"(?:[^"\\]|\\.)*(?:"|$)|'(?:[^'\\]|\\.)*(?:'|$)|[^\s,{}\[\]"']+)""",
    re.VERBOSE,
)
"""A member of an object in JSON or in the repr of a dict: a body in a variable."""
_KEPT: Final = frozenset({"correlation_id", "sent_correlation_id"})
_PLAIN: Final = frozenset({"number", "value", "message", "description", "uri", "country_code"})
"""Personal fields whose names say too little: variables of these names are anything."""
_HIDDEN_NAMES: Final = PERSONAL_NAMES - _PLAIN


def scrub(event: T, hint: object = None) -> T:  # noqa: ARG001 - Sentry passes it
    """Remove secrets and personal data of Sikoia from an event, a transaction or a breadcrumb.

    - Frames of this SDK, and of libraries that it has called, lose their variables.
    - URLs of requests of this SDK become templates, such as `/v2/persons/{person_id}`, without
      their query; links to files lose their path.
    - Values with the name of a personal field or an id of the API, such as `first_name`, are
      masked: variables in other frames, bodies of requests to your application, extra data.
    - Bodies of webhook deliveries and data for the shared stores in Redis are masked.

    Args:
        event: passed by Sentry; it is modified in place.
        hint: not used.

    Returns:
        The same event.
    """
    fields = cast("dict[str, Any]", event)
    stacks = list(_stacks(fields))
    is_ours = any(_package(frame) == "sikoia_async" for frames in stacks for frame in frames)
    for frames in stacks:
        _scrub_frames(frames, is_ours=is_ours)
    _scrub_request(_dict(fields.get("request")))
    for name, value in list(fields.items()):
        fields[name] = _scrubbed(value, is_named=name in {"breadcrumbs", "data", "extra"})
    return event


def _stacks(event: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """Yield the frames of each stack: of exceptions, of threads, and of a message."""
    holders: list[Any] = [event]
    for name in ("exception", "threads"):
        holders += _dict(event.get(name)).get("values") or []
    for holder in holders:
        yield _dict(_dict(holder).get("stacktrace")).get("frames") or []


def _dict(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _scrub_frames(frames: list[dict[str, Any]], *, is_ours: bool) -> None:
    """Scrub a stack, whose innermost frame is the last.

    Args:
        frames: the stack.
        is_ours: whether its first frames, if they are of libraries, may have been called by the
            SDK: an exception that was the context of another has no frames of callers.
    """
    for frame in frames:
        package = _package(frame)
        is_ours = package == "sikoia_async" or (is_ours and package in LIBRARIES)
        if is_ours:
            frame.pop("vars", None)
        elif frame.get("vars"):
            frame["vars"] = _scrubbed(frame["vars"], is_named=True)


def _package(frame: dict[str, Any]) -> str:
    return str(frame.get("module") or "").partition(".")[0]


def _scrub_request(request: dict[str, Any]) -> None:
    """Scrub the request that the application was handling, or a local Sikoia in its process."""
    data = request.get("data")
    if _is_ours(str(request.get("url"))):
        request |= {"data": _HIDDEN, "query_string": _HIDDEN}
    elif data is None:
        return
    elif any(name.lower() == _SIGNATURE for name in _dict(request.get("headers"))):
        request["data"] = _HIDDEN
    elif isinstance(data, str):
        try:
            request["data"] = json.dumps(_scrubbed(json.loads(data), is_named=True))
        except ValueError:  # not JSON
            request["data"] = _text(data)
    else:
        request["data"] = _scrubbed(data, is_named=True)


def _scrubbed(value: Any, *, is_named: bool = False) -> Any:
    """Return a value without what must not be seen.

    Args:
        value: as JSON.
        is_named: whether values are masked because of their names.
    """
    if isinstance(value, str):
        return _NAMED.sub(_masked_member, _text(value)) if is_named else _text(value)
    if isinstance(value, list | tuple):
        return [_scrubbed(one, is_named=is_named) for one in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    fields = _dict(cast("object", value))
    is_request = any(isinstance(one, str) and _is_ours(one) for one in fields.values())
    return {
        name: _HIDDEN
        if _is_hidden(name, one, is_named=is_named, is_request=is_request)
        else _scrubbed(one, is_named=is_named)
        for name, one in fields.items()
    }


def _is_hidden(name: str, value: object, *, is_named: bool, is_request: bool) -> bool:
    if value is None or value == "" or isinstance(value, bool | dict | list | tuple):
        return False
    if is_request and name.endswith(("query", "fragment")):
        return True
    return is_named and name in _HIDDEN_NAMES


def _text(text: str) -> str:
    if _STORE_KEY.search(text):
        return f"{text.partition(' ')[0]} {_HIDDEN}"
    if "://" in text:
        text = _URL.sub(lambda found: _masked(found[0]) if _is_ours(found[0]) else found[0], text)
    if _model_reprs().search(text):
        text = _ID_IN_REPR.sub(
            lambda found: found[0] if found[1] in _KEPT else f"{found[1]}='{_HIDDEN}'", text
        )
    return text


def _masked_member(found: re.Match[str]) -> str:
    return f"{found['before']}{_HIDDEN!r}" if found["name"] in _HIDDEN_NAMES else found[0]


def _is_ours(url: str) -> bool:
    """Return whether a URL is one that this SDK may have requested."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return is_known(f"{parts.scheme}://{parts.netloc}")


def _masked(url: str) -> str:
    """Return a URL with the template of its path, and without its query."""
    parts = urlsplit(url)
    for pattern, template in _templates():
        if match := pattern.fullmatch(parts.path):
            path = without_ids(match["prefix"]) + template
            break
    else:
        path = f"/{_HIDDEN}" if parts.path.strip("/") else parts.path
    return f"{parts.scheme}://{parts.netloc}{path}"


@cache
def _templates() -> list[tuple[re.Pattern[str], str]]:
    """Return the paths of the API, starting with those that have the fewest placeholders."""
    paths = sorted({one.path for one in OPERATIONS}, key=lambda path: path.count("{"))
    return [(re.compile("(?P<prefix>.*)" + re.sub(r"\{\w+\}", "[^/]+", one)), one) for one in paths]


@cache
def _model_reprs() -> re.Pattern[str]:
    """Return a pattern of the classes whose reprs have ids."""
    names = {*types.__all__, *webhooks.__all__, *sikoia_async.__all__}
    return re.compile(rf"\b(?:{'|'.join(sorted(names))})\(")
