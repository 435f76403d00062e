"""The financial statements in credit reports: fictitious, but their totals add up."""

import random
from datetime import date

from sikoia_async.sandbox.state import Record

# Items of the balance sheet under their totals, in percent of the revenue.
_FIXED = {
    "total_tangible_assets": {
        "land_and_buildings": 0,
        "plant_and_machinery": 14,
        "other_tangible_assets": 3,
    },
    "total_intangible_assets": {"goodwill": 2, "other_intangible_assets": 1},
    "total_other_fixed_assets": {
        "investments": 0,
        "loans_to_group": 0,
        "other_loans": 0,
        "miscellaneous_fixed_assets": 1,
    },
}
_CURRENT = {
    "total_inventories": {
        "raw_materials": 4,
        "work_in_progress": 1,
        "finished_goods": 6,
        "other_inventories": 0,
    },
    "total_receivables": {
        "trade_receivables": 12,
        "group_receivables": 0,
        "receivables_due_after_1_year": 0,
        "miscellaneous_receivables": 2,
    },
}
_OTHER_CURRENT = {"cash": 9, "other_current_assets": 1}
_OWED = {
    "total_current_liabilities": {
        "trade_payables": 9,
        "bank_liabilities": 2,
        "other_loans_or_finance": 0,
        "group_payables": 0,
        "miscellaneous_liabilities": 5,
    },
    "total_long_term_liabilities": {
        "trade_payables_due_after_1_year": 0,
        "bank_liabilities_due_after_1_year": 8,
        "other_loans_or_finance_due_after_1_year": 1,
        "group_payables_due_after_1_year": 0,
        "miscellaneous_liabilities_due_after_1_year": 1,
    },
}
_SHARE_CAPITAL = 100
_DAYS = 365


def statements(draw: random.Random, today: date, currency: str, *, weak: bool) -> Record:
    """Return the statements of the last two calendar years, newest first.

    Those of a weak company show a loss, and more debts than assets.
    """
    revenue = draw.randint(300, 900) * 1_000
    years = (today.year - 1, today.year - 2)
    return {
        "global_reports": [
            _statement(revenue * (100 - 4 * age) // 100, year, currency, weak=weak)
            for age, year in enumerate(years)
        ]
    }


def _statement(revenue: int, year: int, currency: str, *, weak: bool) -> Record:
    earned = _profit_and_loss(revenue, weak=weak)
    sheet = _balance_sheet(revenue, weak=weak)
    return {
        "type": "GlobalFinancials",
        "start_date": f"{year}-01-01",
        "end_date": f"{year}-12-31",
        "number_of_weeks": 52,
        "currency": currency,
        "original_currency": currency,
        "currency_conversion_rate": 1,
        "consolidated_accounts": False,
        "amended_accounts": False,
        "profit_and_loss": earned,
        "balance_sheet": sheet,
        "other_financials": {
            "contingent_liabilities": "No",
            "working_capital": _working_capital(sheet),
            "net_worth": sheet["total_shareholders_equity"] - sheet["total_intangible_assets"],
        },
        "ratios": _ratios(earned, sheet),
    }


def _profit_and_loss(revenue: int, *, weak: bool) -> Record:
    costs = revenue * (112 if weak else 88) // 100
    interest = revenue // 100
    before_tax = revenue - costs - interest
    tax = max(0, before_tax * 19 // 100)
    after_tax = before_tax - tax
    dividends = max(0, after_tax // 4)
    return {
        "revenue": revenue,
        "operating_costs": costs,
        "operating_profit": revenue - costs,
        "wages_and_salaries": costs * 2 // 5,
        "pension_costs": costs // 50,
        "depreciation": costs // 40,
        "financial_income": 0,
        "amortisation": costs // 200,
        "financial_expenses": interest,
        "extraordinary_income": None,
        "extraordinary_costs": None,
        "profit_before_tax": before_tax,
        "tax": tax,
        "profit_after_tax": after_tax,
        "dividends": dividends,
        "minority_interests": None,
        "other_appropriations": None,
        "retained_profit": after_tax - dividends,
    }


def _balance_sheet(revenue: int, *, weak: bool) -> Record:
    fixed, total_fixed = _with_totals(_FIXED, revenue)
    current, total_current = _with_totals(_CURRENT, revenue)
    rest = {name: revenue * part // 100 for name, part in _OTHER_CURRENT.items()}
    total_current += sum(rest.values())
    owed, total_owed = _with_totals(_OWED, revenue * 4 if weak else revenue)
    equity = total_fixed + total_current - total_owed
    return {
        **fixed,
        "total_fixed_assets": total_fixed,
        **current,
        **rest,
        "total_current_assets": total_current,
        "total_assets": total_fixed + total_current,
        **owed,
        "total_liabilities": total_owed,
        "called_up_share_capital": _SHARE_CAPITAL,
        "share_premium": 0,
        "revenue_reserves": equity - _SHARE_CAPITAL,
        "other_reserves": 0,
        "total_shareholders_equity": equity,
    }


def _with_totals(parts: dict[str, dict[str, int]], revenue: int) -> tuple[Record, int]:
    """Return items as amounts with their totals, and the sum of the totals."""
    amounts: Record = {}
    whole = 0
    for total, shares in parts.items():
        items = {name: revenue * share // 100 for name, share in shares.items()}
        amounts |= items | {total: sum(items.values())}
        whole += amounts[total]
    return amounts, whole


def _working_capital(sheet: Record) -> int:
    return int(sheet["total_current_assets"] - sheet["total_current_liabilities"])


def _ratios(earned: Record, sheet: Record) -> Record:
    revenue, profit = earned["revenue"], earned["profit_before_tax"]
    assets, equity = sheet["total_assets"], sheet["total_shareholders_equity"]
    current, owed = sheet["total_current_assets"], sheet["total_current_liabilities"]
    stock = sheet["total_inventories"]
    return {
        "pre_tax_profit_margin": _percent(profit, revenue),
        "return_on_capital_employed": _percent(profit, assets - owed),
        "return_on_total_assets_employed": _percent(profit, assets),
        "return_on_net_assets_employed": _percent(profit, equity),
        "sales_or_net_working_capital": round(revenue / _working_capital(sheet), 2),
        "stock_turnover_ratio": _percent(stock, revenue),
        "debtor_days": round(_DAYS * sheet["trade_receivables"] / revenue, 2),
        "creditor_days": round(_DAYS * sheet["trade_payables"] / revenue, 2),
        "current_ratio": round(current / owed, 2),
        "liquidity_ratio_or_acid_test": round((current - stock) / owed, 2),
        "current_debt_ratio": round(owed / equity, 2),
        "gearing": _percent(sheet["bank_liabilities_due_after_1_year"], equity),
        "equity_in_percentage": _percent(equity, assets),
        "total_debt_ratio": round(sheet["total_liabilities"] / equity, 2),
    }


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2)
