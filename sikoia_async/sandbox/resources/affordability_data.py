"""Made-up transactions of three months, and what they come to.

Sums are counted in pence: what goes out of a category is what went out in its transactions, to the
penny.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from itertools import groupby
from uuid import UUID

from sikoia_async.sandbox.resources.bank_accounts import stable_id
from sikoia_async.sandbox.resources.income_pay import months_before
from sikoia_async.sandbox.state import Record, State

_MONTHS = 3
_HIGH = 1_000
"""Pounds; a transaction of more is one of high value."""
_GROUPS = ("Income", "Essential expenditure", "Non-essential expenditure", "Other")

# Group, category, subcategory, who it is with, day of the month, pence, by how much they vary.
_HABITS = (
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
# By what an indicator knows its transactions: a subcategory; or, where there is none, the amount.
_SIGNS = {
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
    """Return the transactions of the three months before a day's, the newest first.

    They are spread over the data sources, so that the sums do not depend on how many there are.
    """
    made: list[Record] = []
    for month in months_before(day, _MONTHS):
        for number, habit in enumerate(_HABITS):
            group, category, subcategory, party, on, pence, spread = habit
            chance = state.draw("affordability", entity_id, month.isoformat(), number)
            amount = pence + (chance.randint(-spread, spread) if spread else 0)
            made.append(
                {
                    "transaction_id": str(UUID(int=chance.getrandbits(128), version=4)),
                    "account_connection_id": _account_of(state, sources[number % len(sources)]),
                    "date": month.replace(day=on).isoformat(),
                    "group": _GROUPS[group],
                    "category": category,
                    "subcategory": subcategory,
                    "short_description": party,
                    "long_description": f"{party}, TESTTOWN GB".upper(),
                    "amount": amount / 100,
                }
            )
    return sorted(made, key=lambda one: str(one["date"]), reverse=True)


def cashflow(made: Sequence[Record]) -> list[Record]:
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
        for group, in_group in _by("group", made)
    ]


def indicators(made: Sequence[Record]) -> list[Record]:
    """Tell what is to be seen in transactions."""
    seen = {name: [one for one in made if _shows(one, sign)] for name, sign in _SIGNS.items()}
    return [
        {"name": name, "present": bool(found), "transactions": found}
        for name, found in seen.items()
    ]


def monthly(made: Sequence[Record]) -> list[Record]:
    """Sum transactions up by what they are and by month."""
    return [
        {
            **{name: found[0][name] for name in ("group", "category", "subcategory")},
            "short_description": party,
            "number_of_transactions": len(found),
            "total_value": _sum(found),
            "average_value": round(_sum(found) / len(found), 2),
            "minimum_value": min(one["amount"] for one in found),
            "maximum_value": max(one["amount"] for one in found),
            "monthly_data": [
                {"year": int(month[:4]), "month": int(month[5:]), "total_value": _sum(of_month)}
                for month, of_month in _grouped(found, lambda one: str(one["date"])[:7])
            ],
        }
        for party, found in _by("short_description", made)
    ]


def _account_of(state: State, source: Record) -> str:
    """Return the id of the account in a data source, which may be gone by now."""
    source_id: str = source["source_id"]
    if source["source_type"] == "BankAccount":
        return source_id
    return stable_id(state, "CURRENT", stable_id(state, "statement", source_id))


def _shows(transaction: Record, sign: str | None) -> bool:
    if sign is None:
        return bool(abs(transaction["amount"]) > _HIGH)
    return bool(transaction["subcategory"] == sign)


def _by(name: str, made: Iterable[Record]) -> list[tuple[str, list[Record]]]:
    return _grouped(made, lambda one: str(one[name]))


def _grouped(
    made: Iterable[Record], key: Callable[[Record], str]
) -> list[tuple[str, list[Record]]]:
    return [(name, list(found)) for name, found in groupby(sorted(made, key=key), key)]


def _sum(made: Iterable[Record]) -> float:
    pence: int = sum(round(one["amount"] * 100) for one in made)
    return pence / 100
