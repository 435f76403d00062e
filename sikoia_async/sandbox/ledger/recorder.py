"""What a request passes on its way, so that the ledger learns of it: at the top, and at the till.

The top sees what the client gets in the end, whatever the fault plan makes of it. The till is right
above the work, below all that refuses a request or repeats an answer, so what passes there is done.
"""

from collections.abc import Callable

import attrs
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sikoia_async.sandbox.ledger.exchange import Exchange

__all__ = ["Recorder", "Till"]

_EXCHANGE = "sikoia.exchange"
_UNSEEN = "/sandbox/health"


@attrs.frozen
class Recorder:
    """Has every request written down, and what became of it."""

    app: ASGIApp
    begin: Callable[[Scope], Exchange] = attrs.field(kw_only=True)
    end: Callable[[Exchange], None] = attrs.field(kw_only=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request down, and look on."""
        if scope["type"] != "http" or scope["path"] == _UNSEEN:
            await self.app(scope, receive, send)
            return
        exchange = self.begin(scope)
        scope[_EXCHANGE] = exchange

        async def came() -> Message:
            message = await receive()
            exchange.came(message)
            return message

        async def goes(message: Message) -> None:
            exchange.goes(message)
            await send(message)

        try:
            await self.app(scope, came, goes)
        finally:
            self.end(exchange)


@attrs.frozen
class Till:
    """Charges for what is done."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request down, and charge for it if it is answered with success."""
        exchange: Exchange | None = scope.get(_EXCHANGE)
        if exchange is None or not exchange.price:
            await self.app(scope, receive, send)
            return

        async def done(message: Message) -> None:
            if message["type"] == "http.response.start" and 200 <= message["status"] < 300:  # noqa: PLR2004 - success
                exchange.charge()
            await send(message)

        await self.app(scope, receive, done)
