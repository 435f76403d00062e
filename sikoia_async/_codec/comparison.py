"""Compares JSON values with the type they are decoded into, and reports each difference.

The comparison of a type is built once, because a response may hold a hundred thousand objects.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Final, cast

from sikoia_async._schema import shapes
from sikoia_async._schema.shapes import Shape
from sikoia_async._schema.standard import Standard

__all__ = ["comparison"]

Report = Callable[[str, str], None]
"""Takes the location of a difference, such as `Case.colour`, and a description of it."""
Compare = Callable[[Any, str, Report], None]


@cache
def comparison(shape: Shape) -> Compare:
    """Return the function that compares values with a shape."""
    match shape:
        case shapes.Optional():
            return _optional(shape)
        case shapes.Object():
            return _object(shape) if shape.is_model else _skip
        case shapes.ListOf():
            return _list(shape)
        case shapes.OpenEnum() | shapes.Choice():
            return _known(shape.values)
        case shapes.Scalar():
            is_time = shape.type not in _JSON_TYPES
            return _time(shape.type) if is_time else _scalar(shape.type, _JSON_TYPES[shape.type])
        case _:
            return _skip


def _optional(shape: shapes.Optional) -> Compare:
    compare = comparison(shape.inner)
    if shape.inner.type is str or isinstance(shape.inner, shapes.OpenEnum):
        return compare

    def optional(value: Any, where: str, report: Report) -> None:
        if value == "":
            report(where, _EMPTY)
        else:
            compare(value, where, report)

    return optional


def _object(shape: shapes.Object) -> Compare:
    def compare_object(value: Any, _: str, report: Report) -> None:
        fields = _fields(shape)  # looked up late, because a model may contain itself
        for name, entry in cast("dict[str, Any]", value).items():
            field = fields.get(name)
            if field is None:
                report(f"{shape.name}.{_shown(name)}", "unknown field")
            elif entry is not None:
                where, compare = field
                compare(entry, where, report)

    return compare_object


@cache
def _fields(shape: shapes.Object) -> Mapping[str, tuple[str, Compare]]:
    return {
        field.name: (f"{shape.name}.{field.name}", comparison(field.shape))
        for field in shape.fields
    }


def _list(shape: shapes.ListOf) -> Compare:
    compare = comparison(shape.item)

    def compare_list(value: Any, where: str, report: Report) -> None:
        if isinstance(value, str):
            report(where, "expected a list, got a string")
            return
        for entry in cast("list[Any]", value):
            if entry is not None:
                compare(entry, f"{where}[]", report)

    return compare_list


def _known(values: tuple[Any, ...]) -> Compare:
    def known(value: Any, where: str, report: Report) -> None:
        if value not in values:
            report(where, "unknown value" if value else _EMPTY)

    return known


def _time(wanted: type) -> Compare:
    def time(value: Any, where: str, report: Report) -> None:
        if not isinstance(value, str):
            report(where, f"expected {wanted.__name__}, got another type")
        elif not written.fullmatch(value):
            is_local = wanted is Standard.datetime and written.fullmatch(f"{value}Z")
            report(where, f"expected {wanted.__name__}, got {_LOCAL if is_local else _OTHER}")

    written = _DATETIME if wanted is Standard.datetime else _DATE
    return time


def _scalar(wanted: type, json_types: tuple[type, ...]) -> Compare:
    def scalar(value: Any, where: str, report: Report) -> None:
        if not isinstance(value, json_types):
            actual = "a string" if isinstance(value, str) else "another type"
            report(where, f"expected {wanted.__name__}, got {actual}")

    return scalar


def _skip(_value: Any, _where: str, _report: Report) -> None:
    """Report nothing: the type does not say what its values look like."""


def _shown(name: str) -> str:
    return name if _SANE_NAME.fullmatch(name) else "(name not shown)"


_EMPTY: Final = "expected null, got an empty string"
_JSON_TYPES: Final[Mapping[Any, tuple[type, ...]]] = {
    str: (str,),
    int: (int,),
    float: (int, Decimal),
    Decimal: (int, Decimal, str),  # per the specification, the API sends money in both forms
    bool: (bool,),
}
_LOCAL: Final = "no time zone"
_OTHER: Final = "another format"
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME: Final = re.compile(
    _DATE.pattern + r"T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_SANE_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
