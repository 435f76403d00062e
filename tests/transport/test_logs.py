"""Log records of httpx and httpcore: those about requests of this SDK are dropped, others pass."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

import anyio
import httpx
import pytest
from anyio.abc import TaskGroup
from faults import client, serve
from reliability.harness import healthy

from sikoia_async.testing import MemorySandbox, client_of

pytestmark = pytest.mark.anyio

_MINE: Final = "/mine"


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Record everything."""
    caplog.set_level(logging.DEBUG)
    return caplog


def _urls(log: pytest.LogCaptureFixture) -> list[str]:
    """Return the paths that httpx has logged."""
    arguments: list[Any] = [one.args for one in log.records if one.name == "httpx"]
    return [httpx.URL(str(one[1])).path for one in arguments]


def _is_wire_logged(log: pytest.LogCaptureFixture) -> bool:
    return any(one.name.startswith("httpcore.http11") for one in log.records)


def _asks(url: str) -> Callable[..., Awaitable[str]]:
    async def ask(*_: Any) -> str:
        async with httpx.AsyncClient(trust_env=False) as mine:
            await mine.get(url + _MINE)
        return "a-token"

    return ask


async def test_the_users_requests_in_a_token_function_are_logged(
    log: pytest.LogCaptureFixture,
) -> None:
    """At INFO by httpx and at DEBUG by httpcore; those of the SDK stay out, retries included."""
    async with serve(healthy) as server, client(server.url, token=_asks(server.url)) as sikoia:
        for _ in range(2):
            await sikoia.request("GET", "/v2/cases/canary-1")

    assert _urls(log) == [_MINE] * 2
    assert _is_wire_logged(log)
    assert "canary" not in log.text


async def test_a_synchronous_token_function_is_logged(log: pytest.LogCaptureFixture) -> None:
    """It may use the synchronous client of httpx."""

    def token() -> str:
        with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as mine:
            mine.get("https://secrets.example/mine")
        return "a-token"

    async with serve(healthy) as server, client(server.url, token=token) as sikoia:
        await sikoia.request("GET", "/v2/cases/canary-1")

    assert _urls(log) == [_MINE]
    assert "canary" not in log.text


@pytest.mark.parametrize("born", ["token", "request hook", "response hook", "transport"])
async def test_tasks_that_user_code_starts_log_for_ever(
    log: pytest.LogCaptureFixture, born: str
) -> None:
    """Also those that a transport starts while it sends, once the request has ended."""
    goes_on = anyio.Event()

    async def later(url: str) -> None:
        await goes_on.wait()
        await _asks(url)()

    def start(tasks: TaskGroup, url: str) -> Callable[..., Awaitable[str]]:
        async def starting(*_: Any) -> str:
            tasks.start_soon(later, url)
            return "a-token"

        return starting

    class Starting(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await starting(request)
            return await wrapped.handle_async_request(request)

    async with (
        serve(healthy) as server,
        httpx.AsyncHTTPTransport(trust_env=False) as wrapped,
        anyio.create_task_group() as tasks,
    ):
        starting = start(tasks, server.url)
        hooks = {"request hook": "request", "response hook": "response"}
        options: dict[str, Any] = {}
        if born == "token":
            options["token"] = starting
        elif born == "transport":
            options["transport"] = Starting()
        else:
            theirs = httpx.AsyncClient(transport=wrapped, event_hooks={hooks[born]: [starting]})
            options["http_client"] = theirs
        async with client(server.url, **options) as sikoia:
            await sikoia.request("GET", "/v2/cases/canary-1")
        assert _urls(log) == []
        goes_on.set()

    assert _urls(log) == [_MINE]
    assert "canary" not in log.text


@pytest.mark.parametrize("hook", ["request", "response"])
async def test_the_users_requests_in_hooks_are_logged(
    log: pytest.LogCaptureFixture, hook: str
) -> None:
    """The client's own records about the SDK's request are still dropped."""
    async with serve(healthy) as server:
        hooks = {hook: [_asks(server.url)]}
        async with httpx.AsyncClient(trust_env=False, event_hooks=hooks) as theirs:
            await client(server.url, http_client=theirs).request("GET", "/v2/cases/canary-1")

    assert _urls(log) == [_MINE]
    assert "canary" not in log.text


async def test_the_users_requests_in_a_token_store_are_logged(
    log: pytest.LogCaptureFixture,
) -> None:
    """The token request itself is not."""

    class Store:
        async def load(self, key: str) -> None:
            await _asks(url)(key)

        async def save(self, key: str, token: object) -> None:
            await _asks(url)(key, token)

        async def discard(self, key: str, value: str) -> None:
            """Remove a token."""

        async def lock(self, key: str, owner: str, ttl: float) -> bool:  # noqa: ARG002 - alone
            return True

        async def unlock(self, key: str, owner: str) -> None:
            """End the lock."""

    async with serve(healthy) as server:
        url = server.url
        with MemorySandbox() as sandbox:
            async with client_of(sandbox, token_store=Store()) as sikoia:
                await sikoia.users.list()

    assert _urls(log) == [_MINE] * 3  # loaded again once it has the lock
