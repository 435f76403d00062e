"""Who waits for a slot of the quota, and in which order they get one.

Interactive calls go first, then polls, then background calls; while others wait, one slot in ten
goes to the longest waiting of a lower priority. Within a priority it is first come first served,
but for polls: every second slot goes to the operation that was asked least often. So a young
operation is asked soon, however many old ones wait, and no old one waits for ever.
"""

from __future__ import annotations

from collections import OrderedDict
from heapq import heappop, heappush
from typing import Final, Literal

import anyio

__all__ = ["PRIORITIES", "Priority", "WaitQueue", "Waiter"]

Priority = Literal["interactive", "poll", "background"]
"""Who goes first while slots are scarce: who waits for an answer, then polls, then the rest."""

PRIORITIES: Final[tuple[Priority, ...]] = ("interactive", "poll", "background")
_ONE_IN: Final = 10
"""While others wait, one slot in so many goes to the longest waiting of a lower priority."""


class Waiter:
    """One who waits for a slot."""

    def __init__(self, queue: _Queue, since: float, asked: int) -> None:
        self.queue = queue
        self.since = since
        self.asked = asked
        self.served = False
        self._called: anyio.Event | None = None

    async def called(self) -> None:
        """Wait until there is a slot, or nobody leads."""
        self._called = anyio.Event()
        await self._called.wait()

    def call(self) -> None:
        """Wake it, if it sleeps."""
        if self._called is not None:
            self._called.set()

    def serve(self) -> None:
        """Hand it a slot."""
        self.served = True
        self.call()


class _Queue(OrderedDict[Waiter, None]):
    """First come first served, and nobody has to be searched for who leaves before the turn."""

    def add(self, waiter: Waiter) -> None:
        self[waiter] = None

    def take(self) -> Waiter:
        return self.popitem(last=False)[0]


class _Polls(_Queue):
    """Takes by turns who waits longest and who was asked least often, the longer waiting first."""

    def __init__(self) -> None:
        super().__init__()
        self._by_asked: list[tuple[int, int, Waiter]] = []
        self._joined = 0
        self._youngest_next = True

    def add(self, waiter: Waiter) -> None:
        super().add(waiter)
        self._joined += 1
        if len(self._by_asked) > 2 * len(self):
            # Who has left is only forgotten here: a heap cannot be searched.
            self._by_asked = sorted(one for one in self._by_asked if one[2] in self)
        heappush(self._by_asked, (waiter.asked, self._joined, waiter))

    def take(self) -> Waiter:
        self._youngest_next = not self._youngest_next
        if self._youngest_next:
            return super().take()
        while (youngest := heappop(self._by_asked)[2]) not in self:
            pass
        del self[youngest]
        return youngest


class WaitQueue:
    """Who waits, in the order of their turns."""

    def __init__(self) -> None:
        self._queues: dict[Priority, _Queue] = {
            "interactive": _Queue(),
            "poll": _Polls(),
            "background": _Queue(),
        }
        self._passed = 0
        """How many slots in a row went past somebody of a lower priority."""

    def __bool__(self) -> bool:
        return any(self._queues.values())

    def lengths(self) -> dict[Priority, int]:
        """Count who waits."""
        return {priority: len(self._queues[priority]) for priority in PRIORITIES}

    def join(self, priority: Priority, now: float, asked: int = 0) -> Waiter:
        """Stand in line.

        Args:
            priority: in which queue.
            now: the moment.
            asked: how often a poll's operation was asked before.
        """
        queue = self._queues[priority]
        waiter = Waiter(queue, now, asked)
        queue.add(waiter)
        return waiter

    def leave(self, waiter: Waiter) -> None:
        """Leave it, if that was not served."""
        waiter.queue.pop(waiter, None)

    def first(self) -> Waiter:
        """Return one whose turn it may be."""
        return next(iter(self._turn()[0]))

    def pop(self) -> Waiter:
        """Take whose turn it is out of the line."""
        queue, self._passed = self._turn()
        return queue.take()

    def _turn(self) -> tuple[_Queue, int]:
        """Return the queue whose turn it is, and how many slots in a row went past lower ones."""
        highest, *lower = (queue for queue in self._queues.values() if queue)
        if not lower:
            return highest, 0
        if self._passed < _ONE_IN - 1:
            return highest, self._passed + 1
        return min(lower, key=_since), 0


def _since(queue: _Queue) -> float:
    return next(iter(queue)).since
