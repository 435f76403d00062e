"""The caller's hooks: when they are called, what they see, and that they cannot lose a response."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Any, Final

import anyio
import anyio.lowlevel
import httpx
import pytest
from faults import TOKEN, client
from scripted import Reply, scripted

from sikoia_async import (
    ArgumentTypeError,
    CallInfo,
    ConnectionFailedError,
    DeadlineExceededError,
    LinkExpiredError,
    Quota,
    ResourceNotFoundError,
    ResponseInfo,
    correlation_id,
)

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_ORIGIN: Final = "https://127.0.0.1:8400"


class _Replies(httpx.MockTransport):
    """Sends responses in turn; None is a request without a response."""

    def __init__(self, *replies: httpx.Response | None) -> None:
        self.requests: list[httpx.Request] = []
        remaining = list(replies)

        def respond(request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            reply = remaining.pop(0)
            if reply is None:
                raise httpx.ConnectError(request.url.host)
            return reply

        super().__init__(respond)


class _Hooks:
    """Notes what it is called with, as functions or as coroutine functions."""

    def __init__(self) -> None:
        self.requests: list[CallInfo] = []
        self.responses: list[ResponseInfo] = []

    async def on_request(self, call: CallInfo) -> None:
        self.requests.append(call)

    def on_response(self, response: ResponseInfo) -> None:
        self.responses.append(response)

    @property
    def options(self) -> dict[str, Callable[[Any], object]]:
        """The arguments of a client."""
        return {"on_request": self.on_request, "on_response": self.on_response}


async def test_hooks_are_called_with_each_attempt() -> None:
    """Attempts without a response have no `on_response`; views have the hooks of their client."""
    hooks = _Hooks()
    transport = _Replies(
        httpx.Response(503, headers={"X-Number": "1"}),
        None,
        httpx.Response(200, headers={"X-Correlation-Id": "theirs"}, json=[]),
    )
    async with client(_ORIGIN, transport=transport, retries=2, **hooks.options) as sikoia:
        with correlation_id("ours"):
            await sikoia.with_options(timeout=30).cases.list(keyword="canary")

    assert [len(call.attempts) for call in hooks.requests] == [0, 1, 2]
    assert {(call.method, call.path, call.reached) for call in hooks.requests} == {
        ("GET", "/v2/cases", "unsent")
    }
    assert {call.sent_correlation_id for call in hooks.requests} == {"ours"}
    assert [(one.status, len(one.attempts)) for one in hooks.responses] == [(503, 1), (200, 3)]
    assert [one.correlation_id for one in hooks.responses] == ["ours", "theirs"]
    assert hooks.responses[0].headers["x-number"] == "1"
    everything = repr((hooks.requests, hooks.responses))
    assert "canary" not in everything
    assert TOKEN not in everything


async def test_nothing_is_sent_if_on_request_raises() -> None:
    """The exception reaches the caller unchanged, without a retry; the slot is given back."""
    stop = RuntimeError("not now")

    def on_request(_: CallInfo) -> None:
        raise stop

    transport = _Replies()
    async with client(
        _ORIGIN, transport=transport, retries=2, quota=Quota(1), on_request=on_request
    ) as sikoia:
        for _ in range(2):
            with pytest.raises(RuntimeError) as caught:
                await sikoia.request("POST", "/v2/x", body={"a": 1}, chargeable=True)
            assert caught.value is stop
        assert sikoia.stats().attempts == 0
        assert not sikoia.spend
    assert not transport.requests
    assert not getattr(stop, "__notes__", [])


@pytest.mark.parametrize("error", [httpx.ReadError("x"), OSError("x"), TimeoutError("x")])
async def test_an_exception_of_httpx_in_a_hook_is_not_a_fault_of_the_call(error: Exception) -> None:
    """A hook may send its own requests, whose failure says nothing about this one."""

    async def on_request(_: CallInfo) -> None:
        await anyio.lowlevel.checkpoint()
        raise error

    transport = _Replies()
    async with client(_ORIGIN, transport=transport, retries=2, on_request=on_request) as sikoia:
        with pytest.raises(type(error)) as caught:
            await sikoia.users.list()
    assert caught.value is error
    assert not transport.requests


async def test_a_doubt_is_noted_if_on_request_stops_the_retry() -> None:
    """An earlier attempt with an effect may have been processed."""
    calls: list[CallInfo] = []

    def on_request(call: CallInfo) -> None:
        calls.append(call)
        if len(calls) > 1:
            raise RuntimeError

    transport = _Replies(httpx.Response(503))
    async with client(_ORIGIN, transport=transport, retries=2, on_request=on_request) as sikoia:
        with pytest.raises(RuntimeError) as caught:
            await sikoia.request("DELETE", "/v2/x")
    assert "may have been processed" in "".join(caught.value.__notes__)


@pytest.mark.parametrize("is_async", [True, False])
async def test_on_response_cannot_lose_a_response(
    is_async: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """What it raises is logged without its message, and the call continues."""

    def fail(response: ResponseInfo) -> None:
        msg = f"canary {response.status}"
        raise ValueError(msg)

    async def fail_later(response: ResponseInfo) -> None:
        await anyio.lowlevel.checkpoint()
        fail(response)

    hook: Callable[[ResponseInfo], Awaitable[None] | None] = fail_later if is_async else fail
    transport = _Replies(httpx.Response(503), httpx.Response(200, json={"id": "r-1"}))
    async with client(_ORIGIN, transport=transport, retries=1, on_response=hook) as sikoia:
        result = await sikoia.request("PUT", "/v2/x", body={"a": 1})
    assert result == {"id": "r-1"}
    errors = [one.getMessage() for one in caplog.records if one.levelno == logging.ERROR]
    assert len(errors) == 2
    assert "ValueError in fail, line" in errors[0]
    assert "canary" not in errors[0]


@pytest.mark.parametrize("status", [200, 404])
async def test_a_slow_on_response_ends_at_the_deadline(status: int) -> None:
    """And the call still has the response that arrived in time."""

    async def on_response(_: ResponseInfo) -> None:
        await anyio.sleep(3600)

    transport = _Replies(httpx.Response(status, json={"id": "r-1"}))
    async with client(_ORIGIN, transport=transport, timeout=5, on_response=on_response) as sikoia:
        before = anyio.current_time()
        with nullcontext() if status == 200 else pytest.raises(ResourceNotFoundError):
            assert await sikoia.request("POST", "/v2/x", chargeable=True) == {"id": "r-1"}
        assert anyio.current_time() - before == pytest.approx(5, abs=0.1)
        assert sikoia.spend == ({} if status == 404 else {"POST /v2/x": 1})


async def test_a_slow_on_request_counts_as_part_of_the_call() -> None:
    """Nothing was sent, and the error says where the time went."""

    async def on_request(_: CallInfo) -> None:
        await anyio.sleep(3600)

    transport = _Replies()
    async with client(_ORIGIN, transport=transport, timeout=5, on_request=on_request) as sikoia:
        with pytest.raises(DeadlineExceededError) as caught:
            await sikoia.request("POST", "/v2/x")
    assert caught.value.spent["hooks"] == pytest.approx(5, abs=0.1)
    assert caught.value.reached == "unsent"
    assert not caught.value.may_have_been_processed
    assert not transport.requests


async def test_a_cancellation_during_on_response_says_that_there_was_one() -> None:
    """The response of a call with an effect is lost with the task, and counted."""
    inside = anyio.Event()
    errors: list[BaseException] = []

    async def on_response(_: ResponseInfo) -> None:
        inside.set()
        await anyio.sleep(3600)

    transport = _Replies(httpx.Response(200, json={}))
    async with client(_ORIGIN, transport=transport, on_response=on_response) as sikoia:

        async def buy() -> None:
            try:
                await sikoia.request("POST", "/v2/x", chargeable=True)
            except BaseException as error:
                errors.append(error)
                raise

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(buy)
            await inside.wait()
            tasks.cancel_scope.cancel()
        assert sikoia.spend == {"POST /v2/x": 1}
    assert "may have been processed" in "".join(errors[0].__notes__)


async def test_a_second_request_beside_a_silent_one_has_hooks_too() -> None:
    """Each has its own; one that raises only stops the second request."""
    for stops in (False, True):
        hooks = _Hooks()
        sent: list[httpx.Request] = []

        class Silent(httpx.AsyncBaseTransport):
            """Keeps the first request waiting for 8 seconds."""

            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                sent.append(request)  # noqa: B023 - used in this round
                await anyio.sleep(8 if len(sent) == 1 else 0)  # noqa: B023
                return httpx.Response(200, json=[], headers={"X-Number": f"{len(sent)}"})  # noqa: B023

        def on_request(call: CallInfo) -> None:
            hooks.requests.append(call)  # noqa: B023
            if stops and len(hooks.requests) > 1:  # noqa: B023
                raise RuntimeError

        async with client(
            _ORIGIN, transport=Silent(), retries=1, on_request=on_request,
            on_response=hooks.on_response,
        ) as sikoia:  # fmt: skip
            assert await sikoia.users.list() == ()
        assert len(hooks.requests) == 2
        assert len(sent) == (1 if stops else 2)
        assert [one.headers["x-number"] for one in hooks.responses] == ["1" if stops else "2"]


async def test_a_call_without_a_response_has_no_on_response() -> None:
    """`error.attempts` and the log have such attempts."""
    hooks = _Hooks()
    async with client(_ORIGIN, transport=_Replies(None), **hooks.options) as sikoia:
        with pytest.raises(ConnectionFailedError):
            await sikoia.users.list()
    assert (len(hooks.requests), len(hooks.responses)) == (1, 0)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_token_requests_and_downloads_have_no_hooks() -> None:
    """They are not calls of the API, and a link is a secret."""
    hooks = _Hooks()
    with scripted() as server:
        server.respond_with(Reply(403), Reply(200, []))
        async with server.client(**hooks.options) as sikoia:
            with pytest.raises(LinkExpiredError):
                await sikoia.download(f"{server.url}/file?sig=1")
            await sikoia.users.list()
    assert [call.path for call in hooks.requests] == ["/v2/users"]
    assert [response.path for response in hooks.responses] == ["/v2/users"]


@pytest.mark.parametrize("name", ["on_request", "on_response"])
@pytest.mark.parametrize("value", ["f", 5, [print], {}])
def test_what_is_not_a_function_is_refused(name: str, value: Any) -> None:
    """When the client is made."""
    with pytest.raises(ArgumentTypeError, match=f"{name}: expected a function"):
        client(_ORIGIN, **{name: value})
