"""Operations under attack: races, storms, leaks, forgeries, and answers that ask for too much.

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
    Operation,
    OperationFailedError,
    OperationTimeoutError,
    Quota,
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
    """Wait so long, and return the time-out if there is one."""
    try:
        await operation.wait(timeout=seconds)
    except OperationTimeoutError as error:
        return error
    return None


async def _all_back(sikoia: Sikoia, working: Working) -> None:
    """Check that nobody holds or waits for a slot of the quota, and that the next call works."""
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
async def test_who_asks_for_no_pause_gets_one(status: int) -> None:
    """`Retry-After: 0` on every answer makes no more polls than silence would, give or take."""
    working = Working.saying(httpx.Response(status, headers={"Retry-After": "0"}), seconds=0.01)
    async with working.client() as sikoia:
        operation: Operation[Any] = (
            await sikoia.start("GET", "/v2/slow", into=object)
            if status == 202
            else await sikoia.income.request(CASE)
        )
        assert await _settled(operation, 60)

    assert len(working.polls) <= 60 / 0.5


async def test_who_waits_again_and_again_lets_others_run() -> None:
    """An end that is known at once is told at once, and still the event loop goes on."""
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


async def test_many_short_waits_make_few_polls() -> None:
    """Each is asked for before its end, but not each by itself: the interval holds for all."""
    working = Working.saying(_PENDING)
    async with working.client() as sikoia:
        operation = await sikoia.income.request(CASE)
        async with anyio.create_task_group() as waiting:
            for _ in range(300):
                waiting.start_soon(_settled, operation, 25)
                await anyio.sleep(0.5)

    assert len(working.polls) < 40


@pytest.mark.parametrize("seconds", [5e-324, 1e-9, 0.001, 0.5])
async def test_a_short_wait_is_over_in_time(seconds: float) -> None:
    """However short; the operation can be waited for again."""
    working = Working(lambda _: reported(), seconds=2)
    async with working.client() as sikoia:
        operation, began = await sikoia.income.request(CASE), anyio.current_time()
        for _ in range(20):
            assert await _settled(operation, seconds)

        assert anyio.current_time() - began <= 20 * seconds + 0.01
        assert await operation is operation.result()


async def test_a_202_that_leads_nowhere_yet_is_borne() -> None:
    """What was begun just now need not be found, also where no body told what it is."""
    moved = httpx.Response(202, headers={"Location": "/v2/tasks/1"})
    lost, done = httpx.Response(404), httpx.Response(200, json={"x": 1})
    working = Working.saying(moved, lost, lost, done)
    async with working.client() as sikoia:
        operation = await sikoia.start("GET", "/v2/slow", into=object)

        assert await operation == {"x": 1}


async def test_the_callers_own_error_passes_untouched() -> None:
    """Whatever it has on it."""

    class TheirsError(Exception):
        retry_after = "120"

    async def fetch() -> None:
        raise TheirsError

    with pytest.raises(TheirsError):
        await poll(fetch, until=lambda _: True)


async def test_an_outage_of_the_login_server_is_waited_through() -> None:
    """Where a new token is due while a task is waited for, and the server that gives it is down."""
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


async def test_an_event_that_names_one_who_waits_is_kept_for_the_other() -> None:
    """It may be about both, and the second one's first answer still on its way."""

    def plan(_: int) -> httpx.Response:
        return reported(data_sources=[{"status": "Pending"}])

    working = Working(plan)
    async with working.client(rely_on_events=True) as sikoia:
        case = sikoia.data_sources.wait_complete(CASE)
        assert sikoia.events.feed(_event("r-1", "c-1", name="Something.Completed")) == 1
        operation, began = await sikoia.income.request(CASE), anyio.current_time()
        await operation

        assert anyio.current_time() - began < 1
        assert not case.done


async def test_an_event_that_comes_while_it_is_asked_is_not_lost() -> None:
    """The answer on its way is older than the event: it is asked again at once."""
    working = Working.saying(_PENDING, reported(), seconds=2)
    async with working.client(rely_on_events=True) as sikoia:
        operation = await sikoia.with_options(interval=_MINUTE).income.request(CASE)
        began = anyio.current_time()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(operation.wait)
            await anyio.wait_all_tasks_blocked()
            sikoia.events.feed(_event("r-1"))  # has it asked
            await anyio.sleep(1.5)
            sikoia.events.feed(_event("r-1"))  # while that answer is on its way

        assert anyio.current_time() - began < 4.5
    assert len(working.polls) == 2


async def test_two_of_one_account_are_both_closed() -> None:
    """What they wait for differs in the second id only."""
    account = {"account_connection_id": "a-1", "datetime_last_refreshed": "2025-01-01T00:00:00Z"}
    working, errors = Working.saying(httpx.Response(200, json=account)), list[ClientStateError]()
    async with working.client() as sikoia:
        first = await sikoia.banking.account("a-1")
        later = attrs.evolve(first, datetime_last_refreshed=None)
        one, other = (sikoia.banking.wait_refreshed(account) for account in (first, later))
        assert one is not other
        assert sikoia.banking.wait_refreshed(first) is one
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
    """Begins reports that end one after the other; its events come late, or never."""

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
            transport=httpx.MockTransport(self.reply), rely_on_events=True, max_in_flight=500
        )


@pytest.mark.parametrize("lost", [0, 1], ids=["late", "one lost"])
async def test_a_poll_that_overtakes_an_event_does_not_start_a_storm(lost: int) -> None:
    """Of hundreds some end just before a rare poll of theirs, and their event comes right after."""
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


async def test_without_its_event_the_others_are_asked_about_again() -> None:
    """Not minutes later, as they were to be while events were relied on."""
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
    """Who is told ten thousand times that it is done is asked about once at a time."""
    working = Working.saying(_PENDING, seconds=1)
    async with working.client(rely_on_events=True) as sikoia:
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


async def test_what_was_paid_for_is_not_lost_where_the_client_is_closed_meanwhile() -> None:
    """The call comes to its end, and the token of what it began can be kept."""
    working, begun = Working.saying(reported(), seconds=1), list[Operation[IncomeReport]]()
    sikoia = working.client(rely_on_events=True)
    await ask(sikoia)

    async def request() -> None:
        begun.append(await sikoia.income.request(CASE))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(request)
        await anyio.sleep(0.2)
        await sikoia.aclose()

    began = anyio.current_time()
    with pytest.raises(ClientStateError, match="still runs at Sikoia: resume"):
        await begun[0]
    assert anyio.current_time() == began
    assert (await working.client().operation(begun[0].token)).status == "Complete"


async def test_a_closed_client_begins_no_wait() -> None:
    """It says so at once."""
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
    """Begin an operation, wait for it in vain, and leave its event loop."""
    sikoia = working.client()

    async def begin() -> Operation[IncomeReport]:
        operation = await sikoia.income.request(CASE)
        assert await _settled(operation, 0.5)
        return operation

    return sikoia, _virtually(begin)


def test_an_operation_stays_in_its_event_loop() -> None:
    """Where it cannot be waited for, that is said at once and in our words."""
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
def test_a_forked_child_does_not_wait() -> None:
    """It would read its parent's answers."""
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
async def test_an_asker_cancelled_at_any_step_hands_over(steps: int) -> None:
    """The others get the result, by two polls at most, and every slot comes back."""
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
async def test_a_task_that_asks_cancelled_at_any_step_hands_over(steps: int) -> None:
    """The same for `task.cancel()`."""
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
async def test_a_storm_leaves_all_in_its_place(seed: int) -> None:
    """Waits that end, time out and are cancelled, wakes, refreshes, errors; and a small quota."""
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


async def test_a_poll_that_waits_for_its_turn_gives_it_back() -> None:
    """A wait that ends in the line takes nothing with it."""
    working = Working.saying(_PENDING)
    async with working.client(quota=Quota(20)) as sikoia:
        operations = [sikoia.income.operation(f"r-{number}") for number in range(100)]
        async with anyio.create_task_group() as tasks:
            for operation in operations:
                tasks.start_soon(_settled, operation, 30)
        assert 0 < len(working.polls) <= 18  # a tenth is left free
        await _all_back(sikoia, working)


async def test_the_time_in_line_is_not_the_calls() -> None:
    """Minutes later it is asked, by a call that takes a moment."""
    working = Working.saying(reported())
    async with working.client(quota=Quota(20), timeout=5) as sikoia:
        operations = [sikoia.income.operation(f"r-{number}") for number in range(60)]
        async with anyio.create_task_group() as tasks:
            for operation in operations:
                tasks.start_soon(_settled, operation, 500)

    assert working.polls[-1] - working.polls[0] > 120
    assert max(one.result().response.seconds for one in operations) < 1


# Memory.


async def test_what_nobody_holds_is_gone() -> None:
    """Also after errors and time-outs; no collector is needed."""
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


async def test_what_is_waited_for_is_not_gone() -> None:
    """Though nobody else holds it."""
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
    """What is waited for through both is asked for once, as the first one said."""
    working = Working.saying(_PENDING, reported())
    async with working.client() as sikoia:
        one = sikoia.with_options(interval=_MINUTE).income.operation("r-1")
        assert sikoia.with_options(timeout=5, priority="background").operation(one.token) is one
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(one.wait)
            tasks.start_soon(sikoia.income.operation("r-1").wait)
    assert len(working.polls) == 2


async def test_a_refresh_tells_those_who_wait() -> None:
    """And where it fails, they wait on."""
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
def test_no_junk_is_a_token(token: Any) -> None:
    """One kind of error comes out, and nothing goes out."""
    _refused(token)


@hypothesis.given(at=st.integers(0, 60), with_=st.characters(), cut=st.integers(0, 3))
def test_a_token_with_another_letter_is_none(at: int, with_: str, cut: int) -> None:
    """Wherever it is changed, shortened or made longer."""
    token = _sealed("income", ("r-1",))
    at = min(at, len(token))
    changed = token[:at] + with_ + token[at + cut :]
    if changed != token:
        _refused(changed)


@hypothesis.given(
    kind=st.sampled_from(["income", "identity", "check", "data-sources", "account-refresh", "x"]),
    ids=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), max_size=3),
)
def test_what_is_sealed_is_checked_all_the_same(kind: str, ids: list[str]) -> None:
    """Where a client has no secret, whoever knows this SDK can seal anything."""
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


async def test_errors_travel_and_tell_no_tales() -> None:
    """What Sikoia says of a person is in the results that they carry, and not in their texts."""
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


async def test_types_are_known_to_the_checkers() -> None:
    """What they would say is stated here, and they look at this file."""
    working = Working.saying(reported())
    async with working.client() as sikoia:
        operation = await sikoia.income.request(CASE)
        assert_type(operation, Operation[IncomeReport])
        report: IncomeReport = await operation
        assert_type(await operation, IncomeReport)
        assert_type(await operation.wait(timeout=1, raise_on_failure=False), IncomeReport)
        assert_type(operation.result(), IncomeReport)
        assert_type(operation.first, IncomeReport | None)
        assert_type(await operation.refresh(), IncomeReport | None)
        assert_type(aiter(operation), AsyncIterator[IncomeReport])
        async for snapshot in operation:
            assert_type(snapshot, IncomeReport)
        again: IncomeReport = await sikoia.operation(operation.token)
        assert again == report
        assert_type(await sikoia.start("GET", "/v2/cases", into=object), Operation[object])
