"""Messages for all processes of a host, by polling a small table."""

from __future__ import annotations

from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Self

from anyio import sleep

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from sqlite3 import Connection

    from sikoia_async.stores.sqlite.database import Database

__all__ = ["SqliteEventStore"]

_INTERVAL: Final = 0.25
"""Seconds between two polls; a poll takes some 30 microseconds."""
_KEEP: Final = 60.0
"""Seconds that a message is kept for subscribers that poll late."""
_MOST: Final = 1000
"""Messages that one poll reads."""


class SqliteEventStore:
    """One row for each message, for a minute. The table is polled while somebody subscribes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def publish(self, account: str, message: str) -> None:
        """Send a message to all processes, and forget old ones."""

        def work(db: Connection) -> None:
            now = self._database.host.now()
            db.execute("DELETE FROM event WHERE ends <= ?", (now,))
            db.execute(
                "INSERT INTO event (account, message, ends) VALUES (?, ?, ?)",
                (account, message, now + _KEEP),
            )

        await self._database.write(work)
        await self._database.tidy()

    @asynccontextmanager
    async def subscribe(self, account: str) -> AsyncGenerator[AsyncIterator[str]]:
        """Iterate over messages that are published from now on."""

        def work(db: Connection) -> int:
            row = db.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence").fetchone()
            return int(row[0])

        last = await self._database.read(work)
        yield _Subscription(self._database, account, last)


class _Subscription:
    """An iterator that polls. Nothing is open between two polls."""

    def __init__(self, database: Database, account: str, last: int) -> None:
        self._database = database
        self._account = account
        self._last = last
        """The id of the last message that was read."""
        self._epoch = database.epoch
        self._messages = deque[str]()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        while not self._messages:
            await self._poll()
            if not self._messages:
                await sleep(_INTERVAL)
        return self._messages.popleft()

    async def _poll(self) -> None:
        def work(db: Connection) -> list[tuple[int, str]]:
            if self._epoch != self._database.epoch:  # another file, whose ids begin anew
                self._epoch, self._last = self._database.epoch, 0
            return db.execute(_NEXT, (self._last, self._account, _MOST)).fetchall()

        for number, message in await self._database.read(work):
            self._last = number
            self._messages.append(message)


_NEXT: Final = "SELECT id, message FROM event WHERE id > ? AND account = ? ORDER BY id LIMIT ?"
