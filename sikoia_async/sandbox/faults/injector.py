"""Applies planned faults to requests and responses."""

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
"""The extension of an ASGI scope that holds the connection of the request."""

FAULT = "sikoia.fault"
"""The key of an ASGI scope that holds the effect of the fault, if there is one."""

_CHUNKS_PER_SECOND = 20
# SO_LINGER with a timeout of zero makes close() send a reset. Windows uses two shorts.
_NO_LINGER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class FaultInjector:
    """Passes requests on, except those that trigger a fault.

    It wraps the other middleware, so that the response it changes is complete, and its own error
    responses look like all others.

    Args:
        app: The wrapped application.
        faults: The fault plan.
        tokens: The access tokens, which a fault may expire.
        echo: As for `Envelope`, for error responses of faults.
        new_id: As for `Envelope`, for error responses of faults.
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
        """Handle a request, and apply the fault that it triggers.

        Raises:
            RuntimeError: The fault has to close the connection, and there is none.
        """
        fault = self._faults.take(scope) if scope["type"] == "http" else None
        if fault is None:
            await self._app(scope, receive, send)
            return
        scope[FAULT] = fault.effect
        client = _Client(scope, receive, send)
        if fault.drops_connection:
            client.require_connection()
        if fault.reset == "before":
            await client.pause(fault.delay)
            await client.reset()
            return
        response = await _collect(self._target(fault, scope), scope, receive)
        await client.pause(fault.delay)
        if fault.reset == "after":
            await client.reset()
            return
        response.apply(fault)
        await client.send_response(response, fault)

    def _target(self, fault: Fault, scope: Scope) -> ASGIApp:
        error = self._error(fault, scope)
        if error is None:
            return self._app

        async def fail(_scope: Scope, _receive: Receive, _send: Send) -> None:
            raise error

        return Envelope(fail, echo=self._echo, new_id=self._new_id)

    def _error(self, fault: Fault, scope: Scope) -> ApiError | None:
        if fault.token is not None:
            self._tokens.expire(bearer_token(Headers(scope=scope)))
            return expired_token()
        if fault.status is not None:
            return planned_error(fault.status, fault.retry_after)
        return None


@attrs.define
class _Response:
    """A response that has not been sent yet."""

    start: Message
    body: bytes

    def apply(self, fault: Fault) -> None:
        """Replace the body and headers as the fault says."""
        headers = MutableHeaders(scope=self.start)
        if fault.body is not None:
            self.body = fault.body
            headers["Content-Length"] = str(len(fault.body))
            if self.start["status"] == HTTPStatus.NO_CONTENT:
                # A 204 must not have a body.
                self.start["status"] = HTTPStatus.OK.value
        headers.update(fault.headers or {})


async def _collect(app: ASGIApp, scope: Scope, receive: Receive) -> _Response:
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, send)
    start, *rest = messages
    return _Response(start, b"".join(message["body"] for message in rest))


@attrs.frozen
class _Client:
    """The sender of the request, and its connection."""

    scope: Scope
    receive: Receive
    send: Send

    def require_connection(self) -> asyncio.Transport:
        """Return the connection of the request.

        Raises:
            RuntimeError: The application runs without a server.
        """
        connection: asyncio.Transport | None = self.scope.get("extensions", {}).get(CONNECTION)
        if connection is None:
            msg = "reset and truncate need a connection: use a Sandbox instead of create_app"
            raise RuntimeError(msg)
        return connection

    async def pause(self, seconds: float | None) -> None:
        """Wait, until the client disconnects at the latest."""
        if seconds:
            with anyio.move_on_after(seconds):
                await self._wait_for_disconnect()

    async def reset(self) -> None:
        """Reset the connection."""
        connection = self.require_connection()
        raw = connection.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        connection.abort()
        await self._wait_for_disconnect()

    async def send_response(self, response: _Response, fault: Fault) -> None:
        """Send a response, or as much of it as is planned."""
        await self.send(response.start)
        await self._send_body(response.body[: fault.truncate], fault.drip)
        if fault.truncate is None:
            await self.send({"type": "http.response.body", "body": b""})
            return
        # Closed, not aborted, so that the bytes written so far still arrive.
        self.require_connection().close()
        await self._wait_for_disconnect()

    async def _send_body(self, body: bytes, drip: float | None) -> None:
        size = max(1, int(drip / _CHUNKS_PER_SECOND)) if drip else max(1, len(body))
        for start in range(0, len(body), size):
            chunk = body[start : start + size]
            await self.pause(len(chunk) / drip if drip else None)
            await self.send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def _wait_for_disconnect(self) -> None:
        """Return when either side has closed the connection."""
        while (await self.receive())["type"] != "http.disconnect":
            """Skip the rest of the request."""
