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
from anyio.lowlevel import checkpoint

from sikoia_async._errors import ConfigurationError
from sikoia_async._rate_limit.queue import PRIORITIES, Priority, Waiter, WaitQueue
from sikoia_async._rate_limit.stall import Stall
from sikoia_async._transport.stopwatch import poll_watch
from sikoia_async._validation import plain_number, validate_type
from sikoia_async.stores.breaker import CircuitBreaker, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PRIORITIES", "Priority", "Quota", "QuotaStore", "RateLimiter"]

_RESERVED_ONE_IN: Final = 10
"""One slot in ten is reserved for interactive calls."""
_FOR_POLLS_ONE_IN: Final = 20
"""One slot in twenty is reserved for polls, while there are operations to poll."""
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

    In return, while there are operations to poll, other calls leave a twentieth of each window to
    polls: 10 slots of 200 in 60 s. A poll that waits takes one of them if none had a slot for 6 s.
    So a burst of calls that uses up a window does not stall polls until the next one.
    """

    def __init__(self, quota: Quota, clock: Callable[[], float]) -> None:
        self.waits: int = 0
        """How many waits for a slot have ended, with or without one; asking a store is a wait."""
        self.waited: float = 0.0
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
        self._for_polls = quota.limit // _FOR_POLLS_ONE_IN
        self._polls: deque[float] = deque(maxlen=self._for_polls)
        """When the latest polls got their slots."""
        self._polled_until = float("-inf")
        """Until when slots are reserved for polls."""
        self._stall = Stall(f"{quota.limit} in {quota.per:g} s", quota.per, self._queue, clock)

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
        now = self._clock()
        if priority == "poll":
            self._polled_until = now + self._quota.per
        if self._store is None and not self._queue and self._is_free_for(priority, now):
            return
        waiter = self._queue.join(priority, now, polls)
        if priority != "background" and self._freed is not None:
            self._freed.set()  # the dispatcher may sleep until more slots are free than this needs
        try:
            await self._wait(waiter)
        except BaseException:
            if waiter.is_served:  # served and cancelled at the same moment
                self.settle(sent=False)
            raise
        finally:
            self._queue.leave(waiter)
            self.waits += 1
            self.waited += self._clock() - waiter.since
            if not self._queue:
                self._stall.end()
            elif not self._is_dispatching:
                self._queue.first().wake()

    async def _wait(self, waiter: Waiter) -> None:
        watch = poll_watch.get()
        if watch is not None:
            watch.enter("rate_limit")
        while not waiter.is_served:
            await (waiter.sleep() if self._is_dispatching else self._dispatch(waiter))
        if watch is not None:  # after a cancellation it still says what the poll waited for
            watch.enter("polling")

    def _is_free_for(self, priority: Priority, now: float) -> bool:
        """Lease a slot and return True if that is possible at once."""
        if self._seconds_until_free(self._reserved(now, priority), now) > 0:
            return False
        is_spaced = self._reserve > 0 and priority != "interactive"
        if is_spaced and self._seconds_until_spaced(now) > 0:
            return False
        self._take(is_spaced=is_spaced)
        if priority == "poll":
            self._polls.append(now)
        return True

    def expect_polls(self) -> None:
        """Reserve slots for polls during the next window: an operation has begun, or is polled."""
        self._polled_until = self._clock() + self._quota.per

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
                seconds = await self._serve_next()
                if seconds <= 0:
                    continue
                if seconds > 2 * self._quota.per:
                    self._restart()  # the longest pause is shorter, so this is another clock
                    continue
                with anyio.move_on_after(seconds + _WAKE_MARGIN):
                    await freed.wait()
        finally:
            self._is_dispatching = False

    def _restart(self) -> None:
        """Take all slots in use for just used: the clock was set back, as when freezegun stops."""
        end = self._clock() + self._quota.per
        self._ageing = deque([end] * len(self._ageing))
        self._paused_until = self._spaced_until = self._polled_until = float("-inf")
        self._polls.clear()

    async def _serve_next(self) -> float:
        """Serve the next caller and return 0 or less, or return the seconds until one may be."""
        now, waiting = self._clock(), self._queue.lengths()
        is_spaced = self._reserve > 0 and not waiting["interactive"]
        reserve = self._reserved(now, "background" if is_spaced else "interactive")
        seconds = self._seconds_until_free(reserve, now)
        is_stalled, pop = seconds > 0, self._queue.pop
        if is_spaced:
            seconds = max(seconds, self._seconds_until_spaced(now))
        if seconds > 0 and self._for_polls and waiting["poll"]:
            due = max(self._poll_due(now), self._seconds_until_free(0, now))
            if due <= 0:
                reserve, is_spaced, pop = 0, False, self._queue.pop_poll
            seconds = min(seconds, due)
        if seconds <= 0 and self._store is not None:
            seconds = await self._store.acquire(reserve)
            is_stalled = seconds > 0
        if seconds > 0:
            if is_stalled and self._stall.is_due:  # otherwise polls are only spread
                await checkpoint()  # callers of the same moment join the queue
                self._stall.log(seconds, is_paused=self.is_paused())
            return seconds
        self._take(is_spaced=is_spaced)
        paused = self.paused
        if paused:  # the pause began while the store was asked
            self.settle(sent=False)
            return paused
        served = pop()
        if served.priority == "poll":
            self._polls.append(self._clock())
        served.serve()
        return 0.0

    def _poll_due(self, now: float) -> float:
        """Return the seconds until a poll that waits may take a reserved slot; 0 or less if now."""
        last = self._polls[-1] if self._polls else float("-inf")
        since = max(last, self._queue.polls_wait_since())
        return since + self._quota.per / self._for_polls - now

    def _reserved(self, now: float, priority: Priority) -> int:
        """Return how many free slots a call with this priority has to leave to others."""
        for_polls = 0
        if now < self._polled_until:
            while self._polls and self._polls[0] <= now - self._quota.per:
                self._polls.popleft()
            for_polls = self._for_polls - len(self._polls)
        return for_polls if priority == "interactive" else for_polls + self._reserve

    def _seconds_until_free(self, reserve: int, now: float) -> float:
        """Return the seconds until more slots than the reserve may be free; 0 or less if so now."""
        if now < self._paused_until:
            return self._paused_until - now
        missing = reserve - self._free(now)
        if missing < 0:
            return 0.0
        # Slots leased now are free later than all ageing ones, unless they are given back unused.
        return self._ageing[missing] - now if missing < len(self._ageing) else self._quota.per

    def _seconds_until_spaced(self, now: float) -> float:
        """Return the seconds until polls and background calls may continue; 0 or less if now."""
        return self._spaced_until - self._burst - now

    def _take(self, *, is_spaced: bool) -> None:
        """Lease a slot. After one for a poll or a background call, delay the next one of these."""
        self._leased += 1
        if is_spaced:
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
