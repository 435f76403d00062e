"""Purchases in doubt: the error that names one, and why it has no result."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from sikoia_async._errors import PurchaseInDoubtError
from sikoia_async.batch.classes import UNLISTED

if TYPE_CHECKING:
    from sikoia_async.stores.protocols import Purchase

__all__ = [
    "AMBIGUOUS",
    "IN_PROGRESS",
    "KEY_KNOWN",
    "NOT_LISTED",
    "NO_TIME",
    "RESULT_GONE",
    "doubt_error",
    "moment",
    "nobody_knows",
]

_AGAIN: Final = (
    'look in the dashboard, then call sikoia.purchases.resolve(key, "bought") or '
    'resolve(key, "not bought"), or buy again with once(..., buy_in_doubt=True)'
)
IN_PROGRESS: Final = "another process is making this purchase; call again later"
RESULT_GONE: Final = f"this was bought, and Sikoia cannot return its result again: {_AGAIN}"
NOT_LISTED: Final = f"this was bought, and Sikoia does not list it any more: {_AGAIN}"
KEY_KNOWN: Final = (
    f"Sikoia knows the idempotency key of this purchase, but does not list the purchase: {_AGAIN}"
)
AMBIGUOUS: Final = (
    "Sikoia lists a request that may belong to this purchase or to another one in doubt for the "
    f"same company, person or case: use the other's key first, or {_AGAIN}"
)
NO_TIME: Final = f"Sikoia lists a request that has no time, so it may be an older one: {_AGAIN}"


def nobody_knows(operation: str) -> str:
    """Return why it is not known if a request was processed, and what to do."""
    why = UNLISTED.get(operation, "this SDK does not know whether Sikoia lists such requests")
    return f"this may have been bought, and {why}: {_AGAIN}"


def moment(seconds: float) -> datetime:
    """Return a time of the journal."""
    return datetime.fromtimestamp(seconds, UTC)


def doubt_error(purchase: Purchase, message: str) -> PurchaseInDoubtError:
    """Return the error that says why a purchase has no result."""
    return PurchaseInDoubtError(
        message,
        key=purchase.key,
        operation=purchase.operation,
        intended_at=moment(purchase.intended_at),
        correlation_id=purchase.correlation_id,
    )
