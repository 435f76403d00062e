"""The registry search of cases, and the directors that it adds."""

from typing import Any

import httpx
import pytest

COMPANY = {
    "company_name": "Acme Example",
    "company_number": "12345678",
    "jurisdiction_code": "GB",
    "registry_search": True,
}


def test_a_registry_search_completes_the_company(client: httpx.Client, case: str) -> None:
    """With its status and the number of officers and owners."""
    response = client.post(f"{case}/entities", json={"companies": [COMPANY]}).json()

    result = response["companies"][0]
    assert result["status"] == "Active"
    assert result["number_of_officers"] in (1, 2)
    assert result["number_of_owners"] in (1, 2, 3)
    assert response["persons"] == []


@pytest.mark.parametrize("number", ["12345678", "12345679"])
def test_directors_are_added_as_officers(client: httpx.Client, case: str, number: str) -> None:
    """As many people as the register counts officers, employed by the company."""
    company = {**COMPANY, "company_number": number, "add_directors": True}

    response = client.post(f"{case}/entities", json={"companies": [company]}).json()

    assert len(response["persons"]) == response["companies"][0]["number_of_officers"]
    assert all(person["is_officer"] for person in response["persons"])
    assert {person["employer"] for person in response["persons"]} == {"Acme Example"}


@pytest.mark.parametrize(
    "changes", [{"company_number": "99000004"}, {"company_number": ""}, {"jurisdiction_code": None}]
)
def test_an_unregistered_company_is_added_as_sent(
    client: httpx.Client, case: str, changes: dict[str, Any]
) -> None:
    """Without directors."""
    company = {**COMPANY, "add_directors": True, **changes}

    response = client.post(f"{case}/entities", json={"companies": [company]})

    assert response.status_code == 201
    assert response.json()["companies"][0]["status"] == "unknown"
    assert response.json()["persons"] == []
