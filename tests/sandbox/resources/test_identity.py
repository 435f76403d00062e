"""The operations on identity verification."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from sikoia_async.sandbox import Sandbox

UNKNOWN = "00000000-0000-4000-8000-000000000000"
Verify = Callable[..., str]


@pytest.fixture
def add_person(client: httpx.Client, case: str) -> Callable[..., str]:
    """Add a person, and return their id."""

    def add(last_name: str = "Person", **fields: Any) -> str:
        body = {"persons": [{"first_name": "Sample", "last_name": last_name, **fields}]}
        persons: list[dict[str, str]] = client.post(f"{case}/entities", json=body).json()["persons"]
        return persons[-1]["person_id"]

    return add


@pytest.fixture
def verify(client: httpx.Client, add_person: Callable[..., str], clock: SimpleNamespace) -> Verify:
    """Verify a person, and return the path of the report."""

    def verify_person(last_name: str = "Person", **fields: Any) -> str:
        body = {"person_id": add_person(last_name, **fields)}
        request_id = client.post("/v2/identity", json=body).json()["request_id"]
        clock.now += 1
        return f"/v2/identity/{request_id}"

    return verify_person


def test_a_request_is_pending_at_first(
    sandbox: Sandbox, client: httpx.Client, add_person: Callable[..., str]
) -> None:
    """The response has both links, but no decision yet."""
    person_id = add_person()

    response = client.post("/v2/identity", json={"person_id": person_id, "country_code": "GB"})

    request = response.json()
    assert response.status_code == 201
    assert request == {
        "request_id": request["request_id"],
        "status": "Pending",
        "person_id": person_id,
        "datetime_requested": request["datetime_requested"],
        "datetime_completed": None,
        "message": None,
        "country_code": "GB",
        "verification_url": request["verification_url"],
        "direct_url": request["direct_url"],
    }
    assert request["verification_url"].startswith(sandbox.url)
    report = client.get(f"/v2/identity/{request['request_id']}").json()
    assert report == {**request, "data": None}


def test_there_is_no_direct_link_without_a_country(
    client: httpx.Client, add_person: Callable[..., str]
) -> None:
    """Then the provider's page asks for the country of the document."""
    request = client.post(
        "/v2/identity", json={"person_id": add_person(), "country_code": None}
    ).json()

    assert request["direct_url"] is None


@pytest.mark.parametrize(
    ("name", "status", "decision"),
    [
        ("Sample Person", "Complete", "Approved"),
        ("Dora Declined", "Complete", "Declined"),
        ("Bruno Blurred", "Complete", "ResubmissionRequested"),
        ("Edgar Expired", "Expired", "NotCompleted"),
    ],
)
def test_the_outcome_depends_on_the_name(
    client: httpx.Client, verify: Verify, name: str, status: str, decision: str
) -> None:
    """There are findings only if there was a decision."""
    first_name, last_name = name.split()
    report = client.get(verify(last_name, first_name=first_name)).json()

    assert (report["status"], report["data"]["verification_status"]) == (status, decision)
    assert bool(report["data"]["media"]) == (status == "Complete")
    assert (report["data"]["person"] is None) == (status == "Expired")


def test_a_failure_has_a_message_and_no_findings(client: httpx.Client, verify: Verify) -> None:
    """The provider could not be reached."""
    report = client.get(verify("Failed", first_name="Fiona")).json()

    assert (report["status"], report["data"]) == ("Failed", None)
    assert "provider" in report["message"]


def test_findings_have_the_details_of_the_person(client: httpx.Client, verify: Verify) -> None:
    """As far as they are known."""
    address = {"house_number": "7", "city": "Sampleton"}
    path = verify(date_of_birth="1985-06-12", postal_address=address)

    person = client.get(path).json()["data"]["person"]

    assert person.keys() == {
        "first_name", "surname", "full_name", "date_of_birth", "birth_year", "birth_month",
        "birth_day", "place_of_birth", "gender", "nationality", "address",
    }  # fmt: skip
    assert (person["full_name"], person["address"]) == ("Sample Person", "7, Sampleton")
    assert (person["birth_year"], person["birth_month"], person["birth_day"]) == (1985, 6, 12)


def test_unknown_details_are_made_up(
    client: httpx.Client, verify: Verify, clock: SimpleNamespace
) -> None:
    """They are the same in every report; only links differ."""
    path = verify()

    first = client.get(path).json()
    clock.now += 1
    second = client.get(path).json()

    links = [[one.pop("uri") for one in report["data"]["media"]] for report in (first, second)]
    assert first == second
    assert set(links[0]).isdisjoint(links[1])
    assert first["data"]["document"].keys() == {
        "type", "number", "country_code", "date_of_issue", "date_of_expiry",
    }  # fmt: skip


def test_media_are_read_without_a_token(client: httpx.Client, verify: Verify) -> None:
    """A link returns a file of the documented type and size."""
    front: dict[str, Any] = client.get(verify()).json()["data"]["media"][0]
    link = urlsplit(str(front["uri"]))
    authorization = client.headers.pop("Authorization")
    try:
        file = client.get(f"{link.path}?{link.query}")
    finally:
        client.headers["Authorization"] = authorization

    assert file.headers["Content-Type"] == front["mime_type"] == "image/jpeg"
    assert len(file.content) == front["size"]


def test_the_list_can_be_filtered(
    client: httpx.Client, add_person: Callable[..., str], clock: SimpleNamespace
) -> None:
    """Newest first. Pending verifications are listed unless they are filtered out."""
    person_id = add_person()
    older = client.post("/v2/identity", json={"person_id": person_id}).json()["request_id"]
    clock.now += 1
    newer = client.post("/v2/identity", json={"person_id": person_id}).json()["request_id"]
    path = f"/v2/persons/{person_id}/identity-verifications"

    def ids(**query: str) -> list[str]:
        rows = client.get(path, params=query).json()["identity_verification_requests"]
        return [row["request_id"] for row in rows]

    row = client.get(path).json()["identity_verification_requests"][1]
    assert row.keys() == {
        "request_id", "status", "verification_status", "datetime_requested",
        "datetime_completed", "message", "country_code", "verification_url", "direct_url",
    }  # fmt: skip
    assert ids() == ids(complete="false") == [newer, older]
    assert ids(complete="true") == ids(verification_status="Approved,Declined") == [older]
    assert ids(verification_status="Declined") == []
    assert client.get(path, params={"complete": "maybe"}).status_code == 400


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "person_id"),
        ({"person_id": ""}, "person_id"),
        ({"person_id": UNKNOWN}, "person_id"),
        ({"person_id": UNKNOWN, "country_code": "GBR"}, "country_code"),
        ({"person_id": UNKNOWN, "country_code": "XX"}, "country_code"),
        ({"person_id": UNKNOWN, "country_code": 5}, "country_code"),
        ({"person_id": UNKNOWN, "colour": "red"}, "colour"),
    ],
)
def test_invalid_requests_are_refused(
    client: httpx.Client, body: dict[str, str], field: str
) -> None:
    """With 400, even for an unknown person."""
    response = client.post("/v2/identity", json=body)

    assert (response.status_code, response.json()["type"]) == (400, "InvalidRequest")
    assert field in response.json()["detail"]


def test_verifications_are_deleted_with_their_case(
    client: httpx.Client, case: str, verify: Verify
) -> None:
    """Their error differs from that for an unknown id."""
    path = verify()
    person_id = client.get(path).json()["person_id"]
    client.delete(case)

    kinds = [client.get(where).json()["type"] for where in (path, f"/v2/identity/{UNKNOWN}")]
    assert kinds == ["ResourceDeleted", "ResourceNotFound"]
    assert client.get(f"/v2/persons/{person_id}/identity-verifications").status_code == 404
