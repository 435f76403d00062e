"""Finds responses that decode, although they are something else.

A model without required fields accepts any object, such as an error or a notice of maintenance, and
has None everywhere.
"""

from collections.abc import Callable, Mapping
from functools import cache
from operator import attrgetter
from typing import Any, Final, cast, get_args

import attrs
import msgspec

from sikoia_async._schema.json import REFUSALS, decoder, read_leniently, split

__all__ = ["hollow_problem"]

_ERROR: Final = frozenset({"type", "title", "detail", "details", "correlation_id"})
"""Fields of the vendor's error format, without its `status`."""
_LEAST: Final = 2
"""Fields of the error format by which an object is taken for an error."""
_ITEMS: Final = 64
_LARGEST_LIST: Final = 1 << 20
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
    # Nearly every response ends here. A few items show whether a list is of something else.
    if is_blank is None or not models or not all(map(is_blank, models[:_ITEMS])):
        return None
    if is_list and len(body) > _LARGEST_LIST:
        return None  # neither errors nor notices are as large
    try:
        rows = split(body, _split_list) if is_list else [split(body, _split)]
    except REFUSALS:
        return None  # repaired, from another form than an object or a list of objects
    found = [_problem(row, model) for row in rows]
    return found[0] if None not in found else None


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


def _problem(row: Mapping[str, msgspec.Raw], model: Any) -> str | None:
    known = row.keys() & attrs.fields_dict(model).keys()
    if row and not known:
        return f"expected fields of {model.__name__} @ $"
    if known <= {"status", *_ERROR}:
        is_status = "status" in row and read_leniently(row["status"]) in _ERROR_STATUSES
        if is_status or len(row.keys() & _ERROR) >= _LEAST:
            return f"expected {model.__name__} instead of an error @ $"
    return None


_split: Final[Callable[[bytes], dict[str, msgspec.Raw]]] = decoder(dict[str, msgspec.Raw])
_split_list: Final[Callable[[bytes], list[dict[str, msgspec.Raw]]]] = decoder(
    list[dict[str, msgspec.Raw]]
)
