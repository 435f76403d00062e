"""Users and cases against Sikoia's specification: operations, fields, enums, examples."""

import ast
import inspect
import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import attrs
import httpx
import pytest
import spec

from sikoia_async._decoder import decode, error_from
from sikoia_async._drift import Drift
from sikoia_async._exchange import Answer
from sikoia_async.errors import CallInfo
from sikoia_async.models import Items
from sikoia_async.resources import cases, users

OPERATIONS = {
    (one.method, one.path): one
    for one in spec.operations("Cases", "Companies & People", "User Management")
}
# Where we differ from the specification, and why.
DIFFERENCES = {
    "Person.person_id: required": "nullable there, but a person without id could not be used",
}
# What the specification's own examples have in another form than its schemas.
KNOWN_DRIFT = {
    "Case.number_of_companies: text for int",
    "Case.number_of_persons: text for int",
    "CaseSummary.number_of_companies: text for int",
    "CaseSummary.number_of_persons: text for int",
    "Company.number_of_officers: text for int",
    "Company.number_of_owners: text for int",
    "Owner.owner_type: unknown value",
}
KINDS = {str: "string", date: "string", datetime: "string", int: "integer", bool: "boolean"}
FORMATS = {"date": date, "date-time": datetime}


class Endpoint(NamedTuple):
    """What a method of a resource calls."""

    resource: type
    name: str
    method: str
    path: str
    sent: dict[str, str]
    """The fields of the body or query, and which parameter each one is filled from."""

    @property
    def operation(self) -> spec.Operation:
        """The operation of the specification."""
        return OPERATIONS[self.method, self.path]

    @property
    def into(self) -> Any:
        """What the answer becomes."""
        return get_type_hints(getattr(self.resource, self.name))["return"]

    def fields(self) -> dict[str, tuple[Any, bool]]:
        """Return the keyword parameters: each one's annotation, and whether it is required."""
        method = getattr(self.resource, self.name)
        hints = get_type_hints(method, include_extras=True)
        return {
            name: (hints[name], one.default is inspect.Parameter.empty)
            for name, one in inspect.signature(method).parameters.items()
            if one.kind is inspect.Parameter.KEYWORD_ONLY
        }


def endpoints(resource: type) -> Iterator[Endpoint]:
    """Read the verb and the path of each method out of a resource's source."""
    module = ast.parse(Path(inspect.getfile(resource)).read_text("utf-8"))
    for method in ast.walk(module):
        if not isinstance(method, ast.AsyncFunctionDef):
            continue
        for node in ast.walk(method):
            match node:
                case ast.Call(ast.Attribute(_, verb), [ast.Constant(str(path)), *_]):
                    yield Endpoint(resource, method.name, verb.upper(), path, sent_by(node))
                case _:
                    pass


def sent_by(call: ast.Call) -> dict[str, str]:
    """Read the fields that a call sends out of its source."""
    pairs = (
        (ast.literal_eval(key), ast.unparse(value))
        for node in ast.walk(call)
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if key
    )
    return dict(pairs)


ENDPOINTS = [*endpoints(users.Users), *endpoints(cases.Cases)]
EXAMPLES = [
    pytest.param(one, status, answer["example"], id=f"{one.name}-{one.path}-{status}")
    for one in ENDPOINTS
    if (one.method, one.path) in OPERATIONS
    for status, answer in one.operation.responses.items()
    if answer
]


def model_fields(model: Any) -> dict[str, tuple[Any, bool]]:
    """Return the fields of a model: each one's annotation, and whether it is required."""
    hints = get_type_hints(model, include_extras=True)
    return {
        one.name: (hints[one.name], one.default is attrs.NOTHING) for one in attrs.fields(model)
    }


def bare(annotation: Any) -> Any:
    """Return the first alternative of an annotation that is not None."""
    alternatives = get_args(annotation)
    if NoneType not in alternatives:
        return annotation
    return next(one for one in alternatives if one is not NoneType)


def differences(wanted: Any, schema: dict[str, Any], where: str) -> Iterator[str]:
    """Yield where an annotation is something else than a schema."""
    wanted, schema = bare(wanted), spec.resolved(schema)
    if attrs.has(wanted):
        yield from fields_that_differ(model_fields(wanted), schema, wanted.__name__)
    elif get_origin(wanted) in {tuple, Sequence, Items}:
        is_list = schema["type"] == "array"
        yield from differences(get_args(wanted)[0], schema["items"], where) if is_list else [where]
    elif get_origin(wanted) in {Annotated, Literal}:
        known = get_args(get_args(wanted)[1] if get_origin(wanted) is Annotated else wanted)
        yield from [] if list(known) == schema.get("enum") else [f"{where}: values"]
    elif (
        KINDS[wanted] != schema["type"]
        or "enum" in schema
        or FORMATS.get(schema.get("format", ""), wanted) is not wanted
    ):
        yield f"{where}: type"


def fields_that_differ(
    mine: dict[str, tuple[Any, bool]], schema: dict[str, Any], name: str
) -> Iterator[str]:
    """Yield the fields that one side lacks, or requires alone, or has in another type."""
    theirs, required = spec.properties(schema), schema.get("required")
    yield from (f"{name}.{field}: missing" for field in mine.keys() ^ theirs.keys())
    for field in mine.keys() & theirs.keys():
        annotation, is_required = mine[field]
        must = (
            not theirs[field].get("nullable") and is_required
            if required is None
            else field in required
        )
        yield from [] if is_required == must else [f"{name}.{field}: required"]
        yield from differences(annotation, theirs[field], f"{name}.{field}")


def test_each_operation_has_a_method() -> None:
    """The methods call the operations of these tags, all of them, each one once."""
    assert sorted((one.method, one.path) for one in ENDPOINTS) == sorted(OPERATIONS)
    assert len(ENDPOINTS) == 9


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: f"{one.method} {one.path}")
def test_answers_have_the_fields_of_the_specification(endpoint: Endpoint) -> None:
    """The models that we read, and those in them, have the schema's fields, types and enums."""
    found: set[str] = set()
    for status, answer in endpoint.operation.responses.items():
        if answer and status < 300:
            found |= set(differences(endpoint.into, answer["schema"], "answer"))

    assert found <= set(DIFFERENCES)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: f"{one.method} {one.path}")
def test_parameters_are_those_of_the_specification(endpoint: Endpoint) -> None:
    """A method takes the fields of its request's body, or the parameters of its query."""
    operation = endpoint.operation
    body = spec.resolved(operation.request["schema"]) if operation.request else {}
    schema = body or {"properties": operation.query}

    assert set(fields_that_differ(endpoint.fields(), schema, endpoint.name)) == set()


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: f"{one.method} {one.path}")
def test_what_is_given_is_sent(endpoint: Endpoint) -> None:
    """Each parameter goes out under its own name, and none is forgotten."""
    assert endpoint.sent == {name: name for name in endpoint.fields()}


@pytest.mark.parametrize(("endpoint", "status", "example"), EXAMPLES)
def test_examples_are_understood(endpoint: Endpoint, status: int, example: Any) -> None:
    """Each example becomes its model, or the error that bears the name of its type."""
    answer = Answer(status, httpx.Headers(), json.dumps(example, default=str).encode())
    call = CallInfo(
        method=endpoint.method, path=endpoint.path, url="", correlation_id="", attempts=(),
        sent_correlation_id="", seconds=0.0,
    )  # fmt: skip
    drift = Drift()

    if status < 300:
        assert decode(answer, endpoint.into, call, drift)
        assert drift.keys() <= KNOWN_DRIFT
    else:
        error = error_from(answer, call, retry_after=None, may_have_been_processed=False)
        assert type(error).__name__ == example["type"].removesuffix("Error") + "Error"
        assert (error.detail, error.correlation_id) == (
            example["detail"],
            example["correlation_id"],
        )


def test_the_differences_are_still_there() -> None:
    """A difference that has gone from the specification goes from the table."""
    schemas = (
        one.operation.responses[200]["schema"] for one in ENDPOINTS if one.name == "retrieve"
    )

    assert {found for one in schemas for found in differences(cases.Case, one, "")} == set(
        DIFFERENCES
    )
