"""Income verifications and their report, which combines all evidence of each income."""

import datetime as dt
from decimal import Decimal
from typing import Literal

import attrs

from sikoia_async.models import PERSONAL, EntityType, Model, Open, SourceCategory
from sikoia_async.resources._insights import InsightRequest, InsightRequestSummary

__all__ = [
    "AdditionalInformation",
    "AverageItem",
    "Bonus",
    "DeductionItem",
    "IncomeAddress",
    "IncomeData",
    "IncomeDataSource",
    "IncomePair",
    "IncomeReport",
    "IncomeSource",
    "IncomeSourceType",
    "IncomeType",
    "MonthlyItem",
    "PayFrequency",
    "VerifiedIncome",
]

IncomeType = Literal[
    "Employment",
    "Employment and/or Self-employment",
    "Benefits",
    "Pensions",
    "Property",
    "Dividends",
    "Other",
]
"""The type of an income: `Employment`, `Employment and/or Self-employment`, `Benefits`, `Pensions`,
`Property`, `Dividends` or `Other`."""
PayFrequency = Literal["Monthly", "Weekly", "TwoWeekly", "FourWeekly"]
"""How often somebody is paid: `Monthly`, `Weekly`, `TwoWeekly` or `FourWeekly`."""
IncomeSourceType = Literal["Payslip", "BankStatement", "BankAccount", "SA302", "TaxOverview"]
"""Evidence of an income: `Payslip`, `BankStatement`, `BankAccount`, `SA302` or `TaxOverview`."""


@attrs.frozen(kw_only=True)
class IncomeRequests(Model):
    """The response of `list`."""

    entity_id: str | None = None
    entity_type: Open[EntityType] | None = None
    income_employer_requests: tuple[InsightRequestSummary, ...] | None = None


@attrs.frozen(kw_only=True)
class IncomePair(Model):
    """The recipient and the source of an income."""

    income_recipient: str | None = attrs.field(default=None, **PERSONAL)
    income_type: Open[IncomeType] | None = None
    income_source: str | None = attrs.field(default=None, **PERSONAL)
    """For example the employer. From payslips and bank data only."""


@attrs.frozen(kw_only=True)
class IncomeAddress(Model):
    """The postal address of an employer or employee, as on the payslip."""

    summary_line: str | None = attrs.field(default=None, **PERSONAL)
    """The whole address in one line."""
    post_code: str | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class IncomeSource(Model):
    """A document or bank account that the report is based on."""

    source_name: str | None = attrs.field(default=None, **PERSONAL)
    """The file name of a document; None for an account."""
    source_id: str | None = None
    """The `document_id` of a document, or the `account_connection_id` of an account."""
    source_category_type: Open[SourceCategory] | None = None
    source_type: Open[IncomeSourceType] | None = None


@attrs.frozen(kw_only=True)
class IncomeDataSource(Model):
    """All data sources of one type that give evidence of an income."""

    source_type: Open[IncomeSourceType] | None = None
    number_of_sources: int | None = None
    start_date: str | None = None
    """The first month, such as `2024-01`. Some responses have a full date."""
    end_date: str | None = None
    """The last month, in the same format."""
    data_sources: tuple[IncomeSource, ...] | None = None


@attrs.frozen(kw_only=True)
class Bonus(Model):
    """A payment on top of regular pay."""

    amount: Decimal | None = None
    date: dt.date | None = None


@attrs.frozen(kw_only=True)
class MonthlyItem(Model):
    """A component of monthly gross pay, or a monthly deduction, as a positive number."""

    category: str | None = None
    """Such as `MonthlyBasicPay` or `MonthlyIncomeTax`. The specification lists 15 categories of
    pay and 11 of deductions."""
    amount: Decimal | None = None


@attrs.frozen(kw_only=True)
class AverageItem(Model):
    """An item of the SA302s, averaged over all of them."""

    category: str | None = None
    """Such as `PayFromAllEmployments` for income or `Tax` for taxes."""
    value: Decimal | None = None


@attrs.frozen(kw_only=True)
class DeductionItem(Model):
    """A deduction from gross pay, or an item of the tax documents averaged over all of them."""

    category: str | None = None
    """Such as `IncomeTax`; for a `PayItem`, such as `BasicPay`. The specification lists 11
    categories of deductions and 15 of pay."""
    short_description: str | None = attrs.field(default=None, **PERSONAL)
    value: Decimal | None = None
    """Positive for a deduction."""


@attrs.frozen(kw_only=True)
class AdditionalInformation(Model):
    """A breakdown of the figures."""

    bonuses: tuple[Bonus, ...] | None = None
    monthly_student_loan_deductions: Decimal | None = None
    """Deprecated by Sikoia: use `monthly_deductions_details`."""
    monthly_gross_pay_details: tuple[MonthlyItem, ...] | None = None
    monthly_deductions_details: tuple[MonthlyItem, ...] | None = None
    average_income_items: tuple[AverageItem, ...] | None = None
    """From SA302s only."""
    average_tax_items: tuple[DeductionItem, ...] | None = None
    """From tax documents only."""


@attrs.frozen(kw_only=True)
class VerifiedIncome(IncomePair):
    """An income of one recipient from one source. Most fields come from payslips only."""

    annual_gross_pay: Decimal | None = None
    monthly_gross_pay: Decimal | None = None
    monthly_deductions: Decimal | None = None
    """Deductions from gross pay; positive."""
    monthly_net_pay: Decimal | None = None
    """From payslips and bank data."""
    pay_frequencies: tuple[Open[PayFrequency], ...] | None = None
    national_insurance_number: tuple[str, ...] | None = attrs.field(default=None, **PERSONAL)
    """All numbers found in the sources. A list, despite the singular name."""
    national_insurance_letters: tuple[str, ...] | None = attrs.field(default=None, **PERSONAL)
    unique_taxpayer_references: tuple[str, ...] | None = attrs.field(default=None, **PERSONAL)
    """From tax documents only."""
    job_titles: tuple[str, ...] | None = attrs.field(default=None, **PERSONAL)
    tax_codes: tuple[str, ...] | None = attrs.field(default=None, **PERSONAL)
    paye_references: tuple[str, ...] | None = attrs.field(default=None, **PERSONAL)
    employee_numbers: tuple[str, ...] | None = attrs.field(default=None, **PERSONAL)
    ytd_gross_pay: Decimal | None = None
    """`ytd` stands for year to date: since the start of the tax year."""
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
    """The verified incomes and the data sources used."""

    income_details: tuple[VerifiedIncome, ...] | None = None
    data_sources: tuple[IncomeSource, ...] | None = None


@attrs.frozen(kw_only=True)
class IncomeReport(InsightRequest):
    """An income and employer verification; `data` is None until it is complete."""

    data: IncomeData | None = None
