"""Finds responses that decode, although they are something else.

A model without required fields accepts any object, such as an error or a notice of maintenance, and
has None everywhere.
"""

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any, Final, cast, get_args

import attrs

from sikoia_async._codec.json import read_leniently

__all__ = ["hollow_problem"]

_ERROR: Final = frozenset({"type", "title", "detail", "details", "correlation_id"})
"""Fields of the vendor's error format, without its `status`."""
_LEAST: Final = 2
"""Fields of the error format by which an object is taken for an error."""
_ERROR_STATUSES: Final = range(400, 600)


def hollow_problem(value: Any, into: Any, body: bytes) -> str | None:
    """Return why a decoded response is not what it should be, or None.

    Args:
        value: the model, or the models of a list.
        into: their type, or `Items` of it.
        body: the body that was decoded.
    """
    is_list = isinstance(value, tuple)
    model = get_args(into)[0] if is_list else into
    models = cast("tuple[Any, ...]", value if is_list else (value,))
    is_blank = _blank_check(model)
    # Nearly every response ends here.
    if is_blank is None or not models or not all(map(is_blank, models)):
        return None
    plain = read_leniently(body)
    rows: list[Any] = plain if is_list else [plain]
    found = [_problem(cast("dict[str, Any]", row), model) for row in rows if type(row) is dict]
    return found[0] if found and None not in found else None


@cache
def _blank_check(model: Any) -> Callable[[Any], bool] | None:
    """Return a function that returns whether an object may be hollow.

    None for a class with required fields, and for what is not an attrs class.
    """
    if not (isinstance(model, type) and attrs.has(model)):
        return None
    fields = attrs.fields(model)
    if any(field.default is attrs.NOTHING for field in fields):
        return None
    names = [field.name for field in fields if field.name not in {"status", *_ERROR}]
    readers = tuple(map(attrgetter, names))
    blank = [read(model()) for read in readers]
    return lambda value: all(
        read(value) == default for read, default in zip(readers, blank, strict=True)
    )


def _problem(row: dict[str, Any], model: Any) -> str | None:
    known = row.keys() & attrs.fields_dict(model).keys()
    if row and not known:
        return f"expected fields of {model.__name__} @ $"
    if known <= {"status", *_ERROR}:
        is_status = row.get("status") in _ERROR_STATUSES
        if is_status or len(row.keys() & _ERROR) >= _LEAST:
            return f"expected {model.__name__} instead of an error @ $"
    return None
