"""The journal of purchases: a store, with its failures turned into errors of this SDK."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, TypeVar

import anyio

from sikoia_async._errors import ChargeLimitError, ConfigurationError, StoreError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Sequence

    from sikoia_async.stores.protocols import Purchase, PurchaseState, PurchaseStore

__all__ = ["Journal"]

T = TypeVar("T")

_TIMEOUT: Final = 10.0
"""Seconds that one change of the journal may take."""

_log = logging.getLogger("sikoia_async")


class Journal:
    """The purchases of one account in a store.

    Args:
        store: the store.
        account: the account's key in it.
    """

    def __init__(self, store: PurchaseStore, account: str) -> None:
        self._store = store
        self._account = account

    async def intend(self, purchase: Purchase) -> Purchase:
        """Record an intent, unless its key has one; return the purchase that is recorded.

        Raises:
            StoreError: the store failed.
        """
        return await _attempt(self._store.intend(self._account, purchase))

    async def change(self, purchase: Purchase, *, owner: str) -> bool:
        """Replace a purchase that `owner` owns, and return whether it did.

        Raises:
            StoreError: the store failed.
        """
        return await _attempt(self._store.change(self._account, purchase, owner=owner))

    async def note(self, purchase: Purchase, *, owner: str) -> None:
        """Record how a purchase of `owner` has ended, even while being cancelled.

        A failure is only logged: the outcome must reach the caller. The purchase then stays
        intended, and is looked for when its key is used again.
        """
        with anyio.CancelScope(shield=True):
            try:
                await self.change(purchase, owner=owner)
            except (StoreError, ConfigurationError) as error:
                _log.warning("the outcome of a purchase was not recorded: %s", error)

    async def get(self, key: str) -> Purchase | None:
        """Return the purchase with this key.

        Raises:
            StoreError: the store failed.
        """
        return await _attempt(self._store.get(self._account, key))

    async def list(self, states: Sequence[PurchaseState] = ()) -> AsyncIterator[Purchase]:
        """Iterate over the purchases in these states, or in all; the oldest first.

        Raises:
            StoreError: the store failed.
        """
        purchases = aiter(self._store.list(self._account, states))
        while (one := await _attempt(anext(purchases, None))) is not None:
            yield one


async def _attempt(step: Awaitable[T]) -> T:
    problem = "timed out"
    try:
        with anyio.move_on_after(_TIMEOUT):
            return await step
    except (ChargeLimitError, ConfigurationError):
        raise
    except Exception as error:  # noqa: BLE001 - a store is the user's and may raise anything
        problem = f"failed with {type(error).__name__}"
    msg = f"the store of purchases {problem}; nothing is bought without it"
    raise StoreError(msg)
