"""The clock, and the parts of the local Sikoia that follow it."""

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

from sikoia_async.sandbox import Credentials, Rate, Sandbox, Time, create_app
from sikoia_async.sandbox.clock import Clock

VERIFIED = "IdentityVerification.Completed"
PAUSED: dict[str, Any] = {
    "time": Time(speed=0),
    "work_time": 60,
    "credentials": Credentials(token_life=10**6),
}
YEARS = 366 * 24 * 3600.0


@pytest.mark.parametrize("speed", [0, 0.5, 1, 60, 10**6])
def test_a_clock_runs_at_its_speed(speed: float) -> None:
    """It starts at zero; an advance is added at any speed."""
    real = SimpleNamespace(now=500.0)
    clock = Clock(speed=speed, epoch=EPOCH, monotonic=lambda: real.now)
    shown = [clock()]
    real.now += 2
    shown.append(clock())
    clock.advance(5)
    real.now += 2
    shown.append(clock())

    assert clock.speed == speed
    assert shown == [0, 2 * speed, 4 * speed + 5]
    assert clock.now == EPOCH + timedelta(seconds=4 * speed + 5)


def test_the_clock_follows_real_time_by_default() -> None:
    """It shows the time of day, and runs."""
    clock = Clock()
    before = clock()
    while clock() == before:
        """Wait for the next reading."""

    assert clock() > before
    assert abs(clock.now - datetime.now(UTC)) < timedelta(minutes=1)


@given(st.lists(st.floats(0, YEARS)))
def test_a_paused_clock_shows_the_sum_of_its_advances(steps: list[float]) -> None:
    """Nothing else moves it."""
    clock = Clock(speed=0, epoch=EPOCH)
    expected = 0.0
    for step in steps:
        clock.advance(step)
        expected += step

        assert clock() == expected
        assert clock.now == EPOCH + timedelta(seconds=expected)


@pytest.mark.parametrize("seconds", [-1, -0.001, math.nan, math.inf, -math.inf, 1e300, 3e11])
@pytest.mark.parametrize("speed", [0, 1])
def test_an_invalid_advance_is_refused(seconds: float, speed: float) -> None:
    """Negative, infinite, or beyond the last year; the clock does not move."""
    clock = Clock(speed=speed, epoch=EPOCH)

    with pytest.raises(ValueError, match=r"^advance: "):
        clock.advance(seconds)
    assert clock() < 1000


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"speed": -1}, "speed: expected clock seconds"),
        ({"speed": math.nan}, "speed: expected clock seconds"),
        ({"speed": math.inf}, "speed: expected clock seconds"),
        ({"speed": 10**6 + 1}, "speed: expected clock seconds"),
        ({"speed": 0, "clock": lambda: 0.0}, "speed: cannot be combined with clock"),
        ({"epoch": datetime(2026, 1, 1)}, "epoch: expected a datetime with a time zone"),  # noqa: DTZ001
        ({"epoch": datetime(1969, 12, 31, tzinfo=UTC)}, "epoch: expected a year"),
        ({"epoch": datetime(9000, 1, 1, tzinfo=UTC)}, "epoch: expected a year"),
    ],
)
def test_invalid_options_are_refused(options: dict[str, Any], error: str) -> None:
    """The error says what is expected."""
    with pytest.raises(ValueError, match=f"^{error}"):
        create_app(time=Time(**options))


def test_the_epoch_is_converted_to_utc() -> None:
    """From any time zone."""
    local_epoch = EPOCH.astimezone(timezone(timedelta(hours=-7)))

    assert Clock(speed=0, epoch=local_epoch).now.isoformat() == EPOCH.isoformat()


def test_a_clock_follows_a_function(clock: SimpleNamespace) -> None:
    """It can be neither advanced nor restored."""
    clock.now = 1000.0
    following = Clock(source=lambda: clock.now, epoch=EPOCH)
    saved = following.save()
    clock.now = 1060.0

    with pytest.raises(ValueError, match="follows your function"):
        following.advance(1)
    following.restore(saved)
    assert following() == 1060
    assert following.now == EPOCH + timedelta(minutes=1)
    following.restart()
    assert (following(), following.now) == (1060, EPOCH)


def test_no_advance_is_lost() -> None:
    """Even if threads advance the clock at the same time."""

    def read() -> float:
        # Lets another thread run, which then reads the same value.
        time.sleep(0)
        return 0.0

    clock = Clock(speed=0, epoch=EPOCH, monotonic=read)

    def step() -> None:
        for _ in range(1000):
            clock.advance(1)

    threads = [threading.Thread(target=step) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert clock() == 4000


def test_two_runs_return_the_same_responses() -> None:
    """Byte for byte, including headers, ids, tokens, signatures and timestamps."""
    first, second = local(seed=7), local(seed=7)
    for one in (first, second):
        one.walk(*ALL)
        one.app.faults.add("GET /v2/users", status=503)
        one.call("GET", "/v2/users")

    assert first.responses[0][:2] == ("POST", "/token")
    assert first.responses == second.responses
    assert second.app.application == first.app.application
    other = local(seed=8)
    assert other.responses != first.responses[:1]
    assert other.app.application.client_secret != first.app.application.client_secret


def test_another_url_has_other_secrets() -> None:
    """A token of one local Sikoia is not valid for another."""
    here, there = local(), local(url="https://elsewhere.example")
    there.use(here.authorize())

    assert there.call("GET", "/v2/users").status_code == 401
    assert here.app.application.client_id == there.app.application.client_id
    assert here.app.application.client_secret != there.app.application.client_secret


def test_tokens_and_windows_follow_the_clock() -> None:
    """They end when it reaches their end."""
    one = local(
        credentials=Credentials(token_life=300), rate=Rate(requests_per_window=1, window=60)
    )
    users: Callable[[], int] = lambda: one.call("GET", "/v2/users").status_code  # noqa: E731
    full = [users(), users()]
    one.app.clock.advance(60)
    turned = users()
    one.app.clock.advance(240)

    assert (full, turned, users()) == ([200, 429], 200, 401)


def test_links_follow_the_clock() -> None:
    """They expire when it reaches their end."""
    one = local()
    body = {"file": "JVBERg==", "display_name": "A document", "file_name": "document.pdf"}
    link = httpx.URL(one.create("/v2/documents", body | one.person())["document_uri"])
    outside = Recorder(one.app)
    read = outside.call("GET", link.raw_path.decode())
    one.app.clock.advance(24 * 3600)

    assert read.status_code == 200
    assert outside.call("GET", link.raw_path.decode()).status_code == 403


def test_operations_follow_the_clock() -> None:
    """They are pending until exactly the end of their work time."""
    one = local(work_time=90)
    who = one.person()
    path = f"/v2/income-employer/{one.create('/v2/income-employer', who)['request_id']}"
    early = one.call("GET", path).json()
    one.app.clock.advance(89.999)
    still = one.call("GET", path).json()
    one.app.clock.advance(0.001)
    late = one.call("GET", path).json()

    assert [early["status"], still["status"], late["status"]] == ["Pending", "Pending", "Failed"]
    assert late["datetime_completed"][:23] == "2026-03-04T05:07:37.000"


def test_advance_queues_deliveries_before_it_returns(
    connect: Callable[[Sandbox], httpx.Client],
) -> None:
    """The log of a webhook has them at once, without any request."""
    with receiving("http") as receiver, Sandbox(**PAUSED) as sandbox:
        client = connect(sandbox)
        subscribe(client, f"{receiver.url}/hook", VERIFIED)
        verify(client, _case(client))
        sandbox.clock.advance(59)
        before = len(sandbox.state.store("webhook_requests"))
        sandbox.clock.advance(1)

        assert (before, len(sandbox.state.store("webhook_requests"))) == (0, 1)


def test_settle_waits_for_deliveries(
    connect: Callable[[Sandbox], httpx.Client],
) -> None:
    """On a paused clock, including retries that are due."""
    statuses = iter([500, 500, 204])
    with receiving("http") as receiver, Sandbox(**PAUSED) as sandbox:
        receiver.respond = lambda: next(statuses)
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
async def test_settle_waits_for_deliveries_in_progress() -> None:
    """Even if another task has started them."""
    app = create_app(
        time=Time(speed=0, epoch=EPOCH), work_time=60, credentials=Credentials(api_key="legacy")
    )
    responded: list[str] = []

    async def respond(_request: httpx.Request) -> httpx.Response:
        await anyio.sleep(4)
        responded.append("yes")
        return httpx.Response(204)

    async with in_memory(app) as client:
        await begin(client)
        app.clock.advance(60)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(app.deliveries.deliver_due, httpx.MockTransport(respond))
            await anyio.wait_all_tasks_blocked()
            await app.deliveries.settle()

            assert responded == ["yes"]


@pytest.mark.anyio
async def test_until_settled_does_not_block_the_event_loop(
    connect: Callable[[Sandbox], httpx.Client],
) -> None:
    """A receiver in the event loop of the test can respond."""
    arrived: list[bytes] = []

    async def receive(stream: SocketStream) -> None:
        async with stream:
            arrived.append(await stream.receive())
            await stream.send(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port: int = listener.extra(SocketAttribute.local_port)  # noqa: S610 - no database here
    with Sandbox(**PAUSED) as sandbox:
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
