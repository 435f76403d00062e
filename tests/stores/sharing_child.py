"""One of several processes that share a file: `python sharing_child.py ROLE PORT FILE`.

It says `ready` and waits for a line; then it plays its role, and says how that went.
"""

import json
import sys
from functools import partial
from typing import Any

import anyio

from sikoia_async import ChargeLimitError, ReplayGuard, Router, Sikoia, local
from sikoia_async.errors import WebhookBusyError
from sikoia_async.stores import SqliteStores
from sikoia_async.webhooks import parse

ID = "3f2a9c1e-0b5d-4c6f-8a7b-1d2e3f405162"
_EVENT = parse(
    json.dumps({"event_type": "IncomeEmployerInsights.Completed", "request_id": ID}).encode()
)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def _call(sikoia: Sikoia) -> None:
    await sikoia.request("GET", "/v2/cases")
    _say("called")


async def _buy(sikoia: Sikoia) -> None:
    bought = 0
    for _ in range(2):
        try:
            await sikoia.company_registry.request(ID)
            bought += 1
        except ChargeLimitError:
            pass
    _say(f"bought {bought}")


async def _wait(sikoia: Sikoia) -> None:
    operation = sikoia.income.operation(ID)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(partial(operation.wait, 45))
        _say("waiting")
    _say("done")


async def _feed(sikoia: Sikoia) -> None:
    sikoia.events.feed(_EVENT)
    await anyio.sleep(1)
    _say("fed")


async def _handle(shared: SqliteStores, *, seconds: float) -> None:
    router = Router("a webhook secret of a test", replay=ReplayGuard(shared, claim_ttl=1))

    @router.otherwise
    async def handle(_: Any) -> None:
        _say("handling")
        await anyio.sleep(seconds)

    while True:
        try:
            _say((await router.handle(_EVENT)).outcome)
        except WebhookBusyError:
            await anyio.sleep(0.2)
        else:
            return


async def _main(role: str, port: str, file: str) -> None:
    shared = SqliteStores(file)
    _say("ready")
    sys.stdin.readline()
    if role.startswith("handle"):
        await _handle(shared, seconds=600 if role == "handle-long" else 0)
        return
    roles = {"call": _call, "buy": _buy, "wait": _wait, "feed": _feed}
    async with Sikoia(
        "an-id",
        "a-secret",
        environment=local(f"http://127.0.0.1:{port}"),
        shared=shared,
        max_chargeable=2,
        rely_on_events=True,
    ) as sikoia:
        await roles[role](sikoia)


if __name__ == "__main__":
    anyio.run(_main, sys.argv[1], sys.argv[2], sys.argv[3])
