"""One works, the others share the outcome."""

import asyncio

import anyio
import pytest

from sikoia_async._single_flight import NotShared, SingleFlight

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]


class _Work:
    """Takes a second, and counts how often it was begun."""

    def __init__(self, error: Exception | None = None) -> None:
        self.begun = 0
        self._error = error

    async def __call__(self) -> int:
        self.begun += 1
        await anyio.sleep(1)
        if self._error is not None:
            raise self._error
        return self.begun


async def test_all_who_ask_share_one_result() -> None:
    """However many ask, the work is done once; who asks later, has it done again."""
    flight, work = SingleFlight[int](), _Work()
    results: list[int] = []

    async def ask() -> None:
        results.append(await flight.run(work))

    async with anyio.create_task_group() as tasks:
        for _ in range(50):
            tasks.start_soon(ask)
        await anyio.sleep(0.5)
        assert flight.busy

    assert results == [1] * 50
    assert not flight.busy
    assert await flight.run(work) == 2


async def test_all_who_ask_get_an_error_of_their_own() -> None:
    """One failure, one attempt; and an exception object for each, for each has its traceback."""
    flight, work = SingleFlight[int](), _Work(ValueError("no"))
    errors: list[ValueError] = []

    async def ask() -> None:
        with pytest.raises(ValueError, match="no") as caught:
            await flight.run(work)
        errors.append(caught.value)

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(ask)

    assert work.begun == 1
    assert len({id(error) for error in errors}) == 10
    assert not flight.busy


async def test_a_cancelled_worker_hands_over() -> None:
    """The work is begun again by the next in line, and all others are served by that."""
    flight, work = SingleFlight[int](), _Work()
    results: list[int] = []
    leading = anyio.CancelScope()

    async def lead() -> None:
        with leading:
            await flight.run(work)

    async def ask() -> None:
        results.append(await flight.run(work))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lead)
        await anyio.wait_all_tasks_blocked()
        for _ in range(5):
            tasks.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        leading.cancel()

    assert results == [2] * 5


async def test_a_cancelled_follower_leaves_the_worker_alone() -> None:
    """Who no longer wants to know stops only their own waiting."""
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
async def test_a_worker_cancelled_by_asyncio_hands_over(steps: int) -> None:
    """At whatever step the task is cancelled natively, the others are served."""
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


async def test_a_failure_that_is_its_workers_alone_is_not_shared() -> None:
    """Where the worker ran out of time the next one works, and only the first gets the error."""
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
