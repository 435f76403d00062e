"""Transactions on a pool of asyncpg or psycopg, and the tables, which the first one creates."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import anyio

from sikoia_async._errors import ConfigurationError
from sikoia_async.stores.home import Home
from sikoia_async.stores.postgres.schema import VERSION, statements

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

__all__ = ["NOW", "Database", "Session", "left_in_order"]

T = TypeVar("T")

NOW: Final = "extract(epoch FROM clock_timestamp())::float8"

_TIMEOUT: Final = 10.0
"""Seconds that a transaction may take."""
_COMMIT: Final = 5.0
_ROLLBACK: Final = 1.0
"""Seconds that the end of a transaction may take, even if the caller is cancelled."""
_STALE: Final = 5
"""How many connections may turn out to be closed, as after a restart of the server."""
_CHANGED: Final = "0A000"
"""The SQLSTATE of a statement that was prepared before a table changed."""
_PARAMETER: Final = re.compile(r"\$(\d+)")

_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended($1::text, 0))"
_BEGIN: Final = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE"
# A database that does not wait for the disk, as some are configured, would forget a purchase.
_DURABLE: Final = (
    "SELECT set_config('synchronous_commit', 'on', true) "
    "WHERE current_setting('synchronous_commit') = 'off'"
)


def _tuples(_: object) -> type[tuple[Any, ...]]:
    """Return what makes a row, in the way of psycopg."""
    return tuple


class Session:
    """A connection, and its transaction."""

    def __init__(self, connection: Any, *, is_psycopg: bool) -> None:
        self._connection: Any = connection
        self._is_psycopg = is_psycopg
        self.has_begun: bool = False
        """Whether the connection has begun a transaction, and so was open."""

    async def run(self, work: Callable[[Session], Awaitable[T]]) -> T:
        """Do something in one transaction.

        If a table has changed since the connection prepared a statement, do it again: nothing was
        done, and with the rollback the libraries forget what they have prepared.
        """
        try:
            return await self._run_once(work)
        except Exception as error:
            if getattr(error, "sqlstate", None) != _CHANGED:
                raise
        return await self._run_once(work)

    async def _run_once(self, work: Callable[[Session], Awaitable[T]]) -> T:
        async with left_in_order(self._connection.transaction()):
            await self.script(_BEGIN)
            self.has_begun = True
            await self.rows(_DURABLE)
            return await work(self)

    async def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a query, whose parameters are `$1` and so on, and return its rows."""
        if not self._is_psycopg:
            return [tuple(row) for row in await self._connection.fetch(query, *values)]
        # The user's connections may return rows of any type.
        async with self._connection.cursor(row_factory=_tuples) as cursor:
            named = {f"p{number}": value for number, value in enumerate(values, 1)}
            await cursor.execute(_PARAMETER.sub(r"%(p\1)s", query), named or None)
            return list(await cursor.fetchall()) if cursor.description else []

    async def row(self, query: str, *values: object) -> tuple[Any, ...] | None:
        """Run a query and return its first row."""
        found = await self.rows(query, *values)
        return found[0] if found else None

    async def script(self, sql: str) -> None:
        """Run several statements without parameters."""
        await self._connection.execute(sql)


class Database:
    """The user's pool, and the schema with our tables."""

    def __init__(self, pool: Any, schema: str) -> None:
        self.schema: str = schema
        self._pool: Any = pool
        self.is_psycopg: bool = not hasattr(pool, "acquire")
        self._home = Home(_FOREIGN, _NOT_ON_TRIO)
        self._is_prepared = False

    def forget(self) -> None:
        """Take the next event loop for that of the pool."""
        self._home.forget()

    async def run(self, work: Callable[[Session], Awaitable[T]]) -> T:
        """Do something in one transaction, which is durable when this returns.

        Raises:
            ConfigurationError: the pool is closed or of another event loop, or the tables are not
                ours and cannot be created.
        """
        if not self._is_prepared:
            await self.prepare()
        return await self._run(work)

    async def prepare(self) -> None:
        """Create the tables, unless they exist, and check their version."""
        await self._run(self._prepare)
        self._is_prepared = True

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Any]:
        """Borrow a connection from the pool."""
        self._home.check()
        opened = self._pool.connection() if self.is_psycopg else self._pool.acquire()
        async with left_in_order(opened) as connection:
            yield connection

    async def _run(self, work: Callable[[Session], Awaitable[T]]) -> T:
        attempts = 0
        while True:
            attempts += 1
            session = None
            try:
                with anyio.fail_after(_TIMEOUT):
                    async with self.connection() as connection:
                        session = Session(connection, is_psycopg=self.is_psycopg)
                        return await session.run(work)
            except Exception as error:
                problem = _misuse(error)
                has_begun = session is not None and session.has_begun
                is_stale = not has_begun and attempts < _STALE and not _has_timed_out(error)
                if problem is None and not is_stale:
                    raise
            if problem is not None:
                raise ConfigurationError(problem)

    async def _prepare(self, session: Session) -> None:
        # One process creates them; the others wait, and find them.
        await session.rows(_LOCK, self.schema)
        table = f"{self.schema}.version"
        [(exists,)] = await session.rows("SELECT to_regclass($1::text) IS NOT NULL", table)
        if not exists:
            await session.script(statements(self.schema))
            return
        [(version,)] = await session.rows(f"SELECT max(version) FROM {table}")  # noqa: S608 - ours
        if version is None:
            raise ConfigurationError(_OTHER_TABLES)
        if version > VERSION:
            raise ConfigurationError(_NEWER)


@asynccontextmanager
async def left_in_order(manager: Any) -> AsyncGenerator[Any]:
    """Enter a context manager of the library, and leave it also while the caller is cancelled.

    It would otherwise be cancelled as well, and return a connection in the middle of a transaction
    to the pool.
    """
    value = await manager.__aenter__()
    try:
        yield value
    except BaseException as error:
        with anyio.move_on_after(_ROLLBACK, shield=True):
            await manager.__aexit__(type(error), error, error.__traceback__)
        raise
    else:
        with anyio.fail_after(_COMMIT, shield=True):
            await manager.__aexit__(None, None, None)


def _has_timed_out(error: Exception) -> bool:
    return isinstance(error, TimeoutError) or type(error).__name__ == "PoolTimeout"


def _misuse(error: Exception) -> str | None:
    """Return what is wrong with how the pool or the database is used; None for an outage."""
    if (state := getattr(error, "sqlstate", None)) in _STATES:
        return _STATES[state]
    message = str(error).lower()
    if type(error).__name__ in ("PoolClosed", "InterfaceError", "RuntimeError") and any(
        part in message for part in _MISUSES
    ):
        return _FOREIGN
    return None


_MISUSES: Final = (
    "event loop",
    "different loop",
    "pool is closed",
    "pool is closing",
    "already closed",
    "not initialized",
    "not open",
)
_FOREIGN: Final = (
    "PostgresStores: the pool is closed, was not opened, or belongs to another event loop"
)
_NOT_ON_TRIO: Final = (
    "PostgresStores: asyncpg and psycopg run on asyncio only; on trio, use SqliteStores"
)
_NEWER: Final = (
    "PostgresStores: the tables were made by a newer version of this SDK; update it here as well"
)
_OTHER_TABLES: Final = (
    "PostgresStores: another application has tables in this schema; pass another `schema`"
)
_STATES: Final = {
    "42501": (
        "PostgresStores: the role of the pool may not create or use the tables; let another one "
        "run PostgresStores.statements() and grant this one its tables"
    ),
    "42P01": _OTHER_TABLES,
    "42P07": _OTHER_TABLES,
    "42703": _OTHER_TABLES,
    "42804": _OTHER_TABLES,
    "42883": _OTHER_TABLES,
}
"""https://www.postgresql.org/docs/current/errcodes-appendix.html"""
