"""One process of a `Fleet`, which does what each line of its input says, and prints the results.

    python fleet_worker.py '{"url": "http://127.0.0.1:8000", "store": "sikoia.db", ...}'

- `flood`: call as often as the shared rate limit allows; prints the type of each error.
- `call`, `buy`: make one call, or one that may cost money; prints `ok` or the type of its error.
- `deliver 200`: receive that many webhook events at once; prints how many it has handled so far.
- `stop`: end all calls; prints `done`.
"""

import asyncio
import json
import sys
import time
from contextlib import AsyncExitStack, suppress
from functools import reduce
from importlib import import_module
from typing import Any

import attrs

from sikoia_async import Priority, Quota, Router, Sikoia, local
from sikoia_async.errors import WebhookBusyError
from sikoia_async.stores import Host, PostgresStores, RedisStores, SqliteStores, Stores
from sikoia_async.webhooks import Event, parse

__all__ = ["TASKS", "Job", "stores_at"]

TASKS = 3
"""How many requests of a flood are in flight at most."""


@attrs.frozen(kw_only=True)
class Job:
    """What a process does."""

    url: str
    store: str
    """A file, or the URL of Redis or PostgreSQL; several are separated by spaces, and empty is
    none."""
    limit: int
    per: float
    name: str = "worker"
    """Begins the paths of its calls."""
    peers: int | None = 2
    priority: Priority = "interactive"
    timeout: float = 20
    max_chargeable: int = 1_000
    token_url: str = ""
    """Of the authorization server, which it needs none of by default."""
    wall_clock: float = 0.0
    """Seconds by which `time.time` is ahead."""
    started: float | None = None
    """When the host was started, by its monotonic clock, instead of when it was."""


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _host(started: float | None) -> Host | None:
    if started is None:
        return None
    return Host(now=lambda: time.monotonic() - started, boot_id=str(started))


def stores_at(at: str, host: Host | None = None) -> Stores:
    """Return the stores in a file, or in Redis."""
    return RedisStores.from_url(at) if at.startswith("redis:") else SqliteStores(at, host=host)


async def _stores(job: Job, stack: AsyncExitStack) -> Stores | None:
    opened = list[Stores]()
    for at in job.store.split():
        if at.startswith("postgresql:"):
            create = import_module("asyncpg").create_pool
            pool = await stack.enter_async_context(create(at, min_size=1, timeout=2))
            opened.append(PostgresStores(pool))
        else:
            opened.append(stores_at(at, _host(job.started)))
    return reduce(Stores.__or__, opened) if opened else None


async def _once(sikoia: Sikoia, method: str, path: str, **options: Any) -> str:
    try:
        await sikoia.request(method, path, **options)
    except Exception as error:  # noqa: BLE001 - the test says which may happen
        return type(error).__name__
    return "ok"


async def _flood(sikoia: Sikoia, path: str) -> None:
    while True:
        result = await _once(sikoia, "GET", path)
        if result != "ok":
            _say(result)
            await asyncio.sleep(0.1)


async def _deliver(router: Router, count: int) -> None:
    async def deliver(number: int) -> None:
        with suppress(WebhookBusyError):
            await router.handle(parse(b'{"id": %d}' % number))

    await asyncio.gather(*[deliver(number) for number in range(count)])


async def _main(job: Job) -> None:
    async with AsyncExitStack() as stack:
        credentials: Any = {"token": "test"}
        environment = local(job.url)
        if job.token_url:
            credentials = {"client_id": "an-id", "client_secret": "a-secret"}
            environment = attrs.evolve(environment, token_url=job.token_url)
        shared = await _stores(job, stack)
        sikoia = await stack.enter_async_context(
            Sikoia(
                **credentials,
                environment=environment,
                shared=shared,
                quota=Quota(job.limit, per=job.per, peers=job.peers),
                max_chargeable=job.max_chargeable,
                retries=0,
                timeout=job.timeout,
            )
        )
        router = Router("a webhook secret, unused", replay=shared or "memory")
        handled = list[Event]()

        @router.otherwise
        async def handle(event: Event) -> None:
            handled.append(event)
            await asyncio.sleep(0.2)

        sikoia = sikoia.with_options(priority=job.priority)
        flood = list[asyncio.Task[None]]()
        _say("ready")
        while (line := await asyncio.to_thread(sys.stdin.readline)) not in {"", "stop\n"}:
            if line == "flood\n":
                path = f"/{job.name}/cases"
                flood += [asyncio.create_task(_flood(sikoia, path)) for _ in range(TASKS)]
            elif line.startswith("deliver"):
                await _deliver(router, int(line.split()[1]))
                _say(str(len(handled)))
            elif line == "call\n":
                _say(await _once(sikoia, "GET", f"/{job.name}/cases"))
            else:
                path = f"/{job.name}/purchases"
                _say(await _once(sikoia, "POST", path, chargeable=True))
        for task in flood:
            task.cancel()
        await asyncio.gather(*flood, return_exceptions=True)
    _say("done")


if __name__ == "__main__":
    given = Job(**json.loads(sys.argv[1]))
    real = time.time
    time.time = lambda: real() + given.wall_clock
    asyncio.run(_main(given))
