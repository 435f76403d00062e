"""Operations that a webhook event wakes."""

import anyio
import pytest
from tasks import PENDING, Polled, make_registry

from sikoia_async import Interval, Operation, OperationTimeoutError
from sikoia_async.operations.kinds import OperationKind
from sikoia_async.operations.operation import Progress, new_operation

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_EVENT = "Report.Completed"
_KIND = OperationKind(
    name="report", interval=Interval(first=10, most=10), timeout=1000, events=frozenset({_EVENT})
)


async def _results(operation: Operation[str], number: int = 1) -> list[float]:
    """Wait for an operation several times at once; return how long each wait took."""
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
async def test_an_event_causes_one_poll_at_once(relies: bool, waiters: int) -> None:
    """It confirms the event for all waiters."""
    registry, task, took = make_registry(rely_on_events=relies), Polled("report"), list[float]()
    operation = task.operation(_KIND, registry=registry)

    async def event() -> None:
        await anyio.sleep(3)
        assert registry.wake("key", _EVENT, ["id"]) == 1

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(event)
        took += await _results(operation, waiters)

    assert took == pytest.approx([3.1] * waiters)
    assert len(task.times) == 1
    assert task.polls == [-1]  # ahead of first polls in the queue for the rate limit
    assert registry.expects_event(_KIND) is relies


async def test_an_event_that_precedes_the_status_is_followed_closely() -> None:
    """The status is still `Pending`, but not for long."""
    registry, task = make_registry(rely_on_events=True), Polled(PENDING, PENDING, "report")
    operation = task.operation(_KIND, registry=registry)
    operation.wake("key")

    assert await _results(operation) == pytest.approx([20.3])


async def test_an_event_during_a_poll_is_not_lost() -> None:
    """The response may be older than the event, so the next poll comes at once."""
    registry = make_registry(rely_on_events=True)
    task = Polled(PENDING, "report")
    operation = task.operation(_KIND, registry=registry, first=None)
    task.during_poll = lambda: operation.wake("key")

    assert await _results(operation) == pytest.approx([0.2])


async def test_an_event_wakes_an_operation_once() -> None:
    """A recorded delivery costs one poll, however often it is sent: also while that poll runs."""
    registry, task = make_registry(rely_on_events=True), Polled(PENDING)
    operation = task.operation(_KIND, registry=registry)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(operation.wait)
        for _ in range(200):
            assert registry.wake("key", _EVENT, ["id"]) == 1
            await anyio.sleep(0.04)
        assert len(task.times) == 1
        tasks.cancel_scope.cancel()


async def test_a_few_events_wake_an_operation() -> None:
    """Also if each is new. Then it is polled as if no event had come."""
    registry, task = make_registry(rely_on_events=True), Polled(PENDING)
    operation = task.operation(_KIND, registry=registry)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(operation.wait)
        for number in range(50):
            registry.wake(str(number), _EVENT, ["id"])
            await anyio.sleep(0.15)
        assert len(task.times) == 8
        await anyio.sleep(10)
        assert len(task.times) == 9
        tasks.cancel_scope.cancel()


async def test_a_repeated_event_does_not_restore_the_trust() -> None:
    """An old one says nothing about whether new ones arrive."""
    registry, task = make_registry(rely_on_events=True), Polled("report")
    operation = task.operation(_KIND, registry=registry)
    operation.wake("key")
    registry.ended_without_event(_KIND, ("another",))
    await anyio.sleep(31)
    assert not registry.expects_event(_KIND)

    registry.wake("key", _EVENT, ["id"])
    assert not registry.expects_event(_KIND)
    registry.wake("new", _EVENT, ["id"])
    assert registry.expects_event(_KIND)


async def test_an_event_about_something_else_is_forgotten() -> None:
    """After five polls that find the operation running, polls are rare again."""
    registry, task = make_registry(rely_on_events=True), Polled(*[PENDING] * 6, "report")
    operation, began = task.operation(_KIND, registry=registry), anyio.current_time()
    operation.wake("key")

    await operation.wait(timeout=5000)

    pauses = [b - a - 0.1 for a, b in zip(task.times, task.times[1:], strict=False)]
    assert task.times[0] == began
    assert pauses == pytest.approx([10, 10, 10, 10, 600, 600])


async def test_lost_events_bring_the_next_poll_forward() -> None:
    """Otherwise it might be ten minutes away."""
    registry, task = make_registry(rely_on_events=True), Polled(*[PENDING] * 3, "report")
    operation = task.operation(_KIND, registry=registry)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_results, operation)
        await anyio.sleep(450)
        assert len(task.times) == 3
        registry.ended_without_event(_KIND, ("another",))
        await anyio.sleep(40)
        assert not registry.expects_event(_KIND)
        await anyio.sleep(1)

    assert len(task.times) == 4


async def test_a_poll_that_finds_events_lost_counts_as_the_first() -> None:
    """Pauses start again with the shortest."""
    kind = OperationKind(name="report", events=frozenset({_EVENT}), interval=Interval(first=10))
    registry = make_registry(rely_on_events=True)
    task = Polled(PENDING, PENDING, "report")
    operation = task.operation(kind, registry=registry)
    registry.ended_without_event(kind, ("another",))

    await operation.wait(timeout=5000)

    # The waiter wakes for the poll at 60 s, and that poll finds the events lost.
    assert task.gaps == pytest.approx([10.1, 15.1])


async def test_lost_events_do_not_override_retry_after() -> None:
    """Sikoia said when to poll."""
    first = Progress(done=False, value=PENDING, retry_after=500.0)
    task, began = Polled("report"), anyio.current_time()
    operation = new_operation(task.fetch, first, kind=_KIND, ids=("id",), registry=make_registry())

    operation.poll_soon()

    assert await operation == "report"
    assert task.times == pytest.approx([began + 500])


async def test_an_event_for_a_finished_operation_changes_nothing() -> None:
    """Events arrive late, or twice, or are given up for lost."""
    task = Polled("report")
    operation = task.operation(_KIND)
    await operation

    operation.wake("key")
    operation.poll_soon()

    assert await operation == "report"
    assert len(task.times) == 1


async def test_polls_are_rare_while_an_event_is_expected() -> None:
    """They come after one, two and four minutes. If no event arrives, they find the end."""
    registry, task = make_registry(rely_on_events=True), Polled(PENDING, PENDING, "report")

    took = await _results(task.operation(_KIND, registry=registry))

    assert took == pytest.approx([60 + 120 + 240 + 0.3])
    assert registry.expects_event(_KIND)
    await anyio.sleep(40)
    assert not registry.expects_event(_KIND)


async def test_a_wait_polls_once_before_it_ends() -> None:
    """The event may have been lost. One that arrives in a later wait still counts."""
    registry, task = make_registry(rely_on_events=True), Polled(PENDING)
    operation, began = task.operation(_KIND, registry=registry), anyio.current_time()

    with pytest.raises(OperationTimeoutError):
        await operation.wait(timeout=30)
    assert [at - began for at in task.times] == pytest.approx([28])
    assert anyio.current_time() - began == pytest.approx(30)

    task.responses[:] = ["report"]
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_results, operation)
        await anyio.sleep(1)
        operation.wake("key")
    assert anyio.current_time() - began == pytest.approx(31.1)


async def test_an_event_in_the_last_seconds_counts() -> None:
    """Even after the last poll."""
    registry, task = make_registry(rely_on_events=True), Polled(PENDING, "report")
    operation = task.operation(_KIND, registry=registry)

    async def event() -> None:
        await anyio.sleep(29)
        operation.wake("key")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(event)
        assert await operation.wait(timeout=30) == "report"


async def test_retry_after_does_not_end_a_wait_for_an_event() -> None:
    """It only says when to poll."""
    registry, task = make_registry(rely_on_events=True), Polled("report")
    first = Progress(done=False, value=PENDING, retry_after=3600.0)
    operation = new_operation(task.fetch, first, kind=_KIND, ids=("id",), registry=registry)

    async def event() -> None:
        await anyio.sleep(5)
        operation.wake("key")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(event)
        assert await operation.wait(timeout=30) == "report"


async def test_an_operation_that_ends_without_its_event_brings_polling_back() -> None:
    """For operations that start later, until an event arrives."""
    registry = make_registry(rely_on_events=True)
    await Polled("report").operation(_KIND, registry=registry)
    await anyio.sleep(31)

    task = Polled("report")
    assert await _results(task.operation(_KIND, registry=registry)) == pytest.approx([10.1])


async def test_an_operation_that_was_already_done_missed_no_event() -> None:
    """It was resumed after its end, so its event may have arrived before."""
    registry = make_registry(rely_on_events=True)

    await Polled("report").operation(_KIND, registry=registry, first=None)
    await anyio.sleep(100)

    assert registry.expects_event(_KIND)


async def test_an_operation_without_waiters_is_not_polled() -> None:
    """Once the last await is cancelled, there are no polls."""
    task = Polled(PENDING)
    operation = task.operation(_KIND)

    with anyio.move_on_after(25):
        await operation
    await anyio.sleep(1000)

    assert len(task.times) == 2
