"""The companies and people of a case."""

from typing import Any

import httpx
import pytest

COMPANY = {"company_name": "Acme Example", "company_number": "12345678", "jurisdiction_code": "GB"}
PERSON = {"first_name": "Sample", "last_name": "Person", "employer": "Acme Example"}
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def case_with_entities(client: httpx.Client, case: str) -> dict[str, Any]:
    """Create a case with a company and a person."""
    body = {"companies": [COMPANY], "persons": [PERSON]}
    response: dict[str, Any] = client.post(f"{case}/entities", json=body).json()
    return response


def test_added_entities_have_every_field(client: httpx.Client, case: str) -> None:
    """The response is a 201 with the whole case: new ids, and null or zero for unknown fields."""
    response = client.post(f"{case}/entities", json={"companies": [COMPANY], "persons": [PERSON]})

    assert response.status_code == 201
    result = response.json()
    assert (result["number_of_companies"], result["number_of_persons"]) == (1, 1)
    assert result["companies"] == [
        {
            **COMPANY,
            "company_id": result["companies"][0]["company_id"],
            "status": "unknown",
            "number_of_officers": 0,
            "number_of_owners": 0,
            "media_adverse_requested": False,
            "pep_sanction_requested": False,
        }
    ]
    assert result["persons"] == [
        {
            **PERSON,
            "person_id": result["persons"][0]["person_id"],
            "name": "Sample Person",
            "email": None,
            "postal_address": None,
            "date_of_birth": None,
            "is_officer": False,
            "appointments": None,
            "reference_person_id": None,
            "media_adverse_requested": False,
            "pep_sanction_requested": False,
        }
    ]


def test_an_update_changes_the_fields_it_sends(
    client: httpx.Client, case_with_entities: dict[str, Any]
) -> None:
    """The response is a 201. The full name follows, and an empty string clears a field."""
    company_id = case_with_entities["companies"][0]["company_id"]
    person_id = case_with_entities["persons"][0]["person_id"]
    body = {
        "companies": [{"company_id": company_id, "company_number": ""}],
        "persons": [{"person_id": person_id, "last_name": "Changed", "employer": ""}],
    }

    response = client.patch(f"/v2/cases/{case_with_entities['case_id']}/entities", json=body)

    assert response.status_code == 201
    assert response.json()["companies"] == [
        {**case_with_entities["companies"][0], "company_number": None}
    ]
    changed = {"last_name": "Changed", "name": "Sample Changed", "employer": None}
    assert response.json()["persons"] == [{**case_with_entities["persons"][0], **changed}]


def test_an_update_may_have_companies_only(
    client: httpx.Client, case_with_entities: dict[str, Any]
) -> None:
    """Entities that are not in it stay."""
    company_id = case_with_entities["companies"][0]["company_id"]
    body = {"companies": [{"company_id": company_id, "company_name": "Other Example"}]}

    response = client.patch(f"/v2/cases/{case_with_entities['case_id']}/entities", json=body).json()

    assert response["companies"] == [
        {**case_with_entities["companies"][0], "company_name": "Other Example"}
    ]
    assert response["persons"] == case_with_entities["persons"]


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({"person_id": UNKNOWN, "employer": "x"}, "persons[1].person_id"),
        ({"employer": "x"}, "persons[1].person_id"),
        ({"person_id": UNKNOWN}, "persons[1]"),
        ({"person_id": UNKNOWN, "first_name": ""}, "persons[1].first_name"),
    ],
    ids=["unknown", "no id", "no field", "cleared name"],
)
def test_an_update_is_made_whole_or_not_at_all(
    client: httpx.Client, case_with_entities: dict[str, Any], item: dict[str, str], field: str
) -> None:
    """One invalid item refuses all, including valid items before it."""
    path = f"/v2/cases/{case_with_entities['case_id']}"
    good = {"person_id": case_with_entities["persons"][0]["person_id"], "employer": "Changed"}

    response = client.patch(f"{path}/entities", json={"persons": [good, item]})

    assert (response.status_code, response.json()["type"]) == (400, "InvalidRequest")
    assert field in response.json()["detail"]
    assert client.get(path).json() == case_with_entities


def test_entities_are_removed_by_id(
    client: httpx.Client, case_with_entities: dict[str, Any]
) -> None:
    """The response is a 200 with the remaining case."""
    body = {"persons": [case_with_entities["persons"][0]["person_id"]]}

    response = client.post(f"/v2/cases/{case_with_entities['case_id']}/entities/delete", json=body)

    assert response.status_code == 200
    assert response.json()["persons"] == []
    assert response.json()["companies"] == case_with_entities["companies"]


def test_a_removal_is_made_whole_or_not_at_all(
    client: httpx.Client, case_with_entities: dict[str, Any]
) -> None:
    """One unknown id refuses all."""
    path = f"/v2/cases/{case_with_entities['case_id']}"
    body = {"companies": [case_with_entities["companies"][0]["company_id"]], "persons": [UNKNOWN]}

    response = client.post(f"{path}/entities/delete", json=body)

    assert (response.status_code, response.json()["type"]) == (400, "InvalidRequest")
    assert "persons[0]" in response.json()["detail"]
    assert client.get(path).json() == case_with_entities


@pytest.mark.parametrize("body", [{}, {"companies": []}, {"companies": None, "persons": []}])
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/entities"), ("PATCH", "/entities"), ("POST", "/entities/delete")],
    ids=["add", "update", "delete"],
)
def test_a_body_without_entities_is_refused(
    client: httpx.Client, case: str, method: str, path: str, body: dict[str, Any]
) -> None:
    """It needs at least one company or person."""
    response = client.request(method, case + path, json=body)

    assert (response.status_code, response.json()["type"]) == (400, "InvalidRequest")
