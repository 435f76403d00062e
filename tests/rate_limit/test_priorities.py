"""Priorities: interactive calls, then polls, then background calls, and none starves."""

import random

import anyio
import pytest
from faults import client
from hypothesis import given
from hypothesis import strategies as st
from rate_limiting import limiter_of, slot

from sikoia_async._rate_limit.limiter import RateLimiter
from sikoia_async._rate_limit.queue import Priority

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]


class _Log:
    """Records the order in which calls were served."""

    def __init__(self, limiter: RateLimiter) -> None:
        self.served: list[str] = []
        self._pacer = limiter

    async def call(self, priority: Priority, name: str = "") -> None:
        async with slot(self._pacer, priority):
            self.served.append(name or priority)


async def _without_slots(limit: int = 1, per: float = 1.0) -> RateLimiter:
    """Return a limiter that has no slot left."""
    limiter = limiter_of(limit, per)
    for _ in range(limit):
        async with slot(limiter):
            pass
    return limiter


async def test_a_higher_priority_goes_first() -> None:
    """Whenever it arrived; equal priorities keep the order of arrival."""
    log = _Log(await _without_slots())

    async with anyio.create_task_group() as tasks:
        for round_ in range(2):
            for priority in ("background", "poll", "interactive"):
                tasks.start_soon(log.call, priority, f"{priority} {round_}")
                await anyio.wait_all_tasks_blocked()

    assert log.served == [
        "interactive 0",
        "interactive 1",
        "poll 0",
        "poll 1",
        "background 0",
        "background 1",
    ]


async def test_a_later_call_of_higher_priority_goes_before_the_dispatcher() -> None:
    """The dispatcher hands the slot to the caller that is next."""
    log = _Log(await _without_slots())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(log.call, "background")
        await anyio.sleep(0.9)
        tasks.start_soon(log.call, "interactive")

    assert log.served == ["interactive", "background"]


async def test_one_slot_in_ten_goes_to_a_lower_priority() -> None:
    """To the longest waiting of them, whether it is a poll or a background call."""
    log = _Log(await _without_slots())

    async with anyio.create_task_group() as tasks:
        for priority in ("background", "poll"):
            tasks.start_soon(log.call, priority)
            await anyio.sleep(0.01)
        for _ in range(30):
            tasks.start_soon(log.call, "interactive")

    assert log.served == [
        *["interactive"] * 9,
        "background",
        *["interactive"] * 9,
        "poll",
        *["interactive"] * 12,
    ]


async def test_slots_without_competition_do_not_count() -> None:
    """A poll that arrives after many interactive calls still lets nine of them go first."""
    log = _Log(await _without_slots())

    async with anyio.create_task_group() as tasks:
        for _ in range(30):
            tasks.start_soon(log.call, "interactive")
        await anyio.sleep(15.5)
        tasks.start_soon(log.call, "poll")

    assert log.served.index("poll") == 15 + 9


async def test_a_flood_of_polls_delays_no_interactive_call() -> None:
    """Polls leave one slot free, and each of 40 interactive calls finds it."""
    limiter, spans = limiter_of(10, 1.0), list[float]()
    log = _Log(limiter)
    for _ in range(10):
        async with slot(limiter):
            await anyio.sleep(0.1)

    async with anyio.create_task_group() as tasks:
        for _ in range(10_000):
            tasks.start_soon(log.call, "poll")
        await anyio.wait_all_tasks_blocked()
        for _ in range(40):
            await anyio.sleep(0.17)
            began = anyio.current_time()
            await log.call("interactive")
            spans.append(anyio.current_time() - began)
        tasks.cancel_scope.cancel()

    assert max(spans) == 0.0
    assert log.served.count("poll") > 24


@given(
    crowd=st.lists(st.sampled_from(["interactive", "poll", "background"]), max_size=60),
    seed=st.integers(0, 9),
)
async def test_few_lower_priorities_go_first(crowd: list[Priority], seed: int) -> None:
    """Of the slots that go to others meanwhile, at most a tenth, and one more."""
    limiter, rng = await _without_slots(), random.Random(seed)  # noqa: S311 - no secrets
    ranks = {"interactive": 0, "poll": 1, "background": 2}
    waiting: list[tuple[Priority, int]] = []
    ahead: dict[int, list[Priority]] = {number: [] for number in range(len(crowd))}
    served: list[int] = []

    async def call(priority: Priority, number: int) -> None:
        await anyio.sleep(rng.uniform(0, 30))
        waiting.append((priority, number))
        async with slot(limiter, priority):
            waiting.remove((priority, number))
            served.append(number)
            for _, other in waiting:
                ahead[other].append(priority)

    async with anyio.create_task_group() as tasks:
        for number, priority in enumerate(crowd):
            tasks.start_soon(call, priority, number)

    assert sorted(served) == list(range(len(crowd)))
    for number, priority in enumerate(crowd):
        lower = [one for one in ahead[number] if ranks[one] > ranks[priority]]
        assert len(lower) <= len(ahead[number]) // 10 + 1


async def test_polls_are_spread_evenly() -> None:
    """A tenth at once, then one by one: a burst must not use up the window."""
    limiter, times = limiter_of(100, 60.0), list[float]()
    began = anyio.current_time()

    async def poll() -> None:
        async with slot(limiter, "poll"):
            times.append(anyio.current_time() - began)

    async with anyio.create_task_group() as tasks:
        for _ in range(60):
            tasks.start_soon(poll)

    pause = 60.0 / 90
    assert times[:10] == [0.0] * 10
    assert times[10:] == pytest.approx([pause * one for one in range(50)], abs=0.1)


async def test_interactive_calls_are_not_spread() -> None:
    """Only polls and background calls are."""
    limiter = limiter_of(100, 60.0)
    for _ in range(10):
        async with slot(limiter, "poll"):
            pass
    began = anyio.current_time()

    for _ in range(90):
        async with slot(limiter):
            pass

    assert anyio.current_time() == began


async def test_a_background_view_polls_in_the_background() -> None:
    """Polls of other views have the priority of polls."""
    api = client("https://127.0.0.1:1").with_options(priority="background").income._api

    assert api.poll(1).options.priority == "background"
    assert client("https://127.0.0.1:1").income._api.poll(1).options.priority == "poll"
