"""Single flight: concurrent callers share one result."""

import asyncio

import anyio
import pytest

from sikoia_async._single_flight import NotShared, SingleFlight

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]


class _Work:
    """Takes a second, and counts how often it was started."""

    def __init__(self, error: Exception | None = None) -> None:
        self.started = 0
        self._error = error

    async def __call__(self) -> int:
        self.started += 1
        await anyio.sleep(1)
        if self._error is not None:
            raise self._error
        return self.started


async def test_concurrent_callers_share_one_result() -> None:
    """The work is done once for all of them, and again for a later caller."""
    flight, work = SingleFlight[int](), _Work()
    results: list[int] = []

    async def follow() -> None:
        results.append(await flight.run(work))

    async with anyio.create_task_group() as tasks:
        for _ in range(50):
            tasks.start_soon(follow)
        await anyio.sleep(0.5)
        assert flight.busy

    assert results == [1] * 50
    assert not flight.busy
    assert await flight.run(work) == 2


async def test_every_caller_gets_its_own_error() -> None:
    """The work fails once; each caller gets its own exception, with its own traceback."""
    flight, work = SingleFlight[int](), _Work(ValueError("no"))
    errors: list[ValueError] = []

    async def follow() -> None:
        with pytest.raises(ValueError, match="no") as caught:
            await flight.run(work)
        errors.append(caught.value)

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(follow)

    assert work.started == 1
    assert len({id(error) for error in errors}) == 10
    assert not flight.busy


async def test_a_cancelled_leader_hands_over() -> None:
    """The next caller starts the work again, and all others share its result."""
    flight, work = SingleFlight[int](), _Work()
    results: list[int] = []
    leading = anyio.CancelScope()

    async def lead() -> None:
        with leading:
            await flight.run(work)

    async def follow() -> None:
        results.append(await flight.run(work))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lead)
        await anyio.wait_all_tasks_blocked()
        for _ in range(5):
            tasks.start_soon(follow)
        await anyio.wait_all_tasks_blocked()
        leading.cancel()

    assert results == [2] * 5


async def test_a_cancelled_follower_does_not_stop_the_leader() -> None:
    """It only stops waiting itself."""
    flight, work = SingleFlight[int](), _Work()
    results: list[int] = []

    async def lead() -> None:
        results.append(await flight.run(work))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lead)
        await anyio.wait_all_tasks_blocked()
        with anyio.move_on_after(0.5):
            await flight.run(work)

    assert results == [1]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("steps", range(6))
async def test_a_leader_cancelled_by_asyncio_hands_over(steps: int) -> None:
    """The others get a result, at whichever step `Task.cancel` comes."""
    flight = SingleFlight[int]()

    async def work() -> int:
        for _ in range(3):
            await asyncio.sleep(0)
        return 1

    leader = asyncio.create_task(flight.run(work))
    await asyncio.sleep(0)
    others = [asyncio.create_task(flight.run(work)) for _ in range(3)]
    for _ in range(steps):
        await asyncio.sleep(0)
    leader.cancel()

    assert await asyncio.gather(*others) == [1, 1, 1]
    assert not flight.busy
    await asyncio.gather(leader, return_exceptions=True)


async def test_an_error_marked_as_not_shared_stays_with_the_leader() -> None:
    """If the leader runs out of time, the next caller takes over."""
    flight, outcomes = SingleFlight[str](), list[str]()

    async def short() -> str:
        await anyio.sleep(1)
        raise NotShared(ValueError("short of time"))

    async def first() -> None:
        with pytest.raises(ValueError, match="short of time"):
            await flight.run(short)
        outcomes.append("refused")

    async def second() -> str:
        return "done"

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(first)
        await anyio.sleep(0.5)
        outcomes.append(await flight.run(second))

    assert sorted(outcomes) == ["done", "refused"]
