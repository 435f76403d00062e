"""Values that a caller gives, checked before anything is sent; none is ever repeated.

Whoever has no type checker hears here of a wrong type as well.
"""

from collections.abc import Sequence
from math import isfinite
from typing import Final, TypeVar
from urllib.parse import urlsplit

from sikoia_async.errors import ArgumentTypeError, ConfigurationError

__all__ = [
    "checked_fraction",
    "checked_https",
    "checked_list",
    "checked_seconds",
    "checked_text",
    "checked_type",
    "checked_whole",
]

T = TypeVar("T")


def checked_type(name: str, value: object, kind: type | tuple[type, ...], what: str) -> None:
    """Refuse a value of another type, None excepted: not all callers are type checked.

    Raises:
        ArgumentTypeError: it is one.
    """
    if value is not None and not isinstance(value, kind):
        msg = f"{name}: give {what}"
        raise ArgumentTypeError(msg)


def checked_whole(name: str, value: int, *, least: int) -> int:
    """Return a whole number that is large enough.

    Raises:
        ConfigurationError: it is none, or too small.
    """
    if type(value) is not int or value < least:
        msg = f"{name}: give a whole number of at least {least}"
        raise ConfigurationError(msg)
    return value


def checked_seconds(name: str, value: float) -> float:
    """Return a time to wait.

    Raises:
        ConfigurationError: it is none.
    """
    if type(value) not in {int, float} or not 0 < value < float("inf"):
        msg = f"{name}: give seconds, more than 0 and finite; there is always a deadline"
        raise ConfigurationError(msg)
    return value


def checked_fraction(name: str, value: float | None) -> float | None:
    """Return a number from 0 to 1, or None.

    Raises:
        ConfigurationError: it is none of these.
    """
    if value is None:
        return None
    if type(value) not in {int, float} or not isfinite(value) or not 0 <= value <= 1:
        msg = f"{name}: give a number from 0 to 1"
        raise ConfigurationError(msg)
    return value


def checked_text(name: str, value: str | None, *, most: int) -> str | None:
    """Return a text of 1 to `most` characters, or None.

    Raises:
        ConfigurationError: it is none of these.
    """
    if value is None:
        return None
    if not _is_text(value) or not 1 <= len(value) <= most:
        msg = f"{name}: give a text of 1 to {most:,} characters"
        raise ConfigurationError(msg)
    return value


def checked_https(name: str, value: str | None, *, most: int) -> str | None:
    """Return an absolute https address of at most `most` characters, or None.

    Raises:
        ConfigurationError: it is none of these.
    """
    if checked_text(name, value, most=most) is None:
        return None
    if _is_https(str(value)):
        return value
    msg = f"{name}: give an absolute address that begins with https://"
    raise ConfigurationError(msg)


def checked_list(name: str, value: Sequence[T] | None) -> Sequence[T] | None:
    """Return a list, or None; a text is no list, though Python takes it for one of letters.

    Raises:
        ArgumentTypeError: it is a text.
    """
    if isinstance(value, str | bytes):
        msg = f"{name}: give a list, with one entry if there is only one"
        raise ArgumentTypeError(msg)
    return value


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_https(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    no_spaces: Final = not any(sign.isspace() or not sign.isprintable() for sign in address)
    is_plain = parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
    return no_spaces and is_plain
