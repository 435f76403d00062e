"""Webhook events for the operations that wait in other processes, by Redis pub/sub."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from sikoia_async.stores.redis.connection import checked, text

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from sikoia_async.stores.redis.connection import Connection

__all__ = ["RedisEvents"]

_SUBSCRIBED_WITHIN: Final = 1.0
_IDLE: Final = 15.0
"""Seconds without a message after which the connection is checked."""


class RedisEvents:
    """Carries short messages to all processes."""

    def __init__(self, connection: Connection, prefix: str) -> None:
        self._connection = connection
        self._prefix = prefix

    async def publish(self, account: str, message: str) -> None:
        """Send a message to all processes."""
        await self._connection.publish(self._channel(account), message)

    @asynccontextmanager
    async def subscribe(self, account: str) -> AsyncGenerator[AsyncIterator[str]]:
        """Iterate over messages that are published from now on."""
        client = self._connection.client
        with checked():
            subscriber = client.pubsub()
        async with _entered(subscriber):
            messages = _Messages(subscriber)
            await subscriber.subscribe(self._channel(account))
            await messages.wait_until_subscribed()
            yield messages

    def _channel(self, account: str) -> str:
        return f"{self._prefix}:{{{account}}}:events"


@asynccontextmanager
async def _entered(subscriber: Any) -> AsyncGenerator[None]:
    with checked():
        await subscriber.__aenter__()
    try:
        yield
    finally:
        await subscriber.__aexit__(None, None, None)


class _Messages:
    """The messages of a subscriber, as both kinds of clients return them."""

    def __init__(self, subscriber: Any) -> None:
        self._subscriber: Any = subscriber

    def __aiter__(self) -> _Messages:
        return self

    async def __anext__(self) -> str:
        is_checked = False
        while True:
            message = await self._subscriber.get_message(timeout=_IDLE)
            if message is not None and message["type"] == "message":
                return text(message["data"])
            if message is not None:
                is_checked = False
            elif is_checked:
                msg = "the server did not answer"
                raise ConnectionError(msg)
            elif hasattr(self._subscriber, "ping"):  # coredis does this itself
                is_checked = True
                await self._subscriber.ping()

    async def wait_until_subscribed(self) -> None:
        """Wait for the server's confirmation: earlier messages would be missed."""
        message = await self._subscriber.get_message(timeout=_SUBSCRIBED_WITHIN)
        if message is None or message["type"] != "subscribe":
            msg = "the server did not confirm the subscription"
            raise ConnectionError(msg)
