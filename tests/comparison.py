"""Differences between annotations and the schemas of the specification."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, get_args, get_origin

import attrs
import contract
import spec

from sikoia_async._schema.shapes import field_types
from sikoia_async.models import Items

__all__ = ["Field", "differences", "field_differences", "fields_of"]

Field = tuple[Any, bool]
"""An annotation, and whether the field is required."""

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


def differences(annotation: Any, schema: dict[str, Any], where: str) -> list[str]:
    """Return the differences between the best alternative of an annotation and a schema."""
    alternatives = contract.alternatives(annotation)
    return min((list(_differences(one, schema, where)) for one in alternatives), key=len)


def _differences(annotation: Any, schema: dict[str, Any], where: str) -> Iterator[str]:
    plain = spec.resolved(schema)
    kind = plain.get("type")
    if kind is None or annotation is object:
        is_open = kind is None and annotation in {object, Any}
        yield from [] if is_open else [f"{where}: {_name(annotation)} for {kind or 'anything'}"]
    elif kind == "array":
        is_list = get_origin(annotation) in {tuple, Sequence, Items}
        # The description of a list applies to its items.
        items = {"description": plain.get("description"), **plain["items"]}
        inner = differences(get_args(annotation)[0], items, f"{where}[]") if is_list else ()
        yield from inner if is_list else [f"{where}: {_name(annotation)} for a list"]
    elif kind == "object":
        is_model = attrs.has(annotation)
        yield from (
            _model_differences(annotation, plain)
            if is_model
            else [f"{where}: {_name(annotation)} for an object"]
        )
    elif get_origin(annotation) in {Annotated, Literal}:
        known = get_args(
            get_args(annotation)[1] if get_origin(annotation) is Annotated else annotation
        )
        yield from _value_differences(known, plain, where)
    elif "enum" in plain:
        yield f"{where}: values"
    elif not _is_of_kind(annotation, plain, where):
        yield f"{where}: {_name(annotation)} for {kind}"


def _name(annotation: Any) -> str:
    return str(getattr(annotation, "__name__", annotation))


def _model_differences(model: Any, schema: dict[str, Any]) -> Iterator[str]:
    yield from field_differences(fields_of(model), schema, model.__name__)


def field_differences(
    fields: Mapping[str, Field], schema: dict[str, Any], name: str
) -> Iterator[str]:
    """Yield the fields that are missing, unknown, of another type, or differ in being required."""
    specified, required = spec.properties(schema), spec.resolved(schema).get("required")
    for field in specified.keys() - fields.keys():
        yield f"{name}.{field}: missing{', read only' if specified[field].get('readOnly') else ''}"
    yield from (f"{name}.{field}: unknown" for field in fields.keys() - specified.keys())
    for field in fields.keys() & specified.keys():
        annotation, is_required = fields[field]
        # Without a list of required fields, one that is not nullable may or may not be required.
        is_sure = not specified[field].get("nullable") if required is None else field in required
        if is_required and not is_sure:
            yield f"{name}.{field}: required"
        elif not is_required and is_sure and required is not None:
            yield f"{name}.{field}: optional"
        yield from differences(annotation, specified[field], f"{name}.{field}")


def _value_differences(known: Sequence[str], schema: dict[str, Any], where: str) -> Iterator[str]:
    if "enum" in schema:
        yield from [] if set(known) == set(schema["enum"]) else [f"{where}: values"]
        return
    # A plain string may be an open enum if the description or the example lists its values.
    description = str(schema.get("description", "")) + str(schema.get("example", ""))
    unknown = [one for one in known if not _mentions(description, one)]
    yield from [f"{where}: values that are not described ({', '.join(unknown)})"] if unknown else []


def _mentions(text: str, value: str) -> bool:
    """Return whether a description mentions a value, written as one word or as several."""
    return _letters(value) in _letters(text)


def _letters(text: str) -> str:
    return re.sub("[^a-z0-9]", "", text.lower())


def _is_of_kind(annotation: Any, schema: dict[str, Any], where: str) -> bool:
    kind, form = schema["type"], schema.get("format", "")
    if kind == "string" and not form and annotation in {date, datetime}:
        return annotation in _times(schema, where.rpartition(".")[2])
    form = form if form in {"date-time", "date"} else ""
    return annotation is _EXACT[kind, form]


def _times(schema: dict[str, Any], name: str) -> set[type]:
    """Return the types of a plain string by its example, or the possible ones by its name."""
    example = str(schema.get("example", ""))
    if re.match("[0-9]{4}-[0-9]{2}-[0-9]{2}", example):
        return {datetime if "T" in example else date}
    return {date, datetime} if re.search("date|_on$|^period_|^made_up_to$", name) else set()
