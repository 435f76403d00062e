"""The transactions and balances of an account: three months, made up from the seed.

The transactions of a day depend only on the account and the day, so a refresh adds days and leaves
earlier ones unchanged.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from uuid import UUID

import attrs

from sikoia_async.sandbox.state import Record, State

HISTORY = timedelta(days=90)
_OPENING_BALANCE = 150_000
"""In pence."""
_PROBABILITY = 0.3
"""That a transaction without a fixed day happens on a given day."""


@attrs.frozen
class _Payment:
    """A payment that happens on a day of each month, or now and then."""

    party: str
    """The counterparty."""
    lowest: int
    """In pence; negative for debits."""
    highest: int
    """In pence."""
    code: tuple[str, str]
    """The ISO 20022 family and sub-family codes in the payments domain."""
    category: str | None = None
    """The category of the merchant, if the counterparty is one."""
    day: int | None = None
    """The day of the month; None for any day."""


_PAYMENTS = {
    "CURRENT": (
        _Payment("Placeholder Widgets Ltd", 245_000, 245_000, ("RCDT", "SALA"), day=25),
        _Payment("Specimen Lettings", -95_000, -95_000, ("ICDT", "STDO"), "Rent", 1),
        _Payment("Sample Energy", -9_500, -7_500, ("RDDT", "PMDD"), "Utilities", 5),
        _Payment("Example Mobile", -1_800, -1_800, ("RDDT", "PMDD"), "Telephone", 12),
        _Payment("Own savings", -20_000, -20_000, ("ICDT", "BOOK"), day=26),
        _Payment("Example Grocer", -6_500, -900, ("CCRD", "POSD"), "Groceries"),
        _Payment("Placeholder Railway", -2_400, -350, ("CCRD", "POSD"), "Transport"),
        _Payment("Example Cafe", -1_200, -280, ("CCRD", "POSD"), "Restaurants"),
    ),
    "SAVINGS": (
        _Payment("Own current account", 20_000, 20_000, ("RCDT", "BOOK"), day=26),
        _Payment("Sandbox Bank, interest", 150, 450, ("MCRD", "INTR"), day=28),
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
    """Return the transactions up to the last refresh, newest first."""
    first, last = _days(account)
    account_id, payments = account["account_connection_id"], _PAYMENTS[account["account_type"]]
    rows: list[Record] = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        draw = state.draw("day", account_id, day.isoformat())
        # The bank has not booked those of the last day yet.
        status = "PENDING" if day == last else "BOOKED"
        rows += [_transaction(draw, one, day, status) for one in _due(payments, day, draw)]
    return rows[::-1]


def balances(state: State, account: Record) -> list[Record]:
    """Return the balance after all transactions, and the balance after booked ones."""
    everything = transactions(state, account)
    booked = [one for one in everything if one["status"] == "BOOKED"]
    when = account["datetime_last_refreshed"][:19]
    return [
        {
            "type": kind,
            "amount": {
                "value": _amount(_OPENING_BALANCE + sum(map(_pence, rows))),
                "currency": "GBP",
            },
            "date": f"{when}.000Z",
        }
        for kind, rows in (("CLOSING_AVAILABLE", everything), ("CLOSING_BOOKED", booked))
    ]


def _days(account: Record) -> tuple[date, date]:
    connected = date.fromisoformat(account["datetime_connected"][:10])
    refreshed = date.fromisoformat(account["datetime_last_refreshed"][:10])
    return connected - HISTORY, refreshed - timedelta(days=1)


def _due(payments: tuple[_Payment, ...], day: date, draw: Random) -> Iterator[_Payment]:
    """Return the payments of a day: those that are due, and some without a fixed day."""
    yield from (one for one in payments if one.day == day.day)
    yield from (one for one in payments if one.day is None and draw.random() < _PROBABILITY)


def _transaction(draw: Random, payment: _Payment, day: date, status: str) -> Record:
    pence = draw.randint(payment.lowest, payment.highest)
    booked = f"{day}T09:30:00.0000000+00:00"
    family, sub_family = payment.code
    direction = "credit" if pence > 0 else "debit"
    merchant = {"merchant_name": payment.party, "merchant_category": payment.category}
    return {
        "transaction_id": str(UUID(int=draw.getrandbits(128), version=4)),
        "date": booked,
        "booking_datetime": booked if status == "BOOKED" else None,
        "value_date_time": f"{day}T00:00:00.0000000+00:00",
        "status": status,
        "amount": {"amount": pence / 100, "currency": "GBP"},
        "currency": "GBP",
        "reference": f"EXAMPLE {day:%Y%m%d}",
        "description": payment.party.upper(),
        "merchant": merchant if payment.category else None,
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


def _amount(pence: int) -> str:
    """Format a balance; these accounts are never overdrawn."""
    return f"{pence // 100}.{pence % 100:02}"
