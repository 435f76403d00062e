"""What the passes of one batch share: its journal, its rates, and whether it is to stop."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import anyio
import attrs
from anyio import to_thread

from sikoia_async._errors import StoreError
from sikoia_async.batch.items import Counts
from sikoia_async.batch.progress import Pace, Progress, eta
from sikoia_async.stores.protocols import Purchase

if TYPE_CHECKING:
    from collections.abc import Callable

    from anyio.abc import TaskGroup

    from sikoia_async._calls.context import ClientContext
    from sikoia_async._calls.usage import Tally
    from sikoia_async.batch.items import Claim, Note
    from sikoia_async.batch.opening import OpenJournal
    from sikoia_async.batch.run import Run
    from sikoia_async.batch.source import Source
    from sikoia_async.batch.stopping import Stopping

__all__ = ["BatchState"]

Client = TypeVar("Client")
T = TypeVar("T")


class BatchState(Generic[Client]):
    """What the passes of one batch share.

    Args:
        context: what the calls of the client share.
        tasks: where tasks run that end with the batch.
        journal: the journal.
        stopping: whether the batch is to stop.
        tally: counts the requests of the batch.
        new_run: returns what the work of an item gets, for a hash of its key.
    """

    def __init__(
        self,
        *,
        context: ClientContext,
        tasks: TaskGroup,
        journal: OpenJournal,
        stopping: Stopping,
        tally: Tally,
        new_run: Callable[[str], Run[Client]],
    ) -> None:
        self.tasks: TaskGroup = tasks
        self.journal: OpenJournal = journal
        self.stopping: Stopping = stopping
        self.new_run: Callable[[str], Run[Client]] = new_run
        self.changes: int = 0
        """Grows with each item that begins or ends."""
        self.source: Source[Any] | None = None
        """The items of the latest pass."""
        self._context = context
        self._tally = tally
        self._pace = Pace(context.lifecycle.time(), self._waited)
        self._counts = Counts()
        self._running = 0
        self._ended = 0
        self._ended_requests = 0
        self._is_limit_reached = False
        self._one_thread = anyio.CapacityLimiter(1)

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        """Call a function of the journal in a thread, one at a time."""
        return await to_thread.run_sync(function, *args, limiter=self._one_thread)

    async def refresh(self) -> None:
        """Read the counts of the journal, to which other processes may add."""
        self._counts = await self.call(self.journal.items.counts)
        await self.call(self.journal.budget.refresh)
        source = self.source
        if source is not None and source.busy:
            ended = await self.call(self.journal.items.ended, tuple(source.busy))
            left = [one for one in source.busy if one not in ended]
            source.skipped += len(source.busy) - len(left)
            source.busy = left

    async def purchase(self, key: str) -> Purchase:
        """Return what is recorded about a purchase in doubt."""
        store = self.journal.purchases
        found = None
        with suppress(StoreError):
            found = await store.get(self._context.account, key)
        return found or Purchase(key=key, operation="", arguments="", state="doubt")

    def begin(self, former: Claim) -> None:
        """Count an item that begins, by what the journal said before."""
        counts, name = self._counts, str(former)
        if name in {"failed", "doubt"}:
            self._counts = attrs.evolve(counts, **{name: getattr(counts, name) - 1})
        self._running += 1
        self.changes += 1

    def abandon(self) -> None:
        """Count an item no longer that was cancelled."""
        self._running -= 1
        self.changes += 1

    def take_back(self, note: Note) -> None:
        """Count an item as not ended, because its result was not taken."""
        self._ended -= note.state is not None
        self.changes += 1

    def end(self, note: Note, *, idle: float, worked: float) -> None:
        """Count an item that has ended.

        Args:
            note: what is noted about it.
            idle: seconds that its worker has waited for it.
            worked: seconds that it took.
        """
        counts, pace = self._counts, self._pace
        self._running -= 1
        self._ended_requests += note.requests
        if note.state is not None:
            self._ended += 1
            name = str(note.state)
            changed: dict[str, int] = {name: getattr(counts, name) + 1}
            self._counts = attrs.evolve(counts, requests=counts.requests + note.requests, **changed)
        pace.idle += idle
        pace.worked += worked
        pace.end(self._context.lifecycle.time(), sent=self._tally.attempts, waited=self._waited)
        self.changes += 1

    def limit_reached(self) -> None:
        """Note that the batch may make no further purchase."""
        self._is_limit_reached = True

    def progress(self) -> Progress:
        """Return how far the batch is."""
        now, pace, counts, source = (
            self._context.lifecycle.time(), self._pace, self._counts, self.source,
        )  # fmt: skip
        limiter = self._context.rate_limiter
        paused = 0.0 if limiter is None else limiter.paused
        total = None if source is None else source.total
        left = None
        if source is not None and total is not None:
            left = max(0, total - source.skipped - self._ended)
        items, requests = pace.items_per_minute(now), pace.requests_per_minute(now)
        known = counts.done + counts.failed + counts.doubt
        return Progress(
            total=total,
            done=counts.done,
            failed=counts.failed,
            in_doubt=counts.doubt,
            running=self._running,
            left=left,
            spent=dict(self.journal.budget.counts),
            requests=self._tally.attempts,
            seconds=now - pace.began,
            items_per_minute=items,
            requests_per_minute=requests,
            eta=None
            if left is None
            else eta(
                left=left,
                per_item=counts.requests / known if known else 0.0,
                under_way=self._tally.attempts - self._ended_requests,
                quota=None if limiter is None else limiter.background_per_minute,
                items=items,
                requests=requests,
            ),
            holds_up="rate limit" if paused else pace.holds_up(),
            paused=paused,
            stopped=self.stopping.reason or ("spend limit" if self._is_limit_reached else None),
        )

    @property
    def _waited(self) -> float:
        limiter = self._context.rate_limiter
        return 0.0 if limiter is None else limiter.waited
