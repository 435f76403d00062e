"""Finds the fields of a response that no model has, with their values."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final, cast

from sikoia_async._schema.json import read_leniently
from sikoia_async._schema.shapes import ListOf, Object, Shape, options, shape_of

__all__ = ["extra_fields"]

_MOST: Final = 100_000
_Shapes = tuple[Shape, ...]


def extra_fields(body: bytes, into: Any) -> dict[str, Any] | None:
    """Return the values of fields that no model has, by their path, such as `$.items[2].colour`.

    Args:
        body: the body of a response that was decoded.
        into: the type that it was decoded into.

    Returns:
        The fields; None if they cannot be read.
    """
    found: dict[str, Any] = {}
    try:
        _search(read_leniently(body), options(shape_of(into)), "$", found)
    except Exception:  # noqa: BLE001 - a field that is not needed must not cost a call
        return None
    return found


def _search(value: Any, possible: _Shapes, path: str, found: dict[str, Any]) -> None:
    if isinstance(value, list):
        items = _items(possible)
        rows = cast("Sequence[Any]", value if items else ())
        for number, item in enumerate(rows):
            _search(item, items, f"{path}[{number}]", found)
    elif isinstance(value, dict) and (fields := _fields(possible)) is not None:
        for name, entry in cast("dict[str, Any]", value).items():
            if name in fields:
                _search(entry, fields[name], f"{path}.{name}", found)
            elif len(found) < _MOST:
                found[f"{path}.{name}"] = entry


@cache
def _items(possible: _Shapes) -> _Shapes:
    """Return what the items of a list may be."""
    lists = (one for one in possible if isinstance(one, ListOf))
    return tuple(inner for one in lists for inner in options(one.item))


@cache
def _fields(possible: _Shapes) -> Mapping[str, _Shapes] | None:
    """Return what the fields of an object may be; None if it is not a model."""
    models = [one for one in possible if isinstance(one, Object) and one.is_model]
    fields: dict[str, _Shapes] = {}
    for field in (field for one in models for field in one.fields):
        fields[field.name] = (*fields.get(field.name, ()), *options(field.shape))
    return fields if models else None
