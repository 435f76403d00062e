"""How notebooks and IPython show models and lists: as tables and on several lines, masked."""

from collections.abc import Sequence
from html import escape
from typing import Any, Final, cast

import attrs

from sikoia_async._errors import ArgumentError
from sikoia_async._export.tables import table_of
from sikoia_async._schema.base import ModelBase
from sikoia_async._validation import counted

__all__ = ["html", "pretty"]


def html(value: Any, kind: Any) -> str | None:
    """Return a model or a list as an HTML table without personal data; None for other lists."""
    if isinstance(value, ModelBase):
        rows = [(name, one) for name, one in _fields(value) if one != _NONE]
        return _table(value.__class__.__name__, ("field", "value"), rows)
    try:
        records = table_of(value, kind, None, masked=True, only=None, exclude=None).records()
    except ArgumentError:
        return None
    names = [name for name in (records or [{}])[0] if any(one[name] is not None for one in records)]
    cells = [[_text(one[name]) for name in names] for one in records[:_ROWS]]
    more = f", the first {_ROWS} shown" if len(records) > _ROWS else ""
    return _table(f"{counted(len(records), 'item')}{more}", names, cells)


def pretty(value: Any, printer: Any, *, cycle: bool) -> None:
    """Print a model or a list on IPython's printer, on several lines if it is long."""
    name = value.__class__.__name__
    if cycle:
        printer.text(f"{name}(...)")
        return
    if not isinstance(value, ModelBase):
        with printer.group(len(name) + 2, f"{name}([", "])"):
            for index, item in enumerate(cast("Sequence[Any]", value)):
                _separate(printer, index)
                printer.pretty(item)
        return
    with printer.group(4, f"{name}(", ")"):
        for index, field in enumerate(attrs.fields(cast("Any", value.__class__))):
            if index:
                printer.text(",")
            printer.breakable(" " if index else "")
            printer.text(f"{field.name}=")
            part = getattr(value, field.name)
            if callable(field.repr):
                printer.text(field.repr(part))
            else:
                printer.pretty(part)


def _separate(printer: Any, index: int) -> None:
    if index:
        printer.text(",")
        printer.breakable()


def _fields(model: Any, above: str = "") -> list[tuple[str, str]]:
    """Return the names and the values of fields; those of nested models have dots."""
    found: list[tuple[str, str]] = []
    for field in attrs.fields(model.__class__):
        value, name = getattr(model, field.name), f"{above}{field.name}"
        if callable(field.repr):
            found.append((name, str(field.repr(value))))
        elif isinstance(value, ModelBase):
            found += _fields(value, f"{name}.")
        elif isinstance(value, list | tuple):
            found.append((name, _listed(cast("Sequence[Any]", value))))
        else:
            found.append((name, _text(value)))
    return found


def _listed(items: Sequence[Any]) -> str:
    if any(isinstance(item, ModelBase) for item in items):
        return f"{len(items)} of {items[0].__class__.__name__}"
    return ", ".join(map(_text, items)) or "(none)"


def _text(value: Any) -> str:
    text = _NONE if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _table(caption: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    lines = ("".join(f"<td>{escape(one)}</td>" for one in row) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return (
        f"<table><caption>{escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


_NONE: Final = "None"
_ROWS: Final = 50
_LONGEST: Final = 200
