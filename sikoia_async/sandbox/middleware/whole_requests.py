"""Lets each request take effect in one step, when all of it is there.

Between the first and the last byte of a body, other requests are handled and the state can be
replaced. A handler that had looked at the state before would then change what is gone.
"""

from collections.abc import Callable

import attrs
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sikoia_async.sandbox.errors import replaced
from sikoia_async.sandbox.state import State


@attrs.frozen
class WholeRequests:
    """Passes a request on when its body is complete, after settling what has ended by then."""

    app: ASGIApp
    state: State = attrs.field(kw_only=True)
    settle: Callable[[], None] = attrs.field(kw_only=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; everything below it runs without another task in between.

        Raises:
            ApiError: The state was replaced since the request began.
        """
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        generation = self.state.generation
        body = await Request(scope, receive).body()
        if generation != self.state.generation:
            raise replaced()
        self.settle()

        async def received() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, received, send)
