"""`SqliteStores`: what two processes see of each other, by two objects that share one file."""

import copy
import logging
import pickle
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import attrs
import pytest

from sikoia_async.errors import ArgumentTypeError
from sikoia_async.stores import (
    Ask,
    Charge,
    Grant,
    Host,
    Purchase,
    Settled,
    SpendLimitBucket,
    SpendUsedUp,
    SqliteStores,
    StoredToken,
    Wait,
)
from sikoia_async.stores.sqlite.host import read_boot_id

pytestmark = pytest.mark.anyio

ASK = Ask(account="account", limit=3, per=60.0, lease=10.0, asker="one")


@attrs.define
class _Clock:
    time: float = 1000.0

    def __call__(self) -> float:
        return self.time


@attrs.define
class _Processes:
    """Two processes of one host, whose clocks the test sets."""

    first: Any
    second: Any
    now: _Clock
    wall: _Clock
    path: Path

    def anew(self, boot_id: str = "boot") -> Any:
        """Return the stores of one more process."""
        return SqliteStores(self.path, host=Host(now=self.now, wall=self.wall, boot_id=boot_id))

    def pass_time(self, seconds: float) -> None:
        """Let time pass on both clocks."""
        self.now.time += seconds
        self.wall.time += seconds


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[_Processes]:
    """Return two processes."""
    both = _Processes(None, None, _Clock(), _Clock(1e9), tmp_path / "sikoia.db")
    async with both.anew() as both.first, both.anew() as both.second:
        yield both


def _names(folder: Path) -> list[str]:
    return [one.name for one in folder.iterdir()]


def _size(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.iterdir())


def _contents(folder: Path) -> bytes:
    return b"".join(one.read_bytes() for one in folder.iterdir())


# The rate limit


async def _acquired(stores: Any, ask: Ask = ASK) -> Grant:
    grant = await stores.quota.acquire(ask)
    assert isinstance(grant, Grant)
    return grant


async def _refused(stores: Any, ask: Ask = ASK) -> Wait:
    wait = await stores.quota.acquire(ask)
    assert isinstance(wait, Wait)
    return wait


async def test_two_processes_have_one_limit(both: _Processes) -> None:
    """What one leases is missing to the other, and a slot is free a window after its response."""
    first = await _acquired(both.first)
    await _acquired(both.second)
    await _acquired(both.second)

    assert (await _refused(both.first)).seconds <= ASK.per / 10  # a response may come at any moment
    await both.first.quota.settle(ASK, [Settled(first.ticket, sent=True, age=2.0)])
    assert (await _refused(both.second)).seconds == pytest.approx(58.0)
    both.pass_time(57.9)
    await _refused(both.second)
    both.pass_time(0.2)
    await _acquired(both.second)


async def test_a_slot_that_was_not_used_is_free_at_once(both: _Processes) -> None:
    """Nothing was sent, so nothing was counted."""
    grants = [await _acquired(both.first) for _ in range(3)]

    await both.second.quota.settle(ASK, [Settled(grants[0].ticket, sent=False)])

    await _acquired(both.second)


async def test_what_a_killed_process_leased_comes_back(both: _Processes) -> None:
    """It may have been sent until the end of the lease, and then counts for one more window."""
    for _ in range(3):
        await _acquired(both.first)

    both.pass_time(ASK.lease + ASK.per - 0.1)
    await _refused(both.second)
    both.pass_time(0.2)
    await _acquired(both.second)


async def test_a_late_settlement_counts_again(both: _Processes) -> None:
    """A process that was stopped for long frees nothing that is another's meanwhile."""
    late = await _acquired(both.first)
    both.pass_time(ASK.lease + ASK.per + 1)
    for _ in range(2):
        await _acquired(both.second)

    await both.first.quota.settle(ASK, [Settled(late.ticket, sent=True)])

    await _refused(both.second)


async def test_leases_made_without_the_file_are_counted(both: _Processes) -> None:
    """Even beyond the limit; settled ones that are older than a window are not."""
    await both.first.quota.register(ASK, ["a", "b", "c", "d"])
    await both.first.quota.settle(ASK, [Settled("e", sent=True, age=61.0)])

    await _refused(both.second)
    await both.first.quota.settle(ASK, [Settled("a", sent=False), Settled("b", sent=False)])
    await _acquired(both.second)


async def test_a_reserve_is_left_to_others(both: _Processes) -> None:
    """Background calls of one process leave slots to interactive ones of another."""
    background = attrs.evolve(ASK, reserve=2)

    await _acquired(both.first, background)
    assert (await _refused(both.first, background)).seconds > 0
    assert (await _refused(both.first, attrs.evolve(ASK, reserve=9))).seconds == ASK.per
    await _acquired(both.second)


async def test_a_pause_holds_for_all(both: _Processes) -> None:
    """A shorter one does not end it."""
    await both.first.quota.pause(ASK, 5.0)
    await both.second.quota.pause(ASK, 1.0)

    wait = await _refused(both.second)
    assert (wait.seconds, wait.paused) == (5.0, 5.0)
    both.pass_time(5.0)
    await _acquired(both.second)


async def test_the_strictest_limit_applies_with_one_warning(
    both: _Processes, caplog: pytest.LogCaptureFixture
) -> None:
    """As long as the process that states it asks; others then have theirs again."""
    strict = attrs.evolve(ASK, limit=1, per=30.0, asker="two")
    with caplog.at_level(logging.WARNING, "sikoia_async"):
        await _acquired(both.second, strict)
        assert (await _refused(both.first)).peers == 2
        await _refused(both.first)

    assert len(caplog.records) == 1
    assert "1 in 60 s" in caplog.text
    both.pass_time(31.0)
    assert (await _acquired(both.first)).peers == 1


async def test_a_process_counts_as_a_peer_for_one_window(both: _Processes) -> None:
    """Also while it only waits."""
    other = attrs.evolve(ASK, asker="two")
    for _ in range(3):
        await _acquired(both.first)
    for _ in range(30):
        both.pass_time(2.0)
        assert (await both.second.quota.acquire(other)).peers == 2
        await both.first.quota.acquire(ASK)
    both.pass_time(60.0)

    assert (await both.second.quota.acquire(other)).peers == 1


async def test_accounts_have_limits_of_their_own(both: _Processes) -> None:
    """One file can serve several applications."""
    for account in "ab":
        for _ in range(3):
            await _acquired(both.first, attrs.evolve(ASK, account=account))


# The access token


async def test_a_token_is_shared_until_it_expires(both: _Processes) -> None:
    """It comes back with the seconds it has left, whatever the date of the host is."""
    await both.first.token.save("account", StoredToken("token", 100.0))
    both.now.time += 40
    both.wall.time += 3600

    assert await both.second.token.load("account") == StoredToken("token", 60.0)
    both.now.time += 60
    assert await both.second.token.load("account") is None
    assert await both.second.token.load("other") is None


async def test_no_expired_token_stays_in_the_file(both: _Processes) -> None:
    """Also one of an account that is no longer used."""
    await both.first.token.save("former", StoredToken("old", 10.0))
    both.pass_time(10.0)
    await both.second.token.save("account", StoredToken("new", 10.0))

    with closing(sqlite3.connect(both.path)) as file:
        assert file.execute("SELECT value FROM token").fetchall() == [("new",)]


async def test_only_the_refused_token_is_discarded(both: _Processes) -> None:
    """A process that learns late must not remove the new one."""
    await both.first.token.save("account", StoredToken("new", 100.0))

    await both.second.token.discard("account", "old")
    assert await both.first.token.load("account") is not None
    await both.second.token.discard("account", "new")
    assert await both.first.token.load("account") is None
    await both.second.token.discard("account", "new")


async def test_one_owner_renews_the_token(both: _Processes) -> None:
    """Until it gives the renewal back, or its time is over."""
    assert await both.first.token.lock("account", "one", 10.0)
    assert not await both.second.token.lock("account", "two", 10.0)
    await both.second.token.unlock("account", "two")
    both.pass_time(5.0)
    assert await both.first.token.lock("account", "one", 10.0)
    both.pass_time(9.0)
    assert not await both.second.token.lock("account", "two", 10.0)
    both.pass_time(1.0)
    assert await both.second.token.lock("account", "two", 10.0)
    await both.second.token.unlock("account", "two")
    assert await both.first.token.lock("account", "one", 10.0)


async def test_a_token_is_encrypted_if_a_secret_is_given(tmp_path: Path) -> None:
    """No file has it in the clear, and processes with the secret read it."""
    path, secret = tmp_path / "sikoia.db", "5f" * 32
    stores: Any = SqliteStores
    async with stores(path, secret=secret) as first, stores(path) as other:
        await first.token.save("account", StoredToken("an-access-token", 100.0))
        async with stores(path, secret=secret) as second:
            loaded = await second.token.load("account")
        assert loaded is not None
        assert loaded.value == "an-access-token"
        assert await other.token.load("account") is None
        contents = _contents(tmp_path)
    assert b"an-access-token" not in contents
    assert secret.encode() not in contents


# Webhook events


async def test_an_event_is_handled_once(both: _Processes) -> None:
    """While one process handles it, another is told so; afterwards it is done."""
    claim = both.second.replay.claim
    assert await both.first.replay.claim("key", "one", ttl=60.0) == "new"
    assert await claim("key", "two", ttl=60.0) == "busy"
    assert not await both.second.replay.seen("key")
    await both.first.replay.confirm("key", ttl=3600.0)

    assert await claim("key", "two", ttl=60.0) == "done"
    assert await both.second.replay.seen("key")
    both.pass_time(3600.0)
    assert await claim("key", "two", ttl=60.0) == "new"


async def test_a_claim_ends_with_its_owner(both: _Processes) -> None:
    """It gives the claim back, or is killed; until then it may prolong the claim."""
    claim = both.second.replay.claim
    await both.first.replay.claim("key", "one", ttl=60.0)
    await both.second.replay.release("key", "two")
    both.pass_time(50.0)
    assert await both.first.replay.claim("key", "one", ttl=60.0) == "new"
    both.pass_time(59.0)
    assert await claim("key", "two", ttl=60.0) == "busy"
    both.pass_time(1.0)
    assert await claim("key", "two", ttl=60.0) == "new"
    await both.second.replay.release("key", "two")
    assert await both.first.replay.claim("key", "one", ttl=60.0) == "new"


async def test_a_message_reaches_all_processes(both: _Processes) -> None:
    """In order, from the moment of the subscription on, and only those of the account."""
    await both.first.events.publish("account", "before")
    async with (
        both.first.events.subscribe("account") as own,
        both.second.events.subscribe("account") as other,
    ):
        await both.first.events.publish("other", "no")
        for message in ("first", "second"):
            await both.first.events.publish("account", message)

        for messages in (own, other):
            assert [await anext(messages) for _ in range(2)] == ["first", "second"]


async def test_a_message_wakes_a_subscriber_that_waits(both: _Processes) -> None:
    """It polls the table."""
    got: list[str] = []

    async def wait() -> None:
        async with both.second.events.subscribe("account") as messages:
            ready.set()
            async for message in messages:
                got.append(message)
                return

    ready = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await ready.wait()
        await anyio.sleep(0.01)
        await both.first.events.publish("account", "late")

    assert got == ["late"]


# Spend


def _charge(number: int, operation: str = "identity.request", **limits: int) -> Charge:
    buckets = [SpendLimitBucket(name=name, limit=most) for name, most in limits.items()]
    return Charge(id=str(number), operation=operation, buckets=buckets)


async def test_two_processes_have_one_spend_limit(both: _Processes) -> None:
    """All buckets of a call count it, or none; a call is counted once, and can be given back."""
    reserve = both.second.spend.reserve
    assert await both.first.spend.reserve("account", _charge(1, all=2, tag=5)) is None
    assert await reserve("account", _charge(1, all=2, tag=5)) is None
    assert await reserve("account", _charge(2, all=2)) is None
    assert await reserve("account", _charge(3, tag=2, all=2)) == SpendUsedUp("all")
    assert await both.first.spend.spent("account") == {"identity.request": 2}
    await both.first.spend.give_back("account", _charge(2, all=2))
    assert await reserve("account", _charge(3, "income.request", tag=2, all=2)) is None
    assert await both.first.spend.spent("account") == {"identity.request": 1, "income.request": 1}
    assert await reserve("account", _charge(4, tag=2)) == SpendUsedUp("tag")
    assert await reserve("other", _charge(4, tag=2)) is None

    await both.first.spend.reset("account")

    assert await both.second.spend.spent("account") == {}
    assert await reserve("account", _charge(5, all=1, tag=1)) is None
    assert await both.second.spend.spent("other") == {"identity.request": 1}


async def test_a_spend_limit_has_room_again_after_its_period(both: _Processes) -> None:
    """It says when; the host's uptime does not count, for the file outlives it."""

    def charge(number: int) -> Charge:
        bucket = SpendLimitBucket(name="daily", limit=2, per=100.0)
        return Charge(id=str(number), operation="x", buckets=[bucket])

    await both.first.spend.reserve("account", charge(1))
    both.wall.time += 60
    await both.second.spend.reserve("account", charge(2))
    both.now.time = 0.0

    assert await both.first.spend.reserve("account", charge(3)) == SpendUsedUp("daily", 40.0)
    both.wall.time += 40
    assert await both.first.spend.reserve("account", charge(3)) is None
    none = Charge(id="4", operation="x", buckets=[SpendLimitBucket(name="n", limit=0, per=1.0)])
    assert await both.first.spend.reserve("account", none) == SpendUsedUp("n")


# Purchases


def _purchase(number: int, **changes: Any) -> Purchase:
    purchase = Purchase(
        key=f"key-{number}", operation="credit_reports.request", arguments="hash", owner="one",
        intended_at=float(number),
    )  # fmt: skip
    return attrs.evolve(purchase, **changes)


async def test_a_purchase_is_intended_once(both: _Processes) -> None:
    """Another process gets the one that is recorded, unless Sikoia has refused it."""
    first, second = _purchase(1), _purchase(1, owner="two", intended_at=5.0)
    assert await both.first.purchases.get("account", first.key) is None
    assert await both.first.purchases.intend("account", first) == first
    assert await both.second.purchases.intend("account", second) == first
    refused = attrs.evolve(first, state="refused")
    assert await both.first.purchases.change("account", refused, owner="one")
    assert await both.second.purchases.intend("account", second) == second
    assert await both.first.purchases.get("account", first.key) == second
    assert await both.first.purchases.get("other", first.key) is None


async def test_only_its_owner_changes_a_purchase(both: _Processes) -> None:
    """All fields are recorded; one process can take it over from another."""
    purchase = _purchase(1)
    full = _purchase(
        1, state="known", owner="two", ends_at=3.5, idempotency_key="i", request_id="r", token="t",
        correlation_id="c", resolution="adopted",
    )  # fmt: skip
    change = both.second.purchases.change
    assert not await change("account", purchase, owner="one")
    await both.first.purchases.intend("account", purchase)
    assert not await change("account", full, owner="two")
    assert await change("account", full, owner="one")
    assert not await change("account", purchase, owner="one")
    assert await both.first.purchases.get("account", purchase.key) == full


@pytest.mark.parametrize("count", [0, 3, 1203])
async def test_purchases_are_listed_from_the_oldest(both: _Processes, count: int) -> None:
    """In pages, so that a file of any size can be read, and changed meanwhile."""
    with closing(sqlite3.connect(both.path)) as file, file:
        rows = [("account", f"{n:04}", "o", "a", "done", "me", n // 2, 0) for n in range(count)]
        file.executemany(
            "INSERT INTO purchase (account, key, operation, arguments, state, owner, intended_at, "
            "ends_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            reversed(rows),
        )
    await both.first.purchases.intend("account", _purchase(9999))

    async def listed(*states: str) -> Sequence[str]:
        return [one.key async for one in both.second.purchases.list("account", states)]

    keys = [f"{n:04}" for n in range(count)]
    assert await listed() == [*keys, "key-9999"]
    assert await listed("done") == keys
    assert await listed("intended", "doubt") == ["key-9999"]


# The host


async def test_a_restart_of_the_host_ends_what_ran(both: _Processes) -> None:
    """Leases, claims and tokens are gone; what was paid for and handled is not."""
    for _ in range(3):
        await _acquired(both.first)
    await both.first.quota.pause(ASK, 1000.0)
    await both.first.token.save("account", StoredToken("token", 1000.0))
    await both.first.token.lock("account", "one", 1000.0)
    await both.first.replay.claim("busy", "one", ttl=1000.0)
    await both.first.replay.confirm("done", ttl=1000.0)
    await both.first.spend.reserve("account", _charge(1))
    await both.first.purchases.intend("account", _purchase(1))
    both.now.time = 5.0

    async with both.anew(boot_id="another") as later:
        await _acquired(later)
        assert await later.token.load("account") is None
        assert await later.token.lock("account", "two", 1.0)
        assert await later.replay.claim("busy", "two", ttl=1.0) == "new"
        assert await later.replay.claim("done", "two", ttl=1.0) == "done"
        assert await later.spend.spent("account") == {"identity.request": 1}
        assert await later.purchases.get("account", "key-1") == _purchase(1)


async def test_without_a_boot_id_a_clock_that_began_anew_is_a_restart(tmp_path: Path) -> None:
    """As on macOS and Windows: the file remembers when it was last opened."""
    now = _Clock()

    async def leases(time: float) -> int:
        now.time = time
        async with SqliteStores(tmp_path / "x.db", host=Host(now=now, boot_id="")) as stores:
            await _acquired(stores, attrs.evolve(ASK, limit=100))
        with closing(sqlite3.connect(tmp_path / "x.db")) as file:
            return int(file.execute("SELECT count(*) FROM lease").fetchone()[0])

    assert [await leases(time) for time in (1000.0, 1010.0, 1005.0, 2.0, 1.0)] == [1, 2, 1, 1, 1]


def test_the_host_has_a_clock_that_all_processes_share() -> None:
    """It is not the date."""
    host = Host()
    before = host.now()

    assert before <= host.now() < before + 3600
    assert abs(host.wall() - time.time()) < 3600
    assert host.boot_id == read_boot_id()


def test_not_every_system_has_a_boot_id(tmp_path: Path) -> None:
    """Only Linux has one."""
    (tmp_path / "boot").write_text("an-id\n")

    assert read_boot_id(tmp_path / "boot") == "an-id"
    assert read_boot_id(tmp_path / "none") == ""


# The file


async def test_the_file_does_not_grow_with_time(both: _Processes) -> None:
    """What has ended is removed, and the WAL is merged now and then: it grows by 12 KB a step."""
    for one in range(200):
        both.pass_time(100.0)
        asker = attrs.evolve(ASK, asker=f"process {one}")
        grant = await _acquired(both.first, asker)
        await both.first.quota.settle(asker, [Settled(grant.ticket, sent=True)])
        await both.first.replay.claim(f"lost {one}", "one", ttl=60.0)
        await both.first.replay.confirm(f"{one}", ttl=60.0)
        await both.first.events.publish("account", f"{one}")

    with closing(sqlite3.connect(both.path)) as file:
        for table in ("lease", "asker", "claim", "handled", "event"):
            rows = file.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - names of tables
            assert rows.fetchone()[0] <= 2
    assert _size(both.path.parent) < 8 << 20


async def test_the_event_loop_runs_while_another_process_writes(both: _Processes) -> None:
    """A file that is locked is a wait, and no error. What is cancelled meanwhile is not done."""
    done = list[str]()

    async def acquire() -> None:
        await both.first.quota.acquire(ASK)
        done.append("acquire")

    async def reserve() -> None:
        await both.first.spend.reserve("account", _charge(1))
        done.append("reserve")

    with closing(sqlite3.connect(both.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(acquire)
            tasks.start_soon(reserve)
            for _ in range(20):
                await anyio.sleep(0.005)
            assert done == []
            tasks.cancel_scope.cancel()
        other.execute("ROLLBACK")

    for _ in range(3):
        await _acquired(both.first)
    assert await both.first.spend.reserve("account", _charge(2, all=1)) is None
    assert await both.first.spend.spent("account") == {"identity.request": 1}


async def test_two_threads_may_use_one_object(tmp_path: Path) -> None:
    """Each with an event loop of its own."""
    stores = SqliteStores(tmp_path / "sikoia.db")
    assert stores.quota is not None
    acquire = stores.quota.acquire

    async def use(asker: str) -> int:
        ask = attrs.evolve(ASK, limit=150, asker=asker)
        return sum([isinstance(await acquire(ask), Grant) for _ in range(100)])

    def run(asker: str) -> None:
        granted.append(anyio.run(use, asker))

    granted: list[int] = []
    threads = [threading.Thread(target=run, args=(name,)) for name in ("one", "two", "three")]
    for thread in threads:
        thread.start()
    for thread in threads:
        await anyio.to_thread.run_sync(thread.join)
    await stores.aclose()

    assert sum(granted) == 150


async def test_stores_are_opened_again_after_they_were_closed(both: _Processes) -> None:
    """So two clients may share one object. The epoch stays: it is the same file."""
    first = await _acquired(both.first)
    await both.first.aclose()
    await both.first.aclose()
    second = await _acquired(both.first)

    assert first.epoch == second.epoch == (await _acquired(both.second)).epoch


async def test_closing_is_not_cancelled(both: _Processes, tmp_path: Path) -> None:
    """The file would stay open."""
    await _acquired(both.first)
    await both.second.purchases.get("account", "key")
    await both.second.aclose()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await both.first.aclose()

    assert _names(tmp_path) == ["sikoia.db"]  # the last to close it removes -wal and -shm


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_stores_are_not_copied(tmp_path: Path, duplicate: Any) -> None:
    """As by multiprocessing: each process opens the file itself."""
    with pytest.raises(ArgumentTypeError, match="create them in each, with the same path"):
        duplicate(SqliteStores(tmp_path / "sikoia.db"))


def test_construction_leaves_nothing_open(tmp_path: Path) -> None:
    """So the process may fork afterwards, and a client that is never used needs no closing."""
    for _ in range(2):
        SqliteStores(tmp_path / "sikoia.db")

    assert _names(tmp_path) == ["sikoia.db"]
