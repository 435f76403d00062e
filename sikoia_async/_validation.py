"""Values that a caller gives, checked before anything is sent; none is ever repeated.

Whoever has no type checker hears here of a wrong type as well.
"""

import re
import sys
from collections.abc import Sequence
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from sikoia_async._errors import ArgumentTypeError, ConfigurationError

__all__ = [
    "DOTS",
    "LISTS",
    "given",
    "validate_filters",
    "validate_flags",
    "validate_fraction",
    "validate_https",
    "validate_id",
    "validate_id_or_none",
    "validate_ids",
    "validate_list",
    "validate_required_strings",
    "validate_seconds",
    "validate_string",
    "validate_strings",
    "validate_type",
    "validate_whole",
]

T = TypeVar("T")

_ID: Final = re.compile(r"[A-Za-z0-9_.~-]{1,128}")
DOTS: Final = frozenset({".", ".."})
"""Parts of a path that lead elsewhere."""
LISTS: Final = (list, tuple, set, frozenset)
"""What is taken for several values; a text is one."""
_NUMBERS: Final = (int, float)


def validate_type(name: str, value: object, kind: type | tuple[type, ...], what: str) -> None:
    """Refuse a value of another type, None excepted: not all callers are type checked.

    Raises:
        ArgumentTypeError: it is one.
    """
    if value is not None and not isinstance(value, kind):
        msg = f"{name}: give {what}"
        raise ArgumentTypeError(msg)


def validate_whole(name: str, value: int, *, least: int) -> int:
    """Return a whole number that is large enough.

    Raises:
        ConfigurationError: it is none, or too small.
    """
    msg = f"{name}: give a whole number of at least {least}"
    if type(value) is not int:
        raise ArgumentTypeError(msg)
    if value < least:
        raise ConfigurationError(msg)
    return value


def validate_seconds(name: str, value: float) -> float:
    """Return a time to wait.

    Raises:
        ConfigurationError: it is none.
    """
    msg = f"{name}: give seconds, more than 0 and finite; there is always a deadline"
    if type(value) not in _NUMBERS:
        raise ArgumentTypeError(msg)
    # A whole number may be larger than any float, and no clock could be set to it.
    if not 0 < value <= sys.float_info.max:
        raise ConfigurationError(msg)
    return value


def validate_fraction(name: str, value: float | None) -> float | None:
    """Return a number from 0 to 1, or None.

    Raises:
        ConfigurationError: it is none of these.
    """
    if value is None:
        return None
    msg = f"{name}: give a number from 0 to 1"
    if type(value) not in _NUMBERS:
        raise ArgumentTypeError(msg)
    if not 0 <= value <= 1:
        raise ConfigurationError(msg)
    return value


def validate_string(name: str, value: str | None, *, most: int) -> str | None:
    """Return a text of 1 to `most` characters, or None.

    Raises:
        ConfigurationError: it is none of these.
    """
    if value is None:
        return None
    msg = f"{name}: give a text of 1 to {most:,} characters"
    if not _is_text(value):
        raise ArgumentTypeError(msg)
    if not 1 <= len(value) <= most:
        raise ConfigurationError(msg)
    return value


def validate_https(name: str, value: str | None, *, most: int) -> str | None:
    """Return an absolute https address of at most `most` characters, or None.

    Raises:
        ConfigurationError: it is none of these.
    """
    if validate_string(name, value, most=most) is None:
        return None
    if _is_https(str(value)):
        return value
    msg = f"{name}: give an absolute address that begins with https://"
    raise ConfigurationError(msg)


def given(name: str, value: T | None) -> T:
    """Return what the API cannot do without: None would be left out in silence.

    Raises:
        ArgumentTypeError: it is None.
    """
    if value is None:
        msg = f"{name}: has to be given"
        raise ArgumentTypeError(msg)
    return value


def validate_required_strings(**fields: str) -> dict[str, str]:
    """Return texts that the API cannot do without, by name.

    Raises:
        ArgumentTypeError: one is None, or no text.
        ConfigurationError: one is empty.
    """
    for name, value in validate_strings(**fields).items():
        if not given(name, value):
            msg = f"{name}: give a text that is not empty"
            raise ConfigurationError(msg)
    return fields


def validate_strings(**fields: str | None) -> dict[str, str | None]:
    """Return texts by name; each may be None, which is not sent, or empty, which clears a field.

    Raises:
        ArgumentTypeError: one is no text.
    """
    for name, value in fields.items():
        validate_type(name, value, str, "a text")
    return fields


def validate_flags(**fields: bool | None) -> dict[str, bool | None]:
    """Return truth values by name; each may be None, which is not sent.

    Raises:
        ArgumentTypeError: one is something else, such as `"no"`, which would count as true.
    """
    for name, value in fields.items():
        validate_type(name, value, bool, "True or False")
    return fields


def validate_filters(**fields: str | Sequence[str] | None) -> dict[str, str | Sequence[str] | None]:
    """Return texts, or lists of them, by name; each may be None, which is not sent.

    Raises:
        ArgumentTypeError: one is neither.
    """
    for name, value in fields.items():
        values = value if isinstance(value, LISTS) else [value]
        if value is not None and not all(map(_is_text, values)):
            msg = f"{name}: give a text, or several in a list"
            raise ArgumentTypeError(msg)
    return fields


def validate_id(name: str, value: object) -> str:
    """Return an id: `retrieve("..")` would otherwise ask for the list.

    Raises:
        ConfigurationError: it is empty, `.` or `..`, or holds a slash or another character that
            would lead somewhere else.
        ArgumentTypeError: it is no text; a UUID is none, and neither is a model that has the id.
    """
    if isinstance(value, str):
        if value not in DOTS and _ID.fullmatch(value):
            return value
        msg = f"{name} is no id: give Sikoia's, as a text of letters, digits and - _ . ~"
        raise ConfigurationError(msg)
    hint = "as a text of letters, digits and - _ . ~"
    if hasattr(type(value), name):
        hint = f"as in {name.removesuffix('_id')}.{name}"
    msg = f"{name} is no id: give Sikoia's, {hint}"
    raise ArgumentTypeError(msg)


def validate_id_or_none(name: str, value: object) -> str | None:
    """Return an id, or None, which is not sent."""
    return None if value is None else validate_id(name, value)


def validate_list(
    name: str, value: Sequence[T] | None, kind: type[Any], *, least: int = 0
) -> Sequence[T] | None:
    """Return a list, or None; a text is no list, though Python takes it for one of letters.

    Raises:
        ArgumentTypeError: it is no list, or something in it is of another type.
        ConfigurationError: there is too little in it.
    """
    if value is None:
        return None
    if not isinstance(value, list | tuple):
        msg = f"{name}: give a list, with one entry if there is only one"
        raise ArgumentTypeError(msg)
    if len(value) < least:
        msg = f"{name}: give at least {least}"
        raise ConfigurationError(msg)
    for one in value:
        if not isinstance(one, kind):
            msg = f"{name}: give a list of {'texts' if kind is str else kind.__name__}"
            raise ArgumentTypeError(msg)
    return value


def validate_ids(name: str, value: Sequence[str] | None) -> list[str] | None:
    """Return a list of ids, or None.

    Raises:
        ArgumentTypeError: it is no list.
        ConfigurationError: something in it is no id.
    """
    found = validate_list(name, value, str)
    return None if found is None else [validate_id(name, one) for one in found]


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
