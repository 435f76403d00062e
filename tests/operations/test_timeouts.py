"""What the error of a wait that timed out says: what was waited for, and where the time went."""

import pickle
import re

import anyio
import pytest
from reliability.tasks import CASE, Working, reported

from sikoia_async import OperationFailedError, OperationTimeoutError, Quota, poll

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]


async def test_a_wait_without_a_slot_of_the_rate_limit_says_so() -> None:
    """The work was done long ago, but the rate limit allowed no poll."""
    server = Working.saying(reported())
    async with server.client(quota=Quota(1)) as sikoia:
        operation = await sikoia.income.request(CASE)
        with pytest.raises(OperationTimeoutError) as caught:
            await operation.wait(timeout=5)
        error = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - pickled here

    for one in (caught.value, error):
        assert (one.kind, one.ids, one.polls) == ("income", ("r-1",), 0)
        assert one.spent["rate_limit"] == pytest.approx(4, abs=0.3)
        assert sum(one.spent.values()) == pytest.approx(5, abs=0.01)
        assert re.match(
            r"income: not done after 5 s, polled 0 times; "
            r"time spent: pauses [\d.]+ s, rate_limit [\d.]+ s \(last correlation id",
            str(one),
        )
        assert "r-1" not in str(one)


async def test_a_wait_tells_polls_from_pauses() -> None:
    """Each wait counts its own time, also if others waited before."""
    server = Working.saying(reported("Pending"), seconds=2.0)
    async with server.client() as sikoia:
        operation = await sikoia.income.request(CASE)
        for _ in range(2):
            before = len(server.polls)
            with pytest.raises(OperationTimeoutError) as caught:
                await operation.wait(timeout=60)

            polls = len(server.polls) - before
            assert (caught.value.polls, polls > 2) == (polls, True)
            assert caught.value.spent["polling"] == pytest.approx(2.0 * polls, abs=1)
            assert sum(caught.value.spent.values()) == pytest.approx(60, abs=2.5)
            assert caught.value.spent.get("rate_limit", 0.0) == 0.0


async def test_callers_that_share_a_poll_share_its_time() -> None:
    """Only one of them polls, but all of them wait for the rate limit."""
    server, spent = Working.saying(reported("Pending")), list[float]()

    async def wait(timeout: float) -> None:  # noqa: ASYNC109 - what is tested
        with pytest.raises(OperationTimeoutError) as caught:
            await operation.wait(timeout=timeout)
        assert caught.value.polls == 0
        spent.append(caught.value.spent["rate_limit"])

    async with server.client(quota=Quota(1)) as sikoia:
        operation = await sikoia.income.request(CASE)
        async with anyio.create_task_group() as tasks:
            for timeout in (10.0, 20.0, 30.0):
                tasks.start_soon(wait, timeout)

    assert spent == pytest.approx([9, 19, 29], abs=0.5)


async def test_a_poll_of_any_call_counts_its_time_too() -> None:
    """`poll` has no ids; its calls wait for the same rate limit."""
    server = Working.saying(reported("Pending"))
    async with server.client(quota=Quota(3), timeout=3600) as sikoia:
        with pytest.raises(OperationTimeoutError) as caught:
            await poll(sikoia.cases.list, until=lambda cases: len(cases) > 0, timeout=30)

    assert (caught.value.kind, caught.value.ids, caught.value.polls) == ("poll", (), 3)
    assert caught.value.spent["rate_limit"] > 20


async def test_an_iteration_that_times_out_says_the_same() -> None:
    """`async for` is one wait."""
    server = Working.saying(reported("Pending"))
    async with server.client() as sikoia:
        operation = await sikoia.income.request(CASE)
        with pytest.raises(OperationTimeoutError) as caught:
            _ = [one async for one in operation]

    assert caught.value.polls == len(server.polls)
    assert sum(caught.value.spent.values()) == pytest.approx(600, abs=1)


async def test_a_failed_operation_can_be_identified() -> None:
    """Without a look at its result."""
    server = Working.saying(reported("Failed"))
    async with server.client() as sikoia:
        with pytest.raises(OperationFailedError) as caught:
            await sikoia.income.operation("r-1")

    assert (caught.value.kind, caught.value.ids) == ("income", ("r-1",))
