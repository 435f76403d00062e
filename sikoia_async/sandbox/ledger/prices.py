"""What operations cost here. Sikoia publishes which may cost something, and not how much."""

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
    """Return what each operation costs: one credit if it may cost something, or as given.

    Raises:
        ValueError: There is no such operation, or a price is not a whole number from 0 on.
    """
    given = {operations.known(name): price for name, price in prices.items()}
    for name, price in given.items():
        # A test without types may bring anything; and True is a whole number to Python.
        if type(price) is not int or price < 0:
            msg = f"prices: give {name} a whole number of credits, 0 or more"
            raise ValueError(msg)
    return dict.fromkeys(CHARGEABLE, 1) | given


def require_priced(operation: str, prices: Mapping[str, int]) -> None:
    """See that an operation costs something.

    Raises:
        ValueError: It is free.
    """
    if not prices.get(operation):
        priced = ", ".join(sorted(name for name, price in prices.items() if price))
        msg = f"{operation} costs nothing here; what does is {priced}, or what prices= says"
        raise ValueError(msg)
