"""Kinds of operations: what all operations of one kind have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, TypeAlias

import attrs

from sikoia_async.operations.interval import Interval
from sikoia_async.operations.statuses import has_ended, is_among, is_failure

__all__ = ["Opener", "OperationKind", "State"]

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
    retrieved: frozenset[str] = frozenset()
    """Statuses whose result is not part of the response to the request, so it is retrieved."""
    running: frozenset[str] = frozenset({"Pending"})
    """Known statuses of an unfinished operation. A status that neither is known nor plainly means
    that the work is over counts as running, too."""
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

    def state(self, status: object, count: Callable[[str], None]) -> State:
        """Return what a status means.

        Args:
            status: the status, as Sikoia sent it.
            count: called with a description of the drift if Sikoia does not document this status.
        """
        state = self._state(status)
        if status not in self.done | self.failed | self.running:
            count(f"taken for {state}")
        return state

    def _state(self, status: object) -> State:
        if is_among(status, self.done):
            return "done"
        if is_among(status, self.failed):
            return "failed"
        if is_among(status, self.running):
            return "running"
        if is_failure(status) and self.failed:
            return "failed"
        return "done" if has_ended(status) else "running"


TASK: Final = OperationKind(name="task")
"""The kind of an operation that only a 202 response announced."""
