"""What has happened on an account: three months of it, made up from the seed.

A day's transactions depend on nothing but the account and the day. So a refresh adds days, and the
days before stay as they were.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from uuid import UUID

import attrs

from sikoia_async.sandbox.state import Record, State

HISTORY = timedelta(days=90)
_OPENING = 150_000
"""Pence on the account before its first day."""
_OFTEN = 0.3
"""How likely it is that what may happen on any day happens on this one."""


@attrs.frozen
class _Habit:
    """What the holder of an account does again and again."""

    party: str
    """Who pays or is paid."""
    least: int
    """Pence; below zero what goes out."""
    most: int
    code: tuple[str, str]
    """ISO 20022's family and sub-family of the domain of payments."""
    category: str | None = None
    """What kind of merchant it is, where it is one."""
    day: int | None = None
    """The day of the month; else any day may be it."""


_HABITS = {
    "CURRENT": (
        _Habit("Placeholder Widgets Ltd", 245_000, 245_000, ("RCDT", "SALA"), day=25),
        _Habit("Specimen Lettings", -95_000, -95_000, ("ICDT", "STDO"), "Rent", 1),
        _Habit("Sample Energy", -9_500, -7_500, ("RDDT", "PMDD"), "Utilities", 5),
        _Habit("Example Mobile", -1_800, -1_800, ("RDDT", "PMDD"), "Telephone", 12),
        _Habit("Own savings", -20_000, -20_000, ("ICDT", "BOOK"), day=26),
        _Habit("Example Grocer", -6_500, -900, ("CCRD", "POSD"), "Groceries"),
        _Habit("Placeholder Railway", -2_400, -350, ("CCRD", "POSD"), "Transport"),
        _Habit("Example Cafe", -1_200, -280, ("CCRD", "POSD"), "Restaurants"),
    ),
    "SAVINGS": (
        _Habit("Own current account", 20_000, 20_000, ("RCDT", "BOOK"), day=26),
        _Habit("Sandbox Bank, interest", 150, 450, ("MCRD", "INTR"), day=28),
    ),
}
_NAMES = {
    "PMNT": "Payments",
    "RCDT": "Received Credit Transfers",
    "ICDT": "Issued Credit Transfers",
    "RDDT": "Received Direct Debits",
    "CCRD": "Customer Card Transactions",
    "MCRD": "Miscellaneous Credit Operations",
    "SALA": "Salary Payment",
    "STDO": "Standing Order",
    "PMDD": "Direct Debit",
    "BOOK": "Internal Book Transfer",
    "POSD": "Point-of-Sale Payment",
    "INTR": "Interest",
}


def transactions(state: State, account: Record) -> list[Record]:
    """Return what was booked before the last refresh, the newest first."""
    first, last = _days(account)
    account_id, habits = account["account_connection_id"], _HABITS[account["account_type"]]
    found: list[Record] = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        chance = state.draw("day", account_id, day.isoformat())
        # The last day's are known to the bank, and not booked.
        status = "PENDING" if day == last else "BOOKED"
        found += [_transaction(chance, habit, day, status) for habit in _of(habits, day, chance)]
    return found[::-1]


def balances(state: State, account: Record) -> list[Record]:
    """Return what is on the account: with all transactions, and with those that are booked."""
    found = transactions(state, account)
    booked = [one for one in found if one["status"] == "BOOKED"]
    when = account["datetime_last_refreshed"][:19]
    return [
        {
            "type": kind,
            "amount": {"value": _text(_OPENING + sum(map(_pence, rows))), "currency": "GBP"},
            "date": f"{when}.000Z",
        }
        for kind, rows in (("CLOSING_AVAILABLE", found), ("CLOSING_BOOKED", booked))
    ]


def _days(account: Record) -> tuple[date, date]:
    connected = date.fromisoformat(account["datetime_connected"][:10])
    refreshed = date.fromisoformat(account["datetime_last_refreshed"][:10])
    return connected - HISTORY, refreshed - timedelta(days=1)


def _of(habits: tuple[_Habit, ...], day: date, chance: Random) -> Iterator[_Habit]:
    """Choose what is done on a day: what is due then, and at times something else."""
    yield from (habit for habit in habits if habit.day == day.day)
    yield from (habit for habit in habits if habit.day is None and chance.random() < _OFTEN)


def _transaction(chance: Random, habit: _Habit, day: date, status: str) -> Record:
    pence = chance.randint(habit.least, habit.most)
    booked = f"{day}T09:30:00.0000000+00:00"
    family, sub_family = habit.code
    direction = "credit" if pence > 0 else "debit"
    merchant = {"merchant_name": habit.party, "merchant_category": habit.category}
    return {
        "transaction_id": str(UUID(int=chance.getrandbits(128), version=4)),
        "date": booked,
        "booking_datetime": booked if status == "BOOKED" else None,
        "value_date_time": f"{day}T00:00:00.0000000+00:00",
        "status": status,
        "amount": {"amount": pence / 100, "currency": "GBP"},
        "currency": "GBP",
        "reference": f"EXAMPLE {day:%Y%m%d}",
        "description": habit.party.upper(),
        "merchant": merchant if habit.category else None,
        "iso_bank_transaction_code": {
            "domain_code": _code("PMNT"),
            "family_code": _code(family),
            "sub_family_code": _code(sub_family),
        },
        "proprietary_bank_transaction_code": {"code": f"sandbox-{direction}", "issuer": "sandbox"},
    }


def _code(code: str) -> Record:
    return {"code": code, "name": _NAMES[code]}


def _pence(transaction: Record) -> int:
    pounds: float = transaction["amount"]["amount"]
    return round(pounds * 100)


def _text(pence: int) -> str:
    """Write an amount as balances do; what is on these accounts is never below zero."""
    return f"{pence // 100}.{pence % 100:02}"
