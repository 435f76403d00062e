"""The file of SQLite, as the stores use it: quick work on the event loop, durable in a thread.

Quick work is a small transaction that waits for no disk and takes some 100 microseconds, less than
a thread. If another process is writing, it is retried some milliseconds later, and the event
loop runs meanwhile. Durable work ends when the disk has it.
"""

from __future__ import annotations

import os
import random
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

from anyio import CapacityLimiter, move_on_after, sleep, to_thread
from anyio.lowlevel import checkpoint

from sikoia_async._errors import ConfigurationError, StoreError
from sikoia_async.stores.sqlite.connection import BusyError, Connection, identity

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from pathlib import Path

    from sikoia_async.stores.sqlite.host import Host

__all__ = ["Database"]

T = TypeVar("T")

_PATIENCE: Final = 5.0
_PAUSES: Final = (0.001, 0.01)
"""Seconds between two attempts, at least and at most."""
_ATTEMPTS: Final = 50
"""Attempts to open the file at first, each followed by the longer pause."""
_CHECKPOINT_EVERY: Final = 500
"""Transactions between two checkpoints; each adds some four pages to the WAL."""


class Database:
    """One file, which several stores use, and several clients, on any event loop of one process.

    Args:
        place: the file.
        host: the clocks and the boot id.
        patience: seconds to wait for another process that is writing, or for the disk.

    Raises:
        ConfigurationError: the file cannot be used.
    """

    def __init__(self, place: Path, host: Host, patience: float = _PATIENCE) -> None:
        self.host = host
        self._place = place
        self._patience = patience
        self._quick = Connection(place, host, "NORMAL")
        self._durable = Connection(place, host, "FULL", patience)
        self._process = 0
        self._transactions = 0
        self._try_to_open()
        self._created = identity(place)
        """The file that this process began with."""

    @property
    def epoch(self) -> str:
        """Differs if the file is another one than before: it was deleted or replaced."""
        return self._quick.epoch

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run quick work in a transaction. It is on the disk some time later.

        Raises:
            ConfigurationError: the process was forked, or another file was put in its place.
            StoreError: the file cannot be written.
        """
        self._transactions += 1
        return await self._run(lambda: self._quick.run(work, _always))

    async def tidy(self) -> None:
        """Merge the WAL into the file now and then, in a thread: it waits for the disk.

        SQLite itself would do so in the middle of a transaction. Nobody should wait for this.
        """
        if self._is_due():
            with suppress(StoreError):
                await self._in_thread(self._quick, self._quick.checkpoint)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a quick query.

        Raises:
            ConfigurationError: the process was forked, or another file was put in its place.
            StoreError: the file cannot be read.
        """
        return await self._run(lambda: self._quick.read(work))

    async def write_durably(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run work in a transaction. It is on the disk when this returns.

        Raises:
            ConfigurationError: the process was forked.
            StoreError: the file cannot be written, or is another one than before.
        """

        def run(is_wanted: Callable[[], bool]) -> T:
            result = self._durable.run(work, is_wanted)
            if self._is_due():
                self._durable.checkpoint()
            return result

        self._transactions += 1
        return await self._run_durably(run)

    async def read_durably(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a query in a thread: it may be a long one.

        Raises:
            ConfigurationError: the process was forked.
            StoreError: the file cannot be read, or is another one than before.
        """
        return await self._run_durably(lambda _: self._durable.read(work))

    async def aclose(self) -> None:
        """Close the file, also if the caller is cancelled. It is opened again if it is used."""
        if self._process != os.getpid():
            return  # it is not open, or the process that this one was forked from has opened it
        for connection in (self._quick, self._durable):
            with move_on_after(self._patience, shield=True), suppress(StoreError):
                await self._in_thread(connection, connection.close)
        self._process = 0

    async def _run(self, work: Callable[[], T]) -> T:
        """Run work on the event loop, repeatedly while another connection is in the way."""
        await checkpoint()  # and none after the transaction, so that its result is never lost
        waited = 0.0
        while waited < self._patience:
            self._check_process()
            try:
                if self._quick.lock.acquire(blocking=False):  # another thread may have a loop too
                    try:
                        if self._quick.is_open:
                            return work()
                    finally:
                        self._quick.lock.release()
                    await self._in_thread(self._quick, self._quick.open)
            except BusyError:
                pass
            pause = random.uniform(*_PAUSES)  # noqa: S311 - two processes must not keep in step
            waited += pause
            await sleep(pause)
        raise StoreError(_LOCKED)

    async def _run_durably(self, work: Callable[[Callable[[], bool]], T]) -> T:
        """Run work in a thread; it is given a function that returns whether it is still wanted."""
        self._check_process()
        is_wanted = True

        def run() -> T:
            # What is counted and recorded must not begin anew because the file was deleted.
            if identity(self._place) != self._created:
                raise StoreError(_REPLACED)
            if not self._durable.is_open:
                self._durable.open()
            return work(lambda: is_wanted)

        try:
            return await self._in_thread(self._durable, run)
        except BusyError:
            raise StoreError(_LOCKED) from None
        finally:
            is_wanted = False

    async def _in_thread(self, connection: Connection, function: Callable[[], T]) -> T:
        """Call a function in a worker thread, while no other one uses the connection.

        A cancellation leaves the thread behind. The limiter is a new one, so that threads that hang
        use up neither the limit of the application nor one of ours.
        """

        def run() -> T:
            if not connection.lock.acquire(timeout=self._patience):
                raise StoreError(_LOCKED)
            try:
                return function()
            finally:
                connection.lock.release()

        return await to_thread.run_sync(run, abandon_on_cancel=True, limiter=CapacityLimiter(1))

    def _is_due(self) -> bool:
        """Return whether it is time for a checkpoint, and begin to count anew if so."""
        is_due = self._transactions >= _CHECKPOINT_EVERY
        if is_due:
            self._transactions = 0
        return is_due

    def _check_process(self) -> None:
        if self._process == 0:
            self._process = os.getpid()
        elif self._process != os.getpid():
            raise ConfigurationError(_FORKED)

    def _try_to_open(self) -> None:
        """Check the file, and create it; leave it closed, so that the process may fork."""
        for _ in range(_ATTEMPTS):
            try:
                self._quick.open()
            except BusyError:  # another process creates it at this moment
                time.sleep(_PAUSES[1])
            except StoreError as error:
                msg = f"path: {error}"
                raise ConfigurationError(msg) from None
            else:
                break
        # If another process keeps it locked, its contents are checked when it is first used.
        self._quick.close()


def _always() -> bool:
    return True


_LOCKED: Final = "the SQLite file is locked by another process, or the disk hangs"
_REPLACED: Final = (
    "the SQLite file was deleted or replaced while this process used it, and with it the record of "
    "purchases and spend: restore it, and start the process again"
)
_FORKED: Final = (
    "SqliteStores: they were used before this process was forked; create them in each process, or "
    "do not use them before the fork"
)
