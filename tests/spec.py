"""Sikoia's specification, read for the tests: operations, schemas, and values of a schema."""

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
    """One operation of the specification."""

    method: str
    path: str
    query: dict[str, Any]
    """Each parameter of the query, with its schema."""
    request: dict[str, Any]
    """The request body's media type: its schema and example."""
    responses: dict[int, dict[str, Any]]
    """The JSON media type of each status; empty where there is no body."""


@cache
def _specification() -> dict[str, Any]:
    if not _FILE.exists():
        pytest.skip("the specification is not beside the repository", allow_module_level=True)
    found: dict[str, Any] = yaml.load(_FILE.read_text("utf-8"), yaml.CSafeLoader)
    return found


@cache
def operations() -> dict[tuple[str, str], Operation]:
    """Return all operations by method and path."""
    return {
        (verb.upper(), path): _operation(verb.upper(), path, item[verb])
        for path, item in _specification()["paths"].items()
        for verb in _VERBS & item.keys()
    }


def operation(method: str, path: str) -> Operation:
    """Return an operation."""
    return operations()[method, path]


def _operation(method: str, path: str, written: dict[str, Any]) -> Operation:
    parameters = written.get("parameters", [])
    responses = written["responses"].items()
    return Operation(
        method,
        path,
        {one["name"]: {**one, **one["schema"]} for one in parameters if one["in"] == "query"},
        _body(written.get("requestBody", {})),
        {int(status): _body(response) for status, response in responses},
    )


def _body(written: dict[str, Any]) -> dict[str, Any]:
    """Return the one media type that a body has, if there is a body."""
    content: dict[str, dict[str, Any]] = written.get("content", {})
    return next(iter(content.values()), dict[str, Any]())


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Return what a reference stands for; of alternatives the first, which includes the others."""
    if "oneOf" in schema:
        return resolved(schema["oneOf"][0])
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = _specification()["components"]["schemas"]
    return resolved(found[schema["$ref"].rpartition("/")[2]])


def properties(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the properties of an object, as they are written."""
    found: dict[str, dict[str, Any]] = resolved(schema).get("properties", {})
    return found


def is_nullable(schema: dict[str, Any]) -> bool:
    """Tell whether null may come: references carry no flag, and the vendor sends null for them."""
    return bool({"$ref", "nullable"} & schema.keys()) or "type" not in schema


# Values of a schema.


def values(
    schema: dict[str, Any], *, always: frozenset[str] = frozenset()
) -> st.SearchStrategy[Any]:
    """Return a strategy for values of a schema.

    Args:
        schema: what the values are of.
        always: fields that are neither absent nor null, beside those that the schema requires.
    """
    found = resolved(schema)
    match found.get("type"):
        case "object":
            return _objects(found, always)
        case "array":
            least = found.get("minItems", 0)
            return st.lists(_items(found["items"], always), min_size=least, max_size=2)
        case None:
            return st.none() | st.integers() | st.dictionaries(st.text(max_size=3), st.text())
        case _:
            return _scalars(found)


def _items(schema: dict[str, Any], always: frozenset[str]) -> st.SearchStrategy[Any]:
    # Where a list's items are left open they are objects, by the vendor's guides.
    return values(schema, always=always) if schema else st.just({})


def _objects(schema: dict[str, Any], always: frozenset[str]) -> st.SearchStrategy[dict[str, Any]]:
    needed, other = dict[str, Any](), dict[str, Any]()
    for name, one in properties(schema).items():
        if name in always or name in schema.get("required", ()):
            needed[name] = values(one, always=always)
        else:
            inner = values(one, always=always)
            other[name] = st.none() | inner if is_nullable(one) else inner
    return st.fixed_dictionaries(needed, optional=other)


def _scalars(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    example = str(schema.get("example", ""))
    kind, form = schema["type"], schema.get("format", "")
    known: list[str] = schema.get("enum", [])
    pattern: str = schema.get("pattern", "")
    found: st.SearchStrategy[Any]
    if known:
        found = st.sampled_from(known)
    elif kind != "string":
        found = _numbers(schema)
    elif pattern:
        found = st.from_regex(pattern, fullmatch=True)
    elif form == "date-time" or _MOMENT.match(example):
        found = _moments()
    elif form == "date" or _DAY.fullmatch(example):
        found = st.dates().map(str)
    elif form == "uuid":
        found = st.uuids().map(str)
    else:
        found = _texts(schema.get("minLength", 0))
    return found


def _numbers(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    least = schema.get("minimum", -(2**31)) + schema.get("exclusiveMinimum", False)
    kinds: dict[str, st.SearchStrategy[Any]] = {
        "integer": st.integers(least, 2**31 - 1),
        "number": st.integers(least, 2**31 - 1) | st.floats(-1e12, 1e12),
        "boolean": st.booleans(),
    }
    return kinds[schema["type"]]


def _texts(least: int) -> st.SearchStrategy[str]:
    odd = st.sampled_from(["NaN", "Infinity", "5", "true", "null"])
    return st.text(min_size=least, max_size=8) | odd


def _moments() -> st.SearchStrategy[str]:
    """Return moments in each of the styles that the vendor writes."""
    days = st.datetimes().map(lambda moment: moment.isoformat(timespec="seconds"))
    fractions = st.sampled_from(["", ".9", ".389", ".0000000", ".1234567", ".9999999"])
    zones = st.sampled_from(["Z", "+00:00", "+01:00", "-05:30"])
    return st.tuples(days, fractions, zones).map("".join)


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(_DAY.pattern + r"[T ][0-9]{2}:[0-9]{2}")
_UUID = re.compile("-".join(f"[0-9a-fA-F]{{{size}}}" for size in (8, 4, 4, 4, 12)))


# What a value has that its schema does not allow.


def violations(schema: dict[str, Any], value: Any, *, is_whole: bool = True) -> list[str]:
    """Return where a value is not what its schema says.

    Args:
        schema: what it is to be.
        value: plain Python, as JSON gives it.
        is_whole: whether each property has to be there, as in an answer, or only the required ones.
    """
    return list(_violations(schema, value, "$", is_whole))


def _violations(schema: dict[str, Any], value: Any, where: str, is_whole: bool) -> Iterator[str]:
    found = resolved(schema)
    kind, form = found.get("type"), found.get("format", "")
    if kind is None or (_is_null(value) and where != "$" and is_nullable(schema)):
        return
    if not _is_of_kind(value, kind):
        yield f"{where}: {type(value).__name__} for {kind}"
    elif kind == "object":
        yield from _object_violations(found, value, where, is_whole)
    elif kind == "array":
        for entry in value:
            yield from _violations(found["items"], entry, f"{where}[]", is_whole)
    elif value not in found.get("enum", [value]):
        yield f"{where}: {value!r} is no value of the enum"
    elif form in _FORMATS and not _FORMATS[form].match(value):
        yield f"{where}: {value!r} is no {form}"


def _is_null(value: object) -> bool:
    return value is None


def _is_of_kind(value: object, kind: str) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _object_violations(
    schema: dict[str, Any], value: dict[str, Any], where: str, is_whole: bool
) -> Iterator[str]:
    known = properties(schema)
    needed = known if is_whole else schema.get("required", ())
    yield from (f"{where}.{name}: missing" for name in needed if name not in value)
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
_FORMATS = {"date-time": _MOMENT, "date": _DAY, "uuid": _UUID}
