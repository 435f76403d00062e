"""Affordability insights for many people: `python examples/batch.py people.csv`.

The file has the columns reference, first_name, last_name and statement, the path of a bank
statement. Progress is kept in people.csv.progress. Run it again after a crash, or if some rows did
not finish in time: it continues where it stopped and buys nothing twice.
"""

import asyncio
import csv
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from sikoia_async import Entity, NewPerson, Operation, OperationTimeoutError, Sikoia, SikoiaError
from sikoia_async.resources.affordability import AffordabilityReport

CONCURRENT_ROWS = 50
"""With more rows, calls would spend too much of their timeout waiting for the rate limit."""
TIMEOUT = 4 * 3600.0
"""How long to wait for each step of a row, in seconds."""


class Progress:
    """The steps already taken for each reference, kept in a file with one line per step."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        self._steps = {
            (step, reference): value for step, reference, value in map(json.loads, lines)
        }

    def get(self, step: str, reference: str) -> str | None:
        """Return the value recorded for a step, or None."""
        return self._steps.get((step, reference))

    def record(self, step: str, reference: str, value: str) -> None:
        """Record a step that a later run must not repeat."""
        self._steps[step, reference] = value
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([step, reference, value]) + "\n")


async def start(
    sikoia: Sikoia, row: Mapping[str, str], progress: Progress
) -> Operation[AffordabilityReport]:
    """Return the operation of a row: the one started by an earlier run, or a new one."""
    reference = row["reference"]
    if token := progress.get("token", reference):
        return sikoia.operation(token)

    person_id = progress.get("person", reference)
    is_rerun = person_id is not None
    if person_id is None:
        new = NewPerson(first_name=row["first_name"], last_name=row["last_name"])
        case = await sikoia.cases.create(name=reference, case_type="Consumer", persons=[new])
        [person_id] = [person.person_id for person in case.persons]
        progress.record("person", reference, person_id)
    person = Entity("person", person_id)

    # An earlier run may have stopped before it recorded a step, so look before repeating one.
    if not (is_rerun and await sikoia.documents.list(person)):
        statement = Path(row["statement"])
        await sikoia.documents.upload(person, statement, document_type="BankStatement")
    await sikoia.data_sources.until_complete(person).wait(timeout=TIMEOUT)
    requests = (await sikoia.affordability.list(person)) if is_rerun else None
    if requests:
        operation = sikoia.affordability.operation(requests[0])
    else:
        operation = await sikoia.affordability.request(person)
    progress.record("token", reference, operation.token)
    return operation


async def process(sikoia: Sikoia, row: Mapping[str, str], progress: Progress) -> tuple[bool, str]:
    """Return whether a row finished, and a message about it. Errors affect only their own row."""
    try:
        report = await (await start(sikoia, row, progress)).wait(timeout=TIMEOUT)
    except OperationTimeoutError as error:
        return False, f"still running; run this again, or resume {error.token}"
    except (SikoiaError, OSError) as error:
        return False, f"{type(error).__name__}: {error}"
    return True, f"{report.status}, {len((report.data and report.data.cashflow) or ())} cash flows"


async def main(path: Path) -> int:
    """Process all rows of a file and return how many did not finish."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    progress = Progress(path.with_name(path.name + ".progress"))
    finished: list[bool] = []

    limiter = asyncio.Semaphore(CONCURRENT_ROWS)

    async def work(row: Mapping[str, str]) -> None:
        async with limiter:
            is_finished, message = await process(sikoia, row, progress)
        finished.append(is_finished)
        print(f"{len(finished)}/{len(rows)} {row['reference']}: {message}", flush=True)

    # The client limits concurrent requests and requests per minute by itself.
    async with Sikoia(timeout=120) as sikoia:
        async with asyncio.TaskGroup() as tasks:
            for row in rows:
                tasks.create_task(work(row))
        for operation, count in sikoia.spend.items():
            print(f"may have cost money: {operation}, {count} times")
    return finished.count(False)


if __name__ == "__main__":
    sys.exit(min(asyncio.run(main(Path(sys.argv[1]))), 1))
