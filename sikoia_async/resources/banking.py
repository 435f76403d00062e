"""Open banking: connections, and the accounts, balances and transactions that come with them.

Accounts also come from uploaded bank statements; `source` tells which.

Sources: https://docs.sikoia.com/docs/open-banking-1,
https://docs.sikoia.com/docs/banking-data-identifiers
"""

from datetime import datetime
from decimal import Decimal
from typing import Literal

import attrs

from sikoia_async._calls.api import Api
from sikoia_async._validation import (
    validate_flags,
    validate_id,
    validate_required,
    validate_strings,
    validate_type,
)
from sikoia_async.models import PERSONAL, EntityType, HasEntity, Items, Model, Open
from sikoia_async.operations.interval import Interval
from sikoia_async.operations.operation import Operation
from sikoia_async.operations.registry import OperationKind
from sikoia_async.resources._entities import in_body, in_path

__all__ = [
    "AccountBalances",
    "AccountIdentification",
    "AccountTransactions",
    "Balance",
    "BalanceAmount",
    "BankAccount",
    "BankConnection",
    "BankConnectionStatus",
    "BankTransaction",
    "Banking",
    "BankingSource",
    "IsoTransactionCode",
    "Merchant",
    "ProprietaryTransactionCode",
    "TransactionAmount",
    "TransactionCode",
]

BankConnectionStatus = Literal[
    "Created", "SelectingInstitutions", "Rejected", "Authorising", "Connected", "Deleted"
]
BankingSource = Literal["Document", "OpenBanking"]


@attrs.frozen(kw_only=True)
class BankConnection(Model):
    """A connection to a bank, which the holder of the accounts consents to."""

    bank_connection_id: str
    bank_connection_url: str | None = attrs.field(default=None, **PERSONAL)
    """Send the holder there to consent; whoever has the link can use it."""
    entity_id: str | None = None
    entity_type: Open[EntityType] | None = None
    datetime_requested: datetime | None = None
    datetime_refreshed: datetime | None = None
    datetime_connected: datetime | None = None
    datetime_expiry: datetime | None = None
    """When the consent ends, mostly after about 90 days. What was read by then stays readable, and
    no status tells."""
    status: Open[BankConnectionStatus] | None = None
    """`Connected` and `Rejected` are how it ends."""
    country_code: str | None = None
    """Two letters of ISO 3166: where the bank is."""
    institution_name: str | None = None
    institution_logo: str | None = None
    """An address."""
    account_connection_ids: tuple[str, ...] | None = None
    """The accounts that came with it, once it is connected."""
    source: Open[BankingSource] | None = None
    document_id: str | None = None
    """The bank statement, where the source is `Document`."""


@attrs.frozen(kw_only=True)
class AccountIdentification(Model):
    """A number by which others know an account."""

    type: str | None = None
    """`SORT_CODE`, say."""
    value: str | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class BankAccount(Model):
    """An account, from open banking or from a bank statement."""

    account_connection_id: str
    account_type: str | None = None
    """`CREDIT_CARD`, say."""
    status: Open[BankConnectionStatus] | None = None
    currency: str | None = None
    """Three letters of ISO 4217."""
    owners_name: tuple[str, ...] | None = attrs.field(default=None, **PERSONAL)
    """All owners."""
    identifications: tuple[AccountIdentification, ...] | None = None
    bank_connection_id: str | None = None
    """The connection that it came with; of a statement's account, one for each uploaded file."""
    datetime_last_refreshed: datetime | None = None
    datetime_connected: datetime | None = None
    datetime_expiry: datetime | None = None
    """When the consent ends, mostly after about 90 days; from then on it cannot be refreshed."""
    country_code: str | None = None
    """Two letters of ISO 3166: where the bank is."""
    institution_logo: str | None = None
    """An address."""
    institution_name: str | None = None
    source: Open[BankingSource] | None = None
    document_id: str | None = None
    """The bank statement, where the source is `Document`."""
    data_source_id: str | None = None
    """One file may hold several statements: this tells them apart."""
    full_address: str | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class BalanceAmount(Model):
    """How much is on an account."""

    value: Decimal | None = None
    """The wire has it as text."""
    currency: str | None = None


@attrs.frozen(kw_only=True)
class Balance(Model):
    """A balance of an account at a moment."""

    type: str | None = None
    """`CLOSING_AVAILABLE`, say."""
    amount: BalanceAmount | None = None
    date: datetime | None = None


@attrs.frozen(kw_only=True)
class AccountBalances(Model):
    """The balances of an account."""

    account_connection_id: str | None = None
    balances: tuple[Balance, ...] | None = None
    datetime_refreshed: datetime | None = None


@attrs.frozen(kw_only=True)
class TransactionAmount(Model):
    """How much was moved."""

    amount: Decimal | None = None
    """Signed: what went out (a debit) is negative."""
    currency: str | None = None


@attrs.frozen(kw_only=True)
class Merchant(Model):
    """Who was paid."""

    merchant_name: str | None = attrs.field(default=None, **PERSONAL)
    merchant_category: str | None = None


@attrs.frozen(kw_only=True)
class TransactionCode(Model):
    """A code and its name."""

    code: str | None = None
    name: str | None = None


@attrs.frozen(kw_only=True)
class IsoTransactionCode(Model):
    """What kind of transaction it is, by ISO 20022: from the widest to the narrowest."""

    domain_code: TransactionCode | None = None
    """`PMNT`, say: payments."""
    family_code: TransactionCode | None = None
    sub_family_code: TransactionCode | None = None


@attrs.frozen(kw_only=True)
class ProprietaryTransactionCode(Model):
    """What kind of transaction it is, by the bank's own list."""

    code: str | None = None
    issuer: str | None = None


@attrs.frozen(kw_only=True)
class BankTransaction(Model):
    """Money that came in or went out."""

    transaction_id: str | None = None
    date: datetime | None = None
    booking_datetime: datetime | None = None
    value_date_time: datetime | None = None
    """From when it counts for interest."""
    status: str | None = None
    """`PENDING`, say."""
    amount: TransactionAmount | None = None
    currency: str | None = None
    reference: str | None = attrs.field(default=None, **PERSONAL)
    description: str | None = attrs.field(default=None, **PERSONAL)
    merchant: Merchant | None = None
    iso_bank_transaction_code: IsoTransactionCode | None = None
    proprietary_bank_transaction_code: ProprietaryTransactionCode | None = None


@attrs.frozen(kw_only=True)
class AccountTransactions(Model):
    """The transactions of an account."""

    account_connection_id: str | None = None
    transactions: tuple[BankTransaction, ...] | None = None
    datetime_refreshed: datetime | None = None


@attrs.frozen
class Banking:
    """`sikoia.banking`."""

    _api: Api

    async def connect(
        self, entity: HasEntity, *, country_code: str | None = None
    ) -> BankConnection:
        """Make a link for the holder of the accounts to consent (`POST /v2/openbanking`).

        The connection is `Created` at first. Nothing more happens until the holder has followed
        `bank_connection_url`; `wait_connected` waits for that.

        Args:
            entity: whose accounts they are.
            country_code: two letters of ISO 3166; the holder then chooses among that country's
                banks.

        Raises:
            InvalidRequestError: Sikoia refused a field; the detail names it.
            ResourceNotFoundError: there is no such entity.
        """
        return await self._api.post(
            "/v2/openbanking",
            BankConnection,
            body={**in_body(entity), **validate_strings(country_code=country_code)},
        )

    async def connection(self, bank_connection_id: str) -> BankConnection:
        """Return a connection (`GET /v2/openbanking/{bank_connection_id}`).

        Raises:
            ResourceNotFoundError: there is no such connection.
        """
        return await self._api.get(
            "/v2/openbanking/{bank_connection_id}",
            BankConnection,
            bank_connection_id=bank_connection_id,
        )

    def wait_connected(self, bank_connection_id: str) -> Operation[BankConnection]:
        """Wait until the holder has consented, or has not: `await` it for the connection.

            connection = await sikoia.banking.wait_connected(connection.bank_connection_id)

        `Connected`, `Rejected` and `Deleted` are how it ends, and none of them is an error. It
        waits for half an hour (1,800 s); `.wait(timeout=...)` for another time.

        Raises:
            ConfigurationError: this is no id.
            ResourceNotFoundError, while it is awaited: there is no such connection.
        """
        validate_id("bank_connection_id", bank_connection_id)
        return self._api.operation(
            _CONNECTION,
            (bank_connection_id,),
            lambda api: Banking(api).connection(bank_connection_id),
        )

    async def disconnect(self, bank_connection_id: str) -> None:
        """Delete a connection with its accounts (`DELETE /v2/openbanking/{bank_connection_id}`).

        Their balances and transactions go as well; there is no way back.

        Raises:
            InvalidRequestError: there is no such connection, or not any more. For this operation
                Sikoia says 400 to that.
        """
        await self._api.delete(
            "/v2/openbanking/{bank_connection_id}", bank_connection_id=bank_connection_id
        )

    async def connections(
        self, entity: HasEntity, *, completed: bool | None = None
    ) -> Items[BankConnection]:
        """Return an entity's connections (`GET /v2/{entity_type}/{entity_id}/openbanking`).

        Args:
            entity: a case, a company or a person.
            completed: True for those that are connected, False for the others; all if left out.

        Raises:
            ResourceNotFoundError: there is no such entity.
        """
        return await self._api.get(
            "/v2/{entity_type}/{entity_id}/openbanking",
            Items[BankConnection],
            query={**validate_flags(completed=completed)},
            **in_path(entity),
        )

    async def account(self, account_connection_id: str) -> BankAccount:
        """Return an account (`GET /v2/bankaccounts/{account_connection_id}`).

        Raises:
            ResourceNotFoundError: there is no such account; with its connection or its bank
                statement an account is deleted, too.
        """
        return await self._api.get(
            "/v2/bankaccounts/{account_connection_id}",
            BankAccount,
            account_connection_id=account_connection_id,
        )

    async def accounts(self, entity: HasEntity) -> Items[BankAccount]:
        """Return an entity's accounts (`GET /v2/{entity_type}/{entity_id}/bankaccounts`).

        Raises:
            ResourceNotFoundError: there is no such entity.
        """
        return await self._api.get(
            "/v2/{entity_type}/{entity_id}/bankaccounts", Items[BankAccount], **in_path(entity)
        )

    async def balances(self, account_connection_id: str) -> AccountBalances:
        """Return what is on an account (`GET /v2/bankaccounts/{account_connection_id}/balances`).

        Raises:
            ResourceNotFoundError: there is no such account.
        """
        return await self._api.get(
            "/v2/bankaccounts/{account_connection_id}/balances",
            AccountBalances,
            account_connection_id=account_connection_id,
        )

    async def transactions(self, account_connection_id: str) -> AccountTransactions:
        """Return all transactions of an account, in one answer.

        Operation: `GET /v2/bankaccounts/{account_connection_id}/transactions`.

        Raises:
            ResourceNotFoundError: there is no such account.
        """
        return await self._api.get(
            "/v2/bankaccounts/{account_connection_id}/transactions",
            AccountTransactions,
            account_connection_id=account_connection_id,
        )

    async def refresh(self, account_connection_id: str) -> BankAccount:
        """Have an account, its balances and its transactions read again from the bank.

        Operation: `POST /v2/bankaccounts/{account_connection_id}/refresh`. For accounts of open
        banking only. The answer is the account as it was: `wait_refreshed` takes that, and waits
        until it is another.

        Raises:
            ResourceNotFoundError: there is no such account.
        """
        return await self._api.post(
            "/v2/bankaccounts/{account_connection_id}/refresh",
            BankAccount,
            account_connection_id=account_connection_id,
        )

    def wait_refreshed(self, account: BankAccount) -> Operation[BankAccount]:
        """Wait until an account is another than it was: `await` it for the account.

            before = await sikoia.banking.refresh(account_connection_id)
            account = await sikoia.banking.wait_refreshed(before)

        No status tells; it is done once `datetime_last_refreshed` is another than that of the
        account given. It waits for 600 s; `.wait(timeout=...)` for another time.

        Raises:
            ResourceNotFoundError, while it is awaited: there is no such account any more.
        """
        validate_type(
            "account",
            validate_required("account", account),
            BankAccount,
            "a BankAccount that refresh returned",
        )
        return self._refreshed(account.account_connection_id, _stamp(account))

    def _refreshed(self, account_id: str, before: str) -> Operation[BankAccount]:
        validate_id("account_connection_id", account_id)
        return self._api.operation(
            _REFRESH,
            (account_id, before),
            lambda api: Banking(api).account(account_id),
            state=lambda account: "running" if _stamp(account) == before else "done",
        )


def _stamp(account: BankAccount) -> str:
    return str(account.datetime_last_refreshed)


_CONNECTION = OperationKind(
    name="bank-connection",
    timeout=1800.0,
    lasting=False,
    interval=Interval(first=2.0, most=30.0),
    rare=900.0,
    done=frozenset({"Connected", "Rejected", "Deleted"}),
    failed=frozenset(),
    running=frozenset({"Created", "SelectingInstitutions", "Authorising"}),
    events=frozenset({"OpenBankingProcessing.Completed", "BankingProcessing.Completed"}),
)
_REFRESH = OperationKind(name="account-refresh", timeout=600.0)
