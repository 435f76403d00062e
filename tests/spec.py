"""Sikoia's OpenAPI specification: operations, schemas, generated values, and violations."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import strategies as st

yaml: Any = pytest.importorskip("yaml")

__all__ = [
    "Operation",
    "is_nullable",
    "operation",
    "operations",
    "properties",
    "resolved",
    "values",
    "violations",
]

_FILE = Path(__file__).resolve().parents[2] / "shared" / "api" / "sikoia-openapi.yml"
_VERBS = ("get", "post", "put", "patch", "delete")


class Operation(NamedTuple):
    """An operation of the specification."""

    method: str
    path: str
    query: dict[str, Any]
    """The query parameters with their schemas."""
    request: dict[str, Any]
    """The media type of the request body, with schema and example."""
    responses: dict[int, dict[str, Any]]
    """The media type of each response by status; empty for a response without a body."""
    tag: str
    """The part of the API."""


@cache
def _specification() -> dict[str, Any]:
    if not _FILE.exists():
        pytest.skip("the specification is not beside the repository", allow_module_level=True)
    specification: dict[str, Any] = yaml.load(_FILE.read_text("utf-8"), yaml.CSafeLoader)
    return specification


@cache
def operations() -> dict[tuple[str, str], Operation]:
    """Return all operations by method and path."""
    return {
        (verb.upper(), path): _operation(verb.upper(), path, item[verb])
        for path, item in _specification()["paths"].items()
        for verb in _VERBS & item.keys()
    }


def operation(method: str, path: str) -> Operation:
    """Return the operation with this method and path."""
    return operations()[method, path]


def _operation(method: str, path: str, definition: dict[str, Any]) -> Operation:
    parameters = definition.get("parameters", [])
    responses = definition["responses"].items()
    return Operation(
        method,
        path,
        {one["name"]: {**one, **one["schema"]} for one in parameters if one["in"] == "query"},
        _media_type(definition.get("requestBody", {})),
        {int(status): _media_type(response) for status, response in responses},
        definition["tags"][0],
    )


def _media_type(message: dict[str, Any]) -> dict[str, Any]:
    """Return the only media type of a request or response, or an empty dict without a body."""
    content: dict[str, dict[str, Any]] = message.get("content", {})
    return next(iter(content.values()), dict[str, Any]())


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Resolve references. The first of several alternatives wins, because it includes the rest."""
    if "oneOf" in schema:
        return resolved(schema["oneOf"][0])
    if "$ref" not in schema:
        return schema
    schemas: dict[str, Any] = _specification()["components"]["schemas"]
    return resolved(schemas[schema["$ref"].rpartition("/")[2]])


def properties(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the properties of an object's schema, with references left unresolved."""
    schemas: dict[str, dict[str, Any]] = resolved(schema).get("properties", {})
    return schemas


def is_nullable(schema: dict[str, Any]) -> bool:
    """Return whether null is allowed. It always is for references, which cannot say so."""
    return bool({"$ref", "nullable"} & schema.keys()) or "type" not in schema


# Generated values.


def values(
    schema: dict[str, Any], *, always: frozenset[str] = frozenset()
) -> st.SearchStrategy[Any]:
    """Return a strategy for the values of a schema.

    Args:
        schema: the schema.
        always: names of fields that are never absent or null, besides those the schema requires.
    """
    plain = resolved(schema)
    match plain.get("type"):
        case "object":
            return _objects(plain, always)
        case "array":
            least = plain.get("minItems", 0)
            return st.lists(_items(plain["items"], always), min_size=least, max_size=2)
        case None:
            return st.none() | st.integers() | st.dictionaries(st.text(max_size=3), st.text())
        case _:
            return _scalars(plain)


def _items(schema: dict[str, Any], always: frozenset[str]) -> st.SearchStrategy[Any]:
    # A list whose items have an empty schema is a list of objects, by Sikoia's guides.
    return values(schema, always=always) if schema else st.just({})


def _objects(schema: dict[str, Any], always: frozenset[str]) -> st.SearchStrategy[dict[str, Any]]:
    required, optional = dict[str, Any](), dict[str, Any]()
    for name, field in properties(schema).items():
        inner = values(field, always=always)
        if name in always or name in schema.get("required", ()):
            required[name] = inner
        else:
            optional[name] = st.none() | inner if is_nullable(field) else inner
    return st.fixed_dictionaries(required, optional=optional)


def _scalars(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    example = str(schema.get("example", ""))
    type_, format_ = schema["type"], schema.get("format", "")
    enum: list[str] = schema.get("enum", [])
    pattern: str = schema.get("pattern", "")
    strategy: st.SearchStrategy[Any]
    if enum:
        strategy = st.sampled_from(enum)
    elif type_ != "string":
        strategy = _numbers(schema)
    elif pattern:
        strategy = st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True)
    elif format_ == "date-time" or _DATE_TIME.match(example):
        strategy = _date_times()
    elif format_ == "date" or _DATE.fullmatch(example):
        strategy = st.dates().map(str)
    elif format_ == "uuid":
        strategy = st.uuids().map(str)
    else:
        strategy = _strings(schema.get("minLength", 0))
    return strategy


def _numbers(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    least = schema.get("minimum", -(2**31)) + schema.get("exclusiveMinimum", False)
    strategies: dict[str, st.SearchStrategy[Any]] = {
        "integer": st.integers(least, 2**31 - 1),
        "number": st.integers(least, 2**31 - 1) | st.floats(-1e12, 1e12),
        "boolean": st.booleans(),
    }
    return strategies[schema["type"]]


def _strings(least: int) -> st.SearchStrategy[str]:
    looks_like_another_type = st.sampled_from(["NaN", "Infinity", "5", "true", "null"])
    return st.text(min_size=least, max_size=8) | looks_like_another_type


def _date_times() -> st.SearchStrategy[str]:
    """Return a strategy for dates with times, in each of the styles that Sikoia uses."""
    whole_seconds = st.datetimes().map(lambda moment: moment.isoformat(timespec="seconds"))
    fractions = st.sampled_from(["", ".9", ".389", ".0000000", ".1234567", ".9999999"])
    zones = st.sampled_from(["Z", "+00:00", "+01:00", "-05:30"])
    return st.tuples(whole_seconds, fractions, zones).map("".join)


_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATE_TIME = re.compile(_DATE.pattern + r"[T ][0-9]{2}:[0-9]{2}")
_UUID = re.compile("-".join(f"[0-9a-fA-F]{{{size}}}" for size in (8, 4, 4, 4, 12)))


# Violations of a schema.


def violations(schema: dict[str, Any], value: Any, *, is_whole: bool = True) -> list[str]:
    """Return where and how a value violates its schema.

    Args:
        schema: the schema.
        value: plain Python, as decoded from JSON.
        is_whole: whether every property has to be present, as in a response, or only the required
            ones.
    """
    return list(_violations(schema, value, "$", is_whole))


def _violations(schema: dict[str, Any], value: Any, where: str, is_whole: bool) -> Iterator[str]:
    plain = resolved(schema)
    type_, format_ = plain.get("type"), plain.get("format", "")
    if type_ is None or (_is_null(value) and where != "$" and is_nullable(schema)):
        return
    if not _has_type(value, type_):
        yield f"{where}: {type(value).__name__} for {type_}"
    elif type_ == "object":
        yield from _object_violations(plain, value, where, is_whole)
    elif type_ == "array":
        for item in value:
            yield from _violations(plain["items"], item, f"{where}[]", is_whole)
    elif value not in plain.get("enum", [value]):
        yield f"{where}: {value!r} is not a value of the enum"
    elif format_ in _FORMATS and not _FORMATS[format_].match(value):
        yield f"{where}: {value!r} does not have the format {format_}"


def _is_null(value: object) -> bool:
    return value is None


def _has_type(value: object, type_: str) -> bool:
    return isinstance(value, _TYPES[type_]) and (type_ == "boolean" or not isinstance(value, bool))


def _object_violations(
    schema: dict[str, Any], value: dict[str, Any], where: str, is_whole: bool
) -> Iterator[str]:
    known = properties(schema)
    required = known if is_whole else schema.get("required", ())
    yield from (f"{where}.{name}: missing" for name in required if name not in value)
    yield from (f"{where}.{name}: unknown field" for name in value.keys() - known.keys())
    for name in known.keys() & value.keys():
        yield from _violations(known[name], value[name], f"{where}.{name}", is_whole)


_TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}
_FORMATS = {"date-time": _DATE_TIME, "date": _DATE, "uuid": _UUID}
