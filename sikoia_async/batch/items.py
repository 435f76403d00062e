"""The journal of a batch: which items were started, and how they ended. It holds no values.

It is a part of the SQLite file that also records the purchases of the batch. All methods block:
call them in a thread, one at a time.

Notes are written without waiting for the disk. They survive the process; after a power cut the
latest may be missing, and their items are repeated, which buys nothing: purchases are durable.
"""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any, Final, Literal, TypeGuard

import attrs

from sikoia_async._errors import ConfigurationError
from sikoia_async.batch.file import problems, transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence
    from pathlib import Path

__all__ = [
    "LEASE",
    "Claim",
    "Counts",
    "FailedItem",
    "ItemJournal",
    "ItemState",
    "Note",
    "hash_of",
    "is_key",
    "repeated",
]

ItemState = Literal["started", "done", "failed", "doubt"]
Claim = Literal["new", "started", "failed", "doubt", "skipped", "busy", "duplicate"]
"""The state of an item that is now this run's; or that it was dealt with earlier, is another
process's, or has the key of an earlier item of this run."""

LEASE: Final = 60.0
"""Seconds after which the items of a process that shares the journal are free, if it is dead."""
_VERSION: Final = "1"
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS batch_about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batch_items (
    key BLOB PRIMARY KEY, state TEXT NOT NULL, owner TEXT NOT NULL, began REAL NOT NULL, ended REAL,
    requests INTEGER NOT NULL DEFAULT 0, error TEXT, status INTEGER, correlation_id TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS batch_items_state ON batch_items (state) WHERE state <> 'done';
CREATE TABLE IF NOT EXISTS batch_owners (owner TEXT PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID;
CREATE TEMP TABLE seen (key BLOB PRIMARY KEY) WITHOUT ROWID;
"""


def hash_of(key: str) -> bytes:
    """Return the hash that stands for a key in the journal."""
    return hashlib.sha256(key.encode()).digest()


def is_key(value: object) -> TypeGuard[str]:
    """Return whether a value can be a key: a string of valid Unicode that is not empty."""
    try:
        return isinstance(value, str) and bool(value.strip() and value.encode())
    except UnicodeEncodeError:
        return False


def repeated(*, retry_failed: bool) -> frozenset[ItemState]:
    """Return the states of ended items that a run works on again."""
    return frozenset({"doubt", "failed"} if retry_failed else {"doubt"})


@attrs.frozen(kw_only=True)
class Note:
    """How an item ended."""

    key: bytes
    state: ItemState | None
    """None if it counts as not started."""
    requests: int = 0
    error: str | None = None
    """The type of the exception; its message may repeat values."""
    status: int | None = None
    correlation_id: str | None = None


@attrs.frozen(kw_only=True)
class FailedItem:
    """What the journal knows of an item that has failed."""

    key: str
    """The SHA-256 hash of its key, in hexadecimal digits."""
    error: str | None
    """The type of the exception."""
    status: int | None
    """The HTTP status of the response, if there was one."""
    correlation_id: str | None


@attrs.frozen
class Counts:
    """How many items are in which state."""

    done: int = 0
    failed: int = 0
    doubt: int = 0
    started: int = 0
    requests: int = 0
    """The requests for all items that have ended."""


def _is_skipped(state: Claim, again: frozenset[ItemState]) -> bool:
    return state not in {"new", "started", *again}


class ItemJournal:
    """The items of one batch.

    Args:
        database: a connection to the journal.
        path: its file.
        owner: a random string that names this process.
        clock: seconds on a clock that all processes of this host share.
    """

    def __init__(
        self,
        database: sqlite3.Connection,
        path: Path,
        owner: str,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._owner = owner
        self._clock = clock
        self._database = database
        with problems(path):
            database.executescript(_TABLES)

    def describe(self, about: dict[str, str]) -> None:
        """Record which batch this is.

        Raises:
            ConfigurationError: the journal belongs to another batch.
        """
        about = {"version": _VERSION, **about}
        with transaction(self._database, self._path) as database:
            for name, value in about.items():
                database.execute("INSERT OR IGNORE INTO batch_about VALUES (?, ?)", (name, value))
            known = dict(database.execute("SELECT name, value FROM batch_about").fetchall())
        other = [name for name, value in about.items() if known[name] != value]
        if other:
            msg = (
                f"{self._path.name}: the journal of another batch (its {other[0]} differs); "
                "continue with what it was begun with, or use another file"
            )
            raise ConfigurationError(msg)

    def about(self, name: str) -> str | None:
        """Return what `describe` or `note` has recorded under a name."""
        rows = self._read("SELECT value FROM batch_about WHERE name = ?", name)
        return str(rows[0][0]) if rows else None

    def remember(self, name: str, value: str) -> None:
        """Record something about the batch, such as how it was started."""
        with transaction(self._database, self._path) as database:
            database.execute("INSERT OR REPLACE INTO batch_about VALUES (?, ?)", (name, value))

    def free_others(self) -> None:
        """Give up the claims of all other processes: they are dead."""
        with transaction(self._database, self._path) as database:
            database.execute("DELETE FROM batch_owners")

    def renew(self) -> None:
        """State that this process is alive."""
        with transaction(self._database, self._path) as database:
            database.execute(
                "INSERT OR REPLACE INTO batch_owners VALUES (?, ?)",
                (self._owner, self._clock() + LEASE),
            )

    def leave(self) -> None:
        """Give up the claims of this process."""
        with transaction(self._database, self._path) as database:
            database.execute("DELETE FROM batch_owners WHERE owner = ?", (self._owner,))

    def forget_seen(self) -> None:
        """Begin to read the items from the start."""
        self._read("DELETE FROM seen")

    def claim(self, keys: Sequence[bytes], again: frozenset[ItemState]) -> list[Claim]:
        """Claim items, or say why not.

        Args:
            keys: the hashes of their keys.
            again: claim also items in these states.
        """
        with transaction(self._database, self._path) as database:
            alive = self._alive(database)
            return [self._claim(database, key, again, alive) for key in keys]

    def _claim(
        self,
        database: sqlite3.Connection,
        key: bytes,
        again: frozenset[ItemState],
        alive: set[str],
    ) -> Claim:
        if not database.execute("INSERT OR IGNORE INTO seen VALUES (?)", (key,)).rowcount:
            return "duplicate"
        row = database.execute(
            "SELECT state, owner FROM batch_items WHERE key = ?", (key,)
        ).fetchone()
        state: Claim
        state, owner = row or ("new", "")
        if state == "started" and owner in alive:
            return "busy"
        if _is_skipped(state, again):
            return "skipped"
        database.execute(
            "INSERT INTO batch_items (key, state, owner, began) VALUES (?, 'started', ?, ?)"
            " ON CONFLICT (key) DO UPDATE SET state = 'started', owner = excluded.owner,"
            " ended = NULL, error = NULL, status = NULL, correlation_id = NULL",
            (key, self._owner, time.time()),
        )
        return state

    def _alive(self, database: sqlite3.Connection) -> set[str]:
        """Return the other processes that are alive."""
        now = self._clock()
        rows = database.execute("SELECT owner, until FROM batch_owners").fetchall()
        # A lease that ends later than any could is from before the system was started.
        return {one for one, until in rows if now < until <= now + LEASE and one != self._owner}

    def note(self, notes: Sequence[Note], position: int | None = None) -> None:
        """Record how items of this process ended, and the position of the output."""
        with transaction(self._database, self._path) as database:
            for one in notes:
                if one.state is None:
                    database.execute(
                        "DELETE FROM batch_items WHERE key = ? AND owner = ?",
                        (one.key, self._owner),
                    )
                    continue
                database.execute(
                    "UPDATE batch_items SET state = ?, ended = ?, requests = requests + ?,"
                    " error = ?, status = ?, correlation_id = ? WHERE key = ? AND owner = ?",
                    (
                        one.state,
                        time.time(),
                        one.requests,
                        one.error,
                        one.status,
                        one.correlation_id,
                        one.key,
                        self._owner,
                    ),
                )
            if position is not None:
                database.execute(
                    "INSERT OR REPLACE INTO batch_about VALUES ('position', ?)", (str(position),)
                )

    def settle(self, notes: Sequence[Note]) -> None:
        """Record how items ended that a killed process had written to its output."""
        now = time.time()
        with transaction(self._database, self._path) as database:
            database.executemany(
                "INSERT INTO batch_items"
                " (key, state, owner, began, ended, error, status, correlation_id)"
                " VALUES (?, ?, '', ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET"
                " state = excluded.state, ended = excluded.ended, error = excluded.error,"
                " status = excluded.status, correlation_id = excluded.correlation_id",
                [
                    (one.key, one.state, now, now, one.error, one.status, one.correlation_id)
                    for one in notes
                ],
            )

    def counts(self) -> Counts:
        """Return how many items are in which state."""
        rows = self._read("SELECT state, count(*), sum(requests) FROM batch_items GROUP BY state")
        states = {state: count for state, count, _ in rows}
        return Counts(
            done=states.get("done", 0),
            failed=states.get("failed", 0),
            doubt=states.get("doubt", 0),
            started=states.get("started", 0),
            requests=sum(requests for _, _, requests in rows),
        )

    def skips(self, key: bytes, again: frozenset[ItemState]) -> bool:
        """Return whether `claim` would skip an item."""
        rows = self._read("SELECT state FROM batch_items WHERE key = ?", key)
        return bool(rows) and _is_skipped(rows[0][0], again)

    def ended(self, keys: Sequence[bytes]) -> set[bytes]:
        """Return the keys of items that have ended; one that was cancelled has not."""
        statement = "SELECT 1 FROM batch_items WHERE key = ? AND state <> 'started'"
        return {key for key in keys if self._read(statement, key)}

    def failed(self, after: bytes) -> list[FailedItem]:
        """Return the next items that have failed, in the order of their hashes."""
        rows = self._read(
            "SELECT key, error, status, correlation_id FROM batch_items"
            " WHERE state = 'failed' AND key > ? ORDER BY key LIMIT 100",
            after,
        )
        return [
            FailedItem(key=key.hex(), error=error, status=status, correlation_id=correlation_id)
            for key, error, status, correlation_id in rows
        ]

    def _read(self, statement: str, *values: object) -> list[Any]:
        with problems(self._path):
            return self._database.execute(statement, values).fetchall()
