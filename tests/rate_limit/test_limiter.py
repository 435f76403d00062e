"""The rate limiter: how slots age, who gets them, and what a 429 does."""

from typing import Any

import anyio
import httpx
import pytest
from faults import client, core, refuse
from hypothesis import given
from hypothesis import strategies as st
from rate_limiting import limiter_of, slot

from sikoia_async import ConfigurationError, ConnectionFailedError, Quota, RateLimitError
from sikoia_async._rate_limit.limiter import RateLimiter

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]


async def test_a_slot_ages_from_its_response() -> None:
    """The server may have counted the request at any moment until then."""
    limiter = limiter_of(1)
    async with slot(limiter):
        await anyio.sleep(10)
    settled = anyio.current_time()

    await limiter.acquire()

    assert anyio.current_time() - settled == pytest.approx(60, abs=0.01)


async def test_an_unused_slot_is_free_at_once() -> None:
    """A waiting call gets it at the moment it is given back."""
    limiter = limiter_of(1)
    await limiter.acquire()

    async def give_back() -> None:
        await anyio.sleep(3)
        limiter.settle(sent=False)

    began = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(give_back)
        await limiter.acquire()

    assert anyio.current_time() - began == pytest.approx(3)
    assert limiter.left == 0


async def test_slots_are_first_come_first_served() -> None:
    """Even a call that arrives while a slot is free does not overtake."""
    limiter = limiter_of(2, 1.0)
    served: list[int] = []

    async def call(number: int) -> None:
        await anyio.sleep(number / 1000)
        async with slot(limiter):
            served.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(call, number)

    assert served == list(range(20))


async def test_a_call_about_to_wake_keeps_its_slot() -> None:
    """A slot given back belongs to the head of the queue even before its task runs."""
    limiter, served = limiter_of(1), list[str]()
    await limiter.acquire()

    async def wait() -> None:
        async with slot(limiter, sent=False):
            served.append("first")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        limiter.settle(sent=False)
        async with slot(limiter):
            served.append("late")

    assert served == ["first", "late"]


@pytest.mark.parametrize(("hint", "wait"), [(7.0, 7.0), (None, 60.0)], ids=["hint", "none"])
async def test_one_429_pauses_every_call(hint: float | None, wait: float) -> None:
    """Without Retry-After for a whole window; a shorter pause does not end a longer one."""
    limiter = limiter_of(10)

    assert limiter.pause(hint) == wait
    assert limiter.pause(1.0) == 1.0
    began = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(limiter.acquire)

    assert anyio.current_time() - began == pytest.approx(wait, abs=0.01)
    assert limiter.paused == 0


async def test_a_pause_lasts_two_windows_at_most() -> None:
    """Every window has turned by then, whatever Retry-After says."""
    limiter = limiter_of(10)

    assert limiter.pause(3600) == 3600
    assert limiter.paused == 120


async def test_a_pause_holds_back_waiting_calls() -> None:
    """A slot that becomes free in the meantime is not used before the pause ends."""
    limiter = limiter_of(1, 10)
    async with slot(limiter):
        pass

    began = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(limiter.acquire)
        await anyio.sleep(5)
        limiter.pause(15)

    assert anyio.current_time() - began == pytest.approx(20, abs=0.01)


async def test_a_slot_given_back_does_not_end_a_pause() -> None:
    """The dispatcher wakes up, checks, and sleeps on."""
    limiter = limiter_of(1, 10)
    await limiter.acquire()
    began = anyio.current_time()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(limiter.acquire)
        limiter.pause(10)
        await anyio.sleep(3)
        limiter.settle(sent=False)

    assert anyio.current_time() - began == pytest.approx(10, abs=0.01)


async def test_a_free_slot_bypasses_the_queue() -> None:
    """No other task runs in between, and no wait is counted."""
    limiter, ran = limiter_of(3), list[str]()

    async def other() -> None:
        ran.append("other")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(other)
        for _ in range(3):
            await limiter.acquire()
        assert ran == []

    assert (limiter.waits, limiter.waited, limiter.left) == (0, 0.0, 0)


async def test_waits_are_counted() -> None:
    """How many calls wait by priority, how many waits have ended, and how long they took."""
    limiter = limiter_of(1, 10)
    async with slot(limiter):
        pass

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(limiter.acquire)
        for priority in ("poll", "poll", "background"):
            tasks.start_soon(limiter.acquire, priority)
        await anyio.sleep(4)
        assert limiter.waiting == {"interactive": 1, "poll": 2, "background": 1}
        assert (limiter.waits, limiter.waited) == (0, 0)
        await anyio.sleep(10)
        assert limiter.waiting == {"interactive": 0, "poll": 2, "background": 1}
        assert limiter.waits == 1
        assert limiter.waited == pytest.approx(10, abs=0.01)
        tasks.cancel_scope.cancel()

    assert limiter.waiting == {"interactive": 0, "poll": 0, "background": 0}
    assert limiter.waits == 4
    assert limiter.waited == pytest.approx(10 + 3 * 14, abs=0.01)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 3)), max_size=40))
def test_free_slots_always_add_up_to_the_limit(steps: list[tuple[bool, float]]) -> None:
    """Whatever is leased, given back or waited for."""
    now = 0.0
    limiter, ageing = RateLimiter(Quota(5, per=2.0), lambda: now), list[float]()

    async def lease() -> None:
        await limiter.acquire()

    for sent, later in steps:
        now += later
        ageing = [since for since in ageing if now < since + 2.0]
        assert limiter.left == 5 - len(ageing)
        if limiter.left:
            # With a free slot nothing is awaited, so no event loop is needed.
            with pytest.raises(StopIteration):
                lease().send(None)
            limiter.settle(sent=sent)
            ageing += [now] if sent else []


@pytest.mark.parametrize("limit", [0, -1, 2.0, float("inf"), float("nan"), True, "200", None])
def test_a_limit_is_a_positive_whole_number(limit: Any) -> None:
    """Any other value is refused when the quota is created."""
    with pytest.raises(ConfigurationError, match=r"limit: expected a whole number.*quota=None"):
        Quota(limit)


@pytest.mark.parametrize("per", [0, -1.5, float("inf"), float("nan"), True, "60", None])
def test_a_window_is_a_number_of_seconds(per: Any) -> None:
    """Positive and finite."""
    with pytest.raises(ConfigurationError, match=r"per: expected seconds.*quota=None"):
        Quota(200, per=per)


def test_a_quota_is_immutable() -> None:
    """Clients may share one, and it equals another with the same numbers."""
    quota = Quota(50, per=30)

    with pytest.raises(AttributeError):
        quota.limit = 3  # type: ignore[misc] # pyright: ignore[reportAttributeAccessIssue]
    assert (quota.limit, quota.per, quota.store) == (50, 30, None)
    assert quota == Quota(50, 30)
    assert Quota() == Quota(200, per=60.0)


async def test_each_attempt_takes_a_slot() -> None:
    """A retry is a request that the server counts."""
    transport = httpx.MockTransport(lambda _: httpx.Response(500))
    sikoia = client("https://127.0.0.1:1", transport=transport, quota=Quota(5), retries=2)
    limiter = core(sikoia).rate_limiter

    with pytest.raises(Exception, match="500"):
        await sikoia.request("GET", "/v2/cases")

    assert limiter is not None
    assert limiter.left == 2


async def test_an_unsent_request_takes_no_slot() -> None:
    """Without a connection, the server has counted nothing."""

    class Refusing(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            refuse(request, httpx.ConnectError("refused"))

    sikoia = client("https://127.0.0.1:1", transport=Refusing(), quota=Quota(5), retries=2)
    limiter = core(sikoia).rate_limiter

    with pytest.raises(ConnectionFailedError):
        await sikoia.request("GET", "/v2/cases")

    assert limiter is not None
    assert limiter.left == 5


async def test_without_a_quota_nothing_is_limited() -> None:
    """Hundreds of calls are sent at once, and a 429 without Retry-After causes no pause."""
    sikoia = client(
        "https://127.0.0.1:1",
        transport=httpx.MockTransport(lambda _: httpx.Response(429)),
        quota=None,
    )
    began = anyio.current_time()

    for _ in range(300):
        with pytest.raises(RateLimitError) as caught:
            await sikoia.request("GET", "/v2/cases")
        assert caught.value.retry_after is None

    assert anyio.current_time() == began


async def test_a_429_of_one_call_pauses_the_others() -> None:
    """Nothing is sent until the window has turned; then all calls are served."""
    sent: list[float] = []

    def app(_: httpx.Request) -> httpx.Response:
        sent.append(anyio.current_time())
        return httpx.Response(429 if len(sent) == 1 else 200, content=b"[]")

    sikoia = client(
        "https://127.0.0.1:1",
        transport=httpx.MockTransport(app),
        quota=Quota(20, per=10),
        retries=1,
        timeout=60,
    )
    await anyio.sleep(1)
    async with anyio.create_task_group() as calls:
        calls.start_soon(sikoia.request, "GET", "/v2/cases")
        await anyio.sleep(1)
        calls.start_soon(sikoia.request, "GET", "/v2/cases")

    assert len(sent) == 3
    assert min(sent[1:]) - sent[0] >= 10
