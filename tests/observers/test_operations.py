"""What observers see of operations, webhook deliveries and stores."""

import gc
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import anyio
import httpx
import pytest
from faults import SECRET, client
from observing import Recorder
from rate_limiting import slot
from replaying import MemoryReplay
from scripted_store import ScriptedStore

from sikoia_async import Event, Quota, ReplayGuard, Router, Sikoia, WebhookHandlerError
from sikoia_async._rate_limit.shared import SharedRateLimiter
from sikoia_async.errors import ServerError, WebhookVerificationError
from sikoia_async.models import Entity
from sikoia_async.observers import (
    CallStarted,
    DeliveryEnded,
    EventReceived,
    OperationEnded,
    OperationPolled,
    OperationPollStarted,
    OperationStarted,
    StoreBack,
    StoreLost,
)
from sikoia_async.observers._observers import observers_of
from sikoia_async.stores.background import Background
from sikoia_async.webhooks import parse, sign

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_PERSON: Final = Entity("person", "canary-person")
_KEY: Final = "0123456789abcdef0123456789abcdef"
_EVENT: Final = "IncomeEmployerInsights.Completed"


def _client(recorder: Recorder, *statuses: str | int, **options: Any) -> Sikoia:
    remaining = list(statuses)

    def respond(_: httpx.Request) -> httpx.Response:
        status = remaining.pop(0)
        if isinstance(status, int):
            return httpx.Response(status, json={})
        headers = {"X-Correlation-Id": f"reply-{len(remaining)}"}
        body = {"request_id": "canary-request", "status": status}
        return httpx.Response(200, json=body, headers=headers)

    transport = httpx.MockTransport(respond)
    return client("https://127.0.0.1:1", transport=transport, observers=[recorder], **options)


async def test_an_operation_starts_is_polled_and_ends() -> None:
    """A poll's call comes between the events of the poll."""
    recorder = Recorder()
    async with _client(recorder, "Pending", 503, "Pending", "Complete") as sikoia:
        operation = await sikoia.income.request(_PERSON)
        await operation.wait(3600)

    started, ended = recorder.one(OperationStarted), recorder.one(OperationEnded)
    assert (started.kind, started.correlation_id) == ("income", "reply-3")
    assert (ended.number, ended.kind, ended.outcome) == (started.number, "income", "done")
    assert ended.polls == 3
    assert ended.seconds > 1
    assert [one.polls for one in recorder.of(OperationPollStarted)] == [0, 1, 2]
    assert [one.error for one in recorder.of(OperationPolled)] == ["ServerError", None, None]
    assert [one.polls for one in recorder.of(CallStarted)] == [None, 0, 1, 2]
    at = recorder.names.index("OperationPollStarted")
    assert recorder.names[at + 1] == "CallStarted"
    assert "canary" not in recorder.text


async def test_an_operation_that_is_done_at_once_ends_at_once() -> None:
    """Or has failed."""
    recorder = Recorder()
    async with _client(recorder, "Complete", "Pending", "Failed") as sikoia:
        sikoia.income.operation("r-1")
        await sikoia.income.operation("r-1").wait()
        operation = await sikoia.income.request(_PERSON)
        await operation.wait(3600, raise_on_failure=False)

    assert [one.outcome for one in recorder.of(OperationEnded)] == ["released", "done", "failed"]


async def test_an_operation_that_nobody_holds_is_released() -> None:
    """Also one that is held when the client is closed, and each once."""
    recorder = Recorder()
    async with _client(recorder, "Pending", 503, "Pending") as sikoia:
        operation = await sikoia.income.request(_PERSON)
        del operation
        gc.collect()
        assert not recorder.of(OperationEnded)
        with pytest.raises(ServerError):
            await sikoia.users.list()
        assert recorder.names[-5:-3] == ["OperationEnded", "CallStarted"]
        held = await sikoia.income.request(_PERSON)

    assert [one.outcome for one in recorder.of(OperationEnded)] == ["released"] * 2
    assert not held.done
    assert recorder.of(OperationStarted)[0].correlation_id is not None


async def test_an_operation_that_is_resumed_has_no_request() -> None:
    """So its start has no correlation id."""
    recorder = Recorder()
    async with _client(recorder) as sikoia:
        operation = sikoia.income.operation("r-1")

        assert recorder.one(OperationStarted).correlation_id is None
        assert not operation.done


async def test_a_poll_that_the_client_ends_is_cancelled() -> None:
    """By closing."""
    recorder = Recorder()

    async def hang(_: httpx.Request) -> httpx.Response:
        await anyio.sleep_forever()
        raise AssertionError

    transport = httpx.MockTransport(hang)
    sikoia = client("https://127.0.0.1:1", transport=transport, observers=[recorder])
    operation = sikoia.income.operation("r-1")

    async def wait() -> None:
        with pytest.raises(Exception, match="closed"):
            await operation.wait(100)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.sleep(5)
        await sikoia.aclose()

    assert recorder.one(OperationPolled).error == "cancelled"
    assert recorder.one(OperationEnded).outcome == "released"


def _body(event_type: str | None, **fields: Any) -> bytes:
    return json.dumps({"event_type": event_type, **fields}).encode()


async def test_events_that_are_fed_are_seen() -> None:
    """By the names that Sikoia documents, and by nothing of their content."""
    recorder = Recorder()
    async with _client(recorder, "Pending") as sikoia:
        operation = await sikoia.income.request(_PERSON)
        sikoia.events.feed(parse(_body(_EVENT, request_id="canary-request")))
        sikoia.events.feed(parse(_body("canary.Type")))
        sikoia.events.feed(parse(_body(None)))

    assert [(one.event_type, one.operations) for one in recorder.of(EventReceived)] == [
        (_EVENT, 1),
        ("unknown", 0),
        ("unknown", 0),
    ]
    assert not operation.done
    assert "canary" not in recorder.text


async def test_deliveries_are_seen() -> None:
    """Those that are handled, refused, not handled, and those whose handler fails."""
    recorder = Recorder()
    router = Router(_KEY, observers=[recorder])

    @router.on(_EVENT)
    async def handle(event: Any) -> None:
        await anyio.lowlevel.checkpoint()
        if "fail" in event.data:
            raise ValueError

    async def deliver(body: bytes, key: str = _KEY) -> None:
        await router.receive(body, sign(body, key))

    await deliver(_body(_EVENT))
    await deliver(_body(_EVENT))
    await deliver(_body("canary.Type"))
    with pytest.raises(WebhookHandlerError):
        await deliver(_body(_EVENT, fail=True))
    with pytest.raises(WebhookVerificationError):
        await deliver(_body(_EVENT), _KEY[::-1])
    await router.handle(parse(_body(_EVENT, number=2)))

    ended = recorder.of(DeliveryEnded)
    assert [(one.event_type, one.outcome, one.error) for one in ended] == [
        (_EVENT, "handled", None),
        (_EVENT, "duplicate", None),
        ("unknown", "unhandled", None),
        (_EVENT, None, "WebhookHandlerError"),
        (None, None, "WebhookVerificationError"),
        (_EVENT, "handled", None),
    ]
    assert recorder.names == ["DeliveryStarted", "DeliveryEnded"] * 6
    assert "canary" not in recorder.text


def test_a_router_without_a_store_or_guard_can_be_observed() -> None:
    """And one with an empty list."""
    recorder = Recorder()

    Router(_KEY, replay=None, observers=[recorder])
    Router(_KEY, replay=ReplayGuard(), observers=[recorder])
    Router(_KEY, observers=[])


class _Broken(MemoryReplay):
    is_down = True

    async def work(self) -> None:
        if self.is_down:
            raise OSError(SECRET)


async def test_a_store_that_fails_is_lost_and_then_back() -> None:
    """The one behind a router's guard."""
    recorder, store = Recorder(), _Broken()
    guard = ReplayGuard(store, clock=anyio.current_time)
    router = Router(_KEY, replay=guard, observers=[recorder])

    @router.otherwise
    def ignore(_: Event) -> None:
        """Do nothing."""

    await router.handle(parse(_body(_EVENT, number=1)))
    store.is_down = False
    await anyio.sleep(6)
    await router.handle(parse(_body(_EVENT, number=2)))

    assert recorder.one(StoreLost).store == recorder.one(StoreBack).store == "replay store"
    assert SECRET not in recorder.text


async def test_the_store_of_the_rate_limit_is_lost_and_back() -> None:
    """The limiter tells of both."""
    recorder, store = Recorder(), ScriptedStore()
    limiter = SharedRateLimiter(
        Quota(12, peers=2),
        anyio.current_time,
        store=store,
        account="an account",
        background=Background(),
        observers=observers_of([recorder]),
    )
    store.error = OSError(SECRET)
    async with slot(limiter):
        pass
    store.error = None
    await anyio.sleep(10)

    assert recorder.one(StoreLost).store == recorder.one(StoreBack).store == "quota store"


def test_nothing_is_loaded_without_observers() -> None:
    """A client and a router that nobody observes import none of it."""
    script = (
        "import sys; from sikoia_async import *; Sikoia(token='t'); Router('0' * 32); "
        "print([name for name in sys.modules if 'observers._' in name])"
    )
    command = [sys.executable, "-c", script]
    root = Path(__file__).resolve().parents[2]

    assert subprocess.check_output(command, cwd=root, text=True).strip() == "[]"
