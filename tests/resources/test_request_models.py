"""What methods send: made of what the schemas allow, it arrives as it was given."""

import base64
import inspect
import json
import re
from datetime import UTC, date, datetime
from typing import Any, cast
from urllib.parse import parse_qsl
from uuid import uuid4

import anyio
import attrs
import contract
import httpx
import pytest
import spec
from contract import ENDPOINTS, Endpoint
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from sikoia_async import Sikoia
from sikoia_async.models import Entity, field_types

_IDS = st.uuids().map(str)
IN_PATHS = {"case": "Cases", "company": "Companies", "person": "Persons"}
# What we refuse though the schema has it, for its description says so.
NARROWER: dict[str, st.SearchStrategy[Any]] = {
    "fuzziness": st.floats(0, 1),
    "webhook_name": st.text(min_size=1, max_size=50),
    "webhook_callback_url": st.just("https://hooks.example.com/sikoia"),
    "search_term": st.text("abc ", min_size=1).map("x".__add__),
    "birth_date": st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
    "items_per_page": st.integers(1, 1000),
    "file_name": st.from_regex(r"[^/\\\x00-\x1f\x7f-\x9f]{1,8}\.pdf", fullmatch=True),
    "company_id": _IDS,
    "entity_id": _IDS,
    "request_id": _IDS,
    "validation_type_id": _IDS,
    "after_request_id": _IDS,
    "file": st.binary(min_size=1).map(base64.b64encode).map(bytes.decode),
}
# What a search is refused without, though the schema does.
NEEDED = {"entity_type", "entity_id", "search_term", "jurisdiction_code"}
EXAMPLES = [one for one in ENDPOINTS if one.body]


def call(endpoint: Endpoint, given: dict[str, Any]) -> httpx.Request:
    """Call a method with these fields, in plain Python; return the request that it sent."""
    asked = list[httpx.Request]()
    status = min(endpoint.operation.responses)
    example = endpoint.operation.responses[status].get("example", [])

    async def answer(request: httpx.Request) -> httpx.Response:
        await request.aread()
        asked.append(request)
        content = b"PK\x03\x04" if endpoint.into is bytes else json.dumps(example, default=str)
        return httpx.Response(status, content=content)

    async def main() -> None:
        transport = httpx.MockTransport(answer)
        async with Sikoia(token="a-token", quota=None, transport=transport) as sikoia:
            method = getattr(getattr(sikoia, endpoint.resource), endpoint.name)
            result = method(**arguments(endpoint, given))
            if inspect.isawaitable(result):
                await result
                return
            await anext(aiter(result.pages()))

    anyio.run(main)
    return asked[0]


def arguments(endpoint: Endpoint, given: dict[str, Any]) -> dict[str, Any]:
    """Return the fields as arguments of the method."""
    parameters = endpoint.parameters()
    found = {
        name: argument(annotation, given[name])
        for name, (annotation, _) in parameters.items()
        if name in given
    }
    if "entity" in parameters:
        found["entity"] = Entity(given["entity_type"], given["entity_id"])
    if "file" in parameters:
        found["file"] = base64.b64decode(given["file"])
    return found


def argument(annotation: Any, value: Any) -> Any:
    """Return plain Python as what an annotation asks for."""
    wanted = contract.alternatives(annotation)
    match value:
        case dict():
            model = next(filter(attrs.has, wanted))
            types = field_types(model)
            entries = cast("Any", value).items()
            return model(**{name: argument(types[name], one) for name, one in entries})
        case list():
            (item,) = contract.items(wanted)
            return tuple(argument(item, one) for one in cast("Any", value))
        case str() if datetime in wanted:
            return datetime.fromisoformat(value)
        case str() if date in wanted:
            return date.fromisoformat(value)
        case _:
            return value


def plain(value: Any) -> Any:
    """Return a JSON value without what is null, and with moments that are equal as such."""
    if isinstance(value, dict):
        entries = cast("Any", value).items()
        return {name: plain(one) for name, one in entries if one is not None}
    if isinstance(value, list):
        return [plain(one) for one in cast("Any", value)]
    is_moment = isinstance(value, str) and re.match("[0-9]{4}-[0-9]{2}-[0-9]{2}T", value)
    return datetime.fromisoformat(value) if is_moment else value


def writable(operation: spec.Operation) -> dict[str, Any]:
    """Return the fields of a request's body that are not read only, with their schemas."""
    found = spec.properties(operation.request.get("schema", {})).items()
    return {name: one for name, one in found if not one.get("readOnly")}


def searchable(operation: spec.Operation) -> dict[str, Any]:
    """Return the parameters of a query; a text may not be empty, and commas part several."""
    return {
        name: one if "enum" in spec.resolved(one) else {"pattern": "[^,]+", **one}
        for name, one in operation.query.items()
    }


def fields(endpoint: Endpoint, schemas: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy for the fields of a body or a query."""
    parameters = endpoint.parameters()
    values = {
        name: NARROWER[name] if name in NARROWER else spec.values(one)
        for name, one in schemas.items()
    }
    required = spec.resolved(endpoint.operation.request.get("schema", {})).get("required", ())
    needed = NEEDED | {name for name, (_, must) in parameters.items() if must} | {*required}
    return st.fixed_dictionaries(
        {name: one for name, one in values.items() if name in needed},
        optional={name: one for name, one in values.items() if name not in needed},
    )


def ids_of(endpoint: Endpoint) -> dict[str, str]:
    """Return ids for a path."""
    found = {name: str(uuid4()) for name in endpoint.ids}
    return found | ({"entity_type": "company"} if "entity_type" in found else {})


# Not shrunk where it fails: each try is a client with its event loop.
@settings(max_examples=8, phases=[Phase.generate])
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=contract.ids)
@given(data=st.data())
def test_what_is_given_arrives(endpoint: Endpoint, data: st.DataObject) -> None:
    """All that a schema allows can be given, and is sent under the same names."""
    operation, in_path = endpoint.operation, ids_of(endpoint)
    body = data.draw(fields(endpoint, writable(operation)))
    if endpoint.name.endswith("_entities"):  # an empty list is left out
        body = {name: one for name, one in body.items() if one}
    if endpoint.name == "remove_entities":  # which the schema says of the lists
        body = {name: [str(uuid4()) for _ in one] for name, one in body.items()}
    query = data.draw(fields(endpoint, searchable(operation)))
    assume(not operation.request or any(value is not None for value in body.values()))

    request = call(endpoint, {**in_path, **query, **body})

    words = {**in_path, "entity_type": IN_PATHS.get(in_path.get("entity_type", ""), "")}
    assert (request.method, request.url.path) == (
        endpoint.method,
        endpoint.path.format_map(words),
    )
    asked = dict(parse_qsl(request.url.query.decode(), keep_blank_values=True))
    assert asked == {
        name: one if isinstance(one, str) else json.dumps(one) for name, one in query.items()
    }
    received = json.loads(request.content or b"{}")
    assert plain(received) == plain(body)
    schema = operation.request.get("schema", {})
    assert spec.violations(schema, received, is_whole=False) == []


@pytest.mark.parametrize("endpoint", EXAMPLES, ids=contract.ids)
def test_the_example_can_be_sent(endpoint: Endpoint) -> None:
    """The specification's own example of a request goes out as it is there."""
    example = understood(endpoint.operation)

    request = call(endpoint, {**ids_of(endpoint), **example})

    assert plain(json.loads(request.content)) == plain(example)


def understood(operation: spec.Operation) -> dict[str, Any]:
    """Return what of an example its own schema allows, be it in text."""
    found = dict[str, Any]()
    for name, one in writable(operation).items():
        value = operation.request["example"].get(name)
        if isinstance(value, str) and spec.resolved(one)["type"] != "string":
            value = json.loads(value)
        if not spec.violations(one, value, is_whole=False):
            found[name] = value
    return found


def test_a_token_is_asked_for_as_specified() -> None:
    """The client asks for its token with the fields of the specification, and takes the answer."""
    operation = spec.operation("POST", "/token")
    asked = list[httpx.Request]()

    async def answer(request: httpx.Request) -> httpx.Response:
        await request.aread()
        asked.append(request)
        token = {"access_token": "a", "token_type": "Bearer", "expires_in": "3600"}
        return httpx.Response(201, json=token) if len(asked) == 1 else httpx.Response(200, json=[])

    async def main() -> None:
        transport = httpx.MockTransport(answer)
        async with Sikoia(str(uuid4()), "a-secret", transport=transport) as sikoia:
            assert await sikoia.users.list() == ()

    anyio.run(main)
    form = dict(parse_qsl(asked[0].content.decode()))
    assert asked[0].url.path == "/token"
    assert spec.violations(operation.request["schema"], form) == []
