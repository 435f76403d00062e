"""Chargeable calls of several processes, counted together in a store.

A call is reserved in one transaction before it is sent, and given back if it cost nothing. So a
process that is killed has used up what it may have bought.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import uuid4

import anyio
import attrs

from sikoia_async._calls.spend_limits import limits_on, used_up
from sikoia_async._errors import StoreError
from sikoia_async.stores.breaker import CircuitBreaker, StoreUnavailable
from sikoia_async.stores.protocols import Charge, SpendLimitBucket

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from sikoia_async._calls.spend_limits import SpendLimit
    from sikoia_async.observers._observers import Observers
    from sikoia_async.stores.protocols import SpendStore, SpendUsedUp

__all__ = ["Reservation", "SharedSpend"]

T = TypeVar("T")

_TIMEOUT: Final = 5.0
"""Seconds that the store may take: a durable write waits for a disk."""
_GIVE_BACK_TIMEOUT: Final = 2.0
_MAX_OWED: Final = 1000
_UNAVAILABLE: Final = "the store that counts such calls is unavailable"


@attrs.frozen
class Reservation:
    """A call that is counted."""

    _spend: SharedSpend
    _charge: Charge

    async def give_back(self) -> None:
        """Count the call no longer, even if the caller is cancelled; later if the store fails."""
        await self._spend.give_back(self._charge)


class SharedSpend:
    """The calls of one account in a store.

    Args:
        store: counts them.
        account: names the account in the store.
        limits: what must not be exceeded.
        clock: returns seconds on a clock that never steps back.
        observers: see when the store fails and when it is back.
    """

    def __init__(
        self,
        store: SpendStore,
        account: str,
        limits: tuple[SpendLimit, ...],
        clock: Callable[[], float],
        observers: Observers | None = None,
    ) -> None:
        self._store = store
        self._account = account
        self._limits = limits
        self._breaker = CircuitBreaker(
            "spend store", clock=clock, timeout=_TIMEOUT, observers=observers
        )
        self._owed: list[Charge] = []
        """Calls that cost nothing, and that the store still counts."""

    async def reserve(self, operation: str, timeout: float) -> Reservation | None:  # noqa: ASYNC109 - of the call
        """Count a call before it is sent; None if it could not be counted, and has no limit.

        Args:
            operation: its name.
            timeout: seconds that the call has left.

        Raises:
            ChargeLimitError: a limit is reached.
            StoreError: the store is unavailable, and there is a limit.
        """
        limits = limits_on(operation, self._limits, self._account)
        charge = Charge(
            id=uuid4().hex,
            operation=operation,
            buckets=[
                SpendLimitBucket(name=name, limit=limit.limit, per=limit.seconds)
                for name, limit in limits.items()
            ],
        )
        if self._owed:  # or they might be in the way
            await self._settle_owed()
        answers: list[SpendUsedUp | None] = []
        try:
            with anyio.move_on_after(timeout):
                answers.append(
                    await self._breaker.run(partial(self._store.reserve, self._account, charge))
                )
        except StoreUnavailable:
            pass
        except anyio.get_cancelled_exc_class():
            await Reservation(self, charge).give_back()  # which may have been counted
            raise
        if not answers:
            self._owe(charge)
            if not limits:
                return None
            msg = f"{operation} may cost money, and {_UNAVAILABLE}: nothing was sent"
            raise StoreError(msg)
        if (refusal := answers[0]) is not None:
            raise used_up(operation, limits[refusal.bucket], refusal.seconds)
        return Reservation(self, charge)

    async def give_back(self, charge: Charge) -> None:
        """Count a call no longer."""
        self._owe(charge)
        await self._settle_owed()

    async def spent(self) -> Mapping[str, int]:
        """Return how many calls all processes have made, by operation.

        Raises:
            StoreError: the store is unavailable.
        """
        return await self._run(partial(self._store.spent, self._account))

    async def reset(self) -> None:
        """Count from zero.

        Raises:
            StoreError: the store is unavailable.
        """
        await self._run(partial(self._store.reset, self._account))

    def _owe(self, charge: Charge) -> None:
        self._owed.append(charge)
        del self._owed[:-_MAX_OWED]

    async def _settle_owed(self) -> None:
        owed, self._owed = self._owed, []
        with anyio.move_on_after(_GIVE_BACK_TIMEOUT, shield=True):
            try:
                while owed:
                    give_back = partial(self._store.give_back, self._account, owed[-1])
                    await self._breaker.run(give_back)
                    owed.pop()
            except StoreUnavailable:
                pass
        self._owed += owed

    async def _run(self, operation: Callable[[], Awaitable[T]]) -> T:
        try:
            return await self._breaker.run(operation)
        except StoreUnavailable:
            pass
        raise StoreError(_UNAVAILABLE)
