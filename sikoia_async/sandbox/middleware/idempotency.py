"""Idempotency keys, for users who expect Sikoia to support them.

The guide mentions conflicting keys, but neither the header nor the response to a repeated
request is published. So this middleware is off until a header name is given.
"""

from copy import deepcopy
from hashlib import sha256
from typing import Literal, get_args

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sikoia_async.sandbox.errors import idempotency_key_conflict

Reuse = Literal["replay", "conflict"]
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def validate_reuse(reuse: str) -> None:
    """Refuse an unknown mode.

    Raises:
        ValueError: It is neither `replay` nor `conflict`.
    """
    if reuse not in get_args(Reuse):
        msg = f"idempotency_reuse: expected one of {', '.join(get_args(Reuse))}"
        raise ValueError(msg)


class IdempotencyKeys:
    """Repeats the response to the first request with a key, or refuses the second one.

    A key stays free if its request was refused.

    Args:
        app: The wrapped application.
        header: The header that carries the keys.
        responses: The request and the response of each key.
        reuse: Whether the same request again gets the first response, or a conflict.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        header: str,
        responses: dict[str, tuple[object, list[Message]]],
        reuse: Reuse = "replay",
    ) -> None:
        self._app = app
        self._header = header
        self._responses = responses
        self._reuse = reuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless its key already has a response.

        Raises:
            ApiError: The key was used for a different request, or for any.
        """
        key = self._key(scope)
        if not key:
            await self._app(scope, receive, send)
            return
        body = await Request(scope, receive).body()
        # A digest, because bodies with files are large.
        request = scope["method"], scope["path"], scope["query_string"], sha256(body).digest()
        is_new = key not in self._responses
        if is_new:
            self._responses[key] = request, await self._collect(scope, body)
        first_request, response = self._responses[key]
        if first_request != request or (self._reuse == "conflict" and not is_new):
            raise idempotency_key_conflict(self._header)
        for message in response:
            # A copy, because outer middleware adds headers to the message.
            await send(deepcopy(message))

    def _key(self, scope: Scope) -> str | None:
        if scope.get("method", "GET") in _SAFE_METHODS:
            return None
        return Headers(scope=scope).get(self._header)

    async def _collect(self, scope: Scope, body: bytes) -> list[Message]:
        response: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            response.append(message)

        await self._app(scope, receive, send)
        return response
