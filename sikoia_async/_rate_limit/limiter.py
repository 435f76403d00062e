"""Keeps a client within Sikoia's 200 requests a minute, whatever the phase of the server's window.

A slot is leased when an attempt starts and ages from its *response*. The server counts the request
somewhere in between, so two uses of one slot are counted at least one window apart, and no window
of any phase sees more than the limit. A limiter that starts the clock before sending, or counts in
windows of its own, lets up to twice as many requests through.

Callers without a free slot queue. The head of the queue is the dispatcher: it alone sleeps, and
hands out slots until it has one itself; then the next caller takes over. With a slot free and
nobody waiting, a call bypasses the queue. There is no `await` between leasing a slot and assigning
it, so cancellation cannot lose one.

`_rate_limit/shared.py` has the limiter that shares its slots with other processes.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, ClassVar, Final

import anyio
from anyio.lowlevel import checkpoint

from sikoia_async._rate_limit.queue import Waiter, WaitQueue
from sikoia_async._rate_limit.stall import Stall
from sikoia_async._transport.stopwatch import poll_watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from sikoia_async._rate_limit.queue import Priority
    from sikoia_async._rate_limit.quota import Quota
    from sikoia_async.observers._observers import Observers

__all__ = ["RateLimiter"]

_RESERVED_ONE_IN: Final = 10
"""One slot in ten is reserved for interactive calls."""
_FOR_POLLS_ONE_IN: Final = 20
"""One slot in twenty is reserved for polls, while there are operations to poll."""
_WAKE_MARGIN: Final = 0.001
"""Seconds added to each sleep, so that rounding does not end it a moment too soon."""


class RateLimiter:
    """Hands out the slots of a quota in the order of a `WaitQueue`.

    Polls and background calls leave a tenth of the slots free while no interactive call waits, and
    they are spread evenly. So the next interactive call finds a free slot, however many operations
    are pending.

    In return, while there are operations to poll, other calls leave a twentieth of each window to
    polls: 10 slots of 200 in 60 s. A poll that waits takes one of them if none had a slot for 6 s.
    So a burst of calls that uses up a window does not stall polls until the next one.
    """

    _may_bypass: ClassVar[bool] = True
    """Whether a call may take a slot without joining the queue."""

    def __init__(
        self, quota: Quota, clock: Callable[[], float], observers: Observers | None = None
    ) -> None:
        self._observers = observers
        self.waits: int = 0
        """How many waits for a slot have ended, with or without one; asking a store is a wait."""
        self.waited: float = 0.0
        """The seconds that they took."""
        self._quota = quota
        self._clock = clock
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

    async def acquire(
        self, priority: Priority = "interactive", polls: int = 0, lease: float | None = None
    ) -> str:
        """Lease a slot, waiting in the queue for one if necessary; return its ticket for `settle`.

        Args:
            priority: the caller's priority.
            polls: for a poll, how many times its operation was polled before.
            lease: seconds that the attempt may take; None if it ends at the caller's deadline.
        """
        now = self._clock()
        if priority == "poll":
            self._polled_until = now + self._quota.per
        if self._may_bypass and not self._queue and self._is_free_for(priority, now):
            return ""
        waiter = self._join(priority, now, polls, lease)
        if priority != "background" and self._freed is not None:
            self._freed.set()  # the dispatcher may sleep until more slots are free than this needs
        if self._observers is not None:
            self._observers.rate_limit_wait_started(priority, sum(self.waiting.values()))
        try:
            await self._wait(waiter)
        except BaseException:
            if waiter.is_served:  # served and cancelled at the same moment
                self.settle(waiter.ticket, sent=False)
            raise
        finally:
            self._queue.leave(waiter)
            self.waits += 1
            seconds = self._clock() - waiter.since
            self.waited += seconds
            if self._observers is not None:
                is_served = waiter.is_served
                self._observers.rate_limit_wait_ended(priority, seconds, is_served=is_served)
            if not self._queue:
                self._stall.end()
            elif not self._is_dispatching:
                self._queue.first().wake()
        return waiter.ticket

    def _join(self, priority: Priority, now: float, polls: int, lease: float | None) -> Waiter:  # noqa: ARG002 - for shared slots
        return self._queue.join(priority, now, polls)

    async def _wait(self, waiter: Waiter) -> None:
        watch = poll_watch.get()
        if watch is not None:
            watch.enter("rate_limit")
        while not waiter.is_served:
            await (waiter.sleep() if self._is_dispatching else self._dispatch(waiter))
            if waiter.error is not None:
                raise waiter.error
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

    def settle(self, ticket: str = "", *, sent: bool) -> None:  # noqa: ARG002 - for shared slots
        """End a lease: the slot ages from now, or is free at once if nothing was sent."""
        self._leased -= 1
        if sent:
            self._ageing.append(self._clock() + self._quota.per)
        elif self._freed is not None:
            self._freed.set()

    async def aclose(self) -> None:
        """Give back what other processes can use."""

    def pause(self, seconds: float | None) -> float:
        """Hold back every request after a 429; return the seconds the refused call has to wait.

        Args:
            seconds: what the response's Retry-After asked for; None for a whole window.
        """
        wait = self._quota.per if seconds is None else seconds
        # Every window has turned by then. A longer wait concerns the refused call alone.
        until = self._clock() + min(wait, 2 * self._quota.per)
        self._paused_until = max(self._paused_until, until)
        if self._freed is not None:
            self._freed.set()  # callers that wait for the limit now wait for the pause
        return wait

    @property
    def limit(self) -> int:
        """How many requests fit in one window."""
        return self._quota.limit

    @property
    def background_per_minute(self) -> float:
        """How many background requests a minute the quota allows."""
        return 60.0 / self._spacing

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
            while not waiter.is_served and waiter.error is None:
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
        is_stalled, is_poll = seconds > 0, False
        if is_spaced:
            seconds = max(seconds, self._seconds_until_spaced(now))
        if seconds > 0 and self._for_polls and waiting["poll"]:
            due = max(self._poll_due(now), self._seconds_until_free(0, now))
            if due <= 0:
                reserve, is_spaced, is_poll = 0, False, True
            seconds = min(seconds, due)
        if seconds <= 0:
            return await self._serve(reserve, is_spaced=is_spaced, is_poll=is_poll)
        if is_stalled:  # otherwise polls are only spread
            await self._note_stall(seconds)
        return seconds

    async def _note_stall(self, seconds: float) -> None:
        """Log that calls wait, unless that was logged."""
        is_paused = self.is_paused()
        if self._stall.is_due(is_paused=is_paused):
            await checkpoint()  # callers of the same moment join the queue
            self._stall.log(seconds, is_paused=is_paused)

    async def _serve(self, reserve: int, *, is_spaced: bool, is_poll: bool) -> float:  # noqa: ARG002 - for shared slots
        """Hand a slot to the next caller, or to the next poll.

        Args:
            reserve: how many slots must stay free.
            is_spaced: whether it delays the next poll or background call.
            is_poll: whether the slot is one of those for polls.

        Returns:
            0 or less, or the seconds until there may be a slot.
        """
        self._hand_out(
            self._queue.pop_poll() if is_poll else self._queue.pop(), is_spaced=is_spaced
        )
        return 0.0

    def _hand_out(self, waiter: Waiter, ticket: str = "", *, is_spaced: bool) -> None:
        self._take(is_spaced=is_spaced)
        if waiter.priority == "poll":
            self._polls.append(self._clock())
        waiter.serve(ticket)

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
