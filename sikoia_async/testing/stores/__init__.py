"""Conformance suite for stores of your own: the rules that `Sikoia(shared=...)` relies on.

    class TestMyStores(StoreConformance):
        @asynccontextmanager
        async def open(self):
            async with connect() as connection:
                yield Stores(token=MyTokenStore(connection))

Run it with pytest and the plugin of anyio. The rules are those of `sikoia_async.stores`; a failed
test says which one is broken. Tests for kinds that the stores do not hold are skipped.
"""

from sikoia_async.testing.stores._events import EventConformance
from sikoia_async.testing.stores._histories import check_quota_histories
from sikoia_async.testing.stores._purchases import PurchaseConformance
from sikoia_async.testing.stores._quota import QuotaConformance
from sikoia_async.testing.stores._replay import ReplayConformance
from sikoia_async.testing.stores._spend import SpendConformance
from sikoia_async.testing.stores._token import TokenConformance

__all__ = [
    "EventConformance",
    "PurchaseConformance",
    "QuotaConformance",
    "ReplayConformance",
    "SpendConformance",
    "StoreConformance",
    "TokenConformance",
    "check_quota_histories",
]


class StoreConformance(
    QuotaConformance,
    TokenConformance,
    ReplayConformance,
    EventConformance,
    SpendConformance,
    PurchaseConformance,
):
    """Tests of stores of all kinds; inherit from it, or from the class of one kind.

    Override `open`, an async context manager that opens the stores under test. Each test opens them
    twice on one backend, as two processes would, and uses its own keys, so the backend may contain
    other data.

    Override `lose` if the backend can lose its state, and `now` and `sleep` if the stores take a
    clock that tests can move. Without such a clock, a test waits for a few tenths of a second.
    """
