"""Sikoia's specification, read for the tests: operations, schemas, and values of a schema."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import strategies as st

yaml: Any = pytest.importorskip("yaml")

__all__ = ["Operation", "operations", "properties", "resolved", "values"]

_FILE = Path(__file__).resolve().parents[2] / "shared" / "api" / "sikoia-openapi.yml"
_VERBS = ("get", "post", "put", "patch", "delete")
_CASES = "SikoiaSharedModels.CaseManagement."
_USERS = "MicroserviceUserManagement.Resources.External."


class Operation(NamedTuple):
    """One operation of the specification."""

    method: str
    path: str
    tags: tuple[str, ...]
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


def operations(*tags: str) -> list[Operation]:
    """Return the operations that bear one of these tags."""
    return [found for found in _operations() if not set(tags).isdisjoint(found.tags)]


def _operations() -> Iterator[Operation]:
    for path, item in _specification()["paths"].items():
        for verb in _VERBS & item.keys():
            yield _operation(verb.upper(), path, item[verb])


def _operation(method: str, path: str, written: dict[str, Any]) -> Operation:
    parameters = written.get("parameters", [])
    responses = written["responses"].items()
    return Operation(
        method,
        path,
        tuple(written["tags"]),
        {one["name"]: one["schema"] for one in parameters if one["in"] == "query"},
        _json(written.get("requestBody", {})),
        {int(status): _json(response) for status, response in responses},
    )


def _json(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = body.get("content", {}).get("application/json", {})
    return found


def resolved(schema: dict[str, Any] | str) -> dict[str, Any]:
    """Return what a reference or a schema's short name stands for."""
    if isinstance(schema, str):
        everything = _specification()["components"]["schemas"]
        names = (schema, _CASES + schema, _USERS + schema)
        return next(everything[name] for name in names if name in everything)
    reference: str = schema.get("$ref", "")
    return resolved(reference.rpartition("/")[2]) if reference else schema


def properties(schema: dict[str, Any] | str) -> dict[str, dict[str, Any]]:
    """Return the properties of an object, each one resolved."""
    return {name: resolved(one) for name, one in resolved(schema)["properties"].items()}


def values(schema: dict[str, Any] | str, *, always: tuple[str, ...] = ()) -> st.SearchStrategy[Any]:
    """Return a strategy for values of a schema; what is in `always` is neither absent nor null."""
    found = resolved(schema)
    if found["type"] == "object":
        inner = {
            name: values(one, always=always) if name in always else _optional(one, always)
            for name, one in properties(found).items()
        }
        needed = {name: one for name, one in inner.items() if name in always}
        return st.fixed_dictionaries(
            needed, optional={name: one for name, one in inner.items() if name not in needed}
        )
    if found["type"] == "array":
        return st.lists(values(found["items"], always=always), max_size=3)
    return _scalars(found)


def _optional(schema: dict[str, Any], always: tuple[str, ...]) -> st.SearchStrategy[Any]:
    # References carry no nullable flag, and the vendor sends null for them all the same.
    found = values(schema, always=always)
    is_nullable = schema.get("nullable") or schema["type"] == "object"
    return st.none() | found if is_nullable else found


def _scalars(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    example = str(schema.get("example", ""))
    if schema.get("format") == "date-time" or "T" in example[10:11]:
        return _moments()
    if schema.get("format") == "date" or (len(example), example[4:8:3]) == (10, "--"):
        return st.dates().map(str)
    kinds: dict[str, st.SearchStrategy[Any]] = {
        "string": st.text(max_size=8) | st.sampled_from(["NaN", "Infinity", "5", "true", "null"]),
        "integer": st.integers(-(2**31), 2**31 - 1),
        "boolean": st.booleans(),
    }
    return kinds[schema["type"]]


def _moments() -> st.SearchStrategy[str]:
    """Return moments in each of the styles that the vendor writes."""
    days = st.datetimes().map(lambda moment: moment.isoformat(timespec="seconds"))
    fractions = st.sampled_from(["", ".9", ".389", ".0000000", ".1234567", ".9999999"])
    zones = st.sampled_from(["Z", "+00:00", "+01:00", "-05:30"])
    return st.tuples(days, fractions, zones).map("".join)
