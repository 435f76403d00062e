"""Stopping a batch: first no new items, then none at all; by a call or by signals."""

import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from sikoia_async import Sikoia
from sikoia_async.batch import Batch, Run

pytestmark = pytest.mark.anyio


def new_client() -> Sikoia:
    """Return a client that sends nothing."""
    return Sikoia("id", "secret")


class Door:
    """Work that ends when it is let."""

    def __init__(self) -> None:
        self.open = anyio.Event()
        self.begun = list[int]()
        self.cancelled = list[int]()

    async def work(self, run: Run[Sikoia], item: int) -> int:
        """Wait until the door opens."""
        del run
        self.begun.append(item)
        try:
            await self.open.wait()
        except BaseException:
            self.cancelled.append(item)
            raise
        return item


def endless() -> Iterator[int]:
    """Iterate over numbers for ever."""
    number = 0
    while True:
        yield number
        number += 1


async def begun(door: Door, count: int) -> None:
    """Wait until items are in progress."""
    while len(door.begun) < count:  # noqa: ASYNC110 - of any task
        await anyio.sleep(0.01)


async def test_items_in_progress_end_after_a_stop(tmp_path: Path) -> None:
    """Their results are yielded, no new item begins, and the next run goes on."""
    door = Door()
    async with new_client() as sikoia, sikoia.batch(tmp_path / "j.db") as batch:

        async def stop() -> None:
            await begun(door, 4)
            batch.stop()
            door.open.set()

        results = list[Any]()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stop)
            results = [
                one.item async for one in batch.map(door.work, endless(), key=str, at_once=4)
            ]
        summary = await batch.summary()
        assert [one async for one in batch.map(door.work, endless(), key=str)] == []
    assert sorted(results) == [0, 1, 2, 3]
    assert (summary.done, summary.stopped, door.cancelled) == (4, "stop", [])


@pytest.mark.parametrize("drain", [30.0, 0.0])
async def test_a_second_stop_or_the_end_of_the_time_cancels(tmp_path: Path, drain: float) -> None:
    """What is cancelled is left to do."""
    door = Door()
    async with new_client() as sikoia, sikoia.batch(tmp_path / "j.db", drain=drain) as batch:

        async def stop() -> None:
            await begun(door, 4)
            batch.stop()
            if drain:
                batch.stop()

        results = list[Any]()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stop)
            results = [one async for one in batch.map(door.work, range(9), key=str, at_once=4)]
        summary = await batch.summary()
    assert results == []
    assert sorted(door.cancelled) == [0, 1, 2, 3]
    assert (summary.done, summary.left, summary.running) == (0, 9, 0)


async def test_an_input_that_waits_is_left(tmp_path: Path) -> None:
    """A stop does not wait for the next item of a slow input."""

    async def slow() -> AsyncIterator[int]:
        yield 1
        await anyio.sleep_forever()

    async def work(run: Run[Sikoia], item: int) -> int:
        del run
        return item

    async with new_client() as sikoia, sikoia.batch(tmp_path / "j.db") as batch:
        results = list[int]()
        async for one in batch.map(work, slow(), key=str):
            results.append(one.item)
            batch.stop()
    assert results == [1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_signals_stop_a_batch(tmp_path: Path, number: signal.Signals) -> None:
    """If the batch handles them: the first stops it, the second cancels what is in progress."""
    door = Door()
    async with (
        new_client() as sikoia,
        sikoia.batch(tmp_path / "j.db", handle_signals=True) as batch,
    ):

        async def send() -> None:
            await begun(door, 2)
            signal.raise_signal(number)
            await until(batch, stopped=True)
            assert door.cancelled == []
            signal.raise_signal(number)

        results = list[Any]()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(send)
            results = [one async for one in batch.map(door.work, endless(), key=str, at_once=2)]
        summary = await batch.summary()
    assert results == []
    assert (sorted(door.cancelled), summary.stopped) == ([0, 1], number.name)


async def test_signals_act_as_usual_outside_of_the_main_thread(
    tmp_path: Path, anyio_backend_name: str
) -> None:
    """Only the main thread can handle them: the batch runs as without."""

    async def run() -> list[int]:
        async with (
            new_client() as sikoia,
            sikoia.batch(tmp_path / "j.db", handle_signals=True) as batch,
        ):
            return [one.item async for one in batch.map(work, range(3), key=str)]

    async def work(run: Run[Sikoia], item: int) -> int:
        del run
        await anyio.lowlevel.checkpoint()
        return item

    def in_thread() -> list[int]:
        return anyio.run(run, backend=anyio_backend_name)

    assert sorted(await anyio.to_thread.run_sync(in_thread)) == [0, 1, 2]


async def test_ordered_results_have_gaps_after_a_second_stop(tmp_path: Path) -> None:
    """What has ended is yielded, also if an earlier item was cancelled."""
    door = Door()

    ended = list[int]()

    async def work(run: Run[Sikoia], item: int) -> int:
        if not item:
            return await door.work(run, item)
        ended.append(item)
        return item

    async with new_client() as sikoia, sikoia.batch(tmp_path / "j.db") as batch:

        async def stop() -> None:
            while len(ended) < 2:  # noqa: ASYNC110 - of any task
                await anyio.sleep(0.01)
            await anyio.wait_all_tasks_blocked()
            batch.stop()
            batch.stop()

        results = list[int]()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stop)
            async for one in batch.map(work, range(3), key=str, at_once=3, ordered=True):
                results.append(one.item)
        assert (await batch.summary()).left == 1
    assert results == [1, 2]


async def until(batch: Batch[Any], *, stopped: bool) -> None:
    """Wait until a batch is stopped."""
    while ((await batch.summary()).stopped is not None) is not stopped:  # noqa: ASYNC110
        await anyio.sleep(0.01)
