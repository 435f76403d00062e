"""How many chargeable calls were made, durably."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sikoia_async.stores.protocols import SpendUsedUp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from sqlite3 import Connection

    from sikoia_async.stores.protocols import Charge, SpendLimitBucket
    from sikoia_async.stores.sqlite.database import Database

__all__ = ["SqliteSpendStore"]


class SqliteSpendStore:
    """One row for each call, and one for each count that it adds to; they stay until a reset.

    They outlive a restart of the host, and so they are timed by its date.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reserve(self, account: str, charge: Charge) -> SpendUsedUp | None:
        """Count a call, unless one of its buckets is full."""

        def work(db: Connection) -> SpendUsedUp | None:
            now = self._database.host.wall()
            is_known = "SELECT 1 FROM charge WHERE account = ? AND id = ?"
            if db.execute(is_known, (account, charge.id)).fetchone() is not None:
                return None
            for bucket in charge.buckets:
                if (used_up := _used_up(db, account, bucket, now)) is not None:
                    return used_up
            db.execute(
                "INSERT INTO charge VALUES (?, ?, ?)", (account, charge.id, charge.operation)
            )
            db.executemany(
                "INSERT INTO counted VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                [(account, bucket.name, charge.id, now) for bucket in charge.buckets],
            )
            return None

        return await self._database.write_durably(work)

    async def give_back(self, account: str, charge: Charge) -> None:
        """Count a call no longer."""

        def work(db: Connection) -> None:
            db.execute("DELETE FROM charge WHERE account = ? AND id = ?", (account, charge.id))
            db.executemany(
                "DELETE FROM counted WHERE account = ? AND bucket = ? AND id = ?",
                [(account, bucket.name, charge.id) for bucket in charge.buckets],
            )

        await self._database.write_durably(work)

    async def spent(self, account: str) -> Mapping[str, int]:
        """Return how many calls were counted, by operation."""

        def work(db: Connection) -> dict[str, int]:
            by_operation = "SELECT operation, count(*) FROM charge WHERE account = ? GROUP BY 1"
            return dict(db.execute(by_operation, (account,)).fetchall())

        return await self._database.read_durably(work)

    async def reset(self, account: str) -> None:
        """Forget all calls that were counted."""

        def work(db: Connection) -> None:
            db.execute("DELETE FROM charge WHERE account = ?", (account,))
            db.execute("DELETE FROM counted WHERE account = ?", (account,))

        await self._database.write_durably(work)


def _used_up(
    db: Connection, account: str, bucket: SpendLimitBucket, now: float
) -> SpendUsedUp | None:
    since = float("-inf") if bucket.per is None else now - bucket.per
    used, first = db.execute(_USED, (account, bucket.name, since)).fetchone()
    if used < bucket.limit:
        return None
    if bucket.per is None or first is None:
        return SpendUsedUp(bucket.name)
    return SpendUsedUp(bucket.name, first + bucket.per - now)


_USED: Final = "SELECT count(*), min(at) FROM counted WHERE account = ? AND bucket = ? AND at > ?"
