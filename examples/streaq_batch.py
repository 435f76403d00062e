"""Credit reports for many companies on several machines, with streaq and Redis as the queue.

    streaq run streaq_batch:worker                    # on each machine, in this folder
    python examples/streaq_batch.py companies.csv     # once; waits for the results

The file has a column company_id. The queue, the rate limit and the access token are in REDIS_URL.
Purchases are in DATABASE_URL, a PostgreSQL URL; without it in SQLite, for workers on one host. With
EVENT_LOOP=trio they run on trio, which the clients of PostgreSQL do not support.
"""

import csv
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import anyio
from coredis import Redis
from psycopg_pool import AsyncConnectionPool
from streaq import StreaqRetry, Worker

from sikoia_async import RateLimitError, ServerError, Sikoia, StoreError, TransportError
from sikoia_async.stores import PostgresStores, RedisStores, SqliteStores, Stores

REDIS_URL: Final = os.environ.get("REDIS_URL", "redis://localhost:6379")
DATABASE_URL: Final = os.environ.get("DATABASE_URL")
AT_ONCE: Final = int(os.environ.get("AT_ONCE", "20"))
"""How many companies a worker works on at the same time."""
IDLE_TIMEOUT: Final = int(os.environ.get("IDLE_TIMEOUT", "60"))
"""Seconds until other workers take over the tasks of a killed one."""
TIMEOUT: Final = 4 * 3600.0
"""How long to wait for a report, in seconds."""
DRAIN: Final = 30
"""How long a stopped worker may continue with what it has begun, in seconds."""
TEMPORARY: Final = (RateLimitError, ServerError, StoreError, TransportError)


@asynccontextmanager
async def client() -> AsyncGenerator[Sikoia]:
    """Open the client of a worker, and what the workers share."""
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(Redis.from_url(REDIS_URL))
        purchases: Stores = SqliteStores("sikoia.db")
        if DATABASE_URL:
            pool = AsyncConnectionPool(DATABASE_URL, min_size=2, open=False)
            purchases = PostgresStores(await stack.enter_async_context(pool))
        shared = RedisStores(redis) | purchases
        sikoia = await stack.enter_async_context(Sikoia(shared=shared))
        yield sikoia.with_options(priority="background")


worker = Worker(
    REDIS_URL,
    queue_name="credit-reports",
    concurrency=AT_ONCE,
    lifespan=client,
    idle_timeout=IDLE_TIMEOUT,
    grace_period=DRAIN,
    anyio_backend="trio" if os.environ.get("EVENT_LOOP") == "trio" else "asyncio",
)
# A worker takes no task before it can begin it: others would take it over after IDLE_TIMEOUT.
worker.prefetch = AT_ONCE


@worker.task(max_tries=20, ttl=timedelta(days=7))  # tries for 40 minutes
async def credit_report(company_id: str) -> str | None:
    """Buy the report on a company, once however often this runs, and return its status."""
    sikoia = worker.context
    try:
        operation = await sikoia.purchases.once(
            f"report-{company_id}", sikoia.credit_reports.request, company_id
        )
        report = await operation.wait(timeout=TIMEOUT)
    except TEMPORARY as error:
        raise StreaqRetry(type(error).__name__) from error
    # Save the report here. Arguments, results and errors of a task are pickled into Redis, so
    # they should be ids and states, without personal data.
    return report.status


async def add(path: Path) -> int:
    """Add the companies of a file that are not there yet; return how many of all failed."""
    with path.open(newline="", encoding="utf-8") as file:
        tasks = [credit_report.enqueue(row["company_id"]) for row in csv.DictReader(file)]
    for task in tasks:
        task.id = f"report-{task.args[0]}"  # the same id is the same work
    failed = 0
    async with worker:
        await worker.redis.delete([worker.results_key + task.id for task in tasks])  # old results
        await worker.enqueue_many(tasks)
        for task in tasks:
            result = await task.result()
            outcome = result.result if result.success else type(result.exception).__name__
            print(f"{task.args[0]}: {outcome}", flush=True)
            failed += not result.success
    return failed


if __name__ == "__main__":
    sys.exit(min(anyio.run(add, Path(sys.argv[1]), backend=worker.anyio_backend), 1))
