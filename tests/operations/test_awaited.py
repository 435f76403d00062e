"""Operations that are waited for: until when, through which troubles, and what comes of it."""

import pickle

import anyio
import pytest
from tasks import PENDING, Asked, board_of, call_info

from sikoia_async import (
    ClientStateError,
    ConfigurationError,
    ConnectionFailedError,
    Interval,
    InvalidRequestError,
    Operation,
    OperationFailedError,
    OperationTimeoutError,
    RateLimitError,
    ResourceDeletedError,
    ResourceNotFoundError,
    ServerError,
    TokenError,
)
from sikoia_async.errors import APIError
from sikoia_async.operations.operation import Progress
from sikoia_async.operations.registry import OperationKind

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_EVEN = OperationKind(name="report", interval=Interval(first=10, most=10), timeout=100)


def _error(kind: type[APIError], status: int, retry_after: float | None = None) -> APIError:
    return kind(
        "no", call=call_info(), status=status, type=None, title=None, detail=None, body=b"",
        retry_after=retry_after, may_have_been_processed=False,
    )  # fmt: skip


def _trouble() -> ConnectionFailedError:
    return ConnectionFailedError("gone", call=call_info(), may_have_been_processed=False)


async def test_an_operation_tells_what_it_was_begun_with() -> None:
    """That stays, whatever the answers say later; one that was resumed has no such thing."""
    begun, resumed = Asked("report").operation(), Asked("report").operation(first=None)
    assert (begun.first, begun.last) == (PENDING, PENDING)
    assert (resumed.first, resumed.last, resumed.correlation_ids) == (None, None, ())

    assert await begun == await resumed == "report"

    assert (begun.first, begun.last) == (PENDING, "report")
    assert (resumed.first, resumed.last) == (None, "report")


async def test_one_that_was_resumed_is_asked_at_once() -> None:
    """It may be done for long."""
    task, now = Asked("report"), anyio.current_time()

    await task.operation(first=None)

    assert task.times == [now]


async def test_its_kind_says_how_long_it_is_waited_for() -> None:
    """Unless the caller does."""
    task, began = Asked(PENDING), anyio.current_time()
    operation = task.operation(_EVEN)
    assert operation.timeout == 100

    with pytest.raises(OperationTimeoutError, match="not done after 100 s"):
        await operation
    assert 97 < anyio.current_time() - began <= 100
    with pytest.raises(OperationTimeoutError, match="not done after 5 s"):
        await operation.wait(timeout=5)


async def test_the_last_poll_is_made_before_the_end() -> None:
    """A poll that would come too late comes a little early; after that there is none."""
    task, began = Asked(PENDING), anyio.current_time()

    with pytest.raises(OperationTimeoutError):
        await task.operation(_EVEN).wait(timeout=40)

    assert [at - began for at in task.times] == pytest.approx([10, 20.1, 30.2, 38])
    assert anyio.current_time() - began == pytest.approx(40)


async def test_the_last_poll_is_not_made_right_after_another() -> None:
    """Half of the pause must be over: many short waits make no more polls than one long one."""
    task, began = Asked(PENDING), anyio.current_time()
    operation = task.operation(_EVEN)

    async def wait() -> None:
        with pytest.raises(OperationTimeoutError):
            await operation.wait(timeout=12)

    async with anyio.create_task_group() as tasks:
        for _ in range(200):
            tasks.start_soon(wait)
            await anyio.sleep(0.5)

    assert anyio.current_time() - began >= 100
    assert len(task.times) <= 2 * 110 / 10


async def test_a_short_wait_ends_with_a_poll_too() -> None:
    """A tenth of it is kept for that."""
    task, began = Asked("report"), anyio.current_time()

    assert await task.operation(_EVEN).wait(timeout=5) == "report"

    assert anyio.current_time() - began == pytest.approx(4.6)


async def test_a_timeout_has_what_it_takes_to_go_on() -> None:
    """Here, or by the token elsewhere, also after pickling."""
    operation = Asked(PENDING).operation(_EVEN)

    with pytest.raises(OperationTimeoutError) as caught:
        await operation.wait(timeout=5)

    error = caught.value
    assert (error.operation, error.last, error.token) == (operation, PENDING, operation.token)
    assert error.__cause__ is None
    assert pickle.loads(pickle.dumps(error)).token == operation.token  # noqa: S301 - our own


async def test_what_has_no_id_has_no_token() -> None:
    """And its timeout has none either."""
    task = Asked(PENDING)
    operation = Operation(task.ask, task.progress(PENDING))

    with pytest.raises(ConfigurationError, match="no token"):
        _ = operation.token
    with pytest.raises(OperationTimeoutError) as caught:
        await operation.wait(timeout=1)
    assert caught.value.token is None


@pytest.mark.parametrize(
    ("error", "pause"),
    [
        (_trouble(), 10),
        (_error(ServerError, 503), 10),
        (_error(ServerError, 503, retry_after=0.0), 10),
        (_error(RateLimitError, 429, retry_after=17.0), 17),
        (TokenError("no", call=call_info(), status=503), 10),
    ],
    ids=["unreachable", "503", "503 at once", "429", "no token"],
)
async def test_an_outage_ends_no_wait(error: Exception, pause: float) -> None:
    """What was asked for is paid for: the next poll may go well, and is not made in haste."""
    task = Asked(error, error, "report")

    assert await task.operation(_EVEN) == "report"

    gaps = [b - a for a, b in zip(task.times, task.times[1:], strict=False)]
    assert gaps == pytest.approx([pause] * 2, abs=0.2)


async def test_credentials_that_are_refused_end_the_wait() -> None:
    """They will not get better."""
    task = Asked(TokenError("no", call=call_info(), status=401, error="invalid_client"))

    with pytest.raises(TokenError):
        await task.operation(_EVEN)


async def test_an_error_of_the_callers_own_is_the_callers() -> None:
    """Whatever it has for attributes."""
    error = ValueError("mine")
    error.retry_after = "120"  # type: ignore[attr-defined]

    with pytest.raises(ValueError, match="mine"):
        await Asked(error).operation(_EVEN)


async def test_who_waits_again_and_again_does_not_stop_the_others() -> None:
    """The server asks for an hour: each wait ends at once, and the event loop goes on."""
    task, waits = Asked(PENDING), list[int]()
    begun = Progress(done=False, value=PENDING, retry_after=3600.0)
    operation = Operation(task.ask, begun)

    async def insist() -> None:
        while not operation.done:
            with pytest.raises(OperationTimeoutError, match="asks to wait 3,600 s; 60 s were"):
                await operation.wait(timeout=60)
            waits.append(1)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(insist)
        while len(waits) < 10:
            await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()

    assert task.times == []


async def test_an_outage_that_lasts_is_told_at_the_end() -> None:
    """The operation's timeout has the trouble of the last poll as its cause."""
    task = Asked(PENDING, _trouble())

    with pytest.raises(OperationTimeoutError, match="the last poll failed") as caught:
        await task.operation(_EVEN).wait(timeout=50)

    assert isinstance(caught.value.__cause__, ConnectionFailedError)
    assert caught.value.last == PENDING


async def test_a_poll_that_went_well_ends_the_trouble() -> None:
    """Then the timeout has no cause but time."""
    task = Asked(_trouble(), PENDING)

    with pytest.raises(OperationTimeoutError) as caught:
        await task.operation(_EVEN).wait(timeout=50)

    assert caught.value.__cause__ is None


async def test_an_error_that_will_not_pass_ends_the_wait() -> None:
    """For each who waits, who may wait again."""
    task = Asked(_error(InvalidRequestError, 400), "report")
    operation, errors = task.operation(_EVEN), list[Exception]()

    async def wait() -> None:
        try:
            await operation
        except InvalidRequestError as error:
            errors.append(error)

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(wait)

    assert len(errors) == len(set(map(id, errors))) == 3
    assert len(task.times) == 1
    assert await operation == "report"


async def test_a_refresh_hears_of_any_error() -> None:
    """Who asks now wants to know."""
    with pytest.raises(ConnectionFailedError):
        await Asked(_trouble()).operation().refresh()


async def test_what_was_just_begun_need_not_be_found_yet() -> None:
    """For ten seconds; then it is not there."""
    missing = _error(ResourceNotFoundError, 404)
    assert await Asked(missing, missing, "report").operation() == "report"

    task, began = Asked(missing), anyio.current_time()
    with pytest.raises(ResourceNotFoundError):
        await task.operation()

    assert 10 <= task.times[-1] - began <= 16


async def test_a_task_that_says_nothing_was_begun_here_too() -> None:
    """One that was accepted by a 202, and whose address is not there yet."""
    task = Asked(_error(ResourceNotFoundError, 404), "report")

    assert await Operation(task.ask, Progress(done=False)) == "report"


@pytest.mark.parametrize("error", [ResourceNotFoundError, ResourceDeletedError])
async def test_what_was_begun_long_ago_is_to_be_found(error: type[APIError]) -> None:
    """What was resumed or deleted is not looked for twice."""
    first = None if error is ResourceNotFoundError else PENDING
    task = Asked(_error(error, 404))

    with pytest.raises(error):
        await task.operation(first=first)

    assert len(task.times) == 1


async def test_what_begins_by_itself_may_be_late() -> None:
    """Though nobody has begun it here."""
    late = OperationKind(name="late", late=60.0)
    missing = _error(ResourceNotFoundError, 404)

    assert await Asked(*[missing] * 6, "report").operation(late, first=None) == "report"
    task, began = Asked(missing), anyio.current_time()
    with pytest.raises(ResourceNotFoundError):
        await task.operation(late, first=None)
    assert 60 <= anyio.current_time() - began < 80


async def test_a_failure_is_a_result_on_request() -> None:
    """Awaited or asked for."""
    operation = Asked("Failed").operation()

    assert await operation.wait(raise_on_failure=False) == "Failed"
    assert operation.result(raise_on_failure=False) == "Failed"
    with pytest.raises(OperationFailedError):
        operation.result()


async def test_answers_can_be_gone_through() -> None:
    """From the last one known to the result, each once."""
    operation = Asked(PENDING, PENDING, "report").operation()

    assert [answer async for answer in operation] == [PENDING, PENDING, PENDING, "report"]
    assert [answer async for answer in operation] == ["report"]


async def test_going_through_can_be_begun_by_hand() -> None:
    """The iterator is one itself, as iterators are."""
    answers = aiter(Asked("report").operation())

    assert aiter(answers) is answers
    assert await anext(answers) == PENDING
    assert [answer async for answer in answers] == ["report"]


async def test_who_wakes_when_somebody_has_just_asked_does_not_ask_again() -> None:
    """Both were to ask at this moment."""
    task = Asked("report")
    operation = task.operation()

    await operation._ask_unless_asked(operation._polls - 1)

    assert task.times == []


async def test_a_failure_is_the_last_answer() -> None:
    """Whoever goes through answers sees it, and no error."""
    assert [answer async for answer in Asked("Failed").operation()] == [PENDING, "Failed"]


async def test_who_is_slow_misses_answers_in_between() -> None:
    """And never the result."""
    operation, seen = Asked(PENDING, PENDING, PENDING, "report").operation(), list[str]()

    async def go_slowly() -> None:
        async for answer in operation:
            seen.append(answer)
            await anyio.sleep(4)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(go_slowly)
        await operation

    assert seen[0] == PENDING
    assert seen[-1] == "report"
    assert len(seen) < 5


async def test_going_through_answers_has_an_end() -> None:
    """That of the kind."""
    operation, seen = Asked(PENDING).operation(_EVEN), list[str]()

    async def go_through() -> None:
        async for answer in operation:
            seen.append(answer)

    with pytest.raises(OperationTimeoutError):
        await go_through()

    assert len(seen) == 11


async def test_answers_that_say_nothing_are_left_out() -> None:
    """A task that is only accepted, say, until it has its result."""
    task = Asked(PENDING, "report")
    quiet = task.progress
    task.progress = lambda answer: (  # type: ignore[method-assign]
        quiet(answer) if answer == "report" else type(quiet(answer))(done=False)
    )

    assert [answer async for answer in task.operation()] == ["report"]


async def test_closing_the_client_ends_all_waits_at_once() -> None:
    """Whether a poll is under way or not; the error tells that nothing is lost."""
    registry, ends = board_of(), list[float]()
    asking, sleeping = Asked(PENDING), Asked(PENDING)
    quick = OperationKind(name="quick", interval=Interval(first=2.0))
    operations = [
        asking.operation(quick, registry=registry),
        sleeping.operation(_EVEN, registry=registry),
    ]

    async def wait(operation: Operation[str]) -> None:
        with pytest.raises(ClientStateError, match="resume it with its token"):
            await operation
        ends.append(anyio.current_time())

    began = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        for operation in operations * 2:
            tasks.start_soon(wait, operation)
        await anyio.sleep(2.05)
        registry.close()

    assert [at - began for at in ends] == pytest.approx([2.05] * 4, abs=0.01)
    assert len(asking.times) == 1
    assert sleeping.times == []
    with pytest.raises(ClientStateError):
        await operations[0]


async def test_what_is_done_stays_so_after_closing() -> None:
    """The result is here already."""
    registry = board_of()
    operation = Asked("report").operation(registry=registry)
    await operation

    registry.close()

    assert await operation == "report"
