"""The pacer: how slots age, who gets them, what a 429 does, and what a call makes of it all."""

from typing import Any

import anyio
import httpx
import pytest
from faults import client, core
from hypothesis import given
from hypothesis import strategies as st
from paced import pacer_of, slot

from sikoia_async import ConfigurationError, ConnectionFailedError, Quota, RateLimitError
from sikoia_async._rate_limit.limiter import RateLimiter

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]


async def test_a_slot_ages_from_its_answer() -> None:
    """The server may have counted the request at any moment until it answered."""
    pacer = pacer_of(1)
    async with slot(pacer):
        await anyio.sleep(10)
    answered = anyio.current_time()

    await pacer.acquire()

    assert anyio.current_time() - answered == pytest.approx(60, abs=0.01)


async def test_a_slot_that_was_not_used_is_free_at_once() -> None:
    """Who waits for one gets it in the moment that it is given back."""
    pacer = pacer_of(1)
    await pacer.acquire()

    async def give_back() -> None:
        await anyio.sleep(3)
        pacer.settle(sent=False)

    began = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(give_back)
        await pacer.acquire()

    assert anyio.current_time() - began == pytest.approx(3)
    assert pacer.left == 0


async def test_slots_are_handed_out_first_come_first_served() -> None:
    """Nobody is overtaken, not even by one who comes when a slot happens to be free."""
    pacer = pacer_of(2, 1.0)
    served: list[int] = []

    async def call(number: int) -> None:
        await anyio.sleep(number / 1000)
        async with slot(pacer):
            served.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(call, number)

    assert served == list(range(20))


async def test_nobody_overtakes_who_is_about_to_wake() -> None:
    """A slot that comes back belongs to the first in line, even before that task runs."""
    pacer, served = pacer_of(1), list[str]()
    await pacer.acquire()

    async def wait() -> None:
        async with slot(pacer, sent=False):
            served.append("first")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        pacer.settle(sent=False)
        async with slot(pacer):
            served.append("late")

    assert served == ["first", "late"]


@pytest.mark.parametrize(("hint", "wait"), [(7.0, 7.0), (None, 60.0)], ids=["hint", "no hint"])
async def test_one_429_stops_everybody(hint: float | None, wait: float) -> None:
    """A pause is for all; without a hint it is a whole window; a shorter one does not end it."""
    pacer = pacer_of(10)

    assert pacer.pause(hint) == wait
    assert pacer.pause(1.0) == 1.0
    began = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(pacer.acquire)

    assert anyio.current_time() - began == pytest.approx(wait, abs=0.01)
    assert pacer.paused == 0


async def test_a_pause_is_two_windows_at_most() -> None:
    """By then every window has turned, whatever an answer asks for."""
    pacer = pacer_of(10)

    assert pacer.pause(3600) == 3600
    assert pacer.paused == 120


async def test_a_pause_holds_up_who_waits_for_a_slot() -> None:
    """A slot that comes free in the meantime is not used before it ends."""
    pacer = pacer_of(1, 10)
    async with slot(pacer):
        pass

    began = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pacer.acquire)
        await anyio.sleep(5)
        pacer.pause(15)

    assert anyio.current_time() - began == pytest.approx(20, abs=0.01)


async def test_a_slot_that_is_given_back_does_not_end_a_pause() -> None:
    """It wakes who is first in line, who looks again and sleeps on."""
    pacer = pacer_of(1, 10)
    await pacer.acquire()
    began = anyio.current_time()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pacer.acquire)
        pacer.pause(10)
        await anyio.sleep(3)
        pacer.settle(sent=False)

    assert anyio.current_time() - began == pytest.approx(10, abs=0.01)


async def test_what_is_free_costs_no_step_and_no_wait() -> None:
    """Nobody else runs in between, and the books of the waits stay empty."""
    pacer, ran = pacer_of(3), list[str]()

    async def other() -> None:
        ran.append("other")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(other)
        for _ in range(3):
            await pacer.acquire()
        assert ran == []

    assert (pacer.waits, pacer.waited, pacer.left) == (0, 0.0, 0)


async def test_waits_are_counted() -> None:
    """How many wait, of each priority; how many waits have ended, and after how long."""
    pacer = pacer_of(1, 10)
    async with slot(pacer):
        pass

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pacer.acquire)
        for priority in ("poll", "poll", "background"):
            tasks.start_soon(pacer.acquire, priority)
        await anyio.sleep(4)
        assert pacer.waiting == {"interactive": 1, "poll": 2, "background": 1}
        assert (pacer.waits, pacer.waited) == (0, 0)
        await anyio.sleep(10)
        assert pacer.waiting == {"interactive": 0, "poll": 2, "background": 1}
        assert pacer.waits == 1
        assert pacer.waited == pytest.approx(10, abs=0.01)
        tasks.cancel_scope.cancel()

    assert pacer.waiting == {"interactive": 0, "poll": 0, "background": 0}
    assert pacer.waits == 4
    assert pacer.waited == pytest.approx(10 + 3 * 14, abs=0.01)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 3)), max_size=40))
def test_slots_are_never_more_nor_fewer_than_the_limit(steps: list[tuple[bool, float]]) -> None:
    """Whatever is leased, given back and waited for, the books are right."""
    now = 0.0
    pacer, ageing = RateLimiter(Quota(5, per=2.0), lambda: now), list[float]()

    async def lease() -> None:
        await pacer.acquire()

    for sent, later in steps:
        now += later
        ageing = [since for since in ageing if now < since + 2.0]
        assert pacer.left == 5 - len(ageing)
        if pacer.left:
            # With a slot free nothing is waited for, so that no event loop is needed.
            with pytest.raises(StopIteration):
                lease().send(None)
            pacer.settle(sent=sent)
            ageing += [now] if sent else []


@pytest.mark.parametrize("limit", [0, -1, 2.0, float("inf"), float("nan"), True, "200", None])
def test_a_limit_is_a_whole_number(limit: Any) -> None:
    """A limit that lets nothing through, or everything, is refused when it is written."""
    with pytest.raises(ConfigurationError, match=r"limit must be a whole number.*quota=None"):
        Quota(limit)


@pytest.mark.parametrize("per", [0, -1.5, float("inf"), float("nan"), True, "60", None])
def test_a_window_is_a_time(per: Any) -> None:
    """So is one that never turns, or that has no length."""
    with pytest.raises(ConfigurationError, match=r"per must be seconds.*quota=None"):
        Quota(200, per=per)


def test_a_quota_stays_as_it_is() -> None:
    """Clients may share one; it equals another of the same numbers."""
    quota = Quota(50, per=30)

    with pytest.raises(AttributeError):
        quota.limit = 3  # type: ignore[misc] # pyright: ignore[reportAttributeAccessIssue]
    assert (quota.limit, quota.per, quota.store) == (50, 30, None)
    assert quota == Quota(50, 30)
    assert Quota() == Quota(200, per=60.0)


async def test_each_attempt_takes_a_slot() -> None:
    """A retry is a request too, and the server counts it."""
    transport = httpx.MockTransport(lambda _: httpx.Response(500))
    sikoia = client("https://127.0.0.1:1", transport=transport, quota=Quota(5), retries=2)
    pacer = core(sikoia).rate_limiter

    with pytest.raises(Exception, match="500"):
        await sikoia.request("GET", "/v2/cases")

    assert pacer is not None
    assert pacer.left == 2


async def test_what_was_not_sent_takes_no_slot() -> None:
    """Where no connection was made, the server has counted nothing."""

    class Refusing(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002
            msg = "refused"
            raise httpx.ConnectError(msg)

    sikoia = client("https://127.0.0.1:1", transport=Refusing(), quota=Quota(5), retries=2)
    pacer = core(sikoia).rate_limiter

    with pytest.raises(ConnectionFailedError):
        await sikoia.request("GET", "/v2/cases")

    assert pacer is not None
    assert pacer.left == 5


async def test_without_a_quota_nothing_is_paced() -> None:
    """A thousand calls are sent as fast as they go, and a 429 without a hint is not waited for."""
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


async def test_a_429_of_one_call_holds_up_the_others() -> None:
    """While the window turns nothing is sent, and then all are served."""
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
