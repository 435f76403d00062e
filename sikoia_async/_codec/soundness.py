"""Finds what msgspec accepts and no model may hold: NaN as a Decimal, and times without a zone.

msgspec reads the string "NaN", in any case, as a Decimal. Only the Decimals and datetimes of a
decoded value are visited. Searching the bytes takes three times as long and has false positives.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import cache, partial
from itertools import chain
from operator import attrgetter, is_not
from typing import Any, Final, cast

from sikoia_async._schema import shapes
from sikoia_async._schema.shapes import Shape
from sikoia_async._schema.standard import Standard

__all__ = ["soundness_check"]

Check = Callable[[Any], bool]
CheckAll = Callable[[Iterable[Any]], bool]


@cache
def soundness_check(shape: Shape) -> Check | None:
    """Return a function that returns whether all Decimals and datetimes in a value are sound.

    Returns:
        The function, or None for a shape without them.
    """
    are_sound = _check_all(shape)
    return None if are_sound is None else lambda value: are_sound((value,))


@cache
def _check_all(shape: Shape) -> CheckAll | None:
    """Return the same function for many values of a shape.

    A list of models is checked field by field, and not model by model: no Python code runs for each
    of them.
    """
    if not any(part.type in _SCALARS for part in shapes.reachable(shape)):
        return None
    match shape:
        case shapes.Scalar():
            return _SCALARS[shape.type]
        case shapes.Optional():
            inner = cast("CheckAll", _check_all(shape.inner))
            is_given = _given(shape.inner)
            return lambda values: inner(filter(is_given, values))
        case shapes.Object():
            return _objects(shape)
        case shapes.ListOf():
            item = cast("CheckAll", _check_all(shape.item))
            return lambda values: item(chain.from_iterable(values))
        case _:
            return lambda values: all(map(_any_value, values))


def _objects(shape: shapes.Object) -> CheckAll:
    def check(values: Iterable[Any]) -> bool:
        models = tuple(values)
        if not models:  # the end of a model that contains itself
            return True
        fields = _fields(shape)  # looked up late: a model may contain itself
        return all(
            are_sound(filter(is_given, map(read, models))) for read, is_given, are_sound in fields
        )

    return check


@cache
def _fields(shape: shapes.Object) -> list[tuple[Callable[[Any], Any], Check | None, CheckAll]]:
    """Return the getter, the filter and the check of each field that has any of them in it."""
    parts = {field.name: _inner(field.shape) for field in shape.fields}
    checks = {name: (_given(part), _check_all(part)) for name, part in parts.items()}
    return [
        (attrgetter(name), is_given, check)
        for name, (is_given, check) in checks.items()
        if check is not None
    ]


def _inner(shape: Shape) -> Shape:
    return shape.inner if isinstance(shape, shapes.Optional) else shape


def _given(shape: Shape) -> Check | None:
    """Return the filter for values that are not None.

    False numbers and empty lists are sound, so that filtering by truth, which takes a third of the
    time, is as good. The truth of a model is what its class says.
    """
    is_plain = isinstance(shape, shapes.Scalar | shapes.ListOf)
    return None if is_plain else partial(is_not, None)


def _any_value(value: Any) -> bool:
    """Check a value whose type does not say where its Decimals and datetimes are."""
    for kind, check in _SCALARS.items():
        if isinstance(value, kind):
            return check((value,))
    if isinstance(value, dict):
        return all(map(_any_value, cast("Mapping[Any, Any]", value).values()))
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(_any_value, cast("list[Any]", value)))
    is_sound = soundness_check(shapes.shape_of(value.__class__))
    return is_sound is None or is_sound(value)


def _are_finite(numbers: Iterable[Any]) -> bool:
    return all(map(Decimal.is_finite, numbers))


def _have_zones(moments: Iterable[Any]) -> bool:
    return None not in map(attrgetter("tzinfo"), moments)


_SCALARS: Final[Mapping[Any, CheckAll]] = {
    Decimal: _are_finite,
    Standard.datetime: _have_zones,
}
