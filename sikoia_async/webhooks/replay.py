"""Remembers which webhook events were handled, so that a redelivery is not handled again.

Sikoia delivers an event until it is accepted, and its signature covers no timestamp: a recorded
delivery can be replayed for as long as the webhook's secret is valid. So a handled event is
remembered for some days, by a hash of the verified body. Nothing else about a delivery is signed,
so nothing else may make it look new.

Each process has its own memory. A store shared between processes is asked as well. It sits behind a
circuit breaker: while it is unavailable, the process carries on alone or refuses events, as
configured.
"""

from __future__ import annotations

import inspect
import time
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Final, Literal, Protocol, get_args, runtime_checkable

from sikoia_async._errors import ConfigurationError, WebhookStoreError
from sikoia_async._validation import (
    settings,
    validate_required,
    validate_seconds,
    validate_type,
    validate_whole,
)
from sikoia_async.stores.breaker import CircuitBreaker, StoreUnavailable
from sikoia_async.webhooks.events import Event

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["OnFailure", "ReplayGuard", "ReplayStore"]

OnFailure = Literal["open", "closed"]
"""Whether events are handled (open) or refused (closed) while the store is unavailable."""

_TTL: Final = 72 * 3600.0
_MAX_KEYS: Final = 100_000
"""Each key takes about 250 bytes."""


@runtime_checkable
class ReplayStore(Protocol):
    """Remembers keys for several processes together, for example in a database or a cache.

    A key is a hash and reveals nothing about its event. A call that takes more than a second counts
    as failed.
    """

    async def seen(self, key: str) -> bool:
        """Return whether the key was added and has not expired."""
        ...

    async def add(self, key: str, *, ttl: float) -> None:
        """Remember a key for `ttl` seconds; adding it twice is not an error."""
        ...


class ReplayGuard:
    """Knows which events were handled.

    Processes that share a guard or a store handle each event once between them, so share one only
    between processes that do the same work. Two processes that receive a delivery at the same
    moment may both handle it; make handlers idempotent. Two events with the same body count as one,
    because nothing that is signed distinguishes them.

    Args:
        store: what several processes share; None if this process is alone.
        ttl: how many seconds an event is remembered; three days by default. Choose more than the
            time for which Sikoia keeps redelivering, which is not documented.
        on_failure: `open` handles events while the store is unavailable, checked against this
            process's memory only, and `Received.deduplicated` is False; `closed` refuses them with
            `WebhookStoreError`.
        max_keys: how many events this process remembers; the oldest are forgotten first.
        clock: seconds on a clock that never steps back.

    Raises:
        ConfigurationError: an argument is invalid.
    """

    def __init__(
        self,
        store: ReplayStore | None = None,
        *,
        ttl: float = _TTL,
        on_failure: OnFailure = "open",
        max_keys: int = _MAX_KEYS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        validate_type("store", store, ReplayStore, "a ReplayStore, with seen and add")
        with settings():
            self._ttl = validate_seconds("ttl", ttl)
            self._memory = _Memory(validate_whole("max_keys", max_keys, least=1))
        if on_failure not in get_args(OnFailure):
            msg = "on_failure: expected 'open' or 'closed'"
            raise ConfigurationError(msg)
        self._fails_closed = on_failure == "closed"
        self._clock = clock
        self._shared = None if store is None else _GuardedStore(store, clock)

    async def has_seen(self, event: Event) -> bool:
        """Return whether an event was handled, for example one from Sikoia's delivery log.

        Raises:
            ArgumentTypeError: this is not an event.
            WebhookStoreError: the store is unavailable, and the guard fails closed.
        """
        return bool(await self.knows(_validated(event).key))

    async def remember(self, event: Event) -> None:
        """Remember that an event was handled; a `Router` does so by itself.

        A store that fails does not raise here: the event was handled all the same.

        Raises:
            ArgumentTypeError: this is not an event.
        """
        await self.add(_validated(event).key)

    async def knows(self, key: str) -> bool | None:
        """Return whether a key was added; None if that is unknown without the store.

        Raises:
            WebhookStoreError: instead of None, if the guard fails closed.
        """
        if self.recalls(key):
            return True
        if self._shared is None:
            return False
        is_known = await self._shared.seen(key)
        if is_known is None and self._fails_closed:
            msg = "the replay store is unavailable: respond with 503 to have the event redelivered"
            raise WebhookStoreError(msg)
        return is_known

    def recalls(self, key: str) -> bool:
        """Return whether this process remembers a key."""
        return self._memory.has(key, self._clock())

    async def add(self, key: str) -> bool:
        """Remember a key; return whether the shared store, if there is one, has it too."""
        self._memory.add(key, self._clock(), self._ttl)
        return self._shared is None or await self._shared.add(key, self._ttl)


def _validated(event: Event) -> Event:
    what = "an event, from Router.receive, parse or from_request"
    validate_type("event", validate_required("event", event), Event, what)
    return event


class _Memory:
    """Keys with the times at which they expire, the oldest first."""

    def __init__(self, max_keys: int) -> None:
        self._max_keys = max_keys
        self._expiries: OrderedDict[str, float] = OrderedDict()

    def has(self, key: str, now: float) -> bool:
        return self._expiries.get(key, now) > now

    def add(self, key: str, now: float, ttl: float) -> None:
        self._expiries[key] = now + ttl
        self._expiries.move_to_end(key)
        while self._expiries and self._must_drop(next(iter(self._expiries.values())), now):
            self._expiries.popitem(last=False)

    def _must_drop(self, oldest: float, now: float) -> bool:
        return len(self._expiries) > self._max_keys or oldest <= now


class _GuardedStore:
    """A replay store behind a circuit breaker."""

    def __init__(self, store: ReplayStore, clock: Callable[[], float]) -> None:
        self._store = store
        self._breaker = CircuitBreaker("replay store", clock=clock)

    async def seen(self, key: str) -> bool | None:
        """Return whether the store has a key; None if the store is unavailable."""

        async def look_up() -> bool:
            is_known = await self._store.seen(key)
            if inspect.isawaitable(is_known):  # always truthy: every event would be a duplicate
                raise TypeError
            return bool(is_known)

        try:
            return await self._breaker.run(look_up)
        except StoreUnavailable:
            return None

    async def add(self, key: str, ttl: float) -> bool:
        """Return whether the store has taken the key."""
        try:
            await self._breaker.run(partial(self._store.add, key, ttl=ttl))
        except StoreUnavailable:
            return False
        return True
