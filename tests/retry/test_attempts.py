"""Attempts: which calls are retried, how often and when, and what the error says."""

from typing import Any, Final

import anyio
import httpx
import pytest
from faults import client, refuse

from sikoia_async import (
    APIError,
    CallError,
    DeadlineExceededError,
    Limits,
    Quota,
    RateLimitError,
    ServerError,
    TransportError,
)
from sikoia_async._retry.attempts import Attempts
from sikoia_async._retry.budget import RetryBudget
from sikoia_async._retry.policy import RetryPolicy
from sikoia_async._transport.stopwatch import Stopwatch
from sikoia_async._transport.types import Response, TransportFault

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_ANYWHERE: Final = "https://127.0.0.1:1"


class _Answers(httpx.AsyncBaseTransport):
    """Returns responses in turn, then the last one for ever; exceptions are raised."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = list(answers)
        self.times: list[float] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.times.append(anyio.current_time())
        left = self._answers
        given = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(given, httpx.ConnectError):
            refuse(request, given)
        await request.aread()
        if isinstance(given, Exception):
            raise given
        content = given.content or b"[]"
        return httpx.Response(given.status_code, headers=given.headers, content=content)


def _status(status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers={k.replace("_", "-"): v for k, v in headers.items()})


def _named(value: Any) -> str:
    if isinstance(value, httpx.Response):
        return " ".join([str(value.status_code), *value.headers.values()])
    if isinstance(value, Exception):
        return type(value).__name__
    return str(value)


_LOST: Final = httpx.ReadError("")
_REFUSED: Final = httpx.ConnectError("")


async def _failing(transport: _Answers, method: str, **options: Any) -> CallError:
    options = {"retries": 2, "timeout": 1000} | options
    sikoia = client(_ANYWHERE, transport=transport, **options)
    with pytest.raises(CallError) as caught:
        await sikoia.request(method, "/v2/cases", into=type(None))
    return caught.value


@pytest.mark.parametrize(
    ("outcome", "methods", "attempts"),
    [
        (_status(500), ["GET", "PUT", "DELETE"], 3),
        (_status(502), ["GET", "PUT", "DELETE"], 3),
        (_status(503), ["GET", "PUT", "DELETE"], 3),
        (_status(408), ["GET", "PUT", "DELETE"], 3),
        (_status(421), ["GET"], 3),
        (_status(500), ["POST", "PATCH"], 1),
        (_status(503), ["POST", "PATCH"], 1),
        (_status(408), ["POST", "PATCH"], 1),
        (_status(503, retry_after="7"), ["GET", "PUT", "DELETE"], 3),
        (_status(503, retry_after="7"), ["POST", "PATCH"], 1),
        (_status(429, retry_after="7"), ["GET", "POST", "PATCH", "PUT", "DELETE"], 3),
        (_status(400, retry_after="7"), ["GET", "DELETE"], 1),
        (_status(409), ["GET", "POST"], 1),
        (_REFUSED, ["GET", "POST", "PATCH", "PUT", "DELETE"], 3),
        (_LOST, ["GET", "PUT", "DELETE"], 3),
        (_LOST, ["POST", "PATCH"], 1),
    ],
    ids=_named,
)
async def test_only_requests_that_are_safe_to_repeat_are_retried(
    outcome: httpx.Response | Exception, methods: list[str], attempts: int
) -> None:
    """A request that may have been processed is left to the caller."""
    for method in methods:
        transport = _Answers(outcome)
        error = await _failing(transport, method)

        assert len(transport.times) == len(error.attempts) == attempts


@pytest.mark.parametrize(
    ("outcomes", "method", "may_have_been_processed"),
    [
        ([_REFUSED], "POST", False),
        ([_LOST], "POST", True),
        ([_LOST], "GET", False),
        ([_status(500)], "DELETE", True),
        ([_status(400)], "POST", False),
        ([_status(429)], "POST", False),
        ([_status(503, retry_after="1"), _REFUSED], "DELETE", True),
        ([_REFUSED, _status(404)], "DELETE", False),
    ],
    ids=["refused", "lost", "lost GET", "500", "400", "429", "503 then refused", "404 at last"],
)
async def test_the_error_says_whether_it_may_have_been_processed(
    outcomes: list[httpx.Response | Exception], method: str, *, may_have_been_processed: bool
) -> None:
    """One attempt in doubt is enough."""
    error = await _failing(_Answers(*outcomes), method)

    assert error.may_have_been_processed is may_have_been_processed


async def test_the_error_lists_each_attempt() -> None:
    """With its status or fault, the pause before it, and its duration."""
    error = await _failing(_Answers(_status(502), _LOST, _status(500)), "GET")

    assert isinstance(error, ServerError)
    assert [attempt.status for attempt in error.attempts] == [502, None, 500]
    assert [attempt.error is None for attempt in error.attempts] == [True, False, True]
    assert error.attempts[0].waited == 0
    assert 0 <= error.attempts[1].waited <= 0.5
    assert 0 <= error.attempts[2].waited <= 1
    assert "3 attempts" in str(error)


async def test_a_call_that_succeeds_after_retries_is_a_success() -> None:
    """The caller sees nothing of the failed attempts."""
    sikoia = client(_ANYWHERE, transport=_Answers(_status(500), _LOST, _status(200)), retries=2)

    assert await sikoia.request("GET", "/v2/cases") == []


@pytest.mark.parametrize("outcome", [_status(500), _status(429), _LOST, _REFUSED], ids=_named)
async def test_no_retries_means_one_attempt(outcome: httpx.Response | Exception) -> None:
    """`retries=0` applies to every outcome."""
    transport = _Answers(outcome)

    await _failing(transport, "GET", retries=0)

    assert len(transport.times) == 1


async def test_a_retry_after_is_never_shortened() -> None:
    """It grows by up to a tenth, so that clients do not return at the same moment."""
    transport = _Answers(_status(429, retry_after="30"))

    error = await _failing(transport, "POST")

    assert isinstance(error, RateLimitError)
    assert error.retry_after == 30
    one, two, three = transport.times
    assert 30 <= two - one <= 33
    assert 30 <= three - two <= 33


@pytest.mark.parametrize("quota", [None, Quota()], ids=["no quota", "quota"])
@pytest.mark.parametrize("outer", [1000.0, 20.0], ids=["own deadline", "outer deadline"])
async def test_a_pause_beyond_the_deadline_is_not_made(quota: Quota | None, outer: float) -> None:
    """The error of the last attempt says more than a timeout would."""
    transport = _Answers(_status(503, retry_after="60"))
    began = anyio.current_time()

    with anyio.fail_after(outer):
        error = await _failing(transport, "GET", timeout=min(50, outer + 50), quota=quota)

    assert isinstance(error, ServerError)
    assert error.retry_after == 60
    assert any("would miss the deadline" in note for note in error.__notes__)
    assert anyio.current_time() == began
    assert len(transport.times) == 1


async def test_a_429_without_a_hint_waits_for_the_whole_window() -> None:
    """The quota says how long a window is."""
    transport = _Answers(_status(429))

    error = await _failing(transport, "GET", quota=Quota(20, per=10), retries=1)

    assert isinstance(error, APIError)
    assert error.retry_after is None
    assert transport.times[1] - transport.times[0] >= 10


async def test_pauses_grow_with_a_jitter_and_are_recorded() -> None:
    """With the highest jitter, they are half a second, one and two."""
    watch = Stopwatch(anyio.current_time, "response")
    policy = RetryPolicy(jitter=lambda: 1.0)
    attempts = Attempts(watch, 3, retry_class="safe", budget=RetryBudget(), policy=policy)
    outcome = Response(500, httpx.Headers(), b"")

    went_on: list[bool] = []
    for _ in range(4):
        attempts.begin()
        attempts.record(outcome, "id")
        went_on.append(await attempts.pause_before_another(outcome, None))

    info = attempts.info("GET", "/v2", "https://api.example/v2", "sent")
    assert went_on == [True, True, True, False]
    assert [attempt.waited for attempt in info.attempts] == [0, 0.5, 1, 2]
    assert info.seconds == pytest.approx(3.5)
    assert watch.spent()["backoff"] == pytest.approx(3.5)


async def test_a_permanent_fault_is_not_retried() -> None:
    """A bad certificate does not change within a second."""
    watch = Stopwatch(anyio.current_time, "response")
    attempts = Attempts(watch, 3, retry_class="safe", budget=RetryBudget(), policy=RetryPolicy())
    outcome = TransportFault("unsent", "expired", final=True)
    attempts.record(outcome, "id")

    assert not await attempts.pause_before_another(outcome, None)


async def test_a_paused_client_fails_at_once_if_the_deadline_comes_first() -> None:
    """Nothing is sent, and the call does not wait."""
    transport = _Answers(_status(429, retry_after="30"))
    sikoia = client(_ANYWHERE, transport=transport, quota=Quota(20, per=60))
    began = anyio.current_time()

    with pytest.raises(RateLimitError):
        await sikoia.with_options(timeout=5).request("GET", "/v2/cases")
    with pytest.raises(DeadlineExceededError, match="a 429 pauses this client for another 30 s"):
        await sikoia.with_options(timeout=5).request("GET", "/v2/cases")

    assert anyio.current_time() == began
    assert len(transport.times) == 1


async def test_one_429_does_not_stop_a_client_for_days() -> None:
    """After two windows requests are sent again, whatever a 429 asked for."""
    transport = _Answers(_status(429, retry_after="9999999"), _status(200))
    sikoia = client(_ANYWHERE, transport=transport, quota=Quota(20, per=60), timeout=200)

    with pytest.raises(RateLimitError):
        await sikoia.request("GET", "/v2/cases")
    await sikoia.request("GET", "/v2/cases")

    assert transport.times[1] - transport.times[0] == pytest.approx(120, abs=0.1)


async def test_a_404_after_a_lost_delete_means_success() -> None:
    """The first attempt deleted the resource."""
    gone = httpx.Response(404, json={"type": "ResourceNotFound"})
    transport = _Answers(_LOST, gone)

    await client(_ANYWHERE, transport=transport, retries=2).cases.delete("c-1")

    assert len(transport.times) == 2


async def test_a_404_of_a_gateway_proves_nothing() -> None:
    """A misrouted request gets one, too."""
    error = await _failing(_Answers(_LOST, _status(404)), "DELETE")

    assert isinstance(error, APIError)
    assert error.may_have_been_processed


@pytest.mark.parametrize("first", [_REFUSED, _status(429, retry_after="1")], ids=_named)
async def test_a_404_after_an_unprocessed_delete_is_an_error(
    first: httpx.Response | Exception,
) -> None:
    """The earlier attempt cannot have deleted anything."""
    error = await _failing(_Answers(first, _status(404)), "DELETE")

    assert isinstance(error, APIError)
    assert error.status == 404


async def test_a_patch_that_sets_fields_is_retried() -> None:
    """It is idempotent; rotating a secret is not."""
    setting, rotating = _Answers(_LOST), _Answers(_LOST)

    with pytest.raises(CallError):
        await client(_ANYWHERE, transport=setting, retries=2).cases.update("c-1", name="Loan")
    with pytest.raises(CallError):
        await client(_ANYWHERE, transport=rotating, retries=2).webhooks.rotate_secret()

    assert (len(setting.times), len(rotating.times)) == (3, 1)


async def test_each_attempt_has_its_correlation_id() -> None:
    """The id of its response, or the one that was sent with all attempts."""
    transport = _Answers(_status(502, X_Correlation_Id="theirs"), _LOST, _status(500))

    error = await _failing(transport, "GET")

    sent = error.call.sent_correlation_id
    assert [attempt.correlation_id for attempt in error.attempts] == ["theirs", sent, sent]


@pytest.mark.parametrize(
    ("outcome", "reached"), [(_REFUSED, "unsent"), (_LOST, "sent"), (_status(500), "whole")]
)
async def test_the_error_says_how_far_the_request_got(
    outcome: httpx.Response | Exception, reached: str
) -> None:
    """Not sent, sent without a response, part of a response, or all of it."""
    assert (await _failing(_Answers(outcome), "POST", retries=0)).reached == reached


async def test_an_outage_allows_few_retries() -> None:
    """However many calls fail, there are 20 retries, and the error says why there are no more."""
    transport = _Answers(_status(503))
    sikoia = client(_ANYWHERE, transport=transport, quota=None, retries=2)

    errors: list[CallError] = []
    for _ in range(1000):
        with pytest.raises(ServerError) as caught:
            await sikoia.users.list()
        errors.append(caught.value)

    assert len(transport.times) == 1020
    assert sikoia.stats().retry_budget == 0
    assert "retry budget is used up" in errors[-1].__notes__[0]


async def test_successful_calls_refund_the_retry_budget() -> None:
    """One token each, or the cost of the last retry."""
    flaky = _Answers(_status(500), _status(500), _status(200))
    sikoia = client(_ANYWHERE, transport=flaky, quota=None, retries=2)

    await sikoia.users.list()
    after_retries = sikoia.stats().retry_budget
    for _ in range(5):
        await sikoia.users.list()

    assert after_retries == 280 - 14
    assert sikoia.stats().retry_budget == 280 - 14 + 5


async def test_a_retry_after_a_429_is_cheap() -> None:
    """The server asked for it."""
    transport = _Answers(_status(429, retry_after="1"))

    sikoia = client(_ANYWHERE, transport=transport, quota=None, retries=2)
    with pytest.raises(RateLimitError):
        await sikoia.users.list()

    assert sikoia.stats().retry_budget == 280 - 2 * 5


async def test_a_cancelled_retry_costs_nothing() -> None:
    """It was paid for, and not made."""
    transport = _Answers(_status(503, retry_after="30"))
    sikoia = client(_ANYWHERE, transport=transport, quota=None, retries=2, timeout=100)

    paid_for = 0
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sikoia.users.list)
        await anyio.sleep(5)
        paid_for = sikoia.stats().retry_budget
        tasks.cancel_scope.cancel()

    assert (paid_for, sikoia.stats().retry_budget) == (280 - 14, 280)


async def test_one_429_pauses_calls_that_wait_for_a_connection() -> None:
    """They return their request slot, and wait with the others."""

    class Refusing(httpx.AsyncBaseTransport):
        asked = 0

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await request.aread()
            self.asked += 1
            early = anyio.current_time() < began + 1
            await anyio.sleep(0.1)
            if early:
                return httpx.Response(429, headers={"Retry-After": "2"})
            return httpx.Response(200, content=b"[]")

    transport, began = Refusing(), anyio.current_time()
    sikoia = client(
        _ANYWHERE,
        transport=transport,
        quota=Quota(),
        retries=2,
        timeout=100,
        limits=Limits(max_in_flight=4),
    )
    async with anyio.create_task_group() as tasks:
        for _ in range(150):
            tasks.start_soon(sikoia.users.list)

    assert transport.asked == 150 + 4
    assert (sikoia.stats().attempts, sikoia.stats().calls) == (154, 150)


async def test_a_token_error_does_not_hide_an_earlier_attempt() -> None:
    """The error says what that attempt may have done, and it is counted as spent."""
    tokens = iter(["first"])

    def token() -> str:
        given = next(tokens, None)
        if given is None:
            msg = "no token"
            raise TransportError(msg, call=call)
        return given

    call = (await _failing(_Answers(_REFUSED), "GET", retries=0)).call
    sikoia = client(
        _ANYWHERE,
        transport=_Answers(_LOST),
        token=token,
        retries=2,
        idempotency_header="Idempotency-Key",
    )

    with pytest.raises(TransportError) as caught:
        await sikoia.company_registry.request("co-1")

    assert caught.value.may_have_been_processed
    assert caught.value.idempotency_key
    assert "may have been processed" in caught.value.__notes__[0]
    assert sum(sikoia.spend.values()) == 1
