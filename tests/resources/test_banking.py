"""Open banking, against the local Sikoia."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import attrs
import pytest

from sikoia_async import (
    ArgumentTypeError,
    ConfigurationError,
    InvalidRequestError,
    NewPerson,
    ResourceDeletedError,
    ResourceNotFoundError,
    Sikoia,
)
from sikoia_async.models import Entity
from sikoia_async.operations.interval import Interval
from sikoia_async.operations.polling import poll
from sikoia_async.resources.banking import BankAccount, BankConnection
from sikoia_async.resources.cases import Person
from sikoia_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio

_WORK = 60.0
UNKNOWN = Entity("person", "00000000-0000-4000-8000-000000000000")
_WILMA = NewPerson(first_name="Wilma", last_name="Example")


@pytest.fixture(scope="module")
def clock() -> SimpleNamespace:
    """Give a clock whose `now` tests turn by hand."""
    return SimpleNamespace(now=0.0)


@pytest.fixture(scope="module")
def sandbox(clock: SimpleNamespace) -> Iterator[Sandbox]:
    """Run a sandbox in which a minute of the clock is needed for everything."""
    with Sandbox(clock=lambda: clock.now, work_time=_WORK, token_life=10**9, limit=10**6) as one:
        yield one


async def _person(client: Sikoia) -> Person:
    case = await client.cases.create(name="Loan", case_type="Consumer", persons=[_WILMA])
    assert case.persons
    return case.persons[0]


async def _account(client: Sikoia, clock: SimpleNamespace) -> BankAccount:
    """Connect a person to a bank, and return an account that came of it."""
    person = await _person(client)
    await client.banking.connect(person)
    clock.now += _WORK
    return (await client.banking.accounts(person))[0]


async def test_a_connection_is_waited_for(sikoia: Sikoia, clock: SimpleNamespace) -> None:
    """`connect` gives a link, and `poll` waits for the holder of the accounts to follow it."""
    async with sikoia as client:
        person = await _person(client)
        asked = await client.banking.connect(person, country_code="GB")

        async def look() -> BankConnection:
            found = await client.banking.connection(asked.bank_connection_id)
            clock.now += _WORK
            return found

        connected = await poll(
            look,
            until=lambda one: one.status == "Connected",
            interval=Interval(first=0.1, most=0.1),
        )

    assert (asked.status, asked.country_code, asked.entity_id) == (
        "Created",
        "GB",
        person.person_id,
    )
    assert asked.bank_connection_url is not None
    assert asked.account_connection_ids == ()
    assert connected.account_connection_ids is not None
    assert len(connected.account_connection_ids) == 2
    assert connected.datetime_connected is not None
    assert connected.datetime_expiry is not None
    assert connected.datetime_expiry - connected.datetime_connected == timedelta(days=90)


async def test_connections_are_listed(sikoia: Sikoia, clock: SimpleNamespace) -> None:
    """All of an entity, those that are connected, or the others."""
    async with sikoia as client:
        person = await _person(client)
        old = await client.banking.connect(person)
        clock.now += _WORK
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


async def test_an_account_is_read_again(sikoia: Sikoia, clock: SimpleNamespace) -> None:
    """The account retrieved equals the one in the list."""
    async with sikoia as client:
        listed = await _account(client, clock)
        read = await client.banking.account(listed.account_connection_id)

    assert read == listed
    assert (read.source, read.document_id) == ("OpenBanking", None)
    assert read.owners_name == ("Wilma Example",)
    assert read.identifications is not None
    assert [one.type for one in read.identifications] == ["SORT_CODE", "ACCOUNT_NUMBER"]


async def test_money_is_exact(sikoia: Sikoia, clock: SimpleNamespace) -> None:
    """Text in balances and numbers in transactions: both become the same decimals."""
    async with sikoia as client:
        account = await _account(client, clock)
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


async def test_transactions_tell_when_and_what(sikoia: Sikoia, clock: SimpleNamespace) -> None:
    """Times know their zone; who is no merchant is None."""
    async with sikoia as client:
        account = await _account(client, clock)
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


async def test_a_refresh_shows_in_the_account(sikoia: Sikoia, clock: SimpleNamespace) -> None:
    """`refresh` answers at once, and the account's moment changes when the bank has answered."""
    async with sikoia as client:
        account = await _account(client, clock)
        clock.now += 3600
        asked = await client.banking.refresh(account.account_connection_id)
        clock.now += _WORK
        after = await client.banking.account(account.account_connection_id)

    assert asked == account
    assert after.datetime_last_refreshed is not None
    assert account.datetime_last_refreshed is not None
    assert after.datetime_last_refreshed - account.datetime_last_refreshed == timedelta(hours=1)


async def test_a_bank_statement_is_an_account(sikoia: Sikoia, clock: SimpleNamespace) -> None:
    """An account of a statement is read like any other, and goes with the document."""
    async with sikoia as client:
        person = await _person(client)
        document = await client.documents.upload(
            person, b"%PDF-", document_type="BankStatement", file_name="february.pdf"
        )
        clock.now += _WORK
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


async def test_a_disconnected_bank_is_gone(sikoia: Sikoia, clock: SimpleNamespace) -> None:
    """Its accounts go, too; disconnecting again is an invalid request, in Sikoia's words."""
    async with sikoia as client:
        account = await _account(client, clock)
        assert account.bank_connection_id is not None
        await client.banking.disconnect(account.bank_connection_id)
        with pytest.raises(ResourceDeletedError):
            await client.banking.connection(account.bank_connection_id)
        with pytest.raises(ResourceDeletedError):
            await client.banking.transactions(account.account_connection_id)
        with pytest.raises(InvalidRequestError, match="bank_connection_id"):
            await client.banking.disconnect(account.bank_connection_id)


@pytest.mark.parametrize("method", ["connect", "connections", "accounts"])
async def test_nobody_has_no_bank(sikoia: Sikoia, method: str) -> None:
    """Sikoia says 404 to an entity that it does not know."""
    async with sikoia as client:
        with pytest.raises(ResourceNotFoundError):
            await getattr(client.banking, method)(UNKNOWN)


@pytest.mark.parametrize("method", ["connect", "connections", "accounts"])
async def test_what_is_no_entity_is_refused(sikoia: Sikoia, method: str) -> None:
    """An id alone does not tell whose it is; nothing is sent."""
    async with sikoia as client:
        with pytest.raises(ArgumentTypeError, match="entity"):
            await getattr(client.banking, method)(UNKNOWN.id)


@pytest.mark.parametrize(
    "method",
    ["connection", "disconnect", "account", "balances", "transactions", "refresh"],
)
async def test_an_id_that_leads_elsewhere_is_refused(sikoia: Sikoia, method: str) -> None:
    """Nothing is sent for an id that is none."""
    async with sikoia as client:
        with pytest.raises(ConfigurationError, match="_connection_id: not a valid id"):
            await getattr(client.banking, method)("../users")


async def test_what_is_personal_is_not_in_a_repr(sikoia: Sikoia, clock: SimpleNamespace) -> None:
    """Links, owners, numbers of accounts and what was bought where are masked."""
    async with sikoia as client:
        account = await _account(client, clock)
        assert account.bank_connection_id is not None
        connection = await client.banking.connection(account.bank_connection_id)
        report = await client.banking.transactions(account.account_connection_id)

    shown = repr((connection, account, report))
    personal = list(_texts(attrs.asdict(account)["identifications"], "value"))
    for name in ("description", "reference", "merchant_name"):
        personal += _texts(attrs.asdict(report), name)
    assert connection.bank_connection_url is not None
    assert len(personal) > 50
    assert not [one for one in (*personal, "Wilma", connection.bank_connection_url) if one in shown]
    assert "GBP" in shown


def _texts(plain: Any, name: str) -> Iterator[str]:
    """Find all texts of this name, at any depth."""
    if isinstance(plain, dict):
        fields = cast("dict[str, Any]", plain)
        yield from [text for key, text in fields.items() if key == name and text]
        plain = tuple(fields.values())
    if isinstance(plain, tuple | list):
        for one in cast("tuple[Any, ...]", plain):
            yield from _texts(one, name)
