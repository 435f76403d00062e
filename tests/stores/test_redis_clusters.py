"""`RedisStores` on a Redis Cluster of three nodes, and with Redis Sentinel."""

import gc
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from functools import partial
from typing import Any, Final

import anyio
import pytest
import redis_clients
from redis_clients import LEFTOVERS, create
from servers import Missing, RedisServer, SentinelServer, free_port

from sikoia_async.errors import ConfigurationError
from sikoia_async.stores import Ask, Grant, RedisStores, Settled, StoredToken, Wait

pytestmark = [pytest.mark.anyio, LEFTOVERS]

SLOTS: Final = 16384
NODES: Final = 3
PATIENCE: Final = 60
"""Seconds until a test gives up waiting."""
MASTER: Final = "sikoia-master"


library, anyio_backend = redis_clients.library, redis_clients.anyio_backend


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def cluster() -> Generator[list[RedisServer]]:
    """Run a cluster of three nodes, each with a third of the slots."""
    with ExitStack() as stack:
        nodes = list[RedisServer]()
        for _ in range(NODES):
            try:
                node = RedisServer("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
            except Missing as reason:
                pytest.skip(str(reason))
            nodes.append(stack.enter_context(node))
        for number, node in enumerate(nodes):
            first, end = (SLOTS * one // NODES for one in (number, number + 1))
            assert node.command("CLUSTER", "ADDSLOTSRANGE", str(first), str(end - 1)) == ["OK"]
            bus = nodes[0].options[-1]
            node.command("CLUSTER", "MEET", "127.0.0.1", str(nodes[0].port), bus)
        for node in nodes:
            _wait_for(partial(_knows_all, node))
        yield nodes


def _knows_all(node: RedisServer) -> bool:
    info = node.command("CLUSTER", "INFO")
    return "cluster_state:ok" in info and f"cluster_known_nodes:{NODES}" in info


@asynccontextmanager
async def _cluster_client(library: str, node: RedisServer) -> AsyncGenerator[Any]:
    """Open the library's client for clusters."""
    if library.startswith("coredis"):
        client = pytest.importorskip("coredis").RedisCluster("127.0.0.1", node.port)
    else:
        module = pytest.importorskip(f"{library}.asyncio.cluster")
        client = getattr(module, f"{library.capitalize()}Cluster").from_url(node.url)
    async with client:
        yield client


async def test_a_cluster_holds_all_kinds_for_many_accounts(
    library: str, cluster: list[RedisServer]
) -> None:
    """The keys of an account are on one node, and those of several accounts on several nodes."""
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(_cluster_client(library, node)) for node in cluster
        ]
        one, two, _ = (RedisStores(client) for client in clients)
        for number in range(9):
            await _share(one, two, f"{library}-{number}")

    for node in cluster:
        keys = node.command("KEYS", f"*{library}-*")
        assert {key.rpartition(":")[2] for key in keys} >= {"leases", "asks", "state", "token"}


async def _share(one: RedisStores, two: RedisStores, account: str) -> None:
    """Use each kind of state by two clients."""
    ask = Ask(account=account, limit=2, per=60, asker="one")
    assert one.quota is not None
    assert two.quota is not None
    first, second = await one.quota.acquire(ask), await two.quota.acquire(ask)
    assert isinstance(first, Grant)
    assert isinstance(second, Grant)
    assert isinstance(await one.quota.acquire(ask), Wait)
    await two.quota.settle(ask, [Settled(first.ticket, sent=False, age=0)])
    await two.quota.register(ask, ["a lease"])
    assert isinstance(await one.quota.acquire(ask), Wait)
    await one.quota.pause(ask, 30)

    assert one.token is not None
    assert two.token is not None
    await one.token.save(account, StoredToken("a-token", 60))
    found = await two.token.load(account)
    assert found is not None
    assert found.value == "a-token"
    assert await one.token.lock(account, "one", 60)
    assert not await two.token.lock(account, "two", 60)

    assert one.replay is not None
    assert two.replay is not None
    assert await one.replay.claim(account, "one", ttl=60) == "new"
    assert await two.replay.claim(account, "two", ttl=60) == "busy"

    if one.events is not None and two.events is not None:  # valkey has none in clusters
        async with one.events.subscribe(account) as messages:
            await two.events.publish(account, "an event")
            with anyio.fail_after(PATIENCE):
                assert await anext(messages) == "an event"


async def test_a_client_of_one_node_of_a_cluster_is_refused(
    library: str, cluster: list[RedisServer]
) -> None:
    """It would find the keys of some accounts only."""
    async with create(library, cluster[0].url) as client:
        stores = RedisStores(client)
        with pytest.raises(ConfigurationError, match="pass the library's client for clusters"):
            await _load_many(stores)


async def _load_many(stores: RedisStores) -> None:
    assert stores.token is not None
    for number in range(50):
        await stores.token.load(f"account-{number}")


@pytest.fixture
def sentinel() -> Generator[SentinelServer]:
    """Run a server with a replica, and a Sentinel that replaces the one by the other."""
    try:
        running = SentinelServer(MASTER)
    except Missing as reason:
        pytest.skip(str(reason))
    with running:
        yield running


@asynccontextmanager
async def _sentinel_client(library: str, sentinel: SentinelServer) -> AsyncGenerator[Any]:
    """Open a client of the server that Sentinel names."""
    if library.startswith("coredis"):
        location = pytest.importorskip("coredis").connection.TCPLocation
        found = pytest.importorskip("coredis").Sentinel([location("127.0.0.1", sentinel.port)])
        try:
            async with found, found.primary_for(MASTER) as client:
                yield client
        finally:
            gc.collect()  # here, where LEFTOVERS are ignored
        return
    module = pytest.importorskip(f"{library}.asyncio.sentinel")
    found = module.Sentinel([("127.0.0.1", sentinel.port)], socket_timeout=1)
    async with AsyncExitStack() as stack:
        for one in found.sentinels:  # nobody else closes these
            await stack.enter_async_context(one)
        yield await stack.enter_async_context(found.master_for(MASTER))


async def test_leases_and_token_survive_a_failover(library: str, sentinel: SentinelServer) -> None:
    """What the replica has received. Meanwhile it is an outage, and no error of the set-up."""
    ask = Ask(account="a", limit=2, per=600, asker="one")
    async with _sentinel_client(library, sentinel) as client:
        stores = RedisStores(client)
        assert stores.quota is not None
        assert stores.token is not None
        first = await stores.quota.acquire(ask)
        await stores.token.save("a", StoredToken("a-token", 600))
        sentinel.wait_until_replicated()
        sentinel.master.kill()
        second = await _acquire(stores, ask)
        third = await stores.quota.acquire(ask)
        token = await stores.token.load("a")

    assert isinstance(first, Grant)
    assert isinstance(second, Grant)
    assert second.epoch == first.epoch
    assert isinstance(third, Wait)
    assert token is not None
    assert token.value == "a-token"


async def _acquire(stores: RedisStores, ask: Ask) -> Grant | Wait:
    """Ask until there is a server again."""
    assert stores.quota is not None
    with anyio.fail_after(PATIENCE):
        while True:
            try:
                with anyio.fail_after(2):
                    return await stores.quota.acquire(ask)
            except ConfigurationError:
                raise
            except Exception:  # noqa: BLE001 - each library has its own
                await anyio.sleep(0.1)
