"""The access token that processes share, behind a circuit breaker.

A process that needs another access token locks the renewal. One gets the lock and fetches; the
others look into the store until the access token appears, or until the lock is free again because
the other one has failed or was killed. A failing store costs token requests, never a call.
"""

from __future__ import annotations

import contextlib
import math
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import uuid4

import anyio

from sikoia_async._auth.secret import is_sendable
from sikoia_async.stores.breaker import CircuitBreaker, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from sikoia_async.observers._observers import Observers
    from sikoia_async.stores.protocols import StoredToken, TokenStore

__all__ = ["SharedToken"]

T = TypeVar("T")

_DEADLINE_SHARE: Final = 0.25
"""The share of a caller's remaining time that the store may take."""
_LOCK: Final = 10.0
"""Seconds after which another process may renew the access token if this one was killed."""
_PROLONGED: Final = 3.0
"""Seconds between two prolongations of the lock."""
_UNLOCK_TIMEOUT: Final = 1.0


class SharedToken:
    """One account's access token in a store.

    Args:
        store: keeps it.
        account: names the account in the store.
        clock: seconds on a clock that never steps back.
        observers: see when the store fails and when it is back.
    """

    def __init__(
        self,
        store: TokenStore,
        account: str,
        clock: Callable[[], float],
        observers: Observers | None = None,
    ) -> None:
        self._store = store
        self._account = account
        self._breaker = CircuitBreaker(
            "token store", clock=clock, deadline_share=_DEADLINE_SHARE, observers=observers
        )
        self._refused: str | None = None

    @cached_property
    def _owner(self) -> str:
        """Names this process; not before first use, which a fork of the process may precede."""
        return uuid4().hex

    def discard(self, value: str) -> None:
        """Remove an access token that Sikoia has refused, before the next one is loaded."""
        self._refused = value

    async def load(self) -> StoredToken | None:
        """Return the access token; None if there is none, or the store is unavailable."""

        async def load() -> StoredToken | None:
            if self._refused is not None:
                await self._store.discard(self._account, self._refused)
                self._refused = None
            stored = await self._store.load(self._account)
            # A store is the user's: anything but a token fails here, and counts as an outage.
            if stored is None or not is_sendable(stored.value):
                return None
            return stored if math.isfinite(stored.seconds) else None

        return await self._run(load, None)

    async def save(self, token: StoredToken) -> None:
        """Keep an access token for the seconds that it has left."""
        if token.seconds > 0:
            await self._run(partial(self._store.save, self._account, token), None)

    async def lock(self, seconds: float = _LOCK) -> bool | None:
        """Return whether this process may renew; None if the store is unavailable."""
        return await self._run(partial(self._store.lock, self._account, self._owner, seconds), None)

    async def unlock(self, *, after: float) -> None:
        """Let other processes renew after some seconds, even if the caller is cancelled."""
        with anyio.move_on_after(_UNLOCK_TIMEOUT, shield=True):
            if after > 0:
                await self.lock(after)
            else:
                await self._run(partial(self._store.unlock, self._account, self._owner), None)

    @contextlib.asynccontextmanager
    async def prolonged(self) -> AsyncGenerator[None]:
        """Keep the lock while the block runs, which must not raise."""

        async def prolong() -> None:
            while True:
                await anyio.sleep(_PROLONGED)
                await self.lock()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(prolong)
            yield
            tasks.cancel_scope.cancel()

    async def _run(self, operation: Callable[[], Awaitable[T]], otherwise: T) -> T:
        try:
            return await self._breaker.run(operation)
        except StoreUnavailable:
            return otherwise
