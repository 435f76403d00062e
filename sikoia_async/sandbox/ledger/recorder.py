"""The middleware that fills the ledger: `Recorder` is at the top, `Billing` at the bottom.

`Recorder` sees what the client sends and receives, including what the fault plan does to it.
`Billing` sits directly above the handlers, below everything that refuses a request or replays a
response, so every success that passes it is work that was done.
"""

from collections.abc import Callable
from http import HTTPStatus

import attrs
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sikoia_async.sandbox.ledger.exchange import Exchange

__all__ = ["Billing", "Recorder"]

_EXCHANGE = "sikoia.exchange"
_HEALTH_PATH = "/sandbox/health"


@attrs.frozen
class Recorder:
    """Records every request and its response."""

    app: ASGIApp
    begin: Callable[[Scope], Exchange] = attrs.field(kw_only=True)
    end: Callable[[Exchange], None] = attrs.field(kw_only=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and record the messages in both directions."""
        if scope["type"] != "http" or scope["path"] == _HEALTH_PATH:
            await self.app(scope, receive, send)
            return
        exchange = self.begin(scope)
        scope[_EXCHANGE] = exchange

        async def recorded_receive() -> Message:
            message = await receive()
            exchange.record_received(message)
            return message

        async def recorded_send(message: Message) -> None:
            exchange.record_sent(message)
            await send(message)

        try:
            await self.app(scope, recorded_receive, recorded_send)
        finally:
            self.end(exchange)


@attrs.frozen
class Billing:
    """Charges for operations that succeed."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and charge for it if its response is a success."""
        exchange: Exchange | None = scope.get(_EXCHANGE)
        if exchange is None or not exchange.price:
            await self.app(scope, receive, send)
            return

        async def charged_send(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_success(message["status"]):
                exchange.charge()
            await send(message)

        await self.app(scope, receive, charged_send)


def _is_success(status: int) -> bool:
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
