"""The operations on open banking and bank accounts."""

from collections.abc import Callable, Generator
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from sandbox.documents import add_document

from sikoia_async.sandbox import Credentials, Rate, Sandbox, Time
from sikoia_async.sandbox.resources.bank_transactions import transactions
from sikoia_async.sandbox.state import State

UNKNOWN = "00000000-0000-4000-8000-000000000000"
_WORK = 60.0


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
def person(client: httpx.Client) -> str:
    """Create a person, and return the id."""
    wilma = {"first_name": "Wilma", "last_name": "Example"}
    case = {"name": "Loan", "case_type": "Consumer", "persons": [wilma]}
    created: str = client.post("/v2/cases", json=case).json()["persons"][0]["person_id"]
    return created


def connect(client: httpx.Client, entity_id: str, **more: str) -> dict[str, Any]:
    """Create a connection for a person."""
    body = {"entity_id": entity_id, "entity_type": "person", **more}
    created: dict[str, Any] = client.post("/v2/openbanking", json=body).json()
    return created


def get(client: httpx.Client, path: str) -> Any:
    """Return the JSON at a path."""
    response = client.get(path)
    assert response.status_code == 200, response.text
    return response.json()


def test_a_connection_waits_for_consent(client: httpx.Client, person: str) -> None:
    """The response is a 201 with every field: a link, and null for what is unknown yet."""
    body = {"entity_id": person, "entity_type": "person"}

    response = client.post("/v2/openbanking", json=body)

    connection = response.json()
    assert response.status_code == 201
    assert connection == {
        "bank_connection_id": connection["bank_connection_id"],
        "bank_connection_url": connection["bank_connection_url"],
        "entity_id": person,
        "entity_type": "person",
        "datetime_requested": connection["datetime_requested"],
        "datetime_refreshed": None,
        "datetime_connected": None,
        "datetime_expiry": None,
        "status": "Created",
        "country_code": None,
        "institution_name": None,
        "institution_logo": None,
        "account_connection_ids": [],
        "source": "OpenBanking",
        "document_id": None,
    }
    assert connection["bank_connection_url"].endswith(connection["bank_connection_id"])
    assert get(client, f"/v2/openbanking/{connection['bank_connection_id']}") == connection
    assert get(client, f"/v2/Persons/{person}/bankaccounts") == []


def test_consent_is_given_after_the_work_time(
    client: httpx.Client, clock: SimpleNamespace, person: str
) -> None:
    """The connection is valid for ninety days and has two accounts."""
    created = connect(client, person)

    clock.now += _WORK

    connected = get(client, f"/v2/openbanking/{created['bank_connection_id']}")
    moments = [connected[f"datetime_{name}"] for name in ("requested", "connected", "expiry")]
    requested, joined, expiry = map(datetime.fromisoformat, moments)
    assert connected["status"] == "Connected"
    assert (connected["country_code"], connected["institution_name"]) == ("GB", "Sandbox Bank")
    assert (joined - requested, expiry - joined) == (timedelta(seconds=60), timedelta(days=90))
    assert connected["datetime_refreshed"] == connected["datetime_connected"]
    accounts = get(client, f"/v2/Persons/{person}/bankaccounts")
    ids = [account["account_connection_id"] for account in accounts]
    assert connected["account_connection_ids"] == ids
    assert [account["account_type"] for account in accounts] == ["CURRENT", "SAVINGS"]


def test_an_account_has_every_field(
    client: httpx.Client, clock: SimpleNamespace, person: str
) -> None:
    """An account is the same in the list and on its own."""
    connection = connect(client, person, country_code="IE")
    clock.now += _WORK

    first, _ = get(client, f"/v2/Persons/{person}/bankaccounts")

    connection = get(client, f"/v2/openbanking/{connection['bank_connection_id']}")
    assert get(client, f"/v2/bankaccounts/{first['account_connection_id']}") == first
    assert first == {
        "account_connection_id": connection["account_connection_ids"][0],
        "account_type": "CURRENT",
        "status": "Connected",
        "currency": "GBP",
        "owners_name": ["Wilma Example"],
        "identifications": [
            {"type": "SORT_CODE", "value": "000000"},
            {"type": "ACCOUNT_NUMBER", "value": first["identifications"][1]["value"]},
        ],
        "bank_connection_id": connection["bank_connection_id"],
        "datetime_last_refreshed": connection["datetime_connected"],
        "datetime_connected": connection["datetime_connected"],
        "datetime_expiry": connection["datetime_expiry"],
        "country_code": "IE",
        "institution_logo": connection["institution_logo"],
        "institution_name": "Sandbox Bank",
        "source": "OpenBanking",
        "document_id": None,
        "data_source_id": first["data_source_id"],
        "full_address": None,
    }


@pytest.mark.parametrize(
    ("query", "which"),
    [
        ("", ["new", "old"]),
        ("?completed=true", ["old"]),
        ("?completed=True", ["old"]),
        ("?completed=false", ["new"]),
    ],
)
def test_connections_can_be_filtered(
    client: httpx.Client, clock: SimpleNamespace, person: str, query: str, which: list[str]
) -> None:
    """Without a filter, all are listed, newest first. The case of the type does not matter."""
    created = {"old": connect(client, person)["bank_connection_id"]}
    clock.now += _WORK
    created["new"] = connect(client, person)["bank_connection_id"]

    result = get(client, f"/v2/pErSoNs/{person}/openbanking{query}")

    assert [one["bank_connection_id"] for one in result] == [created[name] for name in which]


def test_the_filter_has_to_be_true_or_false(client: httpx.Client, person: str) -> None:
    """The refusal names it."""
    response = client.get(f"/v2/persons/{person}/openbanking?completed=maybe")

    assert (response.status_code, response.json()["type"]) == (400, "InvalidRequest")
    assert "completed" in response.json()["detail"]


def test_transactions_go_back_three_months(
    client: httpx.Client, clock: SimpleNamespace, person: str
) -> None:
    """They have every field, are listed newest first, and are always the same."""
    connect(client, person)
    clock.now += _WORK
    account, _ = get(client, f"/v2/persons/{person}/bankaccounts")
    path = f"/v2/bankaccounts/{account['account_connection_id']}/transactions"

    report = get(client, path)

    assert report == get(client, path)
    assert report["account_connection_id"] == account["account_connection_id"]
    assert report["datetime_refreshed"] == account["datetime_last_refreshed"]
    rows = report["transactions"]
    days = [one["date"] for one in rows]
    assert days == sorted(days, reverse=True)
    assert days[0].endswith(".0000000+00:00")
    covered = datetime.fromisoformat(days[0]) - datetime.fromisoformat(days[-1])
    assert 75 < covered.days < 90
    rent = next(one for one in rows if one["amount"]["amount"] == -950.0)
    assert rent == {
        "transaction_id": rent["transaction_id"],
        "date": rent["date"],
        "booking_datetime": rent["booking_datetime"],
        "value_date_time": rent["value_date_time"],
        "status": rent["status"],
        "amount": {"amount": -950.0, "currency": "GBP"},
        "currency": "GBP",
        "reference": f"EXAMPLE {rent['date'][:10].replace('-', '')}",
        "description": "SPECIMEN LETTINGS",
        "merchant": {"merchant_name": "Specimen Lettings", "merchant_category": "Rent"},
        "iso_bank_transaction_code": {
            "domain_code": {"code": "PMNT", "name": "Payments"},
            "family_code": {"code": "ICDT", "name": "Issued Credit Transfers"},
            "sub_family_code": {"code": "STDO", "name": "Standing Order"},
        },
        "proprietary_bank_transaction_code": {"code": "sandbox-debit", "issuer": "sandbox"},
    }
    salary = next(one for one in rows if one["amount"]["amount"] == 2450.0)
    assert salary["merchant"] is None
    assert salary["proprietary_bank_transaction_code"]["code"] == "sandbox-credit"


def test_the_last_day_is_not_booked_yet() -> None:
    """Pending transactions have no booking time."""
    account = {
        "account_connection_id": UNKNOWN,
        "account_type": "CURRENT",
        "datetime_connected": "2024-02-26T15:03:40.389Z",
        "datetime_last_refreshed": "2024-02-26T15:03:40.389Z",
    }

    rows = transactions(State(), account)

    seen = {(one["status"], one["booking_datetime"] is None) for one in rows}
    assert seen == {("BOOKED", False), ("PENDING", True)}
    assert {one["date"][:10] for one in rows if one["status"] == "PENDING"} == {"2024-02-25"}


def test_balances_match_the_transactions(
    client: httpx.Client, clock: SimpleNamespace, person: str
) -> None:
    """Amounts are strings, and the two balances differ by the pending transactions."""
    connect(client, person)
    clock.now += _WORK
    for account in get(client, f"/v2/persons/{person}/bankaccounts"):
        path = f"/v2/bankaccounts/{account['account_connection_id']}"

        report = get(client, f"{path}/balances")

        rows = get(client, f"{path}/transactions")["transactions"]
        available, booked = report["balances"]
        assert available == {
            "type": "CLOSING_AVAILABLE",
            "amount": {"value": balance_of(rows), "currency": "GBP"},
            "date": f"{account['datetime_last_refreshed'][:19]}.000Z",
        }
        assert booked["amount"]["value"] == balance_of(
            [one for one in rows if one["status"] == "BOOKED"]
        )
        assert report.keys() == {"account_connection_id", "balances", "datetime_refreshed"}


def balance_of(rows: list[dict[str, Any]]) -> str:
    """Return the balance after some transactions, as a string."""
    return f"{1500 + sum(row['amount']['amount'] for row in rows):.2f}"


def test_a_refresh_takes_the_work_time(
    client: httpx.Client, clock: SimpleNamespace, person: str
) -> None:
    """The response is the account as it was; later it has a new time, and new transactions."""
    connection = connect(client, person)
    clock.now += _WORK
    before, other = get(client, f"/v2/persons/{person}/bankaccounts")
    path = f"/v2/bankaccounts/{before['account_connection_id']}"
    rows = get(client, f"{path}/transactions")["transactions"]
    clock.now += 30 * 24 * 3600

    response = client.post(f"{path}/refresh")

    assert (response.status_code, response.json()) == (200, before)
    assert get(client, path) == before
    clock.now += _WORK
    after = get(client, path)
    assert after["datetime_last_refreshed"] > before["datetime_last_refreshed"]
    assert get(client, f"/v2/bankaccounts/{other['account_connection_id']}") == other
    known = get(client, f"{path}/transactions")["transactions"]
    ids = [one["transaction_id"] for one in rows]
    assert [one["transaction_id"] for one in known][-len(ids) :] == ids
    assert len(known) > len(ids)
    refreshed = get(client, f"/v2/openbanking/{connection['bank_connection_id']}")
    assert refreshed["datetime_refreshed"] == after["datetime_last_refreshed"]


def test_accounts_are_deleted_with_their_connection(
    client: httpx.Client, clock: SimpleNamespace, person: str
) -> None:
    """Deleting it again is a 400. Other connections stay."""
    deleted, kept = connect(client, person), connect(client, person)
    clock.now += _WORK
    path = f"/v2/openbanking/{deleted['bank_connection_id']}"
    account_id = get(client, path)["account_connection_ids"][0]
    kept = get(client, f"/v2/openbanking/{kept['bank_connection_id']}")

    response = client.delete(path)

    assert (response.status_code, response.content) == (204, b"")
    again = client.delete(path)
    assert (again.status_code, again.json()["type"]) == (400, "InvalidRequest")
    assert client.get(path).json()["type"] == "ResourceDeleted"
    for tail in ("", "/balances", "/transactions"):
        result = client.get(f"/v2/bankaccounts/{account_id}{tail}")
        assert (result.status_code, result.json()["type"]) == (404, "ResourceDeleted")
    left = get(client, f"/v2/persons/{person}/bankaccounts")
    assert [one["account_connection_id"] for one in left] == kept["account_connection_ids"]


def test_connections_are_deleted_with_their_case(
    client: httpx.Client, clock: SimpleNamespace
) -> None:
    """And so are the accounts."""
    body = {"name": "Loan", "case_type": "Business", "reference_customer_name": "Acme Example"}
    case_id = client.post("/v2/cases", json=body).json()["case_id"]
    body = {"entity_id": case_id, "entity_type": "case"}
    path = f"/v2/openbanking/{client.post('/v2/openbanking', json=body).json()[_ID]}"
    clock.now += _WORK
    account, _ = get(client, f"/v2/Cases/{case_id}/bankaccounts")
    account_path = f"/v2/bankaccounts/{account['account_connection_id']}"
    client.post(f"{account_path}/refresh")

    client.delete(f"/v2/cases/{case_id}")

    assert account["owners_name"] == ["Acme Example"]
    assert [client.get(one).status_code for one in (path, account_path)] == [404, 404]


_ID = "bank_connection_id"


def test_a_case_without_a_customer_has_accounts_without_an_owner(
    client: httpx.Client, clock: SimpleNamespace, case: str
) -> None:
    """The name of a case is not the name of an owner."""
    body = {"entity_id": case.rpartition("/")[2], "entity_type": "case"}
    client.post("/v2/openbanking", json=body)
    clock.now += _WORK

    account, _ = get(client, f"{case}/bankaccounts")

    assert account["owners_name"] == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"entity_type": "Persons"}, "entity_type"),
        ({"entity_id": ""}, "entity_id"),
        ({"country_code": "GBR"}, "country_code"),
        ({"redirect_url": "https://example.com"}, "redirect_url"),
    ],
)
def test_invalid_requests_are_refused(
    client: httpx.Client, person: str, change: dict[str, str], named: str
) -> None:
    """The detail names the field."""
    body = {"entity_id": person, "entity_type": "person", **change}

    response = client.post("/v2/openbanking", json=body)

    assert (response.status_code, response.json()["type"]) == (400, "InvalidRequest")
    assert named in response.json()["detail"]


def test_a_connection_for_an_unknown_entity_is_not_found(client: httpx.Client) -> None:
    """This operation responds with 404, although most POSTs respond with 400."""
    body = {"entity_id": UNKNOWN, "entity_type": "person", "country_code": "GB"}

    response = client.post("/v2/openbanking", json=body)

    assert (response.status_code, response.json()["type"]) == (404, "ResourceNotFound")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"/v2/openbanking/{UNKNOWN}", 404),
        ("DELETE", f"/v2/openbanking/{UNKNOWN}", 400),
        ("GET", f"/v2/Companies/{UNKNOWN}/openbanking", 404),
        ("GET", f"/v2/Companies/{UNKNOWN}/bankaccounts", 404),
        ("GET", f"/v2/bankaccounts/{UNKNOWN}", 404),
        ("GET", f"/v2/bankaccounts/{UNKNOWN}/balances", 404),
        ("GET", f"/v2/bankaccounts/{UNKNOWN}/transactions", 404),
        ("POST", f"/v2/bankaccounts/{UNKNOWN}/refresh", 404),
    ],
)
def test_unknown_ids_are_refused(client: httpx.Client, method: str, path: str, status: int) -> None:
    """With 404 in almost all operations."""
    assert client.request(method, path).status_code == status


def test_a_statement_is_an_account_once_it_is_read(
    sandbox: Sandbox, client: httpx.Client, clock: SimpleNamespace, person: str
) -> None:
    """Its account has the id of the document and transactions, but cannot be refreshed."""
    document_id = add_document(sandbox, "person", person, document_type="BankStatement")
    add_document(sandbox, "person", person, document_type="Payslip")
    before = get(client, f"/v2/persons/{person}/bankaccounts")
    clock.now += _WORK

    (account,) = get(client, f"/v2/persons/{person}/bankaccounts")

    path = f"/v2/bankaccounts/{account['account_connection_id']}"
    assert before == []
    assert get(client, path) == account
    assert (account["source"], account["document_id"]) == ("Document", document_id)
    assert (account["owners_name"], account["datetime_expiry"]) == (["Wilma Example"], None)
    assert get(client, f"{path}/transactions")["transactions"]
    assert client.post(f"{path}/refresh").status_code == 404
    second = add_document(sandbox, "person", person, document_type="BankStatement")
    clock.now += _WORK
    accounts = get(client, f"/v2/persons/{person}/bankaccounts")
    assert [one["document_id"] for one in accounts] == [second, document_id]
    assert len({one["bank_connection_id"] for one in accounts}) == 2
    assert get(client, path) == account


def test_the_same_seed_gives_the_same_accounts(
    connect: Callable[[Sandbox], httpx.Client],
) -> None:
    """In another sandbox too: ids, numbers and amounts."""
    with Sandbox(work_time=0) as one, Sandbox(work_time=0) as two:
        assert _seen(connect(one)) == _seen(connect(two))


def _seen(client: httpx.Client) -> list[Any]:
    wilma = {"first_name": "Wilma", "last_name": "Example"}
    body: Any = {"name": "Loan", "case_type": "Consumer", "persons": [wilma]}
    person = client.post("/v2/cases", json=body).json()["persons"][0]["person_id"]
    body = {"entity_id": person, "entity_type": "person"}
    client.post("/v2/openbanking", json=body)
    account, _ = get(client, f"/v2/persons/{person}/bankaccounts")
    path = f"/v2/bankaccounts/{account['account_connection_id']}/transactions"
    amounts = [one["amount"] for one in get(client, path)["transactions"]]
    return [account["account_connection_id"], account["identifications"], amounts]
