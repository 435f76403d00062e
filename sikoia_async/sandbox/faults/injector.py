"""Does to a request what the fault plan says; where nothing is planned, it only looks on."""

import asyncio
import os
import socket
import struct
from collections.abc import Callable
from http import HTTPStatus
from uuid import uuid4

import anyio
import attrs
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sikoia_async.sandbox.errors import ApiError, expired_token, planned_error
from sikoia_async.sandbox.faults.requests import Fault, Faults
from sikoia_async.sandbox.middleware.envelope import Envelope
from sikoia_async.sandbox.middleware.token_endpoint import AccessTokens, bearer_token

CONNECTION = "sikoia.connection"
"""The extension of an ASGI scope that holds the transport of the request."""

FAULT = "sikoia.fault"
"""The key of a scope that says what the fault plan does to the request; absent where nothing."""

_DRIPS_PER_SECOND = 20
# Linger for no time: the connection ends with a reset. Windows packs the two numbers tighter.
_AT_ONCE = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class FaultInjector:
    """Hands each request down, but for what is planned.

    It sits above all else, so that an answer it spoils is complete, and a refusal one like others.

    Args:
        app: The application below.
        faults: What is planned.
        tokens: Where a token expires that is to.
        echo: As for `Envelope`, for the refusals.
        new_id: The same.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        faults: Faults,
        tokens: AccessTokens,
        echo: bool,
        new_id: Callable[[], object] = uuid4,
    ) -> None:
        self._app = app
        self._faults = faults
        self._tokens = tokens
        self._echo = echo
        self._new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or do what is planned.

        Raises:
            RuntimeError: The connection is to be dropped, and there is none.
        """
        fault = self._faults.take(scope) if scope["type"] == "http" else None
        if fault is None:
            await self._app(scope, receive, send)
            return
        scope[FAULT] = fault.effect
        line = _Line(scope, receive, send)
        if fault.drops_connection:
            line.require_connection()
        if fault.reset == "before":
            await line.pause(fault.delay)
            await line.reset()
            return
        answer = await _collect(self._below(fault, scope), scope, receive)
        await line.pause(fault.delay)
        if fault.reset == "after":
            await line.reset()
            return
        answer.change(fault)
        await line.deliver(answer, fault)

    def _below(self, fault: Fault, scope: Scope) -> ASGIApp:
        error = self._refusal(fault, scope)
        if error is None:
            return self._app

        async def refuse(_scope: Scope, _receive: Receive, _send: Send) -> None:
            raise error

        return Envelope(refuse, echo=self._echo, new_id=self._new_id)

    def _refusal(self, fault: Fault, scope: Scope) -> ApiError | None:
        if fault.token is not None:
            self._tokens.expire(bearer_token(Headers(scope=scope)))
            return expired_token()
        if fault.status is not None:
            return planned_error(fault.status, fault.retry_after)
        return None


@attrs.define
class _Answer:
    """An answer that has not been sent."""

    start: Message
    body: bytes

    def change(self, fault: Fault) -> None:
        """Put in what the fault brings in place of the body and of headers."""
        headers = MutableHeaders(scope=self.start)
        if fault.body is not None:
            self.body = fault.body
            headers["Content-Length"] = str(len(fault.body))
            if self.start["status"] == HTTPStatus.NO_CONTENT:
                # There is content now.
                self.start["status"] = HTTPStatus.OK.value
        headers.update(fault.headers or {})


async def _collect(app: ASGIApp, scope: Scope, receive: Receive) -> _Answer:
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, keep)
    start, *rest = messages
    return _Answer(start, b"".join(message["body"] for message in rest))


@attrs.frozen
class _Line:
    """The way back to the client."""

    scope: Scope
    receive: Receive
    send: Send

    def require_connection(self) -> asyncio.Transport:
        """Return the connection of the request.

        Raises:
            RuntimeError: There is none.
        """
        connection: asyncio.Transport | None = self.scope.get("extensions", {}).get(CONNECTION)
        if connection is None:
            msg = "reset and truncate need a connection to drop: run this in a Sandbox"
            raise RuntimeError(msg)
        return connection

    async def pause(self, seconds: float | None) -> None:
        """Wait, but no longer than the client does."""
        if seconds:
            with anyio.move_on_after(seconds):
                await self._hung_up()

    async def reset(self) -> None:
        """Drop the connection, so that the client sees a reset."""
        connection = self.require_connection()
        raw = connection.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        connection.abort()
        await self._hung_up()

    async def deliver(self, answer: _Answer, fault: Fault) -> None:
        """Send an answer, or as much of it as is planned."""
        await self.send(answer.start)
        await self._send_body(answer.body[: fault.truncate], fault.drip)
        if fault.truncate is None:
            await self.send({"type": "http.response.body", "body": b""})
            return
        # Not aborted: what has been written is still to arrive.
        self.require_connection().close()
        await self._hung_up()

    async def _send_body(self, body: bytes, drip: float | None) -> None:
        size = max(1, int(drip / _DRIPS_PER_SECOND)) if drip else max(1, len(body))
        for start in range(0, len(body), size):
            piece = body[start : start + size]
            await self.pause(len(piece) / drip if drip else None)
            await self.send({"type": "http.response.body", "body": piece, "more_body": True})

    async def _hung_up(self) -> None:
        """Return when the client, or this side, has hung up."""
        while (await self.receive())["type"] != "http.disconnect":
            """What comes is the rest of the request."""
