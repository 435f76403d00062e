"""The one cattrs converter, with hooks that repair the API's known quirks.

It structures what msgspec refuses and writes the models that are sent. It is loaded when the first
of either comes, for most processes never meet a refusal, and importing cattrs takes 15 ms.
"""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from math import isfinite
from types import NoneType
from typing import Annotated, Any, Final, cast, get_args, get_origin

import attrs
import msgspec
from cattrs import Converter, IterableValidationError, IterableValidationNote, transform_error
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn
from cattrs.preconf.msgspec import MsgspecJsonConverter, make_converter

from sikoia_async._codec.json import DecodeError, read_json
from sikoia_async.models import field_types

__all__ = ["structure", "unstructure"]


def structure(plain: Any, into: Any, unread: dict[str, str] | None = None) -> Any:
    """Turn plain Python into a model.

    A text that cannot be read in an optional field is set to None in `plain`, and so in the model:
    one odd date must not cost a report that was paid for.

    Args:
        plain: the answer's JSON.
        into: what it is to become.
        unread: takes the texts that could not be read, by their paths.

    Raises:
        Misfit: it does not fit; the paths that do not are named, a hundred of a list's at most.
    """
    blanked: list[tuple[str, str, Any]] = []
    try:
        plain = _blanking(into)(plain, "$", blanked)
        value = converter.structure(plain, into)
    except Exception as error:  # noqa: BLE001 - cattrs raises what the hooks raise, in groups
        problems = transform_error(error, format_exception=_expected)
        problems += [f"expected {_name(wanted)} @ {path}" for path, _, wanted in blanked]
    else:
        if unread is not None:
            unread.update((path, text) for path, text, _ in blanked)
        return value
    raise DecodeError(*problems[:_MOST_TOLD])


def unstructure(model: Any) -> Any:
    """Turn a model into plain Python, without what is None."""
    return converter.unstructure(model)


def _expected(error: BaseException, wanted: Any) -> str:
    if isinstance(error, KeyError):
        return "required, and missing"
    return f"expected {_name(wanted)}"


def _name(wanted: Any) -> str:
    """Name a type as a person would."""
    if get_origin(wanted) is Annotated:
        return "str"
    if NoneType in get_args(wanted):
        return " or ".join(_name(one) for one in get_args(wanted) if one is not NoneType)
    if get_origin(wanted) in {tuple, list}:
        return "list"
    return getattr(wanted, "__name__", "another value")


# What follows repairs the API's quirks: numbers, booleans and lists as text, numbers where text is
# due, empty text where there is no value, dates in another form than announced.


def _text(value: object, _: object = None) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    raise TypeError


def _whole(value: object, _: object = None) -> int:
    number = _number(value)
    if number.adjusted() > _MOST_DIGITS or number != number.to_integral_value():
        raise ValueError
    return int(number)


def _number(value: object, _: object = None) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise TypeError
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError
    return number


def _float(value: object, _: object = None) -> float:
    number = float(_number(value))
    if not isfinite(number):
        raise ValueError
    return number


def _truth(value: object, _: object = None) -> bool:
    if isinstance(value, Decimal):
        raise TypeError
    truth = _TRUTHS.get(str(value).lower())
    if truth is None:
        raise ValueError
    return truth


def _moment(value: object, _: object = None) -> datetime:
    text = _text(value)
    return msgspec.convert(f"{text}T00:00:00Z" if _DAY.fullmatch(text) else text, datetime)


def _day(value: object, _: object = None) -> date:
    text = _text(value)
    return date.fromisoformat(text) if _DAY.fullmatch(text) else _moment(text).date()


def _optional(wanted: Any, conv: Converter) -> Callable[[Any, Any], Any]:
    inner = _given(wanted)
    structure = conv.get_structure_hook(inner)
    is_text = inner is str or get_origin(inner) is Annotated

    def hook(value: Any, _: object) -> Any:
        return None if value is None or (value == "" and not is_text) else structure(value, inner)

    return hook


def _list(wanted: Any, conv: Converter) -> Callable[[Any, Any], Any]:
    """Read a list, also out of a text; a million wrong entries are no million exceptions."""
    make: Any = get_origin(wanted)
    item = get_args(wanted)[0]
    structure = _hook_of(item, conv)

    def hook(value: Any, _: object) -> Any:
        read, errors, told = list[Any](), list[Exception](), 0
        for index, row in enumerate(_rows(value)):
            try:
                read.append(structure(row, item))
            except Exception as error:  # noqa: BLE001 - as in `structure`
                error.add_note(IterableValidationNote("", index, item))
                errors.append(error)
                told += _told_by(error)
                if told >= _MOST_TOLD:
                    break
        if errors:
            msg = "a list"
            # It takes the type, too; the checker sees only what a group takes.
            raise IterableValidationError(msg, errors, make)  # pyright: ignore[reportCallIssue]
        return make(read)

    return hook


def _rows(value: Any) -> list[object]:
    """Return the list that a value is, or that is in its text."""
    found = read_json(value.encode()) if isinstance(value, str) else value
    if not isinstance(found, list):
        raise TypeError
    return cast("list[object]", found)


def _hook_of(item: Any, conv: Converter) -> Callable[[Any, Any], Any]:
    try:
        return conv.get_structure_hook(item)
    except RecursionError:  # cattrs' word for a model that contains itself
        return cast("Callable[[Any, Any], Any]", conv.structure)


def _told_by(error: BaseException) -> int:
    if isinstance(error, BaseExceptionGroup):
        return sum(map(_told_by, cast("BaseExceptionGroup[BaseException]", error).exceptions))
    return 1


def _given(wanted: Any) -> Any:
    return next(one for one in get_args(wanted) if one is not NoneType)


def _is_optional(wanted: Any) -> bool:
    return NoneType in get_args(wanted)


def _is_list(wanted: Any) -> bool:
    return get_origin(wanted) in {tuple, list}


def _make() -> MsgspecJsonConverter:
    made = make_converter(detailed_validation=True)
    hooks: dict[Any, Callable[[Any, Any], Any]] = {
        str: _text, int: _whole, float: _float, bool: _truth,
        Decimal: _number, datetime: _moment, date: _day,
    }  # fmt: skip
    for wanted, hook in hooks.items():
        made.register_structure_hook(wanted, hook)
    made.register_structure_hook_factory(_is_list, _list)
    made.register_structure_hook_factory(_is_optional, _optional)
    made.register_structure_hook_factory(_is_model, _model)
    made.register_unstructure_hook_factory(_is_model, _without_defaults)
    return made


def _model(wanted: Any, conv: Converter) -> Callable[[Any, Any], Any]:
    structure = make_dict_structure_fn(wanted, conv)

    def hook(value: Any, _: object) -> Any:
        # cattrs takes whatever has no fields for an object without fields.
        if not isinstance(value, dict):
            raise TypeError
        return structure(cast("dict[str, Any]", value), wanted)

    return hook


def _is_model(wanted: Any) -> bool:
    return attrs.has(wanted)


def _without_defaults(wanted: Any, conv: Converter) -> Callable[[Any], Any]:
    """Write a model without what was not given: a None is not sent."""
    return make_dict_unstructure_fn(wanted, conv, _cattrs_omit_if_default=True)


# What follows takes what is optional and cannot be read out of plain Python, before that is read.

_Blanked = list[tuple[str, str, Any]]
"""Where a text could not be read, what it said, and what was expected there."""
_Blank = Callable[[Any, str, _Blanked], Any]
"""Takes a value and its path; returns what is to be read in its place."""


def _blanking(wanted: Any) -> _Blank:
    return _blank_of(wanted) or _as_it_is


@cache
def _blank_of(wanted: Any) -> _Blank | None:
    """Return what blanks values of a type; None where nothing in it can be blanked."""
    if isinstance(wanted, type) and attrs.has(wanted):
        return _blank_model(wanted)
    if _is_list(wanted):
        return _blank_list(_blank_of(get_args(wanted)[0]))
    if not _is_optional(wanted):
        return None
    inner = _given(wanted)
    return _blank_scalar(inner) if inner in _SCALARS else _blank_of(inner)


def _blank_model(wanted: Any) -> _Blank:
    def model(value: Any, path: str, blanked: _Blanked) -> Any:
        if not isinstance(value, dict):
            return value
        entries = cast("dict[str, Any]", value)
        for name, blank in _blanks(wanted):  # not before: a model may contain itself
            if entries.get(name):
                entries[name] = blank(entries[name], f"{path}.{name}", blanked)
        return entries

    return model


@cache
def _blanks(wanted: Any) -> list[tuple[str, _Blank]]:
    blanks = {name: _blank_of(type_) for name, type_ in field_types(wanted).items()}
    return [(name, blank) for name, blank in blanks.items() if blank is not None]


def _blank_list(blank: _Blank | None) -> _Blank | None:
    if blank is None:
        return None

    def rows(value: Any, path: str, blanked: _Blanked) -> Any:
        try:
            found, before = _rows(value), len(blanked)
        except (TypeError, DecodeError):
            return value
        for index, row in enumerate(found):
            found[index] = blank(row, f"{path}[{index}]", blanked)
        return value if len(blanked) == before else found

    return rows


def _blank_scalar(wanted: Any) -> _Blank:
    read = converter.get_structure_hook(wanted)

    def scalar(value: Any, path: str, blanked: _Blanked) -> Any:
        if value and isinstance(value, str):
            try:
                read(value, wanted)
            except (ValueError, ArithmeticError, msgspec.MsgspecError):
                blanked.append((path, value, wanted))
                return None
        return value

    return scalar


def _as_it_is(value: Any, _path: str, _blanked: _Blanked) -> Any:
    return value


_SCALARS: Final = frozenset({int, float, bool, Decimal, date, datetime})
_MOST_DIGITS: Final = 40
_MOST_TOLD: Final = 100
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TRUTHS: Final = {"true": True, "1": True, "false": False, "0": False}
converter: Final = _make()
