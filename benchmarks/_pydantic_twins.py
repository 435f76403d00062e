"""Pydantic models with the fields of the transactions in `resources/banking.py`."""

from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

__all__ = ["AccountTransactions"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Amount(_Frozen):
    """An amount of money."""

    amount: Decimal | None = None
    currency: str | None = None


class Merchant(_Frozen):
    """The merchant of a transaction."""

    merchant_name: str | None = None
    merchant_category: str | None = None


class Code(_Frozen):
    """A code and its name."""

    code: str | None = None
    name: str | None = None


class IsoCode(_Frozen):
    """The type of a transaction by ISO 20022."""

    domain_code: Code | None = None
    family_code: Code | None = None
    sub_family_code: Code | None = None


class ProprietaryCode(_Frozen):
    """The type of a transaction by the bank."""

    code: str | None = None
    issuer: str | None = None


class Transaction(_Frozen):
    """A transaction."""

    transaction_id: str | None = None
    date: datetime | None = None
    booking_datetime: datetime | None = None
    value_date_time: datetime | None = None
    status: str | None = None
    amount: Amount | None = None
    currency: str | None = None
    reference: str | None = None
    description: str | None = None
    merchant: Merchant | None = None
    iso_bank_transaction_code: IsoCode | None = None
    proprietary_bank_transaction_code: ProprietaryCode | None = None


class AccountTransactions(_Frozen):
    """The response: an account's transactions."""

    account_connection_id: str | None = None
    transactions: tuple[Transaction, ...] | None = None
    datetime_refreshed: datetime | None = None
