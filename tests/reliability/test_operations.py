"""Long-running work that finishes late, never, with an unknown status, or by webhook.

What the single modules do is in `../operations/test_operation.py`; what was found by attacking
them, in `test_operations_attacked.py`.
"""

import base64
import gc
import json
import pickle
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import anyio
import httpx
import pytest
import sniffio
from faults import SECRET, Peer, answer, client, core, serve
from reliability.harness import ask
from reliability.oracle import assert_ours, watched
from reliability.tasks import CASE, TEST, Answer, Working, reported

from sikoia_async import (
    ClientStateError,
    ConfigurationError,
    Interval,
    Limits,
    OperationTimeoutError,
    Quota,
    ResourceNotFoundError,
    Router,
    Sikoia,
    TransportError,
    WebhookVerificationError,
)
from sikoia_async.environments import STAGING, local
from sikoia_async.operations.operation import Operation
from sikoia_async.resources.income import IncomeReport
from sikoia_async.webhooks import signing

pytestmark = pytest.mark.anyio

_WEBHOOK_SECRET: Final = "canary-webhook-secret"


@pytest.mark.virtual_time
async def test_an_endless_operation_times_out() -> None:
    """K1: the timeout has the last response and an operation token, and is not a failure."""
    sikoia = Working.saying(reported("Pending", message="in line"))
    async with watched(sikoia.client(), sikoia) as watch:
        operation = await watch.sikoia.income.request(CASE)
        began = anyio.current_time()
        with pytest.raises(OperationTimeoutError, match="wait again to continue") as caught:
            await operation.wait(timeout=3600)

        assert 3597 < anyio.current_time() - began <= 3600
        assert 3600 / 15 <= len(sikoia.polls) <= 3600 / 12 + 10
        assert caught.value.last.message == "in line"
        assert caught.value.token == operation.token
        assert watch.sikoia.operation(str(caught.value.token)) is operation
        assert caught.value.correlation_ids == operation.correlation_ids
        assert_ours(caught.value)


@pytest.mark.virtual_time
@pytest.mark.parametrize(
    "answer",
    [
        *(reported(status) for status in ("Sleeping", "Completing", "Not complete", "", None)),
        httpx.Response(200, json={"request_id": "r-1"}),
        reported(3),
    ],
    ids=lambda answer: answer.text,
)
async def test_an_unknown_status_does_not_end_an_operation(
    answer: httpx.Response, caplog: pytest.LogCaptureFixture
) -> None:
    """K2: it is counted each time and logged once."""
    sikoia = Working.saying(answer, answer, answer, reported())
    async with watched(sikoia.client(), sikoia) as watch:
        report = await (await watch.sikoia.income.request(CASE))

        assert report.status == "Complete"
        assert len(sikoia.polls) == 4
        assert watch.sikoia.drift["IncomeReport.status: taken for running"] == 3
    told = [one for one in caplog.records if "taken for running" in one.getMessage()]
    assert len(told) == 1


@pytest.mark.virtual_time
async def test_only_the_status_ends_an_operation() -> None:
    """K3: also if it changes back and forth, or results appear while it is `Pending`."""
    data = {"data": {"person_id": "p-1"}, "datetime_completed": "2025-01-01T00:00:00Z"}
    sikoia = Working.saying(reported("Pending", **data), reported(), reported("Pending"))
    async with watched(sikoia.client(), sikoia) as watch:
        operation = await watch.sikoia.income.request(CASE)
        statuses = [report.status async for report in operation]

        assert statuses == ["Pending", "Pending", "Complete"]
        assert (await operation.refresh()) is operation.result()
        assert len(sikoia.polls) == 2  # a finished operation is not polled again

        token = operation.token
        del operation
        # On Python 3.13 trio knows the frames of the last sleep, and so who was asking.
        await anyio.sleep(0.1)
        gc.collect()
        sikoia.polls.clear()
        assert (await watch.sikoia.operation(token)).status == "Complete"
        assert len(sikoia.polls) == 2


@pytest.mark.virtual_time
async def test_a_new_operation_may_not_be_found_yet() -> None:
    """K4: a 404 is ignored for some seconds, but not later or for resumed operations."""
    sikoia = Working(lambda _: httpx.Response(404) if anyio.current_time() < late else reported())
    async with watched(sikoia.client(), sikoia) as watch:
        late = anyio.current_time() + 3
        assert (await (await watch.sikoia.income.request(CASE))).status == "Complete"

        late, began = float("inf"), anyio.current_time()
        operation = await watch.sikoia.income.request(CASE)
        with pytest.raises(ResourceNotFoundError) as caught:
            await operation
        assert 10 <= anyio.current_time() - began < 10 + 10
        assert_ours(caught.value)

        sikoia.polls.clear()
        with pytest.raises(ResourceNotFoundError):
            await watch.sikoia.income.operation("r-2")
        assert len(sikoia.polls) == 1


_OUTAGES: Final[list[Answer]] = [
    httpx.Response(500, json={"status": 500}),
    httpx.Response(502, content=b"<html>", headers={"Content-Type": "text/html"}),
    httpx.Response(429),
    httpx.ReadError("reset"),
    httpx.ConnectError("refused"),
    httpx.Response(503, headers={"Retry-After": "7"}),
]


@pytest.mark.virtual_time
@pytest.mark.parametrize("retries", [0, 2])
async def test_an_outage_does_not_end_a_wait(retries: int) -> None:
    """K5: five waiting tasks share one poller through all kinds of temporary errors."""
    sikoia = Working.saying(*_OUTAGES, reported("Pending"), reported())
    ended: list[IncomeReport] = []
    async with watched(sikoia.client(retries=retries, quota=Quota()), sikoia) as watch:
        operation = await watch.sikoia.income.request(CASE)

        async def wait() -> None:
            ended.append(await operation)

        async with anyio.create_task_group() as waiting:
            for _ in range(5):
                waiting.start_soon(wait)

        assert [report.status for report in ended] == ["Complete"] * 5
        assert len(sikoia.polls) == len(_OUTAGES) + 2
        assert watch.sikoia.stats().waiting == 0


@pytest.mark.virtual_time
async def test_a_lasting_outage_is_the_cause_of_the_timeout() -> None:
    """K5: the timeout names it."""
    sikoia = Working.saying(httpx.ReadError("reset"))
    async with watched(sikoia.client(), sikoia) as watch:
        operation = await watch.sikoia.income.request(CASE)
        with pytest.raises(OperationTimeoutError, match="the last poll failed") as caught:
            await operation

        assert isinstance(caught.value.__cause__, TransportError)
        assert_ours(caught.value)


@pytest.mark.virtual_time
@pytest.mark.parametrize("status", [202, 429, 503])
async def test_a_retry_after_beyond_the_timeout_ends_the_wait_at_once(status: int) -> None:
    """K6: without sleeping."""
    busy = httpx.Response(status, headers={"Retry-After": "3600"})
    sikoia = Working.saying(busy, reported("Pending"))
    async with watched(sikoia.client(), sikoia) as watch:
        operation: Operation[Any]
        if status == 202:
            operation = await watch.sikoia.start("GET", "/v2/slow", into=object)
        else:
            operation = await watch.sikoia.income.request(CASE)
        began = anyio.current_time()
        with pytest.raises(OperationTimeoutError, match="wait again to continue") as caught:
            await operation.wait(timeout=60)

        assert anyio.current_time() - began < 2
        assert len(sikoia.polls) == 1
        assert (caught.value.__cause__ is None) == (status == 202)
        assert_ours(caught.value)


class _Bomb:
    """Ends the test run if it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return pytest.exit, ("a token was unpickled",)


def _packed(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def _forged(token: str) -> dict[str, Any]:
    """Return invalid tokens that look like valid ones."""
    version, where, kind, ids, seal = token.split(".")
    pickled = pickle.dumps(_Bomb())
    return {
        "a pickle": pickled.decode("latin-1"),
        "a pickle in it": ".".join([version, where, kind, _packed(pickled), seal]),
        "a pickle in base64": _packed(pickled),
        "bytes": token.encode(),
        "nothing": "",
        "a newer version": token.replace("op1", "op2", 1),
        "a megabyte": token * (1_000_000 // len(token)),
        "a long id": ".".join([version, where, kind, "A" * 1_000_000, seal]),
        "another kind": f"{version}.{where}.identity.{ids}.{seal}",
        "a path": ".".join([version, where, kind, _packed(b"../../admin"), seal]),
        "an address": "https://evil.example/v2/income-employer/r-1",
        "a line more": f"{token}\n",
        "digits of other scripts": token.replace("op1", "op\N{ARABIC-INDIC DIGIT ONE}", 1),
        "no seal": token.rpartition(".")[0],
    }


@pytest.mark.virtual_time
async def test_an_invalid_operation_token_sends_nothing() -> None:
    """K7: whatever is wrong with it; nothing in it is executed, requested or repeated."""
    sikoia = Working.saying(reported())
    token = (await sikoia.client().income.request(CASE)).token
    wrong = _forged(token)
    async with watched(sikoia.client(), sikoia) as watch:
        for what, forged in wrong.items():
            requests = sikoia.seen
            with pytest.raises(ConfigurationError, match=r"^token: ") as caught:
                watch.sikoia.operation(forged)
            assert sikoia.seen == requests, what
            assert len(str(caught.value)) < 200, what
            assert_ours(caught.value)

    for other in (
        sikoia.client("another-secret"),
        sikoia.client(environment=local("http://127.0.0.1:1")),
        sikoia.client(environment=STAGING),
    ):
        with pytest.raises(ConfigurationError, match=r"other credentials|another environment"):
            other.operation(token)
    assert (await sikoia.client().operation(token)).status == "Complete"


@pytest.mark.virtual_time
@pytest.mark.parametrize(
    ("kind", "ids"),
    [
        ("income", ("../../admin",)),
        ("income", ("",)),
        ("income", ("r-1", "r-2")),
        ("identity", ("r-1?x=1",)),
        ("data-sources", ("c-1", "../case")),
        ("data-sources", ("..", "case")),
        ("account-refresh", ("a/b", "")),
        ("admin", ("r-1",)),
    ],
)
async def test_an_operation_token_signed_without_a_secret_stays_on_the_api(
    kind: str, ids: tuple[str, ...]
) -> None:
    """K7: a client without a secret has no key; a forged operation token cannot choose the URL."""
    sikoia, transport = Working.saying(reported()), httpx.MockTransport
    plain = Sikoia(token="a-token", environment=TEST, transport=transport(sikoia.reply))
    forged = core(plain).registry.signer.token(kind, ids)

    with pytest.raises(ConfigurationError):
        plain.operation(forged)
    assert sikoia.seen == 0


@pytest.mark.virtual_time
@pytest.mark.parametrize("relied_on", [False, True])
async def test_a_verified_event_wakes_a_wait_and_a_forged_one_does_not(
    relied_on: bool,
) -> None:
    """K8: the poll that follows decides, so a false event ends nothing."""
    sikoia = Working.saying(reported("Pending"), reported())
    router, ended = Router(_WEBHOOK_SECRET), list[float]()
    body = json.dumps({"event_type": "IncomeEmployerInsights.Completed", "id": "r-1"}).encode()
    async with watched(
        sikoia.client(rely_on_events="always" if relied_on else False), sikoia
    ) as watch:

        @router.otherwise
        def _(event: Any) -> None:
            assert watch.sikoia.events.feed(event) == 1

        operation = await watch.sikoia.income.request(CASE)
        began = anyio.current_time()

        async def wait() -> None:
            await operation
            ended.append(anyio.current_time() - began)

        async with anyio.create_task_group() as waiting:
            waiting.start_soon(wait)
            await anyio.sleep(0.2)
            for forgery in (None, "", "junk", signing.sign(body, "another-webhook-secret")):
                with pytest.raises(WebhookVerificationError):
                    await router.receive(body, forgery)
            await anyio.sleep(0.2)
            assert sikoia.polls == []

            await router.receive(body, signing.sign(body, _WEBHOOK_SECRET))
            await anyio.sleep(0.2)
            assert (len(sikoia.polls), ended) == (1, [])  # it was not true yet

            again = body.replace(b"}", b', "again": true}')
            await router.receive(again, signing.sign(again, _WEBHOOK_SECRET))

        assert ended == pytest.approx([0.7])
        assert len(sikoia.polls) == 2


@pytest.mark.virtual_time
async def test_three_hundred_operations_share_the_quota() -> None:
    """K9: none gets a 429, all are polled, and interactive calls get through."""
    sikoia = Working.saying(reported("Pending"), seconds=0.2)
    asked, waits = Counter[str](), list[float]()
    arrivals: list[tuple[str, float]] = []
    reply = sikoia.reply

    async def noted(request: httpx.Request) -> httpx.Response:
        if request.url.host != "login.example":
            arrivals.append((request.url.path, anyio.current_time()))
        return await reply(request)

    transport = httpx.MockTransport(noted)
    sikoia_client = sikoia.client(
        transport=transport, quota=Quota(), limits=Limits(max_in_flight=200)
    )
    async with sikoia_client:
        began = anyio.current_time()
        operations = [sikoia_client.income.operation(f"r-{number}") for number in range(300)]

        async def wait(operation: Operation[IncomeReport]) -> None:
            with pytest.raises(OperationTimeoutError):
                await operation.wait(timeout=600)

        async def hurry() -> None:
            while anyio.current_time() < began + 600:
                before = anyio.current_time()
                await ask(sikoia_client)
                waits.append(anyio.current_time() - before)
                await anyio.sleep(20)

        async with anyio.create_task_group() as waiting:
            waiting.start_soon(hurry)
            for operation in operations:
                waiting.start_soon(wait, operation)

        assert sikoia_client.stats().waiting == 0

    for phase in range(0, 60, 7):
        windows = Counter((time - phase) // 60 for _, time in arrivals)
        assert max(windows.values()) <= 200
    assert len(arrivals) > 0.85 * 10 * 200  # a tenth is left free
    for operation in operations:
        path = f"/v2/income-employer/{operation.ids[0]}"
        times = [began, *(time for one, time in arrivals if one == path), began + 600]
        assert max(b - a for a, b in pairwise(times)) <= 180
        asked[path] = len(times) - 2
    assert max(asked.values()) <= 2 * min(asked.values())
    assert max(waits) < 1


@pytest.mark.virtual_time
async def test_a_token_that_expires_between_polls_is_renewed() -> None:
    """K10: the wait continues."""
    expired = httpx.Response(401, json={"type": "ExpiredToken", "status": "401"})
    sikoia = Working.saying(reported("Pending"), expired, reported("Pending"), expired, reported())
    async with watched(sikoia.client(), sikoia) as watch:
        # A new access token that is refused within some seconds is not renewed.
        calm = watch.sikoia.with_options(interval=Interval(first=10, most=10))
        report = await (await calm.income.request(CASE))

        assert report.status == "Complete"
        assert sikoia.tokens == 3
        assert len(sikoia.polls) == 5


@pytest.mark.virtual_time
@pytest.mark.parametrize("moment", [0.5, 1.05, 30.05], ids=["asleep", "in a poll", "in line"])
async def test_closing_ends_every_wait_at_once(moment: float) -> None:
    """K10: also during a poll or while one waits for a slot; Sikoia continues the work."""
    sikoia = Working.saying(reported("Pending"))
    errors: list[ClientStateError] = []
    # With two slots a minute polls stand in line.
    async with watched(sikoia.client(quota=Quota(2)), sikoia, next_call=False) as watch:
        operation = await watch.sikoia.income.request(CASE)

        async def wait() -> None:
            with pytest.raises(
                ClientStateError, match="does not end it at Sikoia: resume"
            ) as caught:
                await operation
            errors.append(caught.value)

        began = anyio.current_time()
        async with anyio.create_task_group() as waiting:
            for _ in range(3):
                waiting.start_soon(wait)
            await anyio.sleep(moment)
            await watch.sikoia.aclose()

        assert anyio.current_time() == pytest.approx(began + moment)
        assert len(errors) == 3
        for error in errors:
            assert_ours(error)
        assert watch.sikoia.stats().waiting == 0
        with pytest.raises(ClientStateError):
            await operation


async def test_another_process_resumes_after_a_restart() -> None:
    """K10: it needs the operation token and the same credentials."""
    grant = answer(201, b'{"access_token": "a-token", "expires_in": 3600}')
    polls = 0

    async def script(peer: Peer) -> None:
        nonlocal polls
        while True:
            request = await peer.request()
            if b"/token " in request:
                await peer.send(grant)
            elif request.startswith(b"POST"):
                await peer.send(answer(201, b'{"request_id": "r-7", "status": "Pending"}'))
            else:
                polls += 1
                status = b"Complete" if polls == 3 else b"Pending"
                await peer.send(answer(body=b'{"request_id": "r-7", "status": "%s"}' % status))

    async with serve(script) as server:
        url = server.url
        async with Sikoia("an-id", SECRET, environment=local(url), quota=None) as sikoia:
            operation = await sikoia.income.request(CASE)
            await operation.refresh()
            token = operation.token
        child = str(Path(__file__).with_name("resume_child.py"))
        done = await anyio.run_process(
            [sys.executable, child, sniffio.current_async_library(), url],
            input=json.dumps([SECRET, token]).encode(),
            stderr=None,
        )

    assert json.loads(done.stdout) == ["r-7", "Complete"]
    assert polls == 3
    assert [line for line in server.lines if "income" in line] == [
        "POST /v2/income-employer",
        *["GET /v2/income-employer/r-7"] * 3,
    ]
    with pytest.raises(ConfigurationError, match="other credentials"):
        client(url).operation(token)
