"""Fan-out of webhook events: what one process receives wakes operations that wait in all.

A message has a hash of the event, its type, and keyed hashes of the strings in it that may be ids;
nothing of its contents. One that is lost costs a poll.
"""

from __future__ import annotations

import json
import logging
import random
import re
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio

from sikoia_async.stores.breaker import CircuitBreaker, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sikoia_async.observers._observers import Observers
    from sikoia_async.operations.registry import OperationRegistry
    from sikoia_async.stores.background import Background
    from sikoia_async.stores.protocols import EventStore

__all__ = ["EventFanout"]

_log = logging.getLogger("sikoia_async")

_MAX_DIGESTS: Final = 400
"""How many strings of one event are passed on, the outermost first. PostgreSQL limits a message to
8,000 bytes."""
_EVENT: Final = re.compile(r"[0-9a-f]{32}")
_DIGESTS: Final = re.compile(r"(?:[A-Za-z0-9_-]{11})*")
_DIGEST_LENGTH: Final = 11
_SUBSCRIPTION: Final = "event subscription"
_PAUSE: Final = 1.0
"""Seconds before the client subscribes again after the subscription has failed, at first."""
_LONGEST_PAUSE: Final = 30.0


class EventFanout:
    """Publishes the events of this process, and wakes operations by those of all.

    Args:
        store: carries the messages.
        account: names the account in the store.
        registry: the operations that events wake.
        background: runs what outlives a call.
        clock: returns seconds on a clock that never steps back.
        observers: see when the store fails and when it is back.
    """

    def __init__(
        self,
        store: EventStore,
        account: str,
        registry: OperationRegistry,
        background: Background,
        clock: Callable[[], float],
        *,
        observers: Observers | None = None,
    ) -> None:
        self._observers = observers
        self._store = store
        self._account = account
        self._registry = registry
        self._background = background
        self._breaker = CircuitBreaker("event store", clock=clock, observers=observers)
        self._is_listening = False
        self._has_failed = False

    def publish(self, event: str, event_type: str | None, digests: Sequence[str]) -> None:
        """Send an event to all processes, in the background.

        Args:
            event: the key of the event.
            event_type: its name; None if it may be about operations of any kind.
            digests: the registry's digests of the strings in it that may be ids.
        """
        content = {"e": event, "t": event_type, "d": "".join(digests[:_MAX_DIGESTS])}
        self._background.start(partial(self._publish, json.dumps(content)))

    async def _publish(self, message: str) -> None:
        with suppress(StoreUnavailable):
            await self._breaker.run(partial(self._store.publish, self._account, message))

    def listen(self) -> None:
        """Subscribe, unless that was done: there is an operation that events may wake."""
        if not self._is_listening:
            self._is_listening = True
            self._background.start(self._listen)

    async def _listen(self) -> None:
        pause = _PAUSE
        while True:
            began = anyio.current_time()
            try:
                await self._subscribe()
                problem = "ended"
            except Exception as error:  # noqa: BLE001 - a store is the user's and may raise anything
                problem = f"failed with {type(error).__name__}"
            finally:
                self._registry.set_subscribed(False)
            if not self._has_failed:
                self._has_failed = True
                _log.warning("the subscription to events %s; polling until it is back", problem)
                if self._observers is not None:
                    self._observers.store_lost(_SUBSCRIPTION)
            if anyio.current_time() - began > _LONGEST_PAUSE:
                pause = _PAUSE
            await anyio.sleep(pause * (1 + random.random() / 10))  # noqa: S311 - no secrets
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _subscribe(self) -> None:
        async with self._store.subscribe(self._account) as messages:
            self._registry.set_subscribed(True)
            if self._has_failed:
                self._has_failed = False
                _log.info("the subscription to events is back")
                if self._observers is not None:
                    self._observers.store_back(_SUBSCRIPTION)
            async for message in messages:
                self._receive(message)

    def _receive(self, message: str) -> None:
        """Wake the operations that a message names. One that is not ours is ignored."""
        try:
            content: Any = json.loads(message)
            event, event_type, digests = content["e"], content["t"], content["d"]
            is_ours = bool(_EVENT.fullmatch(event) and _DIGESTS.fullmatch(digests))
        except (ValueError, TypeError, KeyError, RecursionError):
            return
        if is_ours and (event_type is None or isinstance(event_type, str)):
            starts = range(0, len(digests), _DIGEST_LENGTH)
            self._registry.wake_known(
                event, event_type, [digests[at : at + _DIGEST_LENGTH] for at in starts]
            )
