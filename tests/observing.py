"""An observer that records the events that it sees."""

from typing import Any, TypeVar

import attrs

from sikoia_async.observers import ClientEvent

__all__ = ["Recorder"]

E = TypeVar("E", bound=ClientEvent)


class Recorder:
    """Records all events."""

    def __init__(self) -> None:
        self.events: list[ClientEvent] = []

    def observe(self, event: ClientEvent, /) -> None:
        """Record an event."""
        self.events.append(event)

    def of(self, kind: type[E]) -> list[E]:
        """Return the events of a class."""
        return [event for event in self.events if isinstance(event, kind)]

    def one(self, kind: type[E]) -> E:
        """Return the only event of a class."""
        [event] = self.of(kind)
        return event

    @property
    def names(self) -> list[str]:
        """The classes of the events, in order."""
        return [type(event).__name__ for event in self.events]

    def clear(self) -> None:
        """Forget the events so far."""
        self.events.clear()

    @property
    def text(self) -> str:
        """Everything that the events hold."""
        return "\n".join(map(_shown, self.events))


def _shown(event: ClientEvent) -> str:
    fields: dict[str, Any] = attrs.asdict(event)
    return f"{type(event).__name__} {fields}"
