"""Credit reports for many companies on several machines, with DBOS as the queue.

    python examples/dbos_batch.py work worker-1       # on each machine, until Ctrl-C
    python examples/dbos_batch.py add companies.csv   # once; waits for the results

The file has a column company_id. Without DATABASE_URL, all state is in SQLite, on one host. With a
PostgreSQL URL, and REDIS_URL, workers run on any number of hosts. Each has a name of its own. If
one is killed, start it again under the same name: what it was doing waits for that name.
"""

import asyncio
import csv
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from dbos import DBOS, SetWorkflowID, WorkflowHandleAsync
from psycopg_pool import AsyncConnectionPool

from sikoia_async import RateLimitError, ServerError, Sikoia, StoreError, TransportError
from sikoia_async.stores import PostgresStores, RedisStores, SqliteStores, Stores

DATABASE_URL: Final = os.environ.get("DATABASE_URL", "sqlite:///dbos_batch.db")
QUEUE: Final = "credit-reports"
AT_ONCE: Final = int(os.environ.get("AT_ONCE", "20"))
"""How many companies a worker works on at the same time."""
TIMEOUT: Final = 4 * 3600.0
"""How long to wait for a report, in seconds."""
DRAIN: Final = 30
"""How long a stopped worker may continue with what it has begun, in seconds.

Longer work is cancelled, and resumed as after a kill.
"""
TEMPORARY: Final = (RateLimitError, ServerError, StoreError, TransportError)
clients: list[Sikoia] = []
"""The client of this worker; it cannot be an argument, because DBOS pickles arguments."""


@DBOS.step(
    retries_allowed=True,
    max_attempts=12,  # for half an hour
    should_retry=lambda error: isinstance(error, TEMPORARY),
)
async def credit_report(company_id: str) -> str | None:
    """Buy the report on a company, once however often this runs, and return its status."""
    sikoia = clients[0]
    operation = await sikoia.purchases.once(
        f"report-{company_id}", sikoia.credit_reports.request, company_id
    )
    report = await operation.wait(timeout=TIMEOUT)
    # Save the report here. Arguments, results and errors of a step are pickled into the database,
    # so they should be ids and states, without personal data.
    return report.status


@DBOS.workflow()
async def process(company_id: str) -> str | None:
    """Run the steps for a company. After a crash, those that have ended are not run again."""
    return await credit_report(company_id)


@asynccontextmanager
async def stores() -> AsyncGenerator[Stores]:
    """Open what the workers share: rate limit, access token and purchases."""
    if DATABASE_URL.startswith("sqlite"):
        yield SqliteStores("sikoia.db")
    else:
        async with AsyncConnectionPool(DATABASE_URL, min_size=2, open=False) as pool:
            yield RedisStores.from_url(os.environ["REDIS_URL"]) | PostgresStores(pool)


@asynccontextmanager
async def dbos(name: str, queues: list[str]) -> AsyncGenerator[None]:
    """Run DBOS on this event loop; it works on these queues."""
    DBOS(
        config={
            "name": "sikoia-batch",
            "system_database_url": DATABASE_URL,
            "executor_id": name,
            "application_version": "1",  # each version resumes only its own work
        }
    )
    DBOS.listen_queues(queues)
    DBOS.launch()
    try:
        # Without `limiter`: it counts workflows, and Sikoia requests. The client does that.
        await DBOS.register_queue_async(QUEUE, worker_concurrency=AT_ONCE)
        yield
    finally:
        await asyncio.to_thread(DBOS.destroy, workflow_completion_timeout_sec=DRAIN)


async def work(name: str) -> None:
    """Work on the queue until this is cancelled."""
    async with stores() as shared, Sikoia(shared=shared) as sikoia:
        clients.append(sikoia.with_options(priority="background"))
        async with dbos(name, [QUEUE]):
            print(f"{name} is ready", flush=True)
            await asyncio.Event().wait()


async def add(path: Path) -> int:
    """Add the companies of a file that are not there yet; return how many of all failed."""
    failed = 0
    async with dbos("add", []):
        handles: dict[str, WorkflowHandleAsync[str | None]] = {}
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                company_id = row["company_id"]
                with SetWorkflowID(f"report-{company_id}"):  # the same id is the same work
                    handles[company_id] = await DBOS.enqueue_workflow_async(
                        QUEUE, process, company_id
                    )
        for company_id, handle in handles.items():
            try:
                print(f"{company_id}: {await handle.get_result()}", flush=True)
            except Exception as error:  # noqa: BLE001 - one company's error affects no other
                print(f"{company_id}: {type(error).__name__}", flush=True)
                failed += 1
    return failed


if __name__ == "__main__":
    if sys.argv[1] == "add":
        sys.exit(min(asyncio.run(add(Path(sys.argv[2]))), 1))
    with suppress(KeyboardInterrupt):
        asyncio.run(work(sys.argv[2]))
