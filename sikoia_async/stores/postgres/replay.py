"""Which webhook events were handled, in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sikoia_async.stores.postgres.database import NOW

if TYPE_CHECKING:
    from sikoia_async.stores.postgres.database import Database, Session
    from sikoia_async.stores.protocols import Claim

__all__ = ["PostgresReplay"]

_SWEPT: Final = 100
"""How many rows that have ended are removed at once, when an event was handled."""


class PostgresReplay:
    """Remembers which webhook events were handled."""

    def __init__(self, database: Database) -> None:
        self._database = database
        table = f"{database.schema}.claim"
        # Its name is validated, and values are parameters.
        self._claim = (
            f"INSERT INTO {table} AS known "  # noqa: S608
            f"VALUES ($1::text, $2::text, false, {NOW} + $3::float8) ON CONFLICT (key) DO UPDATE "
            f"SET owner = $2::text, done = false, ends = {NOW} + $3::float8 "
            f"WHERE known.ends <= {NOW} OR (known.owner = $2::text AND NOT known.done) RETURNING 1"
        )
        self._done = f"SELECT 1 FROM {table} WHERE key = $1::text AND done AND ends > {NOW}"  # noqa: S608
        self._confirm = (
            f"INSERT INTO {table} VALUES ($1::text, '', true, {NOW} + $2::float8) "  # noqa: S608
            "ON CONFLICT (key) DO UPDATE SET owner = '', done = true, ends = excluded.ends"
        )
        self._release = (
            f"DELETE FROM {table} "  # noqa: S608
            "WHERE key = $1::text AND owner = $2::text AND NOT done"
        )
        self._sweep = (
            f"DELETE FROM {table} WHERE key IN (SELECT key FROM {table} "  # noqa: S608
            f"WHERE ends <= {NOW} LIMIT {_SWEPT} FOR UPDATE SKIP LOCKED)"
        )

    async def claim(self, key: str, owner: str, *, ttl: float) -> Claim:
        """Reserve a key for one owner."""

        async def work(session: Session) -> Claim:
            if await session.row(self._claim, key, owner, ttl):
                return "new"
            return "done" if await session.row(self._done, key) else "busy"

        return await self._database.run(work)

    async def confirm(self, key: str, *, ttl: float) -> None:
        """Remember that a key is done, and forget some that have ended."""

        async def work(session: Session) -> None:
            await session.rows(self._confirm, key, ttl)
            await session.rows(self._sweep)

        await self._database.run(work)

    async def release(self, key: str, owner: str) -> None:
        """Give a claim back."""
        await self._row(self._release, key, owner)

    async def seen(self, key: str) -> bool:
        """Return whether a key is done."""
        return await self._row(self._done, key) is not None

    async def _row(self, query: str, *values: object) -> tuple[Any, ...] | None:
        return await self._database.run(lambda session: session.row(query, *values))
