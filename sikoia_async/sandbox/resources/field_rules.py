"""Rules for the fields of requests, and functions that combine them.

A rule is called with the path of a field and its value, and raises if the value breaks it. The
message has the path but never the value, which may be personal.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeGuard

from sikoia_async.sandbox.errors import ApiError, invalid_request
from sikoia_async.sandbox.resources.countries import is_country, is_jurisdiction

Rule = Callable[[str, Any], None]
_UUID = re.compile("-".join(f"[0-9a-fA-F]{{{size}}}" for size in (8, 4, 4, 4, 12)))


def string(path: str, value: Any) -> None:
    """Require a string."""
    if not isinstance(value, str):
        raise _broken(path, "must be a string")


def non_empty(path: str, value: Any) -> None:
    """Require a string that is not blank."""
    string(path, value)
    if not value.strip():
        raise _broken(path, "must not be empty")


def boolean(path: str, value: Any) -> None:
    """Require true or false."""
    if not isinstance(value, bool):
        raise _broken(path, "must be true or false")


def natural(path: str, value: Any) -> None:
    """Require a whole number of at least zero."""
    # In Python, a bool is an int; in JSON, it is not.
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _broken(path, "must be a whole number, zero or more")


def fraction(path: str, value: Any) -> None:
    """Require a number from zero to one."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise _broken(path, "must be a number from zero to one")


def any_object(path: str, value: Any) -> None:
    """Require an object with any fields."""
    if not _is_record(value):
        raise _broken(path or "The body", "must be an object")


def matching(pattern: str, meaning: str) -> Rule:
    """Require a string that matches a pattern; `meaning` describes it in messages."""
    compiled = re.compile(pattern, re.ASCII)

    def rule(path: str, value: Any) -> None:
        string(path, value)
        if not compiled.fullmatch(value):
            raise _broken(path, f"must be {meaning}")

    return rule


def uuid(path: str, value: Any) -> None:
    """Require a UUID with dashes."""
    string(path, value)
    if not _UUID.fullmatch(value):
        raise _broken(path, "must be a UUID")


def country(path: str, value: Any) -> None:
    """Require the code of a country; `ZZ`, `XX` and `UK` are none."""
    string(path, value)
    if not is_country(value):
        raise _broken(path, "must be an ISO country code of two letters, such as GB")


def jurisdiction(path: str, value: Any) -> None:
    """Require the code of a country, with a subdivision or without one."""
    string(path, value)
    if not is_jurisdiction(value):
        raise _broken(path, "must be an ISO code of a jurisdiction, such as GB or US_DE")


def one_of(*allowed: str) -> Rule:
    """Require one of a set of strings."""

    def rule(path: str, value: Any) -> None:
        if value not in allowed:
            raise _broken(path, f"must be one of {', '.join(allowed)}")

    return rule


def optional(rule: Rule) -> Rule:
    """Allow null, which is the same as leaving the field out."""
    return lambda path, value: None if value is None else rule(path, value)


def clearable(rule: Rule) -> Rule:
    """Allow null, and the empty string, which clears the field."""
    return lambda path, value: None if value in (None, "") else rule(path, value)


def list_of(rule: Rule) -> Rule:
    """Require a list whose items pass a rule."""

    def each(path: str, value: Any) -> None:
        if not _is_list(value):
            raise _broken(path, "must be a list")
        for index, item in enumerate(value):
            rule(f"{path}[{index}]", item)

    return each


def object_of(fields: Mapping[str, Rule], *, required: Collection[str] = ()) -> Rule:
    """Require an object with these fields and no others."""

    def rule(path: str, value: Any) -> None:
        any_object(path, value)
        prefix = f"{path}." if path else ""
        for name in value.keys() - fields.keys():
            raise _broken(prefix + name, "is not a field of this request")
        for name in required:
            if name not in value:
                raise _broken(prefix + name, "is required")
        for name, item in value.items():
            fields[name](prefix + name, item)

    return rule


def _is_record(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _broken(path: str, rule: str) -> ApiError:
    return invalid_request(f"{path} {rule}.")
