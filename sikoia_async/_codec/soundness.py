"""Finds what msgspec accepts and no model may hold: NaN as a Decimal, and times without a zone.

msgspec reads the string "NaN", in any case, as a Decimal. Only the Decimals and datetimes of a
decoded value are visited. Searching the bytes takes three times as long and has false positives.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from functools import cache
from itertools import chain
from operator import attrgetter
from typing import Any, Final, cast

import msgspec

from sikoia_async._schema import shapes
from sikoia_async._schema.json import decoder
from sikoia_async._schema.shapes import Shape
from sikoia_async._schema.standard import Standard

__all__ = ["sound_decoder", "soundness_check"]

Check = Callable[[Any], bool]
CheckAll = Callable[[Iterable[Any]], bool]


def sound_decoder(shape: Shape) -> Callable[[bytes | msgspec.Raw], Any]:
    """Return the function that decodes sound values with msgspec, or raises `REFUSALS`."""
    decode, is_sound = decoder(shape.type), soundness_check(shape)
    if is_sound is None:
        return decode

    def decode_sound(body: bytes | msgspec.Raw) -> Any:
        value = decode(body)
        if not is_sound(value):
            raise msgspec.ValidationError
        return value

    return decode_sound


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
    """Return the same function for many values of a shape."""
    if not any(part.type in _SCALARS for part in shapes.reachable(shape)):
        return None
    match shape:
        case shapes.Scalar():
            return _SCALARS[shape.type]
        case shapes.Optional():
            inner = cast("CheckAll", _check_all(shape.inner))
            return lambda values: inner(value for value in values if value is not None)
        case shapes.Object():
            # Built late, because a model may contain itself.
            return lambda values: _check_objects(shape)(values)  # noqa: PLW0108 - as said
        case shapes.ListOf():
            item = cast("CheckAll", _check_all(shape.item))
            return lambda values: item(chain.from_iterable(values))
        case _:
            return lambda values: all(map(_any_value, values))


@cache
def _check_objects(shape: shapes.Object) -> CheckAll:
    """Return the check of objects of one class: a loop that is generated from its fields.

    It takes half of the time of one that goes through a list of fields.
    """
    checks = dict[str, CheckAll]()
    lines = ["def check(values):", " for value in values:"]
    lines += [*_field_lines(shape, "value", "  ", checks), " return True"]
    exec("\n".join(lines), checks)  # noqa: S102 - made of names of fields, which are identifiers
    return checks["check"]


def _field_lines(
    shape: shapes.Object, value: str, indent: str, checks: dict[str, CheckAll]
) -> Iterator[str]:
    for field in shape.fields:
        if _check_all(field.shape) is not None:
            # A default may be None or 0, whatever the type says. False numbers and empty lists are
            # sound; the truth of a model is what its class says.
            part = _inner(field.shape)
            is_plain = isinstance(part, shapes.Scalar | shapes.ListOf)
            yield f"{indent}{value}_ = {value}.{field.name}"
            yield f"{indent}if {value}_{'' if is_plain else ' is not None'}:"
            yield from _lines(part, f"{value}_", f"{indent} ", checks)


def _lines(shape: Shape, value: str, indent: str, checks: dict[str, CheckAll]) -> Iterator[str]:
    """Yield the lines that check a value, and add the functions that they call to `checks`."""
    match shape:
        case shapes.Scalar():
            yield f"{indent}if {_FLAWS[shape.type].format(value)}: return False"
        case shapes.Object() if all(map(_is_simple, shape.parts)):
            yield from _field_lines(shape, value, indent, checks)
        case _:
            name = f"check_{len(checks)}"
            checks[name] = cast("CheckAll", _check_all(shape))
            yield f"{indent}if not {name}(({value},)): return False"


def _is_simple(shape: Shape) -> bool:
    return isinstance(_inner(shape), shapes.Scalar) or _check_all(shape) is None


def _inner(shape: Shape) -> Shape:
    return shape.inner if isinstance(shape, shapes.Optional) else shape


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


_FLAWS: Final[Mapping[Any, str]] = {
    Decimal: "not {}.is_finite()",
    Standard.datetime: "{}.tzinfo is None",
}
_SCALARS: Final[Mapping[Any, CheckAll]] = {
    Decimal: _are_finite,
    Standard.datetime: _have_zones,
}
