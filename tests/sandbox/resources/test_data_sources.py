"""The operation on data sources: documents and bank accounts."""

from collections.abc import Generator
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from sandbox.documents import add_document

from sikoia_async.sandbox import Credentials, Rate, Sandbox, Time
from sikoia_async.sandbox.resources.data_sources import sources

UNKNOWN = "00000000-0000-4000-8000-000000000000"
_WORK = 60.0
_ENTITIES = {
    "companies": [{"company_name": "Placeholder Widgets Ltd"}],
    "persons": [{"first_name": "Wilma", "last_name": "Example"}],
}


@pytest.fixture(scope="module")
def sandbox(clock: SimpleNamespace) -> Generator[Sandbox]:
    """Run a sandbox in which all work takes a minute of the clock."""
    with Sandbox(
        time=Time(clock=lambda: clock.now),
        work_time=_WORK,
        credentials=Credentials(token_life=10**9),
        rate=Rate(requests_per_window=10**6),
    ) as one:
        yield one


@pytest.fixture
def ids(client: httpx.Client) -> dict[str, str]:
    """Create a case with a company and a person, and return their ids."""
    body = {"name": "Loan", "case_type": "Business", **_ENTITIES}
    case = client.post("/v2/cases", json=body).json()
    return {
        "case": case["case_id"],
        "company": case["companies"][0]["company_id"],
        "person": case["persons"][0]["person_id"],
    }


def get(client: httpx.Client, path: str) -> Any:
    """Return the JSON at a path."""
    response = client.get(path)
    assert response.status_code == 200, response.text
    return response.json()


def test_a_statement_is_pending_and_then_complete(
    sandbox: Sandbox, client: httpx.Client, clock: SimpleNamespace, ids: dict[str, str]
) -> None:
    """It has every field, but null until it is read."""
    document_id = add_document(sandbox, "person", ids["person"], document_type="BankStatement")
    path = f"/v2/pErSoNs/{ids['person']}/insight-data-sources"

    pending = get(client, path)
    clock.now += _WORK
    complete = get(client, path)

    source = pending["data_sources"][0]
    assert pending == {
        "entity_id": ids["person"],
        "entity_type": "person",
        "data_sources": [
            {
                "source_name": "A document",
                "source_id": document_id,
                "data_source_id": source["data_source_id"],
                "source_category_type": "Document",
                "source_type": "BankStatement",
                "status": "Pending",
                "message": None,
                "recipient": None,
                "source_date": None,
                "source_uris": [f"{sandbox.url}/v2/documents/{document_id}"],
                "start_date": None,
                "end_date": None,
                "provided_date": "2024-02-12T15:03:40.389Z",
            }
        ],
    }
    read = {
        "status": "Complete",
        "recipient": "Wilma Example",
        "source_date": "2024-02-12",
        "start_date": "2023-11-14",
        "end_date": "2024-02-12",
    }
    assert complete["data_sources"] == [{**source, **read}]


@pytest.mark.parametrize(
    ("types", "seen"),
    [
        ({"document_type": "Payslip"}, ("Payslip", "Complete")),
        ({"document_type": "SA302"}, ("SA302", "Complete")),
        ({"document_type": "TaxOverview"}, ("TaxOverview", "Complete")),
        ({"document_type": "P60"}, ("P60", "Provided")),
        ({"document_type": "P60", "sikoia_document_type": "Payslip"}, ("Payslip", "Complete")),
        ({}, ("None", "Provided")),
    ],
)
def test_some_types_are_read_and_others_are_not(
    sandbox: Sandbox,
    client: httpx.Client,
    clock: SimpleNamespace,
    ids: dict[str, str],
    *,
    types: dict[str, str],
    seen: tuple[str, str],
) -> None:
    """The classified type takes precedence over the claimed type."""
    add_document(sandbox, "company", ids["company"], **types)
    clock.now += _WORK

    path = f"/v2/Companies/{ids['company']}/insight-data-sources"
    (source,) = get(client, path)["data_sources"]

    assert (source["source_type"], source["status"]) == seen
    assert source["recipient"] == ("Placeholder Widgets Ltd" if seen[1] == "Complete" else None)
    assert (source["start_date"], source["end_date"]) == (None, None)


def test_a_bank_account_is_complete_once_connected(
    sandbox: Sandbox, client: httpx.Client, clock: SimpleNamespace, ids: dict[str, str]
) -> None:
    """Open banking gives a data source for each account, and none before."""
    body = {"entity_id": ids["person"], "entity_type": "person"}
    client.post("/v2/openbanking", json=body)
    path = f"/v2/Persons/{ids['person']}"

    before = get(client, f"{path}/insight-data-sources")["data_sources"]
    clock.now += _WORK
    first, _ = get(client, f"{path}/insight-data-sources")["data_sources"]

    account = get(client, f"{path}/bankaccounts")[0]
    account_id, connected = account["account_connection_id"], account["datetime_connected"]
    day = date.fromisoformat(connected[:10])
    assert before == []
    assert first == {
        "source_name": None,
        "source_id": account_id,
        "data_source_id": account["data_source_id"],
        "source_category_type": "OpenBanking",
        "source_type": "BankAccount",
        "status": "Complete",
        "message": None,
        "recipient": "Wilma Example",
        "source_date": None,
        "source_uris": [f"{sandbox.url}/v2/bankaccounts/{account_id}"],
        "start_date": f"{day - timedelta(days=90)}",
        "end_date": f"{day}",
        "provided_date": connected,
    }


def test_a_case_has_the_sources_of_its_entities(
    sandbox: Sandbox, client: httpx.Client, ids: dict[str, str]
) -> None:
    """Its own are listed first, then those of its companies and people."""
    put_for = {
        kind: add_document(sandbox, kind, ids[kind]) for kind in ("person", "company", "case")
    }

    result = get(client, f"/v2/cases/{ids['case']}/insight-data-sources")

    assert [one["source_id"] for one in result["data_sources"]] == [
        put_for[kind] for kind in ("case", "company", "person")
    ]
    assert result["data_sources"] == sources(sandbox.state, "case", ids["case"])


def test_an_unknown_entity_is_not_found(client: httpx.Client) -> None:
    """With 404."""
    response = client.get(f"/v2/Cases/{UNKNOWN}/insight-data-sources")

    assert (response.status_code, response.json()["type"]) == (404, "ResourceNotFound")
