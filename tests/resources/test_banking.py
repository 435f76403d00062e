"""Open banking, against the local Sikoia."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

import attrs
import pytest
from workbench import UNKNOWN_ID, WORK_TIME, Workbench

from sikoia_async import (
    ArgumentTypeError,
    ConfigurationError,
    InvalidRequestError,
    ResourceDeletedError,
    ResourceNotFoundError,
    Sikoia,
)
from sikoia_async.models import Entity
from sikoia_async.operations.interval import Interval
from sikoia_async.operations.polling import poll
from sikoia_async.resources.banking import BankAccount, BankConnection

pytestmark = pytest.mark.anyio

UNKNOWN = Entity("person", UNKNOWN_ID)


async def connect_account(client: Sikoia, workbench: Workbench) -> BankAccount:
    """Connect a person to a bank, and return one of the accounts."""
    person = await workbench.person(client)
    await client.banking.connect(person)
    workbench.pass_time()
    return (await client.banking.accounts(person))[0]


async def test_a_connection_can_be_polled(sikoia: Sikoia, workbench: Workbench) -> None:
    """`connect` returns a link, and `poll` waits until the account holder has given consent."""
    async with sikoia as client:
        person = await workbench.person(client)
        created = await client.banking.connect(person, country_code="GB")

        async def retrieve() -> BankConnection:
            connection = await client.banking.connection(created.bank_connection_id)
            workbench.pass_time()
            return connection

        connected = await poll(
            retrieve,
            until=lambda one: one.status == "Connected",
            interval=Interval(first=0.1, most=0.1),
        )

    assert (created.status, created.country_code, created.entity_id) == (
        "Created",
        "GB",
        person.person_id,
    )
    assert created.bank_connection_url is not None
    assert created.account_connection_ids == ()
    assert connected.account_connection_ids is not None
    assert len(connected.account_connection_ids) == 2
    assert connected.datetime_connected is not None
    assert connected.datetime_expiry is not None
    assert connected.datetime_expiry - connected.datetime_connected == timedelta(days=90)


async def test_connections_are_listed(sikoia: Sikoia, workbench: Workbench) -> None:
    """All connections of an entity, only the completed ones, or only the others."""
    async with sikoia as client:
        person = await workbench.person(client)
        old = await client.banking.connect(person)
        workbench.pass_time()
        new = await client.banking.connect(person)
        every = await client.banking.connections(person)
        done = await client.banking.connections(person, completed=True)
        waiting = await client.banking.connections(person, completed=False)

    assert {one.bank_connection_id for one in every} == {
        old.bank_connection_id,
        new.bank_connection_id,
    }
    assert [one.bank_connection_id for one in done] == [old.bank_connection_id]
    assert [one.bank_connection_id for one in waiting] == [new.bank_connection_id]


async def test_an_account_is_retrieved(sikoia: Sikoia, workbench: Workbench) -> None:
    """The retrieved account equals the one in the list."""
    async with sikoia as client:
        listed = await connect_account(client, workbench)
        account = await client.banking.account(listed.account_connection_id)

    assert account == listed
    assert (account.source, account.document_id) == ("OpenBanking", None)
    assert account.owners_name == ("Wilma Example",)
    assert account.identifications is not None
    assert [one.type for one in account.identifications] == ["SORT_CODE", "ACCOUNT_NUMBER"]


async def test_money_is_exact(sikoia: Sikoia, workbench: Workbench) -> None:
    """Balances are strings on the wire and transactions numbers; both become decimals."""
    async with sikoia as client:
        account = await connect_account(client, workbench)
        balances = (await client.banking.balances(account.account_connection_id)).balances
        report = await client.banking.transactions(account.account_connection_id)

    assert balances
    assert balances[0].amount is not None
    assert report.transactions is not None
    amounts = [one.amount.amount for one in report.transactions if one.amount and one.amount.amount]
    assert len(amounts) == len(report.transactions)
    assert sum(amounts, Decimal(1500)) == balances[0].amount.value
    assert min(amounts) == Decimal("-950.0")
    assert report.account_connection_id == account.account_connection_id
    assert report.datetime_refreshed == account.datetime_last_refreshed


async def test_transactions_have_dates_and_codes(sikoia: Sikoia, workbench: Workbench) -> None:
    """Dates have a time zone, and a salary has no merchant."""
    async with sikoia as client:
        account = await connect_account(client, workbench)
        report = await client.banking.transactions(account.account_connection_id)

    assert report.transactions is not None
    salary = next(
        one for one in report.transactions if one.amount and one.amount.amount == Decimal(2450)
    )
    assert salary.merchant is None
    assert salary.date is not None
    assert salary.date.utcoffset() == timedelta(0)
    assert salary.iso_bank_transaction_code is not None
    assert salary.iso_bank_transaction_code.sub_family_code is not None
    assert salary.iso_bank_transaction_code.sub_family_code.code == "SALA"


async def test_a_refresh_changes_the_account(sikoia: Sikoia, workbench: Workbench) -> None:
    """`refresh` returns the account as it was; the timestamp changes when the bank responds."""
    async with sikoia as client:
        account = await connect_account(client, workbench)
        workbench.pass_time(3600)
        before = await client.banking.refresh(account.account_connection_id)
        workbench.pass_time()
        after = await client.banking.account(account.account_connection_id)

    assert before == account
    assert after.datetime_last_refreshed is not None
    assert account.datetime_last_refreshed is not None
    waited = after.datetime_last_refreshed - account.datetime_last_refreshed
    assert waited == timedelta(hours=1, seconds=WORK_TIME)


async def test_a_bank_statement_is_an_account(sikoia: Sikoia, workbench: Workbench) -> None:
    """Its account is read like any other, and deleted with the document."""
    async with sikoia as client:
        person = await workbench.person(client)
        document = await client.documents.upload(
            person, b"%PDF-", document_type="BankStatement", file_name="february.pdf"
        )
        workbench.pass_time()
        (account,) = await client.banking.accounts(person)
        report = await client.banking.transactions(account.account_connection_id)
        with pytest.raises(ResourceNotFoundError):
            await client.banking.refresh(account.account_connection_id)
        await client.documents.delete(document.document_id)
        with pytest.raises(ResourceNotFoundError):
            await client.banking.account(account.account_connection_id)

    assert (account.source, account.document_id) == ("Document", document.document_id)
    assert account.datetime_expiry is None
    assert report.transactions


async def test_disconnecting_deletes_the_accounts(sikoia: Sikoia, workbench: Workbench) -> None:
    """Sikoia returns 400 if the connection was already deleted."""
    async with sikoia as client:
        account = await connect_account(client, workbench)
        assert account.bank_connection_id is not None
        await client.banking.disconnect(account.bank_connection_id)
        with pytest.raises(ResourceDeletedError):
            await client.banking.connection(account.bank_connection_id)
        with pytest.raises(ResourceDeletedError):
            await client.banking.transactions(account.account_connection_id)
        with pytest.raises(InvalidRequestError, match="bank_connection_id"):
            await client.banking.disconnect(account.bank_connection_id)


@pytest.mark.parametrize("method", ["connect", "connections", "accounts"])
async def test_an_unknown_entity_is_not_found(sikoia: Sikoia, method: str) -> None:
    """Sikoia returns 404."""
    async with sikoia as client:
        with pytest.raises(ResourceNotFoundError):
            await getattr(client.banking, method)(UNKNOWN)


@pytest.mark.parametrize("method", ["connect", "connections", "accounts"])
async def test_an_id_is_refused_as_an_entity(sikoia: Sikoia, method: str) -> None:
    """An id does not say what type of entity it belongs to, so nothing is sent."""
    async with sikoia as client:
        with pytest.raises(ArgumentTypeError, match="entity"):
            await getattr(client.banking, method)(UNKNOWN.id)


@pytest.mark.parametrize(
    "method",
    ["connection", "disconnect", "account", "balances", "transactions", "refresh"],
)
async def test_an_id_that_changes_the_path_is_refused(sikoia: Sikoia, method: str) -> None:
    """Nothing is sent for an id that is not valid."""
    async with sikoia as client:
        with pytest.raises(ConfigurationError, match=r"(connection|account): not a valid id"):
            await getattr(client.banking, method)("../users")


async def test_reprs_mask_personal_data(sikoia: Sikoia, workbench: Workbench) -> None:
    """Links, owners, account numbers and purchases are masked."""
    async with sikoia as client:
        account = await connect_account(client, workbench)
        assert account.bank_connection_id is not None
        connection = await client.banking.connection(account.bank_connection_id)
        report = await client.banking.transactions(account.account_connection_id)

    shown = repr((connection, account, report))
    personal = list(_strings(attrs.asdict(account)["identifications"], "value"))
    for name in ("description", "reference", "merchant_name"):
        personal += _strings(attrs.asdict(report), name)
    assert connection.bank_connection_url is not None
    assert len(personal) > 50
    assert not [one for one in (*personal, "Wilma", connection.bank_connection_url) if one in shown]
    assert "GBP" in shown


def _strings(plain: Any, name: str) -> Iterator[str]:
    """Yield all strings with this field name, at any depth."""
    if isinstance(plain, dict):
        fields = cast("dict[str, Any]", plain)
        yield from [value for key, value in fields.items() if key == name and value]
        plain = tuple(fields.values())
    if isinstance(plain, tuple | list):
        for one in cast("tuple[Any, ...]", plain):
            yield from _strings(one, name)
