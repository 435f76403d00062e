"""`batch.map`: items are read lazily, worked on at the same time, and skipped by later runs."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

import sikoia_async.batch
from sikoia_async import (
    ArgumentError,
    ArgumentTypeError,
    ClientStateError,
    ConfigurationError,
    Sikoia,
)
from sikoia_async.batch import Done, Failed, Run

pytestmark = pytest.mark.anyio


def new_client(client_id: str = "id") -> Sikoia:
    """Return a client that sends nothing."""
    return Sikoia(client_id, "secret")


async def double(run: Run[Sikoia], item: int) -> int:
    """Return twice an item."""
    assert isinstance(run.sikoia, Sikoia)
    await anyio.lowlevel.checkpoint()
    return 2 * item


async def odd_fails(run: Run[Sikoia], item: int) -> int:
    """Fail for odd items."""
    if item % 2:
        msg = "odd"
        raise ValueError(msg)
    return await double(run, item)


async def collect(path: Path, items: Any, work: Any = double, **options: Any) -> list[Any]:
    """Run one batch, and return the results."""
    async with new_client() as sikoia, sikoia.batch(path / "j.db") as batch:
        return [one async for one in batch.map(work, items, key=str, **options)]


async def test_every_item_is_done_once(tmp_path: Path) -> None:
    """Results have item, value and key; a second run has nothing left to do."""
    results = await collect(tmp_path, range(100), at_once=7)

    assert sorted((one.item, one.value, one.key) for one in results) == [
        (item, 2 * item, str(item)) for item in range(100)
    ]
    assert await collect(tmp_path, range(100)) == []
    assert [one.item for one in await collect(tmp_path, range(102))] == [100, 101]


async def test_an_async_iterable_is_read(tmp_path: Path) -> None:
    """Any iterable will do."""

    async def items() -> AsyncIterator[int]:
        for item in range(5):
            await anyio.lowlevel.checkpoint()
            yield item

    assert {one.item for one in await collect(tmp_path, items())} == set(range(5))


async def test_one_items_error_is_that_items(tmp_path: Path) -> None:
    """Others are done. A later run works on it again only if told so."""
    results = await collect(tmp_path, range(10), odd_fails)

    assert {type(one) for one in results} == {Done, Failed}
    assert {one.item for one in results if hasattr(one, "value")} == {0, 2, 4, 6, 8}
    assert {(one.item, str(one.error)) for one in results if not hasattr(one, "value")} == {
        (item, "odd") for item in (1, 3, 5, 7, 9)
    }
    assert await collect(tmp_path, range(10), odd_fails) == []
    again = await collect(tmp_path, range(10), double, retry_failed=True, name="odd_fails")
    assert {one.item for one in again if hasattr(one, "value")} == {1, 3, 5, 7, 9}
    assert await collect(tmp_path, range(10), odd_fails, retry_failed=True) == []


async def test_the_journal_lists_failed_items(tmp_path: Path) -> None:
    """By a hash, with the type of the error; more than one page of them."""
    async with new_client() as sikoia, sikoia.batch(tmp_path / "j.db") as batch:
        async for _ in batch.map(odd_fails, range(300), key=str):
            pass
        failed = [one async for one in batch.failed()]

    assert len({one.key for one in failed}) == 150
    assert {(one.error, one.status, one.correlation_id) for one in failed} == {
        ("ValueError", None, None)
    }


async def test_results_can_come_in_order(tmp_path: Path) -> None:
    """Even if later items end first. Few of them are read ahead."""
    read = list[int]()
    ahead = list[int]()

    def items() -> Iterator[int]:
        for item in range(60):
            read.append(item)
            yield item

    async def late(_: Run[Sikoia], item: int) -> None:
        if not item % 10:
            await anyio.sleep(0.02)

    async with new_client() as sikoia, sikoia.batch(tmp_path / "j.db") as batch:
        results = list[int]()
        async for one in batch.map(late, items(), key=str, at_once=5, ordered=True):
            results.append(one.item)
            ahead.append(len(read) - len(results))

    assert results == list(range(60))
    assert max(ahead) <= 2 * 5 + 1


async def test_the_input_is_read_lazily(tmp_path: Path) -> None:
    """No more is read than is worked on, and results that nobody takes hold the rest back."""
    read = 0

    def items() -> Iterator[int]:
        nonlocal read
        for item in range(1_000):
            read += 1
            yield item

    async with new_client() as sikoia, sikoia.batch(tmp_path / "j.db") as batch:
        taken = 0
        async for _ in batch.map(double, items(), key=str, at_once=4):
            taken += 1
            await anyio.wait_all_tasks_blocked()
            assert read <= taken + 4 + 1 + 4
            if taken == 20:
                break


async def test_the_loop_can_be_left_early(tmp_path: Path) -> None:
    """What it has seen counts as dealt with; the rest is left to the next run."""
    seen = set[int]()
    async with new_client() as sikoia, sikoia.batch(tmp_path / "j.db") as batch:
        async for one in batch.map(double, range(50), key=str, at_once=3):
            seen.add(one.item)
            if len(seen) == 10:
                break

    rest = {one.item for one in await collect(tmp_path, range(50))}
    assert seen | rest == set(range(50))
    assert not seen & rest


async def test_an_error_in_the_loop_leaves_the_block(tmp_path: Path) -> None:
    """As it is, in no group. The item that it was about is yielded again."""
    seen, mine = list[int](), KeyError("mine")
    with pytest.raises(KeyError, match="mine"):  # noqa: PT012 - the loop is what is tested
        async with new_client() as sikoia, sikoia.batch(tmp_path / "j.db") as batch:
            async for one in batch.map(double, range(50), key=str, at_once=3):
                seen.append(one.item)
                if len(seen) == 10:
                    raise mine

    rest = {one.item for one in await collect(tmp_path, range(50))}
    assert rest == set(range(50)) - set(seen[:-1])


async def test_a_batch_can_be_cancelled(tmp_path: Path) -> None:
    """From outside, as any code. What was in progress is left to do."""

    async def forever(_: Run[Sikoia], item: int) -> None:
        if item >= 5:
            await anyio.sleep_forever()

    seen = set[int]()
    with anyio.move_on_after(0.5) as scope:
        async with new_client() as sikoia, sikoia.batch(tmp_path / "j.db") as batch:
            async for one in batch.map(forever, range(50), key=str, at_once=10):
                seen.add(one.item)

    assert scope.cancelled_caught
    assert seen == set(range(5))
    rest = {one.item for one in await collect(tmp_path, range(50), name=forever.__qualname__)}
    assert rest | seen == set(range(50))


@pytest.mark.parametrize("make", [list, tuple])
async def test_a_list_is_checked_before_the_first_item(tmp_path: Path, make: Any) -> None:
    """Two items with one key are found before anything is worked on."""
    with pytest.raises(ArgumentError, match="item 3 has the same key"):
        await collect(tmp_path, make([1, 2, 1]))

    async with new_client() as sikoia, sikoia.batch(tmp_path / "j.db") as batch:
        assert (await batch.summary()).done == 0


@pytest.mark.parametrize("is_known", [False, True])
async def test_a_key_that_occurs_twice_ends_the_reading(tmp_path: Path, *, is_known: bool) -> None:
    """In an input that is read lazily, also if an earlier run has dealt with the item."""
    if is_known:
        await collect(tmp_path, [1, 2])
    seen = list[int]()
    with pytest.raises(ArgumentError, match="item 3 has the same key") as caught:  # noqa: PT012
        async with new_client() as sikoia, sikoia.batch(tmp_path / "j.db") as batch:
            async for one in batch.map(double, iter([1, 2, 1, 3]), key=str):
                seen.append(one.item)

    assert sorted(seen) == ([] if is_known else [1, 2])
    assert "'1'" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "error"),
    [(7, ArgumentTypeError), (None, ArgumentTypeError), ("", ArgumentError), (" ", ArgumentError),
     ("\ud800", ArgumentError)],
)  # fmt: skip
async def test_a_key_is_a_string(tmp_path: Path, key: Any, error: type[Exception]) -> None:
    """Anything else is refused, without repeating it."""
    async with new_client() as sikoia, sikoia.batch(tmp_path / "j.db") as batch:
        with pytest.raises(error, match=r"^key: expected a string .*item 1") as caught:
            async for _ in batch.map(double, iter([1]), key=lambda _: key):
                pass
    assert "7" not in str(caught.value)


async def test_an_error_of_the_input_comes_last(tmp_path: Path) -> None:
    """What was read before it is worked on, and its results are yielded."""

    def items() -> Iterator[int]:
        yield from range(5)
        msg = "torn"
        raise OSError(msg)

    seen = set[int]()
    async with new_client() as sikoia, sikoia.batch(tmp_path / "j.db") as batch:
        with pytest.raises(OSError, match="torn"):  # noqa: PT012 - as above
            async for one in batch.map(double, items(), key=str):
                seen.add(one.item)
    assert seen == set(range(5))


async def test_work_must_be_async(tmp_path: Path) -> None:
    """Each item says so."""

    def sync(_: Run[Sikoia], item: int) -> int:
        return item

    results = await collect(tmp_path, range(2), sync)

    assert {type(one.error) for one in results} == {ArgumentTypeError}


async def test_passes_follow_each_other(tmp_path: Path) -> None:
    """One at a time, for example to try what has failed once more."""
    async with new_client() as sikoia, sikoia.batch(tmp_path / "j.db") as batch:
        first = batch.map(odd_fails, range(4), key=str)
        with pytest.raises(ClientStateError, match="another one is in progress"):
            batch.map(odd_fails, range(4), key=str)
        assert len([one async for one in first]) == 4
        again = batch.map(odd_fails, range(4), key=str, retry_failed=True)
        assert {one.item async for one in again} == {1, 3}
        summary = await batch.summary()
    assert (summary.done, summary.failed, summary.left) == (2, 2, 0)


async def test_a_batch_is_used_in_one_block(tmp_path: Path) -> None:
    """Before and twice are errors that say so."""
    async with new_client() as sikoia:
        batch = sikoia.batch(tmp_path / "j.db")
        with pytest.raises(ClientStateError, match="inside `async with"):
            await batch.summary()
        async with batch:
            assert repr(batch) == "<Batch j.db>"
        with pytest.raises(ClientStateError, match="make another one"):
            await batch.__aenter__()


@pytest.mark.parametrize(
    "options",
    [
        {"journal": 7}, {"journal": ""}, {"max_chargeable": -1}, {"max_chargeable": "5"},
        {"on_conflict": "wait"}, {"drain": -1}, {"drain": "x"}, {"grace": -1},
        {"handle_signals": "yes"},
    ],
)  # fmt: skip
async def test_a_batch_checks_its_arguments(tmp_path: Path, options: dict[str, Any]) -> None:
    """Before the journal is opened."""
    async with new_client() as sikoia:
        given: dict[str, Any] = {"journal": tmp_path / "j.db", **options}
        with pytest.raises(ConfigurationError, match=next(iter(options))):
            sikoia.batch(**given)
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - a path of an async function


@pytest.mark.parametrize(
    "options",
    [
        {"work": 7}, {"items": "abc"}, {"items": 7}, {"key": "number"}, {"at_once": 0},
        {"at_once": 5_000}, {"ordered": 1}, {"retry_failed": "no"}, {"total": -1},
        {"progress": "yes"},
    ],
)  # fmt: skip
async def test_map_checks_its_arguments(tmp_path: Path, options: dict[str, Any]) -> None:
    """At once, not in the loop."""
    given: dict[str, Any] = {"work": double, "items": range(3), "key": str, **options}
    async with new_client() as sikoia, sikoia.batch(tmp_path / "j.db") as batch:
        with pytest.raises(ConfigurationError, match=next(iter(options))):
            batch.map(given.pop("work"), given.pop("items"), **given)
        assert len([one async for one in batch.map(double, range(3), key=str)]) == 3


async def test_flush_comes_before_the_notes(tmp_path: Path) -> None:
    """Whatever the journal says is dealt with was flushed, and the position is kept."""
    written, flushed = list[int](), 0

    def flush() -> int:
        nonlocal flushed
        flushed = len(written)
        return flushed

    async with new_client() as sikoia, sikoia.batch(tmp_path / "j.db") as batch:
        assert await batch.position() is None
        async for one in batch.map(double, range(200), key=str, flush=flush):
            written.append(one.item)
            assert (await batch.position() or 0) <= flushed
    assert flushed == 200
    async with new_client() as sikoia, sikoia.batch(tmp_path / "j.db") as batch:
        assert await batch.position() == 200


async def test_the_names_of_the_package_load_on_first_use() -> None:
    """Others are attribute errors."""
    assert dir(sikoia_async.batch) == sorted(sikoia_async.batch.__all__)
    with pytest.raises(AttributeError, match=r"'sikoia_async\.batch' has no attribute 'Bach'"):
        _ = sikoia_async.batch.Bach
