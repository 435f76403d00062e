"""Requests: values that the schemas allow are sent unchanged."""

import base64
import json
import re
from datetime import UTC, date, datetime
from typing import Any, cast, get_args
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

from sikoia_async import Pages, Sikoia
from sikoia_async._schema.shapes import field_types
from sikoia_async.models import Entity
from sikoia_async.resources.identity import VerificationStatus
from sikoia_async.webhooks.events import WebhookEventName

_IDS = st.uuids().map(str)
_VISIBLE = st.characters(exclude_categories=["C", "Z"], exclude_characters="/\\")
IN_PATHS = {"case": "Cases", "company": "Companies", "person": "Persons"}
# Values that the SDK limits further than the schema, as the field's description does.
NARROWER: dict[str, st.SearchStrategy[Any]] = {
    "fuzziness": st.floats(0, 1),
    "webhook_name": st.text(min_size=1, max_size=50),
    "webhook_callback_url": st.just("https://hooks.example.com/sikoia"),
    "country_code": st.from_regex("[A-Za-z]{2}", fullmatch=True),
    "jurisdiction_code": st.sampled_from(["GB", "US_DE", "us_de"]),
    "verification_status": st.sampled_from(get_args(VerificationStatus)),
    "search_term": st.text("abc ", min_size=1).map("x".__add__),
    "birth_date": st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
    "items_per_page": st.integers(1, 1000),
    "file_name": st.text(_VISIBLE, min_size=1, max_size=8).map("x{}.pdf".format),
    "display_name": st.text(_VISIBLE, min_size=1),
    "event_types": st.lists(st.sampled_from(get_args(WebhookEventName)), min_size=1),
    "company_id": _IDS,
    "entity_id": _IDS,
    "request_id": _IDS,
    "validation_type_id": _IDS,
    "after_request_id": _IDS,
    "file": st.binary(min_size=1).map(base64.b64encode).map(bytes.decode),
}
# Fields that the SDK needs although the schema does not require them.
NEEDED = {"entity_type", "entity_id", "search_term", "jurisdiction_code"}
EXAMPLES = [one for one in ENDPOINTS if one.body]


def call(endpoint: Endpoint, values: dict[str, Any]) -> httpx.Request:
    """Call a method with these fields, given as plain JSON, and return the request it sends."""
    requests = list[httpx.Request]()
    status = min(endpoint.operation.responses)
    example = endpoint.operation.responses[status].get("example", [])

    async def respond(request: httpx.Request) -> httpx.Response:
        await request.aread()
        requests.append(request)
        content = b"PK\x03\x04" if endpoint.into is bytes else json.dumps(example, default=str)
        return httpx.Response(status, content=content)

    async def main() -> None:
        transport = httpx.MockTransport(respond)
        async with Sikoia(token="a-token", quota=None, transport=transport) as sikoia:
            result = endpoint.call(sikoia, arguments(endpoint, values))
            is_paged = isinstance(result, Pages)  # awaiting it would read all pages
            await (anext(aiter(cast("Any", result).pages())) if is_paged else result)

    anyio.run(main)
    return requests[0]


def arguments(endpoint: Endpoint, values: dict[str, Any]) -> dict[str, Any]:
    """Convert plain JSON to the arguments of a method."""
    parameters = endpoint.parameters()
    converted = {
        name: argument(annotation, values[endpoint.sent_as(name)])
        for name, (annotation, _) in parameters.items()
        if endpoint.sent_as(name) in values
    }
    if "entity" in parameters:
        converted["entity"] = Entity(values["entity_type"], values["entity_id"])
    if "file" in parameters:
        converted["file"] = base64.b64decode(values["file"])
    return converted


def argument(annotation: Any, value: Any) -> Any:
    """Convert a JSON value to the type of an annotation."""
    types = contract.alternatives(annotation)
    match value:
        case dict():
            model = next(filter(attrs.has, types))
            fields_of_model = field_types(model)
            entries = cast("Any", value).items()
            return model(**{name: argument(fields_of_model[name], one) for name, one in entries})
        case list():
            (item,) = contract.items(types)
            return tuple(argument(item, one) for one in cast("Any", value))
        case str() if datetime in types:
            return datetime.fromisoformat(value)
        case str() if date in types:
            return date.fromisoformat(value)
        case _:
            return value


def plain(value: Any) -> Any:
    """Return a JSON value without nulls, and with datetimes that compare as such."""
    if isinstance(value, dict):
        entries = cast("Any", value).items()
        return {name: plain(one) for name, one in entries if one is not None}
    if isinstance(value, list):
        return [plain(one) for one in cast("Any", value)]
    is_datetime = isinstance(value, str) and re.match("[0-9]{4}-[0-9]{2}-[0-9]{2}T", value)
    return datetime.fromisoformat(value) if is_datetime else value


def writable(operation: spec.Operation) -> dict[str, Any]:
    """Return the fields of a request body that are not read-only, with their schemas."""
    schemas = spec.properties(operation.request.get("schema", {})).items()
    return {name: schema for name, schema in schemas if not schema.get("readOnly")}


def searchable(operation: spec.Operation) -> dict[str, Any]:
    """Return the query parameters; strings must not be empty, nor contain the separating comma."""
    return {
        name: one if "enum" in spec.resolved(one) else {"pattern": "[^,]+", **one}
        for name, one in operation.query.items()
    }


def fields(endpoint: Endpoint, schemas: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy for the fields of a body or a query."""
    parameters = endpoint.parameters().items()
    values = {
        name: NARROWER[name] if name in NARROWER else spec.values(one)
        for name, one in schemas.items()
    }
    required = spec.resolved(endpoint.operation.request.get("schema", {})).get("required", ())
    must_be_given = {endpoint.sent_as(name) for name, (_, must) in parameters if must}
    needed = NEEDED | must_be_given | {*required}
    return st.fixed_dictionaries(
        {name: one for name, one in values.items() if name in needed},
        optional={name: one for name, one in values.items() if name not in needed},
    )


def ids_of(endpoint: Endpoint) -> dict[str, str]:
    """Return values for the placeholders of a path."""
    ids = {name: str(uuid4()) for name in endpoint.ids}
    return ids | ({"entity_type": "company"} if "entity_type" in ids else {})


# Failures are not shrunk, because each example starts a client and an event loop.
@settings(max_examples=8, phases=[Phase.generate])
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=contract.ids)
@given(data=st.data())
def test_all_arguments_are_sent(endpoint: Endpoint, data: st.DataObject) -> None:
    """Every value that a schema allows can be passed, and is sent under the same name."""
    operation, in_path = endpoint.operation, ids_of(endpoint)
    body = data.draw(fields(endpoint, writable(operation)))
    if endpoint.name.endswith("_entities"):  # an empty list is left out
        body = {name: one for name, one in body.items() if one}
    if endpoint.name == "remove_entities":  # the schema allows any string as an id
        body = {name: [str(uuid4()) for _ in one] for name, one in body.items()}
    query = data.draw(fields(endpoint, searchable(operation)))
    assume(not operation.request or any(value is not None for value in body.values()))

    request = call(endpoint, {**in_path, **query, **body})

    in_path["entity_type"] = IN_PATHS.get(in_path.get("entity_type", ""), "")
    assert (request.method, request.url.path) == (
        endpoint.method,
        endpoint.path.format_map(in_path),
    )
    sent_query = dict(parse_qsl(request.url.query.decode(), keep_blank_values=True))
    assert sent_query == {
        name: one if isinstance(one, str) else json.dumps(one) for name, one in query.items()
    }
    sent_body = json.loads(request.content or b"{}")
    assert plain(sent_body) == plain(body)
    schema = operation.request.get("schema", {})
    assert spec.violations(schema, sent_body, is_whole=False) == []


@pytest.mark.parametrize("endpoint", EXAMPLES, ids=contract.ids)
def test_the_example_can_be_sent(endpoint: Endpoint) -> None:
    """The specification's example of a request is sent unchanged."""
    example = valid_part(endpoint.operation)

    request = call(endpoint, {**ids_of(endpoint), **example})

    assert plain(json.loads(request.content)) == plain(example)


def valid_part(operation: spec.Operation) -> dict[str, Any]:
    """Return the fields of an example that its schema allows, after parsing those in strings."""
    fields = dict[str, Any]()
    for name, schema in writable(operation).items():
        value = operation.request["example"].get(name)
        if isinstance(value, str) and spec.resolved(schema)["type"] != "string":
            value = json.loads(value)
        if not spec.violations(schema, value, is_whole=False):
            fields[name] = value
    return fields


def test_an_access_token_is_requested_as_specified() -> None:
    """The client sends the fields of the specification, and accepts the status 201."""
    operation = spec.operation("POST", "/token")
    requests = list[httpx.Request]()

    async def respond(request: httpx.Request) -> httpx.Response:
        await request.aread()
        requests.append(request)
        token = {"access_token": "a", "token_type": "Bearer", "expires_in": "3600"}
        if len(requests) == 1:
            return httpx.Response(201, json=token)
        return httpx.Response(200, json=[])

    async def main() -> None:
        transport = httpx.MockTransport(respond)
        async with Sikoia(str(uuid4()), "a-secret", transport=transport) as sikoia:
            assert await sikoia.users.list() == ()

    anyio.run(main)
    form = dict(parse_qsl(requests[0].content.decode()))
    assert requests[0].url.path == "/token"
    assert spec.violations(operation.request["schema"], form) == []
