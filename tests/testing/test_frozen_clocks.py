"""Test suites that freeze the clock, with freezegun or time-machine."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import anyio
import attrs
import httpx
import pytest
from freezegun import freeze_time
from testing.frozen_child import FREEZERS

from sikoia_async import Quota, Sikoia, errors
from sikoia_async.resources.documents import Document
from sikoia_async.sandbox import Sandbox
from sikoia_async.testing import MemorySandbox, client_of

pytestmark = pytest.mark.anyio

NEW_YEAR = datetime(2024, 1, 1, tzinfo=UTC)
TESTS = Path(__file__).parents[1]


@pytest.fixture
def stopwatch() -> Callable[[], float]:
    """Return a function that returns the real seconds since the test began."""
    clock, began = time.clock_gettime, time.clock_gettime(time.CLOCK_MONOTONIC)
    return lambda: clock(time.CLOCK_MONOTONIC) - began


@cache
def results(backend: str, freezer: str, when: str) -> Any:
    """Return the results of the walk in a process of its own."""
    child = str(Path(__file__).with_name("frozen_child.py"))
    ended = subprocess.run(
        [sys.executable, child, backend, freezer, when],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr.decode()
    return json.loads(ended.stdout)


@pytest.mark.parametrize(
    ("backend", "freezer", "when"),
    [
        *(("asyncio", "freezegun", when) for when in ("before", "middle", "after")),
        *(("asyncio", freezer, "before") for freezer in FREEZERS if freezer != "freezegun"),
        *(("trio", "freezegun", when) for when in ("before", "after")),
    ],
)
def test_every_result_is_the_same_under_a_frozen_clock(
    backend: str, freezer: str, when: str
) -> None:
    """Values and their types, whatever was imported before the clock was frozen."""
    usual = results("asyncio", "", "never")

    assert results(backend, freezer, when) == usual
    assert sum("datetime" in kind for _, kind, _ in usual) > 100


@pytest.mark.parametrize("options", [{}, {"real_asyncio": True}, {"tick": True}], ids=str)
async def test_work_ends_while_the_clock_is_frozen(options: dict[str, Any]) -> None:
    """The local Sikoia measures real time, and polls follow in real time."""
    with freeze_time(NEW_YEAR, **options), MemorySandbox(work_time=0.2) as sandbox:
        async with client_of(sandbox) as sikoia:
            document = await classified(sikoia)

    assert document.datetime_created
    assert document.datetime_created.date() == NEW_YEAR.date()


async def classified(sikoia: Sikoia) -> Document:
    """Upload a document and wait for its classification."""
    case = await sikoia.cases.create(name="Loan", case_type="Business")
    document = await sikoia.documents.upload(case, b"%PDF-1.7", file_name="a.pdf")
    return await sikoia.documents.until_classified(document.document_id).wait(timeout=10)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_local_sikoia_on_a_socket_runs_and_stops_while_the_clock_is_frozen() -> None:
    """Also one that is started after a clock was frozen, and then before it."""
    with freeze_time(NEW_YEAR), Sandbox(work_time=0.2) as sandbox:
        async with client_of(sandbox) as sikoia:
            assert (await classified(sikoia)).sikoia_document_type
    with Sandbox() as sandbox:
        assert sandbox.clock.now.year > NEW_YEAR.year
    with freeze_time(NEW_YEAR), Sandbox() as sandbox:
        assert sandbox.clock.now.date() == NEW_YEAR.date()


async def test_a_deadline_passes_while_the_clock_is_frozen(stopwatch: Callable[[], float]) -> None:
    """A test with a missing response ends, and so does one whose work never does."""

    async def silent(_: httpx.Request) -> httpx.Response:
        await anyio.sleep_forever()
        raise AssertionError

    transport = httpx.MockTransport(silent)
    with freeze_time(NEW_YEAR):
        async with Sikoia(token="a-token", transport=transport, timeout=0.2) as sikoia:
            with pytest.raises(errors.DeadlineExceededError):
                await sikoia.users.list()
        with MemorySandbox(work_time=1e6) as sandbox:
            async with client_of(sandbox) as sikoia:
                case = await sikoia.cases.create(name="Loan", case_type="Business")
                document = await sikoia.documents.upload(case, b"%PDF-1.7", file_name="a.pdf")
                operation = sikoia.documents.until_classified(document.document_id)
                with pytest.raises(errors.OperationTimeoutError):
                    await operation.wait(timeout=0.3)
    assert stopwatch() >= 0.5


async def test_a_full_rate_limit_ends_at_the_deadline_while_the_clock_is_frozen() -> None:
    """The window never turns, and the call does not wait for ever."""
    with freeze_time(NEW_YEAR), MemorySandbox() as sandbox:
        async with client_of(sandbox, quota=Quota(2, per=60), timeout=0.2) as sikoia:
            await sikoia.users.list()
            await sikoia.users.list()
            with pytest.raises(errors.DeadlineExceededError):
                await sikoia.users.list()


async def test_a_retry_follows_while_the_clock_is_frozen() -> None:
    """Its pause ends in real time."""
    with freeze_time(NEW_YEAR), MemorySandbox() as sandbox:
        sandbox.faults.inject("brief outage")
        async with client_of(sandbox) as sikoia:
            assert await sikoia.users.list()


async def test_a_clock_that_the_test_moves_counts_at_once(stopwatch: Callable[[], float]) -> None:
    """A pause ends when the test has moved the clock past its end."""
    with freeze_time(NEW_YEAR) as clock, MemorySandbox() as sandbox:
        async with client_of(sandbox, quota=Quota(1, per=600), timeout=900) as sikoia:
            await sikoia.users.list()
            clock.tick(601)
            await sikoia.users.list()
    assert stopwatch() < 300


async def test_a_client_outlives_a_frozen_clock() -> None:
    """When the clock is set free, it steps back: slots of the rate limit are not taken for ever."""
    with MemorySandbox() as sandbox:
        async with client_of(sandbox, quota=Quota(2, per=0.2), timeout=10) as sikoia:
            with freeze_time("2150-01-01"):
                await sikoia.users.list()
                await sikoia.users.list()
            assert await sikoia.users.list()


async def test_a_class_of_the_callers_with_dates_of_freezegun() -> None:
    """It is defined while the clock is frozen, so its annotations are freezegun's classes."""

    def reply(_: httpx.Request) -> httpx.Response:
        times = ["2024-02-29T10:00:00Z", "2024-02-29"]
        return httpx.Response(200, json={"at": times[0], "on": times[1], "days": times[1:]})

    with freeze_time(NEW_YEAR):

        @attrs.frozen
        class Mine:
            at: datetime
            on: date | None = None
            days: list[date] = attrs.field(factory=list[date])

        async with Sikoia(token="a-token", transport=httpx.MockTransport(reply)) as sikoia:
            mine = await sikoia.request("GET", "/v2/mine", into=Mine)

    day = date(2024, 2, 29)
    assert mine == Mine(datetime(2024, 2, 29, 10, tzinfo=UTC), day, [day])
    assert {type(one) for one in (mine.on, *mine.days)} == {date}
