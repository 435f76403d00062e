"""The register of companies, and the directors it makes up."""

from typing import Any

import httpx
import pytest

COMPANY = {
    "company_name": "Acme Example",
    "company_number": "12345678",
    "jurisdiction_code": "GB",
    "registry_search": True,
}


def test_a_search_fills_the_company_in(client: httpx.Client, case: str) -> None:
    """A company that can be looked up has a status, officers and owners."""
    answer = client.post(f"{case}/entities", json={"companies": [COMPANY]}).json()

    found = answer["companies"][0]
    assert found["status"] == "Active"
    assert found["number_of_officers"] in (1, 2)
    assert found["number_of_owners"] in (1, 2, 3)
    assert answer["persons"] == []


@pytest.mark.parametrize("number", ["12345678", "12345679"])
def test_directors_are_added_as_officers(client: httpx.Client, case: str, number: str) -> None:
    """As many persons come along as the register counts officers, and they work there."""
    company = {**COMPANY, "company_number": number, "add_directors": True}

    answer = client.post(f"{case}/entities", json={"companies": [company]}).json()

    assert len(answer["persons"]) == answer["companies"][0]["number_of_officers"]
    assert all(person["is_officer"] for person in answer["persons"])
    assert {person["employer"] for person in answer["persons"]} == {"Acme Example"}


@pytest.mark.parametrize(
    "changes", [{"company_number": "99000004"}, {"company_number": ""}, {"jurisdiction_code": None}]
)
def test_a_miss_does_not_fail_the_request(
    client: httpx.Client, case: str, changes: dict[str, Any]
) -> None:
    """A company the register lacks is added as it was sent, without directors."""
    company = {**COMPANY, "add_directors": True, **changes}

    response = client.post(f"{case}/entities", json={"companies": [company]})

    assert response.status_code == 201
    assert response.json()["companies"][0]["status"] == "unknown"
    assert response.json()["persons"] == []
