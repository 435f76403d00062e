"""The examples for several machines: three worker processes, one killed while it buys.

Nothing is bought twice, nothing is lost, and all of them together keep one rate limit.
"""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import IO

import anyio
import attrs
import pytest
from servers import PostgresServer, RedisServer

from sikoia_async import NewCompany
from sikoia_async.sandbox import Sandbox
from sikoia_async.testing import client_of

EXAMPLES = Path(__file__).parents[1] / "examples"
COMPANIES = 9
REPORT = "POST /v2/company-credit-reports"
PATIENCE = 60
"""Seconds until a test gives up waiting."""
SETTINGS = {
    "AT_ONCE": "2",
    "IDLE_TIMEOUT": "4",
    # A purchase of a killed process is looked for when this, and five seconds, have passed.
    "SIKOIA_TIMEOUT": "3",
}


@attrs.define
class Program:
    """A process that runs an example, and what it prints."""

    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def output(self) -> str:
        """What it has printed until now."""
        return self.log.read_text("utf-8")

    def end(self, number: signal.Signals | None = None) -> int:
        """Wait until it has ended, at this signal or by itself, and return its exit code."""
        if number is not None:
            self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@attrs.define
class Batch:
    """A batch of companies, and the processes that buy a report on each."""

    sandbox: Sandbox
    folder: Path
    companies: list[str]
    environment: dict[str, str]
    programs: list[Program] = attrs.field(factory=list[Program])

    def start(self, *command: str) -> Program:
        """Start a program in the folder of the test."""
        log = self.folder / f"{len(self.programs)}.log"
        with log.open("wb") as file:
            self.programs.append(Program(_popen(command, self.folder, self.environment, file), log))
        return self.programs[-1]

    @property
    def charged(self) -> set[str]:
        """The companies that a report was bought on, even if nobody has received the response."""
        return {
            one for request in self.sandbox.ledger if request.cost for one in request.charged_for
        }

    def kill_while_it_buys(self, worker: Program, in_progress: Callable[[], set[str]]) -> None:
        """Kill a worker that has bought a report and did not get the response yet."""
        end = time.monotonic() + PATIENCE
        while not in_progress() & self.charged:
            assert time.monotonic() < end, worker.output
            time.sleep(0.02)
        assert worker.end(signal.SIGKILL) == -signal.SIGKILL

    def stop(self, workers: list[Program]) -> None:
        """Stop workers as Ctrl-C does, and check that they end in order."""
        for worker in workers:
            worker.process.send_signal(signal.SIGINT)
        assert {worker.end() for worker in workers} == {0}

    def check(self, add: Program) -> None:
        """Check that each company has been bought once, and none is missing in the output."""
        assert add.end() == 0, add.output
        states = dict(re.findall(r"^([\w-]+): (\w+)$", add.output, re.MULTILINE))
        assert states == dict.fromkeys(self.companies, "Complete")
        charges = [request for request in self.sandbox.ledger if request.cost]
        assert {request.operation for request in charges} == {REPORT}
        assert len(charges) == len(self.charged) == COMPANIES
        self.sandbox.ledger.assert_nothing_charged_twice()
        assert all(request.status != 429 for request in self.sandbox.ledger)


def _popen(
    command: tuple[str, ...], folder: Path, environment: dict[str, str], log: IO[bytes]
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, *command], cwd=folder, env=environment, stdout=log, stderr=log
    )


async def _create(sandbox: Sandbox) -> list[str]:
    new = [
        NewCompany(company_name=f"Company {n}", company_number=f"{n:08}", jurisdiction_code="GB")
        for n in range(COMPANIES)
    ]
    async with client_of(sandbox) as sikoia:
        case = await sikoia.cases.create(name="Batch", case_type="Business", companies=new)
    return [one.company_id for one in case.companies or ()]


@contextmanager
def batch(folder: Path, **settings: str) -> Generator[Batch]:
    """Run a local Sikoia with some companies, whose responses to purchases take a second."""
    with Sandbox(work_time=0) as sandbox:
        companies = anyio.run(_create, sandbox)
        (folder / "companies.csv").write_text("\n".join(["company_id", *companies, ""]))
        sandbox.faults.add(REPORT, delay=1, times=10**6)
        environment = os.environ | sandbox.variables | SETTINGS | settings
        running = Batch(sandbox, folder, companies, environment)
        try:
            yield running
        finally:
            for program in running.programs:
                program.process.kill()
                program.process.wait(PATIENCE)


def _select(file: Path, statement: str) -> list[str]:
    if not file.exists():
        return []
    with closing(sqlite3.connect(file, timeout=PATIENCE)) as connection:
        return [row[0] for row in connection.execute(statement)]


@pytest.fixture(params=["sqlite", "postgres"])
def databases(
    request: pytest.FixtureRequest, tmp_path: Path
) -> tuple[dict[str, str], Callable[[str], list[str]]]:
    """Return the settings for a kind of database, and a function that queries that of DBOS."""
    pytest.importorskip("dbos")
    if request.param == "sqlite":
        if sys.version_info >= (3, 12) and sqlite3.sqlite_version_info < (3, 42):
            pytest.skip("with Python 3.12, DBOS calls unixepoch('subsec'), new in SQLite 3.42")
        return {}, partial(_select, tmp_path / "dbos_batch.db")
    postgres: PostgresServer = request.getfixturevalue("postgres_server")
    redis: RedisServer = request.getfixturevalue("redis_server")
    url: str = request.getfixturevalue("postgres_url")
    name = url.rpartition("/")[2]
    settings = {"DATABASE_URL": url, "REDIS_URL": redis.url}

    def select(statement: str) -> list[str]:
        return postgres.execute(statement, name).split()

    return settings, select


def test_dbos_workers_finish_what_a_killed_one_was_buying(
    databases: tuple[dict[str, str], Callable[[str], list[str]]], tmp_path: Path
) -> None:
    """The killed worker is started again under its name, as a supervisor would do."""
    settings, query = databases
    program = str(EXAMPLES / "dbos_batch.py")
    schema = "dbos." if settings else ""

    def in_progress() -> set[str]:
        found = query(
            f"SELECT workflow_uuid FROM {schema}workflow_status"  # noqa: S608 - of this test
            " WHERE status = 'PENDING' AND executor_id = 'worker-1'"
        )
        return {one.removeprefix("report-") for one in found}

    with batch(tmp_path, **settings) as running:
        workers = [running.start(program, "work", f"worker-{n}") for n in (1, 2, 3)]
        for worker in workers:
            _wait_for("is ready", worker)
        add = running.start(program, "add", "companies.csv")
        running.kill_while_it_buys(workers[0], in_progress)
        workers[0] = running.start(program, "work", "worker-1")

        running.check(add)
        running.stop(workers)


def _wait_for(text: str, program: Program) -> None:
    end = time.monotonic() + PATIENCE
    while text not in program.output:
        assert time.monotonic() < end, program.output
        assert program.process.poll() is None, program.output
        time.sleep(0.02)


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_streaq_workers_finish_what_a_killed_one_was_buying(
    loop: str, request: pytest.FixtureRequest, redis_server: RedisServer, tmp_path: Path
) -> None:
    """The others take it over."""
    pytest.importorskip("streaq")
    settings = {"REDIS_URL": redis_server.url, "EVENT_LOOP": loop, "PYTHONPATH": str(EXAMPLES)}
    if loop == "asyncio":
        settings["DATABASE_URL"] = request.getfixturevalue("postgres_url")

    with batch(tmp_path, **settings) as running:
        workers = [running.start("-m", "streaq", "run", "streaq_batch:worker") for _ in range(3)]
        for worker in workers:
            _wait_for("starting worker", worker)
        add = running.start(str(EXAMPLES / "streaq_batch.py"), "companies.csv")

        def in_progress() -> set[str]:
            begun, ended = (
                set(re.findall(rf"{sign} report-(\S+)", workers[0].output)) for sign in "□■"
            )
            return begun - ended

        running.kill_while_it_buys(workers[0], in_progress)

        running.check(add)
        running.stop(workers[1:])
