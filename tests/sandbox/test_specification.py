"""Requests that the specification generates: broken ones are refused, the others answered by it.

All of Schemathesis asks the same, and more, in `.ci/conformance`.
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
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sikoia_async.sandbox import Sandbox

_EVENT = "DocumentProcessing.Completed"
_ADDRESS = {"house_number": "1", "city": "Exampleton"}
_COMPANY = {"company_name": "Widgets Ltd", "company_number": "12345678", "jurisdiction_code": "GB"}
_PERSON = {"first_name": "Wilma", "last_name": "Example", "email": "wilma@sandbox.example"}
_OWNERS = [{"owner_id": "one", "owner_type": "User"}]
# What only the sandbox knows is written so in a body.
_KNOWN = re.compile(r"\{(\w+)\}")
_WHO = {"entity_type": "person", "entity_id": "{person_id}"}
_SEARCH = _WHO | {"search_term": "Wilma", "birth_date": "1985-06-12T00:00:00Z", "fuzziness": 0.5}
_ABOUT = {"company_id": "{company_id}", "company_name": "Several Example Ltd", "country_code": "GB"}
_PARAMETERS = [{"source_id": "{document_id}", "source_category_type": "Document"}]
_CHECK = _WHO | {"validation_type_id": "{validation_type_id}", "checklist_params": _PARAMETERS}
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
    ("POST", "/v2/company-registry-data"): _ABOUT,
    ("POST", "/v2/company-registry-data/picklist"): {
        "request_id": "{registry_id}",
        "picklist_index": 1,
    },
    ("POST", "/v2/company-registry-data/search"): _ABOUT,
    ("POST", "/v2/company-credit-reports"): _ABOUT,
    ("POST", "/v2/company-credit-reports/picklist"): {
        "request_id": "{credit_id}",
        "picklist_index": 1,
    },
    ("POST", "/v2/company-online-data"): {"company_id": "{company_id}"},
    ("POST", "/v2/openbanking"): _WHO,
    ("POST", "/v2/peps-sanctions"): _SEARCH,
    ("POST", "/v2/adverse-media"): _SEARCH,
    ("POST", "/v2/documents"): {
        **_WHO,
        "file": b64encode(b"%PDF-1.7 nothing").decode(),
        "display_name": "A payslip",
        "file_name": "payslip.pdf",
    },
    ("POST", "/v2/identity"): {"person_id": "{person_id}"},
    ("POST", "/v2/affordability-insights"): _WHO,
    ("POST", "/v2/income-employer"): _WHO,
    ("POST", "/v2/validation-checks"): _CHECK,
    ("POST", "/v2/completeness-income-checks"): _CHECK,
}
# What is not generated: a schema does not say what is there.
_KEPT = (
    "company_id",
    "person_id",
    "entity_id",
    "request_id",
    "validation_type_id",
    "event_types",
    "webhook_callback_url",
)
# What is null though its schema does not say that it may be.
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
class Sown:
    """A sandbox with one thing of each kind in it."""

    client: httpx.Client
    ids: dict[str, str]

    def ask(self, method: str, path: str, body: Any = None, **query: str) -> httpx.Response:
        """Ask about what is there."""
        return self.client.request(method, path.format(**self.ids), json=body, params=query)

    def filled(self, body: Any) -> Any:
        """Put the ids of what is there into a body."""
        if isinstance(body, dict):
            return {name: self.filled(value) for name, value in body.items()}  # pyright: ignore[reportUnknownVariableType]
        if isinstance(body, list):
            return [self.filled(value) for value in body]  # pyright: ignore[reportUnknownVariableType]
        if isinstance(body, str):
            return _KNOWN.sub(lambda found: self.ids[found[1]], body)
        return body


class Breach(NamedTuple):
    """A request that breaks the specification, and where."""

    method: str
    path: str
    kind: str
    field: str
    body: Any

    def __str__(self) -> str:
        return f"{self.method} {self.path}: {self.field} {self.kind}"


@pytest.fixture(scope="module")
def sown(connect: Callable[[Sandbox], httpx.Client]) -> Generator[Sown]:
    """Run a sandbox with a case, a company, a person, and all that is asked for about them."""
    with Sandbox(work_time=0, limit=10**6, token_life=10**6) as sandbox:
        sown = Sown(connect(sandbox), {"entity_type": "Persons"})

        def make(name: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
            answer = sown.ask("POST", path, sown.filled(body))
            assert answer.is_success, answer.text
            found: dict[str, Any] = answer.json()
            sown.ids[name] = found[name if name in found else "request_id"]
            return found

        two = [_PERSON, {**_PERSON, "first_name": "Lost"}]
        body = {"name": "Loan", "case_type": "Business", "companies": [_COMPANY], "persons": two}
        case = make("case_id", "/v2/cases", body)
        sown.ids["company_id"] = case["companies"][0]["company_id"]
        person, lost = (person["person_id"] for person in case["persons"])
        sown.ids.update(person_id=person, entity_id=person, lost_id=lost)
        make("webhook_id", "/v2/webhooks", _WEBHOOK)
        make("document_id", "/v2/documents", _BODIES["POST", "/v2/documents"])
        make("registry_id", "/v2/company-registry-data", _ABOUT)
        make("credit_id", "/v2/company-credit-reports", _ABOUT)
        for kind in sown.ask("GET", "/v2/validation-checks/validation-types").json():
            if kind["entity_type"] == "person":
                sown.ids["validation_type_id"] = kind["validation_type_id"]
        yield sown


def breaches() -> Iterator[Breach]:
    """Break each field of each body in each way that its schema knows."""
    for (method, path), body in _BODIES.items():
        schema = spec.operation(method, path).request["schema"]
        for kind, field, broken in _broken(schema, body):
            yield Breach(method, path, kind, field, broken)


def _broken(schema: dict[str, Any], value: Any) -> Iterator[tuple[str, str, Any]]:
    found = spec.resolved(schema)
    if value is not None and found["type"] == "array":
        yield from _broken_items(found["items"], value)
    if value is not None and found["type"] == "object":
        yield from _broken_fields(found, value)


def _broken_items(schema: dict[str, Any], items: list[Any]) -> Iterator[tuple[str, str, Any]]:
    for kind, wrong in _wrong(schema):
        yield kind, "[0]", [wrong]
    for kind, field, broken in _broken(schema, next(iter(items), None)):
        yield kind, f"[0].{field}", [broken]


def _broken_fields(
    schema: dict[str, Any], fields: dict[str, Any]
) -> Iterator[tuple[str, str, Any]]:
    yield "is unknown", "surprise", {**fields, "surprise": 1}
    for name in schema.get("required", ()):
        yield "is missing", name, {key: one for key, one in fields.items() if key != name}
    for name, one in spec.properties(schema).items():
        for kind, wrong in _wrong(one):
            yield kind, name, {**fields, name: wrong}
        for kind, field, broken in _broken(one, fields.get(name)):
            yield kind, f"{name}.{field}".replace(".[", "["), {**fields, name: broken}


_OTHER_TYPES: dict[str, Any] = {
    "string": 5,
    "integer": "much",
    "number": "much",
    "boolean": "yes",
    "array": "many",
    "object": 5,
}


def _wrong(schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    found = spec.resolved(schema)
    yield "has another type", _OTHER_TYPES[found["type"]]
    is_written = not found.get("readOnly")
    if not spec.is_nullable(schema) and is_written:
        yield "is null", None
    if "enum" in found:
        yield "is not in the enum", "Surprise"
    if "maxLength" in found:
        yield "is too long", "x" * (found["maxLength"] + 1)
    if "minLength" in found:
        yield "is too short", ""
    if "minItems" in found:
        yield "has no items", []
    if found.get("exclusiveMinimum"):
        yield "is too low", found["minimum"]
    if found["type"] == "string" and {"pattern", "format"} & found.keys() and is_written:
        yield "has another form", "surprise"


@pytest.mark.parametrize("breach", [*breaches()], ids=str)
def test_a_broken_body_is_refused_by_the_name_of_its_field(sown: Sown, breach: Breach) -> None:
    """As 400, with a detail that tells which field, and not what is in it."""
    answer = sown.ask(breach.method, breach.path, sown.filled(breach.body))

    assert (answer.status_code, answer.json()["type"]) == (400, "InvalidRequest"), answer.text
    assert breach.field in answer.json()["detail"]
    assert "urprise" not in answer.json()["detail"].replace("surprise is not a field", "")


def _queries() -> Iterator[tuple[str, str, str]]:
    for (method, path), operation in spec.operations().items():
        for name, schema in operation.query.items():
            found = spec.resolved(schema)
            if "enum" in found or found["type"] != "string":
                yield method, path, name


@pytest.mark.parametrize(("method", "path", "name"), [*_queries()])
def test_a_broken_query_is_refused_by_the_name_of_its_parameter(
    sown: Sown, method: str, path: str, name: str
) -> None:
    """Also where the specification forgets its 400."""
    body = sown.filled(_BODIES.get((method, path)))

    answer = sown.ask(method, path, body, **{name: "surprise"})

    assert (answer.status_code, answer.json()["type"]) == (400, "InvalidRequest")
    assert name in answer.json()["detail"]
    assert "surprise" not in answer.text


@pytest.mark.parametrize("request_id", ["", "surprise"])
def test_a_page_begins_after_a_request_that_is_there(sown: Sown, request_id: str) -> None:
    """Whatever else it is to begin after, is not found: this path has no 400 either."""
    path = "/v2/webhooks/{webhook_id}/requests"

    assert sown.ask("GET", path, after_request_id=request_id).status_code == 404


def test_every_body_of_the_specification_is_broken_and_generated() -> None:
    """No operation with a JSON body is left out."""
    with_body = {key for key, one in spec.operations().items() if one.request}

    assert {*_BODIES, ("POST", "/token")} == with_body


@pytest.mark.parametrize(("method", "path"), [*_BODIES])
def test_whatever_is_sent_the_answer_is_one_of_the_specification(
    sown: Sown, method: str, path: str
) -> None:
    """Bodies that the schema allows get a declared status, and every field of its schema."""
    operation, base = spec.operation(method, path), sown.filled(_BODIES[method, path])
    succeeded: list[Any] = []

    @settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
    @given(body=spec.values(operation.request["schema"]), kept=st.integers(0, 3))
    def ask(body: dict[str, Any], kept: int) -> None:
        ids = {name: value for name, value in base.items() if name in _KEPT}
        # One of four has nothing but what was generated, and one of four only a field changed.
        sent = {0: body, 1: {**base, **body, **ids}, 2: _little(base, body) | ids}.get(
            kept, {**body, **ids}
        )
        answer = sown.ask(method, path, sent)

        assert amiss(operation, answer) == []
        if answer.is_success:
            succeeded.append(answer)

    ask()

    read = [(one, sown.ask("GET", one)) for one in _READ]
    assert [amiss(spec.operation("GET", one), answer) for one, answer in read] == [[]] * len(read)
    # Who is deleted once cannot be again.
    assert succeeded or path.endswith("/delete")


def _little(base: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Take a body with one of the generated fields."""
    return {**deepcopy(base), **dict(list(body.items())[-1:])}


def amiss(operation: spec.Operation, answer: httpx.Response) -> list[str]:
    """Tell what an answer has that the specification does not; a 400 may have been forgotten."""
    declared = operation.responses.get(answer.status_code, operation.responses.get(401))
    if answer.status_code not in {*operation.responses, 400} or answer.status_code >= 500:
        return [f"{answer.status_code}: {answer.text}"]
    if not declared:
        return []
    found = spec.violations(declared["schema"], answer.json())
    return [one for one in found if not one.endswith(_NULL)]
