"""Finds what msgspec accepts and no model may hold: NaN as a Decimal, and times without a zone.

msgspec reads the string "NaN", in any case, as a Decimal. Only the Decimals and datetimes of a
decoded value are visited. Searching the bytes takes three times as long and has false positives.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from operator import attrgetter
from typing import Any, Final, cast

from sikoia_async._schema import shapes
from sikoia_async._schema.shapes import Shape
from sikoia_async._schema.standard import Standard

__all__ = ["soundness_check"]

Check = Callable[[Any], bool]


@cache
def soundness_check(shape: Shape) -> Check | None:
    """Return a function that returns whether all Decimals and datetimes in a value are sound.

    Returns:
        The function, or None for a shape without them.
    """
    if not any(part.type in _SCALARS for part in shapes.reachable(shape)):
        return None
    match shape:
        case shapes.Scalar():
            return _SCALARS[shape.type]
        case shapes.Optional():
            return _optional(shape.inner)
        case shapes.Object():
            return _object(shape)
        case shapes.ListOf():
            return _list(shape.item)
        case _:
            return _any_value


def _optional(inner: Shape) -> Check:
    is_sound = cast("Check", soundness_check(inner))
    return lambda value: value is None or is_sound(value)


def _object(shape: shapes.Object) -> Check:
    def check(value: Any) -> bool:
        for read, is_sound in _fields(shape):  # looked up late: a model may contain itself
            part = read(value)
            if part is not None and not is_sound(part):
                return False
        return True

    return check


@cache
def _fields(shape: shapes.Object) -> list[tuple[Callable[[Any], Any], Check]]:
    """Return the getter and the check of each field that has any of them in it."""
    checks = {field.name: soundness_check(_inner(field.shape)) for field in shape.fields}
    return [(attrgetter(name), check) for name, check in checks.items() if check is not None]


def _list(item: Shape) -> Check:
    is_sound = cast("Check", soundness_check(item))
    return lambda value: all(map(is_sound, value))


def _inner(shape: Shape) -> Shape:
    return shape.inner if isinstance(shape, shapes.Optional) else shape


def _any_value(value: Any) -> bool:
    """Check a value whose type does not say where its Decimals and datetimes are."""
    for kind, check in _SCALARS.items():
        if isinstance(value, kind):
            return check(value)
    if isinstance(value, dict):
        return all(map(_any_value, cast("Mapping[Any, Any]", value).values()))
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(_any_value, cast("list[Any]", value)))
    is_sound = soundness_check(shapes.shape_of(value.__class__))
    return is_sound is None or is_sound(value)


def _has_zone(moment: Any) -> bool:
    return moment.tzinfo is not None


_SCALARS: Final[Mapping[Any, Check]] = {
    Decimal: Decimal.is_finite,
    Standard.datetime: _has_zone,
}
