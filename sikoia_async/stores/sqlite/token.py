"""The access token, and who renews it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sikoia_async.stores.protocols import StoredToken

if TYPE_CHECKING:
    from sqlite3 import Connection

    from sikoia_async.stores.sealing import Sealer
    from sikoia_async.stores.sqlite.database import Database

__all__ = ["SqliteTokenStore"]


class SqliteTokenStore:
    """One row for each account. A token is forgotten when the host is started anew."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    async def load(self, account: str) -> StoredToken | None:
        """Return the access token; None if there is none that is valid."""

        def work(db: Connection) -> tuple[str, float] | None:
            row: tuple[str, float] | None = db.execute(_LOAD, (account,)).fetchone()
            return row

        row = await self._database.read(work)
        if row is None:
            return None
        stored, ends = row
        seconds = ends - self._database.host.now()
        token = self._sealer.unseal(account, stored)
        return None if token is None or seconds <= 0 else StoredToken(token, seconds)

    async def save(self, account: str, token: StoredToken) -> None:
        """Keep an access token, and remove those of all accounts that have expired."""
        stored = self._sealer.seal(account, token.value)

        def work(db: Connection) -> None:
            now = self._database.host.now()
            db.execute("DELETE FROM token WHERE ends <= ?", (now,))
            db.execute(
                "REPLACE INTO token VALUES (?, ?, ?)", (account, stored, now + token.seconds)
            )

        await self._database.write(work)

    async def discard(self, account: str, value: str) -> None:
        """Remove this access token; another one stays."""

        def work(db: Connection) -> None:
            row = db.execute(_LOAD, (account,)).fetchone()
            if row is not None and self._sealer.unseal(account, row[0]) == value:
                db.execute("DELETE FROM token WHERE account = ?", (account,))

        await self._database.write(work)

    async def lock(self, account: str, owner: str, ttl: float) -> bool:
        """Reserve the renewal for one owner, unless another one has it."""

        def work(db: Connection) -> bool:
            now = self._database.host.now()
            return db.execute(_LOCK, (account, owner, now + ttl, now)).rowcount > 0

        return await self._database.write(work)

    async def unlock(self, account: str, owner: str) -> None:
        """Give the renewal back."""

        def work(db: Connection) -> None:
            db.execute("DELETE FROM renewal WHERE account = ? AND owner = ?", (account, owner))

        await self._database.write(work)


_LOAD: Final = "SELECT value, ends FROM token WHERE account = ?"
_LOCK: Final = (
    "INSERT INTO renewal VALUES (?, ?, ?) ON CONFLICT (account) DO UPDATE "
    "SET owner = excluded.owner, ends = excluded.ends "
    "WHERE owner = excluded.owner OR ends <= ?"
)
