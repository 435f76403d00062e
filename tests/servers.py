"""Real Redis and PostgreSQL servers on loopback, which tests stop, kill, freeze and empty.

A test gets one by the fixtures `redis_server` and `postgres_server`; a benchmark by `RedisServer()`
and `PostgresServer()` as context managers. Tests are skipped where the programs are not installed.
"""

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

import pytest

S = TypeVar("S", bound="_Server")

_TIMEOUT = 60
"""Seconds until a server that does not start or stop fails the test."""


class Missing(Exception):  # noqa: N818 - a reason to skip, not a failure
    """A program is not installed."""


class _Server:
    """A server process with a folder and a port of its own."""

    def __init__(self) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="sikoia-server-"))
        self._process: subprocess.Popen[Any] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pids(self) -> list[int]:
        """The server's processes; the one that was started is the first."""
        if self._process is None or self._process.poll() is not None:
            return []
        return [self._process.pid, *_children(self._process.pid)]

    def start(self) -> None:
        """Start it, with what it held when it ended."""
        raise NotImplementedError

    def stop(self) -> None:
        """End it in order; clients see their connections closed."""
        if self._process is not None:
            self.thaw()
            self._process.send_signal(signal.SIGINT)
            self._process.wait(_TIMEOUT)

    def kill(self) -> None:
        """End it by `kill -9`. What it had confirmed is there after the next start."""
        pids = self.pids
        for pid in pids:
            _send(pid, signal.SIGKILL)
        if self._process is not None:
            self._process.wait(_TIMEOUT)
        while any(state_of(pid) not in ("", "Z") for pid in pids):  # it may not be started before
            time.sleep(0.01)

    def empty(self) -> None:
        """Remove what a stopped server has kept."""
        raise NotImplementedError

    def freeze(self) -> None:
        """Let it answer nothing, and keep its connections open, until `thaw`."""
        deadline = time.monotonic() + _TIMEOUT
        while any(state_of(pid) not in {"T", ""} for pid in self.pids):
            assert time.monotonic() < deadline, "a process did not stop"
            for pid in self.pids:
                _send(pid, signal.SIGSTOP)
            time.sleep(0.001)  # a process that runs stops a moment later

    def thaw(self) -> None:
        """Let a frozen server go on."""
        for pid in self.pids:
            _send(pid, signal.SIGCONT)

    def close(self) -> None:
        """End it and remove its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, command: Sequence[str], is_ready: Callable[[], bool], **options: Any) -> None:
        with (self.folder / "log").open("ab") as log:
            process: subprocess.Popen[Any] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for pytest, which stops it
                **options,
            )
        self._process = process
        deadline = time.monotonic() + _TIMEOUT
        while not is_ready():
            assert process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.01)


class RedisServer(_Server):
    """A Redis server: `with RedisServer() as redis: ... redis.url`.

    What it has confirmed outlives a kill; `empty` removes it. The options are those of
    `redis-server`, such as `("--maxmemory", "2mb")`.
    """

    _environment: Mapping[str, str] | None = None

    def __init__(self, *options: str) -> None:
        self._program = shutil.which("redis-server") or shutil.which("valkey-server")
        if self._program is None:
            msg = "redis-server is not installed"
            raise Missing(msg)
        super().__init__()
        self.options = options

    @property
    def url(self) -> str:
        """Its URL, for `from_url` of the client libraries."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, with what it held when it ended."""
        assert self._program is not None
        command = (
            *(self._program, "--port", str(self.port), "--bind", "127.0.0.1"),
            *("--dir", str(self.folder), "--save", "", "--appendonly", "yes"),
            *self.options,
        )
        self._run(command, self._is_ready, env=self._environment)

    def empty(self) -> None:
        """Remove what a stopped server has kept."""
        shutil.rmtree(self.folder / "appendonlydir", ignore_errors=True)

    def command(self, *words: str) -> list[str]:
        """Run a command on it, such as `command("TTL", "key")`, and return the lines of its reply.

        One that is refused is returned as an error message, as `redis-cli` prints it.
        """
        printed = subprocess.run(
            [*self._cli, *words], capture_output=True, check=True, timeout=_TIMEOUT
        )
        return printed.stdout.decode("utf-8", "backslashreplace").splitlines()

    def _is_ready(self) -> bool:
        return _listens(self.port) and not self.command("PING")[0].startswith("LOADING")

    @contextmanager
    def monitor(self) -> Generator[list[str]]:
        """Record the commands that it receives: they are in the list when the block has ended."""
        lines: list[str] = []
        process = subprocess.Popen(
            [*self._cli, "MONITOR"], stdout=subprocess.PIPE, text=True, errors="backslashreplace"
        )
        with process:
            assert process.stdout is not None
            assert process.stdout.readline() == "OK\n"
            try:
                yield lines
                self.command("PING", "the end")
                while not lines or '"the end"' not in lines[-1]:
                    lines.append(process.stdout.readline())
            finally:
                process.kill()

    @property
    def _cli(self) -> list[str]:
        name = Path(self._program or "").name.removesuffix("-server")
        return [f"{name}-cli", "-p", str(self.port)]


class SteppedRedisServer(RedisServer):
    """A Redis server whose clock can be set, by libfaketime."""

    def __init__(self, *options: str) -> None:
        super().__init__(*options)
        library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
        if library is None:
            shutil.rmtree(self.folder)
            msg = "faketime is not installed"
            raise Missing(msg)
        self._offset = self.folder / "offset"
        self.step(0)
        self._environment = os.environ | {
            # Before jemalloc, which reads the clock before libfaketime is ready.
            "LD_PRELOAD": f"{library} libc.so.6",
            "FAKETIME_TIMESTAMP_FILE": str(self._offset),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def step(self, seconds: int) -> None:
        """Set its clock to that many seconds ahead of ours."""
        new = self._offset.with_suffix(".new")
        new.write_text(f"{seconds:+}\n")
        new.rename(self._offset)


class SentinelServer(RedisServer):
    """A server with a replica, and the Redis Sentinel that makes the replica the next master."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self.master = RedisServer()
        self._replica = RedisServer("--replicaof", f"127.0.0.1 {self.master.port}")

    def start(self) -> None:
        """Start all three, and wait until the replica is in step."""
        assert self._program is not None
        self.master.start()
        self._replica.start()
        self.wait_until_replicated()
        file = self.folder / "sentinel.conf"
        file.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {self.folder}\n"
            f"sentinel monitor {self._name} 127.0.0.1 {self.master.port} 1\n"
            f"sentinel down-after-milliseconds {self._name} 500\n"
            f"sentinel failover-timeout {self._name} 5000\n"
        )
        self._run([self._program, str(file), "--sentinel"], self._knows_the_replica)

    def wait_until_replicated(self) -> None:
        """Wait until the replica has what the master has."""
        deadline = time.monotonic() + _TIMEOUT
        while self.master.command("WAIT", "1", "1000") != ["1"]:
            assert time.monotonic() < deadline, "the replica does not follow"

    def close(self) -> None:
        """End all three."""
        super().close()
        self._replica.close()
        self.master.close()

    def _knows_the_replica(self) -> bool:
        if not _listens(self.port):
            return False
        return bool(self.command("SENTINEL", "REPLICAS", self._name))


class PostgresServer(_Server):
    """A PostgreSQL server: `with PostgresServer() as postgres: ... postgres.url()`.

    It does not wait for the disk (`fsync=off`): what it has confirmed outlives `kill`, because this
    machine goes on.
    """

    def __init__(self) -> None:
        self._programs = _postgres_programs()
        self._user = _unprivileged_user()
        super().__init__()
        self.options: tuple[str, ...] = ()

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        """Return the URL of a database."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it, with what it held when it ended; the first time creates its files."""
        if not self._data.exists():
            self._create()
        command = (
            *(str(self._programs / "postgres"), "-D", str(self._data), "-h", "127.0.0.1"),
            *("-p", str(self.port), "-k", str(self.folder), "-F", "-c", "max_connections=60"),
            *self.options,
        )
        self._run(command, self._is_ready, **self._user)

    def empty(self) -> None:
        """Remove what a stopped server has kept."""
        shutil.rmtree(self._data, ignore_errors=True)

    def close(self) -> None:
        """End it and remove its folder, and the shared memory, which a kill would leave behind."""
        if self._process is not None:
            self.thaw()
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(_TIMEOUT)
        super().close()

    def execute(self, statement: str, database: str = "postgres", user: str = "postgres") -> str:
        """Run SQL on it and return the rows that `psql` prints, columns separated by `|`."""
        printed = subprocess.run(
            [
                *(str(self._programs / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"),
                *("-c", statement, self.url(database, user)),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT,
        )
        assert printed.returncode == 0, printed.stderr
        return printed.stdout.rstrip("\n")

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _create(self) -> None:
        if self._user:
            shutil.chown(self.folder, self._user["user"], self._user["group"])
        program = str(self._programs / "initdb")
        subprocess.run(
            [
                *(program, "-D", str(self._data), "-U", "postgres", "-A", "trust"),
                *("--no-sync", "--encoding", "UTF8", "--no-locale"),
            ],
            check=True,
            capture_output=True,
            cwd=self.folder,
            timeout=_TIMEOUT,
            **self._user,
        )

    def _is_ready(self) -> bool:
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        assert self._process is not None
        return lines[:1] == [str(self._process.pid)] and lines[7:8] == ["ready   "]


def _running(kind: Callable[[], S]) -> Generator[S]:
    """Run a server; skip the test where its programs are missing."""
    try:
        server = kind()
    except Missing as reason:
        pytest.skip(str(reason))
    with server:
        yield server


@pytest.fixture
def redis_server() -> Generator[RedisServer]:
    """Run a Redis server for one test, which may do anything to it."""
    yield from _running(RedisServer)


@pytest.fixture
def stepped_redis() -> Generator[SteppedRedisServer]:
    """Run a Redis server for one test, which may set its clock."""
    yield from _running(SteppedRedisServer)


@pytest.fixture(scope="session")
def shared_redis() -> Generator[RedisServer]:
    """Run a Redis server for all tests of this process that leave it running."""
    yield from _running(RedisServer)


@pytest.fixture(scope="session")
def shared_postgres() -> Generator[PostgresServer]:
    """Run a PostgreSQL server for all tests of this process: to create one takes seconds."""
    yield from _running(PostgresServer)


@pytest.fixture
def postgres_server(shared_postgres: PostgresServer) -> Generator[PostgresServer]:
    """Run a PostgreSQL server, which the test may stop, kill or freeze."""
    yield shared_postgres
    shared_postgres.thaw()
    if not shared_postgres.pids:
        shared_postgres.start()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Generator[str]:
    """Create an empty database on the server and return its URL."""
    name = f"test_{os.urandom(6).hex()}"
    postgres_server.execute(f"CREATE DATABASE {name}")
    yield postgres_server.url(name)
    postgres_server.thaw()
    if postgres_server.pids:
        postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def free_port() -> int:
    """Return a port on which nothing listens.

    It is below those that the kernel gives to connections, one of which could take it before the
    server of the test listens there.
    """
    while True:
        port = random.randrange(20_000, 32_768)  # noqa: S311 - not a secret
        with suppress(OSError), socket.socket() as listener:
            listener.bind(("127.0.0.1", port))
            return port


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it has ended in the meantime
        os.kill(pid, number)


def _children(pid: int) -> list[int]:
    """Return the processes that one has started."""
    processes = (int(path.name) for path in Path("/proc").glob("[0-9]*"))
    return [process for process in processes if _stat(process)[1:2] == [str(pid)]]


def state_of(pid: int) -> str:
    """Return `S`, `R`, `T` (frozen) or another state of a process; nothing if it has ended."""
    return "".join(_stat(pid)[:1])


def _stat(pid: int) -> list[str]:
    # From /proc, because `ps` is not installed everywhere.
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _postgres_programs() -> Path:
    """Return the folder of the newest PostgreSQL; Debian keeps it out of the path."""
    found = shutil.which("postgres")
    folders = [Path(found).parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    for folder in folders:
        if all((folder / program).exists() for program in ("postgres", "initdb", "psql")):
            return folder
    msg = "postgresql is not installed"
    raise Missing(msg)


def _version(folder: Path) -> int:
    return int(folder.parent.name) if folder.parent.name.isdigit() else 0


def _unprivileged_user() -> dict[str, Any]:
    """Return as whom to run PostgreSQL, which refuses root; as ourselves if we are not root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": ()}
    msg = "PostgreSQL refuses root, and there is no user postgres or nobody"
    raise Missing(msg)
