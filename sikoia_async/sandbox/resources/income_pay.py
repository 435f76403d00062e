"""The made-up pay of an employee of Example Foods Ltd, as payslips and accounts tell of it.

Amounts are counted in pence, so that the net pay is the gross pay less the deductions, to the
penny.
"""

from calendar import monthrange
from collections.abc import Sequence
from datetime import date

import attrs

from sikoia_async.sandbox.state import Record, State

EMPLOYER = "Example Foods Ltd"
# HMRC gives nobody a number that begins with QQ.
NI_NUMBER = "QQ123456C"
_JOBS = ("Baker", "Confectioner", "Dispatcher", "Pastry cook")
_TAX_CODE = "1257L"
_PAYE_REFERENCE = "000/EX00000"
_EMPLOYER_ADDRESS = {"summary_line": "1 Placeholder Park, Testtown", "post_code": "ZZ1 1ZZ"}
_HOME_ADDRESS = {"summary_line": "2 Sample Street, Testtown", "post_code": "ZZ2 2ZZ"}


@attrs.frozen
class Pay:
    """What an employee gets in a month, in pence."""

    gross: int
    job: str
    number: str

    @property
    def tax(self) -> int:
        """The income tax."""
        return (self.gross - 104_750) // 5

    @property
    def insurance(self) -> int:
        """The National Insurance."""
        return (self.gross - 104_800) * 8 // 100

    @property
    def pension(self) -> int:
        """The employee's part of the pension."""
        return self.gross // 20

    @property
    def deductions(self) -> int:
        """All that is taken off."""
        return self.tax + self.insurance + self.pension

    @property
    def net(self) -> int:
        """What is left."""
        return self.gross - self.deductions


def pay_of(state: State, recipient: str) -> Pay:
    """Return what somebody gets, which is always the same."""
    chance = state.draw("pay", recipient)
    gross = chance.randrange(200_000, 450_000, 5_000)
    return Pay(gross, chance.choice(_JOBS), f"EX{chance.randrange(10**5):05}")


def months_before(day: date, count: int) -> list[date]:
    """Return the first days of the months before a day's, the oldest first."""
    number = day.year * 12 + day.month - 1
    return [date(one // 12, one % 12 + 1, 1) for one in range(number - count, number)]


def last_of(month: date) -> date:
    """Return the last day of a month."""
    return month.replace(day=monthrange(month.year, month.month)[1])


def by_payslips(pay: Pay, month: date) -> Record:
    """Say what a report does that has payslips, the last one from a month."""
    return {
        "annual_gross_pay": pay.gross * 12 / 100,
        "monthly_gross_pay": pay.gross / 100,
        "monthly_deductions": pay.deductions / 100,
        "monthly_net_pay": pay.net / 100,
        "pay_frequencies": ["Monthly"],
        "national_insurance_number": [NI_NUMBER],
        "national_insurance_letters": ["A"],
        "unique_taxpayer_references": [],
        "job_titles": [pay.job],
        "tax_codes": [_TAX_CODE],
        "paye_references": [_PAYE_REFERENCE],
        "employee_numbers": [pay.number],
        **_year_to_date(pay, month),
        "additional_information": {
            "bonuses": [],
            "monthly_student_loan_deductions": None,
            "monthly_gross_pay_details": [
                {"category": "MonthlyBasicPay", "amount": pay.gross / 100}
            ],
            "monthly_deductions_details": [
                {"category": f"Monthly{category}", "amount": pence / 100}
                for category, _, pence in _deductions(pay)
            ],
            "average_income_items": [],
            "average_tax_items": [],
        },
        "income_source_addresses": [_EMPLOYER_ADDRESS],
        "employee_addresses": [_HOME_ADDRESS],
    }


def payslip(pay: Pay, month: date, recipient: str) -> Record:
    """Say what the payslip of a month does."""
    last = last_of(month).isoformat()
    return {
        "payslip_date": last,
        "pay_period_start_date": month.isoformat(),
        "pay_period_end_date": last,
        "payment_date": last,
        "pay_frequency": "Monthly",
        "pay_period": _pay_period(month),
        "gross_pay": pay.gross / 100,
        "total_deductions": pay.deductions / 100,
        "net_pay": pay.net / 100,
        "national_insurance_number": NI_NUMBER,
        "national_insurance_letter": "A",
        "tax_code": _TAX_CODE,
        "paye_reference": _PAYE_REFERENCE,
        "employee_name": recipient,
        "employer_name": EMPLOYER,
        "employee_number": pay.number,
        "job_title": pay.job,
        "income_source_address": _EMPLOYER_ADDRESS,
        "employee_address": _HOME_ADDRESS,
        **_year_to_date(pay, month),
        "detailed_pay_items": [_paid("Basic pay", pay.gross)],
        "detailed_deduction_items": [
            {"category": category, "short_description": line, "value": pence / 100}
            for category, line, pence in _deductions(pay)
        ],
    }


def statement(pay: Pay, months: Sequence[date]) -> Record:
    """Say what a bank statement or an account does that has these months."""
    return {
        "start_date": months[0].isoformat(),
        "end_date": last_of(months[-1]).isoformat(),
        "net_pay": pay.net * len(months) / 100,
        "detailed_pay_items": [_paid(f"{EMPLOYER} {month:%m/%Y}", pay.net) for month in months],
    }


def _year_to_date(pay: Pay, month: date) -> Record:
    paid = _pay_period(month)
    return {
        "ytd_gross_pay": pay.gross * paid / 100,
        "ytd_net_pay": pay.net * paid / 100,
        "ytd_tax_paid": pay.tax * paid / 100,
        "ytd_ni_paid": pay.insurance * paid / 100,
        "ytd_pension_paid": pay.pension * paid / 100,
        "ytd_other_deductions": 0,
    }


def _pay_period(month: date) -> int:
    """Number a month in the tax year, which begins in April."""
    return (month.month - 4) % 12 + 1


def _deductions(pay: Pay) -> list[tuple[str, str, int]]:
    return [
        ("IncomeTax", "PAYE tax", pay.tax),
        ("NationalInsurance", "Employee NI", pay.insurance),
        ("EmployeePension", "Pension scheme", pay.pension),
    ]


def _paid(description: str, pence: int) -> Record:
    return {
        "category": "BasicPay",
        "short_description": description,
        "value": pence / 100,
        "rate": pence / 100,
        "quantity": 1,
    }
