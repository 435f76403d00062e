"""Finds numbers that are none: msgspec reads the text "NaN", in any spelling, as a Decimal.

The Decimals of a decoded value are visited, and nothing else: searching the bytes for all spellings
takes three times as long, and finds false ones.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from operator import attrgetter
from types import NoneType
from typing import Any, cast, get_args, get_origin

import attrs

from sikoia_async.models import field_types

__all__ = ["finite_check"]

Check = Callable[[Any], bool]


@cache
def finite_check(wanted: Any) -> Check | None:
    """Return what tells whether all Decimals in a value of this type are finite; None for none."""
    if not _holds_decimals(wanted, set()):
        return None
    if wanted is Decimal:
        return Decimal.is_finite
    if attrs.has(wanted):
        return _model(wanted)
    if get_origin(wanted) is tuple and Ellipsis in get_args(wanted):
        return _items(get_args(wanted)[0])
    return _whatever


def _holds_decimals(wanted: Any, seen: set[Any]) -> bool:
    """Tell whether a type has a Decimal somewhere in it, also where types contain themselves."""
    if wanted in seen:
        return False
    seen.add(wanted)
    parts = field_types(wanted).values() if attrs.has(wanted) else get_args(wanted)
    return wanted is Decimal or any(_holds_decimals(part, seen) for part in parts)


def _model(wanted: Any) -> Check:
    def check(value: Any) -> bool:
        for read, finite in _parts(wanted):  # not before: a model may contain itself
            part = read(value)
            if part is not None and not finite(part):
                return False
        return True

    return check


@cache
def _parts(model: Any) -> list[tuple[Callable[[Any], Any], Check]]:
    """Return how to read each field that has Decimals in it, and how to check it."""
    checks = {name: finite_check(_given(type_)) for name, type_ in field_types(model).items()}
    return [(attrgetter(name), check) for name, check in checks.items() if check is not None]


def _given(wanted: Any) -> Any:
    """Return the type of what is there where something is: `X | None` is checked as X."""
    given = [one for one in get_args(wanted) if one is not NoneType]
    return given[0] if NoneType in get_args(wanted) and len(given) == 1 else wanted


def _items(item: Any) -> Check:
    finite = cast("Check", finite_check(item))

    def check(value: Any) -> bool:
        return all(map(finite, value))

    return check


def _whatever(value: Any) -> bool:
    """Check a value of a type that is not one of ours."""
    if isinstance(value, Decimal):
        return value.is_finite()
    if isinstance(value, dict):
        return all(map(_whatever, cast("Mapping[Any, Any]", value).values()))
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(_whatever, cast("list[Any]", value)))
    finite = finite_check(value.__class__)
    return finite is None or finite(value)
