"""What a field of a request may hold: small rules, and ways of joining them into larger ones.

A rule gets the path of a field and its value, and raises when the value breaks it.
The message names the path and never repeats the value: values are personal.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeGuard

from sikoia_async.sandbox.errors import ApiError, invalid_request

Rule = Callable[[str, Any], None]
_UUID = re.compile("-".join(f"[0-9a-fA-F]{{{size}}}" for size in (8, 4, 4, 4, 12)))
_COUNTRY = re.compile("(?!ZZ|XX)[A-Z]{2}", re.ASCII | re.IGNORECASE)


def text(path: str, value: Any) -> None:
    """Ask for a string."""
    if not isinstance(value, str):
        raise _broken(path, "must be a string")


def filled(path: str, value: Any) -> None:
    """Ask for a string that says something."""
    text(path, value)
    if not value.strip():
        raise _broken(path, "must not be empty")


def flag(path: str, value: Any) -> None:
    """Ask for true or false."""
    if not isinstance(value, bool):
        raise _broken(path, "must be true or false")


def count(path: str, value: Any) -> None:
    """Ask for a whole number from zero up."""
    # A bool is an int to Python, and not to JSON.
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _broken(path, "must be a whole number, zero or more")


def fraction(path: str, value: Any) -> None:
    """Ask for a number from zero to one."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise _broken(path, "must be a number from zero to one")


def any_record(path: str, value: Any) -> None:
    """Ask for an object, with any fields."""
    if not _is_record(value):
        raise _broken(path or "The body", "must be an object")


def matching(pattern: str, meaning: str) -> Rule:
    """Ask for a string of a certain form."""
    form = re.compile(pattern, re.ASCII)

    def rule(path: str, value: Any) -> None:
        text(path, value)
        if not form.fullmatch(value):
            raise _broken(path, f"must be {meaning}")

    return rule


def uuid(path: str, value: Any) -> None:
    """Ask for an id in its usual form."""
    text(path, value)
    if not _UUID.fullmatch(value):
        raise _broken(path, "must be a UUID")


def country(path: str, value: Any) -> None:
    """Ask for a country's two letters; `ZZ` and `XX` are none."""
    text(path, value)
    if not _COUNTRY.fullmatch(value):
        raise _broken(path, "must be the two letters of a country, as in GB")


def one_of(*allowed: str) -> Rule:
    """Ask for one of a few words."""

    def rule(path: str, value: Any) -> None:
        if value not in allowed:
            raise _broken(path, f"must be one of {', '.join(allowed)}")

    return rule


def optional(rule: Rule) -> Rule:
    """Let null pass, which says no more than leaving the field out."""
    return lambda path, value: None if value is None else rule(path, value)


def clearable(rule: Rule) -> Rule:
    """Let null pass, and the empty string, which clears the field."""
    return lambda path, value: None if value in (None, "") else rule(path, value)


def many(rule: Rule) -> Rule:
    """Ask for a list, and for each of its items what `rule` asks."""

    def each(path: str, value: Any) -> None:
        if not _is_list(value):
            raise _broken(path, "must be a list")
        for index, item in enumerate(value):
            rule(f"{path}[{index}]", item)

    return each


def record(fields: Mapping[str, Rule], *, required: Collection[str] = ()) -> Rule:
    """Ask for an object with these fields and no others."""

    def rule(path: str, value: Any) -> None:
        any_record(path, value)
        prefix = f"{path}." if path else ""
        for name in value.keys() - fields.keys():
            raise _broken(prefix + name, "is not a field of this request")
        for name in required:
            if name not in value:
                raise _broken(prefix + name, "is required")
        for name, given in value.items():
            fields[name](prefix + name, given)

    return rule


def _is_record(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _broken(path: str, rule: str) -> ApiError:
    return invalid_request(f"{path} {rule}.")
