"""Remembers what was handled, so that a delivery that comes again is not handled again.

Sikoia delivers an event until it is taken, and signs no time: whoever has recorded a delivery can
send it again for as long as the secret lives. So what was handled is known by a hash of the
verified body and the event's type, for some days.

The process remembers by itself. A store that several processes share is asked as well, and one that
fails is let be for some seconds: then the process goes on alone, or refuses, as you choose.
"""

from __future__ import annotations

import inspect
import logging
import time
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Final, Literal, Protocol, get_args, runtime_checkable

import anyio

from sikoia_async._errors import ConfigurationError, ReplayStoreError, WebhookPayloadError
from sikoia_async._validation import validate_seconds, validate_type
from sikoia_async.webhooks.events import parse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sikoia_async.webhooks.events import Event

__all__ = ["OnFailure", "ReplayGuard", "ReplayStore"]

_log = logging.getLogger("sikoia_async")

OnFailure = Literal["open", "closed"]
"""Whether events are handled, or refused, while the store fails."""

_DAYS: Final = 72 * 3600.0
_MOST_KEYS: Final = 100_000
"""How many keys a process remembers; each takes some 250 bytes."""
_STORE_TIMEOUT: Final = 1.0
"""Seconds that a store may take."""
_LET_BE: Final = 5.0
"""Seconds in which a store that failed is let be."""


@runtime_checkable
class ReplayStore(Protocol):
    """Remembers keys for several processes together, in a database or a cache, say.

    A key is a hash, and tells nothing. A call that takes more than a second counts as failed.
    """

    async def seen(self, key: str) -> bool:
        """Return whether the key was added within its time."""
        ...

    async def add(self, key: str, *, ttl: float) -> None:
        """Remember a key for so many seconds; once more is the same."""
        ...


class ReplayGuard:
    """Knows which events were handled.

    All who share a guard or a store handle an event once among them: that is for processes that do
    the same, and whoever does something else with the same events has a guard of its own. Two
    processes that get a delivery at the same moment may both handle it: handlers must bear that.
    Two events of one type whose bodies hold the same are one, for nothing tells them apart.

    Args:
        store: what several processes remember together; None if this one is alone.
        ttl: seconds for which an event is remembered; three days by default. Choose more than
            Sikoia goes on trying for, which it does not say.
        on_failure: `open` handles events while the store fails, by what this process alone knows,
            and `Received.deduplicated` is False; `closed` refuses them with `ReplayStoreError`.

    Raises:
        ConfigurationError: one of these is something else.
    """

    def __init__(
        self,
        store: ReplayStore | None = None,
        *,
        ttl: float = _DAYS,
        on_failure: OnFailure = "open",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        validate_type("store", store, ReplayStore, "a ReplayStore, with seen and add")
        self._ttl = validate_seconds("ttl", ttl)
        if on_failure not in get_args(OnFailure):
            msg = "on_failure: give 'open' or 'closed'"
            raise ConfigurationError(msg)
        self._closed = on_failure == "closed"
        self._memory = _Memory()
        self._shared = None if store is None else _Shared(store)
        self._clock = clock

    async def has_seen(self, event: Event) -> bool:
        """Return whether an event was handled: for events of Sikoia's log, say.

        One whose type nothing but its body could tell when it came counts as well.

        Raises:
            ReplayStoreError: the store failed, and the guard is `closed`.
        """
        return bool(await self.knows(event.key) or await self.knows(_untold(event).key))

    async def remember(self, event: Event) -> None:
        """Remember that an event was handled; `Router` does so by itself.

        No store that fails makes this fail: the event was handled all the same.
        """
        await self.add(event.key)

    async def knows(self, key: str) -> bool | None:
        """Return whether a key was added; None where the store fails and nobody can tell.

        Raises:
            ReplayStoreError: in place of None, where the guard is `closed`.
        """
        if self._memory.seen(key, self._clock()):
            return True
        if self._shared is None:
            return False
        answer = await self._shared.seen(key, self._clock)
        if answer is None and self._closed:
            msg = "the replay store fails: answer 503, so that the event is delivered again"
            raise ReplayStoreError(msg)
        return answer

    async def add(self, key: str) -> bool:
        """Remember a key; return whether all who are to remember it do."""
        self._memory.add(key, self._clock(), self._ttl)
        return self._shared is None or await self._shared.add(key, self._clock, self._ttl)


def _untold(event: Event) -> Event:
    """Return what an event is where its address tells nothing."""
    try:
        return parse(event.body, max_body=len(event.body) + 1)
    except WebhookPayloadError:  # it was made by hand
        return event


class _Memory:
    """Keys with their ends, the oldest first."""

    def __init__(self) -> None:
        self._ends: OrderedDict[str, float] = OrderedDict()

    def seen(self, key: str, now: float) -> bool:
        return self._ends.get(key, now) > now

    def add(self, key: str, now: float, ttl: float) -> None:
        self._ends[key] = now + ttl
        self._ends.move_to_end(key)
        while self._ends and self._is_over(next(iter(self._ends.values())), now):
            self._ends.popitem(last=False)

    def _is_over(self, oldest: float, now: float) -> bool:
        return len(self._ends) > _MOST_KEYS or oldest <= now


class _Shared:
    """A store that may fail, and is then let be for a while."""

    def __init__(self, store: ReplayStore) -> None:
        self._store = store
        self._let_be_until = float("-inf")

    async def seen(self, key: str, clock: Callable[[], float]) -> bool | None:
        """Return the store's answer, or None where it gave none."""
        answers: list[bool] = []

        async def ask() -> None:
            answer = await self._store.seen(key)
            if inspect.isawaitable(answer):  # it would count as true, and each event as seen
                raise TypeError
            answers.append(bool(answer))

        return answers[0] if await self._succeeds(ask, clock) else None

    async def add(self, key: str, clock: Callable[[], float], ttl: float) -> bool:
        """Return whether the store has taken the key."""
        return await self._succeeds(partial(self._store.add, key, ttl=ttl), clock)

    async def _succeeds(
        self, work: Callable[[], Awaitable[None]], clock: Callable[[], float]
    ) -> bool:
        if clock() < self._let_be_until:
            return False
        problem = "took too long"
        try:
            with anyio.move_on_after(_STORE_TIMEOUT):
                await work()
                return True
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the store's
            problem = f"failed with {type(error).__name__}"
        if clock() >= self._let_be_until:  # else another delivery has met with the same
            self._let_be_until = clock() + _LET_BE
            _log.warning("the replay store %s, and is let be for %g s", problem, _LET_BE)
        return False
