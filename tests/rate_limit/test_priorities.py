"""Who goes first: who waits for an answer, then polls, then the rest; and nobody starves."""

import random

import anyio
import pytest
from faults import client
from hypothesis import given
from hypothesis import strategies as st
from paced import pacer_of, slot

from sikoia_async._rate_limit.limiter import Priority, RateLimiter

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]


class _Log:
    """Notes who was served, in order."""

    def __init__(self, pacer: RateLimiter) -> None:
        self.served: list[str] = []
        self._pacer = pacer

    async def call(self, priority: Priority, name: str = "") -> None:
        async with slot(self._pacer, priority):
            self.served.append(name or priority)


async def _used_up(limit: int = 1, per: float = 1.0) -> RateLimiter:
    """Return a pacer without a slot left."""
    pacer = pacer_of(limit, per)
    for _ in range(limit):
        async with slot(pacer):
            pass
    return pacer


async def test_a_higher_priority_goes_first() -> None:
    """Whoever came when, and in the order in which they came where that is equal."""
    log = _Log(await _used_up())

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


async def test_a_latecomer_goes_before_the_one_who_sleeps_for_the_slot() -> None:
    """Whoever leads the line hands the slot to whose turn it is."""
    log = _Log(await _used_up())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(log.call, "background")
        await anyio.sleep(0.9)
        tasks.start_soon(log.call, "interactive")

    assert log.served == ["interactive", "background"]


async def test_one_slot_in_ten_goes_to_the_longest_waiting_of_the_others() -> None:
    """However many go before it, and whether it is a poll or less."""
    log = _Log(await _used_up())

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


async def test_slots_that_pass_nobody_by_do_not_count() -> None:
    """Who comes after many that had no rival still lets nine go first."""
    log = _Log(await _used_up())

    async with anyio.create_task_group() as tasks:
        for _ in range(30):
            tasks.start_soon(log.call, "interactive")
        await anyio.sleep(15.5)
        tasks.start_soon(log.call, "poll")

    assert log.served.index("poll") == 15 + 9


async def test_a_flood_of_polls_is_no_burden() -> None:
    """A slot comes free each tenth of a second, and polls leave one free: 40 who come find it."""
    pacer, spans = pacer_of(10, 1.0), list[float]()
    log = _Log(pacer)
    for _ in range(10):
        async with slot(pacer):
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
async def test_nobody_waits_longer_than_the_rules_say(crowd: list[Priority], seed: int) -> None:
    """Of the slots before anyone's a tenth are lower ones', and one more, at most."""
    pacer, chance = await _used_up(), random.Random(seed)  # noqa: S311 - no secrets
    ranks = {"interactive": 0, "poll": 1, "background": 2}
    waiting: list[tuple[Priority, int]] = []
    ahead: dict[int, list[Priority]] = {number: [] for number in range(len(crowd))}
    served: list[int] = []

    async def call(priority: Priority, number: int) -> None:
        await anyio.sleep(chance.uniform(0, 30))
        waiting.append((priority, number))
        async with slot(pacer, priority):
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


async def test_polls_go_out_evenly() -> None:
    """A tenth at once, and then one by one: no burst of them uses up the window."""
    pacer, times = pacer_of(100, 60.0), list[float]()
    began = anyio.current_time()

    async def poll() -> None:
        async with slot(pacer, "poll"):
            times.append(anyio.current_time() - began)

    async with anyio.create_task_group() as tasks:
        for _ in range(60):
            tasks.start_soon(poll)

    pause = 60.0 / 90
    assert times[:10] == [0.0] * 10
    assert times[10:] == pytest.approx([pause * one for one in range(50)], abs=0.1)


async def test_whoever_waits_for_an_answer_is_not_held_up_by_that() -> None:
    """The even pace is that of the others."""
    pacer = pacer_of(100, 60.0)
    for _ in range(10):
        async with slot(pacer, "poll"):
            pass
    began = anyio.current_time()

    for _ in range(90):
        async with slot(pacer):
            pass

    assert anyio.current_time() == began


async def test_polls_do_not_overtake_their_own_kind() -> None:
    """A view for work in the background polls in the background, too."""
    api = client("https://127.0.0.1:1").with_options(priority="background").income._api

    assert api.poll(1).options.priority == "background"
    assert client("https://127.0.0.1:1").income._api.poll(1).options.priority == "poll"
