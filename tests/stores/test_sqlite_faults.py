"""`SqliteStores` when something fails: another process, the disk, or the file itself."""

import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any, Final

import anyio
import attrs
import pytest

from sikoia_async.errors import ConfigurationError, StoreError
from sikoia_async.stores import Ask, Charge, Grant, Host, Purchase, SqliteStores, StoredToken, Wait
from sikoia_async.stores.sqlite.connection import Connection
from sikoia_async.stores.sqlite.database import Database

pytestmark = pytest.mark.anyio

ASK: Final = Ask(account="account", limit=3, per=60.0, lease=10.0, asker="one")
PURCHASE: Final = Purchase(key="key", operation="x", arguments="a", owner="one", intended_at=1.0)


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "canary.db"


@pytest.fixture(name="stores")
async def _stores(path: Path) -> Any:
    async with SqliteStores(path) as stores:
        yield stores


@contextmanager
def process(code: str, *arguments: object) -> Generator[subprocess.Popen[str]]:
    """Run Python code in another process until it prints a line; kill it at the end."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            assert child.stdout.readline()
            yield child
        finally:
            child.kill()


async def _fails(call: Any, message: str) -> None:
    with pytest.raises(StoreError, match=message) as failed:
        await call
    assert "canary" not in str(failed.value)
    assert failed.value.__cause__ is None


# Other processes

_HOLD: Final = """
import sqlite3, sys, time
file = sqlite3.connect(sys.argv[1], isolation_level=None)
file.execute("BEGIN IMMEDIATE")
file.execute("INSERT INTO lease SELECT 'account', value, 1e12, 0 FROM json_each('[1, 2, 3]')")
print("locked", flush=True)
time.sleep(600)
"""


async def test_a_process_that_is_killed_in_a_transaction_leaves_nothing(
    path: Path, stores: Any
) -> None:
    """While it lives, the others wait, and their event loops run; its leases never existed."""
    acquired = False

    async def acquire() -> None:
        nonlocal acquired
        await stores.quota.acquire(ASK)
        acquired = True

    with process(_HOLD, path) as child:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(acquire)
            for _ in range(10):
                await anyio.sleep(0.005)
            assert not acquired
            tasks.cancel_scope.cancel()
        os.kill(child.pid, signal.SIGKILL)
        child.wait()

    assert isinstance(await stores.quota.acquire(ASK), Grant)


async def test_a_file_that_stays_locked_is_an_error(path: Path) -> None:
    """For leases and for purchases, after some patience; reading goes on meanwhile."""
    SqliteStores(path)
    database = Database(path, Host(), patience=0.2)
    with process(_HOLD, path):
        await _fails(database.write(lambda _: None), "locked by another process")
        await _fails(database.write_durably(lambda _: None), "locked by another process")
        assert await database.read(lambda _: 1) == 1
        assert await database.read_durably(lambda _: 2) == 2
    assert await database.write(lambda _: 3) == 3
    await database.aclose()


_BUY: Final = """
import anyio, sys
from sikoia_async.stores import Charge, Purchase, SqliteStores

async def main():
    stores = SqliteStores(sys.argv[1])
    for number in range(100_000):
        key = f"{number:06}"
        await stores.purchases.intend(
            "account",
            Purchase(key=key, operation="x", arguments="a", owner="child", intended_at=number),
        )
        await stores.spend.reserve("account", Charge(id=key, operation="x"))
        print(key, flush=True)

anyio.run(main, backend=sys.argv[2])
"""


async def test_what_a_killed_process_was_told_is_recorded(
    path: Path, stores: Any, anyio_backend_name: str
) -> None:
    """Every purchase and every call that a method returned for, and at most one more."""
    with process(_BUY, path, anyio_backend_name) as child:
        assert child.stdout is not None
        told = child.stdout.readline()
        for _ in range(20):
            told = child.stdout.readline()
        os.kill(child.pid, signal.SIGKILL)
        last = int((child.stdout.read() or told).split()[-1])

    purchases = [one.key async for one in stores.purchases.list("account")]

    assert purchases in ([f"{n:06}" for n in range(last + extra)] for extra in (1, 2))
    assert (await stores.spend.spent("account"))["x"] in {last + 1, last + 2}


_ASK: Final = """
import signal, sys
import anyio
from sikoia_async.stores import Ask, Grant, SqliteStores

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})

async def main():
    print("ready", flush=True)
    signal.sigwait({signal.SIGUSR1})
    async with SqliteStores(sys.argv[1]) as stores:
        ask = Ask(account="account", limit=100, per=600, asker=sys.argv[2])
        grants = [isinstance(await stores.quota.acquire(ask), Grant) for _ in range(100)]
    print(sum(grants), flush=True)

anyio.run(main, backend=sys.argv[3])
"""


async def test_processes_that_start_at_once_share_a_new_file(
    path: Path, anyio_backend_name: str
) -> None:
    """One of them creates it, and together they get as many slots as there are."""
    with ExitStack() as stack:
        children = [
            stack.enter_context(process(_ASK, path, one, anyio_backend_name)) for one in range(3)
        ]
        for child in children:
            child.send_signal(signal.SIGUSR1)
        results = [child.communicate()[0] for child in children]

    assert sum(map(int, results)) == 100


_FORK: Final = """
import os, sys
import anyio
from sikoia_async.errors import ConfigurationError
from sikoia_async.stores import Ask, SqliteStores

ask = Ask(account="account", limit=3, per=60.0)
used, unused, closed = (SqliteStores(sys.argv[1]) for _ in range(3))

async def refused():
    for call in (used.quota.acquire(ask), used.spend.spent("account")):
        try:
            await call
        except ConfigurationError as error:
            assert "forked" in str(error)
        else:
            sys.exit("not refused")
    await used.aclose()
    async with unused, closed:
        await unused.quota.acquire(ask)
        await closed.quota.acquire(ask)

async def main():
    await used.quota.acquire(ask)
    await closed.quota.acquire(ask)
    await closed.aclose()

backend = sys.argv[2]
anyio.run(main, backend=backend)
child = os.fork()
if not child:
    anyio.run(refused, backend=backend)
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

async def after():
    async with used:
        assert "Wait" in type(await used.quota.acquire(ask)).__name__

anyio.run(after, backend=backend)
print("done")
"""


async def test_stores_that_were_used_are_refused_after_a_fork(
    path: Path, anyio_backend_name: str
) -> None:
    """SQLite would corrupt the file. Those that are closed may be forked, as may those unused."""
    command = [sys.executable, "-c", _FORK, str(path), anyio_backend_name]
    result = await anyio.run_process(command)

    assert result.stdout == b"done\n"


async def test_another_process_id_is_a_fork(stores: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process too, for the same reason."""
    await stores.quota.acquire(ASK)
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: 1)
        with pytest.raises(ConfigurationError, match="before this process was forked"):
            await stores.quota.acquire(ASK)


# The file


def _unlink(path: Path, files: str = "all") -> None:
    for suffix in ("", "-wal", "-shm") if files == "all" else ("",):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _replace(path: Path, mode: int, *statements: str) -> bytes:
    _unlink(path)
    path.touch()
    path.chmod(mode)
    with closing(sqlite3.connect(path)) as file, file:
        for statement in statements:
            file.execute(statement)
    return path.read_bytes()


def _move(folder: Path, to: Path) -> None:
    folder.rename(to)


def _read(path: Path) -> bytes:
    return path.read_bytes()


def _damage(path: Path) -> bytes:
    content = path.read_bytes()[:4096].ljust(path.stat().st_size, b"\xff")
    path.write_bytes(content)
    return content


@pytest.mark.parametrize("files", ["all", "one"])
async def test_leases_begin_anew_in_a_file_that_was_deleted(
    path: Path, stores: Any, files: str
) -> None:
    """The epoch says so. Another process that had the old file open finds the new one."""
    async with SqliteStores(path) as any_other:
        other: Any = any_other
        before = await stores.quota.acquire(ASK)
        await other.quota.acquire(ASK)
        _unlink(path, files)
        after = await stores.quota.acquire(ASK)

        assert after.epoch != before.epoch
        assert (await other.quota.acquire(ASK)).epoch == after.epoch
        await other.quota.acquire(ASK)
        assert isinstance(await stores.quota.acquire(ASK), Wait)
    assert isinstance(await stores.quota.acquire(ASK), Wait)  # closing the old one spoilt nothing


async def test_a_record_of_purchases_that_was_deleted_is_not_begun_anew(
    path: Path, stores: Any
) -> None:
    """Something may be bought twice. A process that starts afterwards has no such doubt."""
    await stores.purchases.intend("account", PURCHASE)
    _unlink(path)
    await stores.quota.acquire(ASK)

    for call in (
        stores.purchases.intend("account", PURCHASE),
        stores.purchases.get("account", "key"),
        stores.spend.reserve("account", Charge(id="1", operation="x")),
    ):
        await _fails(call, "deleted or replaced")
    async with SqliteStores(path) as later:
        assert later.purchases is not None
        assert await later.purchases.get("account", "key") is None


async def test_a_foreign_file_in_its_place_is_a_configuration_error(
    path: Path, stores: Any
) -> None:
    """It reaches the caller; the file of the other application is left as it is."""
    await stores.quota.acquire(ASK)
    before = _replace(path, 0o600, "CREATE TABLE foreign_one (x)")

    with pytest.raises(ConfigurationError, match="another application"):
        await stores.quota.acquire(ASK)
    assert _read(path) == before


async def test_a_file_that_cannot_be_opened_again_is_an_outage(
    path: Path, stores: Any, tmp_path: Path
) -> None:
    """Its folder is gone, or it is not private any more; later all is well."""
    await stores.quota.acquire(ASK)
    _replace(path, 0o644)
    await _fails(stores.quota.acquire(ASK), "cannot be used: other users can access")
    _unlink(path)
    moved = tmp_path.with_name(f"{tmp_path.name} moved")
    _move(tmp_path, moved)
    await _fails(stores.quota.acquire(ASK), "cannot be created: No such file")
    _move(moved, tmp_path)

    assert isinstance(await stores.quota.acquire(ASK), Grant)


async def test_a_file_that_is_damaged_while_it_is_used_is_an_error(path: Path, stores: Any) -> None:
    """Nothing is bought, and the file is left as it is, for a repair."""
    await stores.purchases.intend("account", PURCHASE)
    await stores.quota.acquire(ASK)
    await stores.aclose()
    content = _damage(path)

    await _fails(stores.purchases.get("account", "key"), "damaged")
    await _fails(stores.quota.acquire(ASK), "damaged")
    assert _read(path) == content


async def test_tables_that_are_missing_are_an_error(path: Path, stores: Any) -> None:
    """For a query as for a change; the next call opens the file anew."""
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("ALTER TABLE token RENAME TO other")
    token = StoredToken("x", 1.0)
    await _fails(stores.token.load("account"), "damaged or foreign tables")
    await _fails(stores.token.save("account", token), "damaged or foreign tables")
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("ALTER TABLE other RENAME TO token")

    await stores.token.save("account", token)


async def test_a_query_waits_for_a_file_that_is_locked_for_readers(path: Path, stores: Any) -> None:
    """As while another process repairs it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("UPDATE state SET touched = touched")
        with anyio.move_on_after(0.1) as waiting:
            await stores.token.load("account")
        assert waiting.cancelled_caught
        other.execute("ROLLBACK")

    assert await stores.token.load("account") is None


# The disk

_FULL: Final = """
import resource, sys
import anyio
from sikoia_async.errors import StoreError
from sikoia_async.stores import Ask, Charge, Purchase, SqliteStores

ask = Ask(account="account", limit=100_000, per=60.0)

async def fails(call, message):
    try:
        await call
    except StoreError as error:
        assert message in str(error), error
        return True
    return False

async def main():
    # A file cannot grow beyond this, as on a disk that is full.
    async with SqliteStores(sys.argv[1]) as stores:
        await stores.quota.acquire(ask)
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, most))
        count = 0
        while True:
            purchase = Purchase(key=str(count), operation="x", arguments="a", intended_at=count)
            if await fails(stores.purchases.intend("account", purchase), "cannot be"):
                break
            count += 1
        assert count
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, most))
        charge = Charge(id="1", operation="x")
        assert await fails(stores.spend.reserve("account", charge), "cannot be")
        assert await fails(stores.quota.acquire(ask), "cannot be")
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        assert len([one async for one in stores.purchases.list("account")]) == count
        await stores.purchases.intend("account", purchase)
        await stores.quota.acquire(ask)
    print("done")

anyio.run(main, backend=sys.argv[2])
"""


async def test_a_full_disk_is_an_error_until_there_is_room(
    path: Path, anyio_backend_name: str
) -> None:
    """A purchase that could not be recorded is not recorded later either."""
    command = [sys.executable, "-c", _FULL, str(path), anyio_backend_name]
    result = await anyio.run_process(command)

    assert result.stdout == b"done\n"


_READ_ONLY: Final = """
import os, sys
import anyio
from sikoia_async.errors import ConfigurationError, StoreError
from sikoia_async.stores import Ask, Charge, SqliteStores

path = sys.argv[1]
ask = Ask(account="account", limit=3, per=60.0)

async def main():
    async with SqliteStores(path) as stores:
        calls = (
            lambda: stores.quota.acquire(ask),
            lambda: stores.spend.reserve("account", Charge(id="1", operation="x")),
            lambda: stores.purchases.get("account", "key"),
        )
        for call in calls:
            await call()
        await stores.aclose()
        if os.geteuid() == 0:  # who may write everything
            nobody = 65534
            for file in (os.path.dirname(path), path):
                os.chown(file, nobody, nobody)
            os.setuid(nobody)
        os.chmod(path, 0o400)
        for call in calls:
            try:
                await call()
            except StoreError as error:
                print(error)
        try:
            SqliteStores(path)
        except ConfigurationError as error:
            print(error)
        for name in os.listdir(os.path.dirname(path)):  # SQLite has made the others read-only, too
            os.chmod(os.path.join(os.path.dirname(path), name), 0o600)
        for call in calls:
            await call()

anyio.run(main)
"""


@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # it loads nothing once it is another user
async def test_a_file_that_is_read_only_is_an_error_until_it_is_not() -> None:
    """No purchase and no charge is then recorded, and no slot leased."""
    with TemporaryDirectory() as folder:  # the folders around `tmp_path` are private to its user
        command = [sys.executable, "-c", _READ_ONLY, f"{folder}/sikoia.db"]
        result = await anyio.run_process(command)

    *errors, new = result.stdout.decode().splitlines()
    assert errors == ["the SQLite file cannot be used: the file cannot be written to"] * 3
    assert new == f"path: {errors[0]}"


async def test_no_file_can_be_created_on_a_full_disk(path: Path) -> None:
    """An error at once, and the next attempt can succeed."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
        with pytest.raises(ConfigurationError, match=r"^path: the SQLite file cannot be"):
            SqliteStores(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    SqliteStores(path)


async def test_a_disk_that_hangs_holds_up_neither_the_loop_nor_later_calls(path: Path) -> None:
    """They fail after some patience, and a caller that is cancelled leaves at once."""
    database = Database(path, Host(), patience=0.2)
    hung, begun = Event(), Event()

    def hang(_: sqlite3.Connection) -> None:
        begun.set()
        hung.wait(60)

    with anyio.move_on_after(60) as scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(database.write_durably, hang)
            while not begun.is_set():  # noqa: ASYNC110 - set by a thread
                await anyio.sleep(0.001)
            await _fails(database.write_durably(lambda _: None), "disk hangs")
            tasks.cancel_scope.cancel()
    assert not scope.cancelled_caught
    await database.aclose()
    hung.set()
    while True:
        with suppress(StoreError):  # the thread that hung has the file a little longer
            assert await database.write_durably(lambda _: 1) == 1
            break
    await database.aclose()


async def test_work_that_was_cancelled_while_it_waited_is_not_done(path: Path) -> None:
    """A call that nobody waits for must not be counted later."""
    database = Database(path, Host())
    await database.write_durably(lambda _: None)
    with process(_HOLD, path):
        with anyio.move_on_after(0.1):
            await database.write_durably(
                lambda db: db.execute("INSERT INTO charge VALUES ('a', '1', 'x')")
            )
    count = "SELECT count(*) FROM charge"
    assert await database.read_durably(lambda db: db.execute(count).fetchone()) == (0,)
    await database.aclose()


def test_a_file_that_is_closed_is_not_merged(path: Path) -> None:
    """After a failure, it is opened by the next call."""
    connection = Connection(path, Host(), "NORMAL")
    connection.checkpoint()
    assert not connection.is_open


def _save(db: sqlite3.Connection, value: str) -> None:
    db.execute("REPLACE INTO token VALUES ('account', ?, 0)", (value,))


def test_two_checkpoints_do_not_follow_each_other_at_once(path: Path) -> None:
    """SQLite may corrupt the file then, before its version 3.51.3."""
    time = 1000.0
    host = Host(now=lambda: time, boot_id="boot")
    first, second = (Connection(path, host, "NORMAL") for _ in range(2))
    for one in (first, second):
        one.open()

    def merged(value: str) -> bool:
        first.run(partial(_save, value=value), lambda: True)
        second.checkpoint()
        return value.encode() in _read(path)

    time = 1005.0
    assert merged("one")
    time = 1009.0
    assert not merged("two")
    time = 1010.0
    assert merged("three")
    for one in (first, second):
        one.close()


async def test_many_transactions_are_followed_by_a_checkpoint(path: Path) -> None:
    """After quick ones on request, after durable ones at once: both wait for the disk anyway."""
    time = 1000.0
    database = Database(path, Host(now=lambda: time, boot_id="boot"))
    for value, durable in (("one", False), ("two", True)):
        time += 60
        for _ in range(500):
            await database.write(partial(_save, value=value))
        assert value.encode() not in _read(path)
        await (database.write_durably(lambda _: None) if durable else database.tidy())
        assert value.encode() in _read(path)
    await database.aclose()


async def test_the_threads_of_the_application_may_all_be_busy(stores: Any) -> None:
    """Purchases do not wait for them."""
    done = Event()

    def wait() -> None:
        done.wait(60)

    limiter = anyio.to_thread.current_default_thread_limiter()
    async with anyio.create_task_group() as tasks:
        for _ in range(int(limiter.total_tokens)):
            tasks.start_soon(anyio.to_thread.run_sync, wait)
        while limiter.available_tokens:  # noqa: ASYNC110 - a number, and no event
            await anyio.sleep(0.001)
        with anyio.fail_after(60):
            await stores.purchases.intend("account", attrs.evolve(PURCHASE, key="other"))
        done.set()


async def test_a_subscription_goes_on_in_a_new_file(path: Path, stores: Any) -> None:
    """The ids of its messages begin anew."""
    for _ in range(5):
        await stores.events.publish("account", "old")
    async with stores.events.subscribe("account") as messages:
        _unlink(path)
        await stores.events.publish("account", "new")

        assert await anext(messages) == "new"
