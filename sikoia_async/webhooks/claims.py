"""The claims of one delivery: what it handles, no other process handles meanwhile.

A claim ends when it is released, or some time after its process was killed. While a handler runs,
its claims are prolonged.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self, TypeVar
from uuid import uuid4

import anyio

from sikoia_async._errors import WebhookBusyError, WebhookStoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from types import TracebackType

    from sikoia_async.webhooks.replay import ReplayGuard

__all__ = ["Claims"]

T = TypeVar("T")

_PATIENCE: Final = 5.0
"""Seconds to wait for a key that another process has claimed."""
_PAUSE: Final = 0.1
_BUSY: Final = (
    "another process is handling this event, or one of the same occurrence: respond with 503 to "
    "have the event redelivered"
)


class Claims:
    """The keys that one delivery has claimed. Leaving the block releases them.

    Args:
        guard: keeps the claims, and what was handled.
    """

    def __init__(self, guard: ReplayGuard) -> None:
        self.is_reliable: bool = True
        """Whether the guard's store was available throughout."""
        self._guard = guard
        self._owner = uuid4().hex
        self._held = dict[str, None]()

    async def take(self, key: str) -> bool:
        """Claim a key; return False if it was handled.

        Raises:
            WebhookBusyError: it is being handled.
            WebhookStoreError: the store is unavailable, and the guard fails closed.
        """
        self._held[key] = None  # first, because a claim that is cancelled may have had its effect
        claim = await self._guard.claim(key, self._owner)
        if claim == "new":
            return True
        del self._held[key]
        if claim == "busy":
            raise WebhookBusyError(_BUSY)
        self.is_reliable &= claim is not None
        return claim is None

    async def wait_for(self, key: str) -> None:
        """Claim a key, for which other processes hold claims for short times.

        Raises what `take` does, after some seconds.
        """
        until = anyio.current_time() + _PATIENCE
        while True:
            try:
                await self.take(key)
            except WebhookBusyError:
                if anyio.current_time() >= until:
                    raise
            else:
                return
            await anyio.sleep(_PAUSE)

    async def has(self, key: str) -> bool:
        """Return whether a key was handled."""
        known = await self._guard.knows(key)
        self.is_reliable &= known is not None
        return bool(known)

    async def has_any(self, keys: Sequence[str]) -> bool:
        """Return whether one of several keys was handled."""
        return any([await self.has(key) for key in keys])

    async def confirm(self, *keys: str) -> None:
        """Remember keys, even if the delivery is cancelled: the handler has run."""
        with anyio.CancelScope(shield=True):  # a store has a timeout of its own
            for key in keys:
                self.is_reliable &= await self._guard.add(key)
                self._held.pop(key, None)

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Return the result of `work`, and keep the claims while it runs."""
        if not self._held or not self._guard.is_shared:
            return await work()
        failures: list[BaseException] = []
        results: list[T] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._prolong)
            try:
                results.append(await work())
            except anyio.get_cancelled_exc_class():
                raise
            except BaseException as error:  # noqa: BLE001 - raised again outside of the task group
                failures.append(error)
            tasks.cancel_scope.cancel()
        if failures:
            raise failures.pop()
        return results[0]

    async def _prolong(self) -> None:
        while True:
            await anyio.sleep(self._guard.claim_ttl / 3)
            for key in list(self._held):
                with suppress(WebhookStoreError):
                    await self._guard.claim(key, self._owner)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._held:
            with anyio.CancelScope(shield=True):
                for key in self._held:
                    await self._guard.release(key, self._owner)
