"""Validators of arguments, for callers without a type checker.

A message names the argument and what is expected, and never repeats the value: it may be a secret.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, cast

__all__ = [
    "Validator",
    "is_number",
    "is_whole",
    "validate_base",
    "validate_clock",
    "validate_datetime",
    "validate_flag",
    "validate_group",
    "validate_header",
    "validate_key",
    "validate_mapping",
    "validate_name",
    "validate_number",
    "validate_pauses",
    "validate_seconds",
    "validate_url",
    "validate_whole",
]

Validator = Callable[[Any, Any, Any], None]
"""A validator of attrs: it gets the object, the attribute with its name, and the value."""

_MOST_SECONDS: Final = 1_000_000_000
"""About 31 years; clocks and dates overflow far above it."""
_KEY: Final = re.compile(r"[\x21-\x7e]+")
_URL: Final = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+([/?#][\x21-\x7e]*)?")
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.6.2


def is_whole(value: object) -> bool:
    """Return whether a value is a whole number; in Python, True is an int."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Return whether a value is a whole or a floating-point number."""
    return is_whole(value) or isinstance(value, float)


def _is_seconds(value: Any) -> bool:
    return is_number(value) and 0 <= value <= _MOST_SECONDS


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value) and value.isprintable() and value == value.strip()


def _is_string(value: object) -> bool:
    return isinstance(value, str)


def _validator(what: str, is_valid: Callable[[Any], bool], *, optional: bool = False) -> Validator:
    def validate(_object: object, attribute: Any, value: Any) -> None:
        if not (optional and value is None) and not is_valid(value):
            msg = f"{attribute.name}: expected {what}"
            raise ValueError(msg)

    return validate


validate_name: Final[Validator] = _validator(
    "printable characters, at least one", _is_name, optional=True
)
validate_key: Final[Validator] = _validator(
    "visible ASCII characters, at least one",
    lambda value: isinstance(value, str) and _KEY.fullmatch(value) is not None,
    optional=True,
)
validate_header: Final[Validator] = _validator(
    "the name of a header, such as Idempotency-Key",
    lambda value: isinstance(value, str) and _HEADER.fullmatch(value) is not None,
    optional=True,
)
validate_url: Final[Validator] = _validator(
    "an absolute URL of http or https",
    lambda value: isinstance(value, str) and _URL.fullmatch(value) is not None,
    optional=True,
)
validate_flag: Final[Validator] = _validator("True or False", lambda value: isinstance(value, bool))
validate_number: Final[Validator] = _validator("a number", is_number)
validate_datetime: Final[Validator] = _validator(
    "a datetime with a time zone", lambda value: isinstance(value, datetime), optional=True
)
validate_clock: Final[Validator] = _validator(
    "a function that returns seconds",
    lambda value: callable(value) and is_number(value()),
    optional=True,
)
validate_mapping: Final[Validator] = _validator(
    "a dict of operation names and credits",
    lambda value: isinstance(value, Mapping) and all(map(_is_string, cast("Any", value))),
    optional=True,
)
validate_pauses: Final[Validator] = _validator(
    "seconds in a list, each zero or more",
    lambda value: isinstance(value, list | tuple) and all(map(_is_seconds, cast("Any", value))),
)


def validate_group(kind: type) -> Validator:
    """Return a validator of a group of settings."""
    return _validator(f"a {kind.__name__}(...)", lambda value: isinstance(value, kind))


def validate_whole(what: str, is_valid: Callable[[int], bool]) -> Validator:
    """Return a validator of whole numbers, for example `of at least 0`."""
    return _validator(f"a whole number{what}", lambda value: is_whole(value) and is_valid(value))


def validate_base(base: object) -> None:
    """Refuse what is not the first index of a picklist.

    Raises:
        ValueError: The value is neither 0 nor 1.
    """
    if not is_whole(base) or base not in {0, 1}:
        msg = "picklist_base: expected 0 or 1"
        raise ValueError(msg)


def validate_seconds(*, zero: bool, infinite: bool = False) -> Validator:
    """Return a validator of seconds.

    Args:
        zero: Whether zero is allowed.
        infinite: Whether a longer time than any clock reaches is allowed, to mean never.
    """

    def is_valid(value: Any) -> bool:
        is_positive = is_number(value) and (value > 0 or (zero and value == 0))
        return is_positive and (infinite or value <= _MOST_SECONDS)

    return _validator(f"seconds, {'zero or more' if zero else 'more than zero'}", is_valid)
