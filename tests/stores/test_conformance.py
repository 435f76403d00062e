"""Our stores pass the conformance suite that users run on theirs."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import postgres_pools
import pytest
from redis_clients import LEFTOVERS, LIBRARIES, backend_of, create, opened
from servers import PostgresServer, RedisServer
from store_suites import MemoryConformance

from sikoia_async.stores import Host, PostgresStores, RedisStores, SqliteStores, Stores
from sikoia_async.testing.stores import (
    EventConformance,
    PurchaseConformance,
    QuotaConformance,
    ReplayConformance,
    SpendConformance,
    TokenConformance,
    check_quota_histories,
)


class TestMemory(MemoryConformance):
    """`MemoryStores`."""

    def test_random_histories(self) -> None:
        """The rate limit, against a model."""
        check_quota_histories(self.open, advance=self.sleep)


class TestSqlite(MemoryConformance):
    """`SqliteStores` on the clocks of a host that tests move, each on a connection of its own."""

    @pytest.fixture(autouse=True)
    def _file(self, tmp_path: Path) -> None:
        self.path = tmp_path / "sikoia.db"

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Stores]:
        """Open the file."""
        host = Host(now=self.clock, wall=self.clock, boot_id="boot")
        async with SqliteStores(self.path, host=host) as stores:
            yield stores

    def test_random_histories(self) -> None:
        """The rate limit, against a model."""
        check_quota_histories(self.open, advance=self.sleep, max_examples=10)


@LEFTOVERS
@pytest.mark.parametrize("library", LIBRARIES)
class TestRedis(QuotaConformance, TokenConformance, ReplayConformance, EventConformance):
    """`RedisStores` by each client library; they hold neither spend nor purchases."""

    units = (0.1, 1.0)

    @pytest.fixture
    def anyio_backend(self, library: str) -> str:
        """Run on the event loop of the library."""
        return backend_of(library)

    @pytest.fixture(autouse=True)
    def _server(self, library: str, shared_redis: RedisServer) -> None:
        create(library, shared_redis.url)  # skips the test if it is not installed
        self.library, self.url = library, shared_redis.url

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Stores]:
        """Connect to the server."""
        async with opened(self.library, self.url) as client:
            yield RedisStores(client)

    async def lose(self) -> None:
        """Empty the server."""
        async with opened(self.library, self.url) as client:
            await client.flushall()

    def test_random_histories(self) -> None:
        """The rate limit, against a model; the server has a clock of its own."""
        backend = backend_of(self.library)
        check_quota_histories(self.open, lose=self.lose, backend=backend, max_examples=3)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # the libraries have nothing else
@pytest.mark.parametrize("library", postgres_pools.LIBRARIES)
class TestPostgres(
    TokenConformance, ReplayConformance, EventConformance, SpendConformance, PurchaseConformance
):
    """`PostgresStores` by each client library; they hold all but the rate limit."""

    units = (0.1, 1.0)

    @pytest.fixture(autouse=True)
    def _server(self, library: str, postgres_server: PostgresServer) -> None:
        self.library, self.url = library, postgres_server.url()

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Stores]:
        """Connect to the server."""
        async with postgres_pools.opened_pool(self.library, self.url) as pool:
            yield PostgresStores(pool)
