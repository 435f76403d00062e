"""Kinds of operations: what all operations of one kind have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, TypeAlias

import attrs

from sikoia_async.operations.interval import Interval

__all__ = ["TASK", "Opener", "OperationKind", "State"]

State = Literal["running", "done", "failed"]
"""How far an operation is. `failed` means that it ended without a result for a technical reason."""

Opener: TypeAlias = Callable[[Any, Sequence[Any]], Any]
"""Takes a client's `Api` and the ids of an operation, and returns that `Operation`."""

_LONGEST_PAUSE: Final = 600.0
"""Seconds. While an event is expected, polls only make up for lost events."""


@attrs.frozen(kw_only=True)
class OperationKind:
    """What all operations of one kind have in common.

    A kind is declared beside the resource whose methods return such operations.
    """

    name: str
    """Part of operation tokens, which people keep, so it never changes."""
    timeout: float = 300.0
    """Seconds to wait if the caller does not say."""
    interval: Interval = attrs.field(factory=Interval)
    """Pauses between polls while no event is expected."""
    has_custom_interval: bool = False
    """Whether the caller chose the interval. Then it is used although an event is expected."""
    done: frozenset[str] = frozenset({"Complete"})
    """Statuses with a result."""
    failed: frozenset[str] = frozenset({"Failed"})
    """Statuses of an operation that ended without a result, for a technical reason."""
    running: frozenset[str] = frozenset({"Pending"})
    """Known statuses of an unfinished operation. Unknown statuses count as running, too."""
    visible_within: float = 0.0
    """Seconds during which a 404 may only mean that Sikoia has not created the resource yet,
    although this process did not request it."""
    is_final: bool = True
    """Whether a result never changes. If it may, waiting again starts a new operation."""
    events: frozenset[str] = frozenset()
    """Names of the webhook events that may announce the end."""
    first_poll_with_events: float = 60.0
    """Seconds before the first poll while an event is expected: most operations end by then."""
    id_count: int = 1
    """How many ids identify an operation of this kind."""
    opener: Opener | None = None
    """Opens an operation by its ids; None for kinds that no token can name."""

    @property
    def interval_with_events(self) -> Interval:
        """Pauses between polls while an event is expected."""
        if self.has_custom_interval:
            return self.interval
        first = self.first_poll_with_events
        return Interval(first=first, most=max(first, _LONGEST_PAUSE), factor=2.0)

    def state(self, status: str | None, on_unknown: Callable[[], None]) -> State:
        """Return what a status means.

        Args:
            status: the status, as Sikoia sent it.
            on_unknown: called if this kind does not know the status.
        """
        if status in self.done:
            return "done"
        if status in self.failed:
            return "failed"
        if status not in self.running:
            on_unknown()
        return "running"


TASK: Final = OperationKind(name="task")
"""The kind of an operation that only a 202 response announced."""
