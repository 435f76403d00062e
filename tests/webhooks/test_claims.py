"""Processes that share a replay store: each is a router with a guard of its own."""

from typing import TYPE_CHECKING

import anyio
import pytest
from replaying import MemoryReplay

from sikoia_async import ReplayGuard, Router
from sikoia_async.errors import WebhookBusyError, WebhookHandlerError
from sikoia_async.stores import Stores
from sikoia_async.webhooks.events import Event, parse

if TYPE_CHECKING:
    from sikoia_async.stores.protocols import Claim

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_SECRET = "a webhook secret of a test"
_DOCUMENT = "DocumentProcessing.Completed"
_PAYSLIP = "PayslipProcessing.Completed"


class _Process:
    """A router, and the events that its handler has begun and ended to handle."""

    def __init__(self, store: MemoryReplay, seconds: float = 0) -> None:
        self.begun: list[Event] = []
        self.ended: list[Event] = []
        self.seconds = seconds
        self.fails = False
        self.router = Router(_SECRET, replay=ReplayGuard(store, clock=anyio.current_time))
        for name in (_DOCUMENT, "IdentityVerification.Completed"):
            self.router.on(name)(self._handle)  # type: ignore[call-overload] # pyright: ignore[reportCallIssue, reportArgumentType]

    async def _handle(self, event: Event) -> None:
        self.begun.append(event)
        await anyio.sleep(self.seconds)
        if self.fails:
            raise ValueError
        self.ended.append(event)


def _event(number: int = 1, name: str = _DOCUMENT, grouping: str | None = None) -> Event:
    group = "" if grouping is None else f', "grouping_id": "{grouping}"'
    return parse(f'{{"event_type": "{name}", "id": "{number}"{group}}}'.encode())


async def test_two_hundred_deliveries_at_two_processes_are_handled_once_each() -> None:
    """The second delivery of an event is refused while the handler runs, and redelivered."""
    store = MemoryReplay()
    processes = [_Process(store, seconds=1) for _ in range(2)]
    outcomes: list[str] = []

    async def deliver(process: _Process, event: Event) -> None:
        try:
            outcomes.append((await process.router.handle(event)).outcome)
        except WebhookBusyError:
            outcomes.append("busy")

    for _ in range(2):
        async with anyio.create_task_group() as tasks:
            for number in range(200):
                for process in processes:
                    tasks.start_soon(deliver, process, _event(number))

    assert len(processes[0].ended) + len(processes[1].ended) == 200
    assert {one: outcomes.count(one) for one in outcomes} == {
        "handled": 200,
        "busy": 200,
        "duplicate": 400,
    }
    assert not store.claims


async def test_a_failed_handler_lets_another_process_handle_the_event() -> None:
    """At once, because the claim is released."""
    store = MemoryReplay()
    one, other = _Process(store), _Process(store)
    one.fails = True

    with pytest.raises(WebhookHandlerError):
        await one.router.handle(_event())

    assert (await other.router.handle(_event())).outcome == "handled"


@pytest.mark.parametrize("grouping", [None, "g"])
async def test_a_cancelled_handler_lets_another_process_handle_the_event(
    grouping: str | None,
) -> None:
    """As if it had failed."""
    store = MemoryReplay()
    one, other = _Process(store, seconds=5), _Process(store)

    with anyio.move_on_after(1):
        await one.router.handle(_event(grouping=grouping))

    assert not store.claims
    assert (await other.router.handle(_event(grouping=grouping))).outcome == "handled"


async def test_a_claim_that_is_cancelled_is_released() -> None:
    """It may have had its effect."""

    class Slow(MemoryReplay):
        async def claim(self, key: str, owner: str, *, ttl: float) -> "Claim":
            claim = await super().claim(key, owner, ttl=ttl)
            await anyio.sleep(0.5)
            return claim

    store = Slow()
    with anyio.move_on_after(0.1):
        await _Process(store).router.handle(_event())

    assert not store.claims


async def test_the_claim_of_a_killed_process_ends_after_a_minute() -> None:
    """Then the event is handled, and until then it is refused."""
    store = MemoryReplay()
    process = _Process(store)
    await store.claim(_event().key, "a killed process", ttl=60)

    await anyio.sleep(59)
    with pytest.raises(WebhookBusyError, match="respond with 503"):
        await process.router.handle(_event())
    await anyio.sleep(1)

    assert (await process.router.handle(_event())).outcome == "handled"


@pytest.mark.parametrize("grouping", [None, "g"])
async def test_a_long_handler_keeps_its_claim(grouping: str | None) -> None:
    """It takes five minutes, and a claim lives for one."""
    store = MemoryReplay()
    one, other = _Process(store, seconds=300), _Process(store)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one.router.handle, _event(grouping=grouping))
        for _ in range(9):
            await anyio.sleep(30)
            with pytest.raises(WebhookBusyError):
                await other.router.handle(_event(grouping=grouping))

    assert len(one.ended) == 1
    assert not other.begun


async def test_a_long_handler_ends_although_the_store_fails_meanwhile() -> None:
    """Also with a guard that fails closed: the event is being handled."""

    class Failing(MemoryReplay):
        async def work(self) -> None:
            if self.calls > 1:
                raise ConnectionError

    store = Failing()
    router = Router(_SECRET, replay=ReplayGuard(store, on_failure="closed"))

    @router.otherwise
    async def handle(_: Event) -> None:
        await anyio.sleep(100)

    received = await router.handle(_event())

    assert (received.outcome, received.deduplicated) == ("handled", False)


async def test_parent_and_child_that_reach_two_processes_at_once_are_handled_once() -> None:
    """The second waits for the first, and is merged."""
    store = MemoryReplay()
    processes = [_Process(store, seconds=0.4) for _ in range(2)]
    outcomes: list[str] = []

    async def deliver(process: _Process, name: str, number: int) -> None:
        event = _event(number, name, grouping=f"g-{number}")
        outcomes.append((await process.router.handle(event)).outcome)

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            for process, name in zip(processes, (_DOCUMENT, _PAYSLIP), strict=True):
                tasks.start_soon(deliver, process, name, number)

    assert sorted(outcomes) == ["handled"] * 20 + ["merged"] * 20
    assert not store.claims


async def test_a_parent_whose_child_takes_long_elsewhere_is_refused() -> None:
    """It comes again later, and is merged then."""
    store = MemoryReplay()
    one, other = _Process(store, seconds=30), _Process(store)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one.router.handle, _event(1, _PAYSLIP, "g"))
        await anyio.sleep(1)
        with pytest.raises(WebhookBusyError):
            await other.router.handle(_event(1, _DOCUMENT, "g"))

    assert (await other.router.handle(_event(1, _DOCUMENT, "g"))).outcome == "merged"
    assert not other.begun


async def test_a_claim_that_is_not_one_counts_as_a_failure() -> None:
    """For example of a store whose author forgot an `await`."""

    class Wrong(MemoryReplay):
        async def claim(self, key: str, owner: str, *, ttl: float) -> "Claim":
            await super().claim(key, owner, ttl=ttl)
            return True  # type: ignore[return-value] # pyright: ignore[reportReturnType]

    received = await _Process(Wrong()).router.handle(_event())

    assert (received.outcome, received.deduplicated) == ("handled", False)


async def test_a_router_takes_the_stores_of_a_client() -> None:
    """It uses the one for webhook events."""
    store = MemoryReplay()
    router = Router(_SECRET, replay=Stores(replay=store))
    router.otherwise(repr)

    await router.handle(_event())

    assert list(store.keys) == [_event().key]
