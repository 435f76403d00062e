"""The cattrs converter, with hooks that repair the API's known quirks.

It decodes what msgspec refuses and serialises the models of requests. It is loaded on first use,
because most processes never need it and importing cattrs takes 15 ms.
"""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from math import isfinite
from typing import Any, Final, cast, get_origin

import attrs
import msgspec
from cattrs import Converter, IterableValidationError, IterableValidationNote, transform_error
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn
from cattrs.preconf.msgspec import MsgspecJsonConverter, make_converter

from sikoia_async._codec import shapes
from sikoia_async._codec.json import DecodeError, read_json
from sikoia_async._codec.shapes import Shape, shape_of
from sikoia_async._codec.standard import Standard

__all__ = ["converter", "structure", "unstructure"]

Hook = Callable[[Any, Any], Any]
"""A structure hook of cattrs: takes a JSON value and its type, and returns the converted value."""


def structure(plain: Any, into: Any, unread: dict[str, str] | None = None) -> Any:
    """Turn a JSON value into a model.

    A string in an optional field that cannot be read becomes None, in the model and in `plain`:
    one malformed date must not cost a report that was paid for.

    Args:
        plain: the JSON value.
        into: the type to convert it to.
        unread: receives the strings that could not be read, by path.

    Raises:
        DecodeError: the value does not fit. It names the paths that do not, at most 100.
    """
    blanked: list[tuple[str, str, Shape]] = []
    try:
        blank = _blank(shape_of(into))
        plain = plain if blank is None else blank(plain, "$", blanked)
        value = converter.structure(plain, into)
    except Exception as error:  # noqa: BLE001 - cattrs raises the errors of the hooks in groups
        problems = transform_error(error, format_exception=_expected)
        problems += [f"expected {_name(shape)} @ {path}" for path, _, shape in blanked]
    else:
        if unread is not None:
            unread.update((path, text) for path, text, _ in blanked)
        return value
    raise DecodeError(*problems[:_MAX_PROBLEMS])


def unstructure(model: Any) -> Any:
    """Turn a model into a JSON value without the fields that have their default value."""
    return converter.unstructure(model)


def _expected(error: BaseException, wanted: Any) -> str:
    if isinstance(error, KeyError):
        return "required, and missing"
    return f"expected {_name(shape_of(wanted))}"


def _name(shape: Shape) -> str:
    """Return the name of a shape for error messages."""
    match shape:
        case shapes.OpenEnum():
            return "str"
        case shapes.Optional():
            return _name(shape.inner)
        case shapes.OneOf():
            return " or ".join(map(_name, shape.alternatives))
        case shapes.ListOf():
            return "list"
        case _:
            return getattr(shape.type, "__name__", "another type")


# The hooks below repair the API's quirks: numbers, booleans and lists sent as strings, strings sent
# as numbers, empty strings instead of null, and dates sent as datetimes or the reverse.


def _str(value: object, _: object = None) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    raise TypeError


def _int(value: object, _: object = None) -> int:
    number = _decimal(value)
    if number.adjusted() > _MAX_DIGITS or number != number.to_integral_value():
        raise ValueError
    return int(number)


def _decimal(value: object, _: object = None) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise TypeError
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError
    return number


def _float(value: object, _: object = None) -> float:
    number = float(_decimal(value))
    if not isfinite(number):
        raise ValueError
    return number


def _bool(value: object, _: object = None) -> bool:
    if isinstance(value, Decimal):
        raise TypeError
    boolean = _BOOLEANS.get(str(value).lower())
    if boolean is None:
        raise ValueError
    return boolean


def _datetime(value: object, _: object = None) -> datetime:
    text = _str(value)
    return msgspec.convert(
        f"{text}T00:00:00Z" if _DATE.fullmatch(text) else text, Standard.datetime
    )


def _date(value: object, _: object = None) -> date:
    text = _str(value)
    return Standard.date.fromisoformat(text) if _DATE.fullmatch(text) else _datetime(text).date()


def _optional(wanted: Any, conv: Converter) -> Hook:
    shape = shapes.options(shape_of(wanted))[0]
    inner = shape.type
    structure = conv.get_structure_hook(inner)
    is_string = inner is str or isinstance(shape, shapes.OpenEnum)

    def hook(value: Any, _: object) -> Any:
        if value is None or (value == "" and not is_string):
            return None
        return structure(value, inner)

    return hook


def _list(wanted: Any, conv: Converter) -> Hook:
    """Read a list, also from a string, and stop at a hundred problems.

    A million invalid items must not cause a million exceptions.
    """
    shape = cast("shapes.ListOf", shape_of(wanted))
    make: Any = list if get_origin(shape.type) is list else tuple
    item = shape.item.type
    structure = _hook_of(item, conv)

    def hook(value: Any, _: object) -> Any:
        items, errors, problems = list[Any](), list[Exception](), 0
        for index, row in enumerate(_rows(value)):
            try:
                items.append(structure(row, item))
            except Exception as error:  # noqa: BLE001 - as in `structure`
                error.add_note(IterableValidationNote("", index, item))
                errors.append(error)
                problems += _count(error)
                if problems >= _MAX_PROBLEMS:
                    break
        if errors:
            msg = "a list"
            # The third argument is the type. Checkers only see the signature of ExceptionGroup.
            raise IterableValidationError(msg, errors, make)  # pyright: ignore[reportCallIssue]
        return make(items)

    return hook


def _rows(value: Any) -> list[object]:
    """Return a value that is a list, or a string with the JSON of one, as a list."""
    plain = read_json(value.encode()) if isinstance(value, str) else value
    if not isinstance(plain, list):
        raise TypeError
    return cast("list[object]", plain)


def _hook_of(item: Any, conv: Converter) -> Hook:
    try:
        return conv.get_structure_hook(item)
    except RecursionError:  # raised by cattrs for a model that contains itself
        return cast("Hook", conv.structure)


def _count(error: BaseException) -> int:
    """Return the number of single errors in an error or a group of them."""
    if isinstance(error, BaseExceptionGroup):
        return sum(map(_count, cast("BaseExceptionGroup[BaseException]", error).exceptions))
    return 1


def _object(wanted: Any, conv: Converter) -> Hook:
    structure = make_dict_structure_fn(wanted, conv)

    def hook(value: Any, _: object) -> Any:
        # cattrs accepts any value for a class whose fields all have defaults.
        if not isinstance(value, dict):
            raise TypeError
        return structure(cast("dict[str, Any]", value), wanted)

    return hook


def _without_defaults(wanted: Any, conv: Converter) -> Callable[[Any], Any]:
    return make_dict_unstructure_fn(wanted, conv, _cattrs_omit_if_default=True)


def _is_a(*kinds: type[Shape]) -> Callable[[Any], bool]:
    return lambda wanted: isinstance(shape_of(wanted), kinds)


def _make() -> MsgspecJsonConverter:
    conv = make_converter(detailed_validation=True)
    hooks: dict[Any, Hook] = {
        str: _str, int: _int, float: _float, bool: _bool,
        Decimal: _decimal, Standard.datetime: _datetime, Standard.date: _date,
    }  # fmt: skip
    for wanted, hook in hooks.items():
        conv.register_structure_hook(wanted, hook)
    conv.register_structure_hook_factory(_is_a(shapes.ListOf), _list)
    conv.register_structure_hook_factory(_is_a(shapes.Optional), _optional)
    conv.register_structure_hook_factory(attrs.has, _object)
    conv.register_unstructure_hook_factory(attrs.has, _without_defaults)
    return conv


# The functions below set optional values that cannot be read to None before cattrs converts them.

_Blanked = list[tuple[str, str, Shape]]
"""Paths, the strings there, and the shapes that were expected."""
_Blank = Callable[[Any, str, _Blanked], Any]
"""Takes a JSON value and its path, and returns the value to convert."""


@cache
def _blank(shape: Shape) -> _Blank | None:
    """Return the function that blanks values of a shape, or None where nothing can be blanked."""
    match shape:
        case shapes.Object():
            return _blank_object(shape)
        case shapes.ListOf():
            return _blank_list(_blank(shape.item))
        case shapes.Optional(_, inner) if isinstance(inner, shapes.Scalar):
            return None if inner.type is str else _blank_scalar(inner)
        case shapes.Optional():
            return _blank(shape.inner)
        case _:
            return None


def _blank_object(shape: shapes.Object) -> _Blank:
    def blank_object(value: Any, path: str, blanked: _Blanked) -> Any:
        if not isinstance(value, dict):
            return value
        entries = cast("dict[str, Any]", value)
        for name, blank in _fields(shape):  # looked up late, because a model may contain itself
            if entries.get(name):
                entries[name] = blank(entries[name], f"{path}.{name}", blanked)
        return entries

    return blank_object


@cache
def _fields(shape: shapes.Object) -> list[tuple[str, _Blank]]:
    blanks = {field.name: _blank(field.shape) for field in shape.fields}
    return [(name, blank) for name, blank in blanks.items() if blank is not None]


def _blank_list(blank: _Blank | None) -> _Blank | None:
    if blank is None:
        return None

    def blank_list(value: Any, path: str, blanked: _Blanked) -> Any:
        try:
            rows, before = _rows(value), len(blanked)
        except (TypeError, DecodeError):
            return value
        for index, row in enumerate(rows):
            rows[index] = blank(row, f"{path}[{index}]", blanked)
        return value if len(blanked) == before else rows

    return blank_list


def _blank_scalar(shape: Shape) -> _Blank:
    wanted = shape.type
    structure = converter.get_structure_hook(wanted)

    def blank_scalar(value: Any, path: str, blanked: _Blanked) -> Any:
        if value and isinstance(value, str):
            try:
                structure(value, wanted)
            except (ValueError, ArithmeticError, msgspec.MsgspecError):
                blanked.append((path, value, shape))
                return None
        return value

    return blank_scalar


_MAX_DIGITS: Final = 40
_MAX_PROBLEMS: Final = 100
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}
converter: Final = _make()
