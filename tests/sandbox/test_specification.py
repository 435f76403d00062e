"""Bodies generated from the specification: invalid ones are refused, valid ones accepted.

`.ci/conformance` runs all of Schemathesis, which tests the same and more.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Generator, Iterator
from copy import deepcopy
from typing import Any, NamedTuple

import attrs
import httpx
import pytest
import spec
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sikoia_async.sandbox import Credentials, Rate, Sandbox

_EVENT = "DocumentProcessing.Completed"
_ADDRESS = {"house_number": "1", "city": "Exampleton"}
_COMPANY = {"company_name": "Widgets Ltd", "company_number": "12345678", "jurisdiction_code": "GB"}
_PERSON = {"first_name": "Wilma", "last_name": "Example", "email": "wilma@sandbox.example"}
_OWNERS = [{"owner_id": "one", "owner_type": "User"}]
# Placeholders in bodies for ids that only the sandbox knows.
_KNOWN = re.compile(r"\{(\w+)\}")
_PERSON_ENTITY = {"entity_type": "person", "entity_id": "{person_id}"}
_SEARCH = _PERSON_ENTITY | {
    "search_term": "Wilma",
    "birth_date": "1985-06-12T00:00:00Z",
    "fuzziness": 0.5,
}
_COMPANY_REQUEST = {
    "company_id": "{company_id}",
    "company_name": "Several Example Ltd",
    "country_code": "GB",
}
_PARAMETERS = [{"source_id": "{document_id}", "source_category_type": "Document"}]
_CHECK = _PERSON_ENTITY | {
    "validation_type_id": "{validation_type_id}",
    "checklist_params": _PARAMETERS,
}
_WEBHOOK = {
    "webhook_name": "All",
    "webhook_callback_url": "https://127.0.0.1:1/hook",
    "event_types": [_EVENT],
}
_ADDED = {
    "companies": [_COMPANY],
    "persons": [{**_PERSON, "postal_address": _ADDRESS, "date_of_birth": "1985-06-12"}],
}
_UPDATED = {
    "companies": [{"company_id": "{company_id}", "company_name": "Other Ltd"}],
    "persons": [{"person_id": "{person_id}", "postal_address": _ADDRESS}],
}
_BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/v2/cases"): {
        "name": "Loan",
        "case_type": "Business",
        "ownership": _OWNERS,
        **_ADDED,
    },
    ("PATCH", "/v2/cases/{case_id}"): {"name": "Loan", "ownership": _OWNERS},
    ("POST", "/v2/cases/{case_id}/entities"): _ADDED,
    ("PATCH", "/v2/cases/{case_id}/entities"): _UPDATED,
    ("POST", "/v2/cases/{case_id}/entities/delete"): {"persons": ["{lost_id}"], "companies": []},
    ("POST", "/v2/webhooks"): _WEBHOOK,
    ("PATCH", "/v2/webhooks/{webhook_id}"): _WEBHOOK,
    ("POST", "/v2/company-registry-data"): _COMPANY_REQUEST,
    ("POST", "/v2/company-registry-data/picklist"): {
        "request_id": "{registry_id}",
        "picklist_index": 1,
    },
    ("POST", "/v2/company-registry-data/search"): _COMPANY_REQUEST,
    ("POST", "/v2/company-credit-reports"): _COMPANY_REQUEST,
    ("POST", "/v2/company-credit-reports/picklist"): {
        "request_id": "{credit_id}",
        "picklist_index": 1,
    },
    ("POST", "/v2/company-online-data"): {"company_id": "{company_id}"},
    ("POST", "/v2/openbanking"): _PERSON_ENTITY,
    ("POST", "/v2/peps-sanctions"): _SEARCH,
    ("POST", "/v2/adverse-media"): _SEARCH,
    ("POST", "/v2/documents"): {
        **_PERSON_ENTITY,
        "file": b64encode(b"%PDF-1.7 nothing").decode(),
        "display_name": "A payslip",
        "file_name": "payslip.pdf",
    },
    ("POST", "/v2/identity"): {"person_id": "{person_id}"},
    ("POST", "/v2/affordability-insights"): _PERSON_ENTITY,
    ("POST", "/v2/income-employer"): _PERSON_ENTITY,
    ("POST", "/v2/validation-checks"): _CHECK,
    ("POST", "/v2/completeness-income-checks"): _CHECK,
}
# Fields that are not generated, because a schema does not know which ids exist.
_KEPT = (
    "company_id",
    "person_id",
    "entity_id",
    "request_id",
    "validation_type_id",
    "event_types",
    "webhook_callback_url",
)
# A field that is null although its schema does not allow it.
_NULL = ".document_id: NoneType for string"
_READ = (
    "/v2/cases",
    "/v2/cases/{case_id}",
    "/v2/companies/{company_id}/registry-data",
    "/v2/companies/{company_id}/credit-reports",
    "/v2/companies/{company_id}/online-data",
    "/v2/persons/{person_id}/identity-verifications",
    "/v2/webhooks",
    "/v2/{entity_type}/{entity_id}/adverse-media",
    "/v2/{entity_type}/{entity_id}/affordability-insights",
    "/v2/{entity_type}/{entity_id}/bankaccounts",
    "/v2/{entity_type}/{entity_id}/documents",
    "/v2/{entity_type}/{entity_id}/income-employer",
    "/v2/{entity_type}/{entity_id}/insight-data-sources",
    "/v2/{entity_type}/{entity_id}/integrity-checks",
    "/v2/{entity_type}/{entity_id}/openbanking",
    "/v2/{entity_type}/{entity_id}/peps-sanctions",
    "/v2/{entity_type}/{entity_id}/validation-checks",
)


@attrs.frozen
class Seeded:
    """A sandbox with one record of each kind."""

    client: httpx.Client
    ids: dict[str, str]

    def call(self, method: str, path: str, body: Any = None, **query: str) -> httpx.Response:
        """Send a request to a path with the ids of the records."""
        return self.client.request(method, path.format(**self.ids), json=body, params=query)

    def with_ids(self, body: Any) -> Any:
        """Put the ids of the records into a body."""
        if isinstance(body, dict):
            return {name: self.with_ids(value) for name, value in body.items()}  # pyright: ignore[reportUnknownVariableType]
        if isinstance(body, list):
            return [self.with_ids(value) for value in body]  # pyright: ignore[reportUnknownVariableType]
        if isinstance(body, str):
            return _KNOWN.sub(lambda match: self.ids[match[1]], body)
        return body


class InvalidBody(NamedTuple):
    """A request that violates the specification, and where."""

    method: str
    path: str
    kind: str
    field: str
    body: Any

    def __str__(self) -> str:
        return f"{self.method} {self.path}: {self.field} {self.kind}"


@pytest.fixture(scope="module")
def seeded(connect: Callable[[Sandbox], httpx.Client]) -> Generator[Seeded]:
    """Run a sandbox with a case, a company, a person, and records about them."""
    with Sandbox(
        work_time=0, rate=Rate(requests_per_window=10**6), credentials=Credentials(token_life=10**6)
    ) as sandbox:
        seeded = Seeded(connect(sandbox), {"entity_type": "Persons"})

        def create(name: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
            response = seeded.call("POST", path, seeded.with_ids(body))
            assert response.is_success, response.text
            record: dict[str, Any] = response.json()
            seeded.ids[name] = record[name if name in record else "request_id"]
            return record

        two = [_PERSON, {**_PERSON, "first_name": "Lost"}]
        body = {"name": "Loan", "case_type": "Business", "companies": [_COMPANY], "persons": two}
        case = create("case_id", "/v2/cases", body)
        seeded.ids["company_id"] = case["companies"][0]["company_id"]
        person, lost = (person["person_id"] for person in case["persons"])
        seeded.ids.update(person_id=person, entity_id=person, lost_id=lost)
        create("webhook_id", "/v2/webhooks", _WEBHOOK)
        create("document_id", "/v2/documents", _BODIES["POST", "/v2/documents"])
        create("registry_id", "/v2/company-registry-data", _COMPANY_REQUEST)
        create("credit_id", "/v2/company-credit-reports", _COMPANY_REQUEST)
        for kind in seeded.call("GET", "/v2/validation-checks/validation-types").json():
            if kind["entity_type"] == "person":
                seeded.ids["validation_type_id"] = kind["validation_type_id"]
        yield seeded


def invalid_bodies() -> Iterator[InvalidBody]:
    """Return bodies that violate each rule for each field of the specification."""
    for (method, path), body in _BODIES.items():
        schema = spec.operation(method, path).request["schema"]
        for kind, field, value in _invalid_values(schema, body):
            yield InvalidBody(method, path, kind, field, value)


def _invalid_values(schema: dict[str, Any], value: Any) -> Iterator[tuple[str, str, Any]]:
    resolved = spec.resolved(schema)
    if value is not None and resolved["type"] == "array":
        yield from _invalid_items(resolved["items"], value)
    if value is not None and resolved["type"] == "object":
        yield from _invalid_fields(resolved, value)


def _invalid_items(schema: dict[str, Any], items: list[Any]) -> Iterator[tuple[str, str, Any]]:
    for kind, wrong in _wrong(schema):
        yield kind, "[0]", [wrong]
    for kind, field, value in _invalid_values(schema, next(iter(items), None)):
        yield kind, f"[0].{field}", [value]


def _invalid_fields(
    schema: dict[str, Any], fields: dict[str, Any]
) -> Iterator[tuple[str, str, Any]]:
    yield "is unknown", "surprise", {**fields, "surprise": 1}
    for name in schema.get("required", ()):
        yield "is missing", name, {key: one for key, one in fields.items() if key != name}
    for name, one in spec.properties(schema).items():
        for kind, wrong in _wrong(one):
            yield kind, name, {**fields, name: wrong}
        for kind, field, value in _invalid_values(one, fields.get(name)):
            yield kind, f"{name}.{field}".replace(".[", "["), {**fields, name: value}


_OTHER_TYPES: dict[str, Any] = {
    "string": 5,
    "integer": "much",
    "number": "much",
    "boolean": "yes",
    "array": "many",
    "object": 5,
}


def _wrong(schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    resolved = spec.resolved(schema)
    yield "has another type", _OTHER_TYPES[resolved["type"]]
    is_written = not resolved.get("readOnly")
    if not spec.is_nullable(schema) and is_written:
        yield "is null", None
    if "enum" in resolved:
        yield "is not in the enum", "Surprise"
    if "maxLength" in resolved:
        yield "is too long", "x" * (resolved["maxLength"] + 1)
    if "minLength" in resolved:
        yield "is too short", ""
    if "minItems" in resolved:
        yield "has no items", []
    if resolved.get("exclusiveMinimum"):
        yield "is too low", resolved["minimum"]
    if resolved["type"] == "string" and {"pattern", "format"} & resolved.keys() and is_written:
        yield "has another form", "surprise"


@pytest.mark.parametrize("invalid", [*invalid_bodies()], ids=str)
def test_invalid_bodies_are_refused(seeded: Seeded, invalid: InvalidBody) -> None:
    """With 400 and a detail that names the field, but not its value."""
    response = seeded.call(invalid.method, invalid.path, seeded.with_ids(invalid.body))

    assert (response.status_code, response.json()["type"]) == (400, "InvalidRequest"), response.text
    assert invalid.field in response.json()["detail"]
    assert "urprise" not in response.json()["detail"].replace("surprise is not a field", "")


def _queries() -> Iterator[tuple[str, str, str]]:
    for (method, path), operation in spec.operations().items():
        for name, schema in operation.query.items():
            resolved = spec.resolved(schema)
            if "enum" in resolved or resolved["type"] != "string":
                yield method, path, name


@pytest.mark.parametrize(("method", "path", "name"), [*_queries()])
def test_invalid_queries_are_refused(seeded: Seeded, method: str, path: str, name: str) -> None:
    """With 400, even where the specification does not declare it."""
    body = seeded.with_ids(_BODIES.get((method, path)))

    response = seeded.call(method, path, body, **{name: "surprise"})

    assert (response.status_code, response.json()["type"]) == (400, "InvalidRequest")
    assert name in response.json()["detail"]
    assert "surprise" not in response.text


@pytest.mark.parametrize("request_id", ["", "surprise"])
def test_a_page_after_an_unknown_request_is_not_found(seeded: Seeded, request_id: str) -> None:
    """The specification declares no 400 for this path."""
    path = "/v2/webhooks/{webhook_id}/requests"

    assert seeded.call("GET", path, after_request_id=request_id).status_code == 404


def test_every_body_of_the_specification_is_tested() -> None:
    """No operation with a JSON body is left out."""
    with_body = {key for key, one in spec.operations().items() if one.request}

    assert {*_BODIES, ("POST", "/token")} == with_body


@pytest.mark.parametrize(("method", "path"), [*_BODIES])
def test_responses_to_valid_bodies_match_the_specification(
    seeded: Seeded, method: str, path: str
) -> None:
    """They have a declared status and every field of its schema."""
    operation, base = spec.operation(method, path), seeded.with_ids(_BODIES[method, path])
    succeeded: list[Any] = []

    @settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
    @example(body={}, kept=1)  # the known body as it is, which succeeds
    @given(body=spec.values(operation.request["schema"]), kept=st.integers(0, 3))
    def call(body: dict[str, Any], kept: int) -> None:
        ids = {name: value for name, value in base.items() if name in _KEPT}
        # A quarter of the bodies is generated entirely, and a quarter has a single change.
        sent = {0: body, 1: {**base, **body, **ids}, 2: _with_one_change(base, body) | ids}.get(
            kept, {**body, **ids}
        )
        response = seeded.call(method, path, sent)

        assert response_problems(operation, response) == []
        if response.is_success:
            succeeded.append(response)

    call()

    read = [(one, seeded.call("GET", one)) for one in _READ]
    assert [response_problems(spec.operation("GET", one), response) for one, response in read] == [
        []
    ] * len(read)
    # The person can be deleted only once.
    assert succeeded or path.endswith("/delete")


def _with_one_change(base: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Return the base body with one of the generated fields."""
    return {**deepcopy(base), **dict(list(body.items())[-1:])}


def response_problems(operation: spec.Operation, response: httpx.Response) -> list[str]:
    """Return where a response violates the specification; a 400 need not be declared."""
    declared = operation.responses.get(response.status_code, operation.responses.get(401))
    if response.status_code not in {*operation.responses, 400} or response.status_code >= 500:
        return [f"{response.status_code}: {response.text}"]
    if not declared:
        return []
    problems = spec.violations(declared["schema"], response.json())
    return [one for one in problems if not one.endswith(_NULL)]
