"""A whole call: tasks after a 202, correlation ids, and what is refused before it is sent."""

import logging
from collections.abc import AsyncIterator
from typing import Any, Final

import anyio
import attrs
import httpx
import pytest
from faults import TOKEN, Peer, answer, assert_plain, client, core, serve

from sikoia_async import (
    APIError,
    ClientStateError,
    ConfigurationError,
    DeadlineExceededError,
    Limits,
    OperationTimeoutError,
    Quota,
    ServerError,
    Sikoia,
    UnexpectedResponseError,
    correlation_id,
)
from sikoia_async._calls.api import Api
from sikoia_async._calls.options import CallOptions

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_ORIGIN: Final = "https://127.0.0.1:8400"


@attrs.define
class _Task:
    """Returns 202 a number of times, and then the result."""

    pending: int = 2
    headers: dict[str, str] = attrs.field(factory=dict[str, str])
    asked: list[str] = attrs.field(factory=list[str])
    times: list[float] = attrs.field(factory=list[float])

    def client(self, **options: Any) -> Sikoia:
        return client(_ORIGIN, transport=httpx.MockTransport(self._reply), **options)

    def _reply(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.raw_path.decode()}")
        self.times.append(anyio.current_time())
        number = {"X-Correlation-Id": f"answer-{len(self.asked)}"}
        if len(self.asked) <= self.pending:
            return httpx.Response(202, headers=self.headers | number, content=b"")
        return httpx.Response(200, headers=number, content=b'{"done": true}')


@pytest.mark.parametrize(
    ("location", "polled"),
    [
        (f"{_ORIGIN}/v2/tasks/1?part=2", "/v2/tasks/1?part=2"),
        ("/v2/tasks/1", "/v2/tasks/1"),
        ("tasks/1", "/v2/tasks/1"),
        ("?task=1", "/v2/reports?task=1"),
        ("//127.0.0.1:8400/v2/tasks/1#top", "/v2/tasks/1"),
        (None, "/v2/reports?kind=full"),
    ],
    ids=["absolute", "path", "relative", "query", "no scheme", "none"],
)
async def test_a_task_is_polled_at_its_location(location: str | None, polled: str) -> None:
    """Its Location is resolved against the request; without one, it is the same path."""
    task = _Task(pending=1, headers={"Location": location} if location else {})

    body = {"case_id": "7"}
    sikoia = task.client()
    result = await sikoia.request("POST", "/v2/reports", query={"kind": "full"}, body=body)

    assert result == {"done": True}
    assert task.asked == ["POST /v2/reports?kind=full", f"GET {polled}"]


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/v2/tasks/1",
        "//evil.example/v2/tasks/1",
        "https://127.0.0.1:8400@evil.example/v2/tasks/1",
        "https://user:pass@127.0.0.1:8400/v2/tasks/1",
        "https://127.0.0.1:8401/v2/tasks/1",
        "http://127.0.0.1:8400/v2/tasks/1",
        "https://127.0.0.1:99999/v2/tasks/1",
        "https://[::1/v2/tasks/1",
    ],
)
async def test_the_host_of_a_location_is_ignored_and_counted(location: str) -> None:
    """The task is polled on our origin; another one must not receive the token."""
    task = _Task(pending=1, headers={"Location": location})
    sikoia = task.client()

    assert await sikoia.request("POST", "/v2/reports") == {"done": True}
    assert task.asked == ["POST /v2/reports", "GET /v2/tasks/1"]
    assert sikoia.drift == {"Location: on another host": 1}


@pytest.mark.parametrize("location", ["javascript:alert(1)", "file:///etc/passwd", "https:tasks"])
async def test_a_location_that_cannot_be_read_is_an_error(location: str) -> None:
    """The response is kept on the error."""
    task = _Task(headers={"Location": location})

    with pytest.raises(UnexpectedResponseError, match="Location that cannot be read") as caught:
        await task.client().request("POST", "/v2/reports")

    assert_plain(caught.value)
    assert caught.value.status == 202
    assert len(task.asked) == 1


async def _real_sockets() -> None:
    """Send a client on a real socket to another server."""

    async def home(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer(202, b"", Location=f"{evil.url}/v2/tasks/1"))
        await peer.request()
        await peer.send(answer(200, b'{"done": true}'))

    async with serve(home) as evil, serve(home) as server, client(server.url) as sikoia:
        assert await sikoia.request("POST", "/v2/reports") == {"done": True}
        assert (evil.connections, len(server.requests)) == (0, 2)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_an_evil_server_sees_no_connection(backend: str) -> None:
    """The same over real sockets, in real time."""
    anyio.run(_real_sockets, backend=backend)


async def test_a_task_is_polled_when_the_server_says() -> None:
    """Retry-After on a 202 is honoured."""
    task = _Task(headers={"Retry-After": "7"})

    await task.client(timeout=60).request("POST", "/v2/reports")

    assert task.times[1] - task.times[0] == task.times[2] - task.times[1] == pytest.approx(7)


async def test_a_call_waits_for_its_task_within_its_timeout() -> None:
    """The timeout covers the whole call; a task without a result is on the error."""
    task = _Task(pending=1000)
    began = anyio.current_time()

    with pytest.raises(OperationTimeoutError) as caught:
        await task.client(timeout=30).request("POST", "/v2/reports")

    assert 15 < anyio.current_time() - began <= 30
    assert caught.value.correlation_ids[0] == "answer-1"
    assert len(caught.value.correlation_ids) == len(task.asked)


async def test_start_returns_the_operation() -> None:
    """It can be awaited and refreshed, and has the correlation ids of its responses."""
    task = _Task()
    operation = await task.client().start("POST", "/v2/reports", into=object)
    assert not operation.done

    assert await operation.refresh() is None
    assert await operation == {"done": True}

    assert operation.correlation_ids == ("answer-1", "answer-2", "answer-3")


async def test_start_accepts_an_immediate_result() -> None:
    """A call that may be answered by a 202 may also be answered at once."""
    operation = await _Task(pending=0).client().start("POST", "/v2/reports", into=object)

    assert operation.done
    assert operation.result() == {"done": True}


async def test_a_task_of_a_closed_client_is_not_polled() -> None:
    """An operation ends with its client."""
    task = _Task()
    sikoia = task.client()
    operation = await sikoia.start("POST", "/v2/reports", into=object)
    await sikoia.aclose()

    with pytest.raises(ClientStateError, match="closed"):
        await operation
    assert len(task.asked) == 1


async def test_a_closed_client_makes_no_further_attempt() -> None:
    """A call that pauses before a retry ends with an error."""
    transport = httpx.MockTransport(lambda _: httpx.Response(503, headers={"Retry-After": "5"}))
    sikoia = client(_ORIGIN, transport=transport, retries=2, timeout=60)

    async with anyio.create_task_group() as tasks:

        async def close() -> None:
            await anyio.sleep(1)
            await sikoia.aclose()

        tasks.start_soon(close)
        with pytest.raises(ClientStateError, match="closed"):
            await sikoia.request("GET", "/v2/cases")


async def test_attempts_share_a_correlation_id_and_calls_do_not() -> None:
    """The id to quote is the one of the last response."""
    sent: list[str] = []

    def reply(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["X-Correlation-Id"])
        return httpx.Response(500, headers={"X-Correlation-Id": f"theirs-{len(sent)}"})

    sikoia = client(_ORIGIN, transport=httpx.MockTransport(reply), retries=2)

    with pytest.raises(ServerError) as caught:
        await sikoia.request("GET", "/v2/cases")
    with pytest.raises(ServerError), correlation_id("block"):
        await sikoia.with_options(retries=0).request("GET", "/v2/cases")
    with pytest.raises(ServerError), correlation_id("block"):
        await sikoia.with_options(retries=0, correlation_id="view").request("GET", "/v2/cases")

    assert len(set(sent[:3])) == 1
    assert sent[3:] == ["block", "view"]
    assert caught.value.call.sent_correlation_id == sent[0]
    assert caught.value.correlation_id == "theirs-3"


async def test_a_too_long_query_is_refused_and_costs_no_slot() -> None:
    """It is refused before httpx could."""
    task = _Task(pending=0)
    sikoia = task.client(quota=Quota(5))

    with pytest.raises(ConfigurationError, match="query"):
        await sikoia.request("GET", "/v2/cases", query={"keyword": "x" * 70_000})

    pacer = core(sikoia).rate_limiter
    assert pacer is not None
    assert pacer.left == 5
    assert not task.asked


async def test_a_body_without_values_is_refused() -> None:
    """A change that changes nothing is a mistake."""
    task = _Task()

    with pytest.raises(ConfigurationError, match="at least one of name, stage"):
        await task.client().request("PATCH", "/v2/cases/1", body={"name": None, "stage": None})
    assert not task.asked


async def test_a_call_is_logged_without_query_and_token(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The record has method, path, status, duration and correlation id."""
    with caplog.at_level(logging.DEBUG, "sikoia_async"):
        await _Task(pending=0).client().request("GET", "/v2/cases", query={"keyword": "hunter2"})
        with pytest.raises(DeadlineExceededError):
            await _stuck().request("GET", "/v2/cases")

    fine, late = caplog.messages
    assert fine == "GET /v2/cases: 200 in 0.000 s (correlation id answer-1)"
    assert "no response in 3.000 s" in late
    assert "hunter2" not in caplog.text
    assert TOKEN not in caplog.text


async def test_each_method_fills_its_template() -> None:
    """What a resource writes down is what is sent."""
    task = _Task(pending=0)
    api = Api(core(task.client()), CallOptions(timeout=5, retries=0))

    await api.get("/v2/cases/{case_id}", object, query={"limit": 1}, case_id="7")
    await api.post("/v2/cases/{case_id}/notes", object, {"text": "x"}, case_id="7")
    await api.patch("/v2/cases/{case_id}", object, {"stage": "x"}, case_id="7")
    await api.delete("/v2/cases/{case_id}", case_id="7")

    assert task.asked == [
        "GET /v2/cases/7?limit=1",
        "POST /v2/cases/7/notes",
        "PATCH /v2/cases/7",
        "DELETE /v2/cases/7",
    ]


def _stuck() -> Sikoia:
    async def reply(_: httpx.Request) -> httpx.Response:
        await anyio.sleep(100)
        raise AssertionError

    return client(_ORIGIN, transport=httpx.MockTransport(reply), timeout=3)


class _Endless(httpx.AsyncByteStream):
    """A body that never ends, even after it is closed."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1000
            await anyio.sleep(0.01)


async def test_an_endless_body_is_abandoned() -> None:
    """What fits is kept, and the call ends, even if closing does not stop the transport."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=_Endless()))
    began = anyio.current_time()

    with pytest.raises(UnexpectedResponseError, match="larger than 10,000 bytes") as caught:
        await client(_ORIGIN, transport=transport, limits=Limits(max_body=10_000)).request(
            "GET", "/v2/cases"
        )

    assert caught.value.body == b"x" * 10_000
    assert anyio.current_time() - began < 1


_GONE = {"type": "ResourceDeleted", "status": 404, "title": "Resource Deleted"}


@pytest.mark.parametrize("headers", [{}, {"Location": "/v2/tasks/1"}], ids=["same path", "task"])
@pytest.mark.parametrize("kind", ["ResourceDeleted", "ResourceNotFound"])
async def test_a_deletion_that_was_accepted_ends_when_nothing_is_found(
    headers: dict[str, str], kind: str
) -> None:
    """Through every way to delete."""
    polls = list[str]()

    def reply(request: httpx.Request) -> httpx.Response:
        if request.method == "DELETE":
            return httpx.Response(202, headers=headers)
        polls.append(request.url.path)
        if len(polls) % 2:
            return httpx.Response(202, headers=headers)
        return httpx.Response(404, json=_GONE | {"type": kind})

    async with client(_ORIGIN, transport=httpx.MockTransport(reply)) as sikoia:
        await sikoia.cases.delete("c-1")
        assert await sikoia.request("DELETE", "/v2/cases/c-1") is None
        operation = await sikoia.start("DELETE", "/v2/cases/c-1", into=type(None))
        await operation
        assert operation.done

    assert polls == [headers.get("Location", "/v2/cases/c-1")] * 6


@pytest.mark.parametrize(
    ("method", "status", "body"),
    [("DELETE", 404, {}), ("DELETE", 403, _GONE), ("POST", 404, _GONE)],
    ids=["a gateway", "another status", "another method"],
)
async def test_other_errors_do_not_end_a_deletion(
    method: str, status: int, body: dict[str, Any]
) -> None:
    """Only Sikoia says that something is gone."""

    def reply(request: httpx.Request) -> httpx.Response:
        return httpx.Response(202) if request.method != "GET" else httpx.Response(status, json=body)

    async with client(_ORIGIN, transport=httpx.MockTransport(reply), timeout=60) as sikoia:
        with pytest.raises(APIError):
            await sikoia.request(method, "/v2/cases/c-1")
