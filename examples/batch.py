"""Affordability insights for many people: `python examples/batch.py people.csv`.

The file has the columns reference, first_name, last_name and statement, which is a bank statement's
file. What was begun is noted in people.csv.begun. Run it again after a crash, or where some did not
end in time: it goes on where it was, and buys nothing twice.
"""

import asyncio
import csv
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from sikoia_async import Entity, NewPerson, Operation, OperationTimeoutError, Sikoia, SikoiaError
from sikoia_async.resources.affordability import AffordabilityReport

ROWS = 50
"""How many are worked on at once: of 200 requests a minute each of them has its turn soon."""
HOURS = 4 * 3600.0
"""Seconds that a row's slow work may take."""


class Begun:
    """What was begun, in a file: one line for each step of each reference."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        self._noted = {
            (step, reference): value for step, reference, value in map(json.loads, lines)
        }

    def get(self, step: str, reference: str) -> str | None:
        """Return what was noted, if anything."""
        return self._noted.get((step, reference))

    def note(self, step: str, reference: str, value: str) -> None:
        """Write down what a later run must not do again."""
        self._noted[step, reference] = value
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([step, reference, value]) + "\n")


async def started(
    sikoia: Sikoia, row: Mapping[str, str], begun: Begun
) -> Operation[AffordabilityReport]:
    """Return the operation of a row: the one that was begun, or a new one."""
    reference = row["reference"]
    if token := begun.get("token", reference):
        return sikoia.operation(token)

    person_id = begun.get("person", reference)
    again = person_id is not None
    if person_id is None:
        new = NewPerson(first_name=row["first_name"], last_name=row["last_name"])
        case = await sikoia.cases.create(name=reference, case_type="Consumer", persons=[new])
        [person_id] = [person.person_id for person in case.persons or ()]
        begun.note("person", reference, person_id)
    person = Entity("person", person_id)

    # The last run may have ended between an act and its note: look before you act again.
    if not (again and await sikoia.documents.list(person)):
        statement = Path(row["statement"])
        await sikoia.documents.upload(person, statement, document_type="BankStatement")
    await sikoia.data_sources.wait_complete(person).wait(timeout=HOURS)
    requests = (await sikoia.affordability.list(person)) if again else None
    if requests and requests.affordability_insights_requests:
        request_id = requests.affordability_insights_requests[0].request_id
        operation = sikoia.affordability.operation(request_id)
    else:
        operation = await sikoia.affordability.request(person)
    begun.note("token", reference, operation.token)
    return operation


async def outcome(sikoia: Sikoia, row: Mapping[str, str], begun: Begun) -> tuple[bool, str]:
    """Return whether a row came to its end, and what to say of it; an error is one row's own."""
    try:
        report = await (await started(sikoia, row, begun)).wait(timeout=HOURS)
    except OperationTimeoutError as error:
        return False, f"still running; run this again, or resume {error.token}"
    except (SikoiaError, OSError) as error:
        return False, f"{type(error).__name__}: {error}"
    return True, f"{report.status}, {len((report.data and report.data.cashflow) or ())} cash flows"


async def main(path: Path) -> int:
    """Go through the file and return how many rows did not come to their end."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    begun = Begun(path.with_name(path.name + ".begun"))
    ended: list[bool] = []

    room = asyncio.Semaphore(ROWS)

    async def work(row: Mapping[str, str]) -> None:
        async with room:
            good, said = await outcome(sikoia, row, begun)
        ended.append(good)
        print(f"{len(ended)}/{len(rows)} {row['reference']}: {said}", flush=True)

    # How many requests are under way, and how many a minute, is the client's business.
    async with Sikoia(timeout=120) as sikoia:
        async with asyncio.TaskGroup() as tasks:
            for row in rows:
                tasks.create_task(work(row))
        for operation, count in sikoia.spend.items():
            print(f"may have cost money: {operation}, {count} times")
    return ended.count(False)


if __name__ == "__main__":
    sys.exit(min(asyncio.run(main(Path(sys.argv[1]))), 1))
