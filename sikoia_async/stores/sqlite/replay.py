"""Which webhook events are handled, and which were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sqlite3 import Connection

    from sikoia_async.stores.protocols import Claim
    from sikoia_async.stores.sqlite.database import Database

__all__ = ["SqliteReplayStore"]


class SqliteReplayStore:
    """One row for each event.

    A claim ends when the host is started anew, because its owner is gone. That an event was handled
    is remembered beyond that, and so it is timed by the host's date.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, key: str, owner: str, *, ttl: float) -> Claim:
        """Reserve a key for one owner, unless it is reserved or done."""

        def work(db: Connection) -> Claim:
            now, wall = self._database.host.now(), self._database.host.wall()
            if db.execute(_SEEN, (key, wall)).fetchone() is not None:
                return "done"
            claimed = db.execute(_CLAIM, (key, owner, now + ttl, now)).rowcount > 0
            return "new" if claimed else "busy"

        return await self._database.write(work)

    async def confirm(self, key: str, *, ttl: float) -> None:
        """Remember that a key is done, and forget what has expired."""

        def work(db: Connection) -> None:
            now, wall = self._database.host.now(), self._database.host.wall()
            db.execute("DELETE FROM claim WHERE key = ? OR ends <= ?", (key, now))
            db.execute("DELETE FROM handled WHERE ends <= ?", (wall,))
            db.execute("REPLACE INTO handled VALUES (?, ?)", (key, wall + ttl))

        await self._database.write(work)
        await self._database.tidy()

    async def release(self, key: str, owner: str) -> None:
        """Give a claim back."""

        def work(db: Connection) -> None:
            db.execute("DELETE FROM claim WHERE key = ? AND owner = ?", (key, owner))

        await self._database.write(work)

    async def seen(self, key: str) -> bool:
        """Return whether a key is done."""

        def work(db: Connection) -> bool:
            return db.execute(_SEEN, (key, self._database.host.wall())).fetchone() is not None

        return await self._database.read(work)


_SEEN: Final = "SELECT 1 FROM handled WHERE key = ? AND ends > ?"
_CLAIM: Final = (
    "INSERT INTO claim VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE "
    "SET owner = excluded.owner, ends = excluded.ends "
    "WHERE owner = excluded.owner OR ends <= ?"
)
