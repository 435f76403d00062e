"""Open banking: connections, and their accounts, balances and transactions.

Uploaded bank statements give accounts as well; `source` says where an account comes from.

Sources: https://docs.sikoia.com/docs/open-banking-1,
https://docs.sikoia.com/docs/banking-data-identifiers
"""

from datetime import datetime
from decimal import Decimal
from typing import Final, Literal
from uuid import UUID

import attrs

from sikoia_async._calls.api import Api
from sikoia_async._validation import (
    validate_codes,
    validate_flags,
    validate_required,
    validate_type,
)
from sikoia_async.models import PERSONAL, EntityType, HasEntity, Items, Model, Open
from sikoia_async.operations.interval import Interval
from sikoia_async.operations.kinds import OperationKind
from sikoia_async.operations.operation import Operation
from sikoia_async.resources._entities import in_body, in_path
from sikoia_async.resources._resource import Resource
from sikoia_async.resources._subjects import Subject

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
"""The status of a connection: `Created`, `SelectingInstitutions`, `Authorising`, or one of the
final ones `Connected`, `Rejected` and `Deleted`."""
BankingSource = Literal["Document", "OpenBanking"]
"""Where an account comes from: an uploaded `Document`, or `OpenBanking`."""


@attrs.frozen(kw_only=True)
class BankConnection(Model):
    """A connection to a bank, made with the account holder's consent."""

    bank_connection_id: str
    bank_connection_url: str | None = attrs.field(default=None, **PERSONAL)
    """The page where the account holder gives consent. Anyone with the link can use it."""
    entity_id: str | None = None
    entity_type: Open[EntityType] | None = None
    datetime_requested: datetime | None = None
    datetime_refreshed: datetime | None = None
    datetime_connected: datetime | None = None
    datetime_expiry: datetime | None = None
    """When the consent expires, typically after about 90 days. `status` does not change then, and
    the data read so far stays available."""
    status: Open[BankConnectionStatus] | None = None
    """`Connected`, `Rejected` and `Deleted` are final."""
    country_code: str | None = None
    """The country of the bank: ISO 3166-1 alpha-2, such as `GB`."""
    institution_name: str | None = None
    institution_logo: str | None = None
    """The URL of the bank's logo."""
    account_connection_ids: tuple[str, ...] | None = None
    """The accounts of the connection, once it is connected."""
    source: Open[BankingSource] | None = None
    document_id: str | None = None
    """The bank statement, if the source is `Document`."""


@attrs.frozen(kw_only=True)
class AccountIdentification(Model):
    """An identifier of an account, such as its sort code."""

    type: str | None = None
    """The kind of identifier, such as `SORT_CODE`."""
    value: str | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class BankAccount(Model):
    """A bank account, from open banking or from an uploaded statement."""

    account_connection_id: str
    account_type: str | None = None
    """Such as `CREDIT_CARD`."""
    status: Open[BankConnectionStatus] | None = None
    currency: str | None = None
    """ISO 4217, such as `GBP`."""
    owners_name: tuple[str, ...] | None = attrs.field(default=None, **PERSONAL)
    """The names of all owners."""
    identifications: tuple[AccountIdentification, ...] | None = None
    bank_connection_id: str | None = None
    """The connection the account belongs to. Each uploaded statement file has its own."""
    datetime_last_refreshed: datetime | None = None
    datetime_connected: datetime | None = None
    datetime_expiry: datetime | None = None
    """When the consent expires, typically after about 90 days. The account cannot be refreshed
    afterwards."""
    country_code: str | None = None
    """The country of the bank: ISO 3166-1 alpha-2, such as `GB`."""
    institution_logo: str | None = None
    """The URL of the bank's logo."""
    institution_name: str | None = None
    source: Open[BankingSource] | None = None
    document_id: str | None = None
    """The bank statement, if the source is `Document`."""
    data_source_id: str | None = None
    """The statement within the file, as one file may hold several."""
    full_address: str | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class BalanceAmount(Model):
    """The amount of a balance."""

    value: Decimal | None = None
    """Sent as a JSON string."""
    currency: str | None = None
    """ISO 4217, such as `GBP`."""


@attrs.frozen(kw_only=True)
class Balance(Model):
    """A balance of an account at a point in time."""

    type: str | None = None
    """Such as `CLOSING_AVAILABLE`."""
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
    """The amount of a transaction."""

    amount: Decimal | None = None
    """Signed: debits are negative."""
    currency: str | None = None


@attrs.frozen(kw_only=True)
class Merchant(Model):
    """The merchant of a transaction."""

    merchant_name: str | None = attrs.field(default=None, **PERSONAL)
    merchant_category: str | None = None


@attrs.frozen(kw_only=True)
class TransactionCode(Model):
    """A code with its name."""

    code: str | None = None
    name: str | None = None


@attrs.frozen(kw_only=True)
class IsoTransactionCode(Model):
    """The ISO 20022 type of a transaction, from the broadest code to the narrowest."""

    domain_code: TransactionCode | None = None
    """Such as `PMNT` for payments."""
    family_code: TransactionCode | None = None
    sub_family_code: TransactionCode | None = None


@attrs.frozen(kw_only=True)
class ProprietaryTransactionCode(Model):
    """The bank's own code for the type of a transaction."""

    code: str | None = None
    issuer: str | None = None


@attrs.frozen(kw_only=True)
class BankTransaction(Model):
    """A transaction on a bank account."""

    transaction_id: str | None = None
    date: datetime | None = None
    booking_datetime: datetime | None = None
    value_date_time: datetime | None = None
    """The value date: when the amount starts or stops bearing interest."""
    status: str | None = None
    """Such as `PENDING`."""
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


class Banking(Resource):
    """Bank connections, accounts, balances and transactions, as `sikoia.banking`."""

    async def connect(
        self, entity: HasEntity, /, *, country_code: str | None = None
    ) -> BankConnection:
        """Create a connection for the account holder to consent to (`POST /v2/openbanking`).

            connection = await sikoia.banking.connect(person, country_code="GB")

        The connection starts as `Created`. Send `bank_connection_url` to the account holder;
        `until_connected` waits until they have finished.

        Args:
            entity: the case, company or person whose accounts to connect.
            country_code: ISO 3166-1 alpha-2, such as `GB`; limits the choice of banks to that
                country.

        Raises:
            ArgumentError: the argument is not an entity, or `country_code` is not such a code.
            InvalidRequestError: Sikoia rejected a field; `detail` names it.
            ResourceNotFoundError: the entity does not exist.
        """
        return await self._api.post(
            "/v2/openbanking",
            BankConnection,
            body={**in_body(entity), **validate_codes(country_code=country_code)},
        )

    async def connection(self, connection: BankConnection | str | UUID, /) -> BankConnection:
        """Return a connection (`GET /v2/openbanking/{bank_connection_id}`).

            connection = await sikoia.banking.connection(connection)

        Args:
            connection: the connection or its id.

        Raises:
            ArgumentError: the argument is neither a connection nor a valid id.
            ResourceNotFoundError: the connection does not exist.
        """
        return await self._api.get(
            "/v2/openbanking/{bank_connection_id}",
            BankConnection,
            bank_connection_id=_CONNECTION.id_of(connection),
        )

    def until_connected(
        self, connection: BankConnection | str | UUID, /
    ) -> Operation[BankConnection]:
        """Wait until the account holder has given or refused consent.

            connection = await sikoia.banking.until_connected(connection)

        Done when the status is `Connected`, `Rejected` or `Deleted`; none of them raises an error.
        Waits up to half an hour (1,800 s); use `.wait(timeout=...)` to change that.

        Args:
            connection: the connection or its id.

        Returns:
            The operation; awaiting it gives the connection.

        Raises:
            ArgumentError: the argument is neither a connection nor a valid id.
            ResourceNotFoundError: the connection does not exist; raised when awaited.
        """
        bank_connection_id = _CONNECTION.id_of(connection)
        return self._api.operation(
            _UNTIL_CONNECTED,
            (bank_connection_id,),
            lambda api: Banking(api).connection(bank_connection_id),
        )

    async def disconnect(self, connection: BankConnection | str | UUID, /) -> None:
        """Delete a connection (`DELETE /v2/openbanking/{bank_connection_id}`).

            await sikoia.banking.disconnect(connection)

        Deletes its accounts, balances and transactions too. This cannot be undone.

        Args:
            connection: the connection or its id.

        Raises:
            ArgumentError: the argument is neither a connection nor a valid id.
            InvalidRequestError: the connection does not exist or was already deleted. This
                operation returns 400 for that, not 404.
        """
        await self._api.delete(
            "/v2/openbanking/{bank_connection_id}",
            bank_connection_id=_CONNECTION.id_of(connection),
        )

    async def connections(
        self, entity: HasEntity, /, *, completed: bool | None = None
    ) -> Items[BankConnection]:
        """List the connections of an entity (`GET /v2/{entity_type}/{entity_id}/openbanking`).

            unfinished = await sikoia.banking.connections(person, completed=False)

        Args:
            entity: a case, company or person.
            completed: True for completed connections only, False for the others; omit it for all.

        Returns:
            The connections, with the response they came in.

        Raises:
            ArgumentError: the argument is not an entity, or `completed` is not a bool.
            ResourceNotFoundError: the entity does not exist.
        """
        return await self._api.get(
            "/v2/{entity_type}/{entity_id}/openbanking",
            Items[BankConnection],
            query={**validate_flags(completed=completed)},
            **in_path(entity),
        )

    async def account(self, account: BankAccount | str | UUID, /) -> BankAccount:
        """Return a bank account (`GET /v2/bankaccounts/{account_connection_id}`).

            account = await sikoia.banking.account(account_connection_id)

        Args:
            account: the account or its id.

        Raises:
            ArgumentError: the argument is neither an account nor a valid id.
            ResourceNotFoundError: the account does not exist, or was deleted with its connection
                or bank statement.
        """
        return await self._api.get(
            "/v2/bankaccounts/{account_connection_id}",
            BankAccount,
            account_connection_id=_ACCOUNT.id_of(account),
        )

    async def accounts(self, entity: HasEntity, /) -> Items[BankAccount]:
        """List the bank accounts of an entity (`GET /v2/{entity_type}/{entity_id}/bankaccounts`).

            for account in await sikoia.banking.accounts(person):
                print(account.institution_name, account.currency)

        Args:
            entity: a case, company or person.

        Returns:
            The accounts, with the response they came in.

        Raises:
            ArgumentError: the argument is not an entity.
            ResourceNotFoundError: the entity does not exist.
        """
        return await self._api.get(
            "/v2/{entity_type}/{entity_id}/bankaccounts", Items[BankAccount], **in_path(entity)
        )

    async def balances(self, account: BankAccount | str | UUID, /) -> AccountBalances:
        """Return an account's balances (`GET /v2/bankaccounts/{account_connection_id}/balances`).

            found = await sikoia.banking.balances(account)
            amounts = [one.amount.value for one in found.balances or () if one.amount]

        Args:
            account: the account or its id.

        Raises:
            ArgumentError: the argument is neither an account nor a valid id.
            ResourceNotFoundError: the account does not exist.
        """
        return await self._api.get(
            "/v2/bankaccounts/{account_connection_id}/balances",
            AccountBalances,
            account_connection_id=_ACCOUNT.id_of(account),
        )

    async def transactions(self, account: BankAccount | str | UUID, /) -> AccountTransactions:
        """Return all transactions of an account in one response.

            found = await sikoia.banking.transactions(account)
            amounts = [one.amount.amount for one in found.transactions or () if one.amount]

        Operation: `GET /v2/bankaccounts/{account_connection_id}/transactions`. The API has no
        paging and no date range for it.

        Args:
            account: the account or its id.

        Raises:
            ArgumentError: the argument is neither an account nor a valid id.
            ResourceNotFoundError: the account does not exist.
        """
        return await self._api.get(
            "/v2/bankaccounts/{account_connection_id}/transactions",
            AccountTransactions,
            account_connection_id=_ACCOUNT.id_of(account),
        )

    async def refresh(self, account: BankAccount | str | UUID, /) -> BankAccount:
        """Start reading an account, its balances and its transactions from the bank again.

            before = await sikoia.banking.refresh(account)

        Operation: `POST /v2/bankaccounts/{account_connection_id}/refresh`. For open-banking
        accounts only.

        Args:
            account: the account or its id.

        Returns:
            The account as it was before; pass it to `until_refreshed` to wait for the new data.

        Raises:
            ArgumentError: the argument is neither an account nor a valid id.
            ResourceNotFoundError: the account does not exist.
        """
        return await self._api.post(
            "/v2/bankaccounts/{account_connection_id}/refresh",
            BankAccount,
            account_connection_id=_ACCOUNT.id_of(account),
        )

    def until_refreshed(self, account: BankAccount, /) -> Operation[BankAccount]:
        """Wait until an account has been refreshed.

            before = await sikoia.banking.refresh(account)
            account = await sikoia.banking.until_refreshed(before)

        The API has no status for this: it is done when `datetime_last_refreshed` differs from that
        of the given account. An id alone does not say what it was before, so it is refused. Waits
        up to 600 s; use `.wait(timeout=...)` to change that.

        Args:
            account: the account as returned by `refresh`.

        Returns:
            The operation; awaiting it gives the refreshed account.

        Raises:
            ArgumentError: the argument is not an account, or has no valid id.
            ResourceNotFoundError: the account no longer exists; raised when awaited.
        """
        validate_type(
            "account",
            validate_required("account", account),
            BankAccount,
            "the BankAccount that refresh returned",
        )
        return _refresh_operation(self._api, account, _stamp(account))


def _refresh_operation(
    api: Api, account: BankAccount | str | UUID, before: str
) -> Operation[BankAccount]:
    account_id = _ACCOUNT.id_of(account)
    return api.operation(
        _UNTIL_REFRESHED,
        (account_id, before),
        lambda api: Banking(api).account(account_id),
        state=lambda account: "running" if _stamp(account) == before else "done",
    )


def _stamp(account: BankAccount) -> str:
    return str(account.datetime_last_refreshed)


_CONNECTION: Final = Subject("connection", "bank_connection_id", BankConnection)
_ACCOUNT: Final = Subject("account", "account_connection_id", BankAccount)
_UNTIL_CONNECTED = OperationKind(
    name="bank-connection",
    timeout=1800.0,
    is_final=False,
    interval=Interval(first=2.0, most=30.0),
    first_poll_with_events=900.0,
    done=frozenset({"Connected", "Rejected", "Deleted"}),
    failed=frozenset(),
    running=frozenset({"Created", "SelectingInstitutions", "Authorising"}),
    events=frozenset({"OpenBankingProcessing.Completed", "BankingProcessing.Completed"}),
    opener=lambda api, ids: Banking(api).until_connected(*ids),
)
_UNTIL_REFRESHED = OperationKind(
    name="account-refresh",
    timeout=600.0,
    id_count=2,
    opener=lambda api, ids: _refresh_operation(api, *ids),
)
OPERATION_KINDS = (_UNTIL_CONNECTED, _UNTIL_REFRESHED)
