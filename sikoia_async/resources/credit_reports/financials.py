"""Financial statements in credit reports."""

from datetime import date
from decimal import Decimal

import attrs

from sikoia_async.models import Model

__all__ = [
    "BalanceSheet",
    "FinancialStatement",
    "FinancialStatements",
    "OtherFinancials",
    "ProfitAndLoss",
    "Ratios",
]


@attrs.frozen(kw_only=True)
class ProfitAndLoss(Model):
    """The profit and loss account of the period, in the `currency` of the statement."""

    revenue: Decimal | None = None
    operating_costs: Decimal | None = None
    operating_profit: Decimal | None = None
    wages_and_salaries: Decimal | None = None
    pension_costs: Decimal | None = None
    depreciation: Decimal | None = None
    financial_income: Decimal | None = None
    amortisation: Decimal | None = None
    financial_expenses: Decimal | None = None
    extraordinary_income: Decimal | None = None
    extraordinary_costs: Decimal | None = None
    profit_before_tax: Decimal | None = None
    tax: Decimal | None = None
    profit_after_tax: Decimal | None = None
    dividends: Decimal | None = None
    minority_interests: Decimal | None = None
    other_appropriations: Decimal | None = None
    retained_profit: Decimal | None = None


@attrs.frozen(kw_only=True)
class BalanceSheet(Model):
    """The balance sheet at the end of the period, in the `currency` of the statement."""

    land_and_buildings: Decimal | None = None
    plant_and_machinery: Decimal | None = None
    other_tangible_assets: Decimal | None = None
    total_tangible_assets: Decimal | None = None
    goodwill: Decimal | None = None
    other_intangible_assets: Decimal | None = None
    total_intangible_assets: Decimal | None = None
    investments: Decimal | None = None
    loans_to_group: Decimal | None = None
    other_loans: Decimal | None = None
    miscellaneous_fixed_assets: Decimal | None = None
    total_other_fixed_assets: Decimal | None = None
    total_fixed_assets: Decimal | None = None
    raw_materials: Decimal | None = None
    work_in_progress: Decimal | None = None
    finished_goods: Decimal | None = None
    other_inventories: Decimal | None = None
    total_inventories: Decimal | None = None
    trade_receivables: Decimal | None = None
    group_receivables: Decimal | None = None
    receivables_due_after_1_year: Decimal | None = None
    miscellaneous_receivables: Decimal | None = None
    total_receivables: Decimal | None = None
    cash: Decimal | None = None
    other_current_assets: Decimal | None = None
    total_current_assets: Decimal | None = None
    total_assets: Decimal | None = None
    trade_payables: Decimal | None = None
    bank_liabilities: Decimal | None = None
    other_loans_or_finance: Decimal | None = None
    group_payables: Decimal | None = None
    miscellaneous_liabilities: Decimal | None = None
    total_current_liabilities: Decimal | None = None
    trade_payables_due_after_1_year: Decimal | None = None
    bank_liabilities_due_after_1_year: Decimal | None = None
    other_loans_or_finance_due_after_1_year: Decimal | None = None
    group_payables_due_after_1_year: Decimal | None = None
    miscellaneous_liabilities_due_after_1_year: Decimal | None = None
    total_long_term_liabilities: Decimal | None = None
    total_liabilities: Decimal | None = None
    called_up_share_capital: Decimal | None = None
    share_premium: Decimal | None = None
    revenue_reserves: Decimal | None = None
    other_reserves: Decimal | None = None
    total_shareholders_equity: Decimal | None = None


@attrs.frozen(kw_only=True)
class OtherFinancials(Model):
    """Further figures, in the `currency` of the statement."""

    contingent_liabilities: str | None = None
    working_capital: Decimal | None = None
    net_worth: Decimal | None = None


@attrs.frozen(kw_only=True)
class Ratios(Model):
    """Financial ratios. The specification does not say which of them are percentages."""

    pre_tax_profit_margin: Decimal | None = None
    return_on_capital_employed: Decimal | None = None
    return_on_total_assets_employed: Decimal | None = None
    return_on_net_assets_employed: Decimal | None = None
    sales_or_net_working_capital: Decimal | None = None
    stock_turnover_ratio: Decimal | None = None
    debtor_days: Decimal | None = None
    creditor_days: Decimal | None = None
    current_ratio: Decimal | None = None
    liquidity_ratio_or_acid_test: Decimal | None = None
    current_debt_ratio: Decimal | None = None
    gearing: Decimal | None = None
    equity_in_percentage: Decimal | None = None
    total_debt_ratio: Decimal | None = None


@attrs.frozen(kw_only=True)
class FinancialStatement(Model):
    """The accounts of one period.

    The specification does not say whether amounts are in units or thousands, nor whether costs are
    negative.
    """

    type: str | None = None
    start_date: date | None = None
    end_date: date | None = None
    number_of_weeks: int | None = None
    currency: str | None = None
    original_currency: str | None = None
    """The currency of the accounts as filed, if it differs from `currency`."""
    currency_conversion_rate: Decimal | None = None
    consolidated_accounts: bool | None = None
    """Whether the accounts cover a whole group of companies."""
    amended_accounts: bool | None = None
    profit_and_loss: ProfitAndLoss | None = None
    balance_sheet: BalanceSheet | None = None
    other_financials: OtherFinancials | None = None
    ratios: Ratios | None = None


@attrs.frozen(kw_only=True)
class FinancialStatements(Model):
    """The accounts of all known periods."""

    global_reports: tuple[FinancialStatement, ...] | None = None
