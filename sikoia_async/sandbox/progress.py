"""Work that takes time: which records are still pending, and which have completed since."""

from collections import OrderedDict
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
        work_time: How many seconds all work takes.
        store: Returns a store by its name.
        deleted: The ids of everything that was deleted.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        work_time: float,
        store: Callable[[str], Store],
        deleted: Collection[str],
    ) -> None:
        self._clock = clock
        self._work_time = work_time
        self._store = store
        self._deleted = deleted
        self._started: list[WorkName] = []
        self._pending: OrderedDict[WorkName, Entry] = OrderedDict()

    def start(self, kind: str, key: str) -> None:
        """Start the work of a record; it ends when the work time is over."""
        self._started.append((kind, key))
        self._pending[kind, key] = self._store(kind).get(key)

    def end(self, kind: str, key: str, failure: str | None = None) -> None:
        """End pending work now; `take_ended` returns it next.

        Args:
            kind: The name of its store.
            key: Its key there.
            failure: Why it fails; without it, the work ends as it would have.
        """
        entry = self._pending[kind, key]
        entry.is_ended, entry.failure = True, failure
        self._pending.move_to_end((kind, key), last=False)

    def take_ended(self) -> Iterator[WorkName]:
        """Return, once, all work that has ended by now, except what was deleted."""
        # All work takes the same time, and work that was ended early is at the front.
        while self._pending:
            (kind, key), entry = next(iter(self._pending.items()))
            if not self.is_done(entry):
                return
            del self._pending[kind, key]
            if key not in self._deleted:
                yield kind, key

    def started(self) -> list[WorkName]:
        """Return all work that was ever started, oldest first, except what was deleted."""
        return self._existing(self._started)

    def pending(self) -> list[WorkName]:
        """Return the work that `take_ended` has not returned yet, except what was deleted."""
        return self._existing(self._pending)

    def is_done(self, entry: Entry) -> bool:
        """Return whether the work of a record is done, by itself or because it was ended."""
        return entry.is_ended or self._clock() - entry.started >= self._work_time

    def ends_at(self, entry: Entry) -> datetime | None:
        """Return when the work of a record ends by itself; None if never."""
        try:
            return self._clock.at(entry.started + self._work_time)
        except OverflowError:
            return None

    def save(self) -> Any:
        """Return everything, for `restore`."""
        return self._started, self._pending

    def restore(self, saved: Any) -> None:
        """Replace everything with what `save` returned."""
        self._started, self._pending = saved

    def _existing(self, work: Iterable[WorkName]) -> list[WorkName]:
        return [(kind, key) for kind, key in work if key not in self._deleted]
