"""The SQLite file of a journal: opened for its owner only, and locked while a batch runs."""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, Literal

from sikoia_async._errors import ConfigurationError, StoreError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

__all__ = ["Lock", "OnConflict", "connect", "problems", "transaction"]

OnConflict = Literal["refuse", "join"]
"""What a run does if another one is using its journal."""

_BUSY: Final = 10.0
"""Seconds that a transaction waits for those of other processes."""


def connect(path: Path) -> sqlite3.Connection:
    """Open a journal, creating it if there is none.

    Raises:
        ConfigurationError: the file cannot be opened, or is not a journal.
    """
    create_private(path)
    with problems(path):
        database = sqlite3.connect(
            path, timeout=_BUSY, isolation_level=None, check_same_thread=False
        )
        try:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=NORMAL")
        except BaseException:
            database.close()
            raise
    return database


def create_private(path: Path) -> None:
    """Create a file that only its owner can read, unless it exists.

    Raises:
        ConfigurationError: the file cannot be created.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        msg = f"journal: {path.name} cannot be opened for writing ({error.strerror})"
        raise ConfigurationError(msg) from None


@contextmanager
def problems(path: Path) -> Generator[None]:
    """Raise our own errors for those of SQLite.

    Raises:
        ConfigurationError: the file is not a database, or is damaged.
        StoreError: it cannot be read or written, for example because the disk is full.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        name = error.sqlite_errorname if hasattr(error, "sqlite_errorname") else ""
        if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
            msg = (
                f"journal: {path.name} is not a journal, or is damaged beyond repair; restore a "
                "backup, or begin a new one and check `sikoia.purchases` of the items first"
            )
            raise ConfigurationError(msg) from None
        msg = f"journal: {path.name} cannot be read or written ({name or type(error).__name__})"
        raise StoreError(msg) from None


@contextmanager
def transaction(database: sqlite3.Connection, path: Path) -> Generator[sqlite3.Connection]:
    """Commit what the block writes, or nothing."""
    with problems(path):
        database.execute("BEGIN IMMEDIATE")
        try:
            yield database
            database.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # some errors have already rolled it back
                database.execute("ROLLBACK")
            raise


class Lock:
    """Keeps other processes off a journal, or only those that want it for themselves.

    It is a lock of SQLite on an empty file beside the journal. The system releases it when the
    process ends, however it ends.

    Args:
        path: the journal.
    """

    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._path = path.with_name(f"{path.name}-lock")
        create_private(self._path)
        with problems(self._path):
            self._database = sqlite3.connect(
                self._path, timeout=0, isolation_level=None, check_same_thread=False
            )

    def acquire(self, on_conflict: Literal["refuse", "join"]) -> bool:
        """Lock the journal; return whether no other process is using it.

        Until `share` is called, no other process can join either.

        Raises:
            ConfigurationError: another process is using it.
        """
        with problems(self._path):
            if _has_begun(self._database, "BEGIN EXCLUSIVE"):
                return True
            if on_conflict == "join":
                self.share()
                return False
        self.release()
        raise _in_use(self._name)

    def share(self) -> None:
        """Let others join.

        Raises:
            ConfigurationError: another process has it for itself.
        """
        with problems(self._path):
            if self._database.in_transaction:
                self._database.execute("COMMIT")
            self._database.execute(f"PRAGMA busy_timeout={_JOIN_MS}")
            self._database.execute("BEGIN")
            if _has_begun(self._database, "SELECT count(*) FROM sqlite_master"):
                return
        self.release()
        raise _in_use(self._name)

    def release(self) -> None:
        """Let others use the journal."""
        self._database.close()


def _has_begun(database: sqlite3.Connection, statement: str) -> bool:
    """Execute a statement that takes a lock, and return whether it was free."""
    try:
        database.execute(statement)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            return False
        raise
    return True


_JOIN_MS: Final = 2_000
"""Milliseconds that a process waits for another one that is just joining."""


def _in_use(name: str) -> ConfigurationError:
    msg = (
        f"journal: {name} is in use by another run; wait until that has ended, or share it by "
        'on_conflict="join" in both runs'
    )
    return ConfigurationError(msg)
