"""Models to plain values: what `json.dumps` accepts, or what msgspec encodes without loss."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC
from decimal import Decimal
from functools import cache
from math import isfinite
from operator import attrgetter
from typing import Any, Final, cast

import attrs
import msgspec

from sikoia_async._errors import ArgumentError
from sikoia_async._export.paths import Tree, tree_of
from sikoia_async._schema import shapes
from sikoia_async._schema.shapes import shape_of
from sikoia_async._schema.standard import Standard, standard_value

__all__ = ["MASK", "Select", "decimal_text", "time_text", "to_json", "to_plain"]

MASK: Final = "***"
Kinds = frozenset[Any]
Select = str | Iterable[str] | None
"""The paths of fields: one, several, or None."""


def to_plain(value: object, kind: Any, *, masked: bool, only: Select, exclude: Select) -> Any:
    """Return a model, or a list of them, as dicts, lists, strings, numbers, booleans and None.

    Args:
        value: the model or the list.
        kind: its type, which paths are checked with; None if it is not known.
        masked: replace personal data by `***`.
        only: the fields to include.
        exclude: the fields to leave out.

    Raises:
        ArgumentError: a path is unknown, or a field has a value that JSON cannot represent.
    """
    return _Selected(value, kind, only, exclude).export(masked=masked, is_json=False)


def to_json(value: object, kind: Any, *, masked: bool, only: Select, exclude: Select) -> str:
    """Return the same as JSON, in which numbers inside `Any` stay numbers, and exact."""
    selected = _Selected(value, kind, only, exclude)
    try:
        plain = selected.export(masked=masked, is_json=True)
        return msgspec.json.encode(plain).decode()
    except (UnicodeEncodeError, OverflowError):  # halves of surrogate pairs, and large numbers
        plain = selected.export(_NEVER_REFUSED, masked=masked, is_json=True)
    try:
        return msgspec.json.encode(plain).decode()
    except UnicodeEncodeError:
        msg = "a name in a field of JSON has half of a surrogate pair, which UTF-8 cannot encode"
    raise ArgumentError(msg)


def decimal_text(value: Decimal) -> str:
    """Return a Decimal as text.

    Raises:
        ValueError: the value is NaN or infinite.
    """
    if not value.is_finite():
        raise ValueError
    return str(value)


def time_text(value: Any) -> str:
    """Return a datetime as text: RFC 3339, with `Z` for UTC.

    Raises:
        ValueError: the value has no time zone.
    """
    offset = value.utcoffset()
    if offset is None:
        raise ValueError
    if offset.seconds % 60:  # such as local times of the 19th century, which have no RFC 3339 form
        value = value.astimezone(UTC)
    text: str = value.isoformat()
    return f"{text.removesuffix('+00:00')}Z" if text.endswith("+00:00") else text


class _Selected:
    """A value, and the fields of it that are wanted."""

    def __init__(self, value: object, kind: Any, only: Select, exclude: Select) -> None:
        shape = None if kind is None else shape_of(kind)
        self._value = value
        self._only = tree_of("only", only, shape)
        self._exclude = tree_of("exclude", exclude, shape)

    def export(self, as_it_is: Kinds | None = None, *, masked: bool, is_json: bool) -> Any:
        export = _Export(masked, is_json, as_it_is or _AS_IT_IS)
        try:
            return export.part(self._value, "", self._only, self._exclude)
        except RecursionError:
            msg = "the model is nested too deeply for JSON"
        raise ArgumentError(msg)


@attrs.frozen
class _Field:
    name: str
    get: Any
    is_personal: bool
    is_any: bool
    where: str


@cache
def _fields(kind: Any) -> tuple[_Field, ...]:
    shape = cast("shapes.Object", shape_of(kind))
    return tuple(
        _Field(
            field.name,
            attrgetter(field.name),
            field.is_personal,
            isinstance(field.shape, shapes.AnyJson),
            f"{shape.name}.{field.name}",
        )
        for field in shape.fields
    )


@attrs.frozen
class _Export:
    masked: bool
    is_json: bool
    """Whether msgspec encodes the result, which may then contain JSON as `msgspec.Raw`."""
    as_it_is: Kinds
    """The types whose values need no conversion."""

    def part(self, value: Any, where: str, only: Tree | None, exclude: Tree | None) -> Any:
        kind = value.__class__
        if kind in self.as_it_is:
            return value
        if isinstance(value, list | tuple):
            items = cast("list[Any]", value)
            return [self.part(item, where, only, exclude) for item in items]
        if attrs.has(kind):
            return self.object(value, only, exclude)
        if isinstance(value, Mapping):
            return self.json(value, where)
        try:
            return self.scalar(value)
        except (TypeError, ValueError):
            problem = f"{where or kind.__name__}: has a value that JSON cannot represent"
        raise ArgumentError(problem)

    def object(self, value: Any, only: Tree | None, exclude: Tree | None) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for field in _fields(value.__class__):
            name, inner, without = field.name, None, None
            if only is not None:
                if name not in only:
                    continue
                inner = only[name]
            if exclude is not None and name in exclude:
                without = exclude[name]
                if without is None:
                    continue
            part = field.get(value)
            if part is None:
                result[name] = None
            elif field.is_personal and self.masked:
                result[name] = MASK
            elif field.is_any:
                result[name] = self.json(part, field.where)
            else:
                result[name] = self.part(part, field.where, inner, without)
        return result

    def scalar(self, value: Any) -> Any:
        """Return the JSON value of a scalar, or raise TypeError or ValueError."""
        text = _TEXTS.get(value.__class__)
        if text is not None:
            return text(value)
        value = standard_value(value)
        text = _TEXTS.get(value.__class__)
        if text is not None:
            return text(value)
        if isinstance(value, float) and not isfinite(value):
            raise ValueError
        needs_raw = self.is_json and value.__class__ not in self.as_it_is
        return msgspec.Raw(json.dumps(value).encode()) if needs_raw else value

    def json(self, value: Any, where: str) -> Any:
        """Return a value of a field whose type is `Any`, which was JSON before."""
        if isinstance(value, Mapping):
            entries = cast("Mapping[str, Any]", value).items()
            return {str(name): self.json(entry, where) for name, entry in entries}
        if isinstance(value, list | tuple):
            return [self.json(entry, where) for entry in cast("list[Any]", value)]
        if isinstance(value, Decimal) and value.is_finite() and self.is_json:
            return msgspec.Raw(str(value).encode())
        if isinstance(value, float) and not isfinite(value):
            return str(value)
        return self.part(value, where, None, None)


def _date_text(value: Any) -> str:
    text: str = value.isoformat()
    return text


_AS_IT_IS: Final[Kinds] = frozenset({str, int, bool, type(None)})
_NEVER_REFUSED: Final[Kinds] = frozenset({bool, type(None)})
_TEXTS: Final[Mapping[Any, Callable[[Any], str]]] = {
    Decimal: decimal_text,
    Standard.datetime: time_text,
    Standard.date: _date_text,
}
