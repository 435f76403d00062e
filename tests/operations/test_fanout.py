"""Events that one process receives wake operations that wait in another.

A process is a registry with a fan-out of its own.
"""

import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio
import pytest
from faults import SECRET, client
from observing import Recorder
from tasks import PENDING, Polled

from sikoia_async._calls.lifecycle import Lifecycle
from sikoia_async.observers import StoreBack, StoreLost
from sikoia_async.observers._observers import Observers, observers_of
from sikoia_async.operations.fanout import EventFanout
from sikoia_async.operations.kinds import OperationKind
from sikoia_async.operations.registry import OperationRegistry
from sikoia_async.operations.token import TokenSigner
from sikoia_async.stores import EventStore, MemoryStores, Stores
from sikoia_async.stores.background import Background
from sikoia_async.webhooks.events import parse
from sikoia_async.webhooks.feed import EventFeed

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_URL: Final = "https://127.0.0.1:1"
_ID: Final = "3f2a9c1e-0b5d-4c6f-8a7b-1d2e3f405162"
_EVENT: Final = "IncomeEmployerInsights.Completed"
_INCOME: Final = OperationKind(name="income", events=frozenset({_EVENT}))


class _Store:
    """An event store that a test breaks."""

    def __init__(self) -> None:
        inner = MemoryStores().events
        assert inner is not None
        self._inner: EventStore = inner
        self.is_down = False
        self.messages: list[str] = []
        self.subscriptions = 0
        self._scopes = set[anyio.CancelScope]()

    async def publish(self, account: str, message: str) -> None:
        if self.is_down:
            raise ConnectionError(SECRET)
        self.messages.append(message)
        await self._inner.publish(account, message)

    @asynccontextmanager
    async def subscribe(self, account: str) -> AsyncGenerator[AsyncIterator[str]]:
        self.subscriptions += 1
        if self.is_down:
            raise ConnectionError(SECRET)
        async with self._inner.subscribe(account) as messages:
            yield self._until_broken(messages)

    async def _until_broken(self, messages: AsyncIterator[str]) -> AsyncIterator[str]:
        while True:
            received = list[str]()
            with anyio.CancelScope() as scope:
                self._scopes.add(scope)
                received.append(await anext(messages))
            self._scopes.discard(scope)
            if not received:
                raise ConnectionError(SECRET)
            yield received[0]

    def break_off(self) -> None:
        """Be down, and end all subscriptions."""
        self.is_down = True
        for scope in self._scopes:
            scope.cancel()


class _Process:
    """A registry that shares events, and the feed into it."""

    def __init__(
        self,
        store: EventStore,
        background: Background,
        *,
        rely_on_events: Any = True,
        observers: Observers | None = None,
    ) -> None:
        signer = TokenSigner("https://api.example", SECRET)
        self.registry = OperationRegistry(signer, rely_on_events=rely_on_events)
        self.fanout = EventFanout(
            store,
            "account",
            self.registry,
            background,
            anyio.current_time,
            observers=observers,
        )
        self.registry.share_events(self.fanout.listen)

    def feed(self, number: str) -> int:
        """Feed the event of an operation."""
        body = json.dumps({"event_type": _EVENT, "id": number, "name": "Wilma Example"})
        return EventFeed(self.registry, Lifecycle(), self.fanout).feed(parse(body.encode()))

    async def wait(self, number: str, seconds: float) -> tuple[float, int]:
        """Wait for an operation that takes so long; return how long that took, and its polls."""
        polled = Polled(PENDING)
        operation = polled.operation(_INCOME, registry=self.registry, ids=(number,))
        began = anyio.current_time()
        async with anyio.create_task_group() as tasks:

            async def end() -> None:
                await anyio.sleep(seconds)
                polled.responses[:] = ["report"]

            tasks.start_soon(end)
            await operation.wait(3000)
        return anyio.current_time() - began, len(polled.times)


@pytest.fixture
async def background() -> AsyncGenerator[Background]:
    """Runs the work of the test's processes."""
    running = Background()
    yield running
    await running.aclose()


async def test_an_event_at_one_process_wakes_an_operation_in_another(
    background: Background,
) -> None:
    """Within a second, and with one poll."""
    store = _Store()
    here, there = _Process(store, background), _Process(store, background)

    took, polls = 0.0, 0
    async with anyio.create_task_group() as tasks:

        async def deliver() -> None:
            await anyio.sleep(100)
            assert here.feed("r-1") == 0

        tasks.start_soon(deliver)
        took, polls = await there.wait("r-1", 99.9)

    assert took == pytest.approx(100.1, abs=0.2)
    assert polls < 8


async def test_a_message_reveals_nothing(background: Background) -> None:
    """Strings of the event are hashed with a key, and there are few of them."""
    store = _Store()
    process = _Process(store, background)
    for number in range(1000):
        process.feed(f"r-{number}")
    body = json.dumps([f"a-string-{number}" for number in range(2000)])
    EventFeed(process.registry, Lifecycle(), process.fanout).feed(parse(body.encode()))
    await anyio.sleep(0.1)

    assert len(store.messages) == 1001
    assert not any(word in "".join(store.messages) for word in ("Wilma", "r-1", SECRET))
    assert max(map(len, store.messages)) < 8000


async def test_an_event_that_precedes_its_operation_wakes_it(background: Background) -> None:
    """If the process is listening: Sikoia may deliver before it responds."""
    store = _Store()
    here, there = _Process(store, background), _Process(store, background)
    other = Polled(PENDING).operation(_INCOME, registry=there.registry, ids=("r-0",))
    await anyio.sleep(0.1)
    here.feed("r-1")
    await anyio.sleep(0.1)

    took, _ = await there.wait("r-1", 0)

    assert took < 0.5
    assert not other.done


async def test_while_the_subscription_holds_events_are_relied_on(
    background: Background, caplog: pytest.LogCaptureFixture
) -> None:
    """From the start; when it breaks, operations are polled, until it is back."""
    caplog.set_level(logging.INFO, "sikoia_async")
    store, recorder = _Store(), Recorder()
    process = _Process(store, background, observers=observers_of([recorder]))
    operation = Polled(PENDING).operation(_INCOME, registry=process.registry, ids=("r-1",))
    assert not process.registry.expects_event(_INCOME)
    await anyio.sleep(0.1)
    assert process.registry.expects_event(_INCOME)

    store.break_off()
    await anyio.sleep(0.1)
    assert not process.registry.expects_event(_INCOME)
    await anyio.sleep(60)
    assert 4 < store.subscriptions < 9
    store.is_down = False
    await anyio.sleep(35)

    assert process.registry.expects_event(_INCOME)
    assert [one.getMessage() for one in caplog.records] == [
        "the subscription to events failed with ConnectionError; polling until it is back",
        "the subscription to events is back",
    ]
    assert recorder.events == [
        StoreLost(store="event subscription"),
        StoreBack(store="event subscription"),
    ]
    assert not operation.done


async def test_a_lost_subscription_makes_waiters_poll(background: Background) -> None:
    """They would wait for minutes otherwise."""
    store = _Store()
    process = _Process(store, background)

    took = 0.0
    async with anyio.create_task_group() as tasks:

        async def break_off() -> None:
            await anyio.sleep(60)
            store.break_off()

        tasks.start_soon(break_off)
        took, _ = await process.wait("r-1", 59)

    assert took < 65


@pytest.mark.parametrize("rely_on_events", [False, "always"])
async def test_the_subscription_does_not_change_what_was_chosen(
    rely_on_events: Any, background: Background
) -> None:
    """To rely on events always or never."""
    store = _Store()
    process = _Process(store, background, rely_on_events=rely_on_events)
    operation = Polled(PENDING).operation(_INCOME, registry=process.registry, ids=("r-1",))
    await anyio.sleep(0.1)
    assert process.registry.expects_event(_INCOME) is bool(rely_on_events)
    store.break_off()
    await anyio.sleep(0.1)

    assert process.registry.expects_event(_INCOME) is bool(rely_on_events)
    assert not operation.done


async def test_a_store_that_cannot_publish_costs_nothing(background: Background) -> None:
    """The operations of this process are woken all the same."""
    store = _Store()
    process = _Process(store, background)
    store.is_down = True

    took = 0.0
    async with anyio.create_task_group() as tasks:

        async def deliver() -> None:
            await anyio.sleep(100)
            assert process.feed("r-1") == 1

        tasks.start_soon(deliver)
        took, _ = await process.wait("r-1", 99.9)

    assert took < 101


@pytest.mark.parametrize(
    "message",
    [
        "", "[]", "{}", "null", "5", '{"e": 5, "t": null, "d": ""}', "[" * 100_000,
        '{"e": "x", "t": null, "d": ""}', f'{{"e": "{"a" * 32}", "t": null, "d": "short"}}',
        f'{{"e": "{"a" * 32}", "t": [], "d": ""}}',
    ],
    ids=map(str, range(10)),
)  # fmt: skip
async def test_a_message_that_is_not_ours_is_ignored(message: str, background: Background) -> None:
    """And those after it are read."""
    store = _Store()
    process = _Process(store, background)
    operation = Polled("report").operation(_INCOME, registry=process.registry, ids=("r-1",))
    await anyio.sleep(0.1)
    await store.publish("account", message)
    await anyio.sleep(0.1)

    assert store.subscriptions == 1
    assert not operation.done


async def test_clients_that_share_stores_share_events() -> None:
    """`events.feed` of one wakes the operations of the other; closing ends the subscription."""
    store = _Store()
    options: Any = {
        "token": None, "client_id": "an-id", "client_secret": SECRET, "rely_on_events": True,
        "shared": Stores(events=store),
    }  # fmt: skip
    async with client(_URL, **options) as here, client(_URL, **options) as there:
        operation = there.income.operation(_ID)
        await anyio.sleep(0.1)
        assert there._api.context.registry.expects_event(_INCOME)
        body = json.dumps({"event_type": _EVENT, "request_id": _ID}).encode()
        assert here.events.feed(parse(body)) == 0
        await anyio.sleep(0.1)
        assert len(operation._woken_by) == 1
    assert store.subscriptions == 1


async def test_a_subscription_that_ends_is_begun_again(
    background: Background, caplog: pytest.LogCaptureFixture
) -> None:
    """A store may end it without an error."""

    class Ending(_Store):
        @asynccontextmanager
        async def subscribe(self, account: str) -> AsyncGenerator[AsyncIterator[str]]:
            async with super().subscribe(account):
                yield _nothing()

    store = Ending()
    process = _Process(store, background)
    operation = Polled(PENDING).operation(_INCOME, registry=process.registry, ids=("r-1",))
    await anyio.sleep(10)

    assert store.subscriptions > 2
    assert "the subscription to events ended" in caplog.text
    assert not operation.done


async def _nothing() -> AsyncIterator[str]:
    for message in list[str]():
        yield message
