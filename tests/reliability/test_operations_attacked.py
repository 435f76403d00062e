"""Operations under attack: races, storms, leaks, forgeries and excessive hints.

Most of these have gone wrong once. The rows of the matrix are in `test_operations.py`.
"""

import asyncio
import copy
import gc
import json
import os
import pickle
import random
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any, Final, assert_type

import anyio
import attrs
import httpx
import hypothesis
import pytest
import trio
from anyio.lowlevel import checkpoint
from faults import core
from hypothesis import strategies as st
from reliability.harness import ask
from reliability.oracle import assert_ours
from reliability.tasks import CASE, Answer, Working, held, reported
from virtual import VirtualLoop

from sikoia_async import (
    ClientStateError,
    ConfigurationError,
    Interval,
    Limits,
    Operation,
    OperationFailedError,
    OperationTimeoutError,
    Quota,
    RequestedOperation,
    Sikoia,
    SikoiaError,
    poll,
)
from sikoia_async.resources.income import IncomeReport
from sikoia_async.webhooks import events

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_PENDING: Final = reported("Pending")
_MINUTE: Final = Interval(first=60, most=60)


def _event(*ids: str, name: str = "IncomeEmployerInsights.Completed") -> events.Event:
    return events.parse(json.dumps({"event_type": name, "ids": ids}).encode())


async def _settled(operation: Operation[Any], seconds: float) -> Exception | None:
    """Wait for this long, and return the timeout error if there is one."""
    try:
        await operation.wait(timeout=seconds)
    except OperationTimeoutError as error:
        return error
    return None


async def _all_back(sikoia: Sikoia, working: Working) -> None:
    """Check that no rate-limit slot is held or waited for, and that the next call works."""
    pacer: Any = core(sikoia).rate_limiter
    assert pacer is not None
    assert (pacer._leased, sum(pacer.waiting.values())) == (0, 0)
    await anyio.sleep(60.1)
    assert pacer.left == pacer.limit
    seen = working.seen
    await ask(sikoia)
    assert working.seen == seen + 1


# What servers ask for.


@pytest.mark.parametrize("status", [202, 429, 503])
async def test_a_retry_after_of_zero_does_not_speed_up_polling(status: int) -> None:
    """With it on every response, there are about as many polls as without."""
    working = Working.saying(httpx.Response(status, headers={"Retry-After": "0"}), seconds=0.01)
    async with working.client() as sikoia:
        operation: Operation[Any] = (
            await sikoia.start("GET", "/v2/slow", into=object)
            if status == 202
            else await sikoia.income.request(CASE)
        )
        assert await _settled(operation, 60)

    assert len(working.polls) <= 60 / 0.5


async def test_waiting_for_a_finished_operation_yields_to_the_loop() -> None:
    """The wait returns at once, but lets other tasks run."""
    working, waits = Working.saying(httpx.Response(503, headers={"Retry-After": "3600"})), 0
    async with working.client() as sikoia:
        operation = await sikoia.income.request(CASE)
        assert await _settled(operation, 60)

        async def insist() -> None:
            nonlocal waits
            while waits < 1000 and await _settled(operation, 60):
                waits += 1

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(insist)
            for _ in range(20):
                await checkpoint()
            tasks.cancel_scope.cancel()

    assert 1 <= waits < 1000
    assert len(working.polls) == 1


async def test_many_short_waits_share_the_interval() -> None:
    """Each gets a poll before its end, but they do not poll separately."""
    working = Working.saying(_PENDING)
    async with working.client() as sikoia:
        operation = await sikoia.income.request(CASE)
        async with anyio.create_task_group() as waiting:
            for _ in range(300):
                waiting.start_soon(_settled, operation, 25)
                await anyio.sleep(0.5)

    assert len(working.polls) < 40


@pytest.mark.parametrize("seconds", [5e-324, 1e-9, 0.001, 0.5])
async def test_a_short_wait_times_out_in_time(seconds: float) -> None:
    """However short; the operation can be awaited again."""
    working = Working(lambda _: reported(), seconds=2)
    async with working.client() as sikoia:
        operation, began = await sikoia.income.request(CASE), anyio.current_time()
        for _ in range(20):
            assert await _settled(operation, seconds)

        assert anyio.current_time() - began <= 20 * seconds + 0.01
        assert await operation is operation.result()


async def test_the_location_of_a_202_may_not_exist_yet() -> None:
    """A 404 for a new operation is ignored, also if the 202 has no body."""
    moved = httpx.Response(202, headers={"Location": "/v2/tasks/1"})
    lost, done = httpx.Response(404), httpx.Response(200, json={"x": 1})
    working = Working.saying(moved, lost, lost, done)
    async with working.client() as sikoia:
        operation = await sikoia.start("GET", "/v2/slow", into=object)

        assert await operation == {"x": 1}


async def test_an_error_raised_by_the_user_passes_unchanged() -> None:
    """Including its notes and attributes."""

    class TheirsError(Exception):
        retry_after = "120"

    async def fetch() -> None:
        raise TheirsError

    with pytest.raises(TheirsError):
        await poll(fetch, until=lambda _: True)


async def test_a_wait_survives_an_outage_of_the_token_endpoint() -> None:
    """The access token has to be renewed between polls."""
    working, down = Working.saying(*[_PENDING] * 3, httpx.Response(401), reported()), 0
    reply = working.reply

    async def failing(request: httpx.Request) -> httpx.Response:
        nonlocal down
        if request.url.host == "login.example" and working.tokens and down < 5:
            down += 1
            return httpx.Response(500)
        return await reply(request)

    async with working.client(transport=httpx.MockTransport(failing)) as sikoia:
        report = await (await sikoia.income.request(CASE))

    assert report.status == "Complete"
    assert down == 5


# Events.


async def test_an_event_for_a_known_operation_is_kept_for_a_new_one() -> None:
    """It may be about both, and the second one's first response may still be on its way."""

    def plan(_: int) -> httpx.Response:
        return reported(data_sources=[{"status": "Pending"}])

    working = Working(plan)
    async with working.client(rely_on_events="always") as sikoia:
        case = sikoia.data_sources.until_complete(CASE)
        assert sikoia.events.feed(_event("r-1", "c-1", name="Something.Completed")) == 1
        operation, began = await sikoia.income.request(CASE), anyio.current_time()
        await operation

        assert anyio.current_time() - began < 1
        assert not case.done


async def test_an_event_during_a_poll_is_not_lost() -> None:
    """The response on its way is older than the event, so another poll follows at once."""
    working = Working.saying(_PENDING, reported(), seconds=2)
    async with working.client(rely_on_events="always") as sikoia:
        operation = await sikoia.with_options(interval=_MINUTE).income.request(CASE)
        began = anyio.current_time()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(operation.wait)
            await anyio.wait_all_tasks_blocked()
            sikoia.events.feed(_event("r-1"))  # has it asked
            await anyio.sleep(1.5)
            sikoia.events.feed(_event("r-1", "n-2"))  # while that answer is on its way

        assert anyio.current_time() - began < 4.5
    assert len(working.polls) == 2


async def test_two_operations_of_one_account_are_both_closed() -> None:
    """Their URLs differ in the second id only."""
    account = {"account_connection_id": "a-1", "datetime_last_refreshed": "2025-01-01T00:00:00Z"}
    working, errors = Working.saying(httpx.Response(200, json=account)), list[ClientStateError]()
    async with working.client() as sikoia:
        first = await sikoia.banking.account("a-1")
        later = attrs.evolve(first, datetime_last_refreshed=None)
        one, other = (sikoia.banking.until_refreshed(account) for account in (first, later))
        assert one is not other
        assert sikoia.banking.until_refreshed(first) is one
        assert await other is not None  # the stamp is another than none

        async def wait() -> None:
            with pytest.raises(ClientStateError) as caught:
                await one
            errors.append(caught.value)

        began = anyio.current_time()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await anyio.sleep(33)
            await sikoia.aclose()

        assert anyio.current_time() == pytest.approx(began + 33)
    assert len(errors) == 1


@attrs.define
class _Ending:
    """Starts reports that finish one after the other; their events arrive late, or never."""

    ends: dict[str, float] = attrs.field(factory=dict[str, float])
    polls: int = 0

    async def reply(self, request: httpx.Request) -> httpx.Response:
        await anyio.sleep(0.1)
        if request.url.host == "login.example":
            return httpx.Response(201, json={"access_token": "a-token", "expires_in": 3600})
        name = request.url.path.rpartition("/")[2]
        if request.method == "POST":
            name = f"r-{len(self.ends)}"
            self.ends[name] = anyio.current_time() + random.uniform(20, 300)  # noqa: S311
            return httpx.Response(201, json={"request_id": name, "status": "Pending"})
        self.polls += 1
        status = "Complete" if anyio.current_time() >= self.ends[name] else "Pending"
        return httpx.Response(200, json={"request_id": name, "status": status})

    def client(self) -> Sikoia:
        return Working.saying(_PENDING).client(
            transport=httpx.MockTransport(self.reply),
            rely_on_events="always",
            limits=Limits(max_in_flight=500),
        )


@pytest.mark.parametrize("lost", [0, 1], ids=["late", "one lost"])
async def test_a_poll_just_before_its_event_starts_no_storm(lost: int) -> None:
    """Of hundreds of operations, some finish just before a poll, and their event follows."""
    random.seed(3)
    ending = _Ending()
    sikoia = ending.client()

    async def one(number: int, tasks: Any) -> None:
        await anyio.sleep(number / 5)
        operation = await sikoia.income.request(CASE)
        if number >= lost:
            tasks.start_soon(tell, operation.ids[0])
        await operation.wait(timeout=3600)

    async def tell(name: str) -> None:
        await anyio.sleep(ending.ends[name] - anyio.current_time() + 2)
        sikoia.events.feed(_event(name))

    async with sikoia, anyio.create_task_group() as tasks:
        for number in range(300):
            tasks.start_soon(one, number, tasks)

    # Rarely, that is twice or thrice in five minutes, and once when its event comes.
    assert ending.polls / 300 < 5


async def test_a_missing_event_makes_the_others_fall_back_to_polling() -> None:
    """At once, not minutes later."""
    random.seed(3)
    ending = _Ending()
    async with ending.client() as sikoia:
        began = anyio.current_time()
        long, short = [await sikoia.income.request(CASE) for _ in range(2)]
        ending.ends = {long.ids[0]: began + 1100, short.ids[0]: began + 500}
        times: list[float] = []

        async def wait(operation: Operation[IncomeReport]) -> None:
            await operation.wait(timeout=7200)
            times.append(anyio.current_time() - began)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait, long)
            tasks.start_soon(wait, short)
            await anyio.sleep(1000)
            await sikoia.income.request(CASE)  # which looks whether events are to be relied on

    assert times[0] <= 500 + 600
    assert 1100 <= times[1] <= 1100 + 30


async def test_ten_thousand_events_make_few_polls() -> None:
    """Repeated events for one operation cause one poll at a time."""
    working = Working.saying(_PENDING, seconds=1)
    async with working.client(rely_on_events="always") as sikoia:
        operation = await sikoia.income.request(CASE)
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(_settled, operation, 30)
            for number in range(10_000):
                assert sikoia.events.feed(_event("r-1", f"n-{number}")) == 1
                if number % 100 == 0:
                    await anyio.sleep(0.01)
            assert len(working.polls) <= 2

        assert len(working.polls) < 20


# Closing, loops and processes.


async def test_closing_during_a_chargeable_call_does_not_lose_it() -> None:
    """The call completes, and its operation token can be stored."""
    working, begun = Working.saying(reported(), seconds=1), list[Operation[IncomeReport]]()
    sikoia = working.client(rely_on_events="always")
    await ask(sikoia)

    async def request() -> None:
        begun.append(await sikoia.income.request(CASE))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(request)
        await anyio.sleep(0.2)
        await sikoia.aclose()

    began = anyio.current_time()
    with pytest.raises(ClientStateError, match="does not end it at Sikoia: resume"):
        await begun[0]
    assert anyio.current_time() == began
    assert (await working.client().operation(begun[0].token)).status == "Complete"


async def test_a_closed_client_refuses_to_wait() -> None:
    """At once."""
    working = Working.saying(_PENDING)
    sikoia = working.client()
    operation = await sikoia.income.request(CASE)
    await sikoia.aclose()

    with pytest.raises(ClientStateError):
        await sikoia.operation(operation.token)
    with pytest.raises(ClientStateError):
        await operation.refresh()
    assert working.polls == []


def _virtually(work: Callable[[], Awaitable[Any]]) -> Any:
    return anyio.run(work, backend_options={"loop_factory": VirtualLoop})


def _begun(working: Working) -> tuple[Sikoia, Operation[IncomeReport]]:
    """Start an operation, time out waiting for it, and leave its event loop."""
    sikoia = working.client()

    async def begin() -> Operation[IncomeReport]:
        operation = await sikoia.income.request(CASE)
        assert await _settled(operation, 0.5)
        return operation

    return sikoia, _virtually(begin)


def test_an_operation_stays_in_its_event_loop() -> None:
    """Waiting in another one raises a clear error at once."""
    working = Working.saying(_PENDING)
    sikoia, operation = _begun(working)
    polls = len(working.polls)

    async def elsewhere() -> None:
        for way in (operation.wait, operation.refresh):
            with pytest.raises(ClientStateError, match="another event loop"):
                await way()

    _virtually(elsewhere)
    trio.run(elsewhere)
    for way in (
        lambda: sikoia.income.operation("r-2"),
        lambda: sikoia.operation(operation.token),
        lambda: sikoia.events.feed(_event("r-1")),
    ):
        with pytest.raises(ClientStateError):
            way()
    assert len(working.polls) == polls


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_refuses_to_wait() -> None:
    """It would read its parent's responses."""
    working = Working.saying(_PENDING)
    _, operation = _begun(working)
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        try:
            _virtually(operation.wait)
        except ClientStateError:
            os._exit(7)
        finally:
            os._exit(1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


# Cancelling, and what it must not cost.


@pytest.mark.parametrize("steps", range(60))
async def test_a_poller_cancelled_at_any_step_is_replaced(steps: int) -> None:
    """The others get the result with two polls at most, and every slot is returned."""
    working, ended = Working.saying(reported(), seconds=0), list[IncomeReport]()
    async with working.client(quota=Quota(20)) as sikoia:
        operation, asking = sikoia.income.operation("r-1"), anyio.CancelScope()

        async def wait() -> None:
            ended.append(await operation)

        async def lead() -> None:
            with asking:
                await wait()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lead)
            await checkpoint()
            for _ in range(3):
                tasks.start_soon(wait)
            for _ in range(steps):
                await checkpoint()
            asking.cancel()

        assert len(ended) >= 3
        assert len(working.polls) <= 2
        await _all_back(sikoia, working)


@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
@pytest.mark.parametrize("steps", range(60))
async def test_a_poller_whose_task_is_cancelled_is_replaced(steps: int) -> None:
    """At any step, with `task.cancel()`."""
    working = Working.saying(reported(), seconds=0)
    async with working.client(quota=Quota(20)) as sikoia:
        operation = sikoia.income.operation("r-1")
        leader = asyncio.create_task(operation.wait())
        await asyncio.sleep(0)
        others = [asyncio.create_task(operation.wait()) for _ in range(3)]
        for _ in range(steps):
            await asyncio.sleep(0)
        leader.cancel()
        await asyncio.gather(leader, return_exceptions=True)

        assert all([(await other).status == "Complete" for other in others])
        assert len(working.polls) <= 2
        await _all_back(sikoia, working)


@pytest.mark.parametrize("seed", range(5))
async def test_a_storm_of_operations_leaks_nothing(seed: int) -> None:
    """Waits that end, time out or are cancelled, events, refreshes, errors, and a small quota."""
    chance = random.Random(seed)  # noqa: S311 - no secrets
    answers: list[Answer] = [
        *[_PENDING] * 6,
        reported(),
        httpx.Response(503),
        httpx.Response(429, headers={"Retry-After": "1"}),
        httpx.ReadError("reset"),
        httpx.Response(404),
        httpx.Response(200, content=b"no JSON"),
    ]
    working = Working(lambda _: chance.choice(answers), seconds=0.2)
    async with working.client(quota=Quota(20), rely_on_events=seed % 2 == 0) as sikoia:

        async def use() -> None:
            for _ in range(10):
                name = f"r-{chance.randrange(8)}"
                operation = sikoia.income.operation(name)
                ways: list[Callable[[], Awaitable[object]]] = [
                    partial(operation.wait, timeout=chance.uniform(0.01, 120)),
                    operation.refresh,
                    aiter(operation).__anext__,
                ]
                with anyio.move_on_after(chance.choice([0.05, 5, 60, 600])):
                    try:
                        await chance.choice(ways)()
                    except SikoiaError as error:  # and no other
                        assert_ours(error)
                sikoia.events.feed(_event(name))

        async with anyio.create_task_group() as tasks:
            for _ in range(30):
                tasks.start_soon(use)
        await anyio.sleep(130)  # a pause after a 429 is over by then
        gc.collect()
        assert held(sikoia) == 0
        await _all_back(sikoia, working)


async def test_a_poll_cancelled_in_the_queue_leaks_no_slot() -> None:
    """A wait may end while its poll is queued."""
    working = Working.saying(_PENDING)
    async with working.client(quota=Quota(20)) as sikoia:
        operations = [sikoia.income.operation(f"r-{number}") for number in range(100)]
        async with anyio.create_task_group() as tasks:
            for operation in operations:
                tasks.start_soon(_settled, operation, 30)
        assert 0 < len(working.polls) <= 18  # a tenth is left free
        await _all_back(sikoia, working)


async def test_time_in_the_queue_does_not_count_towards_the_poll() -> None:
    """The poll has its own timeout, which begins with its slot."""
    working = Working.saying(reported())
    async with working.client(quota=Quota(20), timeout=5) as sikoia:
        operations = [sikoia.income.operation(f"r-{number}") for number in range(60)]
        async with anyio.create_task_group() as tasks:
            for operation in operations:
                tasks.start_soon(_settled, operation, 500)

    assert working.polls[-1] - working.polls[0] > 120
    assert max(one.result().response.seconds for one in operations) < 1


# Memory.


async def test_an_unreferenced_operation_is_freed() -> None:
    """Also after errors and timeouts, without the garbage collector."""
    working = Working.saying(httpx.ReadError("reset"), httpx.Response(503), _PENDING)
    async with working.client() as sikoia:
        gc.collect()
        gc.disable()
        try:
            operation = await sikoia.income.request(CASE)
            gone = weakref.ref(operation)
            assert await _settled(operation, 10) is not None
            del operation
            assert gone() is None
            assert held(sikoia) == 0
        finally:
            gc.enable()


async def test_an_awaited_operation_is_not_freed() -> None:
    """Even if nothing else references it."""
    working = Working.saying(_PENDING, _PENDING, reported())
    async with working.client() as sikoia:
        ended: list[IncomeReport] = []

        async def wait() -> None:
            ended.append(await sikoia.income.operation("r-1"))

        async def read() -> None:
            ended.extend([report async for report in sikoia.income.operation("r-2")])

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            tasks.start_soon(read)
            for _ in range(10):
                await anyio.sleep(0.3)
                gc.collect()
            assert held(sikoia) <= 2
        assert ended
        gc.collect()
        assert held(sikoia) == 0


async def test_two_views_share_one_operation() -> None:
    """It is polled once, with the options of the first view."""
    working = Working.saying(_PENDING, reported())
    async with working.client() as sikoia:
        one = sikoia.with_options(interval=_MINUTE).income.operation("r-1")
        assert sikoia.with_options(timeout=5, priority="background").operation(one.token) is one
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(one.wait)
            tasks.start_soon(sikoia.income.operation("r-1").wait)
    assert len(working.polls) == 2


async def test_a_refresh_ends_the_waits() -> None:
    """If it fails, they continue."""
    working = Working.saying(httpx.Response(500), reported())
    async with working.client() as sikoia:
        operation = await sikoia.with_options(interval=_MINUTE).income.request(CASE)
        began, times = anyio.current_time(), list[float]()

        async def wait() -> None:
            await operation
            times.append(anyio.current_time() - began)

        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(wait)
            await anyio.sleep(1)
            with pytest.raises(Exception, match="500"):
                await operation.refresh()
            assert times == []
            await operation.refresh()
        assert times == pytest.approx([1.2] * 3)


# Tokens.


_parts = st.lists(st.text(st.characters(max_codepoint=127), max_size=8), max_size=6).map(".".join)


@hypothesis.given(token=st.text(max_size=60) | _parts | st.binary() | st.integers() | st.none())
def test_junk_is_not_an_operation_token(token: Any) -> None:
    """It raises one class of error, and nothing is sent."""
    _refused(token)


@hypothesis.given(at=st.integers(0, 60), with_=st.characters(), cut=st.integers(0, 3))
def test_a_changed_operation_token_is_refused(at: int, with_: str, cut: int) -> None:
    """Wherever it is changed, shortened or extended."""
    token = _sealed("income", ("r-1",))
    at = min(at, len(token))
    changed = token[:at] + with_ + token[at + cut :]
    if changed != token:
        _refused(changed)


@hypothesis.given(
    kind=st.sampled_from(["income", "identity", "check", "data-sources", "account-refresh", "x"]),
    ids=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), max_size=3),
)
def test_the_content_of_a_signed_token_is_validated(kind: str, ids: list[str]) -> None:
    """Without a secret, anybody who knows this SDK can sign a token."""
    working = Working.saying(_PENDING)

    async def read() -> None:
        sikoia = working.client()
        try:
            operation = sikoia.operation(core(sikoia).registry.signer.token(kind, tuple(ids)))
        except ConfigurationError:
            return
        assert operation.ids[0].isprintable()
        assert "/" not in operation.ids[0]

    _virtually(read)
    assert working.seen == 0


def _sealed(kind: str, ids: tuple[str, ...]) -> str:
    return core(Working.saying(_PENDING).client()).registry.signer.token(kind, ids)


def _refused(token: Any) -> None:
    working = Working.saying(_PENDING)

    async def read() -> None:
        with pytest.raises(ConfigurationError) as caught:
            working.client().operation(token)
        assert len(str(caught.value)) < 200
        assert caught.value.__context__ is None

    _virtually(read)
    assert working.seen == 0


# Errors and types.


async def test_errors_pickle_and_hide_personal_data() -> None:
    """Personal data is in the results that they carry, not in their messages."""
    said = reported("Failed", message="canary-name-Zyxwvut has no payslip")
    working = Working.saying(reported("Pending", message="canary-name-Zyxwvut"), said)
    async with working.client() as sikoia:
        operation = await sikoia.income.request(CASE)
        late = await _settled(operation, 1.5)
        with pytest.raises(OperationFailedError) as failed:
            await operation
        assert isinstance(late, OperationTimeoutError)
        for error in (late, failed.value):
            assert_ours(error)
        travelled: Any = pickle.loads(pickle.dumps(late))  # noqa: S301 - pickled here
        assert travelled.token == copy.copy(late).token == operation.token
        assert travelled.operation is None
        assert (await operation.wait(raise_on_failure=False)).status == "Failed"


async def test_type_checkers_infer_the_results() -> None:
    """They check this file."""
    working = Working.saying(reported())
    async with working.client() as sikoia:
        operation = await sikoia.income.request(CASE)
        assert_type(operation, RequestedOperation[IncomeReport])
        report: IncomeReport = await operation
        assert_type(await operation, IncomeReport)
        assert_type(await operation.wait(timeout=1, raise_on_failure=False), IncomeReport)
        assert_type(operation.result(), IncomeReport)
        assert_type(operation.first, IncomeReport)
        assert_type(await operation.refresh(), IncomeReport | None)
        assert_type(aiter(operation), AsyncIterator[IncomeReport])
        async for snapshot in operation:
            assert_type(snapshot, IncomeReport)
        again: IncomeReport = await sikoia.operation(operation.token)
        assert again == report
        assert_type(await sikoia.start("GET", "/v2/cases", into=object), Operation[object])
