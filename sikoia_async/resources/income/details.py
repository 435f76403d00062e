"""The details: what each payslip, statement, account and tax document says."""

from datetime import date
from decimal import Decimal

import attrs

from sikoia_async.models import PERSONAL, Model, Open
from sikoia_async.resources.income.reports import (
    IncomeAddress,
    IncomePair,
    IncomeRequest,
    IncomeSourceType,
    PayFrequency,
)
from sikoia_async.resources.income.tax import TaxInformation

__all__ = [
    "DeductionItem",
    "DetailedIncome",
    "IncomeDetails",
    "IncomeEvidence",
    "IncomeSourceData",
    "PayItem",
]


@attrs.frozen(kw_only=True)
class DeductionItem(Model):
    """A line of what is taken off the gross pay; a positive number."""

    category: str | None = None
    """`IncomeTax`, say, or `BasicPay` of pay; the vendor lists 11 of the one, 15 of the other."""
    short_description: str | None = attrs.field(default=None, **PERSONAL)
    value: Decimal | None = None


@attrs.frozen(kw_only=True)
class PayItem(DeductionItem):
    """A line of the gross pay, or a payment on a statement."""

    rate: Decimal | None = None
    quantity: Decimal | None = None


@attrs.frozen(kw_only=True)
class IncomeSourceData(Model):
    """What one document or account says; which fields there are depends on its type."""

    payslip_date: date | None = None
    pay_period_start_date: date | None = None
    pay_period_end_date: date | None = None
    payment_date: date | None = None
    start_date: date | None = None
    """Of the transactions, or of the tax year; payslips have the pay period."""
    end_date: date | None = None
    pay_frequency: Open[PayFrequency] | None = None
    pay_period: int | None = None
    """The number of the month or week in the tax year, such as 5 or 32."""
    gross_pay: Decimal | None = None
    total_deductions: Decimal | None = None
    """A positive number."""
    net_pay: Decimal | None = None
    """From payslips and bank data."""
    national_insurance_number: str | None = attrs.field(default=None, **PERSONAL)
    national_insurance_letter: str | None = attrs.field(default=None, **PERSONAL)
    unique_taxpayer_reference: str | None = attrs.field(default=None, **PERSONAL)
    tax_code: str | None = attrs.field(default=None, **PERSONAL)
    paye_reference: str | None = attrs.field(default=None, **PERSONAL)
    employee_name: str | None = attrs.field(default=None, **PERSONAL)
    employer_name: str | None = attrs.field(default=None, **PERSONAL)
    employee_number: str | None = attrs.field(default=None, **PERSONAL)
    job_title: str | None = attrs.field(default=None, **PERSONAL)
    income_source_address: IncomeAddress | None = None
    employee_address: IncomeAddress | None = None
    ytd_gross_pay: Decimal | None = None
    """`ytd`: from the beginning of the tax year."""
    ytd_net_pay: Decimal | None = None
    ytd_tax_paid: Decimal | None = None
    ytd_ni_paid: Decimal | None = None
    ytd_pension_paid: Decimal | None = None
    ytd_other_deductions: Decimal | None = None
    detailed_pay_items: tuple[PayItem, ...] | None = None
    detailed_deduction_items: tuple[DeductionItem, ...] | None = None
    tax_information: TaxInformation | None = None
    """From tax documents only."""


@attrs.frozen(kw_only=True)
class IncomeEvidence(Model):
    """One document or account that tells of an income."""

    source_type: Open[IncomeSourceType] | None = None
    source_id: str | None = None
    """A document's id, or an account's `account_connection_id`."""
    data_source_id: str | None = None
    """Which payslip or statement it is, in a file that has several."""
    source_name: str | None = attrs.field(default=None, **PERSONAL)
    """The name of the file; absent where there is none, as with accounts."""
    income_source_data: IncomeSourceData | None = None


@attrs.frozen(kw_only=True)
class DetailedIncome(IncomePair):
    """What one recipient gets from one source, document by document."""

    details: tuple[IncomeEvidence, ...] | None = None


@attrs.frozen(kw_only=True)
class IncomeDetails(IncomeRequest):
    """The details of a verification; `data` is absent until it is complete."""

    data: tuple[DetailedIncome, ...] | None = None
