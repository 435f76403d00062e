"""The feed of webhook events into a client.

Apart from the router, because a process that gets its events from a queue needs no router.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from sikoia_async._validation import NotCopyable, validate_required, validate_type
from sikoia_async.webhooks.events import Event, UnknownEvent, name_of

if TYPE_CHECKING:
    from sikoia_async._calls.lifecycle import Lifecycle
    from sikoia_async.operations.fanout import EventFanout
    from sikoia_async.operations.registry import OperationRegistry

__all__ = ["EventFeed"]

_KEY_LENGTH: Final = 32
"""Characters of an event's key that tell it from others."""


class EventFeed(NotCopyable):
    """Webhook events for a client's operations: `sikoia.events`."""

    _not_copyable = (
        "a feed cannot be pickled or copied, because it belongs to its client: pass the event"
    )

    def __init__(
        self,
        registry: OperationRegistry,
        lifecycle: Lifecycle,
        fanout: EventFanout | None = None,
    ) -> None:
        self._registry = registry
        self._lifecycle = lifecycle
        self._fanout = fanout

    def feed(self, event: Event) -> int:
        """Wake the operations that an event names, and return how many it names.

        Their waiters poll at once, and the response confirms what the event says. So a forged event
        costs one call, and an event that no operation waits for costs nothing. An event wakes an
        operation only once, however often it is fed, and at most eight events do. Feed every event,
        in every process that waits for operations, or in any of them if they share stores that
        carry events: those wake the operations of all processes, within about a second.

        Call it from the client's own event loop.

        Args:
            event: an event that `Router.receive` or `parse` returned.

        Raises:
            ArgumentTypeError: this is not an event; verify and parse bytes first.
            ClientStateError: the client is closed, or belongs to another event loop.
        """
        what = "an event from Router.receive or parse"
        validate_type("event", validate_required("event", event), Event, what)
        self._lifecycle.check()
        event_type = None if isinstance(event, UnknownEvent) else event.type
        fingerprints = [self._registry.fingerprint(string) for string in event.mentions()]
        named = self._registry.wake_known(event.key[:_KEY_LENGTH], event_type, fingerprints)
        if self._registry.observers is not None:
            self._registry.observers.event_received(name_of(event), named)
        if self._fanout is not None:
            self._fanout.publish(
                event.key[:_KEY_LENGTH], event_type, cast("list[str]", fingerprints)
            )
        return named
