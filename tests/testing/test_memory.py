"""The transport of the local Sikoia in memory, on both event loops."""

from collections.abc import AsyncIterator
from typing import Any

import anyio
import anyio.lowlevel
import attrs
import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from sikoia_async import Limits
from sikoia_async.sandbox import App, create_app
from sikoia_async.testing import MemorySandbox, client_of, in_memory

pytestmark = pytest.mark.anyio

URL = "https://sandbox.example/v2/users"
START: Message = {"type": "http.response.start", "status": 200, "headers": []}
END: Message = {"type": "http.response.body", "body": b"", "more_body": False}


@attrs.define
class Server:
    """An application that sends the messages of a test and records those of its request."""

    sends: list[Message]
    delay: float = 0
    received: list[Message] = attrs.field(factory=list[Message])
    at_end: list[str] = attrs.field(factory=list[str])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond, and wait until the client disconnects."""
        assert scope["type"] == "http"
        if self.delay:
            await anyio.sleep(self.delay)
        for message in self.sends:
            await send(message)
        while not self.received or self.received[-1]["type"] != "http.disconnect":
            self.received.append(await receive())
        self.at_end.append("ended")


def app_of(asgi: Any) -> App:
    """Return a local Sikoia whose application is replaced."""
    return attrs.evolve(create_app(), asgi=asgi)


def client_on(asgi: Any, **options: Any) -> httpx.AsyncClient:
    """Open a client of an application."""
    return httpx.AsyncClient(transport=in_memory(app_of(asgi)), **options)


async def test_a_response_arrives_as_it_is_sent() -> None:
    """Its head arrives before its body, and each piece separately."""
    sent: list[str] = []

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(START)
        for piece in ("one", "two"):
            sent.append(piece)
            await send({"type": "http.response.body", "body": piece.encode(), "more_body": True})
        await anyio.lowlevel.checkpoint()
        await send(END)
        sent.append("end")

    async with client_on(app) as client, client.stream("GET", URL) as response:
        assert sent == []
        pieces = response.aiter_raw()
        assert (await anext(pieces), sent) == (b"one", ["one"])
        assert [piece async for piece in pieces] == [b"two"]

    assert sent == ["one", "two", "end"]
    assert response.extensions["http_version"] == b"HTTP/1.1"
    assert "date" in response.headers


async def test_a_request_body_is_streamed() -> None:
    """The application receives the pieces as they are generated, the end, and a disconnect."""
    made: list[bytes] = []
    received: list[Message] = []

    async def body() -> AsyncIterator[bytes]:
        for piece in (b"a", b"b"):
            made.append(piece)
            yield piece

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert (scope["method"], scope["path"], scope["query_string"]) == ("POST", "/x y", b"q=1")
        assert scope["raw_path"] == b"/x%20y"
        assert dict(scope["headers"])[b"host"] == b"sandbox.example"
        received.append(await receive())
        assert made == [b"a"]
        received.extend([await receive(), await receive()])
        await send(START)
        await send(END)
        received.append(await receive())

    async with client_on(app) as client:
        url = "https://sandbox.example/x%20y?q=1"
        assert (await client.post(url, content=body())).content == b""

    assert [one.get("body") for one in received] == [b"a", b"b", b"", None]
    assert [one.get("more_body") for one in received] == [True, True, False, None]
    assert received[-1] == {"type": "http.disconnect"}


async def test_an_unread_response_disconnects() -> None:
    """The application is told and runs to its end, also if the client was cancelled."""
    server = Server([START, {**END, "body": b"one", "more_body": True}])
    async with client_on(server) as client, client.stream("GET", URL):
        assert server.at_end == []

    assert server.at_end == ["ended"]
    assert server.received == [{"type": "http.disconnect"}]

    cancelled = Server([START, END])
    with anyio.CancelScope() as scope:
        async with client_on(cancelled) as client, client.stream("GET", URL):
            scope.cancel()
            await anyio.lowlevel.checkpoint()
    assert cancelled.at_end == ["ended"]


async def test_cancelling_a_request_cancels_the_application() -> None:
    """The application stops and can clean up."""
    started = anyio.Event()
    seen: list[str] = []

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        started.set()
        try:
            await anyio.sleep_forever()
        finally:
            seen.append("cleaned up")

    async with client_on(app) as client, anyio.create_task_group() as tasks:
        tasks.start_soon(client.get, URL)
        await started.wait()
        tasks.cancel_scope.cancel()

    assert seen == ["cleaned up"]


async def test_a_cancelled_request_does_not_reach_the_application() -> None:
    """A request in a cancelled scope is not sent."""
    server = Server([START, END])
    async with client_on(server) as client:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await client.get(URL)

    assert server.at_end == []


async def test_a_call_can_be_cancelled_after_the_response_was_sent() -> None:
    """As with a socket, a response may be on its way when its call is cancelled."""
    server = Server([START, END])

    class Cancelling(Server):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            around.cancel()
            await server(scope, receive, send)

    async with client_on(Cancelling([])) as client:
        with anyio.CancelScope() as around:
            # The application does not wait, so the cancellation takes effect after its response.
            await client.get(URL)

    assert around.cancelled_caught
    assert server.at_end == ["ended"]


@pytest.mark.virtual_time
async def test_a_late_message_is_a_timeout() -> None:
    """The timeout applies to each message, as it does to each packet on a socket."""
    late = Server([START, END], delay=5.1)
    async with client_on(late, timeout=5) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.get(URL)

    in_time = Server([START, END], delay=4.9)
    async with client_on(in_time, timeout=5) as client:
        assert (await client.get(URL)).status_code == 200


async def test_an_application_may_end_without_a_response() -> None:
    """Its client gets the error of a closed connection."""

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        """Send nothing."""

    async with client_on(app) as client:
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            await client.get(URL)


async def test_an_exception_of_the_application_is_raised() -> None:
    """It is a bug and not a network error, so it is passed through."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(START)
        msg = "a mistake"
        raise ZeroDivisionError(msg)

    async with client_on(app) as client:
        with pytest.raises(ZeroDivisionError, match="a mistake"):
            await client.get(URL)


@pytest.mark.parametrize(
    "url", ["https://other.example/v2/users", "http://sandbox.example/v2/users"]
)
async def test_other_origins_are_refused(url: str) -> None:
    """A request to another origin fails, and nothing leaves the process."""
    async with client_on(Server([])) as client:
        with pytest.raises(httpx.ConnectError, match="refused") as caught:
            await client.get(url)

    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


async def test_concurrent_calls_are_limited() -> None:
    """Concurrent calls are in flight together, up to the limit of the client."""
    most = 0
    with MemorySandbox() as sandbox:
        async with client_of(sandbox, limits=Limits(max_in_flight=3)) as sikoia:

            async def call() -> None:
                nonlocal most
                await sikoia.users.list()
                most = max(most, sikoia.stats().in_flight)

            async with anyio.create_task_group() as tasks:
                for _ in range(9):
                    tasks.start_soon(call)

    assert 2 <= most <= 3  # the next call may have begun when one returns
    assert {one.status for one in sandbox.ledger} == {200, 201}


async def test_the_head_is_traced_before_the_application_runs() -> None:
    """The trace extension gets the event that the SDK relies on."""
    server, events = Server([START, END]), list[tuple[str, int]]()

    async def trace(event: str, _info: Any) -> None:
        events.append((event, len(server.received)))

    async with client_on(server) as client:
        await client.get(URL, extensions={"trace": trace})

    assert events == [("http11.send_request_headers.started", 0)]
