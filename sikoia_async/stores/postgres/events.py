"""Webhook events for the operations that wait in other processes, by LISTEN and NOTIFY."""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import anyio

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from sikoia_async.stores.postgres.database import Database

__all__ = ["PostgresEvents"]

_LONGEST: Final = 7_999
"""Bytes that NOTIFY carries."""
_END: Final = 1.0
"""Seconds that the end of a subscription may take, even if the caller is cancelled."""
_BACKLOG: Final = 1_000
"""Messages kept while nobody reads; later ones are lost."""


class PostgresEvents:
    """Carries short messages to all processes. A subscription keeps one connection of the pool."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def publish(self, account: str, message: str) -> None:
        """Send a message to all processes; one that is too long for NOTIFY is lost."""
        if len(message.encode()) > _LONGEST:
            return
        query, channel = "SELECT pg_notify($1::text, $2::text)", self._channel(account)
        await self._database.run(lambda session: session.rows(query, channel, message))

    @asynccontextmanager
    async def subscribe(self, account: str) -> AsyncGenerator[AsyncIterator[str]]:
        """Iterate over messages that are published from now on."""
        listen = _listen_psycopg if self._database.is_psycopg else _listen_asyncpg
        async with (
            self._database.connection() as connection,
            listen(connection, self._channel(account)) as messages,
        ):
            yield messages

    def _channel(self, account: str) -> str:
        # A name of at most 63 bytes, which is not a parameter of LISTEN.
        digest = sha256(f"{self._database.schema}:{account}".encode()).hexdigest()
        return f"sikoia_{digest[:40]}"


@asynccontextmanager
async def _listen_asyncpg(connection: Any, channel: str) -> AsyncGenerator[AsyncIterator[str]]:
    send, receive = anyio.create_memory_object_stream[str](_BACKLOG)

    def deliver(_connection: object, _pid: int, _channel: str, message: str) -> None:
        if send.statistics().current_buffer_used < _BACKLOG:
            send.send_nowait(message)

    def end(_connection: object) -> None:
        send.close()

    with send, receive:
        connection.add_termination_listener(end)
        await connection.add_listener(channel, deliver)
        try:
            yield _Messages(receive)
        finally:
            # A closed connection is no longer the subscriber's, and has no listeners.
            with anyio.move_on_after(_END, shield=True), suppress(Exception):
                connection.remove_termination_listener(end)
                await connection.remove_listener(channel, deliver)


class _Messages:
    """The messages of a connection, until it is closed."""

    def __init__(self, messages: AsyncIterator[str]) -> None:
        self._messages = messages

    def __aiter__(self) -> _Messages:
        return self

    async def __anext__(self) -> str:
        async for message in self._messages:
            return message
        msg = "the server has closed the connection"
        raise ConnectionError(msg)


@asynccontextmanager
async def _listen_psycopg(connection: Any, channel: str) -> AsyncGenerator[AsyncIterator[str]]:
    was_autocommit = connection.autocommit
    await connection.set_autocommit(True)
    await connection.execute(f"LISTEN {channel}")
    notifications = connection.notifies()
    try:
        yield _Notifications(notifications)
    finally:
        with anyio.move_on_after(_END, shield=True):
            await notifications.aclose()
            if not connection.closed:
                await connection.execute(f"UNLISTEN {channel}")
                await connection.set_autocommit(was_autocommit)


class _Notifications:
    """The messages of a connection of psycopg, which raises an error when it is closed."""

    def __init__(self, notifications: AsyncIterator[Any]) -> None:
        self._notifications = notifications

    def __aiter__(self) -> _Notifications:
        return self

    async def __anext__(self) -> str:
        notification = await anext(self._notifications)
        return str(notification.payload)
