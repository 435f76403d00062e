"""Compares a plain answer with the type that it is for, and tells each difference.

A comparison is put together once for each type: an answer may hold a hundred thousand objects.
"""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from types import NoneType
from typing import Annotated, Any, Final, cast, get_args, get_origin

from sikoia_async.models import Model, field_types

__all__ = ["comparison", "place"]

Tell = Callable[[str, str], None]
"""Takes where something differs, and how."""
Compare = Callable[[Any, str, Tell], None]


@cache
def comparison(wanted: Any) -> Compare:
    """Return the function that compares values with this type."""
    if NoneType in get_args(wanted):
        return _optional(next(one for one in get_args(wanted) if one is not NoneType))
    if isinstance(wanted, type) and issubclass(wanted, Model):
        return _model(wanted)
    if get_origin(wanted) is tuple:
        return _list(get_args(wanted)[0])
    if get_origin(wanted) is Annotated:
        return _known(get_args(get_args(wanted)[1]))
    if wanted in {date, datetime}:
        return _time(wanted)
    return _scalar(wanted, _KINDS[wanted]) if wanted in _KINDS else _nothing


def place(wanted: Any, path: str) -> str:
    """Name the field at a path, such as `$.data.rules[2].date`, as a comparison does: `Rule.date`.

    The path leads to a field of a model, or to an entry of a list in one.
    """
    where = "$"
    for name, _ in _STEP.findall(path):
        inner = next((one for one in get_args(wanted) if one is not NoneType), None)
        model = wanted if inner is None else inner
        if get_origin(model) is tuple:
            model = get_args(model)[0]
        if name:
            where, wanted = f"{model.__name__}.{name}", field_types(model)[name]
    return where


def _optional(wanted: Any) -> Compare:
    compare = comparison(wanted)
    if wanted is str or get_origin(wanted) is Annotated:
        return compare

    def optional(value: Any, where: str, tell: Tell) -> None:
        if value == "":
            tell(where, "empty text for no value")
        else:
            compare(value, where, tell)

    return optional


def _model(wanted: Any) -> Compare:
    def model(value: Any, _: str, tell: Tell) -> None:
        fields = _fields(wanted)  # not before: a model may contain itself
        for name, entry in cast("dict[str, Any]", value).items():
            field = fields.get(name)
            if field is None:
                tell(f"{wanted.__name__}.{_shown(name)}", "unknown field")
            elif entry is not None:
                where, compare = field
                compare(entry, where, tell)

    return model


@cache
def _fields(wanted: Any) -> dict[str, tuple[str, Compare]]:
    types = field_types(wanted).items()
    return {name: (f"{wanted.__name__}.{name}", comparison(type_)) for name, type_ in types}


def _list(item: Any) -> Compare:
    compare = comparison(item)

    def rows(value: Any, where: str, tell: Tell) -> None:
        if isinstance(value, str):
            tell(where, "text for a list")
            return
        for entry in cast("list[Any]", value):
            if entry is not None:
                compare(entry, f"{where}[]", tell)

    return rows


def _known(values: tuple[Any, ...]) -> Compare:
    def known(value: Any, where: str, tell: Tell) -> None:
        if value not in values:
            tell(where, "unknown value" if value else "empty text for no value")

    return known


def _time(wanted: type) -> Compare:
    def time(value: Any, where: str, tell: Tell) -> None:
        if not isinstance(value, str):
            tell(where, f"another value for {wanted.__name__}")
        elif (len(value) == _DAY_LENGTH) is (wanted is datetime):
            tell(where, f"another form than that of a {wanted.__name__}")

    return time


def _scalar(wanted: Any, kinds: tuple[type, ...]) -> Compare:
    def scalar(value: Any, where: str, tell: Tell) -> None:
        if not isinstance(value, kinds):
            kind = "text" if isinstance(value, str) else "another value"
            tell(where, f"{kind} for {wanted.__name__}")

    return scalar


def _nothing(_value: Any, _where: str, _tell: Tell) -> None:
    """Find nothing: the type leaves the value open."""


def _shown(name: str) -> str:
    return name if _SANE_NAME.fullmatch(name) else "(a name that is not shown)"


_STEP: Final = re.compile(r"\.(\w+)|\[(\d+)\]")
"""A step of a path: the name of a field, or an index."""
_KINDS: Final[dict[Any, tuple[type, ...]]] = {
    str: (str,),
    int: (int,),
    float: (int, Decimal),
    Decimal: (int, Decimal, str),  # the API sends money both ways, by its own specification
    bool: (bool,),
}
_DAY_LENGTH: Final = len("2024-01-31")
_SANE_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
