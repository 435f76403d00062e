"""Operations whose end an event tells."""

import anyio
import pytest
from tasks import PENDING, Asked, board_of

from sikoia_async import Interval, Operation, OperationTimeoutError
from sikoia_async.operations.operation import Progress
from sikoia_async.operations.registry import OperationKind

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_EVENT = "Report.Completed"
_KIND = OperationKind(
    name="report", interval=Interval(first=10, most=10), timeout=1000, events=frozenset({_EVENT})
)


async def _results(operation: Operation[str], number: int = 1) -> list[float]:
    """Wait for an operation that many times over; return how long each took."""
    began, took = anyio.current_time(), list[float]()

    async def wait() -> None:
        assert await operation == "report"
        took.append(anyio.current_time() - began)

    async with anyio.create_task_group() as tasks:
        for _ in range(number):
            tasks.start_soon(wait)
    return took


@pytest.mark.parametrize("relies", [True, False])
@pytest.mark.parametrize("waiters", [1, 5])
async def test_an_event_has_it_asked_at_once(relies: bool, waiters: int) -> None:
    """One poll confirms it for all who wait."""
    registry, task, took = board_of(relies=relies), Asked("report"), list[float]()
    operation = task.operation(_KIND, registry=registry)

    async def event() -> None:
        await anyio.sleep(3)
        assert registry.wake(_EVENT, ["id"]) == 1

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(event)
        took += await _results(operation, waiters)

    assert took == pytest.approx([3.1] * waiters)
    assert len(task.times) == 1
    assert task.asked == [-1]  # it goes before what is asked for the first time
    assert registry.relies(_KIND) is relies


async def test_an_event_ahead_of_its_answer_is_followed_closely() -> None:
    """Sikoia says still pending: that will not last long."""
    registry, task = board_of(relies=True), Asked(PENDING, PENDING, "report")
    operation = task.operation(_KIND, registry=registry)
    operation.wake()

    assert await _results(operation) == pytest.approx([20.3])


async def test_an_event_during_a_poll_is_not_lost() -> None:
    """That poll's answer may be older than the event: the next one comes at once."""
    registry = board_of(relies=True)
    task = Asked(PENDING, "report")
    operation = task.operation(_KIND, registry=registry, first=None)
    task.before_answer = operation.wake

    assert await _results(operation) == pytest.approx([0.2])


async def test_an_event_that_was_about_something_else_is_forgotten() -> None:
    """After five polls that find it running there are few again."""
    registry, task = board_of(relies=True), Asked(*[PENDING] * 6, "report")
    operation, began = task.operation(_KIND, registry=registry), anyio.current_time()
    operation.wake()

    await operation.wait(timeout=5000)

    pauses = [b - a - 0.1 for a, b in zip(task.times, task.times[1:], strict=False)]
    assert task.times[0] == began
    assert pauses == pytest.approx([10, 10, 10, 10, 600, 600])


async def test_who_waits_for_an_event_hurries_when_events_are_lost() -> None:
    """The next poll may be ten minutes off: now it is made, of each at another moment."""
    registry, task = board_of(relies=True), Asked(*[PENDING] * 3, "report")
    operation = task.operation(_KIND, registry=registry)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_results, operation)
        await anyio.sleep(450)
        assert len(task.times) == 3
        registry.ended(_KIND, ("another",))
        await anyio.sleep(40)
        assert not registry.relies(_KIND)
        await anyio.sleep(1)

    assert len(task.times) == 4


async def test_a_servers_wish_goes_before_haste() -> None:
    """It said when to ask."""
    begun = Progress(done=False, value=PENDING, retry_after=500.0)
    task, began = Asked("report"), anyio.current_time()
    operation = Operation(task.ask, begun, kind=_KIND, ids=("id",), registry=board_of())

    operation.hurry()

    assert await operation == "report"
    assert task.times == pytest.approx([began + 500])


async def test_an_event_for_what_is_done_changes_nothing() -> None:
    """It comes late, or twice."""
    task = Asked("report")
    operation = task.operation(_KIND)
    await operation

    operation.wake()

    assert await operation == "report"
    assert len(task.times) == 1


async def test_who_relies_on_events_hardly_asks() -> None:
    """After one minute, two and four; without events that is how the end is found."""
    registry, task = board_of(relies=True), Asked(PENDING, PENDING, "report")

    took = await _results(task.operation(_KIND, registry=registry))

    assert took == pytest.approx([60 + 120 + 240 + 0.3])
    assert registry.relies(_KIND)
    await anyio.sleep(40)
    assert not registry.relies(_KIND)


async def test_who_relies_on_events_asks_once_before_giving_up() -> None:
    """An event may have been lost; and one that comes after that still counts."""
    registry, task = board_of(relies=True), Asked(PENDING)
    operation, began = task.operation(_KIND, registry=registry), anyio.current_time()

    with pytest.raises(OperationTimeoutError):
        await operation.wait(timeout=30)
    assert [at - began for at in task.times] == pytest.approx([28])
    assert anyio.current_time() - began == pytest.approx(30)

    task.answers[:] = ["report"]
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_results, operation)
        await anyio.sleep(1)
        operation.wake()
    assert anyio.current_time() - began == pytest.approx(31.1)


async def test_an_event_in_the_last_seconds_counts() -> None:
    """After the last poll nothing is left to be heard but an event."""
    registry, task = board_of(relies=True), Asked(PENDING, "report")
    operation = task.operation(_KIND, registry=registry)

    async def event() -> None:
        await anyio.sleep(29)
        operation.wake()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(event)
        assert await operation.wait(timeout=30) == "report"


async def test_a_servers_wish_does_not_end_what_an_event_may() -> None:
    """To come again in an hour is said of polls."""
    registry, task = board_of(relies=True), Asked("report")
    begun = Progress(done=False, value=PENDING, retry_after=3600.0)
    operation = Operation(task.ask, begun, kind=_KIND, ids=("id",), registry=registry)

    async def event() -> None:
        await anyio.sleep(5)
        operation.wake()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(event)
        assert await operation.wait(timeout=30) == "report"


async def test_what_ends_without_its_event_brings_the_polls_back() -> None:
    """For those that are begun then, until an event comes."""
    registry = board_of(relies=True)
    await Asked("report").operation(_KIND, registry=registry)
    await anyio.sleep(31)

    task = Asked("report")
    assert await _results(task.operation(_KIND, registry=registry)) == pytest.approx([10.1])


async def test_what_was_done_before_it_was_looked_at_has_missed_no_event() -> None:
    """Resumed when it is long over: that tells nothing about events."""
    registry = board_of(relies=True)

    await Asked("report").operation(_KIND, registry=registry, first=None)
    await anyio.sleep(100)

    assert registry.relies(_KIND)


async def test_who_waits_for_nothing_is_asked_nothing() -> None:
    """When the last await has left, no poll is made."""
    task = Asked(PENDING)
    operation = task.operation(_KIND)

    with anyio.move_on_after(25):
        await operation
    await anyio.sleep(1000)

    assert len(task.times) == 2
