"""A process that buys credit reports once each, and kills itself at a given moment.

`python purchase_worker.py <JSON of Job>`; prints the ids of the reports as JSON.
"""

import json
import os
import signal
import sys
import threading
from contextlib import suppress
from typing import Any, cast

import anyio

from sikoia_async import CallError, CallInfo, PurchaseInDoubtError, Purchases, Sikoia
from sikoia_async.environments import local
from sikoia_async.models import ResponseInfo
from sikoia_async.stores import SqliteStores, Stores

_AT_ONCE = 8


def die() -> None:
    """End at once, as a process does whose machine loses power."""
    os.kill(os.getpid(), signal.SIGKILL)


class Moment:
    """Kills this process when something has happened so often.

    Args:
        name: `intending`, `intended`, `sent`, `answered` or `noted`; empty for never.
        count: at which occurrence.
    """

    def __init__(self, name: str, count: int) -> None:
        self._name = name
        self._left = count

    def pass_by(self, name: str, delay: float = 0.0) -> None:
        """Count an occurrence; die if it is the one."""
        if name != self._name:
            return
        self._left -= 1
        if self._left == 0:
            if delay:
                threading.Timer(delay, die).start()
            else:
                die()


class _Store:
    """A store that passes its moments by."""

    def __init__(self, inner: Any, moment: Moment) -> None:
        self._inner = inner
        self._moment = moment

    async def intend(self, account: str, purchase: Any) -> Any:
        self._moment.pass_by("intending")
        found = await self._inner.intend(account, purchase)
        self._moment.pass_by("intended")
        return found

    async def change(self, account: str, purchase: Any, *, owner: str) -> Any:
        changed = await self._inner.change(account, purchase, owner=owner)
        self._moment.pass_by("noted")
        return changed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


async def report(
    purchases: Purchases, sikoia: Sikoia, company: str, *, is_listed: bool
) -> str | None:
    """Buy a report, or make a search; return its id, or None if it is in doubt."""
    key = f"report-{company}"
    for _ in range(20):
        # No response in time, on a busy machine: the same key finds out.
        with suppress(CallError):
            try:
                if is_listed:
                    return (await purchases.once(key, sikoia.credit_reports.request, company)).ids[
                        0
                    ]
                await purchases.once(
                    key,
                    sikoia.company_registry.search,
                    company_name=f"Company {company}",
                    country_code="GB",
                )
            except PurchaseInDoubtError:
                return None
            return ""
    raise TimeoutError


async def buy(job: dict[str, Any]) -> dict[str, str | None]:
    """Buy a report on each company; None for those in doubt."""
    moment = Moment(job["moment"], job["count"])

    def on_request(call: CallInfo) -> None:
        if call.method == "POST":
            moment.pass_by("sent", job["delay"])

    def on_response(response: ResponseInfo) -> None:
        if response.method == "POST":
            moment.pass_by("answered")

    stores = SqliteStores(job["file"])
    shared = Stores(purchases=cast("Any", _Store(stores.purchases, moment))) | stores
    bought: dict[str, str | None] = {}
    limiter = anyio.CapacityLimiter(_AT_ONCE)
    async with Sikoia(
        job["client_id"],
        job["client_secret"],
        environment=local(job["url"]),
        tls=job["ca_file"],
        quota=None,
        timeout=job["timeout"],
        shared=shared,
        on_request=on_request,
        on_response=on_response,
    ) as sikoia:
        purchases = sikoia.purchases.with_options(grace=job["grace"])

        async def one(company: str) -> None:
            async with limiter:
                bought[company] = await report(
                    purchases, sikoia, company, is_listed=bool(job["is_listed"])
                )

        async with anyio.create_task_group() as tasks:
            for company in job["companies"]:
                tasks.start_soon(one, company)
    return bought


if __name__ == "__main__":
    told = json.loads(sys.argv[1])
    sys.stdout.write(json.dumps(anyio.run(buy, told, backend=told["backend"])))
