"""The fictitious pay of an employee of Example Foods Ltd, as payslips and accounts show it.

Pay periods are months, or weeks that end on a Sunday.

Amounts are in pence, so that net pay is exactly gross pay less deductions.
"""

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta

import attrs

from sikoia_async.sandbox.scenarios.scenario import PayFrequency
from sikoia_async.sandbox.state import Record, State

EMPLOYER = "Example Foods Ltd"
# HMRC does not issue numbers that begin with QQ.
NI_NUMBER = "QQ123456C"
_JOBS = ("Baker", "Confectioner", "Dispatcher", "Pastry cook")
_TAX_CODE = "1257L"
_PAYE_REFERENCE = "000/EX00000"
_EMPLOYER_ADDRESS = {"summary_line": "1 Placeholder Park, Testtown", "post_code": "ZZ1 1ZZ"}
_HOME_ADDRESS = {"summary_line": "2 Sample Street, Testtown", "post_code": "ZZ2 2ZZ"}


Period = tuple[date, date]
"""The first and the last day of a pay period."""
_WEEKS: dict[PayFrequency, int] = {"Weekly": 1, "TwoWeekly": 2, "FourWeekly": 4}
_YEARLY: dict[PayFrequency, int] = {"Monthly": 12, "Weekly": 52, "TwoWeekly": 26, "FourWeekly": 13}
_TAX_FREE, _INSURANCE_FREE = 1_257_000, 1_257_600
"""In pence a year."""


@attrs.frozen
class Pay:
    """An employee's pay for each period, in pence."""

    gross: int
    job: str
    number: str
    frequency: PayFrequency = "Monthly"

    @property
    def yearly(self) -> int:
        """The number of pay periods in a year."""
        return _YEARLY[self.frequency]

    @property
    def tax(self) -> int:
        """Income tax."""
        return (self.gross - _TAX_FREE // self.yearly) // 5

    @property
    def insurance(self) -> int:
        """National Insurance."""
        return (self.gross - _INSURANCE_FREE // self.yearly) * 8 // 100

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

    def monthly(self, pence: int) -> float:
        """Return the monthly average of an amount that is paid each period, in pounds."""
        return round(pence * self.yearly / 12) / 100

    def periods_before(self, day: date, count: int) -> list[Period]:
        """Return pay periods that have ended before a day, oldest first."""
        if self.frequency == "Monthly":
            return [(month, last_of(month)) for month in months_before(day, count)]
        length = timedelta(weeks=_WEEKS[self.frequency])
        end = day - timedelta(days=day.isoweekday())
        ends = [end - number * length for number in reversed(range(count))]
        return [(one - length + timedelta(days=1), one) for one in ends]

    def number_of(self, period: Period) -> int:
        """Return the number of a pay period in the tax year, which begins in April."""
        last = period[1]
        if self.frequency == "Monthly":
            return (last.month - 4) % 12 + 1
        april = last.replace(month=4, day=6)
        start = april if april <= last else april.replace(year=last.year - 1)
        return (last - start).days // (7 * _WEEKS[self.frequency]) + 1


def pay_of(state: State, recipient: str) -> Pay:
    """Return the pay of a recipient, which is always the same."""
    draw = state.draw("pay", recipient)
    monthly = draw.randrange(200_000, 450_000, 5_000)
    frequency = state.scenarios.of_name(recipient).pay_frequency
    gross = monthly * 12 // _YEARLY[frequency]
    return Pay(gross, draw.choice(_JOBS), f"EX{draw.randrange(10**5):05}", frequency)


def months_before(day: date, count: int) -> list[date]:
    """Return the first days of the months before the month of a day, oldest first."""
    number = day.year * 12 + day.month - 1
    return [date(one // 12, one % 12 + 1, 1) for one in range(number - count, number)]


def last_of(month: date) -> date:
    """Return the last day of a month."""
    return month.replace(day=monthrange(month.year, month.month)[1])


def by_payslips(pay: Pay, last: Period) -> Record:
    """Return the overview from payslips, the last one of which is for this period."""
    return {
        "annual_gross_pay": pay.gross * pay.yearly / 100,
        "monthly_gross_pay": pay.monthly(pay.gross),
        "monthly_deductions": pay.monthly(pay.deductions),
        "monthly_net_pay": pay.monthly(pay.net),
        "pay_frequencies": [pay.frequency],
        "national_insurance_number": [NI_NUMBER],
        "national_insurance_letters": ["A"],
        "unique_taxpayer_references": [],
        "job_titles": [pay.job],
        "tax_codes": [_TAX_CODE],
        "paye_references": [_PAYE_REFERENCE],
        "employee_numbers": [pay.number],
        **_year_to_date(pay, last),
        "additional_information": {
            "bonuses": [],
            "monthly_student_loan_deductions": None,
            "monthly_gross_pay_details": [
                {"category": "MonthlyBasicPay", "amount": pay.monthly(pay.gross)}
            ],
            "monthly_deductions_details": [
                {"category": f"Monthly{category}", "amount": pay.monthly(pence)}
                for category, _, pence in _deductions(pay)
            ],
            "average_income_items": [],
            "average_tax_items": [],
        },
        "income_source_addresses": [_EMPLOYER_ADDRESS],
        "employee_addresses": [_HOME_ADDRESS],
    }


def payslip(pay: Pay, period: Period, recipient: str) -> Record:
    """Return the details of the payslip for a period."""
    last = period[1].isoformat()
    return {
        "payslip_date": last,
        "pay_period_start_date": period[0].isoformat(),
        "pay_period_end_date": last,
        "payment_date": last,
        "pay_frequency": pay.frequency,
        "pay_period": pay.number_of(period),
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
        **_year_to_date(pay, period),
        "detailed_pay_items": [_paid("Basic pay", pay.gross)],
        "detailed_deduction_items": [
            {"category": category, "short_description": line, "value": pence / 100}
            for category, line, pence in _deductions(pay)
        ],
    }


def statement(pay: Pay, periods: Sequence[Period], payer: str) -> Record:
    """Return the details of a bank statement or an account that covers these periods."""
    form = "%m/%Y" if pay.frequency == "Monthly" else "%d/%m/%Y"
    return {
        "start_date": periods[0][0].isoformat(),
        "end_date": periods[-1][1].isoformat(),
        "net_pay": pay.net * len(periods) / 100,
        "detailed_pay_items": [_paid(f"{payer} {last:{form}}", pay.net) for _, last in periods],
    }


def _year_to_date(pay: Pay, period: Period) -> Record:
    number = pay.number_of(period)
    return {
        "ytd_gross_pay": pay.gross * number / 100,
        "ytd_net_pay": pay.net * number / 100,
        "ytd_tax_paid": pay.tax * number / 100,
        "ytd_ni_paid": pay.insurance * number / 100,
        "ytd_pension_paid": pay.pension * number / 100,
        "ytd_other_deductions": 0,
    }


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
