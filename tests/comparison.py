"""Where annotations are something else than the schemas that they are for."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, get_args, get_origin

import attrs
import contract
import spec

from sikoia_async.models import Items, field_types

__all__ = ["Field", "differences", "field_differences", "fields_of"]

Field = tuple[Any, bool]
"""An annotation, and whether there has to be a value."""

_EXACT = {
    ("number", ""): Decimal,
    ("integer", ""): int,
    ("boolean", ""): bool,
    ("string", ""): str,
    ("string", "date-time"): datetime,
    ("string", "date"): date,
}


def fields_of(model: Any) -> dict[str, Field]:
    """Return the fields of a model."""
    types = field_types(model)
    return {
        one.name: (types[one.name], one.default is attrs.NOTHING) for one in attrs.fields(model)
    }


def differences(wanted: Any, schema: dict[str, Any], where: str) -> list[str]:
    """Return where an annotation is something else than a schema, of its alternatives the best."""
    found = [list(_differences(one, schema, where)) for one in contract.alternatives(wanted)]
    return min(found, key=len)


def _differences(wanted: Any, schema: dict[str, Any], where: str) -> Iterator[str]:
    found = spec.resolved(schema)
    kind = found.get("type")
    if kind is None or wanted is object:
        is_open = kind is None and wanted in {object, Any}
        yield from [] if is_open else [f"{where}: {_name(wanted)} for {kind or 'anything'}"]
    elif kind == "array":
        is_list = get_origin(wanted) in {tuple, Sequence, Items}
        # What is said of a list is said of what is in it.
        items = {"description": found.get("description"), **found["items"]}
        inner = differences(get_args(wanted)[0], items, f"{where}[]") if is_list else ()
        yield from inner if is_list else [f"{where}: {_name(wanted)} for a list"]
    elif kind == "object":
        is_model = attrs.has(wanted)
        yield from _model_differences(wanted, found) if is_model else [f"{where}: no model"]
    elif get_origin(wanted) in {Annotated, Literal}:
        known = get_args(get_args(wanted)[1] if get_origin(wanted) is Annotated else wanted)
        yield from _value_differences(known, found, where)
    elif "enum" in found:
        yield f"{where}: values"
    elif not _is_of_kind(wanted, found, where):
        yield f"{where}: {_name(wanted)} for {kind}"


def _name(wanted: Any) -> str:
    return str(getattr(wanted, "__name__", wanted))


def _model_differences(model: Any, schema: dict[str, Any]) -> Iterator[str]:
    yield from field_differences(fields_of(model), schema, model.__name__)


def field_differences(
    mine: Mapping[str, Field], schema: dict[str, Any], name: str
) -> Iterator[str]:
    """Yield the fields that one side lacks, or that one side requires, or of another type."""
    theirs, required = spec.properties(schema), spec.resolved(schema).get("required")
    for field in theirs.keys() - mine.keys():
        yield f"{name}.{field}: missing{', read only' if theirs[field].get('readOnly') else ''}"
    yield from (f"{name}.{field}: unknown" for field in mine.keys() - theirs.keys())
    for field in mine.keys() & theirs.keys():
        annotation, is_required = mine[field]
        # Without a list of what is required, what may not be null may be required, or may not.
        is_sure = not theirs[field].get("nullable") if required is None else field in required
        if is_required and not is_sure:
            yield f"{name}.{field}: required"
        elif not is_required and is_sure and required is not None:
            yield f"{name}.{field}: optional"
        yield from differences(annotation, theirs[field], f"{name}.{field}")


def _value_differences(known: Sequence[str], schema: dict[str, Any], where: str) -> Iterator[str]:
    if "enum" in schema:
        yield from [] if set(known) == set(schema["enum"]) else [f"{where}: values"]
        return
    # A plain text may be an open enum of ours if it is described as one.
    said = str(schema.get("description", "")) + str(schema.get("example", ""))
    unsaid = [one for one in known if not _says(said, one)]
    yield from [f"{where}: values that are not described ({', '.join(unsaid)})"] if unsaid else []


def _says(text: str, value: str) -> bool:
    """Tell whether a description names a value, whether it is written in one word or in several."""
    return _letters(value) in _letters(text)


def _letters(text: str) -> str:
    return re.sub("[^a-z0-9]", "", text.lower())


def _is_of_kind(wanted: Any, schema: dict[str, Any], where: str) -> bool:
    kind, form = schema["type"], schema.get("format", "")
    if kind == "string" and not form and wanted in {date, datetime}:
        return wanted in _times(schema, where.rpartition(".")[2])
    form = form if form in {"date-time", "date"} else ""
    return wanted is _EXACT[kind, form]


def _times(schema: dict[str, Any], name: str) -> set[type]:
    """Return what a plain text is by its example, or may be by its name: a date, or a moment."""
    example = str(schema.get("example", ""))
    if re.match("[0-9]{4}-[0-9]{2}-[0-9]{2}", example):
        return {datetime if "T" in example else date}
    return {date, datetime} if re.search("date|_on$|^period_|^made_up_to$", name) else set()
