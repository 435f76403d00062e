"""What operations cost in the local Sikoia.

Sikoia publishes which operations may cost something, but not their prices.
"""

from collections.abc import Mapping

from sikoia_async.sandbox.faults.operations import Operations

__all__ = ["CHARGEABLE", "price_list", "require_priced"]

CHARGEABLE = (
    "GET /v2/{entity_type}/{entity_id}/excel-report",
    "POST /v2/adverse-media",
    "POST /v2/affordability-insights",
    "POST /v2/company-credit-reports",
    "POST /v2/company-credit-reports/picklist",
    "POST /v2/company-online-data",
    "POST /v2/company-registry-data",
    "POST /v2/company-registry-data/picklist",
    "POST /v2/company-registry-data/search",
    "POST /v2/completeness-income-checks",
    "POST /v2/identity",
    "POST /v2/income-employer",
    "POST /v2/peps-sanctions",
)
"""The operations that may cost credits or money."""


def price_list(prices: Mapping[str, int], operations: Operations) -> dict[str, int]:
    """Return the price of each operation in credits: 1 if it may cost something, or as given.

    Raises:
        ValueError: An operation is unknown, or a price is not a whole number of at least 0.
    """
    overrides = {operations.known(name): price for name, price in prices.items()}
    for name, price in overrides.items():
        if not _is_whole(price) or price < 0:
            msg = f"prices: expected a whole number of credits, at least 0, for {name}"
            raise ValueError(msg)
    return dict.fromkeys(CHARGEABLE, 1) | overrides


def _is_whole(price: object) -> bool:
    """Untyped tests may pass anything, and True is an int."""
    return isinstance(price, int) and not isinstance(price, bool)


def require_priced(operation: str, prices: Mapping[str, int]) -> None:
    """Require that an operation costs something.

    Raises:
        ValueError: The operation is free.
    """
    if not prices.get(operation):
        priced = ", ".join(sorted(name for name, price in prices.items() if price))
        msg = f"{operation} is free here; set its price with prices=, or use one of {priced}"
        raise ValueError(msg)
