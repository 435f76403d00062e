"""Kills processes while they buy, starts them again, and counts what was bought."""

import json
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import anyio
import attrs

from sikoia_async import NewCompany
from sikoia_async.sandbox import Rate, Sandbox
from sikoia_async.testing import client_of

__all__ = ["MOMENTS", "Figures", "Runs", "serving", "serving_late", "some_time"]

MOMENTS: Final = ("intending", "intended", "sent", "answered", "noted")
_WORKER: Final = Path(__file__).parent / "batch" / "purchase_worker.py"
_REPORT: Final = "POST /v2/company-credit-reports"
_SEARCH: Final = "POST /v2/company-registry-data/search"


@attrs.define
class Figures:
    """Counts over some runs."""

    companies: int = 0
    kills: int = 0
    charged: int = 0
    twice: int = 0
    """Companies that were bought more than once."""
    lost: int = 0
    """Companies without a report, or with that of another one."""
    in_doubt: int = 0


@contextmanager
def serving(*, seconds: float = 0.3, url: str | None = None) -> Generator[Sandbox]:
    """Run a local Sikoia whose responses to purchases take some time.

    Args:
        seconds: how long the responses take.
        url: the origin at which clients reach it, if it is another one.
    """
    with Sandbox(url=url, rate=Rate(requests_per_window=10**6)) as sandbox:
        for operation in (_REPORT, _SEARCH):
            sandbox.faults.add(operation, delay=seconds, times=10**6)
        yield sandbox


class Piece(NamedTuple):
    """A piece of what a client sends."""

    number: int
    """How many were before it on the same connection."""
    data: bytes
    source: socket.socket

    @property
    def is_request(self) -> bool:
        """Whether it belongs to a request, not to a handshake; waits for the body."""
        if self.number < 2:
            return False
        if self.data.count(b"\x17\x03\x03") == 1:  # the header of a record, which has no body
            self.source.recv(1, socket.MSG_PEEK)
        return True


_Hold = Callable[[Piece], None]


@contextmanager
def serving_late(hold: _Hold, *, seconds: float = 0.1) -> Generator[Sandbox]:
    """Run a local Sikoia that gets requests some time later, whatever became of the client.

    So a request takes effect after the death of its sender.

    Args:
        hold: called before each piece of what a client sends is passed on. It returns when it is
            time.
        seconds: as for `serving`.
    """
    with ExitStack() as stack:
        listener = stack.enter_context(closing(socket.create_server(("127.0.0.1", 0))))
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        sandbox = stack.enter_context(serving(seconds=seconds, url=url))
        stack.enter_context(_passing_on(listener, sandbox.port, hold))
        yield sandbox


def some_time(_: Piece) -> None:
    """Hold everything back for a while."""
    time.sleep(0.3)


@contextmanager
def _passing_on(listener: socket.socket, port: int, hold: _Hold) -> Generator[None]:
    sockets: list[socket.socket] = [listener]
    threads: list[threading.Thread] = []

    def start(target: Callable[..., None], *args: object) -> None:
        threads.append(threading.Thread(target=target, args=args))
        threads[-1].start()

    def at_once(_: Piece) -> None:
        pass

    def pump(to: socket.socket, source: socket.socket, hold: _Hold) -> None:
        number = 0
        with suppress(OSError):
            while data := source.recv(65536):
                hold(Piece(number, data, source))
                number += 1
                to.sendall(data)
        hold(
            Piece(number, b"", source)
        )  # the server notices the end of its client after the request
        with suppress(OSError):
            to.shutdown(socket.SHUT_WR)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", port))
                sockets.extend((client, server))
                start(pump, client, server, at_once)
                start(pump, server, client, hold)

    start(accept)
    try:
        yield
    finally:
        for one in sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()
        for one in sockets:
            one.close()


@attrs.define
class Runs:
    """Runs of workers that buy a report on each company, and are killed while they do."""

    sandbox: Sandbox
    folder: Path
    backend: str = "asyncio"
    is_listed: bool = True
    timeout: float = 1.5
    grace: float = 1.0
    figures: Figures = attrs.field(factory=Figures)
    _runs: int = 0

    def run(
        self, companies: int, kills: Sequence[tuple[str, int, float]], *, at_once: int = 1
    ) -> None:
        """Buy a report on each of new companies, in workers that are killed and started again.

        Args:
            companies: how many.
            kills: the moment, at which occurrence of it, and the delay of each kill.
            at_once: how many workers run beside each other with the same keys.
        """
        ids = anyio.run(self._create, companies)
        before = len(self.sandbox.ledger)
        self._runs += 1
        file = self.folder / f"purchases-{self.backend}-{self._runs}.db"
        for moment, count, delay in kills:
            workers = [
                self._start(file, ids, moment=moment, count=count, delay=delay)
                for _ in range(at_once)
            ]
            for worker in workers:
                worker.communicate()
                self.figures.kills += worker.returncode == -9
        workers = [self._start(file, ids) for _ in range(at_once)]
        results = [json.loads(worker.communicate()[0]) for worker in workers]
        self._count(ids, results, before)

    async def _create(self, companies: int) -> list[str]:
        new = [
            NewCompany(
                company_name=f"Company {n}", company_number=f"{n:08}", jurisdiction_code="GB"
            )
            for n in range(companies)
        ]
        async with client_of(self.sandbox) as sikoia:
            case = await sikoia.cases.create(name="Batch", case_type="Business", companies=new)
        return [one.company_id for one in case.companies or ()]

    def _start(
        self, file: Path, ids: list[str], *, moment: str = "", count: int = 0, delay: float = 0.0
    ) -> "subprocess.Popen[bytes]":
        job: dict[str, Any] = {
            "file": str(file),
            "companies": ids,
            "moment": moment,
            "count": count,
            "delay": delay,
            "url": self.sandbox.url,
            "ca_file": self.sandbox.ca_file,
            "client_id": self.sandbox.client_id,
            "client_secret": self.sandbox.client_secret,
            "timeout": self.timeout,
            "grace": self.grace,
            "backend": self.backend,
            "is_listed": self.is_listed,
        }
        command = [sys.executable, str(_WORKER), json.dumps(job)]
        return subprocess.Popen(command, stdout=subprocess.PIPE)

    def _count(self, ids: list[str], results: list[dict[str, str | None]], before: int) -> None:
        operation = _REPORT if self.is_listed else _SEARCH
        ledger = list(self.sandbox.ledger)[before:]
        charged = [one for one in ledger if one.operation == operation and one.cost]
        by_fingerprint = dict[bytes, int]()
        for one in charged:
            by_fingerprint[one.fingerprint] = by_fingerprint.get(one.fingerprint, 0) + 1
        figures = self.figures
        figures.companies += len(ids)
        figures.charged += len(charged)
        figures.twice += sum(times > 1 for times in by_fingerprint.values())
        for company in ids:
            reports = {result.get(company) for result in results}
            if None in reports:
                figures.in_doubt += 1
            elif len(reports) != 1:
                figures.lost += 1
        if self.is_listed:
            requests = self.sandbox.state.store("credit_reports")
            figures.lost += sum(
                report is not None and requests.get(report).entity_id != company
                for result in results
                for company, report in result.items()
            )


def moments(seed: int, kills: int, companies: int) -> list[tuple[str, int, float]]:
    """Return seeded moments, each kind of them equally often."""
    chooser = random.Random(seed)  # noqa: S311 - not for secrets
    return [
        (MOMENTS[(seed + n) % len(MOMENTS)], chooser.randint(1, companies), chooser.random() * 0.4)
        for n in range(kills)
    ]
