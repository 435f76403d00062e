"""The local Sikoia without a socket: an httpx transport that runs the application directly.

The application runs in the task of the caller, on asyncio and on trio, and only until it sends its
next message. So the head of a response arrives before its body, a slow body arrives slowly, and no
background task is left over. `httpx.ASGITransport` waits until the application has finished, which
makes an interrupted response look like one that never arrived.

This requires that the application sends from the task that called it, and not inside a cancel
scope. The local Sikoia does so; other ASGI applications may not.

The SDK learns the same as from a connection: that the head is sent, that the response is late, and
that the connection is lost. In one way it differs from a socket: a call that is cancelled is
cancelled on both sides, so the application stops as well.
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

from sikoia_async._transport.types import mark_unsent
from sikoia_async.sandbox.faults.injector import CONNECTION

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Generator

    from starlette.types import ASGIApp, Message, Scope

    from sikoia_async.sandbox import App

__all__ = ["MemoryTransport", "in_memory", "run_application", "trace_sending"]


def in_memory(app: App) -> MemoryTransport:
    """Return a transport that leads to a local Sikoia, without a socket.

    `Sikoia(transport=in_memory(app), environment=local(app.application.resource), ...)` is a
    client of it. For a `MemorySandbox`, use `client_of`.

    Args:
        app: the result of `sikoia_async.sandbox.create_app`.
    """
    return MemoryTransport(app)


class MemoryTransport(httpx.AsyncBaseTransport):
    """A transport that leads to a local Sikoia; created by `in_memory`."""

    def __init__(self, app: App) -> None:
        self._app = app
        url = httpx.URL(app.application.resource)
        self._origin = (url.scheme, url.host, url.port)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the application's response to a request.

        Raises:
            httpx.TransportError: the request is for another origin, or a planned fault occurred.
        """
        if (request.url.scheme, request.url.host, request.url.port) != self._origin:
            mark_unsent(request)
            raise httpx.ConnectError(_REFUSED) from ConnectionRefusedError(
                errno.ECONNREFUSED, _REFUSED
            )
        await trace_sending(request)
        date = (b"date", formatdate(usegmt=True).encode())
        return await run_application(self._app, request, date)


async def run_application(
    app: ASGIApp, request: httpx.Request, *headers: tuple[bytes, bytes]
) -> httpx.Response:
    """Return an application's response to a request, with more headers."""
    # Other tasks run here and after the response, as they do with a socket.
    await anyio.lowlevel.checkpoint()
    run = _Run(app, request)
    try:
        head = await run.head()
        await anyio.lowlevel.checkpoint()
    except BaseException:
        await run.hang_up()
        raise
    return httpx.Response(
        head["status"],
        headers=[*head["headers"], *headers],
        stream=_Body(run, head),
        extensions={"http_version": b"HTTP/1.1"},
    )


async def trace_sending(request: httpx.Request) -> None:
    """Emit the event of httpcore after which the SDK counts the request as sent."""
    trace = request.extensions.get("trace")
    if trace is not None:
        await trace("http11.send_request_headers.started", {"request": request})


@attrs.define
class _Connection:
    """Stands for the socket and the asyncio transport that faults of the local Sikoia close."""

    is_lost: bool = False
    was_reset: bool = False

    def get_extra_info(self, _name: str) -> _Connection:
        """Return itself as the socket."""
        return self

    def setsockopt(self, *_option: object) -> None:
        """Ignore the option that is set on a socket before a reset."""

    def abort(self) -> None:
        """Reset the connection."""
        self.is_lost = self.was_reset = True

    def close(self) -> None:
        """Close the connection after everything was sent."""
        self.is_lost = True


class _Run:
    """The run of the application for one request."""

    def __init__(self, app: ASGIApp, request: httpx.Request) -> None:
        self._connection = _Connection()
        self._pieces = aiter(cast("httpx.AsyncByteStream", request.stream))
        self._has_whole_body = False
        self._is_over = False
        self._has_ended = False
        self._timeout: float | None = request.extensions.get("timeout", {}).get("read")
        scope = _scope(request, self._connection)
        self._app = cast("Coroutine[Any, Any, None]", app(scope, self._receive, self._send))

    async def head(self) -> Message:
        """Return the message that starts the response.

        Raises:
            httpx.TransportError: the application ended without one.
        """
        message = await self.next()
        if message is not None:
            return message
        if self._connection.was_reset:
            raise httpx.ReadError(_RESET) from ConnectionResetError(errno.ECONNRESET, _RESET)
        msg = "Server disconnected without sending a response."
        raise httpx.RemoteProtocolError(msg)

    async def next(self) -> Message | None:
        """Return the next message of the application, or None after its end.

        Raises:
            httpx.ReadTimeout: it does not come within the read timeout of the request.
        """
        with anyio.move_on_after(self._timeout):
            return await self._resume()
        msg = "no data within the timeout"
        raise httpx.ReadTimeout(msg)

    async def hang_up(self) -> None:
        """Run the application to its end and discard what it sends."""
        self._is_over = True
        with anyio.CancelScope(shield=True):
            while await self._resume() is not None:
                pass

    async def _resume(self) -> Message | None:
        if self._has_ended:
            return None
        self._has_ended = True  # also if it fails or is cancelled
        message = await _until_it_sends(self._app)
        self._has_ended = message is None
        return message

    async def _receive(self) -> Message:
        if self._connection.is_lost or self._is_over:
            return {"type": "http.disconnect"}
        if self._has_whole_body:
            await anyio.sleep_forever()
        piece = await anext(self._pieces, None)
        self._has_whole_body = piece is None
        return {"type": "http.request", "body": piece or b"", "more_body": not self._has_whole_body}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self._is_over = True
        await _yield_message(message)


@attrs.frozen
class _Sent:
    """A message that the application sends. Event loops never see it."""

    message: Message


@coroutine
def _yield_message(message: Message) -> Generator[_Sent]:
    yield _Sent(message)


@coroutine
def _until_it_sends(app: Coroutine[Any, Any, None]) -> Generator[Any, Any, Message | None]:
    """Run a coroutine until it sends a message. Return the message, or None after its end.

    Everything else that it awaits is passed to the event loop, as `await` does.
    """
    step: Callable[[Any], Any] = app.send
    result: Any = None
    while True:
        try:
            awaited = step(result)
        except StopIteration:
            return None
        if isinstance(awaited, _Sent):
            return awaited.message
        try:
            step, result = app.send, (yield awaited)
        except BaseException as error:  # noqa: BLE001 - for example a cancellation
            step, result = app.throw, error


class _Body(httpx.AsyncByteStream):
    """The body of a response, in the pieces that the application sends."""

    def __init__(self, run: _Run, head: Message) -> None:
        self._run = run
        self._received = 0
        self._declared = next(
            (int(value) for name, value in head["headers"] if name == b"content-length"), 0
        )

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        while (message := await self._run.next()) is not None:
            if body := cast("bytes", message.get("body", b"")):
                self._received += len(body)
                return body
        if self._received < self._declared:
            msg = (
                "peer closed connection without sending complete message body "
                f"(received {self._received} bytes, expected {self._declared})"
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
