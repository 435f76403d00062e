"""The replay guard: what it knows, for how long, and what it does while its store fails."""

import logging
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from faults import assert_plain

from sikoia_async import ReplayGuard, ReplayStore
from sikoia_async.errors import ArgumentTypeError, ConfigurationError, ReplayStoreError
from sikoia_async.webhooks import replay as replay_module
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


class Shared:
    """A store as several processes share it, which a test can break."""

    def __init__(self) -> None:
        self.keys: dict[str, float] = {}
        self.asked = 0
        self.fault: Callable[[], Awaitable[None]] | None = None

    async def seen(self, key: str) -> bool:
        """Return whether the key is there."""
        await self._work()
        return key in self.keys

    async def add(self, key: str, *, ttl: float) -> None:
        """Keep the key."""
        await self._work()
        self.keys[key] = ttl

    async def _work(self) -> None:
        self.asked += 1
        if self.fault is not None:
            await self.fault()


async def down() -> None:
    """Fail as a store does that has gone."""
    raise ConnectionRefusedError(CANARY)


async def broken() -> None:
    """Fail as a store does that has a fault."""
    raise KeyError(CANARY)


async def hang() -> None:
    """Never answer."""
    await anyio.sleep_forever()


FAULTS = pytest.mark.parametrize("fault", [down, broken, hang])


def guard(store: ReplayStore | None = None, **options: Any) -> tuple[ReplayGuard, Clock]:
    """Make a guard with a clock of its own."""
    made, clock = ReplayGuard(store, **options), Clock()
    made._clock = clock
    return made, clock


async def test_what_was_remembered_is_known() -> None:
    """And nothing else is."""
    replay, _ = guard()

    assert not await replay.has_seen(EVENT)
    await replay.remember(EVENT)

    assert await replay.has_seen(EVENT)
    assert not await replay.has_seen(OTHER)


@pytest.mark.parametrize("ttl", [THREE_DAYS, 60.0])
async def test_it_is_known_for_its_time(ttl: float) -> None:
    """L8: three days by default; after that it counts as new, and is remembered anew."""
    replay, clock = guard() if ttl == THREE_DAYS else guard(ttl=ttl)
    await replay.remember(EVENT)

    clock.now += ttl - 1
    assert await replay.has_seen(EVENT)
    clock.now += 1
    assert not await replay.has_seen(EVENT)

    await replay.remember(EVENT)
    assert await replay.has_seen(EVENT)


async def test_what_is_remembered_again_is_known_for_longer() -> None:
    """Its time begins anew, and nothing that is younger goes before it."""
    replay, clock = guard(ttl=60)
    await replay.remember(EVENT)
    clock.now += 40
    await replay.remember(OTHER)
    await replay.remember(EVENT)
    clock.now += 40

    assert await replay.has_seen(EVENT)
    assert await replay.has_seen(OTHER)


async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest goes first, and what is over takes no room."""
    monkeypatch.setattr(replay_module, "_MOST_KEYS", 3)
    replay, clock = guard(ttl=60)
    for key in "abcad":
        await replay.add(key)

    assert [await replay.knows(key) for key in "abcd"] == [True, False, True, True]

    clock.now += 60
    await replay.add("e")
    assert list(replay._memory._ends) == ["e"]


async def test_an_event_whose_type_nothing_told_is_known() -> None:
    """In Sikoia's log its type stands beside it."""
    replay, _ = guard()
    told = parse(b'{"id": "1"}', event_type="IdentityVerification.Completed")

    await replay.remember(parse(b'{"id": "1"}'))

    assert await replay.has_seen(told)
    assert not await replay.knows(told.key)
    assert not await replay.has_seen(EVENT)


async def test_an_event_whose_type_only_its_body_told_is_known() -> None:
    """There it may have a name of its own, beside the one in Sikoia's log."""
    replay, _ = guard()
    body = b'{"type": "identity.completed", "id": "1"}'

    await replay.remember(parse(body))

    assert await replay.has_seen(parse(body, event_type="IdentityVerification.Completed"))
    assert not await replay.has_seen(
        parse(body.replace(b"1", b"2"), event_type="IdentityVerification.Completed")
    )
    assert not await replay.has_seen(Event("IdentityVerification.Completed", b"no JSON"))


async def test_a_time_that_is_next_to_nothing_is_over_at_once() -> None:
    """It is shorter than what the clock can tell."""
    replay, _ = guard(ttl=1e-300)

    await replay.remember(EVENT)

    assert not await replay.has_seen(EVENT)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ttl": 0}, "ttl: expected seconds"),
        ({"ttl": float("inf")}, "ttl: expected seconds"),
        ({"ttl": "60"}, "ttl: expected seconds"),
        ({"on_failure": "ajar"}, "on_failure: give 'open' or 'closed'"),
        ({"on_failure": None}, "on_failure: give 'open' or 'closed'"),
        ({"store": {}}, "store: expected a ReplayStore, with seen and add"),
    ],
    ids=str,
)
async def test_what_makes_no_guard_is_refused(options: Any, words: str) -> None:
    """At once, and not with the first delivery."""
    with pytest.raises(ConfigurationError, match=words) as caught:
        ReplayGuard(**options)

    assert isinstance(caught.value, ArgumentTypeError) is (
        options.get("ttl") == "60" or "store" in options
    )


# --- a store


async def test_processes_share_a_store() -> None:
    """What one has handled the other knows; each asks the store only for what it does not know."""
    store = Shared()
    (one, _), (other, _) = guard(store, ttl=60), guard(store, ttl=60)

    assert not await other.has_seen(EVENT)
    await one.remember(EVENT)
    asked = store.asked

    assert await one.has_seen(EVENT)
    assert store.asked == asked
    assert await other.has_seen(EVENT)
    assert store.asked == asked + 1
    assert store.keys == {EVENT.key: 60}


async def test_a_store_may_answer_with_what_counts_as_true() -> None:
    """As those of Redis do, with a number."""

    class Numbers(Shared):
        async def seen(self, key: str) -> Any:
            return int(await super().seen(key))

    store = Numbers()
    await guard(store)[0].remember(EVENT)

    assert await guard(store)[0].knows(EVENT.key) is True
    assert await guard(store)[0].knows(OTHER.key) is False


async def test_a_store_that_answers_with_a_promise_has_failed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An `await` was forgotten in it. It counts as true, and each event would be a duplicate."""

    class Promise:
        def __await__(self) -> Any:
            raise NotImplementedError

    class Forgetful(Shared):
        async def seen(self, key: str) -> Any:
            assert key
            return Promise()

    replay, _ = guard(Forgetful())

    assert await replay.knows(EVENT.key) is None
    assert "failed with TypeError" in caplog.text


@FAULTS
async def test_an_open_guard_goes_on_while_its_store_fails(fault: Any) -> None:
    """L9: it says that it does not know, and knows what this process has handled."""
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
    """L9: except for what this process has handled, which it knows for sure."""
    store = Shared()
    store.fault = fault
    replay, _ = guard(store, on_failure="closed")

    with pytest.raises(ReplayStoreError, match="answer 503") as caught:
        await replay.knows(EVENT.key)
    assert_plain(caught.value)
    with pytest.raises(ReplayStoreError):
        await replay.has_seen(EVENT)

    await replay.remember(EVENT)
    assert await replay.has_seen(EVENT)


async def test_a_store_has_a_second() -> None:
    """L9: no delivery waits longer for it, and one that is slower but in time is no failure."""
    store = Shared()
    replay, _ = guard(store)
    store.fault = lambda: anyio.sleep(0.9)
    assert await replay.knows(EVENT.key) is False

    store.fault = hang
    started = anyio.current_time()
    assert await replay.knows(EVENT.key) is None
    assert anyio.current_time() - started == pytest.approx(1)


async def test_a_store_that_failed_is_let_be_for_five_seconds() -> None:
    """L9: so that an outage costs no second with each delivery; then it is asked again."""
    store = Shared()
    store.fault = down
    replay, clock = guard(store)
    assert await replay.knows(EVENT.key) is None
    store.fault = None

    clock.now += 4.9
    assert await replay.knows(EVENT.key) is None
    assert store.asked == 1

    clock.now += 0.1
    assert await replay.knows(EVENT.key) is False
    assert store.asked == 2


async def test_a_failing_store_is_logged_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    """L9: in fixed words, without those of the error, however many deliveries meet with it."""
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

    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        (
            "WARNING",
            "the replay store failed with ConnectionRefusedError, and is let be for 5 s",
        ),
        ("WARNING", "the replay store took too long, and is let be for 5 s"),
    ]


async def test_many_that_fail_together_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """L9: those who were waiting already when the first one failed say nothing."""
    store = Shared()
    store.fault = hang
    replay, _ = guard(store)

    async with anyio.create_task_group() as tasks:
        for number in range(10):
            tasks.start_soon(replay.knows, str(number))

    assert len(caplog.records) == 1


async def test_who_is_cancelled_while_the_store_hangs_is_cancelled() -> None:
    """That is no failure of the store."""
    store = Shared()
    store.fault = hang
    replay, _ = guard(store)

    with anyio.move_on_after(0.5) as scope:
        await replay.knows(EVENT.key)
    store.fault = None

    assert scope.cancelled_caught
    assert await replay.knows(EVENT.key) is False
