"""The request bodies of the operations on cases."""

from typing import Any

import httpx
import pytest

COMPANY = {"company_name": "Acme Example"}
PERSON = {"first_name": "Sample", "last_name": "Person"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"case_type": "Secret"}, "case_type"),
        ({"stage": "Secret"}, "stage"),
        ({"secrets": "Secret"}, "secrets"),
        ({"reference": ["Secret"]}, "reference"),
        ({"ownership": [{"owner_type": "Secret"}]}, "ownership[0].owner_type"),
        ({"companies": [dict[str, str]()]}, "companies[0].company_name"),
        (
            {"companies": [{**COMPANY, "jurisdiction_code": "Secret"}]},
            "companies[0].jurisdiction_code",
        ),
        # An empty text clears a field, and there is nothing to clear yet.
        ({"companies": [{**COMPANY, "jurisdiction_code": ""}]}, "companies[0].jurisdiction_code"),
        ({"companies": [{**COMPANY, "jurisdiction_code": "ZZ"}]}, "companies[0].jurisdiction_code"),
        ({"companies": [{**COMPANY, "jurisdiction_code": "UK"}]}, "companies[0].jurisdiction_code"),
        ({"persons": [{**PERSON, "email": ""}]}, "persons[0].email"),
        (
            {"companies": [COMPANY, {**COMPANY, "add_directors": True}]},
            "companies[1].add_directors",
        ),
        ({"persons": [{"first_name": "Sample"}]}, "persons[0].last_name"),
        ({"persons": [{**PERSON, "email": "Secret"}]}, "persons[0].email"),
        ({"persons": [{**PERSON, "date_of_birth": "Secret"}]}, "persons[0].date_of_birth"),
        (
            {"persons": [{**PERSON, "postal_address": {"planet": "Secret"}}]},
            "postal_address.planet",
        ),
    ],
)
def test_a_refusal_names_the_field_and_not_its_value(
    client: httpx.Client, changes: dict[str, Any], field: str
) -> None:
    """An invalid case is not created, and the refusal can be logged."""
    body = {"name": "Loan", "case_type": "Business", **changes}

    response = client.post("/v2/cases", json=body)

    assert (response.status_code, response.json()["type"]) == (400, "InvalidRequest")
    assert field in response.json()["detail"]
    assert "Secret" not in response.text


@pytest.mark.parametrize("code", ["GB", "US_DE", None])
def test_a_jurisdiction_is_a_country_or_a_state(client: httpx.Client, code: str | None) -> None:
    """It is optional."""
    company = {**COMPANY, "jurisdiction_code": code}
    body = {"name": "Loan", "case_type": "Business", "companies": [company]}

    response = client.post("/v2/cases", json=body)

    assert response.status_code == 201
    assert response.json()["companies"][0]["jurisdiction_code"] == code
