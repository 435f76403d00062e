"""Remembers which webhook events were handled, so that a redelivery is not handled again.

Sikoia delivers an event until it is accepted, and its signature covers no timestamp: a recorded
delivery can be replayed for as long as the webhook's secret is valid. So a handled event is
remembered for some days, by a hash of the verified body. Nothing else about a delivery is signed,
so nothing else may make it look new.

Each process has its own memory. In a store that processes share, a delivery claims its event before
it is handled, and confirms it afterwards. The store sits behind a circuit breaker: while it is
unavailable, the process carries on alone or refuses events, as configured.
"""

from __future__ import annotations

import inspect
import time
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Final, Literal, get_args

from sikoia_async._errors import ConfigurationError, WebhookStoreError
from sikoia_async._validation import (
    settings,
    validate_required,
    validate_seconds,
    validate_type,
    validate_whole,
)
from sikoia_async.stores.breaker import CircuitBreaker, StoreUnavailable
from sikoia_async.stores.protocols import Claim, ReplayStore
from sikoia_async.stores.shared import Stores, validate_store
from sikoia_async.webhooks.events import Event

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sikoia_async.observers._observers import Observers

__all__ = ["OnFailure", "ReplayGuard", "ReplayStore"]

OnFailure = Literal["open", "closed"]
"""Whether events are handled (open) or refused (closed) while the store is unavailable."""

_TTL: Final = 72 * 3600.0
_CLAIM_TTL: Final = 60.0
_CLAIMS: Final = frozenset(get_args(Claim))
_MAX_KEYS: Final = 100_000
"""Each key takes about 250 bytes."""


class ReplayGuard:
    """Knows which events were handled.

    Processes that share a store handle each event once between them, so share one only between
    processes that do the same work. A delivery of an event that another process is handling is
    refused with `WebhookBusyError`, so that Sikoia sends it again. If a process is killed after its
    handler has run, or while the store is unavailable, the event may be handled again; make
    handlers idempotent. Two events with the same body count as one, because nothing that is signed
    distinguishes them.

    Args:
        store: shared by several processes: stores such as `SqliteStores("sikoia.db")`, of which it
            uses `replay`, or a `ReplayStore`; None for this process alone.
        ttl: how many seconds an event is remembered; three days by default. Choose more than the
            time for which Sikoia keeps redelivering, which is not documented.
        on_failure: `open` handles events while the store is unavailable, checked against this
            process's memory only, and `Received.deduplicated` is False; `closed` refuses them with
            `WebhookStoreError`.
        claim_ttl: after how many seconds an event may be handled by another process if the one that
            was handling it is killed. A handler may take longer.
        max_keys: how many events this process remembers; the oldest are forgotten first.
        clock: seconds on a clock that never steps back.

    Raises:
        ConfigurationError: an argument is invalid.
    """

    def __init__(
        self,
        store: ReplayStore | Stores | None = None,
        *,
        ttl: float = _TTL,
        on_failure: OnFailure = "open",
        claim_ttl: float = _CLAIM_TTL,
        max_keys: int = _MAX_KEYS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if isinstance(store, Stores):
            store = _replay_of(store)
        validate_store("store", "replay", store)
        with settings():
            self._ttl = validate_seconds("ttl", ttl)
            self.claim_ttl: float = validate_seconds("claim_ttl", claim_ttl)
            self._memory = _Memory(validate_whole("max_keys", max_keys, least=1))
        if on_failure not in get_args(OnFailure):
            msg = "on_failure: expected 'open' or 'closed'"
            raise ConfigurationError(msg)
        self._fails_closed = on_failure == "closed"
        self._clock = clock
        self._shared = None if store is None else _GuardedStore(store, clock)

    async def has_seen(self, event: Event) -> bool:
        """Return whether an event was already handled, for example one from Sikoia's delivery log.

        Raises:
            ArgumentTypeError: this is not an event.
            WebhookStoreError: the store is unavailable, and the guard fails closed.
        """
        return bool(await self.knows(_validated(event).key))

    async def remember(self, event: Event) -> None:
        """Remember that an event was handled; a `Router` does so by itself.

        A failing store does not raise here, because the event was handled all the same.

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
        if is_known is None:
            self._check_open()
        return is_known

    async def claim(self, key: str, owner: str) -> Claim | None:
        """Claim a key for one delivery; return None if that is impossible without the store.

        Raises:
            WebhookStoreError: instead of None, if the guard fails closed.
        """
        if self.recalls(key):
            return "done"
        if self._shared is None:
            return "new"
        claim = await self._shared.claim(key, owner, self.claim_ttl)
        if claim is None:
            self._check_open()
        return claim

    async def release(self, key: str, owner: str) -> None:
        """Give a claim back."""
        if self._shared is not None:
            await self._shared.release(key, owner)

    def _check_open(self) -> None:
        if self._fails_closed:
            msg = "the replay store is unavailable: respond with 503 to have the event redelivered"
            raise WebhookStoreError(msg)

    @property
    def is_shared(self) -> bool:
        """Whether there is a store."""
        return self._shared is not None

    def recalls(self, key: str) -> bool:
        """Return whether this process remembers a key."""
        return self._memory.has(key, self._clock())

    async def add(self, key: str) -> bool:
        """Remember a key; return whether the shared store, if there is one, has it too."""
        self._memory.add(key, self._clock(), self._ttl)
        return self._shared is None or await self._shared.confirm(key, self._ttl)


def observe_store(guard: ReplayGuard, observers: Observers) -> None:
    """Tell observers when the store of a guard fails and when it is back."""
    # Not a method, because users do not call it.
    shared = guard._shared  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - as above
    if shared is not None:
        shared.breaker.observers = observers


def _replay_of(shared: Stores) -> ReplayStore:
    if shared.replay is None:
        msg = "store: these stores have none for webhook events; pass Stores(replay=...) or others"
        raise ConfigurationError(msg)
    return shared.replay


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
        self.breaker: CircuitBreaker = CircuitBreaker("replay store", clock=clock)

    async def seen(self, key: str) -> bool | None:
        """Return whether the store has a key; None if the store is unavailable."""

        async def look_up() -> bool:
            is_known = await self._store.seen(key)
            if inspect.isawaitable(is_known):  # always truthy: every event would be a duplicate
                raise TypeError
            return bool(is_known)

        try:
            return await self.breaker.run(look_up)
        except StoreUnavailable:
            return None

    async def claim(self, key: str, owner: str, ttl: float) -> Claim | None:
        """Return whose a key is to handle; None if the store is unavailable."""

        async def claim() -> Claim:
            found = await self._store.claim(key, owner, ttl=ttl)
            if found not in _CLAIMS:
                raise TypeError
            return found

        try:
            return await self.breaker.run(claim)
        except StoreUnavailable:
            return None

    async def confirm(self, key: str, ttl: float) -> bool:
        """Return whether the store has taken the key."""
        return await self._has_done(partial(self._store.confirm, key, ttl=ttl))

    async def release(self, key: str, owner: str) -> None:
        """Give a claim back, if the store is available."""
        await self._has_done(partial(self._store.release, key, owner))

    async def _has_done(self, operation: Callable[[], Awaitable[None]]) -> bool:
        try:
            await self.breaker.run(operation)
        except StoreUnavailable:
            return False
        return True
