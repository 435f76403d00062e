"""Calls that wait for the rate limit: one log record per stall, and polls that do not starve."""

import logging
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import anyio
import httpx
import pytest
from faults import client
from rate_limiting import limiter_of, shared_limiter, slot
from reliability.tasks import CASE, Working, reported
from scripted_store import ScriptedStore

from sikoia_async import Limits, OperationTimeoutError, Quota
from sikoia_async._rate_limit.limiter import RateLimiter
from sikoia_async._rate_limit.queue import Priority

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]


class _Records(logging.Handler):
    """Keeps the messages about the rate limit, and raises afterwards if told to."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []
        self.raises = False

    def emit(self, record: logging.LogRecord) -> None:
        if "rate limit" in record.getMessage():
            assert (record.levelno, record.name) == (logging.INFO, "sikoia_async")
            self.messages.append(record.getMessage())
            if self.raises:
                raise OSError


@pytest.fixture
def records() -> Generator[_Records]:
    """Listen at INFO during the test."""
    handler, logger = _Records(), logging.getLogger("sikoia_async")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(before)


async def _calls(limiter: RateLimiter, count: int, priority: Priority = "interactive") -> None:
    async def call() -> None:
        async with slot(limiter, priority):
            pass

    async with anyio.create_task_group() as tasks:
        for _ in range(count):
            tasks.start_soon(call)


@asynccontextmanager
async def _running(
    work: Callable[[], Coroutine[Any, Any, None]], count: int
) -> AsyncGenerator[None]:
    """Run endless work while the block runs."""
    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:
        for _ in range(count):
            tasks.start_soon(work)
        try:
            yield
        except OperationTimeoutError as error:  # not in an exception group
            failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure


@pytest.mark.parametrize("raises", [False, True])
async def test_a_stall_is_logged_once(records: _Records, *, raises: bool) -> None:
    """With all calls that wait; a handler that raises costs no call."""
    records.raises = raises
    limiter = limiter_of(200)
    await _calls(limiter, 200)
    await anyio.sleep(19)

    await _calls(limiter, 237)

    assert records.messages == [
        "rate limit reached (200 in 60 s), 237 calls waiting, next slot in 41 s"
    ]


async def test_each_stall_is_logged(records: _Records) -> None:
    """A later one has a record of its own."""
    limiter = limiter_of(1, 2.5)

    await _calls(limiter, 2)
    await anyio.sleep(100)
    await _calls(limiter, 3)

    assert records.messages == [
        "rate limit reached (1 in 2.5 s), 1 call waiting, next slot in 2.5 s",
        "rate limit reached (1 in 2.5 s), 2 calls waiting, next slot in 2.5 s",
    ]


async def test_moments_of_waiting_are_logged_once_in_a_window(records: _Records) -> None:
    """A client at its limit waits before each call, and would fill the log."""
    limiter = limiter_of(60, 60.0)
    for _ in range(60):
        await _calls(limiter, 1)
        await anyio.sleep(1)

    for _ in range(600):
        await anyio.sleep(0.9)
        await _calls(limiter, 1)

    assert 1 <= len(records.messages) <= 11


async def test_polls_that_are_only_spread_are_not_logged(records: _Records) -> None:
    """The limit is not reached."""
    limiter = limiter_of(200)

    await _calls(limiter, 60, "poll")

    assert records.messages == []


async def test_a_pause_after_a_429_is_logged(records: _Records) -> None:
    """It is not the client's own limit that was reached."""
    responses = iter([httpx.Response(429, headers={"Retry-After": "30"})])
    transport = httpx.MockTransport(lambda _: next(responses, httpx.Response(200, content=b"[]")))
    sikoia = client(
        "https://127.0.0.1:1", transport=transport, quota=Quota(), retries=1, timeout=60
    )
    async with sikoia, anyio.create_task_group() as tasks:
        tasks.start_soon(sikoia.request, "GET", "/v2/cases")
        await anyio.sleep(1)
        await sikoia.request("GET", "/v2/cases")

    assert records.messages == [
        "rate limit reached (a 429 response), 1 call waiting, next slot in 29 s"
    ]


async def test_a_pause_that_follows_a_wait_is_logged_too(records: _Records) -> None:
    """When it begins and once, however many calls get a 429 and however long it is extended."""
    limiter = limiter_of(2, 60.0)
    await _calls(limiter, 2)
    await anyio.sleep(19)

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(_calls, limiter, 1)
        await anyio.sleep(1)
        for seconds in (90, 100):
            limiter.pause(seconds)
            await anyio.sleep(0.5)

    assert records.messages == [
        "rate limit reached (2 in 60 s), 5 calls waiting, next slot in 41 s",
        "rate limit reached (a 429 response), 5 calls waiting, next slot in 90 s",
    ]


async def test_a_pause_of_another_process_is_logged(records: _Records) -> None:
    """Also where the calls of this process already wait for slots that all processes share."""
    store, quota = ScriptedStore(), Quota(2, per=60.0)
    one, another = shared_limiter(store, quota), shared_limiter(store, quota)
    await _calls(one, 2)

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(_calls, another, 1)
        await anyio.sleep(10)
        one.pause(80)
    await one.aclose()
    await another.aclose()

    limit, pause = records.messages
    assert limit.startswith("rate limit reached (2 in 60 s), 3 calls waiting, next slot in ")
    assert pause.startswith("rate limit reached (a 429 response), 3 calls waiting, next slot in ")


async def test_polls_of_a_busy_client_do_not_starve() -> None:
    """Callers that use up each window at once leave a twentieth of it to polls."""
    server = Working.saying(reported("Pending"))
    async with server.client(quota=Quota(), limits=Limits(max_in_flight=50), timeout=600) as sikoia:

        async def hammer() -> None:
            while True:
                await sikoia.cases.list()

        operation = await sikoia.income.request(CASE)
        began = anyio.current_time()
        with pytest.raises(OperationTimeoutError) as caught:
            async with _running(hammer, 50):
                await operation.wait(timeout=600)

    times = [began, *server.polls]
    gaps = [b - a for a, b in pairwise(times)]
    assert max(gaps) < 15 + 6 + 1  # the longest pause, and the longest wait for a slot
    assert caught.value.spent["rate_limit"] < 6.5 * caught.value.polls
    assert server.seen > 9.4 * 200  # and nothing is left unused


@pytest.mark.parametrize("operations", [3, 10])
async def test_polls_share_what_is_reserved_for_them(operations: int) -> None:
    """None waits longer than two turns of each, since those with few polls go first by turns."""
    limiter, waits = limiter_of(200), list[float]()

    async def hammer() -> None:
        while True:
            async with slot(limiter):
                await anyio.sleep(0.05)

    async def poll() -> None:
        for polls in range(40):
            await anyio.sleep(min(15, 1.5**polls))
            began = anyio.current_time()
            await limiter.acquire("poll", polls)
            waits.append(anyio.current_time() - began)
            limiter.settle(sent=True)

    limiter.expect_polls()
    async with _running(hammer, 16), anyio.create_task_group() as polling:
        for _ in range(operations):
            polling.start_soon(poll)

    assert max(waits) <= 2 * 6 * operations + 0.1
    assert len(waits) == 40 * operations


async def test_without_operations_calls_may_use_every_slot() -> None:
    """Nothing is reserved for polls that nobody makes."""
    limiter = limiter_of(200)
    began = anyio.current_time()

    await _calls(limiter, 200)

    assert anyio.current_time() == began


async def test_polls_that_were_made_count_towards_what_is_reserved() -> None:
    """Calls may use the rest."""
    limiter = limiter_of(200)
    await _calls(limiter, 10, "poll")
    began = anyio.current_time()

    await _calls(limiter, 190)

    assert anyio.current_time() == began
