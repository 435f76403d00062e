"""`MemoryStores`: state shared by the clients of one process."""

import weakref

import pytest

import sikoia_async.stores
from sikoia_async.stores import (
    Ask,
    Charge,
    Grant,
    MemoryStores,
    Purchase,
    Settled,
    SpendLimitBucket,
    SpendUsedUp,
    StoredToken,
    Stores,
    Wait,
)

pytestmark = pytest.mark.anyio


class Clock:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def test_names_load_on_first_use() -> None:
    """Every public name exists, and no other."""
    for name in sikoia_async.stores.__all__:
        assert getattr(sikoia_async.stores, name) is not None
    assert "MemoryStores" in dir(sikoia_async.stores)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        getattr(sikoia_async.stores, "nothing")  # noqa: B009 - type checkers refuse it


async def test_a_slot_is_free_one_window_after_its_settlement() -> None:
    """Until then the store says how long to wait; a lease that is not settled counts longer."""
    clock = Clock()
    quota = MemoryStores(clock=clock).quota
    assert quota is not None
    ask = Ask(account="a", limit=1, per=3, lease=10, asker="one")

    grant = await quota.acquire(ask)
    assert isinstance(grant, Grant)
    assert await quota.acquire(ask) == Wait(seconds=3, epoch=grant.epoch, free=0)
    clock.now = 2
    await quota.settle(ask, [Settled(grant.ticket, sent=True, age=1)])
    assert await quota.acquire(ask) == Wait(seconds=2, epoch=grant.epoch, free=0)
    clock.now = 4
    assert isinstance(await quota.acquire(ask), Grant)
    clock.now = 16
    assert isinstance(await quota.acquire(ask), Wait)
    clock.now = 17
    assert isinstance(await quota.acquire(ask), Grant)


async def test_a_pause_holds_up_every_process() -> None:
    """It says how long, and is not shortened by a second one."""
    clock = Clock()
    quota = MemoryStores(clock=clock).quota
    assert quota is not None
    one, two = (Ask(account="a", limit=2, per=3, asker=name) for name in ("one", "two"))

    await quota.pause(one, 5)
    await quota.pause(two, 1)

    waiting = await quota.acquire(two)
    assert isinstance(waiting, Wait)
    assert (waiting.seconds, waiting.paused) == (5, 5)
    clock.now = 5
    assert isinstance(await quota.acquire(two), Grant)


async def test_leases_can_be_registered() -> None:
    """They count even beyond the limit."""
    quota = MemoryStores(clock=Clock()).quota
    assert quota is not None
    ask = Ask(account="a", limit=2, per=3)

    await quota.register(ask, ["1", "2", "3"])
    assert isinstance(await quota.acquire(ask), Wait)
    await quota.settle(ask, [Settled("1", sent=False), Settled("2", sent=False)])
    assert isinstance(await quota.acquire(ask), Grant)


async def test_a_webhook_claim_ends() -> None:
    """By its time, by a release of its owner, or because the event is done."""
    clock = Clock()
    replay = MemoryStores(clock=clock).replay
    assert replay is not None

    assert await replay.claim("k", "one", ttl=4) == "new"
    assert await replay.claim("k", "one", ttl=5) == "new"
    assert await replay.claim("k", "two", ttl=5) == "busy"
    await replay.release("k", "two")
    assert await replay.claim("k", "two", ttl=5) == "busy"
    await replay.release("k", "one")
    assert await replay.claim("k", "two", ttl=5) == "new"
    clock.now = 5
    assert await replay.claim("k", "one", ttl=5) == "new"
    await replay.confirm("k", ttl=9)
    assert await replay.claim("k", "two", ttl=5) == "done"
    assert await replay.seen("k")
    clock.now = 14
    assert not await replay.seen("k")


class Key(str):
    """A key whose life can be watched."""

    __slots__ = ("__weakref__",)


async def test_state_that_has_expired_is_forgotten() -> None:
    """A store that lives long does not grow."""
    clock = Clock()
    replay = MemoryStores(clock=clock).replay
    assert replay is not None

    keys = list[weakref.ref[Key]]()
    for number in range(3000):
        clock.now += 1
        key = Key(number)
        keys.append(weakref.ref(key))
        assert await replay.claim(key, "me", ttl=10) == "new"
    assert sum(key() is not None for key in keys) <= 1001


async def test_a_token_is_shared_and_renewed_by_one() -> None:
    """Until it is refused, or has expired."""
    stores = MemoryStores()
    assert stores.token is not None

    await stores.token.save("a", StoredToken("secret", 60))
    token = await stores.token.load("a")
    assert token is not None
    assert token.value == "secret"
    assert await stores.token.lock("a", "me", 10)
    assert not await stores.token.lock("a", "you", 10)
    await stores.token.unlock("a", "me")
    await stores.token.discard("a", "another")
    assert await stores.token.load("a") is not None
    await stores.token.discard("a", "secret")
    assert await stores.token.load("a") is None


async def test_spend_is_counted_together() -> None:
    """Once per call, and not at all if it is given back, has aged, or was reset."""
    clock = Clock()
    spend = MemoryStores(clock=clock).spend
    assert spend is not None
    day = SpendLimitBucket(name="day", limit=1, per=9)
    ever = SpendLimitBucket(name="ever", limit=2)
    first, second, third, last = (
        Charge(id=name, operation="identity.request", buckets=[day, ever]) for name in "1234"
    )

    assert await spend.reserve("a", first) is None
    assert await spend.reserve("a", first) is None
    clock.now = 2
    assert await spend.reserve("a", second) == SpendUsedUp("day", 7)
    clock.now = 9
    assert await spend.reserve("a", second) is None
    clock.now = 18
    assert await spend.reserve("a", third) == SpendUsedUp("ever")
    assert await spend.spent("a") == {"identity.request": 2}
    await spend.give_back("a", first)
    assert await spend.reserve("a", third) is None
    await spend.reset("a")
    assert await spend.spent("a") == {}
    assert await spend.reserve("a", last) is None


async def test_a_purchase_belongs_to_one_owner() -> None:
    """Only the owner changes it."""
    purchases = MemoryStores().purchases
    assert purchases is not None
    first, later = (
        Purchase(key="k", operation="identity.request", arguments="h", owner=name)
        for name in ("me", "you")
    )

    assert await purchases.intend("a", first) is first
    assert await purchases.intend("a", later) is first
    assert not await purchases.change("a", later, owner="you")
    assert await purchases.change("a", later, owner="me")
    assert [one async for one in purchases.list("a")] == [later]
    assert [one async for one in purchases.list("a", ["done"])] == []


async def test_events_reach_every_subscriber() -> None:
    """One that does not read loses the latest."""
    events = MemoryStores().events
    assert events is not None

    async with events.subscribe("a") as messages, events.subscribe("b") as others:
        for number in range(2000):
            await events.publish("a", str(number))
        await events.publish("b", "hello")
        assert await anext(messages) == "0"
        assert await anext(others) == "hello"


async def test_each_kind_comes_from_the_first_stores_that_have_it() -> None:
    """`|` combines stores; what neither has is not shared."""
    memory, quota = MemoryStores(), MemoryStores().quota

    async with Stores(quota=quota) | memory | Stores() as combined:
        assert combined.quota is quota
        assert combined.token is memory.token
        assert (Stores() | Stores()).spend is None


async def test_money_is_not_trusted_to_memory() -> None:
    """What counts money says that it is not durable."""
    stores = MemoryStores()

    assert getattr(stores.spend, "is_durable", True) is False
    assert getattr(stores.purchases, "is_durable", True) is False
