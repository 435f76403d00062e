"""The memory and speed of the local Sikoia after a long test suite.

It has 10,000 cases, each with a company and a person, and a ledger of 200,000 requests. The memory
is the peak of a separate process. Requests about one case are compared with those to a local Sikoia
with 100 cases, and the last requests with the first. The SDK makes calls in memory, as in
`testing.py`, which measures them on an empty sandbox. Everything runs in one thread, so times are
CPU times.
"""

import asyncio
import json
import random
import tempfile
import time
from collections.abc import Callable, Generator
from itertools import pairwise
from pathlib import Path
from typing import Final

from _children import environment, printed
from _grown import GROUPS, Grown, ask, new_app
from _measure import Row, at_most, is_quick, print_table, race

from sikoia_async import Sikoia
from sikoia_async.environments import local
from sikoia_async.sandbox import App
from sikoia_async.testing import in_memory

__all__ = ["compare", "highest"]

_CASES: Final = 10_000
_REQUESTS: Final = 200_000
_MEMORY: Final = 500e6
_CALLS: Final = 128
"""Calls per round: a multiple of 64, because one response in 64 is checked for drift."""
_FEWEST: Final = 500
"""Target: calls per second by the SDK in memory, on one core."""
_FEW: Final = 100
_FLAT: Final = 1.5
"""Target: how much longer a request may take; noise included."""
_PROCESS: Final = Path("/proc/self/status")
_CHILD: Final = """
import sys
sys.path.append("benchmarks")
import sandboxes
print(sandboxes.highest({cases}, {requests}))
"""


def compare(*, quick: bool) -> list[Row]:
    """Fill a local Sikoia in a separate process, and then one in this process."""
    share, rounds = (100, 2) if quick else (1, 20)
    cases, requests = _CASES // share, _REQUESTS // share
    return [
        *_memory(cases, requests),
        _flat(requests),
        *_growth(_FEW // share, cases, rounds),
        *_calls(cases, rounds),
        *_looks(cases, requests),
    ]


def _memory(cases: int, requests: int) -> Generator[Row]:
    what = f"{cases:,} cases, {requests:,} requests: memory | 500 MB"
    if not _PROCESS.exists():
        yield Row(f"{what}: needs /proc", "-", "-")
        return
    with tempfile.TemporaryDirectory() as compiled:
        most = printed(_CHILD.format(cases=cases, requests=requests), environment(compiled))
    yield at_most(1, what, [most], [_MEMORY], "bytes")


def highest(cases: int, requests: int) -> int:
    """Fill a local Sikoia, and return the peak memory of this process in bytes."""
    app = new_app()
    asyncio.run(_fill(app, cases, requests))
    if (len(app.state.cases), len(app.ledger)) != (cases, requests):
        msg = "the local Sikoia refused a request"
        raise RuntimeError(msg)
    (line,) = [one for one in _PROCESS.read_text().splitlines() if one.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def _flat(requests: int) -> Row:
    """Compare the time of the last requests with that of the first, in one local Sikoia."""
    grown, share = Grown(new_app()), requests // 10

    async def seconds() -> list[float]:
        await grown.fill(share // 100)
        took: list[float] = []
        for number in range(requests):
            if number % share == 0:
                took.append(time.process_time())
            ids = grown.cases[number % len(grown.cases)]
            await ask(grown.app, "GET", f"/v2/documents/{ids['document']}")
        return [*took, time.process_time()]

    took = asyncio.run(seconds())
    first, *_, last = (later - earlier for earlier, later in pairwise(took))
    what = f"{requests:,} requests: each of the last tenth | of the first tenth"
    return at_most(_FLAT, what, [last / share], [first / share], "s/call")


def _growth(few: int, many: int, rounds: int) -> Generator[Row]:
    small, large = Grown(new_app()), Grown(new_app())
    with asyncio.Runner() as runner:
        runner.run(small.fill(few))
        runner.run(large.fill(many))
        for name, group in GROUPS.items():
            ways = {
                "ours": lambda group=group: runner.run(large.seconds(group)),
                "peer": lambda group=group: runner.run(small.seconds(group)),
            }
            costs = race(ways, rounds)
            what = f"{name}: with {many:,} cases | with {few:,}"
            yield at_most(_FLAT, what, costs["ours"], costs["peer"], "s/call")


async def _fill(app: App, cases: int, requests: int) -> None:
    """Create cases, and retrieve some of them until the number of requests is reached."""
    for number in range(cases):
        await ask(app, "POST", "/v2/cases", _case(number))
    paths = [f"/v2/cases/{case_id}" for case_id in app.state.cases]
    for number in range(cases, requests):
        await ask(app, "GET", paths[number % len(paths)])


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
    app = new_app()
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
    what = f"a call for a random one of {cases:,} persons"
    budget = [1 / _FEWEST] * rounds
    yield at_most(1, f"{what} | {_FEWEST} calls a second", costs["ours"], budget, "s/call")
    yield at_most(None, f"{what} | for the same person", costs["ours"], costs["peer"], "s/call")


def _seconds(runner: asyncio.Runner, sikoia: Sikoia, persons: list[str]) -> Callable[[], float]:
    """Return a function that measures a call for a random person."""
    chosen = random.Random(7)  # noqa: S311 - not for secrets

    async def call() -> None:
        for _ in range(_CALLS):
            await sikoia.identity.list(chosen.choice(persons))

    def seconds() -> float:
        began = time.process_time()
        runner.run(call())
        return (time.process_time() - began) / _CALLS

    return seconds


def _looks(cases: int, requests: int) -> Generator[Row]:
    """Measure operations on the whole ledger; they have no target."""
    app = new_app()
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
