"""`PostgresStores` on a PostgreSQL server, by each client library."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import anyio
import attrs
import pytest
from postgres_pools import LIBRARIES, opened_pool
from servers import PostgresServer

from sikoia_async.errors import ArgumentTypeError, ConfigurationError
from sikoia_async.stores import (
    Charge,
    PostgresStores,
    Purchase,
    SpendLimitBucket,
    SpendUsedUp,
    StoredToken,
)
from sikoia_async.stores.protocols import (
    EventStore,
    PurchaseStore,
    ReplayStore,
    SpendStore,
    TokenStore,
)

pytestmark = pytest.mark.anyio

T = TypeVar("T")


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> str:
    """Run a test with each library."""
    return str(request.param)


@pytest.fixture
def anyio_backend() -> str:
    """Run it on asyncio: neither library runs on trio."""
    return "asyncio"


def spend_of(pool: Any) -> SpendStore:
    """Return the store of the counts of chargeable calls."""
    spend = PostgresStores(pool).spend
    assert spend is not None
    return spend


def purchases_of(pool: Any) -> PurchaseStore:
    """Return the store of purchases."""
    purchases = PostgresStores(pool).purchases
    assert purchases is not None
    return purchases


def charge(number: int, *buckets: SpendLimitBucket) -> Charge:
    """Return a chargeable call."""
    return Charge(id=f"{number}", operation="identity.request", buckets=buckets)


async def test_spend_is_counted_together(postgres_url: str, library: str) -> None:
    """Once per call, in all of its buckets or in none, until it is given back or has aged."""
    minute = SpendLimitBucket(name="minute", limit=2, per=60)
    ever = SpendLimitBucket(name="ever", limit=3)
    async with opened_pool(library, postgres_url) as pool:
        spend, other = spend_of(pool), spend_of(pool)
        for number in (1, 1, 2):
            assert await spend.reserve("a", charge(number, ever, minute)) is None
        full = await other.reserve("a", charge(3, ever, minute))
        assert full is not None
        assert full.bucket == "minute"
        assert full.seconds is not None
        assert 0 < full.seconds <= 60
        assert await other.reserve("b", charge(3, ever, minute)) is None
        assert await other.reserve("a", charge(3, ever)) is None
        assert await other.reserve("a", charge(4, ever)) == SpendUsedUp("ever")
        assert await spend.spent("a") == {"identity.request": 3}

        await other.give_back("a", charge(1, ever, minute))
        assert await spend.reserve("a", charge(5, ever, minute)) is None
        aged = SpendLimitBucket(name="minute", limit=2, per=0.001)
        await spend.reset("a")
        for number in (6, 7, 8):
            await anyio.sleep(0.005)
            assert await spend.reserve("a", charge(number, aged)) is None
        await spend.reset("a")
        assert await spend.spent("a") == {}
        assert await spend.spent("b") == {"identity.request": 1}


async def test_no_more_is_bought_at_once_than_the_limit(postgres_url: str, library: str) -> None:
    """Also when the tables are created by all at the same moment."""
    bucket = SpendLimitBucket(name="all", limit=5)
    results: list[SpendUsedUp | None] = []

    async def reserve(spend: SpendStore, number: int) -> None:
        results.append(await spend.reserve("a", charge(number, bucket)))

    async with (
        opened_pool(library, postgres_url) as one,
        opened_pool(library, postgres_url) as two,
        anyio.create_task_group() as tasks,
    ):
        for number in range(20):
            tasks.start_soon(reserve, spend_of(one if number % 2 else two), number)

    assert results.count(None) == bucket.limit
    assert results.count(SpendUsedUp("all")) == 15


async def test_a_purchase_belongs_to_one_owner(postgres_url: str, library: str) -> None:
    """It is recorded once, changed by its owner, and intended anew only if it was refused."""
    purchase = Purchase(
        key="k", operation="o.p", arguments="x", owner="one", intended_at=1.5, ends_at=2.25
    )
    async with opened_pool(library, postgres_url) as pool:
        purchases = purchases_of(pool)
        assert await purchases.get("a", "k") is None
        assert await purchases.intend("a", purchase) == purchase
        assert await purchases.get("a", "k") == purchase
        again = attrs.evolve(purchase, owner="two", intended_at=3.0)
        assert await purchases.intend("a", again) == purchase
        assert await purchases.intend("b", again) == again

        assert not await purchases.change("a", again, owner="two")
        refused = attrs.evolve(purchase, state="refused", correlation_id="c", token="t")
        assert await purchases.change("a", refused, owner="one")
        assert await purchases.get("a", "k") == refused
        assert await purchases.intend("a", again) == again
        assert not await purchases.change("a", refused, owner="one")
        assert not await purchases.change("a", attrs.evolve(again, key="none"), owner="two")


async def test_purchases_are_listed_by_age(postgres_url: str, library: str) -> None:
    """All of them, or those in some states, however many there are."""
    async with opened_pool(library, postgres_url) as pool:
        purchases = purchases_of(pool)
        await purchases.get("a", "creates the tables")
        for number in (3, 1, 2):
            state: Any = "doubt" if number == 2 else "done"
            await purchases.intend(
                "a",
                Purchase(
                    key=f"k{number}", operation="o", arguments="x", state=state, intended_at=number
                ),
            )
        assert [one.key async for one in purchases.list("a")] == ["k1", "k2", "k3"]
        assert [one.key async for one in purchases.list("a", ["doubt"])] == ["k2"]
        assert [one.key async for one in purchases.list("a", ["known"])] == []


async def test_a_long_list_is_read_by_pages(
    postgres_server: PostgresServer, postgres_url: str, library: str
) -> None:
    """Purchases of one moment are in order of their keys, and none is left out."""
    async with opened_pool(library, postgres_url) as pool:
        purchases = purchases_of(pool)
        await PostgresStores(pool).create_tables()
        postgres_server.execute(
            "INSERT INTO sikoia.purchase SELECT 'a', 'k' || n, 'o', 'x', 'done', '', n / 400, 0 "
            "FROM generate_series(1, 1100) n",
            postgres_url.rpartition("/")[2],
        )
        keys = [one.key async for one in purchases.list("a")]
    assert len(set(keys)) == len(keys) == 1100


async def test_what_is_confirmed_outlives_the_server(
    postgres_server: PostgresServer, postgres_url: str, library: str
) -> None:
    """Also if the database is set not to wait for the disk; nothing is confirmed while it is down.

    When it is back, the pool's old connections cost nothing.
    """
    name = postgres_url.rpartition("/")[2]
    postgres_server.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    purchase = Purchase(key="k", operation="o", arguments="x", owner="one")
    async with opened_pool(library, postgres_url) as pool:
        purchases, spend = purchases_of(pool), spend_of(pool)
        await purchases.intend("a", purchase)
        assert await spend.reserve("a", charge(1)) is None
        postgres_server.kill()
        with pytest.raises(Exception, match=r"onnect|refused|imeout"):
            await purchases.intend("a", attrs.evolve(purchase, key="unsent"))
        postgres_server.start()
        assert await _once_connected(lambda: purchases.get("a", "k")) == purchase
        assert await purchases.get("a", "unsent") is None
        assert await spend.spent("a") == {"identity.request": 1}
        assert await purchases.change("a", purchase, owner="one")


async def _once_connected(query: Callable[[], Awaitable[T]]) -> T:
    """Return what a query does; psycopg's pool doubles its pauses while a server is down."""
    with anyio.fail_after(60):
        while True:
            try:
                return await query()
            except Exception as error:
                if type(error).__name__ != "PoolTimeout":
                    raise


async def test_a_killed_backend_leaves_nothing_half_done(
    postgres_server: PostgresServer, postgres_url: str, library: str
) -> None:
    """A call is counted in all of its buckets or in none, and the lock is free."""
    name = postgres_url.rpartition("/")[2]
    first, second = SpendLimitBucket(name="1", limit=9), SpendLimitBucket(name="2", limit=9)
    async with opened_pool(library, postgres_url) as pool:
        spend = spend_of(pool)
        await spend.reset("a")
        let_counts_wait(postgres_server, postgres_url)
        failed = False
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(kill_backend, postgres_server, name)
            try:
                await spend.reserve("a", charge(1, first, second))
            except Exception as error:  # noqa: BLE001 - each library has its own
                failed = not isinstance(error, ConfigurationError)
        assert failed
        postgres_server.execute("DROP TRIGGER slow ON sikoia.counted", name)
        assert await spend.spent("a") == {}
        assert postgres_server.execute("SELECT count(*) FROM sikoia.counted", name) == "0"
        assert await spend.reserve("a", charge(1, first, second)) is None


def let_counts_wait(server: PostgresServer, url: str) -> None:
    """Let the server hang while it counts in the bucket `2`."""
    server.execute(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF NEW.bucket = '2' THEN PERFORM pg_sleep(600); END IF; RETURN NEW; END $$; "
        "CREATE TRIGGER slow BEFORE INSERT ON sikoia.counted "
        "FOR EACH ROW EXECUTE FUNCTION slow()",
        url.rpartition("/")[2],
    )


async def kill_backend(server: PostgresServer, database: str) -> None:
    """End the process of the server that sleeps in a transaction."""
    with anyio.fail_after(30):
        killed = ""
        while killed != "t":
            await anyio.sleep(0.05)
            killed = server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND wait_event = 'PgSleep'",
                database,
            )


async def test_a_cancelled_call_returns_its_connection_in_order(
    postgres_server: PostgresServer,
    postgres_url: str,
    library: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its transaction is rolled back, and the only connection of the pool works again."""
    bucket = SpendLimitBucket(name="2", limit=9)
    async with opened_pool(library, postgres_url, size=1) as pool:
        spend = spend_of(pool)
        await spend.reset("a")
        let_counts_wait(postgres_server, postgres_url)
        with anyio.move_on_after(0.3):
            await spend.reserve("a", charge(1, bucket))
        assert await spend.spent("a") == {}
    assert [record for record in caplog.records if record.name == "asyncio"] == []


async def test_a_frozen_server_holds_up_no_cancelled_call(
    postgres_server: PostgresServer, postgres_url: str, library: str
) -> None:
    """Afterwards the pool works again."""
    async with opened_pool(library, postgres_url) as pool:
        purchases = purchases_of(pool)
        await purchases.get("a", "k")
        postgres_server.freeze()
        started = anyio.current_time()
        with anyio.move_on_after(0.3) as scope:
            await purchases.get("a", "k")
        assert scope.cancelled_caught
        assert anyio.current_time() - started < 30
        postgres_server.thaw()
        assert await purchases.get("a", "k") is None


async def test_a_token_is_shared_and_renewed_by_one(postgres_url: str, library: str) -> None:
    """It is encrypted if the stores have a secret, and a refused one is removed."""
    pytest.importorskip("cryptography")
    async with opened_pool(library, postgres_url) as pool:
        token = PostgresStores(pool, secret="canary-secret").token
        other = PostgresStores(pool, secret="another").token
        assert isinstance(token, TokenStore)
        assert isinstance(other, TokenStore)
        assert await token.load("a") is None
        await token.discard("a", "canary")
        await token.save("a", StoredToken("canary", 7200))
        loaded = await token.load("a")
        assert loaded is not None
        assert loaded.value == "canary"
        assert 7190 < loaded.seconds <= 7200
        assert await other.load("a") is None
        async with pool.acquire() if library == "asyncpg" else pool.connection() as connection:
            rows = await connection.execute("SELECT value FROM sikoia.token")
            assert "canary" not in str(rows)
        await token.discard("a", "older")
        assert await token.load("a") is not None
        await token.discard("a", "canary")
        assert await token.load("a") is None

        assert await token.lock("a", "one", 60)
        assert await token.lock("a", "one", 60)
        assert not await other.lock("a", "two", 60)
        await other.unlock("a", "two")
        assert not await other.lock("a", "two", 60)
        await token.unlock("a", "one")
        assert await other.lock("a", "two", 0.001)
        await anyio.sleep(0.01)
        assert await token.lock("a", "one", 60)


async def test_claims_that_have_ended_are_removed(
    postgres_server: PostgresServer, postgres_url: str, library: str
) -> None:
    """When an event is done, which stays."""
    async with opened_pool(library, postgres_url) as pool:
        replay = PostgresStores(pool).replay
        assert isinstance(replay, ReplayStore)
        assert await replay.claim("ended", "one", ttl=0.001) == "new"
        await anyio.sleep(0.01)
        await replay.confirm("k", ttl=60)
        await replay.release("k", "")
        assert await replay.seen("k")
    name = postgres_url.rpartition("/")[2]
    assert postgres_server.execute("SELECT key FROM sikoia.claim", name) == "k"


async def test_events_reach_all_processes(
    postgres_server: PostgresServer, postgres_url: str, library: str
) -> None:
    """Until the server ends, by an error; one that is too long is lost."""
    async with opened_pool(library, postgres_url) as pool:
        events = PostgresStores(pool).events
        assert isinstance(events, EventStore)
        for _ in range(2):
            await events.publish("a", "earlier")
            async with events.subscribe("a") as first, events.subscribe("a") as second:
                await events.publish("b", "of another account")
                await events.publish("a", "x" * 8_000)
                for message in ("one", "'two'"):
                    await events.publish("a", message)
                with anyio.fail_after(30):
                    # In any order: each says only that there is something to look at.
                    assert {await anext(aiter(first)) for _ in range(2)} == {"one", "'two'"}
                    assert await anext(second) in {"one", "'two'"}
        async with events.subscribe("a") as messages:
            postgres_server.kill()
            with anyio.fail_after(30), pytest.raises(Exception, match=r"onnection"):
                await anext(messages)


async def test_messages_that_nobody_reads_are_lost(postgres_url: str, library: str) -> None:
    """They do not fill the memory."""
    async with opened_pool(library, postgres_url) as pool:
        events = PostgresStores(pool).events
        assert events is not None
        async with events.subscribe("a") as messages:
            async with pool.acquire() if library == "asyncpg" else pool.connection() as other:
                channel = await channel_of(other)
                await other.execute(
                    f"SELECT pg_notify('{channel}', n::text) FROM generate_series(1, 2000) n"  # noqa: S608
                )
            assert await anext(messages) == "1"


async def channel_of(connection: Any) -> str:
    """Return the channel to which the pool's other connection listens."""
    query = "SELECT query FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = "
    query += "current_database()"
    if hasattr(connection, "fetchval"):
        listen = await connection.fetchval(query)
    else:
        row = await (await connection.execute(query)).fetchone()
        listen = row["query"]
    return str(listen).split()[-1].strip('";')


async def test_a_newer_or_foreign_schema_is_refused(
    postgres_server: PostgresServer, postgres_url: str, library: str
) -> None:
    """Before anything is written; and so is an invalid name of a schema."""
    execute = partial(postgres_server.execute, database=postgres_url.rpartition("/")[2])
    async with opened_pool(library, postgres_url) as pool:
        await PostgresStores(pool).create_tables()
        await PostgresStores(pool).create_tables()
        execute("UPDATE sikoia.version SET version = 99")
        with pytest.raises(ConfigurationError, match="newer version of this SDK"):
            await spend_of(pool).spent("a")
        execute("DELETE FROM sikoia.version")
        with pytest.raises(ConfigurationError, match="another application"):
            await spend_of(pool).spent("a")
        execute("DROP TABLE sikoia.version; CREATE TABLE sikoia.version (name text)")
        with pytest.raises(ConfigurationError, match="another application"):
            await spend_of(pool).spent("a")
        execute("DROP TABLE sikoia.version")
        with pytest.raises(ConfigurationError, match="another application"):
            await spend_of(pool).spent("a")
        assert await spend_of_schema(pool, "other").spent("a") == {}
        for schema in ("", "A", "a-b", 'a"', "x" * 41, "1a"):
            with pytest.raises(ConfigurationError, match="PostgresStores: schema: expected"):
                PostgresStores(pool, schema=schema)


async def test_a_table_may_change_under_a_prepared_statement(
    postgres_server: PostgresServer, postgres_url: str, library: str
) -> None:
    """As when another process updates the tables, and on every connection of a large pool."""
    size = 9
    execute = partial(postgres_server.execute, database=postgres_url.rpartition("/")[2])
    async with opened_pool(library, postgres_url, size=size) as pool:

        async def use() -> None:
            for _ in range(14):  # psycopg prepares a statement after five
                await PostgresStores(pool).create_tables()

        async with anyio.create_task_group() as tasks:
            for _ in range(size):
                tasks.start_soon(use)
        execute("ALTER TABLE sikoia.version ALTER COLUMN version TYPE bigint")

        assert await spend_of(pool).spent("a") == {}


def spend_of_schema(pool: Any, schema: str) -> SpendStore:
    """Return a store with its tables in another schema."""
    spend = PostgresStores(pool, schema=schema).spend
    assert spend is not None
    return spend


async def test_another_role_may_create_the_tables(
    postgres_server: PostgresServer, postgres_url: str, library: str
) -> None:
    """By the statements that are documented; until then the error says so."""
    name = postgres_url.rpartition("/")[2]
    role = f"limited_{name}"
    postgres_server.execute(f"CREATE ROLE {role} LOGIN")
    async with opened_pool(library, postgres_url.replace("postgres@", f"{role}@")) as pool:
        with pytest.raises(ConfigurationError, match=r"run PostgresStores\.statements\(\)"):
            await PostgresStores(pool).create_tables()
        postgres_server.execute(PostgresStores.statements(), name)
        with pytest.raises(ConfigurationError, match="grant this one"):
            await spend_of(pool).spent("a")
        postgres_server.execute(
            f"GRANT USAGE ON SCHEMA sikoia TO {role}; "
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA sikoia TO {role}",
            name,
        )
        assert await spend_of(pool).reserve("a", charge(1)) is None
    postgres_server.execute(f"DROP OWNED BY {role}; DROP ROLE {role}", name)


async def test_a_closed_pool_is_refused(postgres_url: str, library: str) -> None:
    """By an error that says what is wrong with it."""
    async with opened_pool(library, postgres_url) as pool:
        stores = PostgresStores(pool)
        await stores.create_tables()
        await stores.aclose()
        assert stores.spend is not None
        assert await stores.spend.spent("a") == {}
    with pytest.raises(ConfigurationError, match="the pool is closed"):
        await stores.spend.spent("a")


def test_a_pool_of_another_event_loop_is_refused(postgres_url: str, library: str) -> None:
    """And so is one on trio, where neither library runs."""
    used: list[PostgresStores] = []

    async def use_in_another_thread() -> None:
        async with opened_pool(library, postgres_url) as pool:
            stores = PostgresStores(pool)
            await stores.create_tables()
            used.append(stores)
            with pytest.raises(ConfigurationError, match="belongs to another event loop"):
                await anyio.to_thread.run_sync(anyio.run, stores.create_tables)
            with pytest.raises(ConfigurationError, match="on asyncio only"):
                await anyio.to_thread.run_sync(
                    partial(anyio.run, PostgresStores(pool).create_tables, backend="trio")
                )

    anyio.run(use_in_another_thread)
    with pytest.raises(ConfigurationError, match="belongs to another event loop"):
        anyio.run(used[0].create_tables)


def test_what_is_no_pool_is_refused(library: str) -> None:
    """At once, and without a value."""
    module = pytest.importorskip(library)
    wrong: list[Any] = [None, "postgresql://:canary@host/db", object(), module]
    if library == "psycopg":
        psycopg_pool = pytest.importorskip("psycopg_pool")
        wrong += [psycopg_pool.ConnectionPool("", open=False), psycopg_pool.AsyncConnectionPool]
    for pool in wrong:
        with pytest.raises(ArgumentTypeError, match="PostgresStores: pool: expected") as caught:
            PostgresStores(pool)
        assert "canary" not in str(caught.value)
