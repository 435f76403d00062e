"""The local Sikoia in memory: what its transport tells the SDK, on both event loops."""

from collections.abc import AsyncIterator
from typing import Any

import anyio
import anyio.lowlevel
import attrs
import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from sikoia_async.sandbox import App, create_app
from sikoia_async.testing import MemorySandbox, client_of, in_memory

pytestmark = pytest.mark.anyio

URL = "https://sandbox.example/v2/users"
START: Message = {"type": "http.response.start", "status": 200, "headers": []}
END: Message = {"type": "http.response.body", "body": b"", "more_body": False}


@attrs.define
class Server:
    """An application that does as a test says, and notes what it hears of its request."""

    says: list[Message]
    before: float = 0
    heard: list[Message] = attrs.field(factory=list[Message])
    at_end: list[str] = attrs.field(factory=list[str])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and listen until the client has hung up."""
        assert scope["type"] == "http"
        if self.before:
            await anyio.sleep(self.before)
        for message in self.says:
            await send(message)
        while not self.heard or self.heard[-1]["type"] != "http.disconnect":
            self.heard.append(await receive())
        self.at_end.append("ended")


def app_of(asgi: Any) -> App:
    """Put an application in the place of the local Sikoia's."""
    return attrs.evolve(create_app(), asgi=asgi)


def client_on(asgi: Any, **options: Any) -> httpx.AsyncClient:
    """Open a client of an application."""
    return httpx.AsyncClient(transport=in_memory(app_of(asgi)), **options)


async def test_an_answer_comes_as_it_is_sent() -> None:
    """Its head comes before its body is there, and each piece by itself."""
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


async def test_a_request_is_handed_over_piece_by_piece() -> None:
    """The application gets the body as it is made, its end, and then that all is over."""
    made: list[bytes] = []
    heard: list[Message] = []

    async def body() -> AsyncIterator[bytes]:
        for piece in (b"a", b"b"):
            made.append(piece)
            yield piece

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert (scope["method"], scope["path"], scope["query_string"]) == ("POST", "/x y", b"q=1")
        assert scope["raw_path"] == b"/x%20y"
        assert dict(scope["headers"])[b"host"] == b"sandbox.example"
        heard.append(await receive())
        assert made == [b"a"]
        heard.extend([await receive(), await receive()])
        await send(START)
        await send(END)
        heard.append(await receive())

    async with client_on(app) as client:
        url = "https://sandbox.example/x%20y?q=1"
        assert (await client.post(url, content=body())).content == b""

    assert [one.get("body") for one in heard] == [b"a", b"b", b"", None]
    assert [one.get("more_body") for one in heard] == [True, True, False, None]
    assert heard[-1] == {"type": "http.disconnect"}


async def test_who_reads_no_further_hangs_up() -> None:
    """The application hears of it and comes to its end, also where its client was cancelled."""
    server = Server([START, {**END, "body": b"one", "more_body": True}])
    async with client_on(server) as client, client.stream("GET", URL):
        assert server.at_end == []

    assert server.at_end == ["ended"]
    assert server.heard == [{"type": "http.disconnect"}]

    cancelled = Server([START, END])
    with anyio.CancelScope() as scope:
        async with client_on(cancelled) as client, client.stream("GET", URL):
            scope.cancel()
            await anyio.lowlevel.checkpoint()
    assert cancelled.at_end == ["ended"]


async def test_a_request_that_is_given_up_ends_the_application() -> None:
    """Cancelled while it is at work, it goes no further; what it has begun it may tidy up."""
    seen: list[str] = []

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            seen.append("tidied up")

    async with client_on(app) as client:
        with anyio.move_on_after(0.01) as scope:
            await client.get(URL, timeout=None)

    assert scope.cancelled_caught
    assert seen == ["tidied up"]


async def test_a_cancellation_can_come_before_the_work() -> None:
    """A request that was cancelled is not answered."""
    server = Server([START, END])
    async with client_on(server) as client:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await client.get(URL)

    assert server.at_end == []


async def test_a_cancellation_can_come_after_the_work() -> None:
    """As on a wire, an answer can be under way when its call is cancelled."""
    server = Server([START, END])

    class Cancelling(Server):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            around.cancel()
            await server(scope, receive, send)

    async with client_on(Cancelling([])) as client:
        with anyio.CancelScope() as around:
            # Nothing in the application waits, so that it is noticed when the answer is there.
            await client.get(URL)

    assert around.cancelled_caught
    assert server.at_end == ["ended"]


@pytest.mark.virtual_time
async def test_nothing_for_too_long_is_a_timeout() -> None:
    """The time counts from one message to the next, as it does from one packet to the next."""
    late = Server([START, END], before=5.1)
    async with client_on(late, timeout=5) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.get(URL)

    in_time = Server([START, END], before=4.9)
    async with client_on(in_time, timeout=5) as client:
        assert (await client.get(URL)).status_code == 200


async def test_an_application_may_end_without_an_answer() -> None:
    """For its client, the server has hung up."""

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        """Say nothing."""

    async with client_on(app) as client:
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            await client.get(URL)


async def test_a_failure_of_the_application_is_seen() -> None:
    """It is a mistake of somebody's, and not the network's; nothing is left over."""

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
async def test_nothing_else_is_there(url: str) -> None:
    """Whoever calls another origin is refused, and nothing leaves the process."""
    async with client_on(Server([])) as client:
        with pytest.raises(httpx.ConnectError, match="refused") as caught:
            await client.get(url)

    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


async def test_many_take_turns() -> None:
    """Calls at once are in flight at once, and no more of them than the client allows."""
    most = 0
    with MemorySandbox() as sandbox:
        async with client_of(sandbox, max_in_flight=3) as sikoia:

            async def call() -> None:
                nonlocal most
                await sikoia.users.list()
                most = max(most, sikoia.stats().in_flight)

            async with anyio.create_task_group() as tasks:
                for _ in range(9):
                    tasks.start_soon(call)

    assert most == 2  # besides the one that has just come back
    assert {one.status for one in sandbox.ledger} == {200, 201}


async def test_the_head_counts_as_sent_before_the_work() -> None:
    """Whoever listens as the SDK does hears of it before the application is asked."""
    server, heard = Server([START, END]), list[tuple[str, int]]()

    async def trace(event: str, _said: Any) -> None:
        heard.append((event, len(server.heard)))

    async with client_on(server) as client:
        await client.get(URL, extensions={"trace": trace})

    assert heard == [("http11.send_request_headers.started", 0)]
