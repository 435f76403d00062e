"""The rate limiter against a server with fixed windows: no 429, and almost every slot used."""

import random
import time
from collections.abc import Sequence
from itertools import accumulate

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rate_limiting import Server, limiter_of, refused, slot

from sikoia_async import Quota, Sikoia
from sikoia_async._rate_limit.limiter import RateLimiter
from sikoia_async.environments import local
from sikoia_async.sandbox import Rate, Sandbox, Time

pytestmark = pytest.mark.anyio
_virtual = pytest.mark.virtual_time


async def _all(limiter: RateLimiter, server: Server, starts: Sequence[float]) -> float:
    """Start calls at these times; return the seconds until the last one arrived."""
    began = anyio.current_time()
    async with anyio.create_task_group() as calls:
        for start in starts:
            calls.start_soon(server.call, limiter, start)
    return max(server.arrivals) - began


@_virtual
@given(
    limit=st.integers(1, 25),
    per=st.sampled_from([0.5, 2.0, 60.0]),
    slowness=st.floats(0, 2),
    gaps=st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.01, 0.3, 0.999, 1.7]), max_size=80),
    turn=st.floats(0, 1),
    seed=st.integers(0, 9),
)
async def test_no_window_of_any_phase_refuses(
    *, limit: int, per: float, slowness: float, gaps: list[float], turn: float, seed: int
) -> None:
    """Whenever calls start, however slow they are, and whenever windows turn."""
    server = Server(slowness * per, seed)
    starts = [0.0, *accumulate(gap * per for gap in gaps)]

    await _all(limiter_of(limit, per), server, starts)

    assert len(server.arrivals) == len(starts)
    assert refused(server.arrivals, limit, per, turn * per) == 0
    assert server.most_in_any(per) <= limit


@_virtual
@pytest.mark.parametrize("seed", range(5))
async def test_a_thousand_at_once(seed: int) -> None:
    """With delays up to 250 ms: no 429 in 50 phases, and 98 % of the quota is used."""
    server = Server(0.25, seed)

    seconds = await _all(limiter_of(200), server, [0.0] * 1000)

    assert [refused(server.arrivals, 200, 60, 60 * phase / 50) for phase in range(50)] == [0] * 50
    assert 800 / seconds >= 0.98 * 200 / 60


@_virtual
async def test_ten_thousand_at_once_take_the_time_they_need() -> None:
    """With delays up to 10 ms: at most 1 % more than the 49 windows that have to turn."""
    server = Server(0.01)

    seconds = await _all(limiter_of(200), server, [0.0] * 10_000)

    assert server.most_in_any(60) == 200
    assert seconds <= 1.01 * (10_000 / 200 - 1) * 60


@_virtual
async def test_a_burst_around_the_turn_of_a_window() -> None:
    """Of 1 request, 199 after 59.9 s and 200 a moment later, no minute sees more than 200.

    A limiter that counts in windows of its own, from the first request on, lets 399 through.
    """
    server = Server(0.001)

    await _all(limiter_of(200), server, [0.0, *[59.9] * 199, *[60.1] * 200])

    assert server.most_in_any(60) == 200


@_virtual
async def test_a_slow_response_occupies_one_slot_only() -> None:
    """One request takes ten minutes, and the other slots turn as usual."""
    limiter, server, seconds = limiter_of(10, 1.0), Server(0.001), 0.0

    async def slow() -> None:
        async with slot(limiter):
            await anyio.sleep(600)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(slow)
        await anyio.wait_all_tasks_blocked()
        seconds = await _all(limiter, server, [0.0] * 90)
        tasks.cancel_scope.cancel()

    assert seconds <= 1.01 * (90 / 9 - 1)


async def test_the_local_sikoia_refuses_nothing() -> None:
    """A hundred calls over real sockets, at 20 per half second, with a random phase."""
    phase = [0.0]

    with Sandbox(
        rate=Rate(requests_per_window=20, window=0.5),
        time=Time(clock=lambda: time.monotonic() + phase[0]),
    ) as sandbox:
        phase[0] = random.uniform(0, 0.5)  # noqa: S311 - no secrets
        async with (
            Sikoia(
                sandbox.client_id,
                sandbox.client_secret,
                environment=local(sandbox.url),
                tls=sandbox.ca_file,
                quota=Quota(20, per=0.5),
                retries=0,
                timeout=600,
            ) as sikoia,
            anyio.create_task_group() as tasks,
        ):
            for _ in range(100):
                tasks.start_soon(sikoia.request, "GET", "/v2/cases")
