"""Requests whose treatment is stated in the docs' table of assumptions, over HTTP."""

from collections.abc import Callable, Generator
from typing import Any

import httpx
import pytest

from sikoia_async.sandbox import Rate, Sandbox, Time, Wire

Connect = Callable[[Sandbox], httpx.Client]


@pytest.fixture(scope="module")
def sandbox() -> Generator[Sandbox]:
    """Run a local Sikoia with a paused clock."""
    with Sandbox(time=Time(speed=0), rate=Rate(requests_per_window=10**6)) as running:
        yield running


@pytest.fixture
def entities(client: httpx.Client) -> dict[str, str]:
    """Create a case with a company and a person, and return their ids."""
    body = {
        "name": "Loan",
        "case_type": "Business",
        "companies": [
            {"company_name": "Acme", "company_number": "12345678", "jurisdiction_code": "GB"}
        ],
        "persons": [{"first_name": "Ada", "last_name": "Example", "postal_address": {"city": "X"}}],
    }
    case = client.post("/v2/cases", json=body).json()
    return {
        "Cases": case["case_id"],
        "Companies": case["companies"][0]["company_id"],
        "Persons": case["persons"][0]["person_id"],
    }


LISTS = (
    "openbanking",
    "bankaccounts",
    "peps-sanctions",
    "adverse-media",
    "documents",
    "integrity-checks",
    "affordability-insights",
    "income-employer",
    "validation-checks",
    "insight-data-sources",
    "excel-report",
)


@pytest.mark.parametrize("listed", LISTS)
def test_paths_have_plural_types(
    client: httpx.Client, entities: dict[str, str], listed: str
) -> None:
    """In any letter case. Singular types are unknown."""
    singular = {"Cases": "case", "Companies": "company", "Persons": "person"}
    for kind, entity_id in entities.items():
        for spelt in (kind, kind.lower(), kind.upper()):
            assert client.get(f"/v2/{spelt}/{entity_id}/{listed}").status_code == 200
        for spelt in (singular[kind], singular[kind].title()):
            refused = client.get(f"/v2/{spelt}/{entity_id}/{listed}")
            assert (refused.status_code, refused.json()["type"]) == (404, "ResourceNotFound")


@pytest.mark.parametrize("change", [str.upper, str.title, str.swapcase])
def test_paths_may_have_any_letter_case(
    sandbox: Sandbox, client: httpx.Client, entities: dict[str, str], change: Callable[[str], str]
) -> None:
    """Authentication, prices, faults and the ledger see the usual path."""
    case = entities["Cases"]
    assert client.get(f"{change('/v2/cases/')}{case}").json()["case_id"] == case
    anonymous = client.get(change("/v2/users"), headers={"Authorization": ""})
    assert anonymous.status_code == 401
    path = change("/v2/peps-sanctions")
    body = {"entity_id": entities["Persons"], "entity_type": "person"}
    assert client.post(path, json=body).status_code == 201
    assert sandbox.ledger[-1].cost == 1
    sandbox.faults.add("GET /v2/webhooks/event-types", status=503)
    assert client.get(change("/v2/webhooks/event-types")).status_code == 503
    assert client.get(change("/v2/webhooks/event-types")).status_code == 200
    listed = change("/identity-verifications")
    persons = change("/v2/persons/")
    assert client.get(f"{persons}{entities['Persons']}{listed}").status_code == 200
    assert client.get(change("/v2/nothing")).status_code == 404
    # An id is not a fixed part, even if it looks like one.
    assert client.get("/v2/documents/CASES").status_code == 404


def test_country_codes_may_be_in_lower_case(client: httpx.Client, entities: dict[str, str]) -> None:
    """The responses are the same as in upper case, except for ids and times."""

    def of(path: str, **body: str) -> Any:
        response = client.post(path, json=body)
        assert response.is_success, response.text
        return response.json()

    company, person = entities["Companies"], entities["Persons"]
    for path in ("/v2/company-registry-data", "/v2/company-credit-reports"):
        upper, lower = (
            of(path, company_id=company, company_name="Several Example Ltd", country_code=code)
            for code in ("GB", "gb")
        )
        assert lower["country_code"] == "GB"
        assert lower["picklist"] == upper["picklist"]
    search = "/v2/company-registry-data/search"
    assert of(search, company_name="Some", country_code="gb") == of(
        search, company_name="Some", jurisdiction_code="GB"
    )
    assert of("/v2/identity", person_id=person, country_code="gb")["country_code"] == "GB"
    entity = {"entity_id": person, "entity_type": "person"}
    assert of("/v2/openbanking", country_code="gb", **entity)["country_code"] == "GB"


def test_an_empty_string_clears_an_address(client: httpx.Client, entities: dict[str, str]) -> None:
    """In an update only."""
    path = f"/v2/cases/{entities['Cases']}/entities"
    change = {"person_id": entities["Persons"], "postal_address": ""}
    cleared = client.patch(path, json={"persons": [change]})
    person = {"first_name": "A", "last_name": "B", "postal_address": ""}

    assert cleared.status_code == 201
    assert cleared.json()["persons"][0]["postal_address"] is None
    assert client.post(path, json={"persons": [person]}).status_code == 400
    again = {**change, "postal_address": {"city": "Y"}}
    changed = client.patch(path, json={"persons": [again]}).json()["persons"][0]
    assert changed["postal_address"]["summary_line"] == "Y"


@pytest.mark.parametrize(
    ("path", "flag"),
    [
        ("/v2/peps-sanctions", "pep_sanction_requested"),
        ("/v2/adverse-media", "media_adverse_requested"),
    ],
)
def test_a_search_sets_the_flag_of_its_entity(
    client: httpx.Client, entities: dict[str, str], path: str, flag: str
) -> None:
    """Of companies and people; a case has none."""
    case = f"/v2/cases/{entities['Cases']}"
    for kind, plural in (("company", "Companies"), ("person", "Persons")):
        body = {"entity_type": kind, "entity_id": entities[plural]}
        assert client.post(path, json=body).is_success
    body = {"entity_type": "case", "entity_id": entities["Cases"], "search_term": "Any"}
    assert client.post(path, json=body).is_success
    found = client.get(case).json()
    for one in (found["companies"][0], found["persons"][0]):
        assert {name for name, value in one.items() if value is True} == {flag}


@pytest.mark.parametrize(
    ("wire", "status", "rules"),
    [
        (Wire(), "Complete", 4),
        (Wire(refer_fails=True), "Failed", 4),
        (Wire(all_completeness_rules=False), "Complete", 2),
    ],
)
def test_a_check_with_a_referral(connect: Connect, wire: Wire, status: str, rules: int) -> None:
    """One payslip covers less than three months."""
    with Sandbox(time=Time(speed=0), wire=wire) as sandbox:
        client = connect(sandbox)
        persons = [{"first_name": "Ada", "last_name": "Example"}]
        body = {"name": "Loan", "case_type": "Consumer", "persons": persons}
        (person,) = client.post("/v2/cases", json=body).json()["persons"]
        entity = {"entity_id": person["person_id"], "entity_type": "person"}
        for kind in ("Payslip", "BankStatement"):
            file = {"file": "JVBERg==", "display_name": "A file", "file_name": "a.pdf"}
            client.post("/v2/documents", json={**entity, **file, "document_type": kind})
        sandbox.clock.advance(1)
        types = client.get("/v2/validation-checks/validation-types").json()
        check = {
            **entity,
            "validation_type_id": next(
                one["validation_type_id"]
                for one in types
                if one["entity_type"] == "person" and "payslips" in one["validation_check_name"]
            ),
        }
        both = client.post("/v2/completeness-income-checks", json=check).json()
        path = f"/v2/validation-checks/{_start(client, check)}"
        sandbox.clock.advance(1)
        alone = client.get(path).json()

    completeness = both["completness_verification"]
    assert (completeness["status"], len(completeness["rules"])) == (status, rules)
    assert "Refer" in {rule["decision"] for rule in completeness["rules"]}
    assert (both["income_verification"] is not None) == (status == "Complete")
    assert (alone["status"], len(alone["rules"])) == (status, 2)


def _start(client: httpx.Client, check: dict[str, str]) -> str:
    started: str = client.post("/v2/validation-checks", json=check).json()["validation_instance_id"]
    return started


def test_income_needs_all_completeness_rules(connect: Connect) -> None:
    """Payslips alone are not enough, whatever the check in the request is."""
    with Sandbox(time=Time(speed=0)) as sandbox:
        client = connect(sandbox)
        persons = [{"first_name": "Ada", "last_name": "Example"}]
        body = {"name": "Loan", "case_type": "Consumer", "persons": persons}
        (person,) = client.post("/v2/cases", json=body).json()["persons"]
        entity = {"entity_id": person["person_id"], "entity_type": "person"}
        file = {"file": "JVBERg==", "display_name": "A file", "file_name": "a.pdf"}
        client.post("/v2/documents", json={**entity, **file, "document_type": "Payslip"})
        sandbox.clock.advance(1)
        for kind in client.get("/v2/validation-checks/validation-types").json():
            if kind["entity_type"] == "person":
                check = {**entity, "validation_type_id": kind["validation_type_id"]}
                both = client.post("/v2/completeness-income-checks", json=check).json()
                assert both["completness_verification"]["status"] == "Failed"
                assert both["income_verification"] is None
