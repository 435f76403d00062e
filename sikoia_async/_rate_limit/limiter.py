"""Keeps a client within Sikoia's 200 requests a minute, whatever the phase of the server's window.

A slot is leased when an attempt starts and ages from its *response*. The server counts the request
somewhere in between, so two uses of one slot are counted at least one window apart, and no window
of any phase sees more than the limit. A limiter that starts the clock before sending, or counts in
windows of its own, lets up to twice as many requests through.

Callers without a free slot queue. The head of the queue is the dispatcher: it alone sleeps, asks
the shared store, and hands out slots until it has one itself; then the next caller takes over. With
a slot free and nobody waiting, a call bypasses the queue. There is no `await` between leasing a
slot and assigning it, so cancellation cannot lose one.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

import anyio
import attrs

from sikoia_async._errors import ConfigurationError
from sikoia_async._rate_limit.queue import PRIORITIES, Priority, Waiter, WaitQueue
from sikoia_async._transport.stopwatch import poll_watch
from sikoia_async._validation import plain_number, validate_type
from sikoia_async.stores.breaker import CircuitBreaker, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PRIORITIES", "Priority", "Quota", "QuotaStore", "RateLimiter"]

_RESERVED_ONE_IN: Final = 10
"""One slot in ten is reserved for interactive calls."""
_WAKE_MARGIN: Final = 0.001
"""Seconds added to each sleep, so that rounding does not end it a moment too soon."""
_DEADLINE_SHARE: Final = 0.25
"""The share of a caller's remaining time that the store may take."""


@runtime_checkable
class QuotaStore(Protocol):
    """Counts the requests of several processes together, for example in a database or a cache.

    Each process also keeps its own count within the same limit. If the store fails or takes more
    than a second, calls continue without it, and the next attempt follows five seconds later.
    Use one store for each of your organisations at Sikoia.
    """

    async def acquire(self, *, limit: int, per: float) -> float:
        """Lease one of `limit` slots and return 0, or return the seconds to wait before retrying.

        If it raises or is cancelled, nothing may stay leased. The lease of a process that died must
        expire on its own, `per` seconds after its request may have been counted.
        """
        ...

    def settle(self) -> None:
        """Start ageing the oldest slot of this process: it is free again after `per` seconds.

        This must not block. A store that needs a network request may send it with the next
        `acquire`; until then the slot stays leased, which is safe.
        """
        ...

    def abandon(self) -> None:
        """Free the oldest slot of this process: nothing was sent. This must not block."""
        ...


def _validate_limit(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    number = plain_number(value)
    if not isinstance(number, int) or number < 1:
        msg = f"Quota: {attribute.name}: expected a whole number of at least 1 ({_NO_LIMIT})"
        raise ConfigurationError(msg)


def _validate_seconds(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    number = plain_number(value)
    if number is None or not 0 < number < float("inf"):
        msg = f"Quota: {attribute.name}: expected seconds, positive and finite ({_NO_LIMIT})"
        raise ConfigurationError(msg)


def _validate_store(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    expected = "a QuotaStore, with acquire, settle and abandon"
    validate_type(f"Quota: {attribute.name}", value, QuotaStore, expected)


_NO_LIMIT: Final = "quota=None turns the rate limit off"


@attrs.frozen
class Quota:
    """The rate limit: how many requests may be sent in how many seconds.

    Sikoia's limit applies to a whole organisation. Give each process its share, or give all of them
    a shared store.

    Raises:
        ConfigurationError: `limit` is not a positive whole number, `per` is not a positive number
            of seconds, or `store` is not a `QuotaStore`.
    """

    limit: int = attrs.field(default=200, validator=_validate_limit)
    per: float = attrs.field(default=60.0, validator=_validate_seconds)
    store: QuotaStore | None = attrs.field(
        default=None, validator=_validate_store, kw_only=True, repr=False
    )
    """Counts the requests of several processes together; None if this process counts alone."""


class RateLimiter:
    """Hands out the slots of a quota in the order of a `WaitQueue`.

    Polls and background calls leave a tenth of the slots free while no interactive call waits, and
    they are spread evenly. So the next interactive call finds a free slot, however many operations
    are pending.
    """

    def __init__(self, quota: Quota, clock: Callable[[], float]) -> None:
        self.waits = 0
        """How many waits for a slot have ended, with or without one; asking a store is a wait."""
        self.waited = 0.0
        """The seconds that they took."""
        self._quota = quota
        self._clock = clock
        self._store = None if quota.store is None else _GuardedStore(quota.store, quota, clock)
        self._leased = 0
        self._ageing: deque[float] = deque()
        self._paused_until = float("-inf")
        self._queue = WaitQueue()
        self._reserve = quota.limit // _RESERVED_ONE_IN
        self._is_dispatching = False
        self._freed: anyio.Event | None = None
        # Polls and background calls are spread: as many at once as are reserved, then one by one.
        self._spacing = quota.per / (quota.limit - self._reserve)
        self._burst = self._reserve * self._spacing
        self._spaced_until = float("-inf")
        """The time at which all slots handed out so far are spaced out."""

    @property
    def left(self) -> int:
        """How many requests this process could send right now, as far as it knows."""
        return max(0, self._free(self._clock()))

    @property
    def waiting(self) -> dict[Priority, int]:
        """How many callers wait for a slot, by priority."""
        return self._queue.lengths()

    async def acquire(self, priority: Priority = "interactive", polls: int = 0) -> None:
        """Lease a slot, waiting in the queue for one if necessary.

        Args:
            priority: the caller's priority.
            polls: for a poll, how many times its operation was polled before.
        """
        reserve = 0 if priority == "interactive" else self._reserve
        if self._store is None and not self._queue and self._seconds_until_free(reserve) <= 0:
            self._leased += 1
            self._space(reserve)
            return
        waiter = self._queue.join(priority, self._clock(), polls)
        if reserve < self._reserve and self._freed is not None:
            self._freed.set()  # the dispatcher may sleep until more slots are free than this needs
        watch = poll_watch.get()
        try:
            if watch is not None:
                watch.enter("rate_limit")
            while not waiter.is_served:
                await (waiter.sleep() if self._is_dispatching else self._dispatch(waiter))
            if watch is not None:  # after a cancellation it still says what the poll waited for
                watch.enter("polling")
        except BaseException:
            if waiter.is_served:  # served and cancelled at the same moment
                self.settle(sent=False)
            raise
        finally:
            self._queue.leave(waiter)
            self.waits += 1
            self.waited += self._clock() - waiter.since
            if self._queue and not self._is_dispatching:
                self._queue.first().wake()

    def settle(self, *, sent: bool) -> None:
        """End a lease: the slot ages from now, or is free at once if nothing was sent."""
        self._leased -= 1
        if sent:
            self._ageing.append(self._clock() + self._quota.per)
        elif self._freed is not None:
            self._freed.set()
        if self._store is not None:
            self._store.settle(sent=sent)

    def pause(self, seconds: float | None) -> float:
        """Hold back every request after a 429; return the seconds the refused call has to wait.

        Args:
            seconds: what the response's Retry-After asked for; None for a whole window.
        """
        wait = self._quota.per if seconds is None else seconds
        # Every window has turned by then. A longer wait concerns the refused call alone.
        until = self._clock() + min(wait, 2 * self._quota.per)
        self._paused_until = max(self._paused_until, until)
        return wait

    @property
    def limit(self) -> int:
        """How many requests fit in one window."""
        return self._quota.limit

    def is_paused(self) -> bool:
        """Return whether requests are held back after a 429."""
        return self._paused_until > self._clock()

    @property
    def paused(self) -> float:
        """Seconds until requests are sent again after a 429; 0 if they are not held back."""
        return max(0.0, self._paused_until - self._clock())

    async def _dispatch(self, waiter: Waiter) -> None:
        """Hand out slots until this waiter has one."""
        self._is_dispatching = True
        try:
            while not waiter.is_served:
                # Created before asking: a slot given back while the store is asked counts too.
                freed = self._freed = anyio.Event()
                seconds = await self._lease()
                if seconds <= 0:
                    self._queue.pop().serve()
                    continue
                if (
                    seconds > 2 * self._quota.per
                ):  # the longest pause, so this is not the same clock
                    self._restart()
                    continue
                with anyio.move_on_after(seconds + _WAKE_MARGIN):
                    await freed.wait()
        finally:
            self._is_dispatching = False

    def _restart(self) -> None:
        """Take all slots in use for just used: the clock was set back, as when freezegun stops."""
        end = self._clock() + self._quota.per
        self._ageing = deque([end] * len(self._ageing))
        self._paused_until = self._spaced_until = float("-inf")

    async def _lease(self) -> float:
        """Lease a slot and return 0 or less, or return the seconds until one may be free."""
        reserve = 0 if self._queue.lengths()["interactive"] else self._reserve
        seconds = self._seconds_until_free(reserve)
        if seconds <= 0 and self._store is not None:
            seconds = await self._store.acquire(reserve)
        if seconds > 0:
            return seconds
        self._leased += 1
        self._space(reserve)
        paused = self.paused
        if paused:  # the pause began while the store was asked
            self.settle(sent=False)
        return paused

    def _seconds_until_free(self, reserve: int) -> float:
        """Return the seconds until more slots than the reserve may be free; 0 or less if so now."""
        now = self._clock()
        if now < self._paused_until:
            return self._paused_until - now
        missing = reserve - self._free(now)
        if missing < 0:
            return self._spaced_until - self._burst - now if reserve else 0.0
        # Slots leased now are free later than all ageing ones, unless they are given back unused.
        return self._ageing[missing] - now if missing < len(self._ageing) else self._quota.per

    def _space(self, reserve: int) -> None:
        """After a slot for a poll or a background call, delay the next one of these."""
        if reserve:
            self._spaced_until = max(self._spaced_until, self._clock()) + self._spacing

    def _free(self, now: float) -> int:
        while self._ageing and self._ageing[0] <= now:
            self._ageing.popleft()
        return self._quota.limit - self._leased - len(self._ageing)


class _GuardedStore:
    """A quota store behind a circuit breaker; while it is unavailable, our own count has to do."""

    def __init__(self, store: QuotaStore, quota: Quota, clock: Callable[[], float]) -> None:
        self._store = store
        self._quota = quota
        self._breaker = CircuitBreaker("quota store", clock=clock, deadline_share=_DEADLINE_SHARE)
        self._unshared = 0
        """How many leased slots the store does not know."""

    async def acquire(self, reserve: int) -> float:
        """Lease a slot and return 0 or less, or return the seconds to wait before retrying."""
        limit, per = self._quota.limit - reserve, self._quota.per

        async def lease() -> float:
            return min(per, float(await self._store.acquire(limit=limit, per=per)))

        try:
            return await self._breaker.run(lease)
        except StoreUnavailable:
            self._unshared += 1
            return 0.0

    def settle(self, *, sent: bool) -> None:
        """End a lease. Slots that the store does not know go first: that is safe."""
        if self._unshared:
            self._unshared -= 1
            return
        try:
            if sent:
                self._store.settle()
            else:
                self._store.abandon()
        except Exception as error:  # noqa: BLE001 - a store is the user's and may raise anything
            self._breaker.record_failure(error)
