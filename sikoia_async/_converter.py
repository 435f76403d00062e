"""The one cattrs converter, with hooks that repair the API's known quirks.

It structures what msgspec refuses and writes the models that are sent. It is loaded when the first
of either comes, for most processes never meet a refusal, and importing cattrs takes 15 ms.
"""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from types import GenericAlias, NoneType
from typing import Annotated, Any, Final, cast, get_args, get_origin

import attrs
import msgspec
from cattrs import Converter, transform_error
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn
from cattrs.preconf.msgspec import MsgspecJsonConverter, make_converter

from sikoia_async._compare import STEP
from sikoia_async._json import Misfit, read_json

__all__ = ["structure", "unstructure"]


class UnreadableError(ValueError):
    """A text in an optional field that is no number, date or truth value."""


def structure(plain: Any, into: Any, unread: dict[str, str] | None = None) -> Any:
    """Turn plain Python into a model.

    A text that cannot be read in an optional field is set to None in `plain`, and so in the model:
    one odd date must not cost a report that was paid for.

    Args:
        plain: the answer's JSON.
        into: what it is to become.
        unread: takes the texts that could not be read, by their paths.

    Raises:
        Misfit: it does not fit; every path that does not is named.
    """
    try:
        return converter.structure(plain, into)
    except Exception as error:  # noqa: BLE001 - cattrs raises what the hooks raise, in groups
        problems = transform_error(error, format_exception=_expected)
    if not all(_BLANKABLE.fullmatch(problem) for problem in problems):
        raise Misfit(*(problem.removeprefix(_UNREADABLE) for problem in problems))
    for problem in problems:
        path = problem.rpartition(" @ ")[2]
        text = _blanked(plain, path)
        if unread is not None:
            unread[path] = text
    return converter.structure(plain, into)


def _blanked(plain: Any, path: str) -> str:
    """Set what is at a path to None, and return what was there."""
    steps = [name or int(index) for name, index in STEP.findall(path)]
    for step in steps[:-1]:
        plain = plain[step]
    text: str = plain[steps[-1]]
    plain[steps[-1]] = None
    return text


def unstructure(model: Any) -> Any:
    """Turn a model into plain Python, without what is None."""
    return converter.unstructure(model)


def _expected(error: BaseException, wanted: Any) -> str:
    if isinstance(error, KeyError):
        return "required, and missing"
    mark = _UNREADABLE if isinstance(error, UnreadableError) else ""
    return f"{mark}expected {_name(wanted)}"


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
    inner = next(one for one in get_args(wanted) if one is not NoneType)
    structure = conv.get_structure_hook(inner)
    is_text = inner is str or get_origin(inner) is Annotated

    def hook(value: Any, _: object) -> Any:
        return None if value is None or (value == "" and not is_text) else structure(value, inner)

    def scalar(value: Any, _: object) -> Any:
        try:
            return hook(value, _)
        except (ValueError, ArithmeticError, msgspec.MsgspecError) as error:
            if isinstance(value, str):
                raise UnreadableError from error
            raise

    return scalar if inner in _SCALARS else hook


def _tuple(wanted: Any, conv: Converter) -> Callable[[Any, Any], Any]:
    items: Any = GenericAlias(list, get_args(wanted))
    structure = conv.get_structure_hook(items)

    def hook(value: Any, _: object) -> Any:
        rows = read_json(value.encode()) if isinstance(value, str) else value
        if not isinstance(rows, list):
            raise TypeError
        return tuple(structure(rows, items))

    return hook


def _is_optional(wanted: Any) -> bool:
    return NoneType in get_args(wanted)


def _is_tuple(wanted: Any) -> bool:
    return get_origin(wanted) is tuple


def _make() -> MsgspecJsonConverter:
    made = make_converter(detailed_validation=True)
    hooks: dict[Any, Callable[[Any, Any], Any]] = {
        str: _text, int: _whole, float: _float, bool: _truth,
        Decimal: _number, datetime: _moment, date: _day,
    }  # fmt: skip
    for wanted, hook in hooks.items():
        made.register_structure_hook(wanted, hook)
    made.register_structure_hook_factory(_is_tuple, _tuple)
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


_UNREADABLE: Final = "unreadable: "
_BLANKABLE: Final = re.compile(_UNREADABLE + r"[^@]*@ \$(\.\w+|\[\d+\])+")
"""A field that cannot be read, and where that is; the entry of a user's own mapping is none."""
_SCALARS: Final = frozenset({int, float, bool, Decimal, date, datetime})
_MOST_DIGITS: Final = 40
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TRUTHS: Final = {"true": True, "1": True, "false": False, "0": False}
converter: Final = _make()
