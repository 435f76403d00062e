"""The fictitious tax of an employee who rents out a flat, as tax documents show it."""

from datetime import date

import attrs

from sikoia_async.sandbox.resources.income_pay import NI_NUMBER, Pay
from sikoia_async.sandbox.state import Record

_UTR = "0000000000"
_ALLOWANCE = 1_257_000
_RENT = 600_000
"""The yearly profit, in pence."""
_OTHER_INCOME = [
    "share_schemes",
    "profit_from_self_employment",
    "profit_from_partnerships",
    "interest_from_partnerships",
    "dividends_from_partnerships",
    "profit_from_uk_land_and_property",
    "foreign_income",
    "foreign_dividends",
    "foreign_savings",
    "trusts_and_estates",
    "interest_from_uk_banks",
    "dividends_from_uk_companies",
    "uk_pensions_and_state_benefits",
    "gains_on_life_insurance_policies",
    "other_income",
]


@attrs.frozen
class _Year:
    """A tax year, in pence."""

    pay: Pay

    @property
    def total(self) -> int:
        return self.pay.gross * self.pay.yearly + _RENT

    @property
    def due(self) -> int:
        return (self.total - _ALLOWANCE) // 5

    @property
    def deducted(self) -> int:
        return self.pay.tax * self.pay.yearly


def tax_year(day: date) -> tuple[date, date]:
    """Return the first and last day of the last complete tax year before a day."""
    end = date(day.year, 4, 5)
    end = end if end < day else end.replace(year=day.year - 1)
    return date(end.year - 1, 4, 6), end


def by_tax_documents(pay: Pay, *, has_return: bool) -> Record:
    """Return the overview from tax documents; only a return shows the incomes."""
    year = _Year(pay)
    incomes = (
        ("PayFromAllEmployments", pay.gross * pay.yearly),
        ("PropertyIncome", _RENT),
        ("TotalIncomeReceived", year.total),
    )
    return {
        "national_insurance_number": [NI_NUMBER] if has_return else [],
        "unique_taxpayer_references": [_UTR],
        "additional_information": {
            "bonuses": [],
            "monthly_student_loan_deductions": None,
            "monthly_gross_pay_details": [],
            "monthly_deductions_details": [],
            "average_income_items": [
                {"category": category, "value": pence / 100}
                for category, pence in (incomes if has_return else ())
            ],
            "average_tax_items": [
                {"category": "Tax", "short_description": "Income tax", "value": year.due / 100}
            ],
        },
    }


def tax_document(pay: Pay, source_type: str, day: date) -> Record:
    """Return the details of a tax calculation (SA302) or of the overview of a tax year."""
    is_return = source_type == "SA302"
    start, end = tax_year(day)
    return {
        "start_date": start.isoformat(),
        "end_date": end.isoformat(),
        "national_insurance_number": NI_NUMBER if is_return else None,
        "unique_taxpayer_reference": _UTR,
        "tax_information": _return(_Year(pay)) if is_return else _overview(_Year(pay)),
    }


def _return(year: _Year) -> Record:
    employment = year.pay.gross * year.pay.yearly / 100
    return {
        "summary": {
            "employment_income": employment,
            "total_income": year.total / 100,
            "net_income": (year.total - year.due) / 100,
            "allowances_and_reliefs": _ALLOWANCE / 100,
            "tax_due": year.due / 100,
        },
        "income": {
            "income_from_employments": employment,
            "income_from_benefits": 0,
            "allowable_expenses": 0,
            "non_employment_income": {
                **dict.fromkeys(_OTHER_INCOME, 0),
                "profit_from_uk_land_and_property": _RENT / 100,
                "subtotal": _RENT / 100,
            },
            "total": year.total / 100,
        },
        "tax_and_charges": {
            "tax_charged_before_reliefs": year.due / 100,
            "tax_charged_after_reliefs": year.due / 100,
            "tax_relief_for_financing_costs": 0,
            "other_tax_reductions_and_reliefs": 0,
            "national_insurance": 0,
            "student_loan_repayments": 0,
            "capital_gains_tax": 0,
            "other_amounts_paid_via_tax": 0,
            "total_tax_due": year.due / 100,
            "tax_deducted": -year.deducted / 100,
            "net_tax_due": (year.due - year.deducted) / 100,
        },
        "payments": None,
    }


def _overview(year: _Year) -> Record:
    left = year.due - year.deducted
    return {
        "summary": None,
        "income": None,
        "tax_and_charges": None,
        "payments": {
            "tax_already_paid_for_this_year": year.deducted / 100,
            "outstanding_from_last_year": 0,
            "balancing_payment_for_this_year": left / 100,
            "first_payment_on_account_for_next_year": left // 2 / 100,
            "second_payment_on_account_for_next_year": (left - left // 2) / 100,
        },
    }
