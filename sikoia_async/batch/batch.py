"""`Batch`: many items through one client, in a journal that a later run continues.

The batch owns the tasks, and the loop over `map` only takes their results out of a channel. So
leaving the loop early, or an exception in it, cannot leave a task behind: all end with the batch.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeVar, get_args

import anyio
import attrs
from anyio import to_thread

from sikoia_async._calls.usage import NestedTally, Spend
from sikoia_async._errors import ArgumentError, ArgumentTypeError, ClientStateError
from sikoia_async._validation import (
    NotCopyable,
    settings,
    validate_flags,
    validate_wait,
    validate_whole,
)
from sikoia_async.batch.batch_state import BatchState
from sikoia_async.batch.file import OnConflict
from sikoia_async.batch.items import LEASE, repeated
from sikoia_async.batch.names import name_of
from sikoia_async.batch.opening import open_journal
from sikoia_async.batch.purchase_store import LimitedPurchaseStore
from sikoia_async.batch.purchases import Purchases
from sikoia_async.batch.reporting import Reporter, display
from sikoia_async.batch.run import Run
from sikoia_async.batch.source import Source
from sikoia_async.batch.stopping import Stopping, watch_signals
from sikoia_async.batch.stream import Results

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator, Awaitable
    from types import TracebackType

    from sikoia_async._calls.api import Api
    from sikoia_async.batch.items import FailedItem
    from sikoia_async.batch.opening import OpenJournal
    from sikoia_async.batch.progress import Progress, Stopped

__all__ = ["MOST_AT_ONCE", "Batch", "journal_of"]

Client = TypeVar("Client")
Item = TypeVar("Item")
Value = TypeVar("Value")

MOST_AT_ONCE: Final = 1_000
_MINUTE: Final = 60.0
_TURNS: Final = 3.0
"""How many times longer than expected a call may wait for its turn within the rate limit."""


class Batch(NotCopyable, Generic[Client]):
    """Many items through one client, in a journal that a later run continues.

    Made by `Sikoia.batch`. Use it in one `async with` block, which ends all its tasks.
    """

    _not_copyable = "a batch cannot be pickled or deep-copied: it belongs to one client"

    def __init__(
        self,
        api: Api,
        view: Callable[[Api], Client],
        journal: str | os.PathLike[str],
        *,
        max_chargeable: int | None,
        on_conflict: OnConflict,
        drain: float,
        grace: float,
        handle_signals: bool,
    ) -> None:
        with settings():
            if max_chargeable is not None:
                max_chargeable = validate_whole("max_chargeable", max_chargeable, least=0)
            if on_conflict not in get_args(OnConflict):
                msg = 'on_conflict: expected "refuse" or "join"'
                raise ArgumentError(msg)
            drain = validate_wait("drain", drain)
            grace = validate_wait("grace", grace)
            validate_flags(handle_signals=handle_signals)
        self._api = api
        self._view = view
        self._path = _valid_path(journal)
        self._limit = max_chargeable
        self._on_conflict: OnConflict = on_conflict
        self._drain = drain
        self._grace = grace
        self._handles_signals = handle_signals
        self._owner = token_hex(8)
        self._has_begun = False
        self._tally = NestedTally(api.context.tally)
        self._patient_api = api
        self._spend = Spend()
        """Chargeable calls that are not made through `Run.once`."""
        self._saved: dict[str, int] = {}
        """Those of them that the journal has."""
        self._state: BatchState[Client] | None = None
        self._pass: Results[Client, Any, Any] | None = None

    async def __aenter__(self) -> Self:
        context = self._api.context
        context.lifecycle.check()
        if self._has_begun:
            msg = "a batch is used in one `async with` block: make another one"
            raise ClientStateError(msg)
        self._has_begun = True
        journal = await to_thread.run_sync(self._open)
        tasks = anyio.create_task_group()
        await tasks.__aenter__()
        self._state = BatchState(
            context=context,
            tasks=tasks,
            journal=journal,
            stopping=Stopping(self._drain),
            tally=self._tally,
            new_run=self._new_run,
        )
        self._spend = Spend(journal.budget.left, within=context.spend)
        if self._handles_signals:
            tasks.start_soon(watch_signals, self.stop)
        if self._on_conflict == "join":
            tasks.start_soon(self._stay_alive)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        tasks = self._entered().tasks
        try:
            tasks.cancel_scope.cancel()
            if isinstance(error, Exception):  # it leaves the block as it is, in no group
                await tasks.__aexit__(None, None, None)
                return None
            return await tasks.__aexit__(kind, error, trace)
        finally:
            with anyio.CancelScope(shield=True):
                await self._leave(acknowledge=error is None)

    def map(
        self,
        work: Callable[[Run[Client], Item], Awaitable[Value]],
        items: Iterable[Item] | AsyncIterable[Item],
        *,
        key: Callable[[Item], str],
        at_once: int = 50,
        ordered: bool = False,
        retry_failed: bool = False,
        total: int | None = None,
        name: str | None = None,
        progress: bool | Callable[[Progress], object] = False,
        flush: Callable[[], int | None] | None = None,
    ) -> Results[Client, Item, Value]:
        """Work on each item that is left to do, and iterate over the results.

            async for result in batch.map(work, companies, key=lambda company: company.number):
                match result:
                    case Done(company, report): ...
                    case Failed(company, error): ...
                    case InDoubt(company, purchase): ...

        An item counts as handled once the loop asks for the next result, or the block ends without
        an exception. Items that an earlier run has handled are not yielded again, because the
        journal holds no values. If a process is killed, the last items may be yielded once more,
        but nothing is bought again.

        Args:
            work: an async function that takes a `Run` and an item. Calls through `run.sikoia` have
                background priority, and purchases through `run.once` are made once.
            items: any iterable, sync or async. It is read lazily, except that a list is first
                searched for invalid keys. A sync one is read on the event loop.
            key: returns the key of an item: a string that is unique to the item and the same in
                each run.
            at_once: how many items are worked on concurrently, at most.
            ordered: whether results arrive in the order of the input, not as items finish.
            retry_failed: whether to retry items that failed in an earlier run.
            total: how many items there are, for the progress, if `len(items)` does not say so.
            name: names the work in the journal; the name of the function by default. A journal of
                work with another name is refused.
            progress: True for a bar on a terminal, or for lines on standard error elsewhere; or a
                function that is called with a `Progress`, at most ten times a second.
            flush: called in a thread before items are recorded as handled, to flush results to the
                disk. `position` returns its result in a later run.

        Returns:
            An async iterator over `Done`, `Failed` and `InDoubt`.

        Raises:
            ConfigurationError: an argument is invalid, or the journal is that of another batch.
            ArgumentError: two items have the same key, or a key is not valid. Items before it may
                have been worked on, unless the items are a list.
            StoreError: the journal cannot be written. Nothing is bought without it.
        """
        state = self._entered()
        if self._pass is not None and not self._pass.is_over:
            msg = "map: another one is in progress; end its loop first"
            raise ClientStateError(msg)
        _validate_functions(work=work, key=key)
        validate_flags(ordered=ordered, retry_failed=retry_failed)
        at_once = validate_whole("at_once", at_once, least=1)
        if at_once > MOST_AT_ONCE:
            msg = f"at_once: expected a whole number from 1 to {MOST_AT_ONCE:,}"
            raise ArgumentError(msg)
        _validate_items(items)
        if not isinstance(progress, bool):
            _validate_functions(progress=progress)
        again = repeated(retry_failed=retry_failed)
        source = Source(
            items,
            key,
            lambda hashes: state.call(state.journal.items.claim, hashes, again),
            ahead=at_once,
        )
        if total is not None:
            source.total = validate_whole("total", total, least=0)
        state.source = source
        self._patient_api = self._patient(at_once)
        about = {
            "work": name_of(work) if name is None else name,
            "account": self._api.context.account,
        }
        results = self._pass = Results(
            state,
            source,
            work,
            at_once=at_once,
            ordered=ordered,
            flush=None if flush is None else partial(to_thread.run_sync, flush),
            prepare=partial(self._prepare, about),
        )
        if progress:
            results.reporter = Reporter(state, display(progress))
        return results

    def stop(self, reason: Stopped = "stop") -> None:
        """Begin no new items. Those in progress have `drain` seconds; a second call cancels them.

        Cancelled items are left for a later run, which finds out what became of their purchases.
        The loop over `map` ends once the results are taken.
        """
        self._entered().stopping.stop(reason)

    async def summary(self) -> Progress:
        """Return the progress of the batch, with earlier runs and those that share the journal."""
        state = self._entered()
        if self._pass is not None:
            await self._pass.note()
        await self._save_calls()
        await state.refresh()
        return state.progress()

    async def failed(self) -> AsyncIterator[FailedItem]:
        """Iterate over the journal's records of failed items, in no particular order."""
        state = self._entered()
        after = b""
        while failed := await state.call(state.journal.items.failed, after):
            for one in failed:
                yield one
            after = bytes.fromhex(failed[-1].key)

    async def position(self) -> int | None:
        """Return the last recorded result of `flush`; None if there is none."""
        state = self._entered()
        position = await state.call(state.journal.items.about, "position")
        return None if position is None else int(position)

    # Entering and leaving

    def _open(self) -> OpenJournal:
        return open_journal(
            self._path, self._owner, on_conflict=self._on_conflict, limit=self._limit
        )

    async def _leave(self, *, acknowledge: bool) -> None:
        """Note what the loop has dealt with, and close the journal."""
        try:
            if self._pass is not None:
                await self._pass.aclose(acknowledge=acknowledge)
            await self._save_calls()
        finally:
            await _close(self._entered().journal)

    async def _prepare(self, about: dict[str, str]) -> None:
        """Check that the journal is that of this batch, and begin to read the items anew."""
        state = self._entered()
        await state.call(state.journal.items.describe, about)
        await state.call(state.journal.items.forget_seen)

    async def _stay_alive(self) -> None:
        state = self._entered()
        while True:
            await anyio.sleep(LEASE / 3)
            await state.call(state.journal.items.renew)

    async def _save_calls(self) -> None:
        """Record the chargeable calls that were not made through `Run.once`."""
        new = {
            operation: count - self._saved.get(operation, 0)
            for operation, count in self._spend.items()
            if count != self._saved.get(operation, 0)
        }
        if new:
            self._saved = dict(self._spend)
            await self._entered().call(self._entered().journal.budget.add, new)

    # The work of an item

    def _patient(self, at_once: int) -> Api:
        """Return an `Api` whose calls have time to wait for their turn."""
        limiter = self._api.context.rate_limiter
        options = self._api.options
        timeout = options.timeout
        if limiter is not None:
            timeout += _TURNS * at_once * _MINUTE / limiter.background_per_minute
        return attrs.evolve(
            self._api, options=attrs.evolve(options, timeout=timeout, priority="background")
        )

    def _new_run(self, item: str) -> Run[Client]:
        tally = NestedTally(self._tally)
        context = attrs.evolve(self._api.context, tally=tally)
        guarded = attrs.evolve(self._patient_api, context=context)
        api = attrs.evolve(guarded, context=attrs.evolve(context, spend=self._spend))
        journal = self._entered().journal
        store = LimitedPurchaseStore(journal.purchases, journal.budget, self._entered().call)
        purchases = Purchases(guarded, store=store, grace=self._grace)
        return Run(self._view(api), item, purchases, guarded, tally)

    def _entered(self) -> BatchState[Client]:
        if self._state is None:
            msg = "the batch is not open: use it inside `async with sikoia.batch(...)`"
            raise ClientStateError(msg)
        return self._state

    def __repr__(self) -> str:
        return f"<Batch {self._path.name}>"


def journal_of(batch: Batch[Any]) -> OpenJournal:
    """Return the journal of an open batch, for the command line."""
    # Of this module.
    return batch._entered().journal  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - above


async def _close(journal: OpenJournal) -> None:
    with anyio.CancelScope(shield=True):
        try:
            await journal.stores.aclose()
        finally:
            await to_thread.run_sync(journal.close)


def _valid_path(journal: str | os.PathLike[str]) -> Path:
    try:
        path = Path(journal)
    except TypeError:
        msg = "journal: expected the path of a file"
        raise ArgumentTypeError(msg) from None
    if not path.name:
        msg = "journal: expected the path of a file"
        raise ArgumentError(msg)
    return path


def _validate_items(items: object) -> None:
    if isinstance(items, str | bytes) or not isinstance(items, Iterable | AsyncIterable):
        msg = "items: expected an iterable, sync or async"
        raise ArgumentTypeError(msg)


def _validate_functions(**functions: object) -> None:
    for name, one in functions.items():
        if not callable(one):
            msg = f"{name}: expected a function"
            raise ArgumentTypeError(msg)
