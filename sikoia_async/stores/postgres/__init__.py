"""`PostgresStores`: what must not be lost, in PostgreSQL."""

from __future__ import annotations

import re
from typing import Any, Final

from sikoia_async._errors import ArgumentTypeError, ConfigurationError
from sikoia_async._validation import plain_string, validate_required, validate_type
from sikoia_async.stores.postgres.database import Database
from sikoia_async.stores.postgres.events import PostgresEvents
from sikoia_async.stores.postgres.purchases import PostgresPurchases
from sikoia_async.stores.postgres.replay import PostgresReplay
from sikoia_async.stores.postgres.schema import statements
from sikoia_async.stores.postgres.spend import PostgresSpend
from sikoia_async.stores.postgres.token import PostgresTokens
from sikoia_async.stores.sealing import Sealer
from sikoia_async.stores.shared import Stores

__all__ = ["PostgresStores"]

_SCHEMA: Final = re.compile(r"[a-z_][a-z0-9_]{0,39}", re.ASCII)


class PostgresStores(Stores):
    """Purchases, counts of chargeable calls, the access token and events, in PostgreSQL.

        pool = await asyncpg.create_pool("postgresql://...")
        async with Sikoia(shared=RedisStores(redis) | PostgresStores(pool)) as sikoia:
            ...

    Whatever a method has confirmed survives a crash of the process and of the server. Requires
    PostgreSQL 12 or newer. The rate limit is not held here: use `RedisStores`, or `SqliteStores` on
    a single host. LISTEN, for events, does not work through PgBouncer in its transaction mode.

    The tables are created on first use. If the pool's role may not create them, run
    `PostgresStores.statements()` as another role, and grant the pool's role USAGE on the schema,
    and SELECT, INSERT, UPDATE and DELETE on its tables.

    Args:
        pool: your pool, which you close: of `asyncpg`, or an `AsyncConnectionPool` of
            `psycopg_pool`. Both run on asyncio only. It needs at least two connections, because a
            client that waits for events occupies one.
        secret: encrypts the access token; a random string such as `secrets.token_hex(32)`, the same
            in all processes. Needs `pip install 'sikoia-async[encryption]'`.
        schema: the schema with the tables, in lower case.

    Raises:
        ArgumentTypeError: `pool` is not such a pool, or another argument is not a string.
        ConfigurationError: `schema` is not a name in lower case, or `secret` is blank.
    """

    def __init__(self, pool: Any, *, secret: str | None = None, schema: str = "sikoia") -> None:
        self._database = Database(_validate_pool(pool), _validate_schema(schema))
        super().__init__(
            token=PostgresTokens(self._database, Sealer(secret)),
            replay=PostgresReplay(self._database),
            events=PostgresEvents(self._database),
            spend=PostgresSpend(self._database),
            purchases=PostgresPurchases(self._database),
        )

    @staticmethod
    def statements(schema: str = "sikoia") -> str:
        """Return the SQL that creates the tables, to run as a role with that privilege.

        Args:
            schema: the schema with the tables, in lower case.
        """
        return statements(_validate_schema(schema))

    async def create_tables(self) -> None:
        """Create the tables, unless they exist. They are created on first use, too.

        Raises:
            ConfigurationError: the role lacks the privilege, or the tables belong to a newer
                version or to another application.
        """
        await self._database.prepare()

    async def aclose(self) -> None:
        """Release the pool, which stays open."""
        self._database.forget()


def _validate_pool(pool: Any) -> Any:
    # Pools and connections that block have some of these methods, too.
    is_pool = hasattr(pool, "acquire") or hasattr(pool, "connection")
    if not is_pool or not hasattr(pool, "__aenter__") or isinstance(pool, type):
        msg = (
            "PostgresStores: pool: expected a pool of asyncpg, or an AsyncConnectionPool of "
            "psycopg_pool"
        )
        raise ArgumentTypeError(msg)
    return pool


def _validate_schema(schema: str) -> str:
    expected = "a name of up to 40 letters in lower case, digits and _"
    name = validate_required("PostgresStores: schema", schema)
    validate_type("PostgresStores: schema", name, str, expected)
    if not _SCHEMA.fullmatch(name):
        msg = f"PostgresStores: schema: expected {expected}"
        raise ConfigurationError(msg)
    return plain_string(name)
