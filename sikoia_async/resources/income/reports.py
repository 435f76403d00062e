"""Requests, and the report: incomes, each one drawn together from all that tells of it."""

import datetime as dt
from decimal import Decimal
from typing import Literal

import attrs

from sikoia_async.models import PERSONAL, EntityType, Model, Open, SourceCategory

__all__ = [
    "AdditionalInformation",
    "AverageItem",
    "AverageTaxItem",
    "Bonus",
    "DataSource",
    "IncomeAddress",
    "IncomeData",
    "IncomeDataSource",
    "IncomePair",
    "IncomeReport",
    "IncomeRequest",
    "IncomeRequestSummary",
    "IncomeRequests",
    "IncomeSourceType",
    "IncomeStatus",
    "IncomeType",
    "MonthlyItem",
    "PayFrequency",
    "VerifiedIncome",
]

IncomeStatus = Literal["Pending", "Complete", "Failed"]
IncomeType = Literal[
    "Employment",
    "Employment and/or Self-employment",
    "Benefits",
    "Pensions",
    "Property",
    "Dividends",
    "Other",
]
PayFrequency = Literal["Monthly", "Weekly", "TwoWeekly", "FourWeekly"]
IncomeSourceType = Literal["Payslip", "BankStatement", "BankAccount", "SA302", "TaxOverview"]


@attrs.frozen(kw_only=True)
class IncomeRequestSummary(Model):
    """A request as lists show it."""

    request_id: str
    status: Open[IncomeStatus] | None = None
    datetime_requested: dt.datetime | None = None
    datetime_completed: dt.datetime | None = None
    """Absent while it is pending."""
    message: str | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class IncomeRequest(IncomeRequestSummary):
    """A request and whom it is about."""

    entity_id: str | None = None
    entity_type: Open[EntityType] | None = None


@attrs.frozen(kw_only=True)
class IncomeRequests(Model):
    """All requests about an entity."""

    entity_id: str | None = None
    entity_type: Open[EntityType] | None = None
    income_employer_requests: tuple[IncomeRequestSummary, ...] | None = None


@attrs.frozen(kw_only=True)
class IncomePair(Model):
    """Who gets an income, and where it comes from."""

    income_recipient: str | None = attrs.field(default=None, **PERSONAL)
    income_type: Open[IncomeType] | None = None
    income_source: str | None = attrs.field(default=None, **PERSONAL)
    """The employer, say. From payslips and bank data only."""


@attrs.frozen(kw_only=True)
class IncomeAddress(Model):
    """An address of an employer or an employee, as the payslip has it."""

    summary_line: str | None = attrs.field(default=None, **PERSONAL)
    """The whole address in one line."""
    post_code: str | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class DataSource(Model):
    """A document or a bank account that the report was made from."""

    source_name: str | None = attrs.field(default=None, **PERSONAL)
    """The name of the file; absent where there is none, as with accounts."""
    source_id: str | None = None
    """A document's id, or an account's `account_connection_id`."""
    source_category_type: Open[SourceCategory] | None = None
    source_type: Open[IncomeSourceType] | None = None


@attrs.frozen(kw_only=True)
class IncomeDataSource(Model):
    """The data sources of one type that tell of an income."""

    source_type: Open[IncomeSourceType] | None = None
    number_of_sources: int | None = None
    start_date: str | None = None
    """The first month: `2024-01`, or a whole date in some answers."""
    end_date: str | None = None
    """The last month, written like the first."""
    data_sources: tuple[DataSource, ...] | None = None


@attrs.frozen(kw_only=True)
class Bonus(Model):
    """A payment beside the regular pay."""

    amount: Decimal | None = None
    date: dt.date | None = None


@attrs.frozen(kw_only=True)
class MonthlyItem(Model):
    """A part of the monthly gross pay, or of the deductions, which are positive numbers."""

    category: str | None = None
    """`MonthlyBasicPay` or `MonthlyIncomeTax`, say; the vendor lists 15 and 11."""
    amount: Decimal | None = None


@attrs.frozen(kw_only=True)
class AverageItem(Model):
    """A line of the SA302s, averaged over all of them."""

    category: str | None = None
    """`PayFromAllEmployments` of income, or `Tax` of taxes, say; the vendor lists more."""
    value: Decimal | None = None


@attrs.frozen(kw_only=True)
class AverageTaxItem(AverageItem):
    """A line of the tax documents, averaged over all of them."""

    short_description: str | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class AdditionalInformation(Model):
    """What the figures are made up of."""

    bonuses: tuple[Bonus, ...] | None = None
    monthly_student_loan_deductions: Decimal | None = None
    """Deprecated by the vendor: see `monthly_deductions_details`."""
    monthly_gross_pay_details: tuple[MonthlyItem, ...] | None = None
    monthly_deductions_details: tuple[MonthlyItem, ...] | None = None
    average_income_items: tuple[AverageItem, ...] | None = None
    """From SA302s only."""
    average_tax_items: tuple[AverageTaxItem, ...] | None = None
    """From tax documents only."""


@attrs.frozen(kw_only=True)
class VerifiedIncome(IncomePair):
    """What one recipient gets from one source. Most of it comes from payslips only."""

    annual_gross_pay: Decimal | None = None
    monthly_gross_pay: Decimal | None = None
    monthly_deductions: Decimal | None = None
    """What is taken off the gross pay; a positive number."""
    monthly_net_pay: Decimal | None = None
    """From payslips and bank data."""
    pay_frequencies: tuple[Open[PayFrequency], ...] | None = None
    national_insurance_number: tuple[str, ...] | None = attrs.field(default=None, **PERSONAL)
    """All numbers that the sources have: a list, for all its name."""
    national_insurance_letters: tuple[str, ...] | None = attrs.field(default=None, **PERSONAL)
    unique_taxpayer_references: tuple[str, ...] | None = attrs.field(default=None, **PERSONAL)
    """From tax documents only."""
    job_titles: tuple[str, ...] | None = attrs.field(default=None, **PERSONAL)
    tax_codes: tuple[str, ...] | None = attrs.field(default=None, **PERSONAL)
    paye_references: tuple[str, ...] | None = attrs.field(default=None, **PERSONAL)
    employee_numbers: tuple[str, ...] | None = attrs.field(default=None, **PERSONAL)
    ytd_gross_pay: Decimal | None = None
    """`ytd`: from the beginning of the tax year."""
    ytd_net_pay: Decimal | None = None
    ytd_tax_paid: Decimal | None = None
    ytd_ni_paid: Decimal | None = None
    ytd_pension_paid: Decimal | None = None
    ytd_other_deductions: Decimal | None = None
    additional_information: AdditionalInformation | None = None
    income_source_addresses: tuple[IncomeAddress, ...] | None = None
    employee_addresses: tuple[IncomeAddress, ...] | None = None
    income_data_sources: tuple[IncomeDataSource, ...] | None = None


@attrs.frozen(kw_only=True)
class IncomeData(Model):
    """What was found."""

    income_details: tuple[VerifiedIncome, ...] | None = None
    data_sources: tuple[DataSource, ...] | None = None


@attrs.frozen(kw_only=True)
class IncomeReport(IncomeRequest):
    """An income and employer verification; `data` is absent until it is complete."""

    data: IncomeData | None = None
