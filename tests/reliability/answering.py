"""The models of responses, valid bodies for them, and the outcome of decoding one.

Shared by the rows about shapes and by `fuzz_answers.py`.
"""

import json
import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from random import Random
from typing import Annotated, Any, Final, cast, get_args, get_origin

import attrs
import contract
import httpx

from sikoia_async._codec.decoder import decode
from sikoia_async._codec.drift import Drift
from sikoia_async._schema.shapes import field_types
from sikoia_async._transport.limits import Limits
from sikoia_async._transport.types import Response
from sikoia_async.errors import CallInfo, UnexpectedResponseError
from sikoia_async.models import Items

__all__ = [
    "INTOS",
    "MODELS",
    "items_of",
    "kind_of",
    "mutated",
    "outcome",
    "smallest",
    "typed_examples",
]

MODELS: Final = sorted(
    {model for endpoint in contract.ENDPOINTS for model in contract.models_in(endpoint.into)},
    key=lambda model: (model.__module__, model.__qualname__),
)
"""Every model that appears in a response."""


def items_of(model: Any) -> Any:
    """Return the type of a list of a model."""
    return Items[model]


INTOS: Final[list[Any]] = [object, *MODELS, *map(items_of, MODELS)]

_CALL: Final = CallInfo(
    method="GET",
    path="/v2/any",
    url="https://api.sikoia.com/v2/any",
    correlation_id="1",
    sent_correlation_id="1",
    attempts=(),
    seconds=0.5,
)
_PROBLEM: Final = re.compile(
    r"not valid JSON|the body is empty|nested too deeply"
    r"|(expected [A-Za-z ]+|required, and missing) @ \$(\.[A-Za-z_0-9]+|\[[0-9]+\])*"
)
_VALUES: Final[dict[Any, Any]] = {
    str: "a",
    int: 1,
    float: 1.5,
    bool: True,
    Decimal: "1.50",
    date: "2024-01-31",
    datetime: "2024-01-31T12:00:00Z",
}


def outcome(body: bytes, into: Any, max_json: int = Limits().max_json) -> Any:
    """Decode a body; return the result or the error, checked to contain no foreign text.

    Whatever else is raised comes out.
    """
    answer = Response(200, httpx.Headers({"content-type": "application/json"}), body)
    try:
        return decode(answer, into, _CALL, Drift(), max_json=max_json)
    except UnexpectedResponseError as error:
        found = error
    assert found.problems
    assert all(map(_PROBLEM.fullmatch, found.problems)), found
    return found


def kind_of(wanted: Any) -> tuple[Any, bool]:
    """Return the plain type of a field, and whether it may be null."""
    given = contract.alternatives(wanted)
    inner = given[0]
    plain = get_origin(inner) or inner
    plain = str if plain is Annotated else plain
    return plain, len(given) < len(get_args(wanted)) or inner is Any


@cache
def _smallest(model: Any) -> str:
    needed = {field.name for field in attrs.fields(model) if field.default is attrs.NOTHING}
    return json.dumps(
        {name: _value(type_) for name, type_ in field_types(model).items() if name in needed}
    )


def smallest(model: Any) -> dict[str, Any]:
    """Return a valid body of a model with its required fields only."""
    found: dict[str, Any] = json.loads(_smallest(model))
    return found


def _value(wanted: Any) -> Any:
    kind, _ = kind_of(wanted)
    if attrs.has(kind):
        return smallest(kind)
    return [] if kind is tuple else _VALUES[kind]


def typed_examples() -> Iterator[tuple[Any, bytes]]:
    """Yield the specification's example responses, each with its type."""
    for endpoint in contract.ENDPOINTS:
        for into, answer in endpoint.successes:
            if "example" in answer:
                yield into, json.dumps(answer["example"], default=str).encode()


def mutated(value: Any, chance: Random) -> Any:
    """Return a value with one part removed, renamed, duplicated, nested or of another type."""
    if isinstance(value, dict) and value and chance.random() < _DEEPER:
        return _mutated_object(cast("dict[str, Any]", value), chance)
    if isinstance(value, list | tuple) and value and chance.random() < _DEEPER:
        return _mutated_list(cast("list[Any]", value), chance)
    odd: list[Any] = [
        None,
        True,
        0,
        -1.5,
        10**30,
        "",
        "x",
        "5",
        "NaN",
        "2024-01-31",
        [],
        {},
        "[{}]",
        [[]],
    ]
    odd += [[value], {"a": value}, json.dumps(value, default=str)]
    return chance.choice(odd)


def _mutated_list(rows: list[Any], chance: Random) -> list[Any]:
    at = chance.randrange(len(rows))
    if chance.random() < _DEEPER:
        return [*rows[:at], mutated(rows[at], chance), *rows[at + 1 :]]
    return rows + rows[at : at + 1]


def _mutated_object(entries: dict[str, Any], chance: Random) -> dict[str, Any]:
    name = chance.choice(list(entries))
    match chance.randrange(4):
        case 0:
            return {key: entry for key, entry in entries.items() if key != name}
        case 1:
            return {**entries, f"{name}x": entries[name]}
        case _:
            return {**entries, name: mutated(entries[name], chance)}


_DEEPER: Final = 0.8
