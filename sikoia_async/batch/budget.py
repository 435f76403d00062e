"""How many chargeable calls a batch has made, in all its runs, and how many it may make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sikoia_async._errors import ChargeLimitError
from sikoia_async.batch.file import problems, transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Budget"]

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS batch_bought (
    purchase TEXT PRIMARY KEY, operation TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batch_spent (
    operation TEXT, kind TEXT, count INTEGER NOT NULL, PRIMARY KEY (operation, kind)
) WITHOUT ROWID;
"""


class Budget:
    """Counts purchases by their key, so that one that is looked up or made again counts once.

    All methods block.

    Args:
        database: the journal.
        path: its file.
        limit: how many chargeable calls the batch may make in all its runs.
    """

    def __init__(self, database: sqlite3.Connection, path: Path, limit: int | None) -> None:
        self._database = database
        self._path = path
        self._limit = limit
        self.counts: dict[str, int] = {}
        """Chargeable calls by operation, as of the latest change or `refresh`."""
        with problems(path):
            database.executescript(_TABLES)
        self.refresh()

    def reserve(self, purchase: str, operation: str) -> None:
        """Count a purchase, unless it is counted already.

        Args:
            purchase: its key in the journal.
            operation: what it buys.

        Raises:
            ChargeLimitError: the limit is reached.
        """
        with transaction(self._database, self._path) as database:
            known = database.execute(
                "SELECT 1 FROM batch_bought WHERE purchase = ?", (purchase,)
            ).fetchone()
            if known is None:
                self._check(database, operation)
                database.execute("INSERT INTO batch_bought VALUES (?, ?)", (purchase, operation))
                _count(database, operation, "key", 1)
        self.refresh()

    def _check(self, database: sqlite3.Connection, operation: str) -> None:
        if self._limit is None:
            return
        (count,) = database.execute("SELECT coalesce(sum(count), 0) FROM batch_spent").fetchone()
        if count >= self._limit:
            msg = f"{operation} may cost money, and max_chargeable={self._limit} is used up"
            raise ChargeLimitError(msg)

    def give_back(self, purchase: str) -> None:
        """Count a purchase no longer: it cost nothing."""
        with transaction(self._database, self._path) as database:
            row = database.execute(
                "DELETE FROM batch_bought WHERE purchase = ? RETURNING operation", (purchase,)
            ).fetchone()
            if row is not None:
                _count(database, row[0], "key", -1)
        self.refresh()

    def add(self, calls: Mapping[str, int]) -> None:
        """Count chargeable calls that are not purchases under a key, by operation."""
        with transaction(self._database, self._path) as database:
            for operation, count in calls.items():
                _count(database, operation, "call", count)
        self.refresh()

    @property
    def left(self) -> int | None:
        """How many chargeable calls the batch may still make; None without a limit."""
        return None if self._limit is None else max(0, self._limit - sum(self.counts.values()))

    def refresh(self) -> None:
        """Read the counts, which other processes change, too."""
        with problems(self._path):
            rows = self._database.execute(
                "SELECT operation, sum(count) FROM batch_spent GROUP BY operation"
            ).fetchall()
        self.counts = {operation: count for operation, count in rows if count}


def _count(database: sqlite3.Connection, operation: str, kind: str, change: int) -> None:
    database.execute(
        "INSERT INTO batch_spent VALUES (?, ?, ?)"
        " ON CONFLICT (operation, kind) DO UPDATE SET count = count + excluded.count",
        (operation, kind, change),
    )
