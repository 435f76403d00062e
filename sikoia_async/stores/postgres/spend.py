"""How many chargeable calls were made, durably, in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sikoia_async.stores.postgres.database import NOW
from sikoia_async.stores.protocols import SpendUsedUp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sikoia_async.stores.postgres.database import Database, Session
    from sikoia_async.stores.protocols import Charge

__all__ = ["PostgresSpend"]


class PostgresSpend:
    """Counts chargeable calls: a row for each, and one for each count that it adds to."""

    def __init__(self, database: Database) -> None:
        self._database = database
        schema = database.schema
        # Their names are validated, and values are parameters.
        self._lock = "SELECT pg_advisory_xact_lock(hashtextextended($1::text, 1))"
        self._known = f"SELECT 1 FROM {schema}.charge WHERE account = $1::text AND id = $2::text"  # noqa: S608
        self._add = f"INSERT INTO {schema}.charge VALUES ($1::text, $2::text, $3::text)"  # noqa: S608
        self._used = (
            f"SELECT count(*), min(at) + $3::float8 - {NOW} FROM {schema}.counted "  # noqa: S608
            "WHERE account = $1::text AND bucket = $2::text "
            f"AND ($3::float8 IS NULL OR at > {NOW} - $3::float8)"
        )
        self._count = (
            f"INSERT INTO {schema}.counted "  # noqa: S608
            f"VALUES ($1::text, $2::text, $3::text, {NOW}) ON CONFLICT DO NOTHING"
        )
        self._remove = tuple(
            f"DELETE FROM {schema}.{table} WHERE account = $1::text AND id = $2::text"  # noqa: S608
            for table in ("charge", "counted")
        )
        self._reset = tuple(
            f"DELETE FROM {schema}.{table} WHERE account = $1::text"  # noqa: S608
            for table in ("charge", "counted")
        )
        self._spent = (
            f"SELECT operation, count(*) FROM {schema}.charge "  # noqa: S608
            "WHERE account = $1::text GROUP BY 1"
        )

    async def reserve(self, account: str, charge: Charge) -> SpendUsedUp | None:
        """Count a call, unless one of its buckets is full."""

        async def work(session: Session) -> SpendUsedUp | None:
            await session.rows(self._lock, f"{self._database.schema}:{account}")
            if await session.row(self._known, account, charge.id):
                return None
            for bucket in charge.buckets:
                [(used, left)] = await session.rows(self._used, account, bucket.name, bucket.per)
                if used >= bucket.limit:
                    return SpendUsedUp(bucket.name, left)
            await session.rows(self._add, account, charge.id, charge.operation)
            for bucket in charge.buckets:
                await session.rows(self._count, account, bucket.name, charge.id)
            return None

        return await self._database.run(work)

    async def give_back(self, account: str, charge: Charge) -> None:
        """Count a call no longer."""

        async def work(session: Session) -> None:
            for statement in self._remove:
                await session.rows(statement, account, charge.id)

        await self._database.run(work)

    async def spent(self, account: str) -> Mapping[str, int]:
        """Return how many calls were counted, by operation."""

        async def work(session: Session) -> Mapping[str, int]:
            return dict(await session.rows(self._spent, account))

        return await self._database.run(work)

    async def reset(self, account: str) -> None:
        """Forget all calls that were counted."""

        async def work(session: Session) -> None:
            for statement in self._reset:
                await session.rows(statement, account)

        await self._database.run(work)
