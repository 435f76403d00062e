"""The connection pools of the asynchronous client libraries of PostgreSQL."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

LIBRARIES = ("asyncpg", "psycopg")


@asynccontextmanager
async def opened_pool(library: str, url: str, *, size: int = 4) -> AsyncGenerator[Any]:
    """Run a pool of one of `LIBRARIES`; the test is skipped if it is not installed."""
    if library == "asyncpg":
        asyncpg = pytest.importorskip("asyncpg")
        async with asyncpg.create_pool(url, min_size=1, max_size=size) as pool:
            yield pool
        return
    rows = pytest.importorskip("psycopg.rows")
    psycopg_pool = pytest.importorskip("psycopg_pool")
    options = {"row_factory": rows.dict_row, "connect_timeout": 10}
    async with psycopg_pool.AsyncConnectionPool(
        url, min_size=1, max_size=size, kwargs=options, open=False, timeout=3
    ) as pool:
        yield pool
