"""`RedisStores` on a Redis server, by each client library."""

import time
from functools import partial
from typing import Any, Self

import anyio
import pytest
import redis_clients
from redis_clients import LEFTOVERS, opened
from servers import RedisServer

from sikoia_async.stores import (
    Ask,
    Grant,
    RedisStores,
    Settled,
    StoredToken,
    Wait,
)
from sikoia_async.stores.protocols import EventStore, QuotaStore, ReplayStore, TokenStore

pytestmark = [pytest.mark.anyio, LEFTOVERS]

SECRET = "canary-secret"
TOKEN = "canary-token"


library, anyio_backend = redis_clients.library, redis_clients.anyio_backend


def ask(asker: str = "one", **values: Any) -> Ask:
    """Return a request for one of three slots."""
    given: dict[str, Any] = {"account": "a", "limit": 3, "per": 60, "lease": 60, **values}
    return Ask(**given, asker=asker)


def quota_of(client: Any) -> QuotaStore:
    """Return the rate limit's store."""
    quota = RedisStores(client).quota
    assert quota is not None
    return quota


def token_of(client: Any, **options: Any) -> TokenStore:
    """Return the access token's store."""
    token = RedisStores(client, **options).token
    assert token is not None
    return token


@pytest.mark.parametrize("decode_responses", [False, True])
async def test_a_slot_is_free_a_window_after_its_request(
    redis_server: RedisServer, library: str, decode_responses: bool
) -> None:
    """A request that was not sent frees it at once; one that is not settled keeps it longer."""
    options = {"decode_responses": decode_responses}
    async with opened(library, redis_server.url, **options) as client:
        quota = quota_of(client)
        grants = [await quota.acquire(ask()) for _ in range(3)]
        full = await quota.acquire(ask())
        assert all(isinstance(grant, Grant) for grant in grants)
        assert isinstance(full, Wait)
        assert 59 < full.seconds <= 60
        assert {one.epoch for one in (*grants, full)} == {full.epoch}

        first, second, _ = (one.ticket for one in grants if isinstance(one, Grant))
        await quota.settle(ask(), [Settled(first, sent=True, age=20)])
        aged = await quota.acquire(ask())
        assert isinstance(aged, Wait)
        assert 38 < aged.seconds <= 40

        await quota.settle(ask(), [Settled(second, sent=False), Settled(first, sent=True, age=60)])
        assert isinstance(await quota.acquire(ask(reserve=1)), Grant)
        assert isinstance(await quota.acquire(ask(reserve=1)), Wait)
        assert isinstance(await quota.acquire(ask()), Grant)


async def test_a_lease_that_is_not_settled_ends(redis_server: RedisServer, library: str) -> None:
    """And a late settlement takes a slot again, since the request may have been counted."""
    async with opened(library, redis_server.url) as client:
        quota = quota_of(client)
        short = ask(limit=1, per=0.2, lease=0.1)
        grant = await quota.acquire(short)
        assert isinstance(grant, Grant)
        wait = await quota.acquire(short)
        assert isinstance(wait, Wait)
        deadline = time.monotonic() + 30
        while isinstance(await quota.acquire(ask(limit=1, per=0.2, lease=0.1)), Wait):
            assert time.monotonic() < deadline
            await anyio.sleep(0.02)

        late = ask(asker="two", account="b")
        await quota.settle(late, [Settled(grant.ticket, sent=True)])
        await quota.register(late, ["unknown", "another", grant.ticket])
        assert isinstance(await quota.acquire(late), Wait)


async def test_the_strictest_limit_applies(
    redis_server: RedisServer, library: str, caplog: pytest.LogCaptureFixture
) -> None:
    """To all processes that ask, which is logged once; a reserve shrinks with it."""
    async with opened(library, redis_server.url) as client:
        quota = quota_of(client)
        wide = ask(limit=10, reserve=8, per=1)
        for _ in range(2):
            assert isinstance(await quota.acquire(wide), Grant)
        grant = await quota.acquire(ask("two", limit=5, per=60))
        assert isinstance(grant, Grant)
        assert grant.peers == 2
        assert isinstance(await quota.acquire(wide), Wait)
        assert isinstance(await quota.acquire(wide), Wait)

    assert [record.getMessage() for record in caplog.records] == [
        "another process has a stricter rate limit, which applies to all: 5 requests in 60 s"
    ]


async def test_a_pause_is_told_to_all(redis_server: RedisServer, library: str) -> None:
    """The longest applies, longer than the state would be kept otherwise."""
    async with opened(library, redis_server.url) as client:
        quota = quota_of(client)
        await quota.pause(ask("one"), 1_000)
        await quota.pause(ask("two"), 5)
        wait = await quota.acquire(ask("two", per=1, lease=1))
        assert isinstance(wait, Wait)
        assert 990 < wait.paused <= 1_000
        assert wait.seconds == wait.paused
    assert int(redis_server.command("PTTL", "sikoia:{a}:state")[0]) > 1_000_000


async def test_lost_state_has_another_epoch(redis_server: RedisServer, library: str) -> None:
    """Leases are then registered anew, over the limit if need be."""
    async with opened(library, redis_server.url) as client:
        quota = quota_of(client)
        before = await quota.acquire(ask())
        redis_server.command("FLUSHALL")
        after = await quota.acquire(ask())
        assert isinstance(before, Grant)
        assert isinstance(after, Grant)
        assert after.epoch != before.epoch

        await quota.register(ask(), [before.ticket, "another", "one more"])
        await quota.settle(ask(), [Settled(after.ticket, sent=False)])
        wait = await quota.acquire(ask())
        assert isinstance(wait, Wait)
        assert wait.epoch == after.epoch


async def test_a_clock_that_is_set_back_holds_nobody_up(
    redis_server: RedisServer, library: str
) -> None:
    """A slot is free when it would have been, and no wait is longer than a window."""
    async with opened(library, redis_server.url) as client:
        quota = quota_of(client)
        grant = await quota.acquire(ask(limit=1))
        assert isinstance(grant, Grant)
        await quota.settle(ask(limit=1), [Settled(grant.ticket, sent=True, age=30)])
        # As if the clock had been an hour ahead, and all times with it.
        hour = 3_600_000_000
        [last] = redis_server.command("HGET", "sikoia:{a}:state", "last")
        redis_server.command("HSET", "sikoia:{a}:state", "last", str(int(last) + hour))
        for key in ("leases", "asks"):
            for member in redis_server.command("ZRANGE", f"sikoia:{{a}}:{key}", "0", "-1"):
                redis_server.command("ZINCRBY", f"sikoia:{{a}}:{key}", str(hour), member)
        for _ in range(2):
            wait = await quota.acquire(ask(limit=1))
            assert isinstance(wait, Wait)
            assert 20 < wait.seconds <= 30


async def test_a_token_is_shared(redis_server: RedisServer, library: str) -> None:
    """With the seconds that it has left; a refused one is removed, a newer one stays."""
    async with opened(library, redis_server.url) as client:
        token = token_of(client)
        assert await token.load("a") is None
        await token.save("a", StoredToken(TOKEN, 7200))
        loaded = await token.load("a")
        assert loaded is not None
        assert loaded.value == TOKEN
        assert 7190 < loaded.seconds <= 7200
        assert await token.load("b") is None

        await token.discard("a", "older")
        assert await token.load("a") is not None
        await token.discard("a", TOKEN)
        assert await token.load("a") is None


async def test_one_process_renews(redis_server: RedisServer, library: str) -> None:
    """It may prolong its lock, and only it gives it back; otherwise the lock ends."""
    async with opened(library, redis_server.url) as client:
        token = token_of(client)
        assert await token.lock("a", "one", 30)
        assert not await token.lock("a", "two", 30)
        assert await token.lock("a", "one", 60)
        assert int(redis_server.command("PTTL", "sikoia:{a}:renewal")[0]) > 30_000
        await token.unlock("a", "two")
        assert not await token.lock("a", "two", 30)
        await token.unlock("a", "one")
        assert await token.lock("a", "two", 0.00001)
        await anyio.sleep(0.01)
        assert await token.lock("a", "one", 30)


async def test_a_secret_encrypts_the_token(redis_server: RedisServer, library: str) -> None:
    """Another secret reads nothing, and what is stored shows nothing."""
    pytest.importorskip("cryptography")
    async with opened(library, redis_server.url) as client:
        token, other = (token_of(client, secret=secret) for secret in (SECRET, "other"))
        await token.save("a", StoredToken(TOKEN, 7200))
        loaded = await token.load("a")
        assert loaded is not None
        assert loaded.value == TOKEN
        assert await other.load("a") is None
        assert "canary" not in redis_server.command("GET", "sikoia:{a}:token")[0]

        await token.discard("a", "older")
        assert await token.load("a") is not None
        await token.discard("a", TOKEN)
        assert await token.load("a") is None


async def test_the_name_of_an_owner_means_nothing(redis_server: RedisServer, library: str) -> None:
    """The server holds it where it says of others that they are done."""
    async with opened(library, redis_server.url) as client:
        replay = RedisStores(client).replay
        assert isinstance(replay, ReplayStore)
        assert await replay.claim("x", "done", ttl=60) == "new"
        assert not await replay.seen("x")


async def test_events_reach_all_processes(redis_server: RedisServer, library: str) -> None:
    """From the moment of the subscription on, those of the same account."""
    async with (
        opened(library, redis_server.url) as client,
        opened(library, redis_server.url, decode_responses=True) as other,
    ):
        events, others = RedisStores(client).events, RedisStores(other).events
        assert isinstance(events, EventStore)
        assert isinstance(others, EventStore)
        await events.publish("a", "earlier")
        async with events.subscribe("a") as first, others.subscribe("a") as second:
            await events.publish("b", "of another account")
            for message in ("one", "two"):
                await others.publish("a", message)
            with anyio.fail_after(30):
                assert [await anext(aiter(first)) for _ in range(2)] == ["one", "two"]
                assert await anext(second) == "one"


async def test_the_end_of_the_server_ends_a_subscription(
    redis_server: RedisServer, library: str
) -> None:
    """By an error; coredis reconnects by itself."""
    if library.startswith("coredis"):
        pytest.skip("coredis reconnects by itself")
    async with opened(library, redis_server.url) as client:
        events = RedisStores(client).events
        assert events is not None
        async with events.subscribe("a") as messages:
            redis_server.kill()
            with anyio.fail_after(30), pytest.raises(Exception, match="onnect"):
                await anext(messages)
        with anyio.fail_after(30), pytest.raises(Exception, match="onnect"):
            async with events.subscribe("a"):
                pytest.fail("there is no server")


class SilentClient:
    """A client whose server was cut off: nothing arrives, and no connection is closed."""

    def __init__(self, *messages: Any) -> None:
        self.messages = [{"type": "subscribe", "data": 1}, *messages]

    async def __aenter__(self) -> Self:
        """Stand for a subscriber, too."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Do nothing."""

    def register_script(self, _: str) -> None:
        """Have the method of a client."""

    def pubsub(self) -> Self:
        """Return the subscriber."""
        return self

    async def subscribe(self, _: str) -> None:
        """Do nothing."""

    async def get_message(self, *, timeout: float) -> Any:  # noqa: ASYNC109 - the library's
        """Return the next message; None if its time has passed."""
        assert timeout > 0
        return self.messages.pop(0) if self.messages else None


class PingedClient(SilentClient):
    """One that does not check its connection by itself."""

    pings = 0

    async def ping(self) -> None:
        """Count."""
        self.pings += 1


@pytest.mark.parametrize("library", ["redis"])
async def test_a_silent_subscription_is_checked(library: str) -> None:
    """It ends if a ping has no response; otherwise it goes on."""
    message = {"type": "message", "data": "x"}
    client = PingedClient(None, {"type": "pong", "data": ""}, None, message)
    events = RedisStores(client).events
    assert events is not None, library
    async with events.subscribe("a") as messages:
        assert await anext(messages) == "x"
        with pytest.raises(ConnectionError, match="did not answer"):
            await anext(messages)
    assert client.pings == 3
    with pytest.raises(ConnectionError, match="did not confirm"):
        async with events.subscribe("a"):
            pytest.fail("the server says nothing")

    events = RedisStores(SilentClient(None, None, None, message)).events
    assert events is not None
    async with events.subscribe("a") as messages:
        assert await anext(messages) == "x"


async def test_all_keys_expire(redis_server: RedisServer, library: str) -> None:
    """Those of a lease after the longest lease."""
    async with opened(library, redis_server.url) as client:
        stores = RedisStores(client, prefix="mine")
        assert stores.quota is not None
        assert stores.token is not None
        assert stores.replay is not None
        await stores.quota.acquire(ask())
        await stores.quota.acquire(ask(lease=0.1, per=0.1))
        await stores.token.save("a", StoredToken(TOKEN, 7200))
        await stores.token.lock("a", "one", 30)
        await stores.replay.claim("k", "one", ttl=60)

    left = {key: ttl(redis_server, key) for key in redis_server.command("KEYS", "*")}
    assert set(left) == {
        *("mine:{a}:leases", "mine:{a}:asks", "mine:{a}:state"),
        *("mine:{a}:token", "mine:{a}:renewal", "mine:event:k"),
    }
    assert all(seconds > 0 for seconds in left.values())
    assert left["mine:{a}:leases"] > 120


def ttl(server: RedisServer, key: str) -> int:
    """Return in how many seconds a key expires."""
    return int(server.command("TTL", key)[0])


async def test_a_burst_opens_few_connections(library: str, shared_redis: RedisServer) -> None:
    """Libraries open one for each command, which takes longer than the command."""

    def connections() -> int:
        return len(shared_redis.command("CLIENT", "LIST"))

    before = connections()
    async with opened(library, shared_redis.url) as client:
        replay = RedisStores(client).replay
        assert replay is not None
        async with anyio.create_task_group() as tasks:
            for number in range(100):
                tasks.start_soon(partial(replay.claim, f"{number}", "one", ttl=1))
        assert connections() <= before + 10
