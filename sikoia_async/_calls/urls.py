"""Paths and queries: what the caller gives is checked here, before anything is sent."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, cast
from urllib.parse import quote

import httpx

from sikoia_async._errors import ArgumentTypeError, ConfigurationError
from sikoia_async._validation import DOT_SEGMENTS, LIST_TYPES, validate_id

__all__ = ["QueryValue", "fill", "target_on", "validate_path", "with_query"]

QueryValue = str | int | bool | Sequence[str] | None

_PATH: Final = re.compile(r"(/[A-Za-z0-9_.~:@!$&'()*+,;=-]+)+")
_LONGEST: Final = 8192  # what servers take; httpx itself raises at 65,536
_LARGEST: Final = 64  # bits of a whole number; Python refuses to write out very long ones


def fill(template: str, ids: Mapping[str, object]) -> str:
    """Put ids into a path template.

    Raises:
        ConfigurationError: one is no id, as `checked_id` says.
    """
    for name, value in ids.items():
        validate_id(name, value)
    return template.format_map(ids) if ids else template


def validate_path(path: str) -> str:
    """Return a path that the caller wrote, if it stays on Sikoia's API.

    Raises:
        ConfigurationError: it is no absolute path, or has dot segments or a query in it.
    """
    if not _PATH.fullmatch(path) or not DOT_SEGMENTS.isdisjoint(path.split("/")):
        msg = (
            "path: give an absolute path such as /v2/cases, without percent escapes; "
            "its query goes into query=..."
        )
        raise ConfigurationError(msg)
    return path


def target_on(origin: str, address: str, *, base: str = "/") -> str | None:
    """Return the path and query of an address that an answer names; None on another origin.

    Args:
        origin: scheme, host and port that our requests, and with them our token, may go to.
        address: absolute, or relative to `base`.
        base: the path and query of the request that was answered.
    """
    lifecycle = httpx.URL(origin)
    try:
        there = httpx.URL(origin + base).join(address)
    except httpx.InvalidURL:
        return None
    if (there.scheme, there.netloc, there.userinfo) != (lifecycle.scheme, lifecycle.netloc, b""):
        return None
    return there.raw_path.decode("ascii")


def with_query(path: str, query: Mapping[str, QueryValue]) -> str:
    """Add the query's parameters that are not None; several values go comma-separated into one.

    Raises:
        ConfigurationError: a value holds a comma, which would be read as two values.
        ArgumentTypeError: it is neither a text, a whole number nor a truth value, nor a list of
            texts.
    """
    pairs = [
        f"{quote(name, safe='')}={_query_text(name, value)}"
        for name, value in query.items()
        if value is not None
    ]
    target = f"{path}?{'&'.join(pairs)}" if pairs else path
    if len(target) > _LONGEST:
        msg = f"the query makes an address of more than {_LONGEST:,} characters"
        raise ConfigurationError(msg)
    return target


def _query_text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    values = _texts(name, value)
    if not values or any("," in one or not one for one in values):
        msg = f"{name}: give one value, or several in a list, each without a comma and not empty"
        raise ConfigurationError(msg)
    try:
        return "%2C".join(quote(one, safe="") for one in values)
    except UnicodeEncodeError:
        msg = f"{name}: holds half of a surrogate pair, which is no text"
    raise ConfigurationError(msg)


def _texts(name: str, value: object) -> list[str]:
    if isinstance(value, int) and value.bit_length() <= _LARGEST:
        return [str(value)]
    values = cast("Iterable[object]", value) if isinstance(value, LIST_TYPES) else [value]
    texts = [one if isinstance(one, str) else None for one in values]
    if None in texts:
        msg = f"{name}: give a text, a whole number, True or False, or a list of texts"
        raise ArgumentTypeError(msg)
    return cast("list[str]", texts)
