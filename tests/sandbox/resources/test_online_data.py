"""The operations on online data."""

from typing import Any

import httpx
import pytest

UNKNOWN = "00000000-0000-4000-8000-000000000000"
ONLINE = "/v2/company-online-data"


@pytest.fixture
def company_id(client: httpx.Client, case: str) -> str:
    """Add a company to a case, and give its id."""
    added = {"companies": [{"company_name": "Acme Example"}]}
    answer = client.post(f"{case}/entities", json=added).json()
    found: str = answer["companies"][0]["company_id"]
    return found


def test_contacts_are_found(client: httpx.Client, company_id: str) -> None:
    """The answer to the request is 201 and says what was asked; the data comes with a GET."""
    response = client.post(ONLINE, json={"company_id": company_id})

    assert response.status_code == 201
    asked = response.json()
    assert asked == {
        "request_id": asked["request_id"],
        "status": "Complete",
        "company_id": company_id,
        "entity_type": "company",
        "datetime_requested": asked["datetime_requested"],
        "message": None,
        "company_name": "Acme Example",
    }
    report = client.get(f"{ONLINE}/{asked['request_id']}").json()
    contacts = report.pop("data")
    assert report.keys() == asked.keys() - {"entity_type"}
    assert contacts["website_url"] == "https://acmeexample.example"
    assert contacts == {
        "website_url": contacts["website_url"],
        "phones": [
            {
                "number_type": "Work",
                "date_from": "2020-01-01T00:00:00Z",
                "date_to": None,
                "country_code": "GB",
                "full_number": contacts["phones"][0]["full_number"],
            }
        ],
        "emails": [
            {
                "email_type": "Work",
                "date_from": "2020-01-01T00:00:00Z",
                "date_to": None,
                "email_address": "info@acmeexample.example",
                "email_domain": "acmeexample.example",
            }
        ],
        "online_accounts": [
            {
                "provider_name": "Placebook",
                "provider_url": "https://placebook.example",
                "account_name": "Acme Example",
                "account_url": "https://placebook.example/acmeexample",
                "date_from": "2020-01-01T00:00:00Z",
                "date_to": None,
            }
        ],
    }


def test_the_list_has_the_newest_first(client: httpx.Client, company_id: str) -> None:
    """The list has every request of the company, without data."""
    older, newer = (client.post(ONLINE, json={"company_id": company_id}).json() for _ in range(2))

    answer = client.get(f"/v2/companies/{company_id}/online-data").json()

    assert answer["company_id"] == company_id
    first, second = answer["online_data_requests"]
    assert (first["request_id"], second["request_id"]) == (newer["request_id"], older["request_id"])
    assert first.keys() == newer.keys() - {"company_id", "entity_type"}


def test_an_id_may_come_in_braces(client: httpx.Client, company_id: str) -> None:
    """The specification's pattern lets braces pass; answers show the id without them."""
    answer = client.post(ONLINE, json={"company_id": f"{{{company_id}}}"}).json()

    assert answer["company_id"] == company_id


def test_what_is_not_online_is_not_found(client: httpx.Client, company_id: str) -> None:
    """The request ends as Failed, and says why; the name of the request goes first."""
    body = {"company_id": company_id, "company_name": "Offline Example Ltd"}

    answer = client.post(ONLINE, json=body).json()

    assert (answer["status"], answer["company_name"]) == ("Failed", "Offline Example Ltd")
    assert answer["message"]
    assert client.get(f"{ONLINE}/{answer['request_id']}").json()["data"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "company_id"),
        ({"company_id": UNKNOWN}, "company_id"),
        ({"company_id": "1"}, "company_id"),
        ({"company_id": UNKNOWN, "company_name": 1}, "company_name"),
        ({"company_id": UNKNOWN, "country_code": "GB"}, "country_code"),
    ],
)
def test_a_bad_request_names_its_field(
    client: httpx.Client, body: dict[str, Any], field: str
) -> None:
    """A body that breaks a rule is a 400, and so is a company that is not there."""
    response = client.post(ONLINE, json=body)

    assert response.status_code == 400
    assert field in response.json()["detail"]


def test_everything_goes_with_the_company(client: httpx.Client, case: str, company_id: str) -> None:
    """Requests of a deleted company are gone: 404."""
    asked = client.post(ONLINE, json={"company_id": company_id}).json()["request_id"]
    client.delete(case)

    paths = (f"{ONLINE}/{asked}", f"/v2/companies/{company_id}/online-data")

    assert [client.get(path).status_code for path in paths] == [404, 404]
