"""The rate limiter of a process that shares its slots with others.

It counts its own slots as any other limiter does, and leases each of them from a store as well.
While the store is unavailable, interactive calls go on within this process's part of the limit, and
the others wait: a part is safe only if all processes keep to it. So it is kept to until all of them
have noticed that the store is back.

When an outage begins, other processes may just have used more than their parts. So for a window
after the last reply of the store, this process adds to what it had in use no more than its part of
the slots that were free. It cannot know what others were granted since that reply: if they took the
rest of a window, all together exceed the limit by this process's part at most, once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import anyio

from sikoia_async._errors import QuotaStoreError
from sikoia_async._rate_limit.leases import SharedLeases
from sikoia_async._rate_limit.limiter import RateLimiter
from sikoia_async.stores.breaker import StoreUnavailable
from sikoia_async.stores.protocols import Ask, Wait

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sikoia_async._rate_limit.queue import Priority, Waiter
    from sikoia_async._rate_limit.quota import Quota
    from sikoia_async.observers._observers import Observers
    from sikoia_async.stores.background import Background
    from sikoia_async.stores.protocols import QuotaStore

__all__ = ["SharedRateLimiter"]

_PATIENCE: Final = 1.0
"""Seconds in which a store that fails is retried."""
_DEADLINE_SHARE: Final = 0.25
"""The share of a caller's remaining time that this may take."""
_LEASE: Final = 60.0
"""Seconds of a lease for a call without a deadline."""
_SHORTEST_LEASE: Final = 1.0
_SHORTEST_WAIT: Final = 0.001
_SPEED_UP: Final = 0.97
"""What becomes of the time between two background calls with each slot that one of them gets."""
_ASSUMED_PEERS: Final = 8
"""How many processes share the limit, if neither the user nor the store has said so."""
_DEFERENCE: Final = 0.015
"""Seconds by which a process that uses more than its part lets others go first."""
_NOTICE: Final = 1.0
"""Seconds in which requests arrive for which other processes had a slot when the store failed."""
_LOOKS_PER_WINDOW: Final = 200
"""How often the store is asked in a window while no slot is free: one may be given back."""


class SharedRateLimiter(RateLimiter):
    """Hands out slots that a store counts for several processes together.

    Args:
        quota: the rate limit.
        clock: seconds on a clock that never steps back.
        store: the store.
        account: the key of the rate limit in the store.
        background: runs what outlives a call.
        close: closes the store again if it was used after the client was closed.
        observers: see waits, and when the store fails and when it is back.
    """

    _may_bypass: ClassVar[bool] = False

    def __init__(
        self,
        quota: Quota,
        clock: Callable[[], float],
        *,
        store: QuotaStore,
        account: str,
        background: Background,
        close: Callable[[], Awaitable[None]] | None = None,
        observers: Observers | None = None,
    ) -> None:
        super().__init__(quota, clock, observers)
        ask = Ask(account=account, limit=quota.limit, per=quota.per)
        self._leases = SharedLeases(
            store, ask, clock=clock, background=background, close=close, observers=observers
        )
        self._leases.on_change = self._wake_dispatcher
        self._shortest_spacing: float = self._spacing
        self._scarce_until = float("-inf")
        """A window after the store had no free slot."""
        self._look_again: float = quota.per / _LOOKS_PER_WINDOW
        self._begins_until = float("-inf")
        """A window after background work has begun."""
        self._slowed_for: int = 1
        """For how many processes the spacing makes room since then."""
        self._most_alone: int = quota.limit
        """How many slots this process may have in use without the store, apart from its part."""
        self._most_alone_until = float("-inf")

    async def acquire(
        self, priority: Priority = "interactive", polls: int = 0, lease: float | None = None
    ) -> str:
        """Lease a slot, as `RateLimiter.acquire` does.

        Raises:
            QuotaStoreError: the store is unavailable, and `on_failure` is `closed`.
            ConfigurationError: the store cannot be used as it was set up.
            ClientStateError: the client was closed.
        """
        self._leases.check_open()
        return await super().acquire(priority, polls, lease)

    def _join(self, priority: Priority, now: float, polls: int, lease: float | None) -> Waiter:
        waiter = super()._join(priority, now, polls, lease)
        waiter.lease = lease
        waiter.until = now + anyio.current_effective_deadline() - anyio.current_time()
        return waiter

    def settle(self, ticket: str = "", *, sent: bool) -> None:
        """End a lease here and, soon, in the store."""
        super().settle(ticket, sent=sent)
        self._leases.settle(ticket, sent=sent)

    def pause(self, seconds: float | None) -> float:
        """Hold back the requests of all processes; return the seconds the refused call waits."""
        wait = super().pause(seconds)
        self._leases.pause(self.paused)
        return wait

    async def aclose(self) -> None:
        """Tell the store what it does not know yet, and refuse calls that wait."""
        await self._leases.aclose()

    def _wake_dispatcher(self) -> None:
        if self._freed is not None:
            self._freed.set()

    async def _serve_next(self) -> float:
        self._leases.check_open()
        return self._serve_alone() if self._leases.is_down else await super()._serve_next()

    async def _serve(self, reserve: int, *, is_spaced: bool, is_poll: bool) -> float:
        if (caution := self._leases.caution) > 0:
            seconds = self._seconds_until_part_is_free()
            if seconds > 0:
                return min(seconds, caution)
        if self._uses_more_than_its_part():
            await anyio.sleep(min(_DEFERENCE, self._look_again))
        peek = self._queue.peek_poll if is_poll else self._queue.peek
        waiter = peek()
        lease = self._lease_of(waiter)
        # The deadline of a call that is being cancelled is in the past.
        patience = min(_PATIENCE, max(0.0, (waiter.until - self._clock()) * _DEADLINE_SHARE))
        try:
            reply = await self._leases.acquire(reserve, lease, patience)
        except StoreUnavailable:
            return self._serve_alone()
        self._note_what_is_left(is_granted=not isinstance(reply, Wait))
        if isinstance(reply, Wait):
            if is_spaced:
                self._slow_down()
            return await self._wait_for(reply)
        # The pause may have begun, and the queue may have changed, while the store was asked.
        if self.paused or self._lease_of(peek()) > lease:
            self._leases.settle(reply, sent=False)
            return self.paused
        if is_spaced:
            self._spacing = max(self._shortest_spacing, self._spacing * _SPEED_UP)
            self._begin_slowly()
        waiter = self._queue.pop_poll() if is_poll else self._queue.pop()
        self._hand_out(waiter, reply, is_spaced=is_spaced)
        return 0.0

    async def _wait_for(self, reply: Wait) -> float:
        """Return the seconds until the next question to the store."""
        if reply.paused > 0:
            self._paused_until = max(self._paused_until, self._clock() + reply.paused)
        self._scarce_until = self._clock() + self._quota.per
        seconds = max(_SHORTEST_WAIT, self.paused, min(reply.seconds, self._look_again))
        await self._note_stall(max(reply.seconds, seconds))
        return seconds

    def _begin_slowly(self) -> None:
        """Begin background work at this process's part of the rate; it speeds up from there.

        Several processes that begin together would otherwise use the window up within moments, and
        interactive calls would wait for the next one.
        """
        now = self._clock()
        if now >= self._spaced_until + self._quota.per:
            self._begins_until, self._slowed_for = now + self._quota.per, 1
        peers = self._leases.peers
        if now < self._begins_until and peers > self._slowed_for:
            self._spacing *= peers / self._slowed_for
            self._slowed_for = peers

    def _slow_down(self) -> None:
        """Spread polls and background calls evenly over a window, at the rate that they have now.

        Each process would otherwise take free slots at the rate of the whole limit. The slots would
        be used, and free again, in bursts, and interactive calls would wait in between.
        """
        used = self._quota.limit - self._free(self._clock())
        self._spacing = max(self._shortest_spacing, self._quota.per / max(1, used))

    def _serve_alone(self) -> float:
        """Serve an interactive call without the store; return as `_serve_next` does."""
        if not self._queue.lengths()["interactive"]:
            return self._quota.per  # until the store is back
        waiter = self._queue.peek_interactive()
        if self._quota.on_failure == "closed":
            self._queue.leave(waiter)
            waiter.refuse(QuotaStoreError(_UNAVAILABLE))
            return 0.0
        seconds = self._seconds_until_part_is_free()
        if seconds <= 0:
            self._queue.leave(waiter)
            ticket = self._leases.lease_alone(self._lease_of(waiter))
            self._hand_out(waiter, ticket, is_spaced=False)
        return seconds

    def _note_what_is_left(self, *, is_granted: bool) -> None:
        """Note what this process may use if the store fails now."""
        if self._leases.free is None or self._leases.caution > 0:
            return  # in the latter case, the store may lack leases
        now, limit = self._clock(), self._quota.limit
        used = limit - self._free(now) + is_granted
        self._most_alone = min(limit, used + self._part_of(self._leases.free))
        self._most_alone_until = now + self._quota.per + _NOTICE

    def _seconds_until_part_is_free(self) -> float:
        """Return the seconds until this process may use a slot of its part; 0 or less if now."""
        now, limit = self._clock(), self._quota.limit
        seconds = self._seconds_until_free(limit - self._part_of(limit), now)
        if now < self._most_alone_until:
            rest = self._seconds_until_free(limit - self._most_alone, now)
            seconds = max(seconds, min(rest, self._most_alone_until - now))
        return seconds

    def _part_of(self, slots: int) -> int:
        """Return this process's part of some slots."""
        limit, leases = self._quota.limit, self._leases
        known = leases.peers if leases.was_reached else min(limit, _ASSUMED_PEERS)
        return slots // (self._quota.peers or known)

    def _uses_more_than_its_part(self) -> bool:
        """Return whether other processes should get scarce slots first."""
        now, limit = self._clock(), self._quota.limit
        is_scarce = now < self._scarce_until
        return is_scarce and (limit - self._free(now)) * self._leases.peers > limit

    def _lease_of(self, waiter: Waiter) -> float:
        """Return the seconds that an attempt may take, if it begins now."""
        seconds = waiter.until - self._clock() if waiter.lease is None else waiter.lease
        return max(_SHORTEST_LEASE, seconds if seconds < float("inf") else _LEASE)


_UNAVAILABLE: Final = (
    "the store of the rate limit is unavailable, and Quota(on_failure='closed') allows no request "
    "without it; nothing was sent"
)
