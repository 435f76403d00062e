"""The clock: how it runs, who may move it on, and what follows when it is moved."""

import math
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import anyio
import httpx
import pytest
from anyio.abc import SocketAttribute, SocketStream
from hypothesis import given
from hypothesis import strategies as st
from sandbox.deliveries.test_sender import receiving, subscribe, verify
from sandbox.memory import ALL, EPOCH, Recorder, begin, in_memory, local

from sikoia_async.sandbox import Sandbox, create_app
from sikoia_async.sandbox import clock as module
from sikoia_async.sandbox.clock import Clock

VERIFIED = "IdentityVerification.Completed"
STILL: dict[str, Any] = {"speed": 0, "work_time": 60, "token_life": 10**6}
YEARS = 366 * 24 * 3600.0


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Give the real time, for clocks that are made from now on, to a test."""
    real = SimpleNamespace(now=500.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: real.now))
    return real


@pytest.mark.parametrize("speed", [0, 0.5, 1, 60, 10**6])
def test_a_clock_runs_at_its_speed(real: SimpleNamespace, speed: float) -> None:
    """It begins at zero; what it is moved on by is added, whatever the speed."""
    clock = Clock(speed=speed, epoch=EPOCH)
    shown = [clock()]
    real.now += 2
    shown.append(clock())
    clock.advance(5)
    real.now += 2
    shown.append(clock())

    assert clock.speed == speed
    assert shown == [0, 2 * speed, 4 * speed + 5]
    assert clock.now == EPOCH + timedelta(seconds=4 * speed + 5)


def test_time_goes_by_itself() -> None:
    """Unless told otherwise, a clock shows the time of day, and does not stand."""
    clock = Clock()
    before = clock()
    while clock() == before:
        """The next reading is another."""

    assert clock() > before
    assert abs(clock.now - datetime.now(UTC)) < timedelta(minutes=1)


@given(st.lists(st.floats(0, YEARS)))
def test_a_clock_that_stands_shows_what_it_was_moved_on_by(steps: list[float]) -> None:
    """Nothing else moves it, and it never goes back."""
    clock = Clock(speed=0, epoch=EPOCH)
    expected = 0.0
    for step in steps:
        clock.advance(step)
        expected += step

        assert clock() == expected
        assert clock.now == EPOCH + timedelta(seconds=expected)


@pytest.mark.parametrize("seconds", [-1, -0.001, math.nan, math.inf, -math.inf, 1e300, 3e11])
@pytest.mark.parametrize("speed", [0, 1])
def test_what_is_no_step_is_refused(seconds: float, speed: float) -> None:
    """Back, nowhere, and past the end of time: the clock shows what it did."""
    clock = Clock(speed=speed, epoch=EPOCH)

    with pytest.raises(ValueError, match=r"^advance: "):
        clock.advance(seconds)
    assert clock() < 1000


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"speed": -1}, "speed: give seconds"),
        ({"speed": math.nan}, "speed: give seconds"),
        ({"speed": math.inf}, "speed: give seconds"),
        ({"speed": 10**6 + 1}, "speed: give seconds"),
        ({"speed": 0, "clock": lambda: 0.0}, "speed: a clock that is a function"),
        ({"epoch": datetime(2026, 1, 1)}, "epoch: give it with a time zone"),  # noqa: DTZ001
        ({"epoch": datetime(1969, 12, 31, tzinfo=UTC)}, "epoch: give a year"),
        ({"epoch": datetime(9000, 1, 1, tzinfo=UTC)}, "epoch: give a year"),
    ],
)
def test_a_clock_that_cannot_be_is_refused(options: dict[str, Any], complaint: str) -> None:
    """The message says what to give."""
    with pytest.raises(ValueError, match=f"^{complaint}"):
        create_app(**options)


def test_an_epoch_is_a_moment_wherever_it_was_read() -> None:
    """Time stamps are in UTC."""
    there = EPOCH.astimezone(timezone(timedelta(hours=-7)))

    assert Clock(speed=0, epoch=there).now.isoformat() == EPOCH.isoformat()


def test_a_function_goes_its_own_way(clock: SimpleNamespace) -> None:
    """A clock that follows a function shows what that counts, and is moved by nobody else."""
    clock.now = 1000.0
    following = Clock(source=lambda: clock.now, epoch=EPOCH)
    saved = following.save()
    clock.now = 1060.0

    with pytest.raises(ValueError, match="a function of yours"):
        following.advance(1)
    following.restore(saved)
    assert following() == 1060
    assert following.now == EPOCH + timedelta(minutes=1)
    following.restart()
    assert (following(), following.now) == (1060, EPOCH)


def test_no_step_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads may move a clock on at the same time."""

    def read() -> float:
        # Lets another thread go on, which then reads the same.
        time.sleep(0)
        return 0.0

    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=read))
    clock = Clock(speed=0, epoch=EPOCH)

    def step() -> None:
        for _ in range(1000):
            clock.advance(1)

    threads = [threading.Thread(target=step) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert clock() == 4000


def test_two_runs_answer_alike() -> None:
    """All operations, byte by byte, headers included: ids, tokens, signatures and stamps too."""
    first, second = local(seed=7), local(seed=7)
    for one in (first, second):
        one.walk(*ALL)
        one.app.faults.add("GET /v2/users", status=503)
        one.ask("GET", "/v2/users")

    assert first.answers[0][:2] == ("POST", "/token")
    assert first.answers == second.answers
    assert second.app.application == first.app.application
    other = local(seed=8)
    assert other.answers != first.answers[:1]
    assert other.app.application.client_secret != first.app.application.client_secret


def test_another_address_has_other_secrets() -> None:
    """Of two local Sikoias side by side, neither takes the other's token."""
    here, there = local(), local(url="https://elsewhere.example")
    there.use(here.authorize())

    assert there.ask("GET", "/v2/users").status_code == 401
    assert here.app.application.client_id == there.app.application.client_id
    assert here.app.application.client_secret != there.app.application.client_secret


def test_tokens_and_windows_follow() -> None:
    """A window turns and a token is over as soon as the clock says so."""
    one = local(token_life=300, limit=1, per=60)
    users: Callable[[], int] = lambda: one.ask("GET", "/v2/users").status_code  # noqa: E731
    full = [users(), users()]
    one.app.clock.advance(60)
    turned = users()
    one.app.clock.advance(240)

    assert (full, turned, users()) == ([200, 429], 200, 401)


def test_links_follow() -> None:
    """A link is over as soon as the clock says so."""
    one = local()
    body = {"file": "JVBERg==", "display_name": "A document", "file_name": "document.pdf"}
    link = httpx.URL(one.create("/v2/documents", body | one.person())["document_uri"])
    outside = Recorder(one.app)
    read = outside.ask("GET", link.raw_path.decode())
    one.app.clock.advance(24 * 3600)

    assert read.status_code == 200
    assert outside.ask("GET", link.raw_path.decode()).status_code == 403


def test_work_follows() -> None:
    """What is pending stays so until the work time is over, and ends at that moment."""
    one = local(work_time=90)
    who = one.person()
    path = f"/v2/income-employer/{one.create('/v2/income-employer', who)['request_id']}"
    early = one.ask("GET", path).json()
    one.app.clock.advance(89.999)
    still = one.ask("GET", path).json()
    one.app.clock.advance(0.001)
    late = one.ask("GET", path).json()

    assert [early["status"], still["status"], late["status"]] == ["Pending", "Pending", "Failed"]
    assert late["datetime_completed"][:23] == "2026-03-04T05:07:37.000"


def test_what_ends_is_noticed_before_advance_returns(
    connect: Callable[[Sandbox], httpx.Client],
) -> None:
    """The log of a webhook tells of it at once, though nobody has asked."""
    with receiving("http") as receiver, Sandbox(**STILL) as sandbox:
        client = connect(sandbox)
        subscribe(client, f"{receiver.url}/hook", VERIFIED)
        verify(client, _case(client))
        sandbox.clock.advance(59)
        before = len(sandbox.state.store("webhook_requests"))
        sandbox.clock.advance(1)

        assert (before, len(sandbox.state.store("webhook_requests"))) == (0, 1)


def test_webhooks_have_been_told_once_it_is_settled(
    connect: Callable[[Sandbox], httpx.Client],
) -> None:
    """Without sleeping, and on a clock that stands; so have those that are tried again."""
    answers = iter([500, 500, 204])
    with receiving("http") as receiver, Sandbox(**STILL) as sandbox:
        receiver.answer = lambda: next(answers)
        client = connect(sandbox)
        webhook = subscribe(client, f"{receiver.url}/hook", VERIFIED)
        verify(client, _case(client))
        arrived: list[int] = []
        for seconds in (60, 0.9, 0.1, 4.9, 0.1, 10_000):
            sandbox.clock.advance(seconds)
            sandbox.settle()
            arrived.append(receiver.arrived.qsize())

        assert arrived == [1, 1, 2, 2, 3, 3]
        (request,) = client.get(f"{webhook}/requests").json()["webhook_requests"]
        codes = [one["http_response_code"] for one in request["request_attempts"]]
        assert (request["webhook_event_status"], codes) == ("Complete", [500, 500, 204])


@pytest.mark.anyio
@pytest.mark.virtual_time
async def test_settling_waits_for_what_is_under_way() -> None:
    """A receiver that takes its time is waited for, whoever has told it."""
    app = create_app(speed=0, epoch=EPOCH, work_time=60, api_key="legacy")
    answered: list[str] = []

    async def answer(_request: httpx.Request) -> httpx.Response:
        await anyio.sleep(4)
        answered.append("yes")
        return httpx.Response(204)

    async with in_memory(app) as client:
        await begin(client)
        app.clock.advance(60)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(app.deliveries.deliver_due, httpx.MockTransport(answer))
            await anyio.wait_all_tasks_blocked()
            await app.deliveries.settle()

            assert answered == ["yes"]


@pytest.mark.anyio
async def test_an_event_loop_is_not_blocked(connect: Callable[[Sandbox], httpx.Client]) -> None:
    """A receiver in the event loop of the test can answer, as it is awaited and not blocked for."""
    arrived: list[bytes] = []

    async def receive(stream: SocketStream) -> None:
        async with stream:
            arrived.append(await stream.receive())
            await stream.send(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port: int = listener.extra(SocketAttribute.local_port)  # noqa: S610 - no database here
    with Sandbox(**STILL) as sandbox:
        client = connect(sandbox)
        subscribe(client, f"http://127.0.0.1:{port}/hook", VERIFIED)
        verify(client, _case(client))
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, receive)
            sandbox.clock.advance(60)
            with pytest.raises(RuntimeError, match="until_settled"):
                sandbox.settle()
            await sandbox.until_settled()
            tasks.cancel_scope.cancel()

    assert [one.partition(b" ")[0] for one in arrived] == [b"POST"]


def _case(client: httpx.Client) -> str:
    created = client.post("/v2/cases", json={"name": "Loan", "case_type": "Business"}).json()
    return f"/v2/cases/{created['case_id']}"
