"""Fictitious bank transactions, as bytes.

The fields are those of `GET /v2/bankaccounts/{account_connection_id}/transactions`.
"""

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

__all__ = ["as_list", "as_report"]


def as_list(count: int) -> bytes:
    """Return this many transactions as a JSON array, the same in every run."""
    return json.dumps(_transactions(count)).encode()


def as_report(count: int) -> bytes:
    """Return the same transactions in the API's envelope."""
    report = {
        "account_connection_id": "132d3353-ad29-46e0-b66a-caed8b572e93",
        "transactions": _transactions(count),
        "datetime_refreshed": _stamp(_FIRST_DAY),
    }
    return json.dumps(report).encode()


def _transactions(count: int) -> list[dict[str, Any]]:
    chance = random.Random(20240212)  # noqa: S311 - sample data, not secrets
    return [_transaction(chance, number) for number in range(count)]


def _transaction(chance: random.Random, number: int) -> dict[str, Any]:
    when = _FIRST_DAY + timedelta(minutes=number * 7)
    amount = round(chance.uniform(-2500, 2500), 2)
    domain, family, sub_family = chance.choice(_ISO_CODES)
    shop = chance.choice(_SHOPS)
    return {
        "transaction_id": str(UUID(int=chance.getrandbits(128))),
        "date": _stamp(when),
        "booking_datetime": _stamp(when),
        "value_date_time": _stamp(when + timedelta(hours=5)),
        "status": chance.choice(("BOOKED", "BOOKED", "BOOKED", "PENDING")),
        "amount": {"amount": amount, "currency": "GBP"},
        "currency": "GBP",
        "reference": f"EXAMPLE {number:06}",
        "description": f"{UUID(int=chance.getrandbits(128)).hex.upper()}",
        "merchant": shop and {"merchant_name": shop, "merchant_category": "Example shops"},
        "iso_bank_transaction_code": {
            "domain_code": {"code": domain, "name": "Payments"},
            "family_code": {"code": family, "name": "Credit transfers"},
            "sub_family_code": {"code": sub_family, "name": None},
        },
        "proprietary_bank_transaction_code": {"code": f"example-{family}", "issuer": "example"},
    }


def _stamp(when: datetime) -> str:
    """Format a time like the API: seven decimals and +00:00."""
    return f"{when:%Y-%m-%dT%H:%M:%S}.0000000+00:00"


_FIRST_DAY: Final = datetime(2024, 2, 12, 2, 57, 24, tzinfo=UTC)
_ISO_CODES: Final = (("PMNT", "ICDT", "AUTT"), ("PMNT", "RCDT", "ESCT"), ("PMNT", "CCRD", "POSD"))
_SHOPS: Final = ("Example Grocer", "Example Cafe", "Example Railway", None)
