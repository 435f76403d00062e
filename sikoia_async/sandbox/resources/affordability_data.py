"""Fictitious transactions of three months, and their sums.

Amounts are summed in pence, so that categories add up exactly.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from itertools import groupby
from uuid import UUID

from sikoia_async.sandbox.resources.bank_accounts import statement_account_id
from sikoia_async.sandbox.resources.income_pay import months_before
from sikoia_async.sandbox.state import Record, State

_MONTHS = 3
_HIGH_VALUE = 1_000
"""In pounds; transactions above this are of high value."""
_GROUPS = ("Income", "Essential expenditure", "Non-essential expenditure", "Other")

# Group, category, subcategory, counterparty, day of the month, pence, variation in pence.
_MONTHLY_TRANSACTIONS = (
    (0, "Employment and/or Self-employment", "Salary", "Example Foods Ltd", 28, 231_250, 0),
    (0, "Benefits", "Child benefit", "Sample Benefit Office", 7, 10_240, 0),
    (1, "Mortgage and rent", "Mortgage", "Specimen Building Society", 1, -118_000, 0),
    (1, "Utilities", "Phone and broadband", "Placeholder Telecom", 4, -3_850, 900),
    (1, "Utilities", "Energy", "Sample Energy", 5, -9_600, 1_500),
    (1, "Groceries and shopping", "Groceries", "Example Grocer", 6, -6_400, 2_000),
    (1, "Groceries and shopping", "Groceries", "Example Grocer", 20, -7_100, 2_000),
    (1, "Insurance premiums", "Home insurance", "Specimen Insurance", 9, -2_415, 0),
    (1, "Credit cards and loans", "Personal loan", "Sandbox Loans", 15, -14_500, 0),
    (2, "Entertainment", "Eating out", "Sample Noodle Bar", 12, -2_900, 1_800),
    (2, "TV and subscriptions", "Streaming", "Placeholder Films", 18, -1_099, 0),
    (3, "Transfers", "Own accounts", "Own savings", 26, -15_000, 0),
)
_SHORT_SALARY = 98_000
"""In pence; less than the expenditure of any month."""
# The subcategory that an indicator looks for; None for high amounts.
_INDICATORS = {
    "Benefits": "Child benefit",
    "Children": "Child benefit",
    "Gambling": "Betting",
    "High value transactions": None,
    "Insurance": "Home insurance",
    "Loans (excluding credit cards)": "Personal loan",
}


def transactions(
    state: State, sources: Sequence[Record], entity_id: str, day: date
) -> list[Record]:
    """Return the transactions of the three months before the month of a day, newest first.

    They are spread over the data sources, so that sums do not depend on how many there are.
    """
    recipients = (source["recipient"] or "" for source in sources)
    has_deficit = any(state.scenarios.of_name(name).deficit for name in recipients)
    rows: list[Record] = []
    for month in months_before(day, _MONTHS):
        for number, transaction in enumerate(_MONTHLY_TRANSACTIONS):
            group, category, subcategory, party, day_of_month, pence, variation = transaction
            draw = state.draw("affordability", entity_id, month.isoformat(), number)
            pence = _SHORT_SALARY if subcategory == "Salary" and has_deficit else pence
            amount = pence + (draw.randint(-variation, variation) if variation else 0)
            rows.append(
                {
                    "transaction_id": str(UUID(int=draw.getrandbits(128), version=4)),
                    "account_connection_id": _account_of(state, sources[number % len(sources)]),
                    "date": month.replace(day=day_of_month).isoformat(),
                    "group": _GROUPS[group],
                    "category": category,
                    "subcategory": subcategory,
                    "short_description": party,
                    "long_description": f"{party}, TESTTOWN GB".upper(),
                    "amount": amount / 100,
                }
            )
    return sorted(rows, key=lambda one: str(one["date"]), reverse=True)


def cashflow(rows: Sequence[Record]) -> list[Record]:
    """Sum transactions up by group, category and subcategory."""
    return [
        {
            "group": group,
            "value": _sum(in_group),
            "categories": [
                {
                    "name": category,
                    "value": _sum(in_category),
                    "subcategories": [
                        {"name": subcategory, "value": _sum(in_subcategory)}
                        for subcategory, in_subcategory in _by("subcategory", in_category)
                    ],
                }
                for category, in_category in _by("category", in_group)
            ],
        }
        for group, in_group in _by("group", rows)
    ]


def indicators(rows: Sequence[Record]) -> list[Record]:
    """Return the indicators, each with the transactions that show it."""
    showing = {
        name: [row for row in rows if _shows(row, subcategory)]
        for name, subcategory in _INDICATORS.items()
    }
    return [
        {"name": name, "present": bool(transactions), "transactions": transactions}
        for name, transactions in showing.items()
    ]


def monthly(rows: Sequence[Record]) -> list[Record]:
    """Sum transactions up by counterparty and by month."""
    return [
        {
            **{name: of_party[0][name] for name in ("group", "category", "subcategory")},
            "short_description": party,
            "number_of_transactions": len(of_party),
            "total_value": _sum(of_party),
            "average_value": round(_sum(of_party) / len(of_party), 2),
            "minimum_value": min(row["amount"] for row in of_party),
            "maximum_value": max(row["amount"] for row in of_party),
            "monthly_data": [
                {"year": int(month[:4]), "month": int(month[5:]), "total_value": _sum(of_month)}
                for month, of_month in _grouped(of_party, lambda row: str(row["date"])[:7])
            ],
        }
        for party, of_party in _by("short_description", rows)
    ]


def _account_of(state: State, source: Record) -> str:
    """Return the id of the account of a data source, even if it was deleted since."""
    if source["source_type"] == "BankAccount":
        return str(source["source_id"])
    return statement_account_id(state, source["data_source_id"])


def _shows(transaction: Record, subcategory: str | None) -> bool:
    if subcategory is None:
        return bool(abs(transaction["amount"]) > _HIGH_VALUE)
    return bool(transaction["subcategory"] == subcategory)


def _by(name: str, rows: Iterable[Record]) -> list[tuple[str, list[Record]]]:
    return _grouped(rows, lambda row: str(row[name]))


def _grouped(
    rows: Iterable[Record], key: Callable[[Record], str]
) -> list[tuple[str, list[Record]]]:
    return [(name, list(group)) for name, group in groupby(sorted(rows, key=key), key)]


def _sum(rows: Iterable[Record]) -> float:
    pence: int = sum(round(row["amount"] * 100) for row in rows)
    return pence / 100
