"""Purchases in a batch: made once, counted in the journal, and limited over all runs."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from batch.companies import client_of, create_companies, request_report

from sikoia_async import ChargeLimitError, ConnectionFailedError, PurchaseInDoubtError, Sikoia
from sikoia_async.batch import Done, Failed, InDoubt, Run
from sikoia_async.sandbox import Rate, Sandbox

pytestmark = pytest.mark.anyio


@pytest.fixture
def sandbox() -> Generator[Sandbox]:
    """Run a local Sikoia."""
    with Sandbox(rate=Rate(requests_per_window=100_000)) as running:
        yield running


async def run(sikoia: Sikoia, path: Path, items: Any, **options: Any) -> list[Any]:
    """Run one batch that buys reports, and return the results and the summary."""
    work = options.pop("work", request_report)
    async with sikoia.batch(path / "j.db", **options) as batch:
        results = [one async for one in batch.map(work, items, key=str, at_once=8)]
        return [*results, await batch.summary()]


async def test_reports_are_bought_once(sandbox: Sandbox, tmp_path: Path) -> None:
    """In one run or in two, and counted by operation. Requests count for the client, too."""
    async with client_of(sandbox) as sikoia:
        ids = await create_companies(sikoia, 20)
        before = sikoia.stats().attempts
        *results, summary = await run(sikoia, tmp_path, ids)
        assert {type(one) for one in results} == {Done}
        assert {one.item for one in results} == set(ids)
        assert {one.value.company_id for one in results} == set(ids)
        assert {one.bought for one in results} == {("report",)}
        assert summary.spent == {"credit_reports.request": 20}
        assert (summary.done, summary.left, summary.eta) == (20, 0, 0.0)
        assert summary.requests == sikoia.stats().attempts - before
        assert sum(one.requests for one in results) == summary.requests
        [summary] = await run(sikoia, tmp_path, ids)
        assert summary.spent == {"credit_reports.request": 20}
        assert sikoia.spend == {"credit_reports.request": 20}
    sandbox.ledger.assert_nothing_charged_twice()


async def test_the_limit_holds_over_all_runs(sandbox: Sandbox, tmp_path: Path) -> None:
    """Items that are not bought are left to do, and what was bought goes on for free."""
    async with client_of(sandbox) as sikoia:
        ids = await create_companies(sikoia, 12)
        *results, summary = await run(sikoia, tmp_path, ids, max_chargeable=5)
        refused = [one.error for one in results if not hasattr(one, "value")]
        assert {type(one) for one in refused} == {ChargeLimitError}
        assert (summary.done, summary.failed, summary.left) == (5, 0, 7)
        assert summary.stopped == "spend limit"

        *results, summary = await run(sikoia, tmp_path, ids, max_chargeable=8)
        assert (summary.done, summary.left) == (8, 4)
        *results, summary = await run(sikoia, tmp_path, ids, max_chargeable=12)
        assert (summary.done, summary.left, summary.stopped) == (12, 0, None)
    sandbox.ledger.assert_nothing_charged_twice()


async def test_free_work_goes_on_after_the_limit(sandbox: Sandbox, tmp_path: Path) -> None:
    """Items whose purchase was made by an earlier run are finished."""

    async def fails_after_buying(run: Run[Sikoia], item: str) -> None:
        await request_report(run, item)
        msg = "after the purchase"
        raise ValueError(msg)

    async with client_of(sandbox) as sikoia:
        ids = await create_companies(sikoia, 6)
        await run(sikoia, tmp_path, ids[:4], work=fails_after_buying)
        async with sikoia.batch(tmp_path / "j.db", max_chargeable=4) as batch:
            results = [
                one
                async for one in batch.map(
                    request_report, ids, key=str, retry_failed=True,
                    name=fails_after_buying.__qualname__,
                )
            ]  # fmt: skip
            summary = await batch.summary()
    assert {one.item for one in results if not isinstance(one, Failed)} == set(ids[:4])
    assert (summary.done, summary.left, summary.stopped) == (4, 2, "spend limit")
    assert sandbox.ledger.spend == 4


async def test_calls_without_a_key_count_too(sandbox: Sandbox, tmp_path: Path) -> None:
    """They are limited in each run, and recorded for the next one."""

    async def without_key(run: Run[Sikoia], item: str) -> None:
        await run.sikoia.credit_reports.request(item)

    async with client_of(sandbox) as sikoia:
        ids = await create_companies(sikoia, 5)
        *_, summary = await run(sikoia, tmp_path, ids, max_chargeable=3, work=without_key)
        assert summary.spent == {"credit_reports.request": 3}
        *_, summary = await run(sikoia, tmp_path, ids, max_chargeable=4, work=without_key)
        assert (summary.done, summary.left) == (4, 1)
        assert summary.spent == {"credit_reports.request": 4}


async def test_what_cost_nothing_is_not_counted(sandbox: Sandbox, tmp_path: Path) -> None:
    """Such as a request that Sikoia refused."""
    async with client_of(sandbox) as sikoia:
        unknown = "00000000-0000-4000-8000-000000000000"
        *results, summary = await run(sikoia, tmp_path, [unknown], max_chargeable=1)
        assert isinstance(results[0], Failed)
        assert summary.spent == {}
        ids = await create_companies(sikoia, 1)
        *results, summary = await run(sikoia, tmp_path, ids, max_chargeable=1)
        assert summary.done == 1


async def test_a_method_of_another_kind_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    """A function of the caller, or a name that is not a string."""

    async def odd(run: Run[Sikoia], item: int) -> None:
        if item:
            await run.once("report", anyio.lowlevel.checkpoint)
        name: Any = 7
        await run.once(name, run.sikoia.credit_reports.request, "id")

    async with client_of(sandbox) as sikoia:
        *results, _ = await run(sikoia, tmp_path, [0, 1], work=odd)
    messages = sorted(str(one.error) for one in results)
    assert messages[0].startswith("method: expected")
    assert messages[1].startswith("name: expected a string")


async def test_a_purchase_in_doubt_is_not_made_again(sandbox: Sandbox, tmp_path: Path) -> None:
    """The item is yielded as in doubt, by each run, and counted as such."""

    async def search(run: Run[Sikoia], item: str) -> Any:
        return await run.once(
            "search", run.sikoia.company_registry.search, company_name=item, country_code="GB"
        )

    sandbox.faults.add("POST /v2/company-registry-data/search", reset="after")
    async with client_of(sandbox, retries=0) as sikoia:
        *results, summary = await run(sikoia, tmp_path, ["Acme"], work=search, grace=0)
        assert isinstance(results[0], InDoubt)
        assert isinstance(results[0].error, ConnectionFailedError)
        *results, summary = await run(sikoia, tmp_path, ["Acme"], work=search, grace=0)
    assert isinstance(results[0], InDoubt)
    assert isinstance(results[0].error, PurchaseInDoubtError)
    assert results[0].purchase.operation == "company_registry.search"
    assert (summary.in_doubt, summary.left) == (1, 0)


async def test_a_lost_response_is_found_by_the_next_run(sandbox: Sandbox, tmp_path: Path) -> None:
    """Where Sikoia lists requests: the item is in doubt, then done, and bought once."""
    sandbox.faults.add("POST /v2/company-credit-reports", reset="after")
    async with client_of(sandbox, retries=0, timeout=5) as sikoia:
        ids = await create_companies(sikoia, 1)
        *results, summary = await run(sikoia, tmp_path, ids, grace=0.1)
        assert isinstance(results[0], InDoubt)
        assert results[0].purchase.operation == "credit_reports.request"
        assert summary.in_doubt == 1
        *results, summary = await run(sikoia, tmp_path, ids, grace=0.1)
        assert isinstance(results[0], Done)
        assert (summary.done, summary.in_doubt) == (1, 0)
        assert summary.spent == {"credit_reports.request": 1}
    sandbox.ledger.assert_nothing_charged_twice()
