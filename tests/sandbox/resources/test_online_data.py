"""The operations on online data."""

from typing import Any

import httpx
import pytest

UNKNOWN = "00000000-0000-4000-8000-000000000000"
ONLINE = "/v2/company-online-data"


@pytest.fixture
def company_id(client: httpx.Client, case: str) -> str:
    """Add a company to a case, and return its id."""
    added = {"companies": [{"company_name": "Acme Example"}]}
    response = client.post(f"{case}/entities", json=added).json()
    result: str = response["companies"][0]["company_id"]
    return result


def test_contacts_are_found(client: httpx.Client, company_id: str) -> None:
    """The response to the request is a 201; the data is returned by a GET."""
    response = client.post(ONLINE, json={"company_id": company_id})

    assert response.status_code == 201
    requested = response.json()
    assert requested == {
        "request_id": requested["request_id"],
        "status": "Complete",
        "company_id": company_id,
        "entity_type": "company",
        "datetime_requested": requested["datetime_requested"],
        "message": None,
        "company_name": "Acme Example",
    }
    report = client.get(f"{ONLINE}/{requested['request_id']}").json()
    contacts = report.pop("data")
    assert report.keys() == requested.keys() - {"entity_type"}
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


def test_requests_are_listed_newest_first(client: httpx.Client, company_id: str) -> None:
    """Without data."""
    older, newer = (client.post(ONLINE, json={"company_id": company_id}).json() for _ in range(2))

    response = client.get(f"/v2/companies/{company_id}/online-data").json()

    assert response["company_id"] == company_id
    first, second = response["online_data_requests"]
    assert (first["request_id"], second["request_id"]) == (newer["request_id"], older["request_id"])
    assert first.keys() == newer.keys() - {"company_id", "entity_type"}


def test_ids_in_braces_are_accepted(client: httpx.Client, company_id: str) -> None:
    """The specification's pattern allows braces; responses have the id without them."""
    response = client.post(ONLINE, json={"company_id": f"{{{company_id}}}"}).json()

    assert response["company_id"] == company_id


def test_a_request_for_a_company_that_is_not_online_fails(
    client: httpx.Client, company_id: str
) -> None:
    """With a message. A name in the request takes precedence."""
    body = {"company_id": company_id, "company_name": "Offline Example Ltd"}

    response = client.post(ONLINE, json=body).json()

    assert (response["status"], response["company_name"]) == ("Failed", "Offline Example Ltd")
    assert response["message"]
    assert client.get(f"{ONLINE}/{response['request_id']}").json()["data"] is None


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
def test_invalid_requests_are_refused(
    client: httpx.Client, body: dict[str, Any], field: str
) -> None:
    """With 400 and the name of the field, even for an unknown company."""
    response = client.post(ONLINE, json=body)

    assert response.status_code == 400
    assert field in response.json()["detail"]


def test_requests_are_deleted_with_their_company(
    client: httpx.Client, case: str, company_id: str
) -> None:
    """With 404."""
    requested = client.post(ONLINE, json={"company_id": company_id}).json()["request_id"]
    client.delete(case)

    paths = (f"{ONLINE}/{requested}", f"/v2/companies/{company_id}/online-data")

    assert [client.get(path).status_code for path in paths] == [404, 404]
