"""Where a client hears of webhooks' events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sikoia_async._validation import validate_required, validate_type
from sikoia_async.webhooks.events import Event, UnknownEvent

if TYPE_CHECKING:
    from sikoia_async._calls.lifecycle import Lifecycle
    from sikoia_async.operations.registry import OperationRegistry

__all__ = ["EventFeed"]


class EventFeed:
    """`sikoia.events`."""

    def __init__(self, registry: OperationRegistry, lifecycle: Lifecycle) -> None:
        self._registry = registry
        self._lifecycle = lifecycle

    def feed(self, event: Event) -> int:
        """Wake the operations that an event names, and return how many those are.

        Whoever waits for one of them has it asked at once: the answer confirms what the event
        says. So an event that is not true costs a call and no more; an event that nobody waits for
        costs nothing. Feed all events that come, and in each process that waits.

        Call it from the client's own event loop.

        Args:
            event: what `Router.receive` or `events.parse` returned.

        Raises:
            ArgumentTypeError: this is no event; bytes are to be verified and parsed before.
            ClientStateError: the client is closed, or belongs to another event loop.
        """
        what = "an event, as Router.receive or events.parse returns it"
        validate_type("event", validate_required("event", event), Event, what)
        self._lifecycle.check()
        known = None if isinstance(event, UnknownEvent) else event.type
        return self._registry.wake(known, event.mentions())
