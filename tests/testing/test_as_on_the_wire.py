"""In memory, responses, faults and their outcomes are the same as on a socket."""

import asyncio
import errno
import os
import re
import ssl
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import anyio
import attrs
import httpx
import pytest
from faults import NoPauses, tuned
from sandbox.conftest import credentials
from sandbox.test_responses import WALKS, Walk

from sikoia_async import CallError, errors
from sikoia_async.sandbox import Credentials, Rate, Sandbox, Time
from sikoia_async.testing import MemorySandbox, client_of

_WORK = 60.0
_LARGE = b"[" + b" " * 300_000 + b"]"
_OPTIONS: Any = {
    "work_time": _WORK,
    "credentials": Credentials(token_life=10**9),
    "rate": Rate(requests_per_window=10**6),
    "seed": 7,
}
_EPOCH = datetime(2026, 3, 1, 12, tzinfo=UTC)
_URL = "https://sandbox.example"
# Headers that change with each response, or with the URL.
_UNSTEADY = ("x-correlation-id", "date", "server")
_RANDOM = re.compile(r'(?<=sig=)[\w-]+|(?<="shared_key":")[^"]+')


class Blocking(httpx.BaseTransport):
    """Runs the transport in memory for the walks, which are not async."""

    def __init__(self, transport: httpx.AsyncBaseTransport, runner: asyncio.Runner) -> None:
        self._transport = transport
        self._runner = runner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read the complete response."""

        async def send() -> httpx.Response:
            response = await self._transport.handle_async_request(request)
            content = await response.aread()
            await response.aclose()
            return httpx.Response(response.status_code, headers=response.headers, content=content)

        return self._runner.run(send())


@attrs.define
class Responses:
    """The responses of a walk."""

    url: str
    seen: list[tuple[int, dict[str, str], str]] = attrs.field(
        factory=list[tuple[int, dict[str, str], str]]
    )

    def keep(self, response: httpx.Response) -> None:
        """Keep a response without the parts that change each time or with the URL."""
        headers = {name: value for name, value in response.headers.items() if name not in _UNSTEADY}
        if response.read().startswith(b"PK"):
            text = "a workbook"
        else:
            text = response.text.replace(self.url, "").replace(_URL, "")
        headers.pop("content-length", None)  # depends on the length of the URL
        self.seen.append((response.status_code, headers, _RANDOM.sub("…", text)))


@contextmanager
def walking(kind: type[Sandbox]) -> Generator[tuple[Walk, Responses]]:
    """Prepare a walk through a local Sikoia on a socket or in memory."""
    clock = SimpleNamespace(now=1000.0)
    with (
        kind(time=Time(epoch=_EPOCH, clock=lambda: clock.now), **_OPTIONS) as sandbox,
        asyncio.Runner() as runner,
    ):
        way: dict[str, Any] = {"verify": ssl.create_default_context(cafile=sandbox.ca_file or None)}
        if isinstance(sandbox, MemorySandbox):
            way = {"transport": Blocking(sandbox.transport, runner)}
        responses = Responses(sandbox.url)
        with httpx.Client(base_url=sandbox.url, **way) as client:
            token = client.post("/token", data=credentials(sandbox)).json()["access_token"]
            client.headers["Accept"] = client.headers["Content-Type"] = "application/json"
            client.headers["Authorization"] = f"Bearer {token}"
            client.event_hooks["response"].append(responses.keep)
            walk = Walk(sandbox, client, clock)
            walk.begin()
            yield walk, responses


@pytest.mark.parametrize("through", WALKS, ids=lambda through: through.__name__)
def test_every_operation_has_the_same_responses(
    through: Callable[[Walk], None],
) -> None:
    """With one seed, a walk gets the same statuses, headers and bodies both ways."""
    with walking(Sandbox) as (walk, wired):
        through(walk)
    with walking(MemorySandbox) as (walk, memorised):
        through(walk)

    assert len(memorised.seen) > 1
    assert memorised.seen == wired.seen


@pytest.fixture(scope="module")
def on_wire() -> Generator[Sandbox]:
    """One local Sikoia on a socket for all tests that plan faults."""
    with Sandbox(rate=Rate(requests_per_window=10**6)) as sandbox:
        yield sandbox


@pytest.fixture
def in_memory() -> Generator[Sandbox]:
    """A local Sikoia in memory."""
    with MemorySandbox() as sandbox:
        yield sandbox


@attrs.frozen
class Outcome:
    """What the SDK reports about a call, and its effects."""

    error: type[Exception] | None
    statuses: list[int | None] | int
    reached: str
    may_have_been_processed: bool
    made: int
    happened: list[str]


async def outcome(
    sandbox: Sandbox, faults: list[dict[str, Any]], method: str, **options: Any
) -> Outcome:
    """Make a call with faults and return its outcome."""
    sandbox.faults.clear()
    before = len(sandbox.state.cases)
    client = tuned(client_of(sandbox, **options), retry_policy=NoPauses())
    async with client as sikoia:
        await sikoia.users.list()  # obtains an access token and a connection
        for fault in faults:
            sandbox.faults.add("*", **fault)
        error, attempts = None, sikoia.stats().attempts
        try:
            if method == "POST":
                await sikoia.cases.create(name="Loan", case_type="Business")
            else:
                await sikoia.users.list()
        except CallError as caught:
            error = caught
        return Outcome(
            type(error) if error else None,
            [one.status for one in error.attempts] if error else sikoia.stats().attempts - attempts,
            error.reached if error else "whole",
            error is not None and error.may_have_been_processed,
            len(sandbox.state.cases) - before,
            [one.effect for one in sandbox.faults.triggered],
        )


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "faults",
    [
        [{"status": 503, "retry_after": 0}],
        [{"status": 503, "times": 3}],
        [{"status": 422}],
        [{"status": 429, "retry_after": 1000}],
        [{"reset": "before"}],
        [{"reset": "before", "times": 3}],
        [{"reset": "after", "times": 3}],
        [{"reset": "after", "delay": 0.01}],
        [{"truncate": 0, "times": 3}],
        [{"truncate": 10}, {"truncate": 1}],
        [{"truncate": 70_000, "body": _LARGE, "times": 3}],
        [{"truncate": 0}, {"reset": "after"}, {"status": 500}],
        [{"body": b"<html>", "headers": {"Content-Type": "text/html"}}],
        [{"delay": 0.02}],
        [{"drip": 2000}],
    ],
    ids=lambda faults: " ".join(
        f"{name}={str(value)[:8]}" for fault in faults for name, value in fault.items()
    ),
)
@pytest.mark.anyio
async def test_faults_have_the_same_outcome(
    on_wire: Sandbox,
    in_memory: Sandbox,
    faults: list[dict[str, Any]],
    method: str,
) -> None:
    """Attempts, errors and effects are the same."""
    expected = await outcome(on_wire, faults, method)

    assert await outcome(in_memory, faults, method) == expected
    assert expected.happened


@pytest.mark.parametrize(
    ("method", "fault", "reached"),
    [
        ("GET", {"delay": 600}, "sent"),
        ("POST", {"drip": 1}, "partial"),
        ("POST", {"reset": "before", "delay": 9}, "sent"),
    ],
)
@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # three seconds each
@pytest.mark.anyio
async def test_deadlines_have_the_same_outcome(
    on_wire: Sandbox, in_memory: Sandbox, method: str, fault: dict[str, Any], reached: str
) -> None:
    """The error says whether the response had started."""
    found: list[Outcome] = []

    async def call(sandbox: Sandbox) -> None:
        found.append(await outcome(sandbox, [fault], method, timeout=3, retries=0))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call, on_wire)
        tasks.start_soon(call, in_memory)

    assert found[0] == found[1]
    assert (found[0].error, found[0].reached) == (errors.DeadlineExceededError, reached)


@pytest.mark.anyio
async def test_a_reset_is_reported_as_one(in_memory: Sandbox) -> None:
    """In memory it never looks like a closed connection, as it may under TLS."""
    in_memory.faults.add("POST /v2/cases", reset="before")
    async with client_of(in_memory) as sikoia:
        with pytest.raises(errors.ConnectionFailedError, match=os.strerror(errno.ECONNRESET)):
            await sikoia.cases.create(name="Loan", case_type="Business")


@pytest.mark.parametrize("fault", [{"status": 500}, {"truncate": 5}, {"reset": "after"}])
@pytest.mark.anyio
async def test_faults_of_the_token_endpoint_have_the_same_outcome(
    on_wire: Sandbox, in_memory: Sandbox, fault: dict[str, Any]
) -> None:
    """The token endpoint is available in memory as well."""
    found: list[Any] = []
    for sandbox in (on_wire, in_memory):
        sandbox.faults.clear()
        sandbox.faults.add("POST /token", times=9, **fault)
        async with client_of(sandbox) as sikoia:
            with pytest.raises(CallError) as caught:
                await sikoia.users.list()
        found.append((type(caught.value), len(sandbox.faults.triggered), caught.value.reached))
        sandbox.faults.clear()

    assert found[0] == found[1]
