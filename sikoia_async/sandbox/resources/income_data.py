"""Fictitious incomes: the details from each data source, and the overview of all."""

from collections.abc import Sequence
from datetime import date
from itertools import groupby

import attrs

from sikoia_async.sandbox.resources.income_pay import (
    EMPLOYER,
    Pay,
    Period,
    by_payslips,
    pay_of,
    payslip,
    statement,
)
from sikoia_async.sandbox.resources.income_tax import by_tax_documents, tax_document, tax_year
from sikoia_async.sandbox.resources.insights import source_summary
from sikoia_async.sandbox.scenarios.scenario import IncomeType
from sikoia_async.sandbox.state import Record, State

_DEFAULT_RECIPIENT = "Wilma Example"
"""The name in documents that belong to a case instead of a person."""
_PAYSLIPS, _BANK, _TAX = range(3)
_SHOWN_BY = {
    "Payslip": _PAYSLIPS,
    "BankStatement": _BANK,
    "BankAccount": _BANK,
    "SA302": _TAX,
    "TaxOverview": _TAX,
}
# Who pays an income of each type into a bank account.
_PAYERS: dict[IncomeType, str] = {
    "Employment and/or Self-employment": EMPLOYER,
    "Benefits": "Sample Benefit Office",
    "Pensions": "Specimen Pension Scheme",
    "Property": "Placeholder Lettings",
    "Dividends": "Example Holdings Ltd",
    "Other": "Sample Payments",
}
_YEARLY_SHARE = 4
"""A bank account shows a quarter of a year."""
_REPORTED = [
    "annual_gross_pay",
    "monthly_gross_pay",
    "monthly_deductions",
    "monthly_net_pay",
    "pay_frequencies",
    "national_insurance_number",
    "national_insurance_letters",
    "unique_taxpayer_references",
    "job_titles",
    "tax_codes",
    "paye_references",
    "employee_numbers",
    "ytd_gross_pay",
    "ytd_net_pay",
    "ytd_tax_paid",
    "ytd_ni_paid",
    "ytd_pension_paid",
    "ytd_other_deductions",
    "additional_information",
    "income_source_addresses",
    "employee_addresses",
]
_DETAILED = [
    "payslip_date",
    "pay_period_start_date",
    "pay_period_end_date",
    "payment_date",
    "start_date",
    "end_date",
    "pay_frequency",
    "pay_period",
    "gross_pay",
    "total_deductions",
    "net_pay",
    "national_insurance_number",
    "national_insurance_letter",
    "unique_taxpayer_reference",
    "tax_code",
    "paye_reference",
    "employee_name",
    "employer_name",
    "employee_number",
    "job_title",
    "income_source_address",
    "employee_address",
    "ytd_gross_pay",
    "ytd_net_pay",
    "ytd_tax_paid",
    "ytd_ni_paid",
    "ytd_pension_paid",
    "ytd_other_deductions",
    "detailed_pay_items",
    "detailed_deduction_items",
    "tax_information",
]


@attrs.frozen
class _Income:
    """A recipient's income of one type, and the data sources that show it."""

    recipient: str
    shown_by: int
    """`_PAYSLIPS`, `_BANK` or `_TAX`."""
    paid_in: IncomeType
    """The type of the income that bank accounts show."""
    sources: list[Record]
    pay: Pay
    day: date
    """When the report was requested."""

    @property
    def periods(self) -> list[Period]:
        """The pay periods that the sources cover; one for each payslip."""
        is_paid = self.shown_by == _PAYSLIPS
        count = len(self.sources) if is_paid else self.pay.yearly // _YEARLY_SHARE
        return self.pay.periods_before(self.day, count)

    def named(self) -> Record:
        """Return the recipient, type and source; tax documents do not show the source."""
        return {
            "income_recipient": self.recipient,
            "income_type": ("Employment", self.paid_in, "Other")[self.shown_by],
            "income_source": (EMPLOYER, _PAYERS[self.paid_in], None)[self.shown_by],
        }

    def reported(self) -> Record:
        """Return the fields of the overview."""
        if self.shown_by == _PAYSLIPS:
            return by_payslips(self.pay, self.periods[-1])
        if self.shown_by == _BANK:
            return {"monthly_net_pay": self.pay.monthly(self.pay.net)}
        has_return = any(source["source_type"] == "SA302" for source in self.sources)
        return by_tax_documents(self.pay, has_return=has_return)

    def detailed(self, number: int) -> Record:
        """Return the details from one data source."""
        if self.shown_by == _PAYSLIPS:
            return payslip(self.pay, self.periods[number], self.recipient)
        if self.shown_by == _BANK:
            return statement(self.pay, self.periods, _PAYERS[self.paid_in])
        return tax_document(self.pay, self.sources[number]["source_type"], self.day)

    def ranges(self) -> list[Record]:
        """Return the range of months that the data sources of each type cover."""
        periods = [tax_year(self.day)] if self.shown_by == _TAX else self.periods
        first, last = periods[0][0], periods[-1][1]
        return [
            {
                "source_type": source_type,
                "number_of_sources": len(listed),
                "start_date": f"{first:%Y-%m}",
                "end_date": f"{last:%Y-%m}",
                "data_sources": [source_summary(source) for source in listed],
            }
            for source_type, listed in _by_type(self.sources)
        ]


def overview(state: State, used: Sequence[Record], day: date) -> Record:
    """Return the data of a report that was requested on a day."""
    return {
        "income_details": [
            {
                **income.named(),
                **dict.fromkeys(_REPORTED),
                **income.reported(),
                "income_data_sources": income.ranges(),
            }
            for income in _incomes(state, used, day)
        ],
        "data_sources": [source_summary(source) for source in used],
    }


def details(state: State, used: Sequence[Record], day: date) -> list[Record]:
    """Return the details of a report that was requested on a day."""
    names = ("source_type", "source_id", "data_source_id", "source_name")
    return [
        {
            **income.named(),
            "details": [
                {
                    **{name: source[name] for name in names},
                    "income_source_data": {
                        **dict.fromkeys(_DETAILED),
                        **income.detailed(number),
                    },
                }
                for number, source in enumerate(income.sources)
            ],
        }
        for income in _incomes(state, used, day)
    ]


def _incomes(state: State, used: Sequence[Record], day: date) -> list[_Income]:
    def key(source: Record) -> tuple[str, int]:
        return source["recipient"] or _DEFAULT_RECIPIENT, _SHOWN_BY[source["source_type"]]

    return [
        _Income(
            recipient,
            shown_by,
            state.scenarios.of_name(recipient).income_type,
            list(listed),
            pay_of(state, recipient),
            day,
        )
        for (recipient, shown_by), listed in groupby(sorted(used, key=key), key)
    ]


def _by_type(listed: Sequence[Record]) -> list[tuple[str, list[Record]]]:
    def key(source: Record) -> str:
        return str(source["source_type"])

    return [(name, list(group)) for name, group in groupby(sorted(listed, key=key), key)]
