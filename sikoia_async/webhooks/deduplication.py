"""Deduplicates events: each is handled once, whether it is delivered again or as its own parent.

If you subscribe to an event type and to a more specific one, Sikoia delivers an event of each for
one occurrence, tied by `grouping_id` (https://docs.sikoia.com/docs/webhooks). If both have the same
handler, the second is merged into the first. Nobody promises that a grouping has only one event of
each type, so events are matched by number: the second `DocumentProcessing` event of a grouping
belongs to its second `PayslipProcessing` event, and is never taken for the first.

An event is remembered after its handler has succeeded, and not before. A handler that fails or is
cancelled leaves no trace, so a delivery that waited for it handles the event itself. Processes that
share a store claim an event and its grouping meanwhile, so that none handles them beside another.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import asynccontextmanager
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Literal

import anyio
import attrs

from sikoia_async.webhooks.claims import Claims
from sikoia_async.webhooks.events import related

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from sikoia_async.webhooks.events import Event
    from sikoia_async.webhooks.replay import ReplayGuard

__all__ = ["Deduplicator", "KeyedLock", "Outcome"]

Outcome = Literal["handled", "duplicate", "merged", "unhandled"]
"""What happened to an event: its handler ran; had handled it before; had handled a parent or child
event of the same occurrence; or does not exist."""

_MAX_COUNTED: Final = 1000
_MAX_FED: Final = 10_000


class Deduplicator:
    """Runs the handlers of events, once for each event.

    Args:
        guard: remembers which events were handled.
        max_counted: how many events of one type are counted in one grouping. Later ones are never
            merged.
    """

    def __init__(self, guard: ReplayGuard, *, max_counted: int = _MAX_COUNTED) -> None:
        self._guard = guard
        self._max_counted = max_counted
        self._locks = KeyedLock()
        self._fed: OrderedDict[str, None] = OrderedDict()
        """Keys of events, since handlers may fail or not exist. Only of this process: each has
        operations of its own."""

    async def run(
        self,
        event: Event,
        handler: str,
        work: Callable[[], Awaitable[None]],
        feed: Callable[[], Awaitable[None]] | None = None,
    ) -> tuple[Outcome, bool]:
        """Handle an event, unless that was done.

        Args:
            event: the event.
            handler: the name of its handler, which is the same in every process.
            work: calls the handler.
            feed: is called before, once for each event that was not handled before.

        Returns:
            What happened to the event, and whether the guard could be relied on.

        Raises:
            WebhookBusyError: another process is handling it; nothing was done.
            WebhookStoreError: the store failed, and the guard is `closed`; nothing was done.
        """
        async with self._locks.hold(event.key), Claims(self._guard) as claims:
            if not await claims.take(event.key):
                return "duplicate", True
            outcome = await claims.run(
                partial(self._handle, event, handler, work, feed, claims=claims)
            )
            return outcome, claims.is_reliable

    async def _handle(
        self,
        event: Event,
        handler: str,
        work: Callable[[], Awaitable[None]],
        feed: Callable[[], Awaitable[None]] | None,
        *,
        claims: Claims,
    ) -> Outcome:
        """Handle an event that this delivery has claimed."""
        await self._feed_once(event.key, feed)
        if event.grouping_id is None or not related(type(event)):
            await work()
            await claims.confirm(event.key)
            return "handled"
        grouping = f"{handler}\0{event.grouping_id}"
        async with self._locks.hold(grouping):
            await claims.wait_for(_hash(grouping))
            return await self._handle_in(grouping, event, work, claims)

    async def feed(self, event: Event, feed: Callable[[], Awaitable[None]] | None) -> None:
        """Feed an event that has no handler, unless that was done."""
        async with self._locks.hold(event.key):
            if not self._guard.recalls(event.key):
                await self._feed_once(event.key, feed)

    async def _feed_once(self, key: str, feed: Callable[[], Awaitable[None]] | None) -> None:
        if feed is None or key in self._fed:
            return
        await feed()
        self._fed[key] = None
        if len(self._fed) > _MAX_FED:
            self._fed.popitem(last=False)

    async def _handle_in(
        self,
        grouping: str,
        event: Event,
        work: Callable[[], Awaitable[None]],
        claims: Claims,
    ) -> Outcome:
        """Handle an event of a grouping, unless its parent or child was handled."""
        number = 1
        while number < self._max_counted and await claims.has(_key(grouping, type(event), number)):
            number += 1
        is_counted = number < self._max_counted
        relatives = related(type(event)) if is_counted else ()
        is_merged = await claims.has_any([_key(grouping, one, number) for one in relatives])
        if not is_merged:
            await work()
        await claims.confirm(event.key, _key(grouping, type(event), number))
        return "merged" if is_merged else "handled"


def _key(grouping: str, event_type: type[Event], number: int) -> str:
    """Return the key of the n-th event of a type in a grouping."""
    return _hash("\0".join((grouping, event_type.__name__, str(number))))


def _hash(name: str) -> str:
    return sha256(name.encode(errors="surrogatepass")).hexdigest()


@attrs.define
class _Entry:
    """The lock of one key, and how many tasks hold it or wait for it."""

    lock: anyio.Lock = attrs.field(factory=anyio.Lock)
    users: int = 0


class KeyedLock:
    """A lock per key. A key that no task uses takes no memory."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}

    def __len__(self) -> int:
        """Return how many keys are locked."""
        return len(self._entries)

    @asynccontextmanager
    async def hold(self, key: str) -> AsyncGenerator[None]:
        """Hold the lock of a key while the block runs.

        Raises:
            RuntimeError: this task holds it already.
        """
        entry = self._entries.setdefault(key, _Entry())
        entry.users += 1
        try:
            async with entry.lock:
                yield
        finally:
            entry.users -= 1
            if not entry.users:
                del self._entries[key]
