"""The operations on affordability insights, and what they share with income."""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

UNKNOWN = "00000000-0000-4000-8000-000000000000"
PATH = "/v2/affordability-insights"
AddDocument = Callable[..., str]
Insights = Callable[..., str]


@pytest.fixture
def insights(request_insights: Callable[..., str]) -> Insights:
    """Request insights and return their path when they are complete."""
    return partial(request_insights, PATH)


def rounded_sum(amounts: list[float]) -> float:
    """Return a sum of pounds, rounded to pence."""
    return round(sum(amounts), 2)


def test_a_request_is_pending_and_then_complete(
    client: httpx.Client, clock: SimpleNamespace, person: str, add_document: AddDocument
) -> None:
    """The first response is a 201 without data; after the work time, the request has data."""
    document_id = add_document("BankStatement", person)
    clock.now += 1
    response = client.post(PATH, json={"entity_id": person, "entity_type": "person"})
    requested = response.json()
    pending = client.get(f"{PATH}/{requested['request_id']}").json()
    clock.now += 1
    complete = client.get(f"{PATH}/{requested['request_id']}").json()

    assert response.status_code == 201
    assert requested == {
        "request_id": requested["request_id"],
        "status": "Pending",
        "entity_id": person,
        "entity_type": "person",
        "datetime_requested": requested["datetime_requested"],
        "datetime_completed": None,
        "message": "The affordability insights are being made.",
    }
    assert pending == {**requested, "data": None}
    assert complete["status"] == "Complete"
    assert complete["datetime_completed"] > complete["datetime_requested"]
    assert complete["data"]["data_sources"] == [
        {
            "source_id": document_id,
            "source_name": "BankStatement.pdf",
            "source_category_type": "Document",
            "source_type": "BankStatement",
        }
    ]


def test_sums_add_up(
    client: httpx.Client, person: str, add_document: AddDocument, insights: Insights
) -> None:
    """Groups, categories and months have the same total as the transactions."""
    add_document("BankStatement", person)
    path = insights(person)
    cashflow = client.get(path).json()["data"]["cashflow"]
    single = client.get(f"{path}/transaction-details").json()["data"]
    monthly = client.get(f"{path}/transactions").json()["data"]

    total = rounded_sum([one["amount"] for one in single])
    assert rounded_sum([group["value"] for group in cashflow]) == total
    for group in cashflow:
        categories = group["categories"]
        assert group["value"] == rounded_sum([category["value"] for category in categories])
        for category in categories:
            parts = [part["value"] for part in category["subcategories"]]
            assert category["value"] == rounded_sum(parts)
    assert rounded_sum([one["total_value"] for one in monthly]) == total
    for one in monthly:
        assert one["total_value"] == rounded_sum([of["total_value"] for of in one["monthly_data"]])
        assert len(one["monthly_data"]) == 3
        assert one["minimum_value"] <= one["average_value"] <= one["maximum_value"]
    assert sum(one["number_of_transactions"] for one in monthly) == len(single)


def test_indicators_have_their_transactions(
    client: httpx.Client, person: str, add_document: AddDocument, insights: Insights
) -> None:
    """All six are listed; there is no gambling, but a mortgage of high value."""
    add_document("BankStatement", person)
    path = insights(person)
    indicators = client.get(path).json()["data"]["indicators"]
    single = client.get(f"{path}/transaction-details").json()["data"]

    assert len(indicators) == 6
    by_name = {one["name"]: one for one in indicators}
    assert by_name["Gambling"] == {"name": "Gambling", "present": False, "transactions": []}
    high = by_name["High value transactions"]
    assert high["present"] is True
    assert high["transactions"] == [one for one in single if abs(one["amount"]) > 1000]


def test_transactions_are_the_same_for_the_same_entity(
    client: httpx.Client, person: str, add_document: AddDocument, insights: Insights
) -> None:
    """For two requests on one day. They are listed newest first."""
    add_document("BankStatement", person)
    first = client.get(f"{insights(person)}/transaction-details").json()["data"]
    second = client.get(f"{insights(person)}/transaction-details").json()["data"]

    assert first == second
    dates = [one["date"] for one in first]
    assert dates == sorted(dates, reverse=True)


def test_transactions_are_on_the_accounts_of_their_sources(
    client: httpx.Client,
    clock: SimpleNamespace,
    person: str,
    add_document: AddDocument,
    insights: Insights,
) -> None:
    """These accounts, from open banking and from statements, can be requested by id."""
    add_document("BankStatement", person)
    client.post("/v2/openbanking", json={"entity_id": person, "entity_type": "person"})
    clock.now += 1
    accounts = client.get(f"/v2/Persons/{person}/bankaccounts").json()
    single = client.get(f"{insights(person)}/transaction-details").json()

    used = {one["account_connection_id"] for one in single["data"]}
    assert used == {account["account_connection_id"] for account in accounts}
    assert len(used) == len(single["data_sources"]) == 3


@pytest.mark.parametrize("kind", ["Payslip", "UtilityBill"])
def test_without_a_bank_data_source_the_request_fails(
    client: httpx.Client, person: str, add_document: AddDocument, insights: Insights, kind: str
) -> None:
    """The message lists the types of data sources that it needs; no view has data."""
    add_document(kind, person)
    path = insights(person)
    failed = client.get(path).json()

    assert (failed["status"], failed["data"]) == ("Failed", None)
    assert "BankStatement, BankAccount" in failed["message"]
    for view in ("transactions", "transaction-details"):
        viewed = client.get(f"{path}/{view}").json()
        assert viewed == {**failed, "data_sources": None}


def test_an_incomplete_data_source_does_not_count(
    client: httpx.Client, clock: SimpleNamespace, person: str, add_document: AddDocument
) -> None:
    """A statement that is still being read at the end of the work time is too late."""
    body = {"entity_id": person, "entity_type": "person"}
    request_id = client.post(PATH, json=body).json()["request_id"]
    clock.now += 0.4
    add_document("BankStatement", person)
    clock.now += 0.4

    assert client.get(f"{PATH}/{request_id}").json()["status"] == "Failed"


def test_a_completed_request_never_changes(
    client: httpx.Client, person: str, add_document: AddDocument, insights: Insights, clock: Any
) -> None:
    """A failed request does not recover when a document is uploaded later."""
    path = insights(person)
    failed = client.get(path).json()
    add_document("BankStatement", person)
    clock.now += 1

    assert client.get(path).json() == failed


def test_a_case_has_the_data_sources_of_its_persons(
    client: httpx.Client, case: str, person: str, add_document: AddDocument, insights: Insights
) -> None:
    """Insights into a case use the data sources of its entities."""
    add_document("BankStatement", person)
    complete = client.get(insights(case.rpartition("/")[2], "case")).json()

    assert (complete["status"], complete["entity_type"]) == ("Complete", "case")


def test_requests_are_listed_newest_first(
    client: httpx.Client, person: str, add_document: AddDocument, insights: Insights
) -> None:
    """With their current status, but without their entity and data."""
    add_document("BankStatement", person)
    older = insights(person)
    body = {"entity_id": person, "entity_type": "person"}
    newer = client.post(PATH, json=body).json()
    result = client.get(f"/v2/Persons/{person}/affordability-insights").json()

    assert (result["entity_id"], result["entity_type"]) == (person, "person")
    first, second = result["affordability_insights_requests"]
    assert first == {name: newer[name] for name in newer.keys() - {"entity_id", "entity_type"}}
    assert (second["request_id"], second["status"]) == (older.rpartition("/")[2], "Complete")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"entity_type": "person"}, "entity_id"),
        ({"entity_id": UNKNOWN}, "entity_type"),
        ({"entity_id": "", "entity_type": "person"}, "entity_id"),
        ({"entity_id": UNKNOWN, "entity_type": "Persons"}, "entity_type"),
        ({"entity_id": UNKNOWN, "entity_type": "person"}, "entity_id"),
        ({"entity_id": UNKNOWN, "entity_type": "person", "colour": "red"}, "colour"),
    ],
)
def test_invalid_requests_are_refused(
    client: httpx.Client, body: dict[str, str], field: str
) -> None:
    """The detail names the field; an unknown entity is an invalid field too."""
    response = client.post(PATH, json=body)

    assert (response.status_code, response.json()["type"]) == (400, "InvalidRequest")
    assert field in response.json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        f"/v2/Persons/{UNKNOWN}/affordability-insights",
        f"{PATH}/{UNKNOWN}",
        f"{PATH}/{UNKNOWN}/transactions",
        f"{PATH}/{UNKNOWN}/transaction-details",
    ],
)
def test_unknown_ids_are_not_found(client: httpx.Client, path: str) -> None:
    """Whether they are those of an entity or of a request."""
    response = client.get(path)

    assert (response.status_code, response.json()["type"]) == (404, "ResourceNotFound")


def test_insights_are_deleted_with_their_entity(
    client: httpx.Client, case: str, person: str, insights: Insights
) -> None:
    """Deleting a case deletes the requests about its people."""
    path = insights(person)
    client.delete(case)
    deleted = client.get(path)

    assert (deleted.status_code, deleted.json()["type"]) == (404, "ResourceDeleted")
