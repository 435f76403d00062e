"""Figures of tax documents: the tax calculation (SA302) and the tax year overview.

Items that reduce the tax, such as reliefs, are negative.
"""

from decimal import Decimal

import attrs

from sikoia_async.models import Model

__all__ = [
    "NonEmploymentIncome",
    "TaxAndCharges",
    "TaxInformation",
    "TaxPayments",
    "TaxSummary",
    "TaxableIncome",
]


@attrs.frozen(kw_only=True)
class TaxSummary(Model):
    """A summary of the tax year."""

    employment_income: Decimal | None = None
    total_income: Decimal | None = None
    net_income: Decimal | None = None
    """Income after tax."""
    allowances_and_reliefs: Decimal | None = None
    tax_due: Decimal | None = None


@attrs.frozen(kw_only=True)
class NonEmploymentIncome(Model):
    """Income from sources other than employment."""

    share_schemes: Decimal | None = None
    profit_from_self_employment: Decimal | None = None
    profit_from_partnerships: Decimal | None = None
    interest_from_partnerships: Decimal | None = None
    dividends_from_partnerships: Decimal | None = None
    profit_from_uk_land_and_property: Decimal | None = None
    foreign_income: Decimal | None = None
    foreign_dividends: Decimal | None = None
    foreign_savings: Decimal | None = None
    trusts_and_estates: Decimal | None = None
    interest_from_uk_banks: Decimal | None = None
    dividends_from_uk_companies: Decimal | None = None
    uk_pensions_and_state_benefits: Decimal | None = None
    gains_on_life_insurance_policies: Decimal | None = None
    other_income: Decimal | None = None
    subtotal: Decimal | None = None


@attrs.frozen(kw_only=True)
class TaxableIncome(Model):
    """Income from all sources."""

    income_from_employments: Decimal | None = None
    income_from_benefits: Decimal | None = None
    allowable_expenses: Decimal | None = None
    non_employment_income: NonEmploymentIncome | None = None
    total: Decimal | None = None


@attrs.frozen(kw_only=True)
class TaxAndCharges(Model):
    """The calculation of the tax due."""

    tax_charged_before_reliefs: Decimal | None = None
    tax_charged_after_reliefs: Decimal | None = None
    tax_relief_for_financing_costs: Decimal | None = None
    other_tax_reductions_and_reliefs: Decimal | None = None
    national_insurance: Decimal | None = None
    student_loan_repayments: Decimal | None = None
    capital_gains_tax: Decimal | None = None
    other_amounts_paid_via_tax: Decimal | None = None
    total_tax_due: Decimal | None = None
    tax_deducted: Decimal | None = None
    """Tax deducted at source; negative."""
    net_tax_due: Decimal | None = None
    """Tax still to be paid."""


@attrs.frozen(kw_only=True)
class TaxPayments(Model):
    """Payments made and due."""

    tax_already_paid_for_this_year: Decimal | None = None
    outstanding_from_last_year: Decimal | None = None
    balancing_payment_for_this_year: Decimal | None = None
    """Due by 31 January after the tax year."""
    first_payment_on_account_for_next_year: Decimal | None = None
    """Due by 31 January."""
    second_payment_on_account_for_next_year: Decimal | None = None
    """Due by 31 July."""


@attrs.frozen(kw_only=True)
class TaxInformation(Model):
    """The figures of a tax document. Its type decides which parts are set."""

    summary: TaxSummary | None = None
    income: TaxableIncome | None = None
    tax_and_charges: TaxAndCharges | None = None
    payments: TaxPayments | None = None
