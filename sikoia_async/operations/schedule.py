"""The polling schedule of one operation.

Everything here is pure: time and what happened go in, and the next poll comes out. Nothing reads a
clock, waits or does I/O. The rules are a table that tests read: `tests/operations/schedule.txt`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import attrs

if TYPE_CHECKING:
    from sikoia_async.operations.interval import Interval
    from sikoia_async.operations.kinds import OperationKind

__all__ = ["Schedule", "Step"]

Step: TypeAlias = float | Literal["wait", "give up"]
"""What a waiter does next: poll at this time, wait for an event or another waiter's poll until the
deadline, or give up at once because neither can come in time."""

_GRACE: Final = 10.0
"""Seconds after a request during which a 404 may only mean that it is not visible yet."""
_MIN_RETRY_AFTER: Final = 0.5
"""Seconds. Obeying `Retry-After: 0` to the letter would use up the organisation's rate limit."""
_MARGIN: Final = 2.0
"""Seconds before a waiter's deadline at which it makes a last poll."""
_POLLS_AFTER_EVENT: Final = 4
"""Polls at the normal interval after an event. If the operation still runs after these, the event
was about something else."""
_AHEAD_OF_OTHERS: Final = -1
"""`polls` after an event: the queue for the rate limit serves those with the fewest polls first."""


@attrs.frozen(kw_only=True)
class Schedule:
    """When an operation is polled next. Methods return a new schedule. Times are loop times."""

    interval: Interval
    """Pauses while no event is expected, and right after one."""
    interval_with_events: Interval
    """Pauses while an event is expected."""
    next_poll: float
    """When the next poll is due."""
    planned_at: float
    """When that was decided."""
    visible_by: float
    """Until when a 404 may only mean that the operation is not visible yet."""
    polls: int = 0
    """Polls since the last event, or since the start."""
    is_set_by_server: bool = False
    """Whether a `Retry-After` header chose the time of the next poll."""
    is_announced: bool = False
    """Whether an event named the operation."""
    is_woken: bool = False
    """Whether an event has arrived since the last poll started."""

    @classmethod
    def begin(cls, kind: OperationKind, now: float, *, is_new: bool) -> Schedule:
        """Return a schedule whose first poll is due now.

        Args:
            kind: the kind of the operation.
            now: the time.
            is_new: whether this process requested the operation, rather than resuming it.
        """
        grace = max(kind.visible_within, _GRACE) if is_new else kind.visible_within
        return cls(
            interval=kind.interval,
            interval_with_events=kind.interval_with_events,
            next_poll=now,
            planned_at=now,
            visible_by=now + grace,
        )

    def poll_started(self) -> Schedule:
        """Count a poll."""
        return attrs.evolve(self, polls=self.polls + 1, is_woken=False)

    def poll_ended(
        self,
        now: float,
        *,
        jitter: float,
        event_expected: bool,
        retry_after: float | None = None,
        has_failed: bool = False,
    ) -> Schedule:
        """Plan the next poll.

        Args:
            now: the time.
            jitter: a random number from 0 to 1, see `Interval.pause`.
            event_expected: whether an event is expected to announce the end.
            retry_after: the seconds that the server asked to wait.
            has_failed: whether the poll raised an error. Then `retry_after` never shortens the
                pause.
        """
        if self.is_woken:  # the response may be older than the event that arrived meanwhile
            return attrs.evolve(self, next_poll=now, planned_at=now, is_set_by_server=False)
        follows_event = self.is_announced and self.polls < _POLLS_AFTER_EVENT
        interval = self.interval
        if event_expected and not follows_event:
            interval = self.interval_with_events
        pause = interval.pause(self.polls, jitter)
        if retry_after is not None:
            pause = max(retry_after, _MIN_RETRY_AFTER, pause if has_failed else 0.0)
        return attrs.evolve(
            self,
            next_poll=now + pause,
            planned_at=now,
            is_set_by_server=retry_after is not None,
        )

    def event_arrived(self, now: float) -> Schedule:
        """Poll at once: an event named the operation."""
        return attrs.evolve(
            self, next_poll=now, polls=_AHEAD_OF_OTHERS, is_announced=True, is_woken=True
        )

    def events_lost(self, now: float, *, jitter: float) -> Schedule:
        """Poll soon, and as if the operation were new: the expected event may never arrive.

        The jitter spreads the polls of all operations that hear of this. A time that the server
        chose stays.
        """
        if self.is_set_by_server:
            return self
        soon = now + self.interval.most * jitter
        return attrs.evolve(self, next_poll=min(self.next_poll, soon), polls=0)

    def next_step(
        self, now: float, *, deadline: float, timeout: float, event_expected: bool
    ) -> Step:
        """Return what a waiter does next.

        Args:
            now: the time.
            deadline: when its wait ends.
            timeout: the seconds that its wait lasts in all.
            event_expected: whether an event is expected to announce the end.
        """
        last_poll = deadline - min(_MARGIN, timeout / 10)
        if self.next_poll <= max(last_poll, now):
            return self.next_poll
        if self.is_set_by_server:
            if self.next_poll < deadline:
                return self.next_poll
            return "wait" if event_expected else "give up"
        # The next poll would come too late, and a poll shortly before the deadline is better than
        # none. But half of the pause must be over: many short waits would poll far too often.
        earliest = self.planned_at + min(self.next_poll - self.planned_at, timeout) / 2
        return last_poll if last_poll >= max(now, earliest) else "wait"

    def may_be_invisible(self, now: float) -> bool:
        """Return whether a 404 may only mean that the operation is not visible yet."""
        return now < self.visible_by
