"""Details of an income verification: the figures of each document and bank account."""

from datetime import date
from decimal import Decimal

import attrs

from sikoia_async.models import PERSONAL, Model, Open
from sikoia_async.resources._insights import InsightRequest
from sikoia_async.resources.income.reports import (
    DeductionItem,
    IncomeAddress,
    IncomePair,
    IncomeSourceType,
    PayFrequency,
)
from sikoia_async.resources.income.tax import TaxInformation

__all__ = [
    "DetailedIncome",
    "IncomeDetails",
    "IncomeEvidence",
    "IncomeSourceData",
    "PayItem",
]


@attrs.frozen(kw_only=True)
class PayItem(DeductionItem):
    """A component of gross pay, or a payment on a bank statement."""

    rate: Decimal | None = None
    quantity: Decimal | None = None


@attrs.frozen(kw_only=True)
class IncomeSourceData(Model):
    """The figures of one document or account. Its type decides which fields are set."""

    payslip_date: date | None = None
    pay_period_start_date: date | None = None
    pay_period_end_date: date | None = None
    payment_date: date | None = None
    start_date: date | None = None
    """The start of the transactions or of the tax year; payslips have a pay period instead."""
    end_date: date | None = None
    """The end of the transactions or of the tax year."""
    pay_frequency: Open[PayFrequency] | None = None
    pay_period: int | None = None
    """The number of the month or week in the tax year, such as 5 or 32."""
    gross_pay: Decimal | None = None
    total_deductions: Decimal | None = None
    """Positive."""
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
    """`ytd` stands for year to date: since the start of the tax year."""
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
    """A document or account that gives evidence of an income."""

    source_type: Open[IncomeSourceType] | None = None
    source_id: str | None = None
    """The `document_id` of a document, or the `account_connection_id` of an account."""
    data_source_id: str | None = None
    """Identifies the payslip or statement within its file, which may hold several."""
    source_name: str | None = attrs.field(default=None, **PERSONAL)
    """The file name of a document; None for an account."""
    income_source_data: IncomeSourceData | None = None


@attrs.frozen(kw_only=True)
class DetailedIncome(IncomePair):
    """An income of one recipient from one source, document by document."""

    details: tuple[IncomeEvidence, ...] | None = None


@attrs.frozen(kw_only=True)
class IncomeDetails(InsightRequest):
    """The details of a verification; `data` is None until it is complete."""

    data: tuple[DetailedIncome, ...] | None = None
