"""The replay guard: what it remembers, for how long, and what it does while its store fails."""

import logging
import pickle
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from faults import assert_plain
from replaying import MemoryReplay

from sikoia_async import ReplayGuard, ReplayStore
from sikoia_async.errors import ArgumentTypeError, ConfigurationError, WebhookStoreError
from sikoia_async.stores import Stores
from sikoia_async.webhooks.events import Event, parse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

EVENT = parse(b'{"event_type":"IdentityVerification.Completed","id":"1"}')
OTHER = parse(b'{"event_type":"IdentityVerification.Completed","id":"2"}')
THREE_DAYS = 72 * 3600.0
CANARY = "canary-secret-9a3c"


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


class Shared(MemoryReplay):
    """A shared store that a test can break."""

    fault: "Callable[[], Awaitable[None]] | None" = None

    async def work(self) -> None:
        """Fail if there is a fault."""
        if self.fault is not None:
            await self.fault()


async def down() -> None:
    """Fail like a store that cannot be reached."""
    raise ConnectionRefusedError(CANARY)


async def broken() -> None:
    """Fail like a store with a bug."""
    raise KeyError(CANARY)


async def hang() -> None:
    """Never return."""
    await anyio.sleep_forever()


FAULTS = pytest.mark.parametrize("fault", [down, broken, hang])


def guard(store: ReplayStore | None = None, **options: Any) -> tuple[ReplayGuard, Clock]:
    """Return a guard and the clock that it uses."""
    clock = Clock()
    return ReplayGuard(store, clock=clock, **options), clock


async def test_a_remembered_event_is_known() -> None:
    """And no other one."""
    replay, _ = guard()

    assert not await replay.has_seen(EVENT)
    await replay.remember(EVENT)

    assert await replay.has_seen(EVENT)
    assert not await replay.has_seen(OTHER)


@pytest.mark.parametrize("ttl", [THREE_DAYS, 60.0])
async def test_an_event_is_known_until_its_ttl_ends(ttl: float) -> None:
    """L8: three days by default; after that it counts as new and can be remembered again."""
    replay, clock = guard() if ttl == THREE_DAYS else guard(ttl=ttl)
    await replay.remember(EVENT)

    clock.now += ttl - 1
    assert await replay.has_seen(EVENT)
    clock.now += 1
    assert not await replay.has_seen(EVENT)

    await replay.remember(EVENT)
    assert await replay.has_seen(EVENT)


async def test_remembering_again_restarts_the_ttl() -> None:
    """The event moves behind younger ones."""
    replay, clock = guard(ttl=60)
    await replay.remember(EVENT)
    clock.now += 40
    await replay.remember(OTHER)
    await replay.remember(EVENT)
    clock.now += 40

    assert await replay.has_seen(EVENT)
    assert await replay.has_seen(OTHER)


async def test_memory_is_bounded() -> None:
    """The oldest keys are forgotten first."""
    replay, _ = guard(max_keys=3)
    for key in "abcad":
        await replay.add(key)

    assert [await replay.knows(key) for key in "abcd"] == [True, False, True, True]


async def test_expired_keys_take_no_memory() -> None:
    """The next key that is added removes them, long before the limit."""
    replay, clock = guard(ttl=60)
    for number in range(1000):
        await replay.add(f"{number}")
    full = len(pickle.dumps(replay._memory))

    clock.now += 60
    await replay.add("last")

    assert len(pickle.dumps(replay._memory)) < full / 100


async def test_an_event_without_a_type_is_known_with_it() -> None:
    """Sikoia's delivery log has the type of every event."""
    replay, _ = guard()

    await replay.remember(parse(b'{"id": "1"}'))

    assert await replay.has_seen(parse(b'{"id": "1"}', event_type="IdentityVerification.Completed"))
    assert not await replay.has_seen(EVENT)


async def test_an_event_typed_by_its_body_is_known() -> None:
    """The body may spell its type in another way than Sikoia's delivery log."""
    replay, _ = guard()
    body = b'{"type": "identity.completed", "id": "1"}'

    await replay.remember(parse(body))

    assert await replay.has_seen(parse(body, event_type="IdentityVerification.Completed"))
    assert not await replay.has_seen(
        parse(body.replace(b"1", b"2"), event_type="IdentityVerification.Completed")
    )
    assert not await replay.has_seen(Event("IdentityVerification.Completed", b"no JSON"))


async def test_a_tiny_ttl_ends_at_once() -> None:
    """It is shorter than the resolution of the clock."""
    replay, _ = guard(ttl=1e-300)

    await replay.remember(EVENT)

    assert not await replay.has_seen(EVENT)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ttl": 0}, "ttl: expected seconds"),
        ({"ttl": float("inf")}, "ttl: expected seconds"),
        ({"ttl": "60"}, "ttl: expected seconds"),
        ({"on_failure": "ajar"}, "on_failure: expected 'open' or 'closed'"),
        ({"on_failure": None}, "on_failure: expected 'open' or 'closed'"),
        ({"max_keys": 0}, "max_keys: expected a whole number of at least 1"),
        ({"claim_ttl": 0}, "claim_ttl: expected seconds"),
        ({"store": Stores()}, r"store: these stores have none for webhook events"),
        ({"store": {}}, "store: expected a ReplayStore, with claim, confirm, release and seen"),
    ],
    ids=str,
)
async def test_invalid_arguments_are_refused(options: Any, words: str) -> None:
    """In the constructor, not with the first delivery."""
    with pytest.raises(ConfigurationError, match=words) as caught:
        ReplayGuard(**options)

    assert isinstance(caught.value, ArgumentTypeError) is (
        options.get("ttl") == "60" or options.get("store") == {}
    )


# --- a store


async def test_processes_share_a_store() -> None:
    """What one has handled, the other knows; a process asks the store only if it must."""
    store = Shared()
    (one, _), (other, _) = guard(store, ttl=60), guard(store, ttl=60)

    assert not await other.has_seen(EVENT)
    await one.remember(EVENT)
    calls = store.calls

    assert await one.has_seen(EVENT)
    assert store.calls == calls
    assert await other.has_seen(EVENT)
    assert store.calls == calls + 1
    assert store.keys == {EVENT.key: 60}


async def test_a_store_may_return_a_number() -> None:
    """As Redis clients do."""

    class Numbers(Shared):
        async def seen(self, key: str) -> Any:
            return int(await super().seen(key))

    store = Numbers()
    await guard(store)[0].remember(EVENT)

    assert await guard(store)[0].knows(EVENT.key) is True
    assert await guard(store)[0].knows(OTHER.key) is False


async def test_a_store_that_returns_an_awaitable_has_failed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its author forgot an `await`; a truthy result would make every event a duplicate."""

    class Forgotten:
        def __await__(self) -> Any:
            raise NotImplementedError

    class Forgetful(Shared):
        async def seen(self, key: str) -> Any:
            assert key
            return Forgotten()

    replay, _ = guard(Forgetful())

    assert await replay.knows(EVENT.key) is None
    assert "failed with TypeError" in caplog.text


@FAULTS
async def test_an_open_guard_works_from_memory_while_its_store_fails(fault: Any) -> None:
    """L9: it knows what this process has handled; the rest is unknown."""
    store = Shared()
    store.fault = fault
    replay, _ = guard(store)

    assert await replay.knows(EVENT.key) is None
    assert await replay.has_seen(EVENT) is False
    assert await replay.add(EVENT.key) is False

    assert await replay.knows(EVENT.key) is True
    assert await replay.knows(OTHER.key) is None


@FAULTS
async def test_a_closed_guard_refuses_while_its_store_fails(fault: Any) -> None:
    """L9: except for events that this process has handled."""
    store = Shared()
    store.fault = fault
    replay, _ = guard(store, on_failure="closed")

    with pytest.raises(WebhookStoreError, match="respond with 503") as caught:
        await replay.knows(EVENT.key)
    assert_plain(caught.value)
    with pytest.raises(WebhookStoreError):
        await replay.has_seen(EVENT)

    await replay.remember(EVENT)
    assert await replay.has_seen(EVENT)


async def test_a_store_has_one_second() -> None:
    """L9: no delivery waits longer; a slow result within that time is fine."""
    store = Shared()
    replay, _ = guard(store)
    store.fault = lambda: anyio.sleep(0.9)
    assert await replay.knows(EVENT.key) is False

    store.fault = hang
    started = anyio.current_time()
    assert await replay.knows(EVENT.key) is None
    assert anyio.current_time() - started == pytest.approx(1)


async def test_a_failed_store_is_not_used_for_five_seconds() -> None:
    """L9: an outage must not cost every delivery a second."""
    store = Shared()
    store.fault = down
    replay, clock = guard(store)
    assert await replay.knows(EVENT.key) is None
    store.fault = None

    clock.now += 4.9
    assert await replay.knows(EVENT.key) is None
    assert store.calls == 1

    clock.now += 0.1
    assert await replay.knows(EVENT.key) is False
    assert store.calls == 2


async def test_an_outage_of_the_store_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """L9: however many deliveries it affects, and without the message of its error."""
    caplog.set_level(logging.DEBUG, "sikoia_async")
    store = Shared()
    store.fault = down
    replay, clock = guard(store)

    async with anyio.create_task_group() as tasks:
        for number in range(10):
            tasks.start_soon(replay.knows, str(number))
    await replay.add("key")
    clock.now += 5
    store.fault = hang
    await replay.knows("key 2")
    clock.now += 5
    store.fault = None
    await replay.knows("key 3")

    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        (
            "WARNING",
            "the replay store failed with ConnectionRefusedError; not used until it recovers",
        ),
        ("INFO", "the replay store is available again"),
    ]


async def test_concurrent_failures_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """L9: deliveries that were already waiting when the first one failed log nothing."""
    store = Shared()
    store.fault = hang
    replay, _ = guard(store)

    async with anyio.create_task_group() as tasks:
        for number in range(10):
            tasks.start_soon(replay.knows, str(number))

    assert len(caplog.records) == 1


async def test_cancellation_is_not_a_failure_of_the_store() -> None:
    """A delivery that is cancelled while the store hangs leaves the store in use."""
    store = Shared()
    store.fault = hang
    replay, _ = guard(store)

    with anyio.move_on_after(0.5) as scope:
        await replay.knows(EVENT.key)
    store.fault = None

    assert scope.cancelled_caught
    assert await replay.knows(EVENT.key) is False


async def test_a_guard_takes_the_stores_of_a_client() -> None:
    """It uses the one for webhook events."""
    store = Shared()

    await ReplayGuard(Stores(replay=store)).remember(EVENT)

    assert list(store.keys) == [EVENT.key]
