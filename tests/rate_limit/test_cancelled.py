"""Whoever waits for a slot may be cancelled at any step: none is lost or gained, or forgotten."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import anyio
import pytest
from paced import pacer_of, slot

from sikoia_async._rate_limit.limiter import Priority, RateLimiter

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_STEPS: Final = 40
_GIVEN_BACK_AT: Final = 15
_HOPELESS: Final = 1000.0
"""Virtual seconds after which a test that hangs fails."""

_PRIORITIES: Final[list[Priority]] = ["background", "interactive", "poll", "interactive"]

_Start = Callable[[Callable[[], Awaitable[None]]], Callable[[], object]]
"""Starts a task, and returns what cancels it."""


class _Crowd:
    """Four who wait while the only slot is taken, each of whom gives it back when served."""

    def __init__(self, pacer: RateLimiter, *, sent: bool) -> None:
        self.rate_limiter = pacer
        self.served: list[int] = []
        self._sent = sent

    async def wait(self, number: int) -> None:
        async with slot(self.rate_limiter, _PRIORITIES[number], sent=self._sent):
            self.served.append(number)
            await anyio.lowlevel.checkpoint()


async def _cancel_at_each_step(
    start: _Start, victim: int, *, sent: bool, settled: Callable[[], Awaitable[None]]
) -> None:
    for steps in range(_STEPS):
        pacer = pacer_of(1, 1.0)
        crowd = _Crowd(pacer, sent=sent)
        await pacer.acquire()
        cancels: list[Callable[[], object]] = []
        for number in range(len(_PRIORITIES)):

            async def wait(crowd: _Crowd = crowd, number: int = number) -> None:
                await crowd.wait(number)

            cancels.append(start(wait))
        for step in range(_STEPS):
            if step == steps:
                cancels[victim]()
            if step == _GIVEN_BACK_AT:
                pacer.settle(sent=False)
            await anyio.lowlevel.checkpoint()
        await settled()

        assert {*crowd.served, victim} == {0, 1, 2, 3}
        assert set(pacer.waiting.values()) == {0}
        await anyio.sleep(1.1)
        assert pacer.left == 1


@pytest.mark.parametrize("sent", [False, True], ids=["given back", "used"])
@pytest.mark.parametrize("victim", range(4))
async def test_a_scope_cancelled_at_any_step(victim: int, *, sent: bool) -> None:
    """Whoever leads, follows, has just been woken or served: all the others get the slot."""
    with anyio.fail_after(_STEPS * _HOPELESS):
        async with anyio.create_task_group() as tasks:

            def start(wait: Callable[[], Awaitable[None]]) -> Callable[[], object]:
                scope = anyio.CancelScope()

                async def run() -> None:
                    with scope:
                        await wait()

                tasks.start_soon(run)
                return scope.cancel

            await _cancel_at_each_step(start, victim, sent=sent, settled=lambda: anyio.sleep(10))


@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
@pytest.mark.parametrize("sent", [False, True], ids=["given back", "used"])
@pytest.mark.parametrize("victim", range(4))
async def test_a_task_cancelled_at_any_step(victim: int, *, sent: bool) -> None:
    """The same for `task.cancel()`, which may come when the slot is there already."""
    started: list[asyncio.Task[None]] = []

    def start(wait: Callable[[], Awaitable[None]]) -> Callable[[], object]:
        async def run() -> None:
            await wait()

        started.append(asyncio.create_task(run()))
        return started[-1].cancel

    async def settled() -> None:
        await asyncio.wait(started)
        started.clear()

    with anyio.fail_after(_STEPS * _HOPELESS):
        await _cancel_at_each_step(start, victim, sent=sent, settled=settled)


async def test_a_cancelled_waiter_costs_no_slot() -> None:
    """Half of those who wait give up; the other half are served, and no slot is missing."""
    pacer = pacer_of(2, 1.0)
    served: list[int] = []

    async def call(number: int) -> None:
        await anyio.sleep(number / 1000)
        with anyio.move_on_after(0.5 if number % 2 else 100):
            async with slot(pacer):
                served.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(12):
            tasks.start_soon(call, number)
    await anyio.sleep(2)

    assert [number for number in served if number > 1] == [2, 4, 6, 8, 10]
    assert pacer.left == 2


async def test_who_is_cancelled_with_the_slot_in_hand_hands_it_on() -> None:
    """Served and cancelled in one moment: the next in line has the slot without delay."""
    pacer, scope, served = pacer_of(1), anyio.CancelScope(), list[float]()
    await pacer.acquire()
    began = anyio.current_time()

    async def leader() -> None:
        await pacer.acquire("background")

    async def cancelled() -> None:
        with scope:
            async with slot(pacer, sent=False):
                await anyio.sleep_forever()

    async def heir() -> None:
        await pacer.acquire()
        served.append(anyio.current_time())

    with anyio.fail_after(_HOPELESS):
        async with anyio.create_task_group() as tasks:
            for task in (leader, cancelled, heir):
                tasks.start_soon(task)
                await anyio.wait_all_tasks_blocked()
            pacer.settle(sent=False)
            while pacer.waiting["interactive"] == 2:
                await anyio.lowlevel.checkpoint()
            scope.cancel()
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()

    assert served == [began]
    assert pacer.left == 0


async def test_a_storm_of_cancellations() -> None:
    """Thousands who give up are no burden for the rest, who have to be found among them."""
    pacer, served = pacer_of(1, 1.0), list[int]()
    async with slot(pacer):
        pass

    async def wait(number: int) -> None:
        with anyio.move_on_after(0.5 if number % 1000 else 100):
            async with slot(pacer):
                served.append(number)

    with anyio.fail_after(_HOPELESS):
        async with anyio.create_task_group() as tasks:
            for number in range(5000):
                tasks.start_soon(wait, number)

    assert sorted(served) == [0, 1000, 2000, 3000, 4000]
    assert pacer.waits == 5000
