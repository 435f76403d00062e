"""A safe request without a response gets a second one beside it, and neither is given up."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import anyio
import attrs
import httpx
import pytest
from faults import client, core, guards

from sikoia_async import (
    APIError,
    CallError,
    ConfigurationError,
    ConnectionFailedError,
    DeadlineExceededError,
    Environment,
    Limits,
    Quota,
    Sikoia,
    TokenError,
)

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_ANYWHERE: Final = "https://127.0.0.1:1"
_NEVER: Final = 10_000.0


@attrs.define(eq=False)
class _Slow(httpx.AsyncBaseTransport):
    """Responds in turn, each time after some seconds, repeating the last; exceptions are raised."""

    answers: list[tuple[float, int | Exception]]
    times: list[float] = attrs.field(factory=list[float])
    running: int = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.times.append(anyio.current_time())
        seconds, given = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        await request.aread()
        self.running += 1
        try:
            await anyio.sleep(seconds)
        finally:
            self.running -= 1
        if isinstance(given, Exception):
            raise given
        return httpx.Response(given, content=b"[%d]" % len(self.times))


def _slow(*answers: tuple[float, int | Exception]) -> _Slow:
    return _Slow(list(answers))


def _client(transport: _Slow, **options: Any) -> Sikoia:
    return client(_ANYWHERE, transport=transport, **{"retries": 2, "timeout": 60, **options})


async def _get(sikoia: Sikoia) -> Any:
    return await sikoia.request("GET", "/v2/cases")


async def _timed(call: Awaitable[Any]) -> tuple[Any, float]:
    began = anyio.current_time()
    result = await call
    return result, anyio.current_time() - began


@pytest.mark.parametrize("share", [0.1, 0.49, 0.5, 0.51, 0.55, 0.7, 0.9, 0.999])
@pytest.mark.parametrize("limit", [1, 5, 60, 600])
async def test_a_response_within_the_timeout_is_never_given_up(share: float, limit: float) -> None:
    """However slow the server is."""
    slow = _slow((share * limit, 200))

    _, seconds = await _timed(_get(_client(slow, timeout=limit)))

    assert seconds == pytest.approx(share * limit)
    assert len(slow.times) == (1 if share < 0.5 else 2) or share == 0.5
    assert slow.running == 0


@pytest.mark.parametrize("lost", [_NEVER, 45.0])
async def test_a_lost_request_costs_half_of_the_timeout(lost: float) -> None:
    """The second request gets the response; the first one stays listed as silent."""
    slow = _slow((lost, httpx.ReadError("")), (2.0, 200))
    sikoia = _client(slow)

    result, seconds = await _timed(_get(sikoia))

    assert result == [2]
    assert seconds == pytest.approx(32)
    assert slow.times[1] - slow.times[0] == pytest.approx(30)
    assert slow.running == 0
    assert sikoia.stats().attempts == 2
    assert sikoia.stats().in_flight == 0
    assert sikoia.stats().retry_budget == 280


def test_a_second_request_is_sent_without_anyio_run() -> None:
    """A server such as uvicorn runs the event loop with asyncio alone."""
    slow = _slow((_NEVER, 200), (0, 200))

    async def main() -> Any:
        async with _client(slow, timeout=4) as sikoia:
            return await _get(sikoia)

    assert asyncio.run(main()) == [2]


async def test_a_failure_of_the_second_request_does_not_end_the_first() -> None:
    """Nor does a server error, or a refused token."""
    for failure in (httpx.ReadError(""), 503, 500, 429, 401):
        slow = _slow((54, 200), (1, failure))

        _, seconds = await _timed(_get(_client(slow)))

        assert seconds == pytest.approx(54)
        assert len(slow.times) == 2


@pytest.mark.parametrize("failure", [httpx.ReadError(""), 503])
async def test_a_failure_of_the_first_request_does_not_end_the_second(
    failure: int | Exception,
) -> None:
    """Its response is waited for."""
    slow = _slow((40, failure), (25, 200))

    result, seconds = await _timed(_get(_client(slow)))

    assert result == [2]
    assert seconds == pytest.approx(55)
    assert len(slow.times) == 2


async def test_a_final_error_of_the_second_request_ends_the_call() -> None:
    """A 404 will not change."""
    slow = _slow((_NEVER, 200), (1, 404))

    with pytest.raises(APIError) as caught:
        await _get(_client(slow))

    assert caught.value.status == 404
    assert [attempt.status for attempt in caught.value.attempts] == [None, 404]
    assert caught.value.attempts[0].error == "no response within half of the timeout"
    assert caught.value.attempts[1].seconds == pytest.approx(1)


async def test_the_error_lists_both_requests() -> None:
    """In the order in which they were sent, and another one follows if there are retries left."""
    slow = _slow((40, 503), (12, httpx.ReadError("")), (1, 500))

    with pytest.raises(APIError) as caught:
        await _get(_client(slow))

    assert [attempt.status for attempt in caught.value.attempts] == [503, None, 500]
    assert [round(attempt.seconds) for attempt in caught.value.attempts] == [40, 12, 1]
    assert caught.value.attempts[1].error == "the connection was lost"


async def test_the_request_that_was_not_needed_is_listed() -> None:
    """The record has as many attempts as there were requests."""
    slow = _slow((40, 404), (_NEVER, 200))

    with pytest.raises(APIError) as caught:
        await _get(_client(slow))

    first, second = caught.value.attempts
    assert (first.status, second.status) == (404, None)
    assert second.error == "not needed: an earlier attempt got its response"
    assert slow.running == 0


async def test_a_server_that_never_responds_gets_two_requests() -> None:
    """The deadline ends both."""
    slow = _slow((_NEVER, 200))
    sikoia = _client(slow)

    with pytest.raises(DeadlineExceededError) as caught:
        await _get(sikoia)

    assert len(slow.times) == 2
    assert len(caught.value.attempts) == 1
    assert caught.value.reached == "sent"
    assert slow.running == 0
    assert sikoia.stats().in_flight == 0


async def test_the_deadline_ends_a_second_request_after_an_error_of_the_first() -> None:
    """The second one may still have got a response."""
    slow = _slow((40, 503), (_NEVER, 200))

    with pytest.raises(DeadlineExceededError):
        await _get(_client(slow))

    assert anyio.current_time() - slow.times[0] == pytest.approx(60)
    assert slow.running == 0


_ONCE: Final[dict[str, Callable[[Sikoia], Awaitable[Any]]]] = {
    "POST": lambda sikoia: sikoia.request("POST", "/v2/cases"),
    "chargeable GET": lambda sikoia: sikoia.request("GET", "/v2/cases", chargeable=True),
    "DELETE": lambda sikoia: sikoia.request("DELETE", "/v2/cases"),
    "no retries": lambda sikoia: _get(sikoia.with_options(retries=0)),
}


@pytest.mark.parametrize("call", _ONCE.values(), ids=_ONCE.keys())
async def test_other_requests_are_sent_once(call: Callable[[Sikoia], Awaitable[Any]]) -> None:
    """They wait for the whole timeout."""
    slow = _slow((59, 200))

    _, seconds = await _timed(call(_client(slow)))

    assert seconds == pytest.approx(59)
    assert len(slow.times) == 1


async def test_a_second_request_needs_no_free_connection() -> None:
    """The first requests hold all of them, and each may be dead."""
    slow = _slow(*[(_NEVER, 200)] * 3, (1, 200))
    sikoia = _client(slow, limits=Limits(max_in_flight=3))

    async with anyio.create_task_group() as calls:
        for _ in range(3):
            calls.start_soon(_get, sikoia)

    assert len(slow.times) == 6
    assert slow.running == 0
    assert guards(sikoia)[-1].free == 3


async def test_a_second_request_takes_a_slot_of_the_rate_limit() -> None:
    """Without one, the first request goes on alone."""
    slow = _slow((50, 200))
    sikoia = _client(slow, quota=Quota(1, per=1000))
    limiter = core(sikoia).rate_limiter
    assert limiter is not None

    _, seconds = await _timed(_get(sikoia))

    assert seconds == pytest.approx(50)
    assert len(slow.times) == 1
    assert sum(limiter.waiting.values()) == 0
    assert limiter.left == 0

    slow.answers = [(_NEVER, 200), (1, 200)]
    sikoia = _client(slow, quota=Quota(2, per=1000))
    await _get(sikoia)
    limiter = core(sikoia).rate_limiter
    assert limiter is not None
    assert limiter.left == 0


async def test_a_second_request_is_paid_for_by_the_retry_budget() -> None:
    """An outage in which nothing responds sees no more of them than of other retries."""
    slow = _slow((_NEVER, 200))
    sikoia = _client(slow, quota=None, limits=Limits(max_in_flight=100))

    async with anyio.create_task_group() as calls:
        for _ in range(100):
            calls.start_soon(_fails, sikoia)

    assert len(slow.times) == 100 + 20


async def _fails(sikoia: Sikoia) -> None:
    with pytest.raises(CallError):
        await _get(sikoia)


async def test_a_call_that_waits_for_its_turn_sends_no_second_request() -> None:
    """Half of the time counts from the moment that the request is sent."""
    slow = _slow((1, 200))
    sikoia = _client(slow, quota=Quota(1, per=40))

    async with anyio.create_task_group() as calls:
        calls.start_soon(_get, sikoia)
        calls.start_soon(_get, sikoia)

    assert [round(time - slow.times[0]) for time in slow.times] == [0, 41]


async def test_a_cancelled_call_cancels_both_requests() -> None:
    """At any moment."""
    for moment in (1, 29.999, 30, 30.001, 31, 59):
        slow = _slow((_NEVER, 200))
        sikoia = _client(slow, limits=Limits(max_in_flight=1), quota=Quota(200))
        with anyio.move_on_after(moment) as scope:
            await _get(sikoia)

        assert scope.cancelled_caught
        assert slow.running == 0
        assert (guards(sikoia)[0].free, guards(sikoia)[0].in_use) == (1, 0)
        slow.answers = [(1, 200)]
        await _get(sikoia)


async def test_a_closed_client_sends_no_second_request() -> None:
    """The first one is completed, as `aclose` promises."""
    for quota in (None, Quota(10, per=1000)):
        slow = _slow((50, 200))
        sikoia = _client(slow, quota=quota)

        async with anyio.create_task_group() as calls:
            calls.start_soon(_get, sikoia)
            await anyio.sleep(10)
            await sikoia.aclose()

        assert len(slow.times) == 1


async def test_an_error_of_the_first_request_is_raised_as_it_is() -> None:
    """Not in a group of exceptions, even while the second request is in progress."""
    for seconds in (1.0, 40.0):
        slow = _slow((seconds, ConfigurationError("mine")), (_NEVER, 200))
        with pytest.raises(ConfigurationError, match="mine"):
            await _get(_client(slow))
        assert slow.running == 0


async def test_an_error_of_the_second_request_is_ignored() -> None:
    """For example if it gets no access token."""
    slow = _slow((50, 200), (1, ConfigurationError("mine")))

    _, seconds = await _timed(_get(_client(slow)))

    assert seconds == pytest.approx(50)


_TEST: Final = Environment(
    name="test", api="https://api.example", token_url="https://login.example/token", scope="all"
)


@attrs.define
class _Login:
    """Grants an access token after some seconds, in turn, repeating the last."""

    seconds: list[float]
    asked: list[float] = attrs.field(factory=list[float])

    async def reply(self, request: httpx.Request) -> httpx.Response:
        if request.url.host != "login.example":
            return httpx.Response(200, content=b"[]")
        self.asked.append(anyio.current_time())
        await anyio.sleep(self.seconds.pop(0) if len(self.seconds) > 1 else self.seconds[0])
        return httpx.Response(201, json={"access_token": "a-token", "expires_in": 3600})

    def client(self, timeout: float) -> Sikoia:
        transport = httpx.MockTransport(self.reply)
        return Sikoia("an-id", "a-secret", environment=_TEST, transport=transport, timeout=timeout)


@pytest.mark.parametrize(
    ("seconds", "limit"),
    [(12, 60), (3, 5), (4.9, 5), (0.9, 1), (25, 60), (59, 60), (100, 120)],
)
async def test_a_slow_login_is_waited_for(seconds: float, limit: float) -> None:
    """For as long as the call has time; the second token request is not needed."""
    login = _Login([seconds])

    _, spent = await _timed(_get(login.client(limit)))

    assert spent == pytest.approx(seconds)
    assert len(login.asked) == 2


@pytest.mark.parametrize(("limit", "after"), [(60, 10), (5, 2.5)])
async def test_a_lost_token_request_is_repeated(limit: float, after: float) -> None:
    """After ten seconds, or half of the time."""
    login = _Login([_NEVER, 1])

    _, spent = await _timed(_get(login.client(limit)))

    assert spent == pytest.approx(after + 1)
    assert login.asked[1] - login.asked[0] == pytest.approx(after)


async def test_second_token_requests_are_paid_for_by_the_retry_budget() -> None:
    """An outage of the login sees one request per call when the budget is used up."""
    login = _Login([_NEVER])
    sikoia = login.client(5)

    for _ in range(30):
        await _fails(sikoia)
        await anyio.sleep(6)

    assert 30 < len(login.asked) < 60


async def test_failed_token_requests_are_both_listed() -> None:
    """And no third one is sent beside them."""

    async def reply(_: httpx.Request) -> httpx.Response:
        await anyio.sleep(15)
        return httpx.Response(500)

    transport = httpx.MockTransport(reply)
    sikoia = Sikoia("an-id", "a-secret", environment=_TEST, transport=transport, timeout=100)

    with pytest.raises(TokenError) as caught:
        await _get(sikoia)

    assert [attempt.status for attempt in caught.value.attempts] == [500, 500, 500]


async def test_a_lost_login_is_told_as_lost() -> None:
    """The error is one of the token request."""

    async def reply(_: httpx.Request) -> httpx.Response:
        await anyio.sleep(15)
        msg = ""
        raise httpx.ReadError(msg)

    transport = httpx.MockTransport(reply)
    sikoia = Sikoia("an-id", "a-secret", environment=_TEST, transport=transport, timeout=100)

    with pytest.raises(ConnectionFailedError, match="authorization server") as caught:
        await _get(sikoia)

    assert len(caught.value.attempts) == 3
