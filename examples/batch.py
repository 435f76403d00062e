"""Affordability insights for many people: `python examples/batch.py people.csv`.

The file has the columns person_id and statement, the path of a bank statement. Run it again after a
crash, after Ctrl-C, or if some rows did not finish: it goes on where it stopped, from the journal
people.csv.db, and buys nothing twice.
"""

import asyncio
import csv
import sys
from collections.abc import Mapping
from pathlib import Path

from sikoia_async import Done, Entity, Sikoia
from sikoia_async.batch import Run
from sikoia_async.resources.affordability import AffordabilityReport

TIMEOUT = 4 * 3600.0
"""How long to wait for each step of a row, in seconds."""


async def insights(run: Run[Sikoia], row: Mapping[str, str]) -> AffordabilityReport:
    """Return the insights for a row. An earlier run may have stopped anywhere in here."""
    person = Entity("person", row["person_id"])
    if not await run.sikoia.documents.list(person):  # uploading is free, so looking is enough
        statement = Path(row["statement"])
        await run.sikoia.documents.upload(person, statement, document_type="BankStatement")
    await run.sikoia.data_sources.until_complete(person).wait(timeout=TIMEOUT)
    operation = await run.once("insights", run.sikoia.affordability.request, person)
    return await operation.wait(timeout=TIMEOUT)


async def main(path: Path) -> int:
    """Process all rows of a file that are left, and return how many did not finish."""
    journal = path.with_name(f"{path.name}.db")
    async with Sikoia() as sikoia, sikoia.batch(journal, handle_signals=True) as batch:
        with path.open(newline="", encoding="utf-8") as file:
            results = batch.map(
                insights, csv.DictReader(file), key=lambda row: row["person_id"], retry_failed=True
            )
            async for result in results:
                person_id = result.item["person_id"]
                if isinstance(result, Done):
                    report = result.value
                    flows = (report.data and report.data.cashflow) or ()
                    print(f"{person_id}: {report.status}, {len(flows)} cash flows", flush=True)
                else:  # one row's error affects no other row
                    print(f"{person_id}: {type(result.error).__name__}: {result.error}", flush=True)
        summary = await batch.summary()
    for operation, count in summary.spent.items():
        print(f"may have cost money: {operation}, {count} times")
    return summary.failed + summary.in_doubt + (summary.left or 0)


if __name__ == "__main__":
    sys.exit(min(asyncio.run(main(Path(sys.argv[1]))), 1))
