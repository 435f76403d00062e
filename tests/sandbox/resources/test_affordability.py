"""The operations on affordability insights, and what they share with those on income."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from sikoia_async.sandbox import Sandbox

UNKNOWN = "00000000-0000-4000-8000-000000000000"
PATH = "/v2/affordability-insights"
Provide = Callable[..., str]


@pytest.fixture(scope="module")
def clock() -> SimpleNamespace:
    """Give a clock whose `now` tests turn by hand."""
    return SimpleNamespace(now=0.0)


@pytest.fixture(scope="module")
def sandbox(clock: SimpleNamespace) -> Iterator[Sandbox]:
    """Run a sandbox on that clock, with tokens and windows that outlive the tests."""
    with Sandbox(clock=lambda: clock.now, token_life=9999, limit=9999) as running:
        yield running


@pytest.fixture
def person(client: httpx.Client, case: str) -> str:
    """Add a person to the case, and give the id."""
    body = {"persons": [{"first_name": "Sample", "last_name": "Person"}]}
    persons: list[dict[str, str]] = client.post(f"{case}/entities", json=body).json()["persons"]
    return persons[0]["person_id"]


@pytest.fixture
def provide(sandbox: Sandbox) -> Provide:
    """Put a document of a type to an entity, and give its id."""

    def put(kind: str, entity_id: str, entity_type: str = "person") -> str:
        document_id = sandbox.state.new_id()
        document = {
            "document_id": document_id,
            "display_name": f"{kind}.pdf",
            "document_type": kind,
            "entity_id": entity_id,
            "entity_type": entity_type,
            "datetime_created": "2024-02-12T15:03:40.389Z",
        }
        sandbox.state.store("documents").add(document_id, document, entity_id=entity_id)
        return document_id

    return put


@pytest.fixture
def ask(client: httpx.Client, clock: SimpleNamespace) -> Callable[..., str]:
    """Ask for insights and let the work time pass, and give the path to them."""

    def post(entity_id: str, entity_type: str = "person") -> str:
        body = {"entity_id": entity_id, "entity_type": entity_type}
        request_id = client.post(PATH, json=body).json()["request_id"]
        clock.now += 1
        return f"{PATH}/{request_id}"

    return post


def pounds(amounts: list[float]) -> float:
    """Sum amounts up without the crumbs of floats."""
    return round(sum(amounts), 2)


def test_a_request_is_pending_and_then_complete(
    client: httpx.Client, clock: SimpleNamespace, person: str, provide: Provide
) -> None:
    """The first answer is 201 without data; after the work time the same request has them."""
    document_id = provide("BankStatement", person)
    response = client.post(PATH, json={"entity_id": person, "entity_type": "person"})
    asked = response.json()
    pending = client.get(f"{PATH}/{asked['request_id']}").json()
    clock.now += 1
    complete = client.get(f"{PATH}/{asked['request_id']}").json()

    assert response.status_code == 201
    assert asked == {
        "request_id": asked["request_id"],
        "status": "Pending",
        "entity_id": person,
        "entity_type": "person",
        "datetime_requested": asked["datetime_requested"],
        "datetime_completed": None,
        "message": "The affordability insights are being made.",
    }
    assert pending == {**asked, "data": None}
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


def test_sums_are_those_of_what_they_are_made_of(
    client: httpx.Client, person: str, provide: Provide, ask: Callable[..., str]
) -> None:
    """Groups, categories and months all come to what the transactions come to."""
    provide("BankStatement", person)
    path = ask(person)
    cashflow = client.get(path).json()["data"]["cashflow"]
    single = client.get(f"{path}/transaction-details").json()["data"]
    monthly = client.get(f"{path}/transactions").json()["data"]

    total = pounds([one["amount"] for one in single])
    assert pounds([group["value"] for group in cashflow]) == total
    for group in cashflow:
        categories = group["categories"]
        assert group["value"] == pounds([category["value"] for category in categories])
        for category in categories:
            parts = [part["value"] for part in category["subcategories"]]
            assert category["value"] == pounds(parts)
    assert pounds([one["total_value"] for one in monthly]) == total
    for one in monthly:
        assert one["total_value"] == pounds([of["total_value"] for of in one["monthly_data"]])
        assert len(one["monthly_data"]) == 3
        assert one["minimum_value"] <= one["average_value"] <= one["maximum_value"]
    assert sum(one["number_of_transactions"] for one in monthly) == len(single)


def test_indicators_show_what_they_are_seen_in(
    client: httpx.Client, person: str, provide: Provide, ask: Callable[..., str]
) -> None:
    """All six are there; nobody here gambles, and everybody pays a mortgage."""
    provide("BankStatement", person)
    path = ask(person)
    indicators = client.get(path).json()["data"]["indicators"]
    single = client.get(f"{path}/transaction-details").json()["data"]

    assert len(indicators) == 6
    by_name = {one["name"]: one for one in indicators}
    assert by_name["Gambling"] == {"name": "Gambling", "present": False, "transactions": []}
    high = by_name["High value transactions"]
    assert high["present"] is True
    assert high["transactions"] == [one for one in single if abs(one["amount"]) > 1000]


def test_transactions_are_the_same_for_the_same_entity(
    client: httpx.Client, person: str, provide: Provide, ask: Callable[..., str]
) -> None:
    """Two requests on a day differ in nothing but themselves; the newest transaction is first."""
    provide("BankStatement", person)
    first = client.get(f"{ask(person)}/transaction-details").json()["data"]
    second = client.get(f"{ask(person)}/transaction-details").json()["data"]

    assert first == second
    dates = [one["date"] for one in first]
    assert dates == sorted(dates, reverse=True)


def test_transactions_are_on_the_accounts_of_their_sources(
    client: httpx.Client, clock: SimpleNamespace, person: str, provide: Provide, ask: Any
) -> None:
    """The accounts of open banking and those in statements can be looked up by their ids."""
    provide("BankStatement", person)
    client.post("/v2/openbanking", json={"entity_id": person, "entity_type": "person"})
    clock.now += 1
    accounts = client.get(f"/v2/Persons/{person}/bankaccounts").json()
    single = client.get(f"{ask(person)}/transaction-details").json()

    used = {one["account_connection_id"] for one in single["data"]}
    assert used == {account["account_connection_id"] for account in accounts}
    assert len(used) == len(single["data_sources"]) == 3


@pytest.mark.parametrize("kind", ["Payslip", "UtilityBill"])
def test_without_a_bank_data_source_the_request_fails(
    client: httpx.Client, person: str, provide: Provide, ask: Callable[..., str], kind: str
) -> None:
    """The message says what there should have been; all views are without data."""
    provide(kind, person)
    path = ask(person)
    failed = client.get(path).json()

    assert (failed["status"], failed["data"]) == ("Failed", None)
    assert "BankStatement, BankAccount" in failed["message"]
    for view in ("transactions", "transaction-details"):
        shown = client.get(f"{path}/{view}").json()
        assert shown == {**failed, "data_sources": None}


def test_a_data_source_that_is_not_complete_does_not_count(
    client: httpx.Client, clock: SimpleNamespace, person: str, provide: Provide
) -> None:
    """A statement that is still being read when the work is over comes too late."""
    body = {"entity_id": person, "entity_type": "person"}
    request_id = client.post(PATH, json=body).json()["request_id"]
    clock.now += 0.4
    provide("BankStatement", person)
    clock.now += 0.4

    assert client.get(f"{PATH}/{request_id}").json()["status"] == "Failed"


def test_an_answer_stays_as_it_is(
    client: httpx.Client, person: str, provide: Provide, ask: Callable[..., str], clock: Any
) -> None:
    """A request that has failed does not get better by a document that comes later."""
    path = ask(person)
    failed = client.get(path).json()
    provide("BankStatement", person)
    clock.now += 1

    assert client.get(path).json() == failed


def test_a_case_has_the_data_sources_of_its_persons(
    client: httpx.Client, case: str, person: str, provide: Provide, ask: Callable[..., str]
) -> None:
    """Insights on a case are made from what its entities have."""
    provide("BankStatement", person)
    complete = client.get(ask(case.rpartition("/")[2], "case")).json()

    assert (complete["status"], complete["entity_type"]) == ("Complete", "case")


def test_the_list_has_the_newest_first(
    client: httpx.Client, person: str, provide: Provide, ask: Callable[..., str]
) -> None:
    """Requests are listed as they are by now, without their entity and data."""
    provide("BankStatement", person)
    older = ask(person)
    body = {"entity_id": person, "entity_type": "person"}
    newer = client.post(PATH, json=body).json()
    found = client.get(f"/v2/Persons/{person}/affordability-insights").json()

    assert (found["entity_id"], found["entity_type"]) == (person, "person")
    first, second = found["affordability_insights_requests"]
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
def test_a_request_that_breaks_a_rule_is_refused(
    client: httpx.Client, body: dict[str, str], field: str
) -> None:
    """The detail names the field; an entity that is not there is a broken rule, too."""
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
def test_what_never_was_is_not_found(client: httpx.Client, path: str) -> None:
    """Looking answers 404, of an entity as of a request."""
    response = client.get(path)

    assert (response.status_code, response.json()["type"]) == (404, "ResourceNotFound")


def test_insights_go_with_their_entity(
    client: httpx.Client, case: str, person: str, ask: Callable[..., str]
) -> None:
    """When the case is deleted, requests about its persons are, too."""
    path = ask(person)
    client.delete(case)
    gone = client.get(path)

    assert (gone.status_code, gone.json()["type"]) == (404, "ResourceDeleted")
