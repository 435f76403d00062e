"""What the local Sikoia costs when a long suite has filled it: memory, and the time of a call.

It holds 10,000 cases, each with a company and a person, and a ledger of 100,000 requests. The
memory is that of a process of its own, at its highest. Calls are made in memory with the SDK in
front, as in `testing.py`, which sees what they cost while nothing is there. All is in one thread,
so that times are those of the processor.
"""

import asyncio
import json
import random
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Final
from uuid import uuid4

from _children import environment, printed
from _measure import Row, at_most, is_quick, print_table, race
from starlette.types import Message

from sikoia_async import Sikoia
from sikoia_async.environments import local
from sikoia_async.sandbox import App, create_app
from sikoia_async.testing import in_memory

__all__ = ["compare", "highest"]

_CASES: Final = 10_000
_REQUESTS: Final = 100_000
_MEMORY: Final = 500e6
_CALLS: Final = 128
"""Calls in a round: a multiple of 64, for one answer in 64 is looked at for drift."""
_FEWEST: Final = 500
"""Calls a second in memory, on one core, with the SDK in front."""
_PROCESS: Final = Path("/proc/self/status")
_KEY: Final = "a key"
_CHILD: Final = """
import sys
sys.path.append("benchmarks")
import sandbox
print(sandbox.highest({cases}, {requests}))
"""


def compare(*, quick: bool) -> list[Row]:
    """Fill one in a process of its own, and then one here."""
    share, rounds = (100, 2) if quick else (1, 20)
    cases, requests = _CASES // share, _REQUESTS // share
    return [*_memory(cases, requests), *_calls(cases, rounds), *_looks(cases, requests)]


def _memory(cases: int, requests: int) -> Generator[Row]:
    what = f"{cases:,} cases, {requests:,} requests: memory | 500 MB"
    if not _PROCESS.exists():
        yield Row(f"{what}: needs /proc", "-", "-")
        return
    with tempfile.TemporaryDirectory() as compiled:
        most = printed(_CHILD.format(cases=cases, requests=requests), environment(compiled))
    yield at_most(1, what, [most], [_MEMORY], "bytes")


def highest(cases: int, requests: int) -> int:
    """Fill a local Sikoia, and return how many bytes this process has held at most."""
    app = create_app(limit=10**9, api_key=_KEY)
    asyncio.run(_fill(app, cases, requests))
    if (len(app.state.cases), len(app.ledger)) != (cases, requests):
        msg = "the local Sikoia has refused what should fill it"
        raise RuntimeError(msg)
    (line,) = [one for one in _PROCESS.read_text().splitlines() if one.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


async def _fill(app: App, cases: int, requests: int) -> None:
    """Create cases, and ask for some of them until there have been so many requests."""
    for number in range(cases):
        await _ask(app, "POST", "/v2/cases", _case(number))
    paths = [f"/v2/cases/{case_id}" for case_id in app.state.cases]
    for number in range(cases, requests):
        await _ask(app, "GET", paths[number % len(paths)], b"")


async def _ask(app: App, method: str, path: str, body: bytes) -> None:
    headers = {
        "host": "sandbox.example",
        "accept": "application/json",
        "content-type": "application/json",
        "user-agent": "a suite",
        "apikey": _KEY,
        "x-correlation-id": str(uuid4()),
    }
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(_message: Message) -> None:
        """Nobody listens."""

    await app(scope, receive, send)


def _case(number: int) -> bytes:
    company = {"company_name": f"Widgets {number} Ltd", "company_number": f"{number:08}"}
    person = {
        "first_name": f"Wilma {number}",
        "last_name": "Example",
        "email": f"wilma.{number}@sandbox.example",
        "date_of_birth": "1985-06-12",
        "postal_address": {"house_number": str(number), "address_line_1": "Sample Street"},
    }
    case = {"name": f"Loan {number}", "case_type": "Business"}
    return json.dumps(case | {"companies": [company], "persons": [person]}).encode()


def _calls(cases: int, rounds: int) -> Generator[Row]:
    app = create_app(limit=10**9, token_life=10**9, api_key=_KEY)
    with asyncio.Runner() as runner:
        runner.run(_fill(app, cases, cases))
        sikoia = Sikoia(
            app.application.client_id,
            app.application.client_secret,
            environment=local(app.application.resource),
            transport=in_memory(app),
            quota=None,
        )
        persons = [case["persons"][0]["person_id"] for case in app.state.cases.values()]
        ways = {
            "ours": _seconds(runner, sikoia, persons),
            "peer": _seconds(runner, sikoia, persons[:1]),
        }
        costs = race(ways, rounds)
        runner.run(sikoia.aclose())
    what = f"a call about any of {cases:,} persons"
    budget = [1 / _FEWEST] * rounds
    yield at_most(1, f"{what} | {_FEWEST} calls a second", costs["ours"], budget, "s/call")
    yield at_most(None, f"{what} | always the same one", costs["ours"], costs["peer"], "s/call")


def _seconds(runner: asyncio.Runner, sikoia: Sikoia, persons: list[str]) -> Callable[[], float]:
    """Give what measures the seconds of a call about a person whom chance chooses."""
    chosen = random.Random(7)  # noqa: S311 - the same in every run

    async def call() -> None:
        for _ in range(_CALLS):
            await sikoia.identity.list(chosen.choice(persons))

    def seconds() -> float:
        began = time.process_time()
        runner.run(call())
        return (time.process_time() - began) / _CALLS

    return seconds


def _looks(cases: int, requests: int) -> Generator[Row]:
    """Show what a test pays that looks at all of it; there is no target."""
    app = create_app(limit=10**9, api_key=_KEY)
    asyncio.run(_fill(app, cases, requests))
    with tempfile.TemporaryDirectory() as folder:
        looks: dict[str, Callable[[], object]] = {
            "spend": lambda: app.ledger.spend,
            "assert_nothing_charged_twice": app.ledger.assert_nothing_charged_twice,
            "assert_no_personal_data_in_urls": app.ledger.assert_no_personal_data_in_urls,
            "write_har": lambda: app.ledger.write_har(Path(folder, "all.har")),
            "snapshot": app.snapshot,
        }
        for name, look in looks.items():
            began = time.process_time()
            look()
            took = [time.process_time() - began]
            yield at_most(None, f"{requests:,} requests: {name} | one second", took, [1.0])


if __name__ == "__main__":
    print_table(compare(quick=is_quick()))
