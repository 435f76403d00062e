"""Plain values to models, strictly: what `to_dict` and `to_json` gave, and the bodies of requests.

Responses are read leniently elsewhere, because they cost money. Here every value has to fit, and
all that do not are named.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, Final, cast, get_origin

import attrs
import msgspec

from sikoia_async._errors import ArgumentError, ConfigurationError
from sikoia_async._schema import json, shapes
from sikoia_async._schema.shapes import Shape, shape_of
from sikoia_async._schema.standard import Standard, standard_value

__all__ = ["DECIMAL_PATTERN", "Problem", "RestoreError", "read_text", "restore", "try_restore"]

Steps = tuple[str | int, ...]
DECIMAL_PATTERN: Final = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$"
"""Decimals as text."""


@attrs.frozen
class Problem:
    """A value that does not fit. It is not repeated."""

    steps: Steps
    message: str
    is_missing: bool = False


class RestoreError(Exception):
    """Values do not fit the type; `problems` names each, at most 100."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__()
        self.problems = problems


def read_text(text: Any, into: Any) -> Any:
    """Read JSON, without losing a digit.

    Raises:
        ArgumentError: the text is not JSON.
    """
    problem = "expected JSON, as str or bytes"
    if isinstance(text, str | bytes | bytearray):
        try:
            return json.read_patiently(
                text.encode(errors="surrogatepass") if isinstance(text, str) else bytes(text)
            )
        except json.DecodeError:
            problem = "not valid JSON"
    msg = f"{_title(shape_of(into))}: {problem}"
    raise ArgumentError(msg)


def restore(value: object, into: Any) -> Any:
    """Return plain values as the type.

    Raises:
        ArgumentError: they do not fit. The error names the fields, and repeats no value.
    """
    try:
        return try_restore(value, into)
    except RestoreError as error:
        problems = error.problems
    shown = "; ".join(f"{_spelt(one.steps)}{one.message}" for one in problems[:_SHOWN])
    more = f"; and {rest} more" if (rest := len(problems) - _SHOWN) > 0 else ""
    msg = f"{_title(shape_of(into))}: {shown}{more}"
    raise ArgumentError(msg)


def try_restore(value: object, into: Any) -> Any:
    """Return plain values as the type.

    Raises:
        RestoreError: they do not fit.
    """
    problems: list[Problem] = []
    try:
        result = _read(value, shape_of(into), (), problems)
    except RecursionError:
        problems, result = [Problem((), "nested too deeply")], None
    if problems:
        raise RestoreError(problems)
    return result


class _MisfitError(Exception):
    """A scalar does not fit its type."""


def _read(value: Any, shape: Shape, steps: Steps, problems: list[Problem]) -> Any:
    """Return a value as its type says, or add the problems."""
    match shape:
        case shapes.Optional():
            return None if value is None else _read(value, shape.inner, steps, problems)
        case shapes.Object():
            return _object(value, shape, steps, problems)
        case shapes.ListOf():
            return _list(value, shape, steps, problems)
        case shapes.OneOf():
            return _one_of(value, shape, steps, problems)
        case _:
            try:
                return _scalar(value, shape)
            except _MisfitError:
                _add(problems, Problem(steps, f"expected {_name(shape)}"))
                return None


def _object(value: Any, shape: shapes.Object, steps: Steps, problems: list[Problem]) -> Any:
    if isinstance(value, shape.type):
        return value
    if not isinstance(value, Mapping):
        _add(problems, Problem(steps, f"expected {_name(shape)}"))
        return None
    given, found, before = cast("Mapping[str, Any]", value), dict[str, Any](), len(problems)
    for field in _fields(shape):
        path = (*steps, field.name)
        if field.name in given:
            part = _read(given[field.name], field.shape, path, problems)
            found[field.argument] = field.checked(part, path, problems)
        elif field.is_needed:
            _add(problems, Problem(path, "required, and missing", is_missing=True))
    if len(problems) > before:
        return None
    try:
        return shape.type(**found)
    except Exception as error:  # noqa: BLE001 - raised by the class, which may be a caller's
        message = str(error) if isinstance(error, ConfigurationError) else f"not a {shape.name}"
        _add(problems, Problem(steps, message))
        return None


@attrs.frozen
class _Field:
    name: str
    argument: str
    """Its name in the constructor."""
    shape: Shape
    is_needed: bool
    check: Callable[[str, Any], object] | None
    convert: Any
    """The converter of attrs. It may refuse a value too."""

    def checked(self, value: Any, path: Steps, problems: list[Problem]) -> Any:
        """Return the value, after the checks that the field has."""
        try:
            if self.check is not None and value is not None:
                self.check(self.name, value)
            return value if self.convert is None or value is None else self.convert(value)
        except ConfigurationError as error:
            _add(problems, Problem(path, str(error).partition(": ")[2]))
            return value


@cache
def _fields(shape: shapes.Object) -> tuple[_Field, ...]:
    attributes = {field.name: field for field in attrs.fields(shape.type) if field.init}
    return tuple(
        _Field(
            field.name,
            attributes[field.name].alias or field.name,
            field.shape,
            attributes[field.name].default is attrs.NOTHING,
            field.check,
            _converter(attributes[field.name].converter),
        )
        for field in shape.fields
        if field.name in attributes
    )


def _converter(converter: Any) -> Any:
    is_ours = getattr(converter, "__module__", "").partition(".")[0] == __name__.partition(".")[0]
    return converter if is_ours else None  # the constructor runs a caller's


def _list(value: Any, shape: shapes.ListOf, steps: Steps, problems: list[Problem]) -> Any:
    if not isinstance(value, list | tuple):
        _add(problems, Problem(steps, "expected a list"))
        return None
    make: Any = list if get_origin(shape.type) is list else tuple
    items = cast("list[Any]", value)
    return make(
        _read(item, shape.item, (*steps, index), problems) for index, item in enumerate(items)
    )


def _one_of(value: Any, shape: shapes.OneOf, steps: Steps, problems: list[Problem]) -> Any:
    for alternative in shape.alternatives:
        found: list[Problem] = []
        result = _read(value, alternative, steps, found)
        if not found:
            return result
    _add(problems, Problem(steps, f"expected {_name(shape)}"))
    return None


def _scalar(value: Any, shape: Shape) -> Any:
    match shape:
        case shapes.Scalar():
            return _SCALARS[shape.type](value)
        case shapes.OpenEnum():
            return _string(value)
        case shapes.Choice(_, values):
            return _choice(value, values)
        case shapes.AnyJson():
            return _json(value)
        case _:
            try:
                return json.convert(value, shape.type)
            except (*json.REFUSALS, ValueError):
                raise _MisfitError from None


def _string(value: Any) -> str:
    if not isinstance(value, str) or _SURROGATE.search(value):
        raise _MisfitError
    return str.__str__(value)


def _bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _MisfitError
    return value


def _whole(value: Any) -> int:
    number = _number(value)
    if number != number.to_integral_value() or number.adjusted() > _MOST_DIGITS:
        raise _MisfitError
    return int(number)


def _float(value: Any) -> float:
    return float(_number(value))


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise _MisfitError
    return _finite(Decimal(value))


def _decimal(value: Any) -> Decimal:
    if isinstance(value, str):
        if not _DECIMAL.fullmatch(value):
            raise _MisfitError
    elif isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise _MisfitError  # also a float, which is not exact
    try:
        return _finite(Decimal(value))
    except InvalidOperation:
        raise _MisfitError from None


def _finite(number: Decimal) -> Decimal:
    if not number.is_finite():
        raise _MisfitError
    return number


def _date(value: Any) -> date:
    found = _time(value, Standard.date)
    if isinstance(found, Standard.datetime):
        raise _MisfitError
    return cast("date", found)


def _datetime(value: Any) -> datetime:
    found = _time(value, Standard.datetime)
    if found.utcoffset() is None:
        raise _MisfitError
    return cast("datetime", found)


def _time(value: Any, kind: Any) -> Any:
    if isinstance(value, kind):
        return standard_value(value)
    try:
        return msgspec.convert(_string(value), kind)
    except msgspec.ValidationError:
        raise _MisfitError from None


def _choice(value: Any, values: tuple[Any, ...]) -> Any:
    for one in values:
        if one == value and isinstance(value, one.__class__):
            return one
    raise _MisfitError


def _json(value: Any) -> Any:
    """Return any JSON value, with fractions as `Decimal`."""
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, Any]", value).items()
        return {_string(name): _json(entry) for name, entry in entries}
    if isinstance(value, list | tuple):
        return [_json(entry) for entry in cast("list[Any]", value)]
    if isinstance(value, float):
        return _finite(Decimal(float.__repr__(value)))
    if value is None or isinstance(value, str | int | Decimal):
        return value
    raise _MisfitError


def _name(shape: Shape) -> str:
    """Return what a shape is, for messages."""
    match shape:
        case shapes.Optional():
            return f"{_name(shape.inner)}, or null"
        case shapes.OneOf():
            return " or ".join(map(_name, shape.alternatives))
        case shapes.Object():
            return f"an object with the fields of {shape.name}"
        case shapes.ListOf():
            return f"a list of {_name(shape.item)}"
        case shapes.Choice(_, values):
            return " or ".join(map(repr, values))
        case _:
            return _NAMES.get(shape.type, "text" if isinstance(shape, shapes.OpenEnum) else "JSON")


def _title(shape: Shape) -> str:
    """Return what is read, for messages."""
    if isinstance(shape, shapes.ListOf):
        return f"a list of {_title(shape.item)}"
    name: str = shape.type.__name__
    return name


def _spelt(steps: Steps) -> str:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return f"{path.removeprefix('.')}: " if path else ""


def _add(problems: list[Problem], problem: Problem) -> None:
    if len(problems) < _MOST:
        problems.append(problem)


_SHOWN: Final = 5
_MOST: Final = 100
_MOST_DIGITS: Final = 40
_DECIMAL: Final = re.compile(DECIMAL_PATTERN, re.ASCII)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_SCALARS: Final[Mapping[Any, Callable[[Any], Any]]] = {
    str: _string,
    int: _whole,
    float: _float,
    bool: _bool,
    Decimal: _decimal,
    Standard.date: _date,
    Standard.datetime: _datetime,
}
_NAMES: Final[Mapping[Any, str]] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Decimal: "a decimal number as text, such as '12.50'; a float is not exact",
    Standard.date: "a date, as YYYY-MM-DD",
    Standard.datetime: "a time with its zone, such as 2024-01-31T12:00:00Z",
}
