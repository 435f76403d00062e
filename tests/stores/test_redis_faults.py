"""`RedisStores` when the server fails, or when the client is not one that they can use."""

import asyncio
import gc
import logging
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import anyio.abc
import pytest
import redis_clients
from redis_clients import LEFTOVERS, backend_of, create, opened
from servers import RedisServer

from sikoia_async.errors import ArgumentTypeError, ConfigurationError
from sikoia_async.stores import Ask, Grant, RedisStores, StoredToken, Wait
from sikoia_async.stores.breaker import CircuitBreaker, StoreUnavailable

pytestmark = [pytest.mark.anyio, LEFTOVERS]

ASK = Ask(account="a", limit=5, per=60, asker="one")
PASSWORD = "canary-password"


library, anyio_backend = redis_clients.library, redis_clients.anyio_backend


@asynccontextmanager
async def guarded(
    library: str, server: RedisServer, **options: Any
) -> AsyncGenerator[tuple[RedisStores, CircuitBreaker]]:
    """Run stores and a circuit breaker, which tries again at once."""
    async with opened(library, server.url, **options) as client:
        breaker = CircuitBreaker("store", clock=anyio.current_time, timeout=1, open_for=0)
        yield RedisStores(client), breaker


async def acquire(stores: RedisStores) -> Grant | Wait:
    """Ask for a slot."""
    assert stores.quota is not None
    return await stores.quota.acquire(ASK)


async def test_a_frozen_server_is_left_after_a_second(
    redis_server: RedisServer, library: str
) -> None:
    """Afterwards each request gets its own response, and none of an earlier one."""
    async with guarded(library, redis_server) as (stores, breaker):
        assert stores.token is not None
        await stores.token.save("a", StoredToken("canary", 7200))
        first = await breaker.run(lambda: acquire(stores))
        redis_server.freeze()
        with anyio.fail_after(30), pytest.raises(StoreUnavailable):
            await breaker.run(lambda: acquire(stores))
        redis_server.thaw()
        for _ in range(3):
            token = await stores.token.load("a")
            grant = await acquire(stores)
            assert token is not None
            assert token.value == "canary"
            assert isinstance(grant, Grant)
            assert grant.epoch == first.epoch


async def test_a_killed_server_is_used_again_when_it_is_back(
    redis_server: RedisServer, library: str, caplog: pytest.LogCaptureFixture
) -> None:
    """With what it kept, or empty: the epoch tells. Each way is logged once."""
    caplog.set_level(logging.INFO, "sikoia_async")
    async with guarded(library, redis_server) as (stores, breaker):
        first = await breaker.run(lambda: acquire(stores))
        redis_server.kill()
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                await breaker.run(lambda: acquire(stores))
        redis_server.start()
        kept = await until_it_is_back(stores, breaker)
        redis_server.stop()
        redis_server.empty()
        with pytest.raises(StoreUnavailable):
            await breaker.run(lambda: acquire(stores))
        redis_server.start()
        emptied = await until_it_is_back(stores, breaker)

    assert kept.epoch == first.epoch != emptied.epoch
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"] * 2
    assert "canary" not in caplog.text


async def until_it_is_back(stores: RedisStores, breaker: CircuitBreaker) -> Grant | Wait:
    """Return the first response of a server that was restarted."""
    with anyio.fail_after(30):
        while True:
            try:
                return await breaker.run(lambda: acquire(stores))
            except StoreUnavailable:
                await anyio.sleep(0.05)


@pytest.mark.parametrize(
    ("break_it", "mend_it"),
    [
        (["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"]),
        (["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "SET", "maxmemory", "0"]),
    ],
    ids=["read-only", "out of memory"],
)
async def test_a_server_that_refuses_writes_is_an_outage(
    redis_server: RedisServer, library: str, break_it: list[str], mend_it: list[str]
) -> None:
    """It is used again once it accepts them."""
    async with guarded(library, redis_server) as (stores, breaker):
        assert stores.token is not None
        token = stores.token
        first = await breaker.run(lambda: acquire(stores))
        redis_server.command(*break_it)
        with pytest.raises(StoreUnavailable):
            await breaker.run(lambda: acquire(stores))
        with pytest.raises(StoreUnavailable):
            await breaker.run(lambda: token.save("a", StoredToken("canary", 7200)))
        redis_server.command(*mend_it)
        assert (await until_it_is_back(stores, breaker)).epoch == first.epoch


async def test_a_wrong_password_is_an_outage_and_is_not_logged(
    redis_server: RedisServer, library: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names the type of the error, and nothing that the server says."""
    redis_server.command("CONFIG", "SET", "requirepass", "another")
    for options in ({}, {"password": PASSWORD}):
        async with guarded(library, redis_server, **options) as (stores, breaker):
            with pytest.raises(StoreUnavailable) as caught:
                await breaker.run(lambda: acquire(stores))
            assert caught.value.__cause__ is None

    assert len(caplog.records) == 2
    assert PASSWORD not in caplog.text
    assert "invalid" not in caplog.text


@pytest.mark.parametrize("library", ["redis", "valkey"])
@pytest.mark.parametrize(
    "reply", [b"", b"junk\r\n", b":7\r\n", b"+OK\r\n", b"$1000000000\r\nx", b"*-1\r\n"]
)
async def test_something_else_than_a_server_is_an_outage(library: str, reply: bytes) -> None:
    """Whatever it says to each command, no call fails, and none takes longer than a second."""

    async def answer(stream: anyio.abc.SocketStream) -> None:
        with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
            async with stream:
                while reply and await stream.receive():
                    await stream.send(reply)

    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(listener.serve, answer)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610 - not Django's
        async with opened(library, f"redis://127.0.0.1:{port}") as client:
            breaker = CircuitBreaker("store", clock=anyio.current_time, timeout=1, open_for=0)
            for _ in range(2):
                with anyio.fail_after(30), pytest.raises(StoreUnavailable):
                    await breaker.run(lambda: acquire(RedisStores(client)))
        tasks.cancel_scope.cancel()


async def test_scripts_that_the_server_has_forgotten_are_sent_again(
    redis_server: RedisServer, library: str
) -> None:
    """Without an error, and without another lease."""
    async with guarded(library, redis_server) as (stores, _):
        await acquire(stores)
        redis_server.command("SCRIPT", "FLUSH")
        assert isinstance(await acquire(stores), Grant)
    assert redis_server.command("ZCARD", "sikoia:{a}:leases") == ["3"]  # and the epoch


async def test_floods_share_one_limit(redis_server: RedisServer, library: str) -> None:
    """No more slots are leased than there are, whatever the order."""
    asked: list[Grant | Wait] = []

    async def flood(stores: RedisStores) -> None:
        asked.extend([await acquire(stores) for _ in range(5)])

    async with (
        opened(library, redis_server.url) as one,
        opened(library, redis_server.url) as two,
        anyio.create_task_group() as tasks,
    ):
        for client in (one, two, one, two):
            tasks.start_soon(flood, RedisStores(client))

    tickets = [one.ticket for one in asked if isinstance(one, Grant)]
    assert len(set(tickets)) == len(tickets) == ASK.limit


@pytest.mark.parametrize("secret", [None, "canary-secret"])
async def test_no_secret_but_the_tokens_value_is_sent(
    redis_server: RedisServer, library: str, secret: str | None
) -> None:
    """With a secret of the application, not even that."""
    if secret is not None:
        pytest.importorskip("cryptography")
    async with opened(library, redis_server.url) as client:
        stores = RedisStores(client, secret=secret)
        assert stores.token is not None
        with redis_server.monitor() as commands:
            await stores.token.save("a", StoredToken("canary-token", 7200))
            await stores.token.load("a")
            await stores.token.discard("a", "canary-other")
            await stores.token.discard("a", "canary-token")

    text = "".join(commands)
    assert "sikoia:{a}:token" in text
    assert ("canary-token" in text) == (secret is None)
    assert "canary-other" not in text
    assert "canary-secret" not in text


async def test_keys_of_another_application_are_reported(
    redis_server: RedisServer, library: str
) -> None:
    """By an error that says what to do, and does not count as an outage."""
    redis_server.command("SET", "sikoia:{a}:leases", "something else")
    async with guarded(library, redis_server) as (stores, breaker):
        with pytest.raises(ConfigurationError, match="pass another `prefix`"):
            await acquire(stores)
        assert breaker.state == "closed"


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # those clients are never closed
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("by_us", [True, False])
def test_a_client_of_another_event_loop_is_refused(
    redis_server: RedisServer, library: str, *, by_us: bool
) -> None:
    """Whether the stores were used there, or only the client."""
    backend = backend_of(library)

    async def use(stores: RedisStores) -> None:
        await acquire(stores)

    async def use_first(client: Any, stores: RedisStores) -> None:
        if library.startswith("coredis"):
            await client.__aenter__()
        await (acquire(stores) if by_us else client.ping())
        if library.startswith("coredis"):
            await client.__aexit__(None, None, None)

    def run() -> None:
        client = create(library, redis_server.url)
        stores = RedisStores(client)
        anyio.run(use_first, client, stores, backend=backend)
        with pytest.raises(ConfigurationError, match="belongs to another event loop"):
            anyio.run(use, stores, backend=backend)

    run()
    gc.collect()


@pytest.mark.parametrize("library", ["redis", "valkey"])
def test_a_client_for_asyncio_is_refused_on_trio(redis_server: RedisServer, library: str) -> None:
    """The error says which library runs there."""
    for stores in (
        RedisStores(create(library, redis_server.url)),
        RedisStores.from_url(redis_server.url),
    ):
        with pytest.raises(ConfigurationError, match="on trio, pass a client of coredis"):
            anyio.run(acquire, stores, backend="trio")


@pytest.mark.parametrize("library", ["redis"])
def test_what_is_no_asynchronous_client_is_refused(library: str) -> None:
    """At once, and without a value."""
    redis = pytest.importorskip(library)
    url = f"redis://:{PASSWORD}@127.0.0.1:1"
    for wrong in (None, url, redis.Redis.from_url(url), redis.asyncio.Redis, object()):
        with pytest.raises(ArgumentTypeError, match="RedisStores: client: expected a") as caught:
            RedisStores(wrong)
        assert PASSWORD not in str(caught.value)
    for prefix in ("", "a{b", "}", "x" * 300):
        with pytest.raises(ConfigurationError, match="RedisStores: prefix: expected"):
            RedisStores(redis.asyncio.Redis.from_url(url), prefix=prefix)
    with pytest.raises(ConfigurationError, match="secret"):
        RedisStores(redis.asyncio.Redis.from_url(url), secret=" ")


@pytest.mark.parametrize("library", ["redis", "valkey"])
def test_a_client_is_opened_by_its_url(
    redis_server: RedisServer, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When it is used, in the event loop that uses it, and again after it was closed."""
    pytest.importorskip(library)
    if library == "valkey":
        monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    stores = RedisStores.from_url(redis_server.url)
    asyncio.run(stores.aclose())

    async def use() -> None:
        async with stores:
            assert isinstance(await acquire(stores), Grant)
            await stores.aclose()
            assert isinstance(await acquire(stores), Grant)

    for _ in range(2):
        asyncio.run(use())
    assert "connected_clients:1" in redis_server.command("INFO", "clients")


@pytest.mark.parametrize("library", ["redis"])
def test_an_invalid_url_is_refused(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a word of it; and so is one that no installed library takes."""
    pytest.importorskip(library)
    for url in (f"http://:{PASSWORD}@host", f"redis://:{PASSWORD}@host:x", PASSWORD, ""):
        with pytest.raises(ConfigurationError, match="RedisStores: url: expected") as caught:
            RedisStores.from_url(url)
        assert PASSWORD not in repr(caught.value)
        assert caught.value.__context__ is None
    with pytest.raises(ArgumentTypeError, match="RedisStores: url: expected"):
        RedisStores.from_url(7)  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    monkeypatch.setitem(sys.modules, "valkey.asyncio", None)
    with pytest.raises(ConfigurationError, match="needs `pip install"):
        RedisStores.from_url("redis://localhost")
