"""The companies and persons of a case."""

from typing import Any

import httpx
import pytest

COMPANY = {"company_name": "Acme Example", "company_number": "12345678", "jurisdiction_code": "GB"}
PERSON = {"first_name": "Sample", "last_name": "Person", "employer": "Acme Example"}
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def full(client: httpx.Client, case: str) -> dict[str, Any]:
    """Fill a case with a company and a person."""
    body = {"companies": [COMPANY], "persons": [PERSON]}
    answer: dict[str, Any] = client.post(f"{case}/entities", json=body).json()
    return answer


def test_added_entities_have_every_field(client: httpx.Client, case: str) -> None:
    """The answer is 201 and the whole case: ids given, unknown things null or nought."""
    response = client.post(f"{case}/entities", json={"companies": [COMPANY], "persons": [PERSON]})

    assert response.status_code == 201
    answer = response.json()
    assert (answer["number_of_companies"], answer["number_of_persons"]) == (1, 1)
    assert answer["companies"] == [
        {
            **COMPANY,
            "company_id": answer["companies"][0]["company_id"],
            "status": "unknown",
            "number_of_officers": 0,
            "number_of_owners": 0,
            "media_adverse_requested": False,
            "pep_sanction_requested": False,
        }
    ]
    assert answer["persons"] == [
        {
            **PERSON,
            "person_id": answer["persons"][0]["person_id"],
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


def test_an_update_changes_what_it_names(client: httpx.Client, full: dict[str, Any]) -> None:
    """The answer is 201; the full name follows the last name, and an empty string clears."""
    company_id = full["companies"][0]["company_id"]
    person_id = full["persons"][0]["person_id"]
    body = {
        "companies": [{"company_id": company_id, "company_number": ""}],
        "persons": [{"person_id": person_id, "last_name": "Changed", "employer": ""}],
    }

    response = client.patch(f"/v2/cases/{full['case_id']}/entities", json=body)

    assert response.status_code == 201
    assert response.json()["companies"] == [{**full["companies"][0], "company_number": None}]
    changed = {"last_name": "Changed", "name": "Sample Changed", "employer": None}
    assert response.json()["persons"] == [{**full["persons"][0], **changed}]


def test_an_update_can_name_companies_only(client: httpx.Client, full: dict[str, Any]) -> None:
    """What a list leaves out stays as it is."""
    company_id = full["companies"][0]["company_id"]
    body = {"companies": [{"company_id": company_id, "company_name": "Other Example"}]}

    answer = client.patch(f"/v2/cases/{full['case_id']}/entities", json=body).json()

    assert answer["companies"] == [{**full["companies"][0], "company_name": "Other Example"}]
    assert answer["persons"] == full["persons"]


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
    client: httpx.Client, full: dict[str, Any], item: dict[str, str], field: str
) -> None:
    """One bad item refuses the lot, and the good one before it is not changed either."""
    path = f"/v2/cases/{full['case_id']}"
    good = {"person_id": full["persons"][0]["person_id"], "employer": "Changed"}

    response = client.patch(f"{path}/entities", json={"persons": [good, item]})

    assert (response.status_code, response.json()["type"]) == (400, "InvalidRequest")
    assert field in response.json()["detail"]
    assert client.get(path).json() == full


def test_entities_are_removed_by_id(client: httpx.Client, full: dict[str, Any]) -> None:
    """The answer is 200 and the case without them."""
    body = {"persons": [full["persons"][0]["person_id"]]}

    response = client.post(f"/v2/cases/{full['case_id']}/entities/delete", json=body)

    assert response.status_code == 200
    assert response.json()["persons"] == []
    assert response.json()["companies"] == full["companies"]


def test_a_removal_is_made_whole_or_not_at_all(client: httpx.Client, full: dict[str, Any]) -> None:
    """One unknown id refuses the lot."""
    path = f"/v2/cases/{full['case_id']}"
    body = {"companies": [full["companies"][0]["company_id"]], "persons": [UNKNOWN]}

    response = client.post(f"{path}/entities/delete", json=body)

    assert (response.status_code, response.json()["type"]) == (400, "InvalidRequest")
    assert "persons[0]" in response.json()["detail"]
    assert client.get(path).json() == full


@pytest.mark.parametrize("body", [{}, {"companies": []}, {"companies": None, "persons": []}])
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/entities"), ("PATCH", "/entities"), ("POST", "/entities/delete")],
    ids=["add", "update", "delete"],
)
def test_a_body_without_entities_is_refused(
    client: httpx.Client, case: str, method: str, path: str, body: dict[str, Any]
) -> None:
    """There must be at least one company or person."""
    response = client.request(method, case + path, json=body)

    assert (response.status_code, response.json()["type"]) == (400, "InvalidRequest")
