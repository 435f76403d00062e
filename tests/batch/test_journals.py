"""The journal of a batch: whose it is, who may use it, and what it survives."""

import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Generator, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from sikoia_async import ChargeLimitError, ConfigurationError, Sikoia, StoreError
from sikoia_async.batch import Run
from sikoia_async.batch.budget import Budget
from sikoia_async.batch.file import Lock, connect
from sikoia_async.batch.items import LEASE, ItemJournal, Note, hash_of
from sikoia_async.stores import Purchase, SqliteStores


def new_client(client_id: str = "id") -> Sikoia:
    """Return a client that sends nothing."""
    return Sikoia(client_id, "secret")


async def work(run: Run[Sikoia], item: str) -> str:
    """Return a value that must not be in the journal."""
    del run
    return f"value of {item}"


async def done(path: Path, items: Any, *, client_id: str = "id", **options: Any) -> list[str]:
    """Run one batch, and return the items that were left to do."""
    name = options.pop("name", None)
    async with new_client(client_id) as sikoia, sikoia.batch(path, **options) as batch:
        return [one.item async for one in batch.map(work, items, key=str, name=name)]


@pytest.mark.anyio
async def test_the_journal_is_private_and_holds_no_values(tmp_path: Path) -> None:
    """Neither keys nor values are in its files, which only their owner can read."""
    path = tmp_path / "j.db"
    async with new_client() as sikoia, sikoia.batch(path) as batch:
        async for one in batch.map(work, ["Wilma Example"], key=str):
            assert one.item
        await batch.summary()
        check_files(tmp_path)


def check_files(folder: Path) -> None:
    """Check that all files are private, and do not contain the key."""
    for file in folder.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert b"Wilma" not in file.read_bytes()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("change", "differs"), [({"name": "other"}, "work"), ({"client_id": "other"}, "account")]
)
async def test_the_journal_of_another_batch_is_refused(
    tmp_path: Path, change: dict[str, str], differs: str
) -> None:
    """Before any item is worked on; it says what differs."""
    path = tmp_path / "j.db"
    await done(path, ["a"])

    with pytest.raises(ConfigurationError, match=rf"j\.db: .* another batch \(its {differs} diff"):
        await done(path, ["b"], **change)

    assert await done(path, ["a", "b"]) == ["b"]


@pytest.mark.anyio
@pytest.mark.parametrize("content", [b"key,value\n" * 500, b"SQLite format 3\0" + b"\xff" * 5000])
async def test_a_file_that_is_no_journal_is_refused(tmp_path: Path, content: bytes) -> None:
    """And left as it is."""
    path = tmp_path / "j.db"
    path.write_bytes(content)

    with pytest.raises((ConfigurationError, StoreError)):
        await done(path, ["a"])

    assert path.read_bytes() == content


@pytest.mark.anyio
async def test_a_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    """One of ours."""
    with pytest.raises((ConfigurationError, StoreError)):
        await done(tmp_path / "missing" / "j.db", ["a"])


@pytest.mark.anyio
async def test_a_second_run_is_refused_or_joins(tmp_path: Path) -> None:
    """By choice of both, and each item is worked on by one of them."""
    path = tmp_path / "j.db"
    async with new_client() as sikoia:
        async with sikoia.batch(path):
            for on_conflict in ("refuse", "join"):
                with pytest.raises(ConfigurationError, match="in use by another run"):
                    await done(path, ["a"], on_conflict=on_conflict)
        async with sikoia.batch(path, on_conflict="join") as batch:
            with pytest.raises(ConfigurationError, match="in use by another run"):
                await done(path, ["a"])
            seen = list[str]()
            async for one in batch.map(work, ["a", "b"], key=str, at_once=1):
                seen.append(one.item)
                if len(seen) == 1:
                    seen += await done(path, ["b", "a", "c"], on_conflict="join")
        assert sorted(seen) in (["a", "b", "c"], ["a", "c"])
    assert await done(path, ["a", "b", "c"]) == sorted({"a", "b", "c"} - set(seen))


@pytest.mark.anyio
async def test_items_of_another_run_are_left_until_they_have_ended(tmp_path: Path) -> None:
    """Those that it is working on are; the summary does not count the others."""
    path = tmp_path / "j.db"
    async with (
        new_client() as sikoia,
        sikoia.batch(path, on_conflict="join") as one,
        sikoia.batch(path, on_conflict="join") as other,
    ):
        items = one.map(work, ["a"], key=str)
        assert (await anext(items)).key == "a"
        assert [result.key async for result in other.map(work, ["a", "b"], key=str)] == ["b"]
        before = await other.summary()
        assert [result.key async for result in items] == []
        await one.summary()
        after = await other.summary()

    assert (before.total, before.done, before.left) == (2, 1, 1)
    assert (after.done, after.left) == (2, 0)


async def work_over_the_limit(run: Run[Sikoia], item: str) -> str:
    """Fail as a purchase for which `max_chargeable` leaves no room."""
    del run
    raise ChargeLimitError(item)


@pytest.mark.anyio
async def test_an_item_that_another_run_could_not_pay_is_still_left(tmp_path: Path) -> None:
    """A later run works on it."""
    path = tmp_path / "j.db"
    async with (
        new_client() as sikoia,
        sikoia.batch(path, on_conflict="join") as one,
        sikoia.batch(path, on_conflict="join") as other,
    ):
        items = one.map(work_over_the_limit, ["a"], key=str, name="work")
        assert (await anext(items)).key == "a"
        assert [result.key async for result in other.map(work, ["a", "b"], key=str)] == ["b"]
        assert [result.key async for result in items] == []
        await one.summary()
        summary = await other.summary()

    assert (summary.total, summary.done, summary.left) == (2, 1, 1)
    assert await done(path, ["a", "b"]) == ["a"]


_OPEN = list[sqlite3.Connection]()


@pytest.fixture(autouse=True)
def _close_journals() -> Generator[None]:
    """Close what the test has opened."""
    yield
    while _OPEN:
        _OPEN.pop().close()


def opened(path: Path, owner: str, clock: list[float]) -> ItemJournal:
    """Return the items of a journal for one of several processes."""
    _OPEN.append(connect(path))
    return ItemJournal(_OPEN[-1], path, owner, clock=lambda: clock[0])


def test_items_of_a_dead_process_are_free_after_a_while(tmp_path: Path) -> None:
    """Those of one that says that it is alive are not. A lease of before a reboot has ended."""
    clock, key = [1000.0], hash_of("k")
    first, second = (opened(tmp_path / "j.db", owner, clock) for owner in ("a", "b"))
    first.renew()
    assert first.claim([key], frozenset()) == ["new"]

    assert second.claim([key], frozenset()) == ["busy"]
    clock[0] += LEASE - 1
    first.renew()
    clock[0] += 2
    second.forget_seen()
    assert second.claim([key], frozenset()) == ["busy"]
    clock[0] += LEASE
    second.forget_seen()
    assert second.claim([key], frozenset()) == ["started"]
    first.note([Note(key=key, state="done")])
    assert second.counts().started == 1  # it is not the first one's any more
    second.note([Note(key=key, state="done", requests=3)])
    assert (second.counts().done, second.counts().requests) == (1, 3)

    first.renew()
    clock[0] = 1.0
    assert second.claim([hash_of("other")], frozenset()) == ["new"]
    third = opened(tmp_path / "j.db", "c", clock)
    assert third.claim([hash_of("other")], frozenset()) == ["started"]


@pytest.fixture
def in_memory() -> Generator[Path]:
    """Return a folder that needs no disk, where there is one: the tests sync thousands of times."""
    memory = Path("/dev/shm")  # noqa: S108 - the folder in it is private
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


def small_pages(path: Path) -> Path:
    """Create an empty database of the smallest pages, so that a record has few bytes."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA page_size=512")
        database.execute("PRAGMA journal_mode=WAL")
    path.chmod(0o600)
    return path


def torn(path: Path, before: int) -> Iterator[tuple[Path, bool]]:
    """Yield copies of a journal that is cut at each byte of its last record, and the whole one.

    Args:
        path: the journal.
        before: how long its write-ahead log was before that record.
    """
    whole = path.with_name(f"{path.name}-wal").stat().st_size
    assert 500 < whole - before < 3_000
    copy = path.with_name("copy.db")
    for size in range(before, whole + 1):
        for old in path.parent.glob("copy.db*"):
            old.unlink()
        shutil.copy(path, copy)
        shutil.copy(f"{path}-wal", f"{copy}-wal")
        os.truncate(f"{copy}-wal", size)
        yield copy, size == whole


def test_a_journal_that_is_torn_anywhere_goes_on(in_memory: Path) -> None:
    """The write-ahead log is cut at each byte of its last record: that record is lost, or not."""
    path, key = small_pages(in_memory / "j.db"), [hash_of("a"), hash_of("b")]
    journal = opened(path, "a", [0.0])
    journal.claim(key, frozenset())
    journal.note([Note(key=key[0], state="done")])
    before = path.with_name("j.db-wal").stat().st_size
    journal.note([Note(key=key[1], state="done")])

    for copy, is_whole in torn(path, before):
        with closing(connect(copy)) as database:
            counts = ItemJournal(database, copy, "b").counts()
        assert (counts.done, counts.started) == ((2, 0) if is_whole else (1, 1))


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # what the file holds is the same on trio
async def test_an_intent_that_is_torn_anywhere_counts_as_none(in_memory: Path) -> None:
    """Nothing was sent yet: a request waits until its intent is on the disk. Others are kept."""
    path = small_pages(in_memory / "j.db")
    one, other = (Purchase(key=key, operation="o", arguments="a", owner="w") for key in "xy")
    async with SqliteStores(path) as stores:
        assert stores.purchases
        await stores.purchases.intend("account", one)
        before = path.with_name("j.db-wal").stat().st_size
        await stores.purchases.intend("account", other)

        for copy, is_whole in torn(path, before):
            async with SqliteStores(copy) as again:
                assert again.purchases
                assert await again.purchases.get("account", "x") == one
                assert await again.purchases.get("account", "y") == (other if is_whole else None)


def test_a_damaged_journal_says_what_to_do(tmp_path: Path) -> None:
    """Whether that shows when it is opened, or later."""
    path = tmp_path / "j.db"
    journal = opened(path, "a", [0.0])
    journal.claim([hash_of(str(number)) for number in range(2000)], frozenset())
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    content[4096 * 3 :] = os.urandom(len(content) - 4096 * 3)
    copy = tmp_path / "copy.db"
    copy.write_bytes(content)

    with pytest.raises(ConfigurationError, match=r"copy\.db is not a journal, or is damaged"):
        opened(copy, "b", [0.0]).counts()


def test_a_lock_ends_with_its_holder(tmp_path: Path) -> None:
    """And another lock can then be taken."""
    first, second = Lock(tmp_path / "j.db"), Lock(tmp_path / "j.db")
    assert first.acquire("refuse")
    with pytest.raises(ConfigurationError, match="in use"):
        second.acquire("refuse")
    first.release()
    third = Lock(tmp_path / "j.db")
    assert third.acquire("join")
    third.share()
    fourth = Lock(tmp_path / "j.db")
    assert not fourth.acquire("join")
    fourth.release()
    third.release()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_journal_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """One of ours, before anything is bought."""
    path = tmp_path / "j.db"
    path.touch(0o400)

    with pytest.raises(ConfigurationError, match="cannot be opened for writing"):
        connect(path)


@pytest.mark.parametrize("path", ["missing/j.db", "folder"])
def test_a_path_that_cannot_be_opened_is_an_error(tmp_path: Path, path: str) -> None:
    """One of ours."""
    (tmp_path / "folder").mkdir()

    with pytest.raises(ConfigurationError, match="cannot be opened for writing"):
        connect(tmp_path / path)


def test_a_journal_that_fails_is_an_error_of_the_store(tmp_path: Path) -> None:
    """With the name of the problem, and without a path."""
    journal = opened(tmp_path / "j.db", "a", [0.0])
    _OPEN[-1].execute("PRAGMA query_only = ON")

    with pytest.raises(StoreError, match=r"j\.db cannot be read or written \(SQLITE_READONLY\)"):
        journal.claim([hash_of("k")], frozenset())
    with pytest.raises(StoreError):
        journal.remember("name", "value")


def test_a_lock_that_another_process_takes_meanwhile_is_not_shared(tmp_path: Path) -> None:
    """A run that joins waits a moment for it, and is then refused."""
    first, second = Lock(tmp_path / "j.db"), Lock(tmp_path / "j.db")
    assert first.acquire("refuse")
    with pytest.raises(ConfigurationError, match="in use"):
        second.acquire("join")
    first.release()


@pytest.mark.anyio
@pytest.mark.virtual_time
async def test_a_joined_run_says_that_it_is_alive(tmp_path: Path) -> None:
    """For as long as it runs."""
    async with new_client() as sikoia, sikoia.batch(tmp_path / "j.db", on_conflict="join"):
        await anyio.sleep(LEASE)
        with closing(sqlite3.connect(tmp_path / "j.db")) as database:
            assert database.execute("SELECT count(*) FROM batch_owners").fetchone() == (1,)
    with closing(sqlite3.connect(tmp_path / "j.db")) as database:
        assert database.execute("SELECT count(*) FROM batch_owners").fetchone() == (0,)


@pytest.mark.anyio
async def test_a_large_list_and_a_partial_function(tmp_path: Path) -> None:
    """A list is checked in parts, and the work is named by the function inside."""
    items = [str(number) for number in range(1_500)]
    async with new_client() as sikoia, sikoia.batch(tmp_path / "j.db") as batch:
        results = batch.map(partial(work), items, key=str)
        assert len([one async for one in results]) == 1_500
    assert await done(tmp_path / "j.db", items) == []


def test_what_is_no_database_is_not_opened(tmp_path: Path) -> None:
    """Neither as a journal nor as its lock."""
    for name in ("j.db", "k.db-lock"):
        (tmp_path / name).write_bytes(b"key,value\n" * 500)

    with pytest.raises(ConfigurationError, match=r"j\.db is not a journal"):
        connect(tmp_path / "j.db")
    lock = Lock(tmp_path / "k.db")
    with pytest.raises(ConfigurationError, match=r"k\.db-lock is not a journal"):
        lock.acquire("refuse")
    lock.release()


def test_what_was_not_bought_is_not_given_back(tmp_path: Path) -> None:
    """The budget stays as it is."""
    _OPEN.append(connect(tmp_path / "j.db"))
    budget = Budget(_OPEN[-1], tmp_path / "j.db", 1)
    budget.reserve("one", "operation")
    budget.give_back("other")
    assert dict(budget.counts) == {"operation": 1}
    budget.give_back("one")
    assert not any(budget.counts.values())
