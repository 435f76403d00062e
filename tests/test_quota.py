"""The pacer: never more than the limit in any window, and nearly as much as it allows."""

import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import httpx
import pytest
from faults import client, core
from hypothesis import given
from hypothesis import strategies as st

from sikoia_async import ConfigurationError, ConnectionFailedError, Quota, RateLimitError
from sikoia_async._quota import Pacer

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]


def _pacer(limit: int, per: float = 60.0) -> Pacer:
    return Pacer(Quota(limit, per=per), anyio.current_time)


@asynccontextmanager
async def _slot(pacer: Pacer, *, sent: bool = True) -> AsyncGenerator[None]:
    await pacer.acquire()
    try:
        yield
    finally:
        pacer.settle(sent=sent)


@pytest.mark.parametrize("seed", range(5))
async def test_no_window_sees_more_than_the_limit(seed: int) -> None:
    """Whenever the server counts a request between send and answer, its windows hold."""
    chance, limit, per, calls = random.Random(seed), 20, 2.0, 200  # noqa: S311 - no secrets
    pacer = _pacer(limit, per)
    arrivals: list[float] = []
    began = anyio.current_time()

    async def call() -> None:
        async with _slot(pacer):
            await anyio.sleep(chance.uniform(0, 0.05))
            arrivals.append(anyio.current_time())
            await anyio.sleep(chance.uniform(0, 0.05))

    async with anyio.create_task_group() as tasks:
        for _ in range(calls):
            tasks.start_soon(call)

    arrivals.sort()
    spans = [later - sooner for sooner, later in zip(arrivals, arrivals[limit:], strict=False)]
    assert min(spans) >= per
    assert anyio.current_time() - began < (calls / limit - 1) * (per + 0.102) + 0.2


async def test_a_slot_ages_from_its_answer() -> None:
    """The server may have counted the request at any moment until it answered."""
    pacer = _pacer(1)
    async with _slot(pacer):
        await anyio.sleep(10)
    answered = anyio.current_time()

    await pacer.acquire()

    assert anyio.current_time() - answered == pytest.approx(60, abs=0.01)


async def test_a_slot_that_was_not_used_is_free_at_once() -> None:
    """Who waits for one gets it in the moment that it is given back."""
    pacer = _pacer(1)
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
    pacer = _pacer(2, 1.0)
    served: list[int] = []

    async def call(number: int) -> None:
        await anyio.sleep(number / 1000)
        async with _slot(pacer):
            served.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(call, number)

    assert served == list(range(20))


async def test_nobody_overtakes_who_is_about_to_wake() -> None:
    """A slot that comes back belongs to the first in line, even before that task runs."""
    pacer, served = _pacer(1), list[str]()
    await pacer.acquire()

    async def wait() -> None:
        async with _slot(pacer, sent=False):
            served.append("first")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        pacer.settle(sent=False)
        async with _slot(pacer):
            served.append("late")

    assert served == ["first", "late"]


async def test_a_cancelled_waiter_costs_no_slot() -> None:
    """Half of those who wait give up; the other half are served, and no slot is missing."""
    pacer = _pacer(2, 1.0)
    served: list[int] = []

    async def call(number: int) -> None:
        await anyio.sleep(number / 1000)
        with anyio.move_on_after(0.5 if number % 2 else 100):
            async with _slot(pacer):
                served.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(12):
            tasks.start_soon(call, number)
    await anyio.sleep(2)

    assert [number for number in served if number > 1] == [2, 4, 6, 8, 10]
    assert pacer.left == 2


@pytest.mark.parametrize(("hint", "wait"), [(7.0, 7.0), (None, 60.0)], ids=["hint", "no hint"])
async def test_one_429_stops_everybody(hint: float | None, wait: float) -> None:
    """A pause is for all; without a hint it is a whole window; a shorter one does not end it."""
    pacer = _pacer(10)

    assert pacer.pause(hint) == wait
    assert pacer.pause(1.0) == 1.0
    began = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(pacer.acquire)

    assert anyio.current_time() - began == pytest.approx(wait, abs=0.01)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 3)), max_size=40))
def test_slots_are_never_more_nor_fewer_than_the_limit(steps: list[tuple[bool, float]]) -> None:
    """Whatever is leased, given back and waited for, the books are right."""
    now = 0.0
    pacer, ageing = Pacer(Quota(5, per=2.0), lambda: now), list[float]()

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


@pytest.mark.parametrize("limit", [0, -1, float("inf"), float("nan")])
def test_a_quota_is_more_than_nothing(limit: float) -> None:
    """A limit that lets nothing through, or everything, is refused when it is written."""
    with pytest.raises(ConfigurationError, match="limit"):
        Quota(limit)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


async def test_each_attempt_takes_a_slot() -> None:
    """A retry is a request too, and the server counts it."""
    transport = httpx.MockTransport(lambda _: httpx.Response(500))
    sikoia = client("https://127.0.0.1:1", transport=transport, quota=Quota(5), retries=2)
    pacer = core(sikoia).pacer

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
    pacer = core(sikoia).pacer

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
