"""Fictitious incomes: the details from each data source, and the overview of all."""

from collections.abc import Sequence
from datetime import date
from itertools import groupby

import attrs

from sikoia_async.sandbox.resources.income_pay import (
    EMPLOYER,
    Pay,
    by_payslips,
    months_before,
    pay_of,
    payslip,
    statement,
)
from sikoia_async.sandbox.resources.income_tax import by_tax_documents, tax_document, tax_year
from sikoia_async.sandbox.resources.insights import source_summary
from sikoia_async.sandbox.state import Record, State

_DEFAULT_RECIPIENT = "Wilma Example"
"""The name in documents that belong to a case instead of a person."""
_EMPLOYMENT = "Employment"
_PAID_IN = "Employment and/or Self-employment"
_TAXED = "Other"
_TYPES = {
    "Payslip": _EMPLOYMENT,
    "BankStatement": _PAID_IN,
    "BankAccount": _PAID_IN,
    "SA302": _TAXED,
    "TaxOverview": _TAXED,
}
_BANK_MONTHS = 3
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
    type: str
    sources: list[Record]
    pay: Pay
    day: date
    """When the report was requested."""

    @property
    def months(self) -> list[date]:
        """The months that the sources cover; one for each payslip."""
        payslips = self.type == _EMPLOYMENT
        return months_before(self.day, len(self.sources) if payslips else _BANK_MONTHS)

    def named(self) -> Record:
        """Return the recipient, type and source; tax documents do not show the source."""
        return {
            "income_recipient": self.recipient,
            "income_type": self.type,
            "income_source": None if self.type == _TAXED else EMPLOYER,
        }

    def reported(self) -> Record:
        """Return the fields of the overview."""
        if self.type == _EMPLOYMENT:
            return by_payslips(self.pay, self.months[-1])
        if self.type == _PAID_IN:
            return {"monthly_net_pay": self.pay.net / 100}
        has_return = any(source["source_type"] == "SA302" for source in self.sources)
        return by_tax_documents(self.pay, has_return=has_return)

    def detailed(self, number: int) -> Record:
        """Return the details from one data source."""
        if self.type == _EMPLOYMENT:
            return payslip(self.pay, self.months[number], self.recipient)
        if self.type == _PAID_IN:
            return statement(self.pay, self.months)
        return tax_document(self.pay, self.sources[number]["source_type"], self.day)

    def ranges(self) -> list[Record]:
        """Return the range of months that the data sources of each type cover."""
        taxed = self.type == _TAXED
        first, last = tax_year(self.day) if taxed else (self.months[0], self.months[-1])
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
    def key(source: Record) -> tuple[str, str]:
        return source["recipient"] or _DEFAULT_RECIPIENT, _TYPES[source["source_type"]]

    return [
        _Income(recipient, kind, list(listed), pay_of(state, recipient), day)
        for (recipient, kind), listed in groupby(sorted(used, key=key), key)
    ]


def _by_type(listed: Sequence[Record]) -> list[tuple[str, list[Record]]]:
    def key(source: Record) -> str:
        return str(source["source_type"])

    return [(name, list(group)) for name, group in groupby(sorted(listed, key=key), key)]
