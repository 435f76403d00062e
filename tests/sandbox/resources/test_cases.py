"""The operations on cases."""

import httpx
import pytest

from sikoia_async.sandbox import Sandbox

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def test_a_case_is_created_with_every_field(client: httpx.Client) -> None:
    """The response is a 201 with defaults filled in and null for unknown fields."""
    response = client.post("/v2/cases", json={"name": "Loan", "case_type": "Consumer"})

    assert response.status_code == 201
    case = response.json()
    created = case["datetime_created"]
    assert case == {
        "case_id": case["case_id"],
        "name": "Loan",
        "case_type": "Consumer",
        "stage": "New",
        "datetime_created": created,
        "datetime_last_modified": created,
        "reference": None,
        "reference_customer_id": None,
        "reference_customer_name": None,
        "description": None,
        "source": "API",
        "owner": None,
        "ownership": [],
        "number_of_companies": 0,
        "number_of_persons": 0,
        "companies": [],
        "persons": [],
    }


def test_every_field_is_stored(client: httpx.Client) -> None:
    """A later GET returns the same case."""
    sent = {
        "name": "Loan",
        "case_type": "Business",
        "stage": "Approved",
        "reference": "R1",
        "reference_customer_id": "C1",
        "reference_customer_name": "Building Society Example",
        "description": "A new roof",
        "source": "Broker",
        "owner": "Adminia Example",
        "ownership": [{"owner_id": "u1", "owner_type": "User"}],
    }

    created = client.post("/v2/cases", json=sent).json()

    assert created.items() >= sent.items()
    assert client.get(f"/v2/cases/{created['case_id']}").json() == created


def test_the_list_has_summaries_newest_first(client: httpx.Client) -> None:
    """With counts instead of companies and people."""
    entities = {
        "companies": [{"company_name": "Acme Example"}],
        "persons": [{"first_name": "Sample", "last_name": "Person"}] * 2,
    }
    client.post("/v2/cases", json={"name": "Older", "case_type": "Business"})
    newest = {"name": "Newest", "case_type": "Business", **entities}
    created = client.post("/v2/cases", json=newest).json()

    first, second, *_ = client.get("/v2/cases").json()

    assert (first["name"], second["name"]) == ("Newest", "Older")
    assert (first["number_of_companies"], first["number_of_persons"]) == (1, 2)
    assert first.keys() == created.keys() - {"companies", "persons"}


def test_an_update_changes_the_fields_it_sends(client: httpx.Client, case: str) -> None:
    """Null and missing fields stay."""
    before = client.get(case).json()

    response = client.patch(case, json={"stage": "Rejected", "name": None})

    assert response.status_code == 200
    after = response.json()
    assert after["datetime_last_modified"] >= before["datetime_last_modified"]
    kept = before.keys() - {"stage", "datetime_last_modified"}
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert after["stage"] == "Rejected"


def test_an_empty_string_clears_a_field(client: httpx.Client, case: str) -> None:
    """An empty list clears the owners."""
    client.patch(case, json={"reference": "R1", "ownership": [{"owner_id": "u1"}]})
    filled = client.get(case).json()
    cleared = client.patch(case, json={"reference": "", "ownership": []}).json()

    assert filled["reference"] == "R1"
    assert filled["ownership"] == [{"owner_id": "u1", "owner_type": None}]
    assert cleared["reference"] is None
    assert cleared["ownership"] == []


@pytest.mark.parametrize("body", [{}, {"stage": None}, {"name": ""}, {"stage": ""}])
def test_invalid_updates_are_refused(
    client: httpx.Client, case: str, body: dict[str, str | None]
) -> None:
    """An update needs a field, and cannot clear the name or the stage."""
    response = client.patch(case, json=body)

    assert (response.status_code, response.json()["type"]) == (400, "InvalidRequest")


def test_entities_are_deleted_with_their_case(
    sandbox: Sandbox, client: httpx.Client, case: str
) -> None:
    """The response is a 204 without a body; later requests say that the case was deleted."""
    person = {"first_name": "Sample", "last_name": "Person"}
    body = {"persons": [person], "companies": [{"company_name": "Acme Example"}]}
    full = client.post(f"{case}/entities", json=body).json()

    response = client.delete(case)

    assert (response.status_code, response.content) == (204, b"")
    deleted = client.get(case)
    assert (deleted.status_code, deleted.json()["type"]) == (404, "ResourceDeleted")
    assert {
        full["case_id"],
        full["persons"][0]["person_id"],
        full["companies"][0]["company_id"],
    } <= sandbox.state.deleted


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/entities"),
        ("PATCH", "/entities"),
        ("POST", "/entities/delete"),
    ],
)
def test_an_unknown_case_is_not_found(client: httpx.Client, method: str, path: str) -> None:
    """By any operation."""
    response = client.request(method, f"/v2/cases/{UNKNOWN}{path}", json={})

    assert (response.status_code, response.json()["type"]) == (404, "ResourceNotFound")
