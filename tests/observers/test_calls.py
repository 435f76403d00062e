"""What observers see of calls, attempts, access tokens, purchases and the rate limit."""

import gc
import logging
from contextlib import suppress
from typing import Any, Final

import anyio
import attrs
import httpx
import pytest
from faults import TOKEN, client
from observing import Recorder

from sikoia_async import (
    APIError,
    ArgumentTypeError,
    ConnectionFailedError,
    DeadlineExceededError,
    LinkExpiredError,
    Quota,
    RateLimitError,
    Sikoia,
    UnexpectedResponseError,
    correlation_id,
)
from sikoia_async._calls.call import Call
from sikoia_async.models import Entity
from sikoia_async.observers import (
    AttemptEnded,
    AttemptStarted,
    CallEnded,
    CallStarted,
    ClientEvent,
    DriftSeen,
    Purchased,
    RateLimited,
    RateLimitWaitEnded,
    RateLimitWaitStarted,
)

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_ORIGIN: Final = "https://127.0.0.1:8400"
_CANARY: Final = "canary-7f3e"


class _Replies(httpx.MockTransport):
    """Sends responses in turn; an exception is raised instead."""

    def __init__(self, *replies: httpx.Response | Exception) -> None:
        self.requests: list[httpx.Request] = []
        remaining = list(replies)

        def respond(request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            reply = remaining.pop(0)
            if isinstance(reply, Exception):
                raise reply
            return reply

        super().__init__(respond)


def _client(*replies: httpx.Response | Exception, **options: Any) -> Sikoia:
    return client(_ORIGIN, transport=_Replies(*replies), **options)


async def test_a_call_and_its_attempt_start_and_end() -> None:
    """The template stands for the path, and nothing of ids or bodies is in the events."""
    recorder = Recorder()
    reply = httpx.Response(
        200, json={"case_id": _CANARY, "name": _CANARY}, headers={"X-Correlation-Id": "theirs"}
    )
    async with _client(reply, observers=[recorder]) as sikoia:
        with correlation_id("ours"):
            await sikoia.with_options(timeout=5).cases.retrieve(_CANARY)

    assert recorder.names == ["CallStarted", "AttemptStarted", "AttemptEnded", "CallEnded"]
    where = {
        "operation": "cases.retrieve",
        "method": "GET",
        "path": "/v2/cases/{case_id}",
        "origin": _ORIGIN,
    }
    for event in recorder.events:
        assert attrs.asdict(event).items() >= where.items()
    started, ended = recorder.one(CallStarted), recorder.one(CallEnded)
    assert (started.correlation_id, started.chargeable, started.polls) == ("ours", False, None)
    assert (ended.status, ended.error, ended.attempts, ended.correlation_id) == (
        200,
        None,
        1,
        "theirs",
    )
    attempt = recorder.one(AttemptEnded)
    assert (attempt.attempt, attempt.status, attempt.error, attempt.reason) == (1, 200, None, None)
    assert attempt.correlation_id == "theirs"
    assert {event.call for event in (started, ended, attempt)} == {started.call}
    assert _CANARY not in recorder.text
    assert TOKEN not in recorder.text


async def test_a_retry_is_the_second_attempt_of_its_call() -> None:
    """A failure before has its reason, and how far it got."""
    recorder = Recorder()
    replies = (httpx.ConnectError(""), httpx.Response(503), httpx.Response(200, json=[]))
    async with _client(*replies, retries=2, timeout=60, observers=[recorder]) as sikoia:
        await sikoia.users.list()

    attempts = recorder.of(AttemptEnded)
    assert [(one.attempt, one.status, one.error) for one in attempts] == [
        (1, None, "sent"),
        (2, 503, None),
        (3, 200, None),
    ]
    assert attempts[0].reason
    ended = recorder.one(CallEnded)
    assert ended.attempts == 3
    assert ended.seconds > sum(one.seconds for one in attempts)


async def test_an_error_and_an_unreadable_response_end_a_call() -> None:
    """By its class. A truncated body is part of a response."""
    recorder = Recorder()
    broken = httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=b"")
    replies = (httpx.Response(200, json=1), broken, httpx.ConnectError(""))
    async with _client(*replies, observers=[recorder]) as sikoia:
        for error in (UnexpectedResponseError, UnexpectedResponseError, ConnectionFailedError):
            with pytest.raises(error):
                await sikoia.cases.retrieve("c")

    assert [(one.status, one.error) for one in recorder.of(CallEnded)] == [
        (200, "UnexpectedResponseError"),
        (200, "UnexpectedResponseError"),
        (None, "ConnectionFailedError"),
    ]
    assert [one.error for one in recorder.of(AttemptEnded)] == [None, "partial", "sent"]


async def test_a_cancelled_call_ends() -> None:
    """And so does its attempt, on both event loops with the same word."""
    recorder = Recorder()
    transport = _Hanging()
    sikoia = client(_ORIGIN, transport=transport, observers=[recorder])
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sikoia.users.list)
        await transport.began.wait()
        tasks.cancel_scope.cancel()
    assert recorder.one(CallEnded).error == recorder.one(AttemptEnded).error == "cancelled"
    recorder.clear()

    with pytest.raises(DeadlineExceededError):
        await sikoia.with_options(timeout=1).users.list()

    assert recorder.one(CallEnded).error == "DeadlineExceededError"
    assert recorder.one(AttemptEnded).error == "cancelled"


class _Hanging(httpx.AsyncBaseTransport):
    def __init__(self) -> None:
        self.began = anyio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.began.set()
        await anyio.sleep_forever()
        raise AssertionError


async def test_a_second_attempt_beside_a_silent_one_is_seen() -> None:
    """Each attempt has its number."""
    recorder = Recorder()
    requests = list[httpx.Request]()

    async def respond(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if len(requests) == 1:
            await anyio.sleep_forever()
        return httpx.Response(200, json=[])

    transport = httpx.MockTransport(respond)
    sikoia = client(_ORIGIN, transport=transport, retries=1, observers=[recorder])
    await sikoia.users.list()

    assert [one.attempt for one in recorder.of(AttemptStarted)] == [1, 2]
    ended = {one.attempt: (one.status, one.error) for one in recorder.of(AttemptEnded)}
    assert ended == {1: (None, "cancelled"), 2: (200, None)}


async def test_an_attempt_that_is_not_made_is_not_seen() -> None:
    """If the application's hook refuses it, the call ends with its exception."""
    recorder = Recorder()

    def refuse(_: object) -> None:
        raise LookupError

    async with _client(on_request=refuse, observers=[recorder]) as sikoia:
        with pytest.raises(LookupError):
            await sikoia.users.list()

    assert recorder.names == ["CallStarted", "CallEnded"]
    assert recorder.one(CallEnded).error == "LookupError"


async def test_a_wait_for_the_rate_limit_and_a_429_are_seen() -> None:
    """How many wait and how long, and for how long the client is paused."""
    recorder = Recorder()
    replies = [httpx.Response(200, json=[]) for _ in range(2)]
    refused = httpx.Response(429, headers={"Retry-After": "30"})
    quota = Quota(1, per=10)
    async with _client(*replies, refused, quota=quota, timeout=50, observers=[recorder]) as sikoia:
        await sikoia.users.list()
        assert not recorder.of(RateLimitWaitStarted)
        await sikoia.users.list()

        started, ended = recorder.one(RateLimitWaitStarted), recorder.one(RateLimitWaitEnded)
        assert (started.priority, started.waiting) == ("interactive", 1)
        assert ended.is_served
        assert ended.seconds == pytest.approx(10, abs=0.1)
        assert [one.quota_left for one in recorder.of(AttemptStarted)] == [0, 0]
        recorder.clear()

        with pytest.raises(RateLimitError):
            await sikoia.users.list()
        limited = recorder.one(RateLimited)
        assert (limited.operation, limited.seconds) == ("users.list", 30)
        recorder.clear()

        with anyio.move_on_after(5):
            await sikoia.with_options(timeout=60).users.list()
        assert not recorder.one(RateLimitWaitEnded).is_served
        assert recorder.one(CallEnded).error == "cancelled"


async def test_purchases_are_seen_once_they_count() -> None:
    """And whether that is certain."""
    recorder = Recorder()
    entity = Entity("person", "p-1")
    replies = (
        httpx.Response(200, json={"request_id": "r-1", "status": "Pending"}),
        httpx.ReadError(""),
        httpx.Response(400, json={}),
    )
    async with _client(*replies, observers=[recorder]) as sikoia:
        await sikoia.income.request(entity)
        with pytest.raises(ConnectionFailedError):
            await sikoia.income.request(entity)
        with pytest.raises(Exception, match="400"):
            await sikoia.income.request(entity)

        assert dict(sikoia.spend) == {"income.request": 2}
    bought = recorder.of(Purchased)
    assert [(one.operation, one.is_certain) for one in bought] == [
        ("income.request", True),
        ("income.request", False),
    ]
    calls = recorder.of(CallStarted)
    assert [one.call for one in bought] == [one.call for one in calls[:2]]
    assert all(one.chargeable for one in calls)
    assert bought[0].correlation_id == calls[0].correlation_id


async def test_drift_is_seen_without_names_that_may_be_personal() -> None:
    """As `sikoia.drift` counts it."""
    recorder = Recorder()
    reply = httpx.Response(200, json={"case_id": "c", "colour": 1, f"{_CANARY} Example": 1})
    async with _client(reply, observers=[recorder]) as sikoia:
        await sikoia.cases.retrieve("c")

        assert sum(sikoia.drift.values()) == sum(one.times for one in recorder.of(DriftSeen)) == 2
    shown = {one.difference for one in recorder.of(DriftSeen)}
    assert shown == {"Case.colour: unknown field", "a field with an unusual name"}


async def test_a_link_is_a_download_without_headers() -> None:
    """Nothing of the link but its origin is seen, and observers cannot add headers."""
    recorder = Recorder()
    replies = (httpx.Response(403),)
    async with _client(*replies, observers=[_adding(traceparent="00-1"), recorder]) as sikoia:
        with pytest.raises(LinkExpiredError):
            await sikoia.download(f"https://files.example/{_CANARY}?key={_CANARY}")

    started = recorder.one(AttemptStarted)
    assert (started.operation, started.path) == ("download", "(link)")
    assert started.origin == "https://files.example"
    assert started.headers is None
    assert recorder.one(CallEnded).status == 403
    assert _CANARY not in recorder.text


def _adding(**headers: str) -> Any:
    """Return an observer that adds headers to each request that can have some."""

    class Adding:
        def observe(self, event: ClientEvent, /) -> None:
            if isinstance(event, AttemptStarted) and event.headers is not None:
                event.headers.update({name.replace("_", "-"): one for name, one in headers.items()})

    return Adding()


async def test_an_observer_adds_headers() -> None:
    """Those that the SDK or the application sets stay, and what cannot be sent is left out."""
    transport = _Replies(httpx.Response(200, json=[]), httpx.Response(200, json=[]))
    adding = _adding(
        traceparent="00-1",
        tracestate="a=1",
        authorization="Bearer other",
        host="other",
        idempotency_key="mine",
        x_broken="a\r\nb: c",
        x_gateway="other",
    )
    sikoia = client(
        _ORIGIN,
        transport=transport,
        headers={"X-Gateway": "mine"},
        observers=[adding],
        idempotency_header="Idempotency-Key",
    )
    await sikoia.users.list()
    await sikoia.with_options(headers={"traceparent": "given"}).users.list()

    first, second = (request.headers for request in transport.requests)
    assert (first["traceparent"], first["tracestate"]) == ("00-1", "a=1")
    assert first["Authorization"] == f"Bearer {TOKEN}"
    assert first["X-Gateway"] == "mine"
    assert "b" not in first
    assert "x-broken" not in first
    assert "Idempotency-Key" not in first
    assert first["Host"] == "127.0.0.1:8400"
    assert second["traceparent"] == "given"


class _Failing:
    def __init__(self) -> None:
        self.seen = 0

    def observe(self, event: ClientEvent, /) -> None:
        self.seen += 1
        raise ValueError(_CANARY, event)


async def test_an_observer_that_fails_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """It goes on to be told, its exception is logged once by its class, and others see all."""
    failing, recorder = _Failing(), Recorder()
    caplog.set_level(logging.ERROR, "sikoia_async")
    replies = [httpx.Response(200, json=[]) for _ in range(2)]
    async with _client(*replies, observers=[failing, recorder]) as sikoia:
        await sikoia.users.list()
        await sikoia.users.list()

    assert failing.seen == len(recorder.events) == 8
    assert caplog.messages == [
        "an observer raised an exception, which is ignored, at CallStarted: ValueError"
    ]
    assert _CANARY not in caplog.text


async def test_observers_nest() -> None:
    """The last one that sees a start is the first to see its end."""
    seen = list[tuple[int, str]]()

    class Numbered:
        def __init__(self, number: int) -> None:
            self._number = number

        def observe(self, event: ClientEvent, /) -> None:
            seen.append((self._number, type(event).__name__))

    async with _client(httpx.Response(200, json=[]), observers=(Numbered(1), Numbered(2))) as one:
        await one.users.list()

    assert [number for number, name in seen if name.endswith("Started")] == [1, 2, 1, 2]
    assert [number for number, name in seen if name.endswith("Ended")] == [2, 1, 2, 1]


@pytest.mark.parametrize(
    "observers", [Recorder(), [Recorder], [object()], [1], "observer", {Recorder()}]
)
def test_what_cannot_observe_is_refused(observers: Any) -> None:
    """When the client is created."""
    with pytest.raises(ArgumentTypeError, match="observers: "):
        Sikoia(token=TOKEN, observers=observers)


def test_an_async_observer_is_refused() -> None:
    """Nothing would await it."""

    class Asynchronous:
        async def observe(self, event: ClientEvent, /) -> None: ...

    wrong: Any = Asynchronous()
    with pytest.raises(ArgumentTypeError, match="must not be async"):
        Sikoia(token=TOKEN, observers=[wrong])


async def test_no_observers_are_as_good_as_none() -> None:
    """An empty list is allowed."""
    async with _client(httpx.Response(200, json=[]), observers=[]) as sikoia:
        assert not await sikoia.users.list()


@pytest.mark.parametrize("status", [200, 400])
async def test_an_observed_call_is_freed_at_once(status: int) -> None:
    """With the body that it sent, and not when the garbage collector runs."""
    replies = [httpx.Response(status, json={"case_id": "c"}) for _ in range(2)]
    async with _client(*replies, observers=[Recorder()]) as sikoia:
        with suppress(APIError):
            await sikoia.cases.update("c", name=_CANARY)  # which loads what calls need
        gc.collect()
        before = _calls()
        gc.disable()
        try:
            with suppress(APIError):
                await sikoia.cases.update("c", name=_CANARY)
            left = _calls() - before
        finally:
            gc.enable()

    assert left == set()


def _calls() -> set[Call]:
    """Return those that live, also of other tests."""
    return {one for one in gc.get_objects() if type(one) is Call}
