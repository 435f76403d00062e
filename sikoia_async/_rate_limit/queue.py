"""The queue for rate-limit slots.

Interactive calls go first, then polls, then background calls. While callers of a lower priority
wait, every tenth slot goes to the one of them that has waited longest.

Within a priority the order is first come, first served, except among polls: every second slot goes
to the operation with the fewest polls so far. A client with a thousand pending operations takes
more than five minutes to poll them all once. An operation that a webhook event has just announced,
or that has just begun, does not wait for that, and the other half of the slots keeps old
operations from starving.
"""

from __future__ import annotations

from collections import OrderedDict
from heapq import heappop, heappush
from typing import Final, Literal

import anyio

__all__ = ["PRIORITIES", "Priority", "WaitQueue", "Waiter"]

Priority = Literal["interactive", "poll", "background"]
"""Who gets scarce slots first: calls that somebody waits for, then polls, then background work."""

PRIORITIES: Final[tuple[Priority, ...]] = ("interactive", "poll", "background")
_LOWER_PRIORITY_EVERY: Final = 10
"""While callers of several priorities wait, one slot in ten goes to a lower priority."""


class Waiter:
    """A caller that waits for a slot."""

    def __init__(self, queue: _Queue, priority: Priority, since: float, polls: int) -> None:
        self.queue = queue
        self.priority: Priority = priority
        self.since = since
        self.polls = polls
        self.is_served = False
        self.ticket = ""
        """The lease of its slot in a shared store."""
        self.error: Exception | None = None
        """Why it gets no slot."""
        self.lease: float | None = None
        """Seconds that its attempt may take; None if `until` says it."""
        self.until = float("inf")
        """When its call ends at the latest. Both matter for shared stores only."""
        self._wake: anyio.Event | None = None

    async def sleep(self) -> None:
        """Sleep until there is a slot, or until this waiter has to become the dispatcher."""
        self._wake = anyio.Event()
        await self._wake.wait()

    def wake(self) -> None:
        """End the sleep, if it sleeps."""
        if self._wake is not None:
            self._wake.set()

    def serve(self, ticket: str = "") -> None:
        """Hand it a slot."""
        self.is_served, self.ticket = True, ticket
        self.wake()

    def refuse(self, error: Exception) -> None:
        """End its wait with an error."""
        self.error = error
        self.wake()


class _Queue(OrderedDict[Waiter, None]):
    """First come, first served; a waiter that gives up leaves in constant time."""

    def add(self, waiter: Waiter) -> None:
        self[waiter] = None

    def peek(self) -> Waiter:
        return next(iter(self))

    def take(self) -> Waiter:
        return self.popitem(last=False)[0]


class _PollQueue(_Queue):
    """Alternates between the longest waiting and the least polled; ties go by arrival."""

    def __init__(self) -> None:
        super().__init__()
        self._by_polls: list[tuple[int, int, Waiter]] = []
        self._arrivals = 0
        self._least_polled_next = True

    def add(self, waiter: Waiter) -> None:
        super().add(waiter)
        self._arrivals += 1
        if len(self._by_polls) > 2 * len(self):
            # Waiters that left stay in the heap until it is rebuilt: a heap cannot be searched.
            self._by_polls = sorted(entry for entry in self._by_polls if entry[2] in self)
        heappush(self._by_polls, (waiter.polls, self._arrivals, waiter))

    def peek(self) -> Waiter:
        if not self._least_polled_next:
            return super().peek()
        while self._by_polls[0][2] not in self:
            heappop(self._by_polls)
        return self._by_polls[0][2]

    def take(self) -> Waiter:
        waiter = self.peek()
        self._least_polled_next = not self._least_polled_next
        del self[waiter]
        return waiter


class WaitQueue:
    """Callers that wait for a slot, in the order in which they get one."""

    def __init__(self) -> None:
        self._queues: dict[Priority, _Queue] = {
            "interactive": _Queue(),
            "poll": _PollQueue(),
            "background": _Queue(),
        }
        self._passed_over = 0
        """How many slots in a row went to the highest priority while a lower one waited."""

    def __bool__(self) -> bool:
        return any(self._queues.values())

    def lengths(self) -> dict[Priority, int]:
        """Return how many callers wait, by priority."""
        return {priority: len(self._queues[priority]) for priority in PRIORITIES}

    def join(self, priority: Priority, now: float, polls: int = 0) -> Waiter:
        """Add a caller to the queue.

        Args:
            priority: its priority.
            now: the current time.
            polls: how many times its operation was polled before; matters for polls only.
        """
        queue = self._queues[priority]
        waiter = Waiter(queue, priority, now, polls)
        queue.add(waiter)
        return waiter

    def leave(self, waiter: Waiter) -> None:
        """Remove a caller, unless it was served already."""
        waiter.queue.pop(waiter, None)

    def first(self) -> Waiter:
        """Return the longest waiting caller of the priority that is served next."""
        return next(iter(self._next()[0]))

    def polls_wait_since(self) -> float:
        """Return since when the longest waiting poll waits; there must be one."""
        return next(iter(self._queues["poll"])).since

    def peek(self) -> Waiter:
        """Return the caller that gets the next slot."""
        return self._next()[0].peek()

    def pop(self) -> Waiter:
        """Remove and return the caller that gets the next slot."""
        queue, self._passed_over = self._next()
        return queue.take()

    def pop_poll(self) -> Waiter:
        """Remove and return the poll that gets the next slot; another caller if no poll waits."""
        polls = self._queues["poll"]
        return polls.take() if polls else self.pop()

    def peek_poll(self) -> Waiter:
        """Return the caller that `pop_poll` would return."""
        polls = self._queues["poll"]
        return polls.peek() if polls else self.peek()

    def peek_interactive(self) -> Waiter:
        """Return the interactive call that gets the next slot; there must be one."""
        return self._queues["interactive"].peek()

    def _next(self) -> tuple[_Queue, int]:
        """Return the queue that is served next, and the new value of `_passed_over`."""
        highest, *lower = (queue for queue in self._queues.values() if queue)
        if not lower:
            return highest, 0
        if self._passed_over < _LOWER_PRIORITY_EVERY - 1:
            return highest, self._passed_over + 1
        return min(lower, key=_longest_wait), 0


def _longest_wait(queue: _Queue) -> float:
    return next(iter(queue)).since
