"""Finds decimals that are not numbers: msgspec reads the string "NaN", in any case, as a Decimal.

Only the Decimals of a decoded value are visited. Searching the bytes for every spelling takes three
times as long and has false positives.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from operator import attrgetter
from typing import Any, cast

from sikoia_async._codec import shapes
from sikoia_async._codec.shapes import Shape

__all__ = ["finite_check"]

Check = Callable[[Any], bool]


@cache
def finite_check(shape: Shape) -> Check | None:
    """Return a function that returns whether all Decimals in a value are finite.

    Returns:
        The function, or None for a shape without Decimals.
    """
    if not any(part.type is Decimal for part in shapes.reachable(shape)):
        return None
    match shape:
        case shapes.Scalar():
            return Decimal.is_finite
        case shapes.Optional():
            return _optional(shape.inner)
        case shapes.Object():
            return _object(shape)
        case shapes.ListOf():
            return _list(shape.item)
        case _:
            return _any_value


def _optional(inner: Shape) -> Check:
    is_finite = cast("Check", finite_check(inner))
    return lambda value: value is None or is_finite(value)


def _object(shape: shapes.Object) -> Check:
    def check(value: Any) -> bool:
        for read, is_finite in _fields(shape):  # looked up late: a model may contain itself
            part = read(value)
            if part is not None and not is_finite(part):
                return False
        return True

    return check


@cache
def _fields(shape: shapes.Object) -> list[tuple[Callable[[Any], Any], Check]]:
    """Return the getter and the check of each field that has Decimals in it."""
    checks = {field.name: finite_check(_inner(field.shape)) for field in shape.fields}
    return [(attrgetter(name), check) for name, check in checks.items() if check is not None]


def _list(item: Shape) -> Check:
    is_finite = cast("Check", finite_check(item))
    return lambda value: all(map(is_finite, value))


def _inner(shape: Shape) -> Shape:
    return shape.inner if isinstance(shape, shapes.Optional) else shape


def _any_value(value: Any) -> bool:
    """Check a value whose type does not say where its Decimals are."""
    if isinstance(value, Decimal):
        return value.is_finite()
    if isinstance(value, dict):
        return all(map(_any_value, cast("Mapping[Any, Any]", value).values()))
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(_any_value, cast("list[Any]", value)))
    is_finite = finite_check(shapes.shape_of(value.__class__))
    return is_finite is None or is_finite(value)
