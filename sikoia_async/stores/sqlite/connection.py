"""One connection to the file, opened when it is needed and again when the file was replaced."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager, suppress
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from sikoia_async._errors import StoreError
from sikoia_async.stores.sqlite.place import create_private
from sikoia_async.stores.sqlite.schema import prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from sikoia_async.stores.sqlite.host import Host

__all__ = ["BusyError", "Connection", "Synchronous", "identity"]

T = TypeVar("T")

Synchronous = Literal["NORMAL", "FULL"]
"""Whether the disk may have the latest changes later: a power failure then loses them."""
Identity = tuple[int, int] | None
"""The device and the inode of a file; None if there is none."""


class BusyError(Exception):
    """Another connection is writing. Nothing was done; try again."""


def identity(place: Path) -> Identity:
    """Return what tells a file from another that has replaced it."""
    try:
        found = place.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class Connection:
    """A connection to the file. Hold `lock` while you call a method.

    Args:
        place: the file.
        host: the clocks and the boot id.
        synchronous: `FULL` for what must survive a power failure.
        timeout: seconds to block the thread if another connection is writing.
    """

    def __init__(
        self, place: Path, host: Host, synchronous: Synchronous, timeout: float = 0
    ) -> None:
        self.lock: Lock = Lock()
        self.epoch: str = ""
        """The epoch of the file that is open, or was last."""
        self._place = place
        self._host = host
        self._synchronous: Synchronous = synchronous
        self._timeout = timeout
        self._open: sqlite3.Connection | None = None
        self._identity: Identity = None

    @property
    def is_open(self) -> bool:
        """Whether the file that has the name is open, and not one that was deleted or replaced."""
        return self._open is not None and self._identity == identity(self._place)

    def open(self) -> None:
        """Open the file, and create it if there is none.

        Raises:
            BusyError: another connection is writing.
            ConfigurationError: the file is not ours, or of a newer version.
            StoreError: the file cannot be read or written.
        """
        self.close()
        if problem := create_private(self._place):
            msg = f"the SQLite file cannot be used: {problem}"
            raise StoreError(msg)
        found = identity(self._place)
        try:
            # SQLite itself would create the file as the umask says.
            opened = sqlite3.connect(
                f"{self._place.as_uri()}?mode=rw",
                uri=True,
                timeout=self._timeout,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                opened.execute(f"PRAGMA synchronous = {self._synchronous}")
                if self._synchronous == "FULL":
                    opened.execute("PRAGMA fullfsync = ON")  # macOS keeps data in the disk's cache
                opened.execute("PRAGMA wal_autocheckpoint = 0")  # `checkpoint` does it
                opened.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
                self.epoch = prepare(opened, self._host)
            except BaseException:
                opened.close()
                raise
        except sqlite3.Error as error:
            raise _failure(error) from None
        self._open, self._identity = opened, found

    def close(self) -> None:
        """Close the file. It does nothing if none is open."""
        opened, self._open = self._open, None
        if opened is not None:
            with suppress(sqlite3.Error):
                opened.close()

    def run(self, work: Callable[[sqlite3.Connection], T], is_wanted: Callable[[], bool]) -> T:
        """Run work in a transaction of its own.

        Args:
            work: what to do.
            is_wanted: asked before anything is done: after a wait, the caller may have left.

        Raises:
            BusyError: another connection is writing.
            StoreError: the file cannot be read or written, or the work is not wanted.
        """
        opened: Any = self._open
        with self._translated():
            opened.execute("BEGIN IMMEDIATE")
            try:
                if not is_wanted():
                    raise StoreError(_CANCELLED)
                result = work(opened)
                opened.execute("COMMIT")
            finally:
                if opened.in_transaction:
                    opened.execute("ROLLBACK")
        return result

    def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run work that is a single query.

        Raises:
            BusyError: another connection has locked the file.
            StoreError: the file cannot be read.
        """
        opened: Any = self._open
        with self._translated():
            return work(opened)

    @contextmanager
    def _translated(self) -> Generator[None]:
        """Raise our errors for those of SQLite."""
        try:
            yield
        except sqlite3.Error as error:
            failure = _failure(error)
            if not isinstance(failure, BusyError):
                self.close()  # the next call finds out whether the file can be used again
            raise failure from None

    def checkpoint(self) -> None:
        """Merge the WAL into the file, unless another connection has just done so.

        Until version 3.51.3, SQLite may corrupt a file if a checkpoint follows another at once,
        while a transaction begins the WAL anew (https://sqlite.org/wal.html#walresetbug). So there
        are some seconds between two checkpoints of all processes, and a transaction after each.
        """
        now = self._host.now()
        with suppress(sqlite3.Error):
            if self._open is not None and self._open.execute(_CLAIM, (now, now - _REST)).rowcount:
                self._open.execute("PRAGMA wal_checkpoint(PASSIVE)")
                self._open.execute("UPDATE state SET touched = touched")


def _failure(error: sqlite3.Error) -> Exception:
    """Return our error for one of SQLite's, which may contain a path."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _BUSY:
        return BusyError()
    reason = _REASONS.get(code, f"failed with {type(error).__name__} {code}")
    return StoreError(f"the SQLite file {reason}")


_REST: Final = 5.0
_CLAIM: Final = "UPDATE state SET touched = ? WHERE touched <= ?"
_WAL_BYTES: Final = 4 << 20
_CANCELLED: Final = "the call was cancelled before the SQLite file was written"
_BUSY: Final = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_REASONS: Final = {
    sqlite3.SQLITE_FULL: "cannot be written: the disk is full",
    sqlite3.SQLITE_READONLY: "cannot be written: it is read-only",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened",
    sqlite3.SQLITE_IOERR: "cannot be read or written: the disk failed",
    sqlite3.SQLITE_ERROR: "has damaged or foreign tables: restore it, or move it away",
    sqlite3.SQLITE_CORRUPT: "is damaged: restore it from a backup, or move it away",
    sqlite3.SQLITE_NOTADB: "is not a database of SQLite: choose another path, or move it away",
}
