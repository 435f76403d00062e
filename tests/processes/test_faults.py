"""What breaks while several real processes share one rate limit: counts at the server, not times.

The server has a window of random phase. A limit that is kept in every window of any phase is never
exceeded by more than chance.

Other tests with real processes:

- a process is killed with the lock of the access token, or handling a webhook; spend; events:
  ../stores/test_sharing.py
- a process is killed while it buys: ../batch/test_purchase_kills.py
- a batch is killed or stopped, or its journal torn: ../batch/test_killed.py, test_stopping.py and
  test_journals.py; and Sikoia works on what it sent afterwards: ../cli/test_batch_killed.py
- the file of SQLite on a network file system, damaged, or of another application:
  ../stores/test_sqlite_faults.py
"""

import asyncio
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

import httpx
import pytest
from fleet import LIMIT, PER, TASKS, Fleet, fleet, job, worst
from fleet_worker import stores_at
from servers import PostgresServer, RedisServer, SteppedRedisServer, free_port

from sikoia_async import Priority, local
from sikoia_async.stores import Ask, Wait
from sikoia_async.stores.account import account_key

PART: Final = LIMIT // 2
"""The part of the limit of one of two processes."""
PASSWORD: Final = "canary-of-redis"

pytestmark = [
    pytest.mark.anyio,
    # The server of the test is one of asyncio; the clients run in processes of their own.
    pytest.mark.parametrize("anyio_backend", ["asyncio"]),
]


@pytest.fixture(params=["sqlite", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return where the processes share their state."""
    if request.param == "sqlite":
        return str(tmp_path / "sikoia.db")
    pytest.importorskip("redis")
    return str(request.getfixturevalue("redis_server").url)


# The processes


async def test_a_killed_process_costs_nobody_a_request(store: str) -> None:
    """Its slots stay leased for a while; the others go on inside the limit."""
    async with fleet(job(store), job(store)) as running:
        running.flood()
        await running.served(LIMIT // 2)
        await running.workers[0].kill()
        await running.served(LIMIT)

        assert await running.stop() == set()
        assert running.window.refused == 0
        assert running.worst <= LIMIT


@pytest.mark.parametrize("lease", [20.0, 1.0])
async def test_a_stopped_process_disturbs_nobody(store: str, lease: float) -> None:
    """The others go on. When it does, at most what it had in flight is over the limit."""
    one = job(store, timeout=lease)
    async with fleet(one, one) as running:
        running.flood()
        await running.served(LIMIT // 2)
        running.workers[0].process.send_signal(signal.SIGSTOP)
        await running.served(LIMIT if lease > 1 else 3 * LIMIT)  # past the lease, and a window
        running.workers[0].process.send_signal(signal.SIGCONT)
        await running.served(LIMIT)

        assert await running.stop() <= {"RateLimitError", "DeadlineExceededError"}
        assert running.window.refused <= TASKS
        assert running.worst <= LIMIT + TASKS


async def test_a_webhook_that_reaches_two_processes_is_handled_once(store: str) -> None:
    """Of many at once, each is given to one handler, and to none when it is delivered again."""
    async with fleet(job(store), job(store)) as running:
        counts = list[int]()
        for _ in range(2):
            asked = [worker.ask("deliver 50") for worker in running.workers]
            counts += [int(count) for count in await asyncio.gather(*asked)]

    assert sum(counts[:2]) == 50
    assert counts[2:] == counts[:2]


async def test_the_clock_of_a_host_changes_nothing(store: str) -> None:
    """One is an hour ahead, and one behind."""
    clocks = job(store, wall_clock=3600.0), job(store, wall_clock=-3600.0)
    async with fleet(*clocks) as running:
        running.flood()
        await running.served(2 * LIMIT)

        assert await running.stop() == set()
        assert running.window.refused == 0
        assert running.worst <= LIMIT


# The store

Change = Callable[[], object]


async def _suffers(running: Fleet, begin: Change, end: Change) -> None:
    """Break the store for a while under load: no call fails.

    Calls go on within each process's part of the limit. On a busy machine, one process may be late
    to notice that the store has failed or is back; then it uses at most its part more.
    """
    running.flood()
    await running.served(LIMIT)
    assert running.window.refused == 0
    await asyncio.to_thread(begin)
    await running.served(LIMIT)
    await asyncio.to_thread(end)
    await running.served(2 * LIMIT)

    assert await running.stop() <= {"RateLimitError"}
    assert running.worst <= LIMIT + PART
    for worker in running.workers:
        warnings = worker.log.splitlines()
        assert sum("the quota store" in one for one in warnings) <= 2, warnings  # one each way
        assert PASSWORD not in worker.log


_LOCK: Final = """
import sqlite3, sys
file = sqlite3.connect(sys.argv[1], timeout=60)
file.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""


class _File:
    """Makes a file of SQLite useless."""

    def __init__(self, running: Fleet, path: Path) -> None:
        self._running = running
        self._path = path
        self._process: subprocess.Popen[bytes] | None = None

    def lock(self) -> None:
        """Let another process hold the lock of those that write."""
        command = [sys.executable, "-c", _LOCK, str(self._path)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"locked\n"

    def unlock(self) -> None:
        """Let it end."""
        assert self._process is not None
        self._process.communicate()

    def fill(self, limit: int = 0) -> None:
        """Let the workers write no file beyond a size, as on a disk that is full."""
        for worker in self._running.workers:
            _, most = resource.prlimit(worker.process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(worker.process.pid, resource.RLIMIT_FSIZE, (limit, most))

    def make_room(self) -> None:
        """Let them write again."""
        self.fill(resource.RLIM_INFINITY)

    def delete(self) -> None:
        """Remove it, and what belongs to it."""
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def protect(self) -> None:
        """Let nobody write it."""
        self._path.chmod(0o400)

    def let_write(self) -> None:
        """Let its user write it, and those that SQLite has made read-only, too."""
        for file in self._path.parent.iterdir():
            file.chmod(0o600)

    def leave(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize(
    ("begin", "end", "peers"),
    [
        (_File.lock, _File.unlock, 2),
        (_File.lock, _File.unlock, None),
        (_File.fill, _File.make_room, None),
        (_File.delete, _File.leave, None),
    ],
    ids=["locked", "locked-unknown-peers", "full", "deleted"],
)
async def test_a_file_that_is_useless_is_no_error_of_a_call(
    tmp_path: Path,
    begin: Callable[[_File], None],
    end: Callable[[_File], None],
    peers: int | None,
) -> None:
    """Nor does it need `peers`, if all processes have used it before."""
    path = tmp_path / "sikoia.db"
    async with fleet(*[job(str(path), peers=peers)] * 2) as running:
        file = _File(running, path)
        await _suffers(running, partial(begin, file), partial(end, file))


async def test_a_file_that_is_read_only_is_no_error_of_a_call(tmp_path: Path) -> None:
    """For processes that open it then. They buy nothing until it can be written."""
    path = tmp_path / "sikoia.db"
    async with fleet(*[job(str(path))] * 2) as running:
        file = _File(running, path)
        file.protect()
        results = await asyncio.gather(*[one.ask("buy") for one in running.workers])
        assert results == ["StoreError", "StoreError"]
        assert running.window.served == 0
        running.flood()
        await running.served(2 * LIMIT)
        assert running.worst <= LIMIT
        file.let_write()
        await running.served(2 * LIMIT)

        assert await running.stop() <= {"RateLimitError"}
        assert running.worst <= LIMIT + PART
        for worker in running.workers:
            assert worker.log.count("the quota store is available again") == 1


@pytest.mark.parametrize(
    ("begin", "end"),
    [(_File.fill, _File.leave), (_File.delete, _File.leave), (_File.lock, _File.unlock)],
    ids=["full", "deleted", "locked"],
)
async def test_nothing_is_bought_without_a_record(
    tmp_path: Path, begin: Callable[[_File], None], end: Callable[[_File], None]
) -> None:
    """If the file of SQLite is useless. Free calls go on."""
    path = tmp_path / "sikoia.db"
    async with fleet(*[job(str(path))] * 2) as running:
        file = _File(running, path)
        assert [await one.ask("buy") for one in running.workers] == ["ok", "ok"]
        begin(file)

        results = await asyncio.gather(*[one.ask("buy") for one in running.workers])
        assert results == ["StoreError", "StoreError"]
        assert running.window.served == 2
        assert [await one.ask("call") for one in running.workers] == ["ok", "ok"]
        end(file)


async def test_leases_end_and_spend_stays_when_the_host_is_started_anew(tmp_path: Path) -> None:
    """The clock of the leases begins at zero then."""
    path = str(tmp_path / "sikoia.db")
    before = job(path, started=time.monotonic() - 10_000, timeout=600)
    async with fleet(before, before) as running:
        assert [await one.ask("buy") for one in running.workers] == ["ok", "ok"]
        running.flood()
        await running.served(LIMIT // 2)
        for worker in running.workers:
            await worker.kill()

        await asyncio.sleep(PER)  # no host starts within the server's window
        after = job(path, started=time.monotonic(), max_chargeable=3)
        first, second = await running.start(after, after)
        assert [await one.ask("call") for one in (first, second) * 3] == ["ok"] * 6
        assert [await one.ask("buy") for one in (first, second)] == ["ok", "ChargeLimitError"]


class _Redis:
    """Makes a server useless, without ending its process."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self.url = f"redis://worker:{PASSWORD}@127.0.0.1:{server.port}/0"
        self.let_in()

    def _configure(self, name: str, value: str) -> None:
        assert self._server.command("CONFIG", "SET", name, value) == ["OK"]

    def freeze(self) -> None:
        self._server.freeze()

    def thaw(self) -> None:
        self._server.thaw()

    def kill(self) -> None:
        self._server.kill()

    def lose(self) -> None:
        self._server.kill()
        self._server.empty()

    def start(self) -> None:
        self._server.start()
        self.let_in()

    def follow(self) -> None:
        """Make it a replica, which is read-only."""
        assert self._server.command("REPLICAOF", "127.0.0.1", "1") == ["OK"]

    def lead(self) -> None:
        assert self._server.command("REPLICAOF", "NO", "ONE") == ["OK"]

    def fill(self) -> None:
        self._configure("maxmemory", "1")

    def make_room(self) -> None:
        self._configure("maxmemory", "0")

    def let_in(self, password: str = PASSWORD) -> None:
        """Set the password of the workers."""
        rights = "on", "resetpass", f">{password}", "~*", "&*", "+@all"
        assert self._server.command("ACL", "SETUSER", "worker", *rights) == ["OK"]

    def shut_out(self) -> None:
        """Let their password be wrong."""
        self.let_in("another-one")
        assert self._server.command("CLIENT", "KILL", "USER", "worker") != ["0"]

    def flush(self) -> None:
        assert self._server.command("FLUSHALL") == ["OK"]


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        (_Redis.freeze, _Redis.thaw),
        (_Redis.kill, _Redis.start),
        (_Redis.lose, _Redis.start),
        (_Redis.follow, _Redis.lead),
        (_Redis.fill, _Redis.make_room),
        (_Redis.shut_out, _Redis.let_in),
        (_Redis.flush, _Redis.flush),
    ],
    ids=["frozen", "killed", "emptied", "read-only", "out-of-memory", "password", "flushed"],
)
async def test_a_lost_redis_is_no_error_of_a_call(
    redis_server: RedisServer, begin: Callable[[_Redis], None], end: Callable[[_Redis], None]
) -> None:
    """Calls go on within each process's part of the limit, and with Redis when it is back."""
    pytest.importorskip("redis")
    server = _Redis(redis_server)
    async with fleet(*[job(server.url, peers=None)] * 2) as running:
        await _suffers(running, partial(begin, server), partial(end, server))


async def test_the_clock_of_redis_is_set_back(stepped_redis: SteppedRedisServer) -> None:
    """Slots in use are free after a window, and not when it is as late as before."""
    pytest.importorskip("redis")
    async with fleet(*[job(stepped_redis.url, per=4.0)] * 2) as running:
        assert [await one.ask("call") for one in running.workers * PART] == ["ok"] * LIMIT
        await asyncio.sleep(0.2)  # until Redis knows that
        for seconds in (-10, -3600):
            stepped_redis.step(seconds)
            results = await asyncio.gather(*[one.ask("call") for one in running.workers])
            assert results == ["ok", "ok"]
        running.flood()
        await running.served(LIMIT)

        assert await running.stop() == set()
        assert running.window.refused == 0
        assert worst(running.window.arrivals, 4.0) <= LIMIT
        assert [worker.log for worker in running.workers] == ["", ""]


@pytest.mark.parametrize("seconds", [10, 86_400])
async def test_the_clock_of_redis_is_set_ahead(
    stepped_redis: SteppedRedisServer, seconds: int
) -> None:
    """At most one window is over the limit, by the limit: each process still counts its own.

    By a day, all keys expire as well.
    """
    pytest.importorskip("redis")
    async with fleet(*[job(stepped_redis.url)] * 2) as running:
        running.flood()
        await running.served(LIMIT)
        stepped_redis.step(seconds)
        await running.served(2 * LIMIT)
        assert running.worst <= 2 * LIMIT
        later = len(running.window.arrivals)
        await running.served(2 * LIMIT)

        assert await running.stop() <= {"RateLimitError"}
        assert worst(running.window.arrivals[later:], PER) <= LIMIT


@contextmanager
def _broken(request: pytest.FixtureRequest, running: Fleet, store: str) -> Generator[None]:
    """Kill Redis, or lock the file of SQLite meanwhile."""
    if store.startswith("redis:"):
        request.getfixturevalue("redis_server").kill()
        yield
    else:
        file = _File(running, Path(store))
        file.lock()
        yield
        file.unlock()


@pytest.mark.parametrize(
    ("used", "more"), [((8, 1), (0, 0)), ((3, 1), (2, 3))], ids=["all", "a-part"]
)
async def test_what_all_have_used_counts_when_an_outage_begins(
    request: pytest.FixtureRequest, store: str, used: tuple[int, int], more: tuple[int, int]
) -> None:
    """A process adds its part of what was free when it last asked, within its part of the limit."""
    one = job(store, per=600.0, timeout=5)
    async with fleet(one, one) as running:
        for worker, count in zip(running.workers, used, strict=True):
            assert [await worker.ask("call") for _ in range(count)] == ["ok"] * count

        async def calls(number: int) -> list[str]:
            worker = running.workers[number]
            return [await worker.ask("call") for _ in range(more[number] + 1)]

        with _broken(request, running, store):
            results = await asyncio.gather(calls(0), calls(1))
        late = ["DeadlineExceededError"]
        assert list(results) == [["ok"] * more[0] + late, ["ok"] * more[1] + late]
        assert running.window.served == sum(used) + sum(more) <= LIMIT


async def test_processes_that_never_reached_redis_have_small_parts() -> None:
    """None of them knows how many others there are."""
    pytest.importorskip("redis")
    nowhere = job(f"redis://127.0.0.1:{free_port()}/0", peers=None)
    async with fleet(nowhere, nowhere) as running:
        running.flood()
        await running.served(LIMIT // 2)

        assert await running.stop() == set()
        assert running.worst <= LIMIT // 2


class _Gate:
    """Forwards connections of one process to a server, until it is closed.

    Args:
        port: the server's.
    """

    def __init__(self, port: int) -> None:
        self.port = free_port()
        self._to = port
        self._server: asyncio.Server | None = None
        self._open = set[asyncio.StreamWriter]()

    async def open(self) -> None:
        """Accept connections."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    def close(self) -> None:
        """Refuse connections, and end those that there are."""
        assert self._server is not None
        self._server.close()
        for writer in self._open:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self._to)
        self._open |= {writer, to_writer}
        await asyncio.gather(_copy(reader, to_writer), _copy(to_reader, writer))
        self._open -= {writer, to_writer}


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while some := await reader.read(65_536):
            writer.write(some)
            await writer.drain()
    writer.close()


@pytest.mark.parametrize(("priority", "part"), [("interactive", PART), ("background", 0)])
async def test_one_process_that_is_cut_off_from_redis_keeps_to_its_part(
    redis_server: RedisServer, priority: Priority, part: int
) -> None:
    """The others go on with Redis. Background calls of the one wait."""
    pytest.importorskip("redis")
    gate = _Gate(redis_server.port)
    await gate.open()
    alone = job(f"redis://127.0.0.1:{gate.port}/0", priority=priority, name="alone")
    async with fleet(alone, job(redis_server.url, priority=priority)) as running:
        running.flood()
        await running.served(LIMIT)
        gate.close()
        await running.served(2 * LIMIT)
        await gate.open()
        back = 0
        for _ in range(10):  # on a busy machine it takes a while to connect
            await running.served(LIMIT)
            back = sum(one.process == "alone" for one in running.window.arrivals[-LIMIT:])
            if back:
                break

        assert await running.stop() <= {"RateLimitError"}
        assert running.worst <= LIMIT + part
        assert back > 0
    gate.close()


async def _paused(store: str, running: Fleet) -> None:
    """Wait until the store knows of a pause."""
    environment = local(f"http://127.0.0.1:{running.window.port}")
    account = account_key(environment, None)
    ask = Ask(account=account, limit=LIMIT, per=4.0, reserve=LIMIT - 1, lease=1.0)
    async with stores_at(store) as shared, asyncio.timeout(60):
        assert shared.quota is not None
        reply = await shared.quota.acquire(ask)
        while not (isinstance(reply, Wait) and reply.paused):
            await asyncio.sleep(0.02)
            reply = await shared.quota.acquire(ask)


async def test_a_429_pauses_all_processes(store: str) -> None:
    """One of them was refused, because another application has used up the window."""
    async with fleet(*[job(store, per=4.0)] * 3) as running:
        first, *others = running.workers
        foreign = httpx.AsyncClient(base_url=f"http://127.0.0.1:{running.window.port}")
        async with foreign:
            result = "ok"
            while result == "ok":  # the window may turn in between
                while (await foreign.get("/foreign/cases")).status_code == 200:
                    pass
                result = await first.ask("call")
        assert result == "RateLimitError"
        await _paused(store, running)
        results = await asyncio.gather(*[one.ask("call") for one in (*others, first)])

        assert results == ["ok"] * 3
        refused = [one.process for one in running.window.arrivals if one.refused]
        assert refused.count("worker") == 1


async def test_nothing_is_bought_while_postgresql_is_down(
    redis_server: RedisServer, postgres_server: PostgresServer, postgres_url: str
) -> None:
    """Free calls go on; and purchases, when it is back."""
    pytest.importorskip("redis")
    pytest.importorskip("asyncpg")
    one = job(f"{redis_server.url} {postgres_url}")
    async with fleet(one, one) as running:
        assert [await worker.ask("buy") for worker in running.workers] == ["ok", "ok"]
        await asyncio.to_thread(postgres_server.kill)

        results = await asyncio.gather(*[worker.ask("buy") for worker in running.workers])
        assert results == ["StoreError", "StoreError"]
        assert running.window.served == 2
        assert [await worker.ask("call") for worker in running.workers] == ["ok", "ok"]

        await asyncio.to_thread(postgres_server.start)
        for worker in running.workers:
            async with asyncio.timeout(60):
                while await worker.ask("buy") != "ok":
                    pass


async def test_one_process_at_a_time_asks_an_authorization_server_that_is_down(
    tmp_path: Path,
) -> None:
    """It makes three attempts; after that, each of the others makes one at most."""
    posts = list[bytes]()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:  # a caller gave up before it sent anything
            writer.close()
            return
        length = re.search(rb"(?i)content-length: (\d+)", head)
        await reader.readexactly(int(length[1]) if length else 0)
        posts.append(head)
        writer.write(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    one = job(str(tmp_path / "sikoia.db"), token_url=url, timeout=6)
    async with server, fleet(*[one] * 4) as running:
        results = await asyncio.gather(*[worker.ask("call") for worker in running.workers])

    assert set(results) <= {"TokenError", "DeadlineExceededError"}
    assert 3 <= len(posts) <= 6
