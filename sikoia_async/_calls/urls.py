"""Paths and queries, built from the caller's values and validated before anything is sent."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, cast
from urllib.parse import quote

import httpx

from sikoia_async._errors import ArgumentError, ArgumentTypeError
from sikoia_async._validation import (
    DOT_SEGMENTS,
    LIST_TYPES,
    lazy_pattern,
    plain_number,
    plain_string,
    validate_id,
)

__all__ = ["QueryValue", "fill", "is_on", "target_of", "validate_path", "with_query"]

QueryValue = str | int | bool | Sequence[str] | None

_PATH: Final = lazy_pattern(r"(/[A-Za-z0-9_.~:@!$&'()*+,;=-]+)+")
_URL: Final = lazy_pattern(
    r"((?P<scheme>https?):)?(//(?P<host>[^/?#]*))?(?P<rest>(?![a-z][a-z0-9+.-]*:).*)",
    re.DOTALL | re.IGNORECASE,
)
_PLACEHOLDER: Final = lazy_pattern(r"\{([^{}]*)\}")
_MOST_CHARACTERS: Final = 8192  # what servers accept; httpx itself raises at 65,536
_MOST_BITS: Final = 64  # of an integer; Python refuses to format very long ones


def fill(template: str, ids: Mapping[str, object]) -> str:
    """Put ids into a path template.

    Raises:
        ArgumentError: a value is not a valid id, as `validate_id` says, or a placeholder has
            no value, or a value has no placeholder.
    """
    if not ids and "{" not in template:
        return template
    valid = {name: validate_id(name, value) for name, value in ids.items()}
    placeholders = _placeholders(template)
    if placeholders ^ ids.keys():
        if missing := placeholders - ids.keys():
            msg = f"{min(missing)}: required by the path {template}"
        else:
            msg = f"{min(ids.keys() - placeholders)}: not a placeholder of the path {template}"
        raise ArgumentError(msg)
    return template.format_map(valid)


@lru_cache(maxsize=256)
def _placeholders(template: str) -> frozenset[str]:
    return frozenset(_PLACEHOLDER.findall(template))


def validate_path(path: object) -> str:
    """Return a caller's path, if it stays on Sikoia's API.

    Raises:
        ArgumentError: it is not an absolute path, or contains dot segments or a query.
    """
    if (
        not isinstance(path, str)
        or not _PATH.fullmatch(path)
        or not DOT_SEGMENTS.isdisjoint(path.split("/"))
    ):
        msg = (
            "path: expected an absolute path such as /v2/cases, without percent escapes; "
            "pass its query as query=..."
        )
        raise ArgumentError(msg)
    return plain_string(path)


def target_of(url: str, origin: str, *, base: str = "/") -> str | None:
    """Return the path and query of a URL in a response, whatever its scheme and host are.

    A gateway or a forwarded port hides the host that Sikoia believes to have. Nothing is lost by
    ignoring it: requests, and with them the token, go to our origin only.

    Args:
        url: an absolute URL, or one relative to `base`.
        origin: where requests go: scheme, host, port, and the path prefix of a gateway if any.
        base: path and query of the request.

    Returns:
        The target, without the prefix; None if this is not an http URL that can be read.
    """
    match = _URL.fullmatch(url.strip())
    if match is None or (match["scheme"] and match["host"] is None):
        return None
    home = httpx.URL(origin)
    start = home.copy_with(raw_path=b"/") if match["host"] is not None else origin + base
    try:
        path = httpx.URL(start).join(match["rest"]).raw_path.decode("ascii")
    except (httpx.InvalidURL, UnicodeError):
        return None
    prefix = home.path.rstrip("/")
    return path.removeprefix(prefix) if path.startswith(f"{prefix}/") else path


def is_on(origin: str, url: str) -> bool:
    """Return whether a URL is relative, or on this origin."""
    home = httpx.URL(origin)
    try:
        joined = home.join(url)
    except (httpx.InvalidURL, UnicodeError):
        return False
    return (joined.scheme, joined.netloc, joined.userinfo) == (home.scheme, home.netloc, b"")


def with_query(path: str, query: Mapping[str, QueryValue] | None) -> str:
    """Add a query to a path: parameters that are None are left out, lists are comma-separated.

    Raises:
        ArgumentError: a value contains a comma, which would be read as two values, or the
            target becomes too long.
        ArgumentTypeError: a value is not a string, an integer, a boolean or a list of strings.
    """
    target = path
    if query:
        pairs = [
            f"{quote(name, safe='')}={_encoded(name, value)}"
            for name, value in query.items()
            if value is not None
        ]
        target = f"{path}?{'&'.join(pairs)}" if pairs else path
    if len(target) > _MOST_CHARACTERS:
        msg = f"query: the URL would be longer than {_MOST_CHARACTERS:,} characters"
        raise ArgumentError(msg)
    return target


def _encoded(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    values = _strings(name, value)
    if not values or any("," in one or not one for one in values):
        msg = f"{name}: expected one or more non-empty values without commas"
        raise ArgumentError(msg)
    try:
        return "%2C".join(quote(one, safe="") for one in values)
    except UnicodeEncodeError:
        msg = f"{name}: expected valid Unicode, without lone surrogates"
    raise ArgumentError(msg)


def _strings(name: str, value: object) -> list[str]:
    number = plain_number(value)
    if isinstance(number, int) and number.bit_length() <= _MOST_BITS:
        return [str(number)]
    values = cast("Iterable[object]", value) if isinstance(value, LIST_TYPES) else [value]
    strings = [plain_string(one) if isinstance(one, str) else None for one in values]
    if None in strings:
        msg = f"{name}: expected a string, a whole number, True or False, or a list of strings"
        raise ArgumentTypeError(msg)
    return cast("list[str]", strings)
