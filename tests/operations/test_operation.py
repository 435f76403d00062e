"""Operations and polling."""

import copy
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import attrs
import pytest
from tasks import PENDING, Polled, call_info, make_registry

from sikoia_async import (
    ArgumentTypeError,
    ConfigurationError,
    ConnectionFailedError,
    Interval,
    Operation,
    OperationFailedError,
    OperationTimeoutError,
    RequestedOperation,
    poll,
)
from sikoia_async.models import ResponseInfo
from sikoia_async.operations.kinds import OperationKind
from sikoia_async.operations.operation import Progress, new_operation, with_first
from sikoia_async.operations.polling import follow

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]


_KIND = OperationKind(name="report")
_RARE = OperationKind(name="report", interval=Interval(first=100, most=100))
_NOT_SECONDS = [0, -1, float("inf"), float("nan"), "5", True]


async def _await(operation: Operation[str]) -> str:
    return await operation


async def _wait(operation: Operation[str]) -> str:
    return await operation.wait(timeout=60)


@pytest.mark.parametrize("wait", [_await, _wait])
async def test_an_operation_gives_its_result(
    wait: Callable[[Operation[str]], Awaitable[str]],
) -> None:
    """It keeps the result, and every correlation id."""
    task = Polled(PENDING, PENDING, "report")
    operation = task.operation()
    assert not operation.done
    assert repr(operation) == "<Operation report: running, 1 response>"

    assert await wait(operation) == "report"

    assert await wait(operation) == operation.result() == operation.last == "report"
    assert operation.correlation_ids == ("id-0", "id-1", "id-2", "id-3")
    assert len(task.times) == 3
    assert repr(operation) == "<Operation report: done, 4 responses>"


async def test_a_field_of_the_result_is_not_one_of_the_operation() -> None:
    """The error says to await it; any other name is as usual, with the nearest one."""
    operation: Any = Polled(PENDING, "report").operation()  # of a string, which has `title`
    hint = "has no attribute 'title', but its result has: await the operation for it"

    with pytest.raises(AttributeError, match=hint):
        _ = operation.title
    with pytest.raises(
        AttributeError, match=r"has no attribute 'refreshed'; did you mean 'refresh'\?$"
    ):
        _ = operation.refreshed
    with pytest.raises(AttributeError, match=r"has no attribute 'picklist'$"):
        _ = operation.picklist
    assert not hasattr(operation, "__fspath__")


async def test_a_result_needs_a_wait() -> None:
    """Asking for the result too early is an error that says what to do."""
    with pytest.raises(ConfigurationError, match="not done yet: await it"):
        Polled(PENDING).operation().result()


async def test_pauses_grow_up_to_the_longest() -> None:
    """They grow by half, from 1 s to 15 s."""
    task = Polled(*[PENDING] * 11, "report")
    began = anyio.current_time()

    await task.operation().wait(timeout=1000)

    assert task.times[0] - began == pytest.approx(1)
    grown = [1.5, 2.25, 3.375, 5.0625, 7.59375, 11.390625] + [15.0] * 5
    assert task.gaps == pytest.approx([gap + 0.1 for gap in grown])


@pytest.mark.parametrize(("jitter", "pause"), [(0.0, 10.0), (1.0, 8.0)])
def test_a_pause_is_shortened_by_a_fifth_at_most(jitter: float, pause: float) -> None:
    """The number of polls does not overflow."""
    assert Interval(first=10, most=10).pause(10_000, jitter) == pause


@pytest.mark.parametrize("name", ["first", "most"])
@pytest.mark.parametrize("value", [*_NOT_SECONDS, None, 0.01], ids=repr)
def test_an_interval_refuses_pauses_that_are_too_short(name: str, value: Any) -> None:
    """Polling without a pause would use up the rate limit."""
    with pytest.raises(ConfigurationError, match=f"{name}: expected ") as caught:
        Interval(**{name: value})

    assert isinstance(caught.value, TypeError) is (type(value) not in {int, float})


@pytest.mark.parametrize("value", [*_NOT_SECONDS, None, 0.9, 101, 10**400], ids=repr)
def test_pauses_do_not_shrink(value: Any) -> None:
    """A factor below 1 would end in no pause at all."""
    with pytest.raises(
        ConfigurationError, match="factor: expected a number from 1 to 100"
    ) as caught:
        Interval(factor=value)

    assert isinstance(caught.value, TypeError) is (type(value) not in {int, float})


@pytest.mark.parametrize("interval", [None, 5])
async def test_poll_takes_an_interval(interval: Any) -> None:
    """A number is refused before anything is fetched."""
    calls = list[int]()

    async def fetch() -> None:
        calls.append(1)

    with pytest.raises(ArgumentTypeError, match="interval: "):
        await poll(fetch, until=lambda _: True, interval=interval)

    assert calls == []


async def test_retry_after_decides_the_pause() -> None:
    """The interval does not."""
    task = Polled(PENDING, PENDING, "report", retry_after=40)

    await task.operation().wait(timeout=1000)

    assert task.gaps == pytest.approx([40.1, 40.1])


async def test_a_retry_after_beyond_the_deadline_ends_the_wait_at_once() -> None:
    """The caller can wait again, for longer."""
    task = Polled("report", retry_after=3600)
    operation, began = task.operation(), anyio.current_time()

    with pytest.raises(
        OperationTimeoutError, match="asks to wait 3,600 s: timeout was 60 s"
    ) as caught:
        await operation.wait(timeout=60)

    assert anyio.current_time() == began
    assert caught.value.operation is operation
    assert caught.value.correlation_ids == ("id-0",)
    assert "id-0" in str(caught.value)
    assert await operation.wait(timeout=4000) == "report"


async def test_a_poll_that_crosses_the_deadline_is_abandoned() -> None:
    """The wait ends on time, although a response is on its way."""
    task = Polled(PENDING, "report")

    with pytest.raises(OperationTimeoutError):
        await task.operation().wait(timeout=1.05)
    assert len(task.times) == 1


@pytest.mark.parametrize("seconds", [*_NOT_SECONDS[1:], 10**400], ids=lambda one: repr(one)[:9])
async def test_a_timeout_is_a_number_of_seconds(seconds: Any) -> None:
    """Anything else is refused."""
    with pytest.raises(ConfigurationError, match="timeout: expected"):
        await Polled(PENDING).operation().wait(timeout=seconds)


async def test_a_timeout_of_zero_looks_once() -> None:
    """It polls at once, whatever the pause, and returns the result or raises a timeout."""
    task = Polled(PENDING, "report")
    operation = task.operation(_RARE)

    with pytest.raises(OperationTimeoutError, match="polled 1 time;") as caught:
        await operation.wait(0)
    assert caught.value.last == PENDING
    assert await operation.wait(timeout=0.0) == "report"
    assert await operation.wait(0) == "report"  # it is done

    assert len(task.times) == 2
    assert await poll(lambda: 3, until=lambda number: number == 3, timeout=0) == 3


async def test_a_look_during_an_outage_has_the_outage_as_its_cause() -> None:
    """It raises a timeout, like a longer wait."""
    outage = ConnectionFailedError("gone", call=call_info(), may_have_been_processed=False)

    with pytest.raises(OperationTimeoutError) as caught:
        await Polled(outage).operation().wait(0)

    assert caught.value.__cause__ is outage


async def test_a_timeout_can_be_positional() -> None:
    """`wait(30)` is what people write."""
    assert await Polled(PENDING, "report").operation().wait(30) == "report"


def test_operations_are_not_created() -> None:
    """The methods of resources return them."""
    with pytest.raises(ConfigurationError, match="methods such as"):
        Operation[str]()


async def test_a_result_that_is_ready_is_retrieved_at_once() -> None:
    """The response to the request says that it is done, but lacks the result."""
    task, began = Polled("report"), anyio.current_time()
    first = Progress(done=False, is_ready=True, value="Complete")
    operation = new_operation(task.fetch, first, kind=_RARE)
    assert isinstance(operation, RequestedOperation)
    assert (operation.first, operation.last, operation.done) == ("Complete", "Complete", False)

    assert await operation == "report"

    assert task.times == [began]
    assert (operation.first, operation.last) == ("Complete", "report")


async def test_an_operation_that_was_opened_early_has_its_first_response() -> None:
    """Somebody may have opened it by its id before the response to the request arrived."""
    registry = make_registry()
    opened = Polled("report").operation(first=None, registry=registry)

    operation = with_first(opened, "Pending")

    assert (operation, operation.first) == (opened, "Pending")


async def test_many_waiters_poll_as_one() -> None:
    """Ten awaits make the polls of one, and all get the result."""
    task = Polled(PENDING, PENDING, "report")
    operation, results = task.operation(), list[str]()

    async def wait() -> None:
        results.append(await operation)

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(wait)

    assert results == ["report"] * 10
    assert len(task.times) == 3


@pytest.mark.parametrize("seconds", [0.5, 1.05, 3.0])
async def test_cancelling_one_await_stops_only_that_one(seconds: float) -> None:
    """Whether it was sleeping, polling or sharing a poll: the others continue."""
    operation, results = Polled(PENDING, PENDING, "report").operation(), list[str]()

    async def wait(limit: float) -> None:
        with anyio.move_on_after(limit):
            results.append(await operation)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait, seconds)
        await anyio.wait_all_tasks_blocked()
        for _ in range(3):
            tasks.start_soon(wait, 1000)

    assert results == ["report"] * 3


async def test_a_refresh_polls_now() -> None:
    """The interval does not matter. An operation that is done is not polled."""
    task = Polled(PENDING, "report")
    operation, began = task.operation(_RARE), anyio.current_time()

    assert await operation.refresh() == PENDING
    assert await operation.refresh() == "report"
    assert await operation.refresh() == "report"

    assert len(task.times) == 2
    assert anyio.current_time() - began == pytest.approx(0.2)


async def test_a_refresh_polls_for_the_waiters_too() -> None:
    """They get the result before their own poll is due."""
    task = Polled("report")
    operation, began = task.operation(_RARE), anyio.current_time()

    async def wait() -> None:
        assert await operation.wait(timeout=1000) == "report"

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.sleep(1)
        assert await operation.refresh() == "report"
        assert anyio.current_time() - began == pytest.approx(1.1)

    assert len(task.times) == 1


@pytest.mark.parametrize("is_refreshed_first", [True, False])
async def test_a_poll_that_has_just_ended_is_not_repeated(is_refreshed_first: bool) -> None:
    """A refresh ends at the very moment at which a waiter's poll is due."""
    task = Polled("report")
    operation = task.operation(OperationKind(name="report", interval=Interval(first=1)))

    async def refresh() -> None:
        await anyio.sleep(0.9)
        await operation.refresh()

    async with anyio.create_task_group() as tasks:
        if is_refreshed_first:
            tasks.start_soon(refresh)
        tasks.start_soon(_wait, operation)
        if not is_refreshed_first:
            tasks.start_soon(refresh)

    assert len(task.times) == 1


async def test_an_error_of_a_poll_does_not_end_the_operation() -> None:
    """It reaches the waiter, who can wait again."""
    task, errors = Polled("report"), [ValueError("no")]

    async def fetch(_: int) -> Progress[str]:
        if errors:
            raise errors.pop()
        return await task.fetch(0)

    operation = new_operation(fetch, Progress(done=False))

    with pytest.raises(ValueError, match="no"):
        await operation
    assert await operation == "report"


async def test_poll_gives_up_at_its_timeout() -> None:
    """The error holds the last result."""
    began = anyio.current_time()

    async def fetch() -> str:
        await anyio.sleep(0.1)
        return "Pending"

    with pytest.raises(OperationTimeoutError) as caught:
        await poll(fetch, until=lambda status: status == "Complete", timeout=3600)

    assert caught.value.last == "Pending"
    assert 3500 < anyio.current_time() - began <= 3600


async def test_poll_returns_the_first_result_that_meets_the_condition() -> None:
    """Those before it are dropped."""
    results = iter(["Pending", "Pending", "Complete"])

    async def fetch() -> str:
        return next(results)

    result = await poll(
        fetch, until=lambda status: status == "Complete", interval=Interval(first=2)
    )

    assert result == "Complete"


@attrs.frozen(kw_only=True)
class _Report:
    """A model with a status."""

    status: str | None
    message: str | None = None
    number: int = 0

    @property
    def response(self) -> ResponseInfo:
        return ResponseInfo(
            method="GET", path="/v2/reports", url="", correlation_id=f"id-{self.number}",
            sent_correlation_id="", attempts=(), seconds=0.1, status=200,
        )  # fmt: skip


def _followed(*reports: _Report) -> Operation[_Report]:
    """Return an operation whose responses are these."""
    first, *rest = (attrs.evolve(one, number=at) for at, one in enumerate(reports))
    responses = iter(rest)

    async def retrieve(_: int) -> _Report:
        return next(responses)

    return follow(
        _KIND, ("id",), retrieve, first, registry=make_registry(),
        state=lambda report: _KIND.state(report.status, lambda _: None),
    )  # fmt: skip


async def test_a_status_is_followed_until_it_is_complete() -> None:
    """An unknown status counts as running, and so does a missing one."""
    pending, unknown, missing = (_Report(status=one) for one in ("Pending", "Odd", None))
    operation = _followed(pending, unknown, missing, _Report(status="Complete"))
    assert (operation.done, operation.status) == (False, "Pending")

    report = await operation

    assert (report.status, operation.status) == ("Complete", "Complete")
    assert operation.correlation_ids == ("id-0", "id-1", "id-2", "id-3")


async def test_a_request_that_is_complete_at_once_is_not_polled() -> None:
    """The first response may be the last."""
    assert (await _followed(_Report(status="Complete"))).number == 0


@pytest.mark.parametrize("message", [None, "no bank data"])
async def test_a_failure_is_an_error_that_holds_the_response(message: str | None) -> None:
    """It says where Sikoia's reason is, but not the reason, which may be personal data."""
    operation = _followed(_Report(status="Pending"), _Report(status="Failed", message=message))

    with pytest.raises(OperationFailedError) as caught:
        await operation

    assert operation.done
    assert caught.value.result == operation.last
    assert caught.value.correlation_ids == ("id-0", "id-1")
    assert ("see error.result.message" if message else "gave no reason") in str(caught.value)
    assert "bank data" not in str(caught.value)
    assert "id-1" in str(caught.value)
    assert copy.deepcopy(caught.value).result.status == "Failed"


async def test_a_value_without_a_status_has_none() -> None:
    """The status is the model's."""
    assert Polled(PENDING).operation().status is None
