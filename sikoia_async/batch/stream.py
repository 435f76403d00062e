"""One pass of `Batch.map` over its items: a reader, workers, and the results they send.

    reader: input → claim in the journal → worker: work → channel → loop of the caller → note

An item is noted once the caller asks for the next result: it has then dealt with this one.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Generic, Self, TypeVar

import anyio
import attrs

from sikoia_async._errors import ArgumentTypeError, CallError, ChargeLimitError
from sikoia_async.batch.items import Note
from sikoia_async.batch.results import Done, Failed, InDoubt

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

    from sikoia_async.batch.batch_state import BatchState
    from sikoia_async.batch.reporting import Reporter
    from sikoia_async.batch.run import Run
    from sikoia_async.batch.source import Entry, Source

__all__ = ["Results"]

Client = TypeVar("Client")
Item = TypeVar("Item")
Value = TypeVar("Value")

_NOTES: Final = 64
"""How many items are noted at once, at most."""

_log = logging.getLogger("sikoia_async")


@attrs.frozen(eq=False)
class _Ended(Generic[Item, Value]):
    """A result with what is noted about it."""

    number: int
    result: Done[Item, Value] | Failed[Item] | InDoubt[Item]
    note: Note


class Results(Generic[Client, Item, Value]):
    """The results of `Batch.map`: an async iterator. Leaving the loop early is allowed.

    Args:
        state: what the passes of a batch share.
        source: the items.
        work: works on an item.
        at_once: how many items are worked on at the same time.
        ordered: whether results come in the order of the input.
        flush: called before items are noted.
        prepare: called before the items are read.
    """

    def __init__(
        self,
        state: BatchState[Client],
        source: Source[Item],
        work: Callable[[Run[Client], Item], Awaitable[Value]],
        *,
        at_once: int,
        ordered: bool,
        flush: Callable[[], Awaitable[int | None]] | None,
        prepare: Callable[[], Awaitable[None]],
    ) -> None:
        self._state = state
        self._source = source
        self._work = work
        self._at_once = at_once
        self._ordered = ordered
        self._flush = flush
        self._prepare = prepare
        self._entries = anyio.create_memory_object_stream["Entry[Item]"](0)
        self._sending, self._results = anyio.create_memory_object_stream["_Ended[Item, Value]"](0)
        self._room = anyio.Semaphore(2 * at_once)
        """For results that wait for earlier ones, if they are ordered."""
        self._waiting = dict[int, _Ended[Item, Value]]()
        self._next = 0
        self._delivered: _Ended[Item, Value] | None = None
        self._notes = list[Note]()
        self._error: Exception | None = None
        self._has_started = False
        self.is_over: bool = False
        """Whether all results were taken."""
        self.reporter: Reporter | None = None
        """Shows the progress."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Done[Item, Value] | Failed[Item] | InDoubt[Item]:
        if not self._has_started:
            self._has_started = True
            await self._start()
        self._acknowledge()
        ended = await (self._next_in_order() if self._ordered else self._receive())
        if ended is None:
            await self.note()
            self._end()
            if self._error is not None:
                raise self._error
            raise StopAsyncIteration
        self._delivered = ended
        return ended.result

    async def aclose(self, *, acknowledge: bool) -> None:
        """Note what the caller has dealt with.

        Args:
            acknowledge: whether that includes the latest result.
        """
        if acknowledge:
            self._acknowledge()
        self._delivered = None
        self._end()
        await self.note()

    async def note(self) -> None:
        """Note the items that the caller has dealt with."""
        notes, self._notes = self._notes, []
        if notes:
            position = None if self._flush is None else await self._flush()
            await self._state.call(self._state.journal.items.note, notes, position)

    def _end(self) -> None:
        self.is_over = True
        for stream in (*self._entries, self._sending, self._results):
            stream.close()
        if self.reporter is not None:
            self.reporter.close()
            self.reporter = None

    def _acknowledge(self) -> None:
        if self._delivered is not None:
            self._notes.append(self._delivered.note)
            self._delivered = None

    async def _start(self) -> None:
        state = self._state
        await self._prepare()
        await state.refresh()
        await self._source.check()
        state.stopping.begin_pass()
        if self.reporter is not None:
            state.tasks.start_soon(self.reporter.run)
        state.tasks.start_soon(self._read, self._entries[0])
        state.tasks.start_soon(self._work_on_all, self._entries[1], self._sending)

    async def _receive(self) -> _Ended[Item, Value] | None:
        """Return the next result, and note the earlier ones first if none is ready."""
        try:
            if len(self._notes) < _NOTES:
                return self._results.receive_nowait()
        except anyio.WouldBlock:
            pass
        except anyio.EndOfStream:
            return None
        await self.note()
        try:
            return await self._results.receive()
        except anyio.EndOfStream:
            return None

    async def _next_in_order(self) -> _Ended[Item, Value] | None:
        while self._next not in self._waiting:
            ended = await self._receive()
            if ended is None:  # after a cancellation some are missing
                if not self._waiting:
                    return None
                self._next = min(self._waiting)
                break
            self._waiting[ended.number] = ended
        ended = self._waiting.pop(self._next)
        self._next += 1
        self._room.release()
        return ended

    async def _read(self, entries: MemoryObjectSendStream[Entry[Item]]) -> None:
        """Pass items on to the workers until there are no more, or the batch stops."""
        state = self._state
        with entries:
            try:
                # The stream is broken once the workers were cancelled.
                with suppress(anyio.BrokenResourceError), state.stopping.reading:
                    while not state.stopping.has_begun:
                        if self._ordered:
                            await self._room.acquire()
                        entry = await self._source.next()
                        if entry is None:
                            return
                        await entries.send(entry)
            except Exception as error:  # noqa: BLE001 - raised once the results are taken
                self._error = error

    async def _work_on_all(
        self,
        entries: MemoryObjectReceiveStream[Entry[Item]],
        results: MemoryObjectSendStream[_Ended[Item, Value]],
    ) -> None:
        with entries, results, self._state.stopping.working:
            async with anyio.create_task_group() as tasks:
                for _ in range(self._at_once):
                    tasks.start_soon(self._work_on, entries, results)

    async def _work_on(
        self,
        entries: MemoryObjectReceiveStream[Entry[Item]],
        results: MemoryObjectSendStream[_Ended[Item, Value]],
    ) -> None:
        state, clock = self._state, anyio.current_time
        idle_since = clock()
        while True:
            try:
                entry = await entries.receive()
            except anyio.EndOfStream:
                return
            began = clock()
            state.begin(entry.former)
            try:
                ended = await self._result_of(entry)
            except BaseException:
                state.abandon()
                raise
            state.end(ended.note, idle=began - idle_since, worked=clock() - began)
            idle_since = clock()
            try:
                await results.send(ended)
            except BaseException:  # nobody has seen the result, so that it is not noted
                state.take_back(ended.note)
                raise

    async def _result_of(self, entry: Entry[Item]) -> _Ended[Item, Value]:
        """Work on an item, and return its result, whatever it is."""
        run = self._state.new_run(entry.hash.hex())
        note = Note(key=entry.hash, state="done")
        result: Done[Item, Value] | Failed[Item] | InDoubt[Item]
        try:
            value = await self._begin(run, entry.item)
            result = Done(
                entry.item, value, key=entry.key, requests=run.requests, bought=run.bought
            )
        except Exception as error:  # noqa: BLE001 - one item's error is that item's
            result = await self._error_result(run, entry, error)
            note = _note_of(entry.hash, error, in_doubt=isinstance(result, InDoubt))
        note = attrs.evolve(note, requests=run.requests)
        return _Ended(entry.number, result, note)

    def _begin(self, run: Run[Client], item: Item) -> Awaitable[Value]:
        working = self._work(run, item)
        if not hasattr(working, "__await__"):
            msg = "work: expected an async function that takes a Run and an item"
            raise ArgumentTypeError(msg)
        return working

    async def _error_result(
        self, run: Run[Client], entry: Entry[Item], error: Exception
    ) -> Failed[Item] | InDoubt[Item]:
        if isinstance(error, ChargeLimitError):
            self._state.limit_reached()
        key = run.doubt_of(error)
        if key is not None:
            return InDoubt(
                entry.item,
                await self._state.purchase(key),
                key=entry.key,
                error=error,
                requests=run.requests,
                bought=run.bought,
            )
        return Failed(entry.item, error, key=entry.key, requests=run.requests, bought=run.bought)


def _note_of(key: bytes, error: Exception, *, in_doubt: bool) -> Note:
    """Return what the journal notes of an error: nothing that may repeat a value."""
    if isinstance(error, ChargeLimitError):
        return Note(key=key, state=None)
    call = error if isinstance(error, CallError) else None
    return Note(
        key=key,
        state="doubt" if in_doubt else "failed",
        error=type(error).__name__,
        status=None if call is None else call.status,
        correlation_id=None if call is None else call.correlation_id,
    )
