"""Operations and polling."""

import copy
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import attrs
import pytest

from sikoia_async import (
    ArgumentTypeError,
    ConfigurationError,
    Interval,
    Operation,
    OperationFailedError,
    OperationTimeoutError,
    poll,
)
from sikoia_async.models import ResponseInfo
from sikoia_async.operations.operation import Progress, follow
from sikoia_async.operations.registry import OperationKind, OperationRegistry
from sikoia_async.operations.token import TokenSigner

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]


_KIND = OperationKind(name="report")
_NO_TIMES = [0, -1, float("inf"), float("nan"), "5", True]


class _Task:
    """Is done after so many polls; each takes 0.1 s. It notes when it was asked."""

    def __init__(self, polls: int = 3, hint: float | None = None) -> None:
        self.left = polls
        self.times: list[float] = []
        self._hint = hint

    async def ask(self, _asked: int = 0) -> Progress[str]:
        self.times.append(anyio.current_time())
        await anyio.sleep(0.1)
        self.left -= 1
        return self.progress()

    def progress(self) -> Progress[str]:
        done, number = self.left <= 0, len(self.times)
        value = "report" if done else None
        return Progress(done, value, retry_after=self._hint, correlation_id=f"id-{number}")

    def operation(self, interval: Interval | None = None) -> Operation[str]:
        kind = OperationKind(name="report", interval=interval or Interval())
        return Operation(self.ask, self.progress(), kind=kind, jitter=lambda: 0.0)

    @property
    def gaps(self) -> list[float]:
        return [b - a for a, b in zip(self.times, self.times[1:], strict=False)]


async def _await(operation: Operation[str]) -> str:
    return await operation


async def _wait(operation: Operation[str]) -> str:
    return await operation.wait(timeout=60)


@pytest.mark.parametrize("wait", [_await, _wait])
async def test_an_operation_is_waited_for(
    wait: Callable[[Operation[str]], Awaitable[str]],
) -> None:
    """It gives its result, keeps it, and remembers each correlation id."""
    task = _Task()
    operation = task.operation()
    assert not operation.done
    assert repr(operation) == "<Operation report: running, 1 answers>"

    assert await wait(operation) == "report"

    assert await wait(operation) == operation.result() == operation.last == "report"
    assert operation.correlation_ids == ("id-0", "id-1", "id-2", "id-3")
    assert len(task.times) == 3
    assert repr(operation) == "<Operation report: done, 4 answers>"


async def test_a_result_that_is_not_there_yet_is_no_result() -> None:
    """Who forgets to wait is told so."""
    with pytest.raises(ConfigurationError, match="not done yet: await it"):
        _Task().operation().result()


async def test_pauses_grow_up_to_the_longest() -> None:
    """From one second by half to fifteen."""
    task = _Task(polls=12)
    began = anyio.current_time()

    await task.operation().wait(timeout=1000)

    assert task.times[0] - began == pytest.approx(1)
    grown = [1.5, 2.25, 3.375, 5.0625, 7.59375, 11.390625] + [15.0] * 5
    assert task.gaps == pytest.approx([gap + 0.1 for gap in grown])


@pytest.mark.parametrize(("jitter", "wait"), [(0.0, 10.0), (1.0, 8.0)])
def test_a_pause_is_shortened_by_a_fifth_at_most(jitter: float, wait: float) -> None:
    """Waiters do not ask in step; and after very many polls the number still fits."""
    interval = Interval(first=10, most=10)

    assert interval.after(10_000, None, jitter) == wait
    assert interval.after(0, 3.0, jitter) == 3.0


@pytest.mark.parametrize("name", ["first", "most"])
@pytest.mark.parametrize("value", [*_NO_TIMES, None, 0.01], ids=repr)
def test_an_interval_has_a_pause_and_an_end(name: str, value: Any) -> None:
    """No pause at all would spend the quota; either is refused when it is written."""
    with pytest.raises(ConfigurationError, match=f"{name}: expected ") as caught:
        Interval(**{name: value})

    assert isinstance(caught.value, TypeError) is (type(value) not in {int, float})


@pytest.mark.parametrize("value", [*_NO_TIMES, None, 0.9, 101, 10**400], ids=repr)
def test_pauses_do_not_shrink(value: Any) -> None:
    """A factor below 1 would end in no pause at all."""
    with pytest.raises(
        ConfigurationError, match="factor: expected a number from 1 to 100"
    ) as caught:
        Interval(factor=value)

    assert isinstance(caught.value, TypeError) is (type(value) not in {int, float})


@pytest.mark.parametrize("interval", [None, 5])
async def test_an_interval_is_an_interval(interval: Any) -> None:
    """A number is none: nothing is asked."""
    task = _Task()

    with pytest.raises(ArgumentTypeError, match="interval: "):
        await poll(task.ask, until=lambda _: True, interval=interval)

    assert task.times == []


async def test_the_servers_wish_goes_first() -> None:
    """Retry-After is obeyed, whether it is longer or shorter than the interval."""
    task = _Task(hint=40)

    await task.operation().wait(timeout=1000)

    assert task.gaps == pytest.approx([40.1, 40.1])


async def test_a_wish_beyond_the_deadline_is_not_waited_for() -> None:
    """The answer would be the same in an hour, so it is given now; and one may wait again."""
    task = _Task(polls=1, hint=3600)
    operation, began = task.operation(), anyio.current_time()

    with pytest.raises(
        OperationTimeoutError, match="asks to wait 3,600 s; 60 s were given"
    ) as caught:
        await operation.wait(timeout=60)

    assert anyio.current_time() == began
    assert caught.value.operation is operation
    assert caught.value.correlation_ids == ("id-0",)
    assert "id-0" in str(caught.value)
    assert await operation.wait(timeout=4000) == "report"


async def test_a_poll_that_crosses_the_deadline_is_given_up() -> None:
    """The time is up while the answer is on its way: the operation still runs."""
    task = _Task()

    with pytest.raises(OperationTimeoutError):
        await task.operation().wait(timeout=1.05)
    assert len(task.times) == 1


@pytest.mark.parametrize("seconds", [*_NO_TIMES, 10**400], ids=lambda one: repr(one)[:9])
async def test_a_wait_has_an_end(seconds: Any) -> None:
    """A timeout that is none is refused."""
    with pytest.raises(ConfigurationError, match="timeout: expected seconds"):
        await _Task().operation().wait(timeout=seconds)


async def test_many_waiters_ask_as_one() -> None:
    """Ten awaits make the polls of one, and all get the result."""
    task = _Task()
    operation, results = task.operation(), list[str]()

    async def wait() -> None:
        results.append(await operation)

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(wait)

    assert results == ["report"] * 10
    assert len(task.times) == 3


@pytest.mark.parametrize("seconds", [0.5, 1.05, 3.0])
async def test_cancelling_one_await_stops_that_one_only(seconds: float) -> None:
    """Whether it was asking, sleeping or following: the others go on."""
    operation, results = _Task().operation(), list[str]()

    async def wait(limit: float) -> None:
        with anyio.move_on_after(limit):
            results.append(await operation)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait, seconds)
        await anyio.wait_all_tasks_blocked()
        for _ in range(3):
            tasks.start_soon(wait, 1000)

    assert results == ["report"] * 3


async def test_a_refresh_asks_now() -> None:
    """Whatever the interval says; once the operation is done there is nothing to ask."""
    task = _Task(polls=2)
    operation, began = task.operation(Interval(first=100, most=100)), anyio.current_time()

    assert await operation.refresh() is None
    assert await operation.refresh() == "report"
    assert await operation.refresh() == "report"

    assert len(task.times) == 2
    assert anyio.current_time() - began == pytest.approx(0.2)


async def test_a_refresh_asks_now_though_others_wait() -> None:
    """Who waits for the next poll is no reason to wait with them, and hears of the result."""
    task = _Task(polls=1)
    operation, began = task.operation(Interval(first=100, most=100)), anyio.current_time()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_wait_long, operation)
        await anyio.sleep(1)
        assert await operation.refresh() == "report"
        assert anyio.current_time() - began == pytest.approx(1.1)

    assert len(task.times) == 1


async def _wait_long(operation: Operation[str]) -> None:
    assert await operation.wait(timeout=1000) == "report"


async def test_an_error_of_a_poll_reaches_the_waiter_who_may_wait_again() -> None:
    """What goes wrong with one poll is no end of the task."""
    task, broken = _Task(polls=1), [ValueError("no")]

    async def ask(_: int) -> Progress[str]:
        if broken:
            raise broken.pop()
        return await task.ask()

    operation = Operation(ask, Progress(done=False))

    with pytest.raises(ValueError, match="no"):
        await operation
    assert await operation == "report"


async def test_poll_gives_up_at_its_timeout() -> None:
    """What never comes is given up at the timeout, and the last answer is kept."""
    began = anyio.current_time()

    async def fetch() -> str:
        await anyio.sleep(0.1)
        return "Pending"

    with pytest.raises(OperationTimeoutError) as caught:
        await poll(fetch, until=lambda status: status == "Complete", timeout=3600)

    assert caught.value.last == "Pending"
    assert 3500 < anyio.current_time() - began <= 3600


async def test_poll_returns_the_wanted_answer() -> None:
    """The first answer that is the wanted one is returned."""
    answers = iter(["Pending", "Pending", "Complete"])

    async def fetch() -> str:
        return next(answers)

    answer = await poll(
        fetch, until=lambda status: status == "Complete", interval=Interval(first=2)
    )

    assert answer == "Complete"


@attrs.frozen(kw_only=True)
class _Report:
    """An answer that tells its status."""

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
    """Return an operation that is answered with these, one after the other."""
    first, *rest = (attrs.evolve(one, number=at) for at, one in enumerate(reports))
    answers = iter(rest)

    async def retrieve(_: int) -> _Report:
        return next(answers)

    registry = OperationRegistry(TokenSigner("https://api.example", ""), relies=False)
    return follow(
        _KIND, ("id",), retrieve, first, registry=registry,
        state=lambda report: _KIND.state(report.status, lambda: None),
    )  # fmt: skip


async def test_a_status_is_followed_until_it_is_complete() -> None:
    """A status that is not known counts as running, and so does none."""
    pending, odd, none = _Report(status="Pending"), _Report(status="Odd"), _Report(status=None)
    operation = _followed(pending, odd, none, _Report(status="Complete"))
    assert (operation.done, operation.status) == (False, "Pending")

    report = await operation

    assert (report.status, operation.status) == ("Complete", "Complete")
    assert operation.correlation_ids == ("id-0", "id-1", "id-2", "id-3")


async def test_what_is_complete_at_once_is_not_asked_for() -> None:
    """The first answer may be the last."""
    assert (await _followed(_Report(status="Complete"))).number == 0


@pytest.mark.parametrize("message", [None, "no bank data"])
async def test_a_failure_is_an_error_with_the_answer(message: str | None) -> None:
    """It tells the correlation id, and where Sikoia's words are, which may be personal."""
    operation = _followed(_Report(status="Pending"), _Report(status="Failed", message=message))

    with pytest.raises(OperationFailedError) as caught:
        await operation

    assert operation.done
    assert caught.value.result == operation.last
    assert caught.value.correlation_ids == ("id-0", "id-1")
    assert ("result.message says" if message else "does not say why") in str(caught.value)
    assert "bank data" not in str(caught.value)
    assert "id-1" in str(caught.value)
    assert copy.deepcopy(caught.value).result.status == "Failed"


async def test_an_answer_without_a_status_has_none() -> None:
    """The status is the model's; a task of another kind has none."""
    assert _Task().operation().status is None
