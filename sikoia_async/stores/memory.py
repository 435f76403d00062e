"""`MemoryStores`: stores in the memory of one process, and the reference of what a store does."""

from __future__ import annotations

import secrets
import time
from collections import Counter, defaultdict
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

import anyio
import attrs

from sikoia_async.stores.protocols import Grant, SpendUsedUp, StoredToken, Wait
from sikoia_async.stores.shared import Stores

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence

    from anyio.streams.memory import MemoryObjectSendStream

    from sikoia_async.stores.protocols import (
        Ask,
        Charge,
        Claim,
        Purchase,
        PurchaseState,
        Settled,
        SpendLimitBucket,
    )

__all__ = ["MemoryStores"]

_BACKLOG: Final = 1000
"""Messages kept for a subscriber that does not read; later ones are lost."""


class MemoryStores(Stores):
    """Stores in memory, for several clients in one process and for tests.

        shared = MemoryStores()
        async with Sikoia(shared=shared) as first, Sikoia(shared=shared) as second:
            ...

    Nothing is shared with other processes, and nothing outlives this one. Spend and purchases are
    therefore not durable, and `Sikoia.purchases` refuses these stores. All clients must run in one
    thread.

    Args:
        clock: seconds on a clock that never steps back; tests may pass their own.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(
            quota=_MemoryQuota(clock),
            token=_MemoryTokens(clock),
            replay=_MemoryReplay(clock),
            events=_MemoryEvents(),
            spend=_MemorySpend(clock),
            purchases=_MemoryPurchases(),
        )


@attrs.define
class _Window:
    """The rate limit of one account."""

    ends: dict[str, float] = attrs.field(factory=dict[str, float])
    """When each slot is free again, by ticket."""
    asks: dict[str, tuple[Ask, float]] = attrs.field(factory=dict[str, "tuple[Ask, float]"])
    """The latest request of each process, and its time."""
    paused_until: float = float("-inf")

    def note(self, ask: Ask, now: float) -> None:
        """Forget what is over, and remember who asks."""
        self.ends = {ticket: end for ticket, end in self.ends.items() if end > now}
        self.asks[ask.asker] = (ask, now)
        self.asks = {one.asker: (one, at) for one, at in self.asks.values() if at > now - one.per}

    @property
    def limit(self) -> int:
        """The strictest limit that a process states."""
        return min(ask.limit for ask, _ in self.asks.values())

    def per(self, ask: Ask) -> float:
        """Return the longest window that a process states."""
        return max([ask.per, *(one.per for one, _ in self.asks.values())])


class _MemoryQuota:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._epoch = secrets.token_hex(8)
        self._windows = defaultdict[str, _Window](_Window)

    async def acquire(self, ask: Ask) -> Grant | Wait:
        now = self._clock()
        window = self._windows[ask.account]
        window.note(ask, now)
        peers, free = len(window.asks), max(0, window.limit - len(window.ends))
        paused = max(0.0, window.paused_until - now)
        excess = len(window.ends) + 1 + ask.reserve - window.limit
        """How many slots have to be freed first."""
        if not paused and excess <= 0:
            ticket = secrets.token_hex(16)
            window.ends[ticket] = now + ask.lease + window.per(ask)
            return Grant(ticket=ticket, epoch=self._epoch, peers=peers, free=free - 1)
        # A slot in use is free `per` seconds after its settlement, which may be any moment.
        ends = sorted(window.ends.values())
        first = ends[excess - 1] - now if 0 < excess <= len(ends) else ask.per
        seconds = max(paused, min(first, ask.per) if excess > 0 else 0.0)
        return Wait(seconds=seconds, epoch=self._epoch, peers=peers, paused=paused, free=free)

    async def settle(self, ask: Ask, leases: Sequence[Settled]) -> None:
        now = self._clock()
        window = self._windows[ask.account]
        for lease in leases:
            window.ends.pop(lease.ticket, None)
            if lease.sent:
                window.ends[lease.ticket] = now - lease.age + window.per(ask)

    async def register(self, ask: Ask, tickets: Sequence[str]) -> None:
        window = self._windows[ask.account]
        end = self._clock() + ask.lease + window.per(ask)
        window.ends.update(dict.fromkeys(tickets, end))

    async def pause(self, ask: Ask, seconds: float) -> None:
        window = self._windows[ask.account]
        window.paused_until = max(window.paused_until, self._clock() + seconds)


class _Expiring:
    """Strings by key, each for some seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._values: dict[str, tuple[str, float]] = {}
        """With the times at which they expire."""
        self._full = _BACKLOG

    def get(self, key: str) -> tuple[str, float] | None:
        """Return a string, and the seconds that it has left."""
        value, end = self._values.get(key, ("", float("-inf")))
        left = end - self._clock()
        return (value, left) if left > 0 else None

    def set(self, key: str, value: str, seconds: float) -> None:
        """Keep a string, unless it has expired."""
        now = self._clock()
        if len(self._values) >= self._full:
            self._values = {k: one for k, one in self._values.items() if one[1] > now}
            self._full = max(_BACKLOG, 2 * len(self._values))
        self._values[key] = (value, now + seconds)

    def pop(self, key: str) -> None:
        """Forget a string."""
        self._values.pop(key, None)

    def discard(self, key: str, value: str) -> None:
        """Forget a string if it has this value."""
        if (found := self.get(key)) is not None and found[0] == value:
            self.pop(key)


class _MemoryTokens:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._tokens = _Expiring(clock)
        self._owners = _Expiring(clock)

    async def load(self, account: str) -> StoredToken | None:
        found = self._tokens.get(account)
        return None if found is None else StoredToken(*found)

    async def save(self, account: str, token: StoredToken) -> None:
        self._tokens.set(account, token.value, token.seconds)

    async def discard(self, account: str, value: str) -> None:
        self._tokens.discard(account, value)

    async def lock(self, account: str, owner: str, ttl: float) -> bool:
        found = self._owners.get(account)
        if found is not None and found[0] != owner:
            return False
        self._owners.set(account, owner, ttl)
        return True

    async def unlock(self, account: str, owner: str) -> None:
        self._owners.discard(account, owner)


class _MemoryReplay:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._owners = _Expiring(clock)
        self._done = _Expiring(clock)

    async def claim(self, key: str, owner: str, *, ttl: float) -> Claim:
        if self._done.get(key) is not None:
            return "done"
        found = self._owners.get(key)
        if found is not None and found[0] != owner:
            return "busy"
        self._owners.set(key, owner, ttl)
        return "new"

    async def confirm(self, key: str, *, ttl: float) -> None:
        self._done.set(key, "", ttl)
        self._owners.pop(key)

    async def release(self, key: str, owner: str) -> None:
        self._owners.discard(key, owner)

    async def seen(self, key: str) -> bool:
        return self._done.get(key) is not None


class _MemorySpend:
    is_durable: Final = False

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._charges = defaultdict[str, "dict[str, tuple[Charge, float]]"](dict)
        """The calls of each account with their times, by id."""

    async def reserve(self, account: str, charge: Charge) -> SpendUsedUp | None:
        charges = self._charges[account]
        if charge.id in charges:
            return None
        now = self._clock()
        for bucket in charge.buckets:
            times = _times(charges.values(), bucket, now)
            if len(times) >= bucket.limit:
                ends = [] if bucket.per is None else [at + bucket.per - now for at in times]
                return SpendUsedUp(bucket.name, min(ends, default=None))
        charges[charge.id] = (charge, now)
        return None

    async def give_back(self, account: str, charge: Charge) -> None:
        self._charges[account].pop(charge.id, None)

    async def spent(self, account: str) -> dict[str, int]:
        return dict(Counter(charge.operation for charge, _ in self._charges[account].values()))

    async def reset(self, account: str) -> None:
        self._charges[account].clear()


def _times(
    charges: Iterable[tuple[Charge, float]], bucket: SpendLimitBucket, now: float
) -> list[float]:
    """Return when the calls were made that a bucket counts."""
    return [
        at
        for charge, at in charges
        if any(one.name == bucket.name for one in charge.buckets)
        and (bucket.per is None or at > now - bucket.per)
    ]


class _MemoryEvents:
    def __init__(self) -> None:
        self._streams = defaultdict[str, "set[MemoryObjectSendStream[str]]"](set)

    async def publish(self, account: str, message: str) -> None:
        for stream in self._streams[account]:
            with suppress(anyio.WouldBlock):
                stream.send_nowait(message)

    @asynccontextmanager
    async def subscribe(self, account: str) -> AsyncGenerator[AsyncIterator[str]]:
        send, receive = anyio.create_memory_object_stream[str](_BACKLOG)
        self._streams[account].add(send)
        try:
            with send, receive:
                yield receive
        finally:
            self._streams[account].remove(send)


class _MemoryPurchases:
    is_durable: Final = False

    def __init__(self) -> None:
        self._purchases = defaultdict[str, "dict[str, Purchase]"](dict)

    async def intend(self, account: str, purchase: Purchase) -> Purchase:
        purchases = self._purchases[account]
        known = purchases.get(purchase.key)
        if known is not None and known.state != "refused":
            return known
        purchases[purchase.key] = purchase
        return purchase

    async def change(self, account: str, purchase: Purchase, *, owner: str) -> bool:
        known = await self.get(account, purchase.key)
        if known is None or known.owner != owner:
            return False
        self._purchases[account][purchase.key] = purchase
        return True

    async def get(self, account: str, key: str) -> Purchase | None:
        return self._purchases[account].get(key)

    async def list(
        self, account: str, states: Sequence[PurchaseState] = ()
    ) -> AsyncIterator[Purchase]:
        purchases = sorted(self._purchases[account].values(), key=lambda one: one.intended_at)
        for purchase in purchases:
            if not states or purchase.state in states:
                yield purchase
