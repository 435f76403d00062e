"""The purchases of a batch, of which only so many may be made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sikoia_async.batch.adoption import ADOPTION

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from sikoia_async.batch.budget import Budget
    from sikoia_async.stores.protocols import Purchase, PurchaseState, PurchaseStore

__all__ = ["LimitedPurchaseStore"]


class LimitedPurchaseStore:
    """A store of purchases that records no more intents than the budget allows.

    Args:
        store: where purchases are recorded.
        budget: how many there may be.
        call: calls a function of the budget in a thread.
    """

    def __init__(
        self,
        store: PurchaseStore,
        budget: Budget,
        call: Callable[..., Awaitable[None]],
    ) -> None:
        self._store = store
        self._budget = budget
        self._call = call

    async def intend(self, account: str, purchase: Purchase) -> Purchase:
        """Record an intent if its key is new or `refused`, and if the budget allows it.

        Raises:
            ChargeLimitError: it does not. Nothing is recorded.
        """
        if purchase.operation != ADOPTION:
            await self._call(self._budget.reserve, purchase.key, purchase.operation)
        return await self._store.intend(account, purchase)

    async def change(self, account: str, purchase: Purchase, *, owner: str) -> bool:
        """Replace a purchase; one that was refused costs nothing."""
        has_changed = await self._store.change(account, purchase, owner=owner)
        if has_changed and purchase.state == "refused":
            await self._call(self._budget.give_back, purchase.key)
        return has_changed

    async def get(self, account: str, key: str) -> Purchase | None:
        """Return the purchase with this key."""
        return await self._store.get(account, key)

    def list(self, account: str, states: Sequence[PurchaseState] = ()) -> AsyncIterator[Purchase]:
        """Iterate over the purchases in these states, or in all; the oldest first."""
        return self._store.list(account, states)
