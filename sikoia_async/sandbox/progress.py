"""Work that takes time: which records are still pending, and when each one ends."""

import heapq
import math
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from typing import Any

from sikoia_async.sandbox.clock import Clock
from sikoia_async.sandbox.store import Entry, Store

__all__ = ["Progress", "WorkName"]

WorkName = tuple[str, str]
"""The name of a store, and the key of a record in it."""


class Progress:
    """The work of a local Sikoia, each piece named by a store and a key.

    Args:
        clock: The clock that work follows.
        work_time: Returns how many seconds work of a kind takes.
        store: Returns a store by its name.
        deleted: The ids of everything that was deleted.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        work_time: Callable[[str], float],
        store: Callable[[str], Store],
        deleted: Collection[str],
    ) -> None:
        self._clock = clock
        self._work_time = work_time
        self._store = store
        self._deleted = deleted
        self._started: list[WorkName] = []
        # Names only, so that deleted records are freed.
        self._pending: dict[WorkName, None] = {}
        # A heap: when work ends, and a number that decides between two at the same time.
        self._ends: list[tuple[float, int, WorkName]] = []
        self._number = 0

    def start(self, kind: str, key: str) -> None:
        """Start the work of a record; it ends when the work time is over."""
        entry = self._store(kind).get(key)
        self._started.append((kind, key))
        self._pending[kind, key] = None
        self._end_at(entry.started + self._work_time(kind), (kind, key))

    def end(self, kind: str, key: str, failure: str | None = None) -> None:
        """End pending work now; `take_ended` returns it.

        Args:
            kind: The name of its store.
            key: Its key there.
            failure: Why it fails; without it, the work ends as it would have.
        """
        self._store(kind).get(key).failure = failure
        self._end_at(self._clock(), (kind, key))

    def postpone(self, kind: str, key: str) -> None:
        """Let pending work go on until something ends it."""
        self._end_at(math.inf, (kind, key))

    def take_ended(self) -> Iterator[tuple[WorkName, Entry, datetime]]:
        """Return, once, all work that has ended by now and when, in the order in which it ended.

        Work that was deleted is left out.
        """
        now = self._clock()
        while self._ends and self._ends[0][0] <= now:
            due, _, name = heapq.heappop(self._ends)
            kind, key = name
            if name not in self._pending or key in self._deleted:
                self._pending.pop(name, None)
                continue
            entry = self._store(kind).get(key)
            if entry.due == due:  # otherwise, its end was moved
                del self._pending[name]
                entry.ended = self._clock.at(due)
                yield name, entry, entry.ended

    def started(self) -> list[WorkName]:
        """Return all work that was ever started, oldest first, except what was deleted."""
        return self._existing(self._started)

    def newest(self) -> Iterator[WorkName]:
        """Return the same work, newest first and one by one."""
        return (name for name in reversed(self._started) if name[1] not in self._deleted)

    def pending(self) -> list[WorkName]:
        """Return the work that has not ended, oldest first, except what was deleted."""
        return self._existing(self._pending)

    def ends_at(self, entry: Entry) -> datetime | None:
        """Return when the work of a record ends by itself; None if never."""
        try:
            return self._clock.at(entry.due)
        except OverflowError:
            return None

    def save(self) -> Any:
        """Return everything, for `restore`."""
        return self._started, self._pending, self._ends, self._number

    def restore(self, saved: Any) -> None:
        """Replace everything with what `save` returned."""
        self._started, self._pending, self._ends, self._number = saved

    def _end_at(self, due: float, name: WorkName) -> None:
        kind, key = name
        self._store(kind).get(key).due = due
        if due < math.inf:
            self._number += 1
            heapq.heappush(self._ends, (due, self._number, name))

    def _existing(self, work: Iterable[WorkName]) -> list[WorkName]:
        return [(kind, key) for kind, key in work if key not in self._deleted]
