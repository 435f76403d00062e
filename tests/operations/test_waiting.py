"""Waiting for operations: timeouts, outages, iteration, and closing the client."""

import pickle

import anyio
import pytest
from tasks import PENDING, Polled, call_info, make_registry

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
from sikoia_async.operations.kinds import OperationKind
from sikoia_async.operations.operation import Progress, new_operation

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_EVEN = OperationKind(name="report", interval=Interval(first=10, most=10), timeout=100)


def _error(kind: type[APIError], status: int, retry_after: float | None = None) -> APIError:
    return kind(
        "no", call=call_info(), status=status, type=None, title=None, detail=None, body=b"",
        retry_after=retry_after, may_have_been_processed=False,
    )  # fmt: skip


def _outage() -> ConnectionFailedError:
    return ConnectionFailedError("gone", call=call_info(), may_have_been_processed=False)


async def test_an_operation_keeps_the_response_to_its_request() -> None:
    """A resumed operation has none."""
    begun, resumed = Polled("report").operation(), Polled("report").operation(first=None)
    assert (begun.first, begun.last) == (PENDING, PENDING)
    assert (resumed.first, resumed.last, resumed.correlation_ids) == (None, None, ())

    assert await begun == await resumed == "report"

    assert (begun.first, begun.last) == (PENDING, "report")
    assert (resumed.first, resumed.last) == (None, "report")


async def test_a_resumed_operation_is_polled_at_once() -> None:
    """It may have been done for a long time."""
    task, now = Polled("report"), anyio.current_time()

    await task.operation(first=None)

    assert task.times == [now]


async def test_the_kind_has_a_default_timeout() -> None:
    """The caller may give another."""
    task, began = Polled(PENDING), anyio.current_time()
    operation = task.operation(_EVEN)
    assert operation.timeout == 100

    with pytest.raises(OperationTimeoutError, match="not done after 100 s"):
        await operation
    assert 97 < anyio.current_time() - began <= 100
    with pytest.raises(OperationTimeoutError, match="not done after 5 s"):
        await operation.wait(timeout=5)


async def test_the_last_poll_comes_before_the_deadline() -> None:
    """A poll that would come too late is made 2 s before the end."""
    task, began = Polled(PENDING), anyio.current_time()

    with pytest.raises(OperationTimeoutError):
        await task.operation(_EVEN).wait(timeout=40)

    assert [at - began for at in task.times] == pytest.approx([10, 20.1, 30.2, 38])
    assert anyio.current_time() - began == pytest.approx(40)


async def test_a_poll_due_at_the_deadline_is_made_earlier() -> None:
    """There is time for its response."""
    task, began = Polled("report"), anyio.current_time()

    assert await task.operation(_EVEN).wait(timeout=10) == "report"

    assert [at - began for at in task.times] == pytest.approx([9])


async def test_many_short_waits_make_no_more_polls_than_one_long_wait() -> None:
    """There is no last poll before half of the pause is over."""
    task, began = Polled(PENDING), anyio.current_time()
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


async def test_a_short_wait_ends_with_a_poll() -> None:
    """A tenth of its time is kept for that."""
    task, began = Polled("report"), anyio.current_time()

    assert await task.operation(_EVEN).wait(timeout=5) == "report"

    assert anyio.current_time() - began == pytest.approx(4.6)


async def test_a_timeout_error_lets_the_caller_continue() -> None:
    """With the operation in this process, or with the token in another, even after pickling."""
    operation = Polled(PENDING).operation(_EVEN)

    with pytest.raises(OperationTimeoutError) as caught:
        await operation.wait(timeout=5)

    error = caught.value
    assert (error.operation, error.last, error.token) == (operation, PENDING, operation.token)
    assert error.__cause__ is None
    assert pickle.loads(pickle.dumps(error)).token == operation.token  # noqa: S301 - our own


async def test_an_operation_without_an_id_has_no_token() -> None:
    """Neither has its timeout error."""
    task = Polled(PENDING)
    operation = new_operation(task.fetch, task.progress(PENDING))

    with pytest.raises(ConfigurationError, match="token: this operation has no id"):
        _ = operation.token
    with pytest.raises(OperationTimeoutError) as caught:
        await operation.wait(timeout=1)
    assert caught.value.token is None


@pytest.mark.parametrize(
    ("error", "pause"),
    [
        (_outage(), 10),
        (_error(ServerError, 503), 10),
        (_error(ServerError, 503, retry_after=0.0), 10),
        (_error(RateLimitError, 429, retry_after=17.0), 17),
        (TokenError("no", call=call_info(), status=503), 10),
    ],
    ids=["unreachable", "503", "503 without a pause", "429", "no access token"],
)
async def test_an_outage_does_not_end_the_wait(error: Exception, pause: float) -> None:
    """The request may have cost money. The next poll is not early either."""
    task = Polled(error, error, "report")

    assert await task.operation(_EVEN) == "report"

    gaps = [b - a for a, b in zip(task.times, task.times[1:], strict=False)]
    assert gaps == pytest.approx([pause] * 2, abs=0.2)


async def test_refused_credentials_end_the_wait() -> None:
    """Polling again would not help."""
    task = Polled(TokenError("no", call=call_info(), status=401, error="invalid_client"))

    with pytest.raises(TokenError):
        await task.operation(_EVEN)


async def test_an_error_of_another_library_reaches_the_caller() -> None:
    """Its attributes are not taken for those of an API error."""
    error = ValueError("mine")
    error.retry_after = "120"  # type: ignore[attr-defined]

    with pytest.raises(ValueError, match="mine"):
        await Polled(error).operation(_EVEN)


async def test_waiting_in_a_loop_does_not_block_the_event_loop() -> None:
    """Sikoia asks to wait an hour, so each wait ends at once."""
    task, waits = Polled(PENDING), list[int]()
    first = Progress(done=False, value=PENDING, retry_after=3600.0)
    operation = new_operation(task.fetch, first)

    async def insist() -> None:
        while not operation.done:
            with pytest.raises(OperationTimeoutError, match="Sikoia asks to wait 3,600 s"):
                await operation.wait(timeout=60)
            waits.append(1)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(insist)
        while len(waits) < 10:
            await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()

    assert task.times == []


async def test_an_outage_that_lasts_is_the_cause_of_the_timeout() -> None:
    """The error says that the last poll failed."""
    task = Polled(PENDING, _outage())

    with pytest.raises(OperationTimeoutError, match="the last poll failed") as caught:
        await task.operation(_EVEN).wait(timeout=50)

    assert isinstance(caught.value.__cause__, ConnectionFailedError)
    assert caught.value.last == PENDING


async def test_an_outage_that_has_ended_is_not_the_cause_of_the_timeout() -> None:
    """A later poll succeeded."""
    task = Polled(_outage(), PENDING)

    with pytest.raises(OperationTimeoutError) as caught:
        await task.operation(_EVEN).wait(timeout=50)

    assert caught.value.__cause__ is None


async def test_an_error_that_will_not_pass_ends_every_wait() -> None:
    """Each waiter gets its own copy, and can wait again."""
    task = Polled(_error(InvalidRequestError, 400), "report")
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


async def test_a_refresh_raises_any_error() -> None:
    """Outages, too."""
    with pytest.raises(ConnectionFailedError):
        await Polled(_outage()).operation().refresh()


async def test_a_new_request_may_be_invisible_for_ten_seconds() -> None:
    """After that, a 404 is an error."""
    missing = _error(ResourceNotFoundError, 404)
    assert await Polled(missing, missing, "report").operation() == "report"

    task, began = Polled(missing), anyio.current_time()
    with pytest.raises(ResourceNotFoundError):
        await task.operation()

    assert 10 <= task.times[-1] - began <= 16


async def test_a_new_task_may_be_invisible_too() -> None:
    """A 202 accepted it, and its URL does not exist yet."""
    task = Polled(_error(ResourceNotFoundError, 404), "report")

    assert await new_operation(task.fetch, Progress(done=False)) == "report"


@pytest.mark.parametrize("error", [ResourceNotFoundError, ResourceDeletedError])
async def test_a_404_of_a_resumed_or_deleted_operation_is_an_error(error: type[APIError]) -> None:
    """It is not polled again."""
    first = None if error is ResourceNotFoundError else PENDING
    task = Polled(_error(error, 404))

    with pytest.raises(error):
        await task.operation(first=first)

    assert len(task.times) == 1


async def test_a_resource_that_sikoia_creates_may_be_late() -> None:
    """Its kind says for how long a 404 may pass."""
    late = OperationKind(name="late", visible_within=60.0)
    missing = _error(ResourceNotFoundError, 404)

    assert await Polled(*[missing] * 6, "report").operation(late, first=None) == "report"
    task, began = Polled(missing), anyio.current_time()
    with pytest.raises(ResourceNotFoundError):
        await task.operation(late, first=None)
    assert 60 <= anyio.current_time() - began < 80


async def test_a_failure_can_be_returned() -> None:
    """By `wait` and by `result`."""
    operation = Polled("Failed").operation()

    assert await operation.wait(raise_on_failure=False) == "Failed"
    assert operation.result(raise_on_failure=False) == "Failed"
    with pytest.raises(OperationFailedError):
        operation.result()


async def test_responses_can_be_iterated() -> None:
    """From the last known one to the result, each once."""
    operation = Polled(PENDING, PENDING, "report").operation()

    assert [response async for response in operation] == [PENDING, PENDING, PENDING, "report"]
    assert [response async for response in operation] == ["report"]


async def test_responses_are_an_iterator() -> None:
    """It can be advanced by hand."""
    responses = aiter(Polled("report").operation())

    assert aiter(responses) is responses
    assert await anext(responses) == PENDING
    assert [response async for response in responses] == ["report"]


async def test_a_failure_is_the_last_response() -> None:
    """Iteration raises nothing."""
    assert [response async for response in Polled("Failed").operation()] == [PENDING, "Failed"]


async def test_a_slow_reader_misses_responses() -> None:
    """But never the result."""
    operation, seen = Polled(PENDING, PENDING, PENDING, "report").operation(), list[str]()

    async def read_slowly() -> None:
        async for response in operation:
            seen.append(response)
            await anyio.sleep(4)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read_slowly)
        await operation

    assert seen[0] == PENDING
    assert seen[-1] == "report"
    assert len(seen) < 5


async def test_iteration_ends_at_the_timeout() -> None:
    """Which is that of the kind."""
    operation, seen = Polled(PENDING).operation(_EVEN), list[str]()

    async def read_all() -> None:
        async for response in operation:
            seen.append(response)

    with pytest.raises(OperationTimeoutError):
        await read_all()

    assert len(seen) == 11


async def test_responses_without_a_value_are_left_out() -> None:
    """A task that a 202 accepted has no value until it is done."""
    task = Polled(PENDING, "report")

    async def fetch(polls: int) -> Progress[str]:
        progress = await task.fetch(polls)
        return progress if progress.done else Progress(done=False)

    operation = new_operation(fetch, Progress(done=False))

    assert [response async for response in operation] == ["report"]


async def test_closing_the_client_ends_every_wait() -> None:
    """At once, whether a poll is under way or not. The error says how to continue."""
    registry, ends = make_registry(), list[float]()
    polling, sleeping = Polled(PENDING), Polled(PENDING)
    quick = OperationKind(name="quick", interval=Interval(first=2.0))
    operations = [
        polling.operation(quick, registry=registry),
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
    assert len(polling.times) == 1
    assert sleeping.times == []
    with pytest.raises(ClientStateError):
        await operations[0]


async def test_a_result_outlives_the_client() -> None:
    """It has already arrived."""
    registry = make_registry()
    operation = Polled("report").operation(registry=registry)
    await operation

    registry.close()

    assert await operation == "report"
