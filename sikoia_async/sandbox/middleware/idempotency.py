"""Idempotency keys, for who assumes that Sikoia takes them: a repeated request has one effect.

The guide mentions a conflict of keys, and nobody has published the header, nor what a repetition is
answered with. So this is off until a name is given.
"""

from copy import deepcopy

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sikoia_async.sandbox.errors import idempotency_key_conflict

_SAFE = ("GET", "HEAD", "OPTIONS")


class IdempotencyKeys:
    """Gives a request the answer that it had before under its key.

    A refused request leaves its key free.

    Args:
        app: The application below.
        header: The header that keys come in.
        answers: What was asked for under each key, and the answer.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        header: str,
        answers: dict[str, tuple[object, list[Message]]],
    ) -> None:
        self._app = app
        self._header = header
        self._answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request down, unless it was answered before.

        Raises:
            ApiError: The key was used for another request.
        """
        key = (
            None if scope.get("method", "GET") in _SAFE else Headers(scope=scope).get(self._header)
        )
        if not key:
            await self._app(scope, receive, send)
            return
        body = await Request(scope, receive).body()
        asked = scope["method"], scope["path"], scope["query_string"], body
        if key not in self._answers:
            self._answers[key] = asked, await self._answer(scope, body)
        earlier, answer = self._answers[key]
        if earlier != asked:
            raise idempotency_key_conflict(self._header)
        for message in answer:
            # A copy: whoever stamps an answer would stamp the next one too.
            await send(deepcopy(message))

    async def _answer(self, scope: Scope, body: bytes) -> list[Message]:
        answer: list[Message] = []

        async def given() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def keep(message: Message) -> None:
            answer.append(message)

        await self._app(scope, given, keep)
        return answer
