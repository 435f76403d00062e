"""A batch that is stopped once or twice at any moment: the next run has the rest, bought once.

`benchmarks/stopped_batches.py` has two hundred stops of real processes for each backend.
"""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest
from batch.companies import create_companies, request_report
from batch.durable import new_sandbox

from sikoia_async import Sikoia
from sikoia_async.batch import Done
from sikoia_async.testing import MemorySandbox, client_of

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_COMPANIES = 6
_MOMENTS = 5
_REPORTS = "POST /v2/company-credit-reports"


async def run(
    sikoia: Sikoia, journal: Path, ids: Sequence[str], stops: Sequence[float] = ()
) -> tuple[list[Any], str | None]:
    """Run a batch that is stopped after some seconds, and again; return what it yields."""
    results = list[Any]()
    async with sikoia.batch(journal) as batch:

        async def stop() -> None:
            for seconds in stops:
                await anyio.sleep(seconds)
                batch.stop("SIGINT")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stop)
            results = [one async for one in batch.map(request_report, ids, key=str, at_once=2)]
            tasks.cancel_scope.cancel()
        return results, (await batch.summary()).stopped


def contents(results: Sequence[Any]) -> list[Any]:
    """Return what was bought, sorted, without the ids and times of each request."""
    assert all(isinstance(one, Done) for one in results)
    values = [json.loads(one.value.to_json()) for one in results]
    for value in values:
        del value["request_id"], value["datetime_requested"]
    return sorted(values, key=lambda one: str(one["company_id"]))


async def companies(sandbox: MemorySandbox) -> list[str]:
    """Create companies."""
    async with client_of(sandbox) as sikoia:
        return await create_companies(sikoia, _COMPANIES)


@pytest.mark.parametrize("times", [1, 2])
async def test_the_next_run_has_the_rest(
    tmp_path: Path, times: int, anyio_backend_name: str
) -> None:
    """At seeded moments: nothing is bought twice, and no company is left out or yielded twice."""
    chance = random.Random(f"{anyio_backend_name}{times}")  # noqa: S311 - the same in each run
    stopped = 0
    for number in range(_MOMENTS):
        with new_sandbox() as sandbox:
            sandbox.faults.add(_REPORTS, delay=1.0, times=1_000)
            ids = await companies(sandbox)
            stops = [chance.random() * 3, chance.random() * 1.5][:times]
            async with client_of(sandbox) as sikoia:
                first, reason = await run(sikoia, tmp_path / f"{number}.db", ids, stops)
                second, _ = await run(sikoia, tmp_path / f"{number}.db", ids)
                sandbox.ledger.assert_nothing_charged_twice()
                assert sandbox.ledger.spend == len(ids), stops
                undisturbed, _ = await run(sikoia, tmp_path / f"{number}-whole.db", ids)
            assert contents([*first, *second]) == contents(undisturbed), stops
            stopped += reason is not None and len(first) < len(ids)
    assert stopped > _MOMENTS // 2
