"""The access token of all processes, in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sikoia_async.stores.postgres.database import NOW
from sikoia_async.stores.protocols import StoredToken

if TYPE_CHECKING:
    from sikoia_async.stores.postgres.database import Database
    from sikoia_async.stores.sealing import Sealer

__all__ = ["PostgresTokens"]


class PostgresTokens:
    """Shares one access token between processes, encrypted if the stores have a secret."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer
        token, renewal = f"{database.schema}.token", f"{database.schema}.renewal"
        # Their names are validated, and values are parameters.
        self._load = (
            f"SELECT value, ends - {NOW} FROM {token} "  # noqa: S608
            f"WHERE account = $1::text AND ends > {NOW}"
        )
        self._save = (
            f"INSERT INTO {token} VALUES ($1::text, $2::text, {NOW} + $3::float8) "  # noqa: S608
            "ON CONFLICT (account) DO UPDATE SET value = excluded.value, ends = excluded.ends"
        )
        self._discard = f"DELETE FROM {token} WHERE account = $1::text AND value = $2::text"  # noqa: S608
        self._lock = (
            f"INSERT INTO {renewal} AS known "  # noqa: S608
            f"VALUES ($1::text, $2::text, {NOW} + $3::float8) ON CONFLICT (account) DO UPDATE "
            f"SET owner = $2::text, ends = {NOW} + $3::float8 "
            f"WHERE known.owner = $2::text OR known.ends <= {NOW} RETURNING 1"
        )
        self._unlock = f"DELETE FROM {renewal} WHERE account = $1::text AND owner = $2::text"  # noqa: S608

    async def load(self, account: str) -> StoredToken | None:
        """Return the access token, with the seconds it has left."""
        found = await self._row(self._load, account)
        if found is None:
            return None
        value = self._sealer.unseal(account, found[0])
        return None if value is None else StoredToken(value, found[1])

    async def save(self, account: str, token: StoredToken) -> None:
        """Keep an access token for as many seconds as it has left."""
        sealed = self._sealer.seal(account, token.value)
        await self._row(self._save, account, sealed, token.seconds)

    async def discard(self, account: str, value: str) -> None:
        """Remove an access token that Sikoia has refused."""
        # Compared here, since what is stored may be encrypted, and there, since it may be newer.
        found = await self._row(self._load, account)
        if found is not None and self._sealer.unseal(account, found[0]) == value:
            await self._row(self._discard, account, found[0])

    async def lock(self, account: str, owner: str, ttl: float) -> bool:
        """Reserve the renewal for one owner."""
        return await self._row(self._lock, account, owner, ttl) is not None

    async def unlock(self, account: str, owner: str) -> None:
        """Give the renewal back."""
        await self._row(self._unlock, account, owner)

    async def _row(self, query: str, *values: object) -> tuple[Any, ...] | None:
        return await self._database.run(lambda session: session.row(query, *values))
