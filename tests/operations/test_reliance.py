"""When webhook events are relied on: once they have proved that they reach this process."""

import random

import anyio
import pytest
from tasks import Polled

from sikoia_async import Interval
from sikoia_async.operations.kinds import OperationKind
from sikoia_async.operations.registry import OperationRegistry
from sikoia_async.operations.token import TokenSigner

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

EVENT = "Income.Completed"
INCOME = OperationKind(name="income", events=frozenset({EVENT}), interval=Interval(first=1))
LOANS = OperationKind(name="loans", events=frozenset({"Loan.Completed"}))
PROOFS = 16


def new_registry() -> OperationRegistry:
    """Return the registry of a client with `rely_on_events=True`."""
    return OperationRegistry(TokenSigner("https://api.example", "secret"), rely_on_events=True)


async def run(registry: OperationRegistry, number: int, *, event_after: float | None) -> float:
    """Run an operation that takes 0.4 s; return how long a wait for it takes.

    Half a minute passes after that, so that an event which has not arrived counts as lost.
    """
    began = ended = anyio.current_time()
    operation = Polled("report").operation(INCOME, registry=registry, ids=(str(number),))

    async def deliver() -> None:
        if event_after is not None:
            await anyio.sleep(event_after)
            registry.wake(f"event-{number}", EVENT, [str(number)])

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(deliver)
        await operation.wait(timeout=20)
        ended = anyio.current_time()
    await anyio.sleep(31)
    return ended - began


async def prove(registry: OperationRegistry) -> None:
    """Let the events of as many operations arrive as are needed."""
    for number in range(PROOFS):
        assert not registry.expects_event(INCOME)
        assert await run(registry, number, event_after=0.4) == pytest.approx(0.5)
    assert registry.expects_event(INCOME)


async def test_operations_are_polled_normally_until_events_have_proved_themselves() -> None:
    """An event that reaches another process costs nothing."""
    registry = new_registry()

    assert await run(registry, 1, event_after=0.4) == pytest.approx(0.5)
    assert await run(registry, 2, event_after=None) == pytest.approx(1.1)


async def test_events_that_have_proved_themselves_are_relied_on() -> None:
    """An operation of this kind is then polled rarely; others are not."""
    registry = new_registry()
    await prove(registry)

    assert await run(registry, 100, event_after=None) == pytest.approx(18.1)
    assert not registry.expects_event(LOANS)


async def test_one_lost_event_ends_the_reliance() -> None:
    """Until as many events as before have arrived in a row."""
    registry = new_registry()
    await prove(registry)
    await run(registry, 100, event_after=None)

    assert not registry.expects_event(INCOME)
    for number in range(200, 200 + PROOFS - 1):
        await run(registry, number, event_after=0.4)
    await run(registry, 300, event_after=None)
    await run(registry, 301, event_after=0.4)
    assert not registry.expects_event(INCOME)


async def test_an_event_that_follows_its_poll_is_a_proof() -> None:
    """A normal poll may find the end before Sikoia delivers."""
    registry = new_registry()
    for number in range(PROOFS):
        assert not registry.expects_event(INCOME)
        assert await run(registry, number, event_after=5) == pytest.approx(1.1)

    assert registry.expects_event(INCOME)


async def test_the_events_of_others_do_not_hide_a_lost_one() -> None:
    """With two processes, half of the events arrive, and half of them are lost."""
    registry = new_registry()
    async with anyio.create_task_group() as tasks:
        for number in range(10 * PROOFS):
            tasks.start_soon(lambda one: _run(registry, one, lost=one % 2 == 0), number)
            await anyio.sleep(0.2)

    assert not registry.expects_event(INCOME)


async def _run(registry: OperationRegistry, number: int, *, lost: bool) -> None:
    await run(registry, number, event_after=None if lost else 0.4)


async def test_a_repeated_event_proves_nothing() -> None:
    """Somebody who recorded a delivery can send it again and again."""
    registry = new_registry()
    operation = Polled("report").operation(INCOME, registry=registry, ids=("1",))
    for _ in range(5 * PROOFS):
        registry.wake("event", EVENT, ["1"])

    assert not registry.expects_event(INCOME)
    assert await operation == "report"


@pytest.mark.parametrize("seed", range(5))
async def test_workers_that_share_the_events_lose_no_time(seed: int) -> None:
    """Each of two workers gets about half of the events, and polls the rest normally."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    workers = (new_registry(), new_registry())
    for number in range(100):
        worker = chance.choice(workers)
        reaches = chance.choice(workers)

        assert await run(worker, number, event_after=0.4 if reaches is worker else None) < 1.2
