"""The local Sikoia without a socket: a transport that has the application answer.

The application runs in the task of whoever makes the request, on asyncio and on trio, as far as
its next message and no further. So the head of an answer comes before its body, a body that drips
drips, and there is no task that could be left over. `httpx.ASGITransport` waits for the end of the
application instead: there, an attempt that broke off in the middle would look like one that was
never answered.

For this the application has to send from the task that called it, and not from inside a cancel
scope of its own. The local Sikoia does; not every ASGI application does.

What a connection tells the SDK is told here, too: that the head goes out, that nothing comes for
too long, that the connection is lost. Other than on a wire, a call that is given up is given up on
both sides: the application does not go on with what it waits for.
"""

from __future__ import annotations

import errno
import os
from email.utils import formatdate
from types import coroutine
from typing import TYPE_CHECKING, Any, Final, cast

import anyio
import anyio.lowlevel
import attrs
import httpx

from sikoia_async.sandbox.faults.injector import CONNECTION

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Generator

    from starlette.types import Message, Scope

    from sikoia_async.sandbox import App

__all__ = ["MemoryTransport", "in_memory"]


def in_memory(app: App) -> MemoryTransport:
    """Return a transport on which a local Sikoia answers, without a socket.

    `Sikoia(transport=in_memory(app), environment=local(app.application.resource), ...)` is a
    client of it; with a `MemorySandbox`, `client_of` makes one.

    Args:
        app: what `sikoia_async.sandbox.create_app` returns.
    """
    return MemoryTransport(app)


class MemoryTransport(httpx.AsyncBaseTransport):
    """A transport on which a local Sikoia answers; `in_memory` makes one."""

    def __init__(self, app: App) -> None:
        self._app = app
        url = httpx.URL(app.application.resource)
        self._origin = (url.scheme, url.host, url.port)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Have the application answer a request.

        Raises:
            httpx.TransportError: it is for another origin, or what the fault plan has it end with.
        """
        if (request.url.scheme, request.url.host, request.url.port) != self._origin:
            raise httpx.ConnectError(_REFUSED) from ConnectionRefusedError(
                errno.ECONNREFUSED, _REFUSED
            )
        await _tell_that_it_goes_out(request)
        # Others have their turn here, and after the answer, as they have on a wire.
        await anyio.lowlevel.checkpoint()
        run = _Run(self._app, request)
        try:
            head = await run.head()
            await anyio.lowlevel.checkpoint()
        except BaseException:
            await run.hang_up()
            raise
        return httpx.Response(
            head["status"],
            headers=[*head["headers"], (b"date", formatdate(usegmt=True).encode())],
            stream=_Body(run, head),
            extensions={"http_version": b"HTTP/1.1"},
        )


async def _tell_that_it_goes_out(request: httpx.Request) -> None:
    """Say what httpcore says when it writes the head: from here on the request counts as sent."""
    trace = request.extensions.get("trace")
    if trace is not None:
        await trace("http11.send_request_headers.started", {"request": request})


@attrs.define
class _Connection:
    """What a fault of the local Sikoia drops, in place of a socket and of asyncio's transport."""

    is_lost: bool = False
    was_reset: bool = False

    def get_extra_info(self, _name: str) -> _Connection:
        """Return what stands for the socket."""
        return self

    def setsockopt(self, *_option: object) -> None:
        """Take what is said to a socket before it is reset."""

    def abort(self) -> None:
        """Reset it."""
        self.is_lost = self.was_reset = True

    def close(self) -> None:
        """Close it, after what was sent."""
        self.is_lost = True


class _Run:
    """The application at work on one request."""

    def __init__(self, app: App, request: httpx.Request) -> None:
        self._connection = _Connection()
        self._pieces = aiter(cast("httpx.AsyncByteStream", request.stream))
        self._has_all = False
        self._is_over = False
        self._has_ended = False
        self._patience: float | None = request.extensions.get("timeout", {}).get("read")
        scope = _scope(request, self._connection)
        self._app = app(scope, self._receive, self._send)

    async def head(self) -> Message:
        """Return the message that an answer starts with.

        Raises:
            httpx.TransportError: there is none.
        """
        message = await self.next()
        if message is not None:
            return message
        if self._connection.was_reset:
            raise httpx.ReadError(_RESET) from ConnectionResetError(errno.ECONNRESET, _RESET)
        msg = "Server disconnected without sending a response."
        raise httpx.RemoteProtocolError(msg)

    async def next(self) -> Message | None:
        """Return the next message of the application, or None when it has ended.

        Raises:
            httpx.ReadTimeout: it takes longer than the request has patience for.
        """
        with anyio.move_on_after(self._patience):
            return await self._go_on()
        msg = "nothing came in time"
        raise httpx.ReadTimeout(msg)

    async def hang_up(self) -> None:
        """Have the application come to its end, whatever it still has to say."""
        self._is_over = True
        with anyio.CancelScope(shield=True):
            while await self._go_on() is not None:
                """Nobody listens."""

    async def _go_on(self) -> Message | None:
        if self._has_ended:
            return None
        self._has_ended = True  # also where it fails, or is cancelled
        message = await _as_far_as_it_sends(self._app)
        self._has_ended = message is None
        return message

    async def _receive(self) -> Message:
        if self._connection.is_lost or self._is_over:
            return {"type": "http.disconnect"}
        if self._has_all:
            await anyio.sleep_forever()
        piece = await anext(self._pieces, None)
        self._has_all = piece is None
        return {"type": "http.request", "body": piece or b"", "more_body": not self._has_all}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self._is_over = True
        await _pass_out(message)


@attrs.frozen
class _Said:
    """A message on its way out of the application; nothing that an event loop would know."""

    message: Message


@coroutine
def _pass_out(message: Message) -> Generator[_Said]:
    yield _Said(message)


@coroutine
def _as_far_as_it_sends(app: Coroutine[Any, Any, None]) -> Generator[Any, Any, Message | None]:
    """Run a coroutine until it sends a message, and return that, or None when it has ended.

    All else that it waits for goes to the event loop and back, as `await` would have it.
    """
    step: Callable[[Any], Any] = app.send
    given: Any = None
    while True:
        try:
            waits_for = step(given)
        except StopIteration:
            return None
        if isinstance(waits_for, _Said):
            return waits_for.message
        try:
            step, given = app.send, (yield waits_for)
        except BaseException as error:  # noqa: BLE001 - a cancellation, say: it is the application's
            step, given = app.throw, error


class _Body(httpx.AsyncByteStream):
    """The body of an answer, as the application sends it."""

    def __init__(self, run: _Run, head: Message) -> None:
        self._run = run
        self._came = 0
        self._declared = next(
            (int(value) for name, value in head["headers"] if name == b"content-length"), 0
        )

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        while (message := await self._run.next()) is not None:
            if body := cast("bytes", message.get("body", b"")):
                self._came += len(body)
                return body
        if self._came < self._declared:
            msg = (
                "peer closed connection without sending complete message body "
                f"(received {self._came} bytes, expected {self._declared})"
            )
            raise httpx.RemoteProtocolError(msg)
        raise StopAsyncIteration

    async def aclose(self) -> None:
        await self._run.hang_up()


def _scope(request: httpx.Request, connection: _Connection) -> Scope:
    url = request.url
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "scheme": url.scheme,
        "path": url.path,
        "raw_path": url.raw_path.partition(b"?")[0],
        "query_string": url.query,
        "server": (url.host, url.port),
        "client": ("127.0.0.1", 0),
        "root_path": "",
        "extensions": {CONNECTION: connection},
    }


_REFUSED: Final = os.strerror(errno.ECONNREFUSED)
_RESET: Final = os.strerror(errno.ECONNRESET)
