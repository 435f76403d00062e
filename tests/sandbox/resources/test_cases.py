"""The operations on cases."""

import httpx
import pytest

from sikoia_async.sandbox import Sandbox

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def test_a_case_is_created_with_every_field(client: httpx.Client) -> None:
    """The answer is 201 and the whole case: defaults filled in, null where nothing is known."""
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


def test_what_was_sent_comes_back(client: httpx.Client) -> None:
    """Every field of the request is in the case, and a later look shows the same case."""
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
    """A case in the list has counts in place of its companies and persons."""
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


def test_an_update_changes_what_it_names(client: httpx.Client, case: str) -> None:
    """Named fields change, null ones do not, and the rest of the case stays."""
    before = client.get(case).json()

    response = client.patch(case, json={"stage": "Rejected", "name": None})

    assert response.status_code == 200
    after = response.json()
    assert after["datetime_last_modified"] >= before["datetime_last_modified"]
    kept = before.keys() - {"stage", "datetime_last_modified"}
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert after["stage"] == "Rejected"


def test_an_empty_string_clears_a_field(client: httpx.Client, case: str) -> None:
    """A text goes with an empty string, the owners with an empty list."""
    client.patch(case, json={"reference": "R1", "ownership": [{"owner_id": "u1"}]})
    filled = client.get(case).json()
    cleared = client.patch(case, json={"reference": "", "ownership": []}).json()

    assert filled["reference"] == "R1"
    assert filled["ownership"] == [{"owner_id": "u1", "owner_type": None}]
    assert cleared["reference"] is None
    assert cleared["ownership"] == []


@pytest.mark.parametrize("body", [{}, {"stage": None}, {"name": ""}, {"stage": ""}])
def test_an_update_that_changes_nothing_or_too_much_is_refused(
    client: httpx.Client, case: str, body: dict[str, str | None]
) -> None:
    """An update names at least one field, and neither name nor stage can be cleared."""
    response = client.patch(case, json=body)

    assert (response.status_code, response.json()["type"]) == (400, "InvalidRequest")


def test_deleting_a_case_takes_its_entities_along(
    sandbox: Sandbox, client: httpx.Client, case: str
) -> None:
    """The answer is 204 without a body; from then on the case is known as deleted."""
    person = {"first_name": "Sample", "last_name": "Person"}
    body = {"persons": [person], "companies": [{"company_name": "Acme Example"}]}
    full = client.post(f"{case}/entities", json=body).json()

    response = client.delete(case)

    assert (response.status_code, response.content) == (204, b"")
    gone = client.get(case)
    assert (gone.status_code, gone.json()["type"]) == (404, "ResourceDeleted")
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
def test_a_case_that_never_was_is_not_found(client: httpx.Client, method: str, path: str) -> None:
    """Every operation on an unknown id answers ResourceNotFound."""
    response = client.request(method, f"/v2/cases/{UNKNOWN}{path}", json={})

    assert (response.status_code, response.json()["type"]) == (404, "ResourceNotFound")
