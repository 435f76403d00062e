"""Cancelling a waiting call at any step neither loses nor gains a slot, and starves no other."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import anyio
import pytest
from rate_limiting import limiter_of, slot

from sikoia_async._rate_limit.limiter import RateLimiter
from sikoia_async._rate_limit.queue import Priority

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_STEPS: Final = 40
_SETTLED_AT: Final = 15
_HOPELESS: Final = 1000.0
"""Virtual seconds after which a test that hangs fails."""

_PRIORITIES: Final[list[Priority]] = ["background", "interactive", "poll", "interactive"]

_Start = Callable[[Callable[[], Awaitable[None]]], Callable[[], object]]
"""Starts a task and returns a function that cancels it."""


class _Crowd:
    """Four calls that wait while the only slot is taken, and give it back once served."""

    def __init__(self, limiter: RateLimiter, *, sent: bool) -> None:
        self._limiter = limiter
        self.served: list[int] = []
        self._sent = sent

    async def wait(self, number: int) -> None:
        async with slot(self._limiter, _PRIORITIES[number], sent=self._sent):
            self.served.append(number)
            await anyio.lowlevel.checkpoint()


async def _cancel_at_each_step(
    start: _Start, victim: int, *, sent: bool, settled: Callable[[], Awaitable[None]]
) -> None:
    for steps in range(_STEPS):
        limiter = limiter_of(1, 1.0)
        crowd = _Crowd(limiter, sent=sent)
        await limiter.acquire()
        cancels: list[Callable[[], object]] = []
        for number in range(len(_PRIORITIES)):

            async def wait(crowd: _Crowd = crowd, number: int = number) -> None:
                await crowd.wait(number)

            cancels.append(start(wait))
        for step in range(_STEPS):
            if step == steps:
                cancels[victim]()
            if step == _SETTLED_AT:
                limiter.settle(sent=False)
            await anyio.lowlevel.checkpoint()
        await settled()

        assert {*crowd.served, victim} == {0, 1, 2, 3}
        assert set(limiter.waiting.values()) == {0}
        await anyio.sleep(1.1)
        assert limiter.left == 1


@pytest.mark.parametrize("sent", [False, True], ids=["given back", "used"])
@pytest.mark.parametrize("victim", range(4))
async def test_a_scope_cancelled_at_any_step(victim: int, *, sent: bool) -> None:
    """Whether it dispatches, sleeps, was just woken or served: all the others get the slot."""
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
    """The same for `task.cancel()`, which may arrive after the slot."""
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


async def test_a_cancelled_wait_costs_no_slot() -> None:
    """Half of the calls give up, the other half are served, and no slot is missing."""
    limiter = limiter_of(2, 1.0)
    served: list[int] = []

    async def call(number: int) -> None:
        await anyio.sleep(number / 1000)
        with anyio.move_on_after(0.5 if number % 2 else 100):
            async with slot(limiter):
                served.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(12):
            tasks.start_soon(call, number)
    await anyio.sleep(2)

    assert [number for number in served if number > 1] == [2, 4, 6, 8, 10]
    assert limiter.left == 2


async def test_a_call_cancelled_with_its_slot_passes_it_on() -> None:
    """Served and cancelled at the same moment: the next call gets the slot without delay."""
    limiter, scope, served = limiter_of(1), anyio.CancelScope(), list[float]()
    await limiter.acquire()
    began = anyio.current_time()

    async def leader() -> None:
        await limiter.acquire("background")

    async def cancelled() -> None:
        with scope:
            async with slot(limiter, sent=False):
                await anyio.sleep_forever()

    async def heir() -> None:
        await limiter.acquire()
        served.append(anyio.current_time())

    with anyio.fail_after(_HOPELESS):
        async with anyio.create_task_group() as tasks:
            for task in (leader, cancelled, heir):
                tasks.start_soon(task)
                await anyio.wait_all_tasks_blocked()
            began = anyio.current_time()
            limiter.settle(sent=False)
            while limiter.waiting["interactive"] == 2:
                await anyio.lowlevel.checkpoint()
            scope.cancel()
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()

    assert served == [began]
    assert limiter.left == 0


async def test_a_storm_of_cancellations() -> None:
    """Thousands of calls that give up do not slow down the rest."""
    limiter, served = limiter_of(1, 1.0), list[int]()
    async with slot(limiter):
        pass

    async def wait(number: int) -> None:
        with anyio.move_on_after(0.5 if number % 1000 else 100):
            async with slot(limiter):
                served.append(number)

    with anyio.fail_after(_HOPELESS):
        async with anyio.create_task_group() as tasks:
            for number in range(5000):
                tasks.start_soon(wait, number)

    assert sorted(served) == [0, 1000, 2000, 3000, 4000]
    assert limiter.waits == 5000
