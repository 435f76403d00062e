"""The fictitious pay of an employee of Example Foods Ltd, as payslips and accounts show it.

Amounts are in pence, so that net pay is exactly gross pay less deductions.
"""

from calendar import monthrange
from collections.abc import Sequence
from datetime import date

import attrs

from sikoia_async.sandbox.state import Record, State

EMPLOYER = "Example Foods Ltd"
# HMRC does not issue numbers that begin with QQ.
NI_NUMBER = "QQ123456C"
_JOBS = ("Baker", "Confectioner", "Dispatcher", "Pastry cook")
_TAX_CODE = "1257L"
_PAYE_REFERENCE = "000/EX00000"
_EMPLOYER_ADDRESS = {"summary_line": "1 Placeholder Park, Testtown", "post_code": "ZZ1 1ZZ"}
_HOME_ADDRESS = {"summary_line": "2 Sample Street, Testtown", "post_code": "ZZ2 2ZZ"}


@attrs.frozen
class Pay:
    """An employee's monthly pay, in pence."""

    gross: int
    job: str
    number: str

    @property
    def tax(self) -> int:
        """Income tax."""
        return (self.gross - 104_750) // 5

    @property
    def insurance(self) -> int:
        """National Insurance."""
        return (self.gross - 104_800) * 8 // 100

    @property
    def pension(self) -> int:
        """The employee's pension contribution."""
        return self.gross // 20

    @property
    def deductions(self) -> int:
        """The sum of all deductions."""
        return self.tax + self.insurance + self.pension

    @property
    def net(self) -> int:
        """Gross pay less deductions."""
        return self.gross - self.deductions


def pay_of(state: State, recipient: str) -> Pay:
    """Return the pay of a recipient, which is always the same."""
    draw = state.draw("pay", recipient)
    gross = draw.randrange(200_000, 450_000, 5_000)
    return Pay(gross, draw.choice(_JOBS), f"EX{draw.randrange(10**5):05}")


def months_before(day: date, count: int) -> list[date]:
    """Return the first days of the months before the month of a day, oldest first."""
    number = day.year * 12 + day.month - 1
    return [date(one // 12, one % 12 + 1, 1) for one in range(number - count, number)]


def last_of(month: date) -> date:
    """Return the last day of a month."""
    return month.replace(day=monthrange(month.year, month.month)[1])


def by_payslips(pay: Pay, month: date) -> Record:
    """Return the overview from payslips, the last one of which is for this month."""
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
    """Return the details of the payslip for a month."""
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
    """Return the details of a bank statement or an account that covers these months."""
    return {
        "start_date": months[0].isoformat(),
        "end_date": last_of(months[-1]).isoformat(),
        "net_pay": pay.net * len(months) / 100,
        "detailed_pay_items": [_paid(f"{EMPLOYER} {month:%m/%Y}", pay.net) for month in months],
    }


def _year_to_date(pay: Pay, month: date) -> Record:
    months = _pay_period(month)
    return {
        "ytd_gross_pay": pay.gross * months / 100,
        "ytd_net_pay": pay.net * months / 100,
        "ytd_tax_paid": pay.tax * months / 100,
        "ytd_ni_paid": pay.insurance * months / 100,
        "ytd_pension_paid": pay.pension * months / 100,
        "ytd_other_deductions": 0,
    }


def _pay_period(month: date) -> int:
    """Return the number of a month in the tax year, which begins in April."""
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
