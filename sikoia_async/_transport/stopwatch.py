"""Measures the seconds that a call, or the wait for an operation, spends in each phase."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Final, Literal

__all__ = ["Phase", "Stopwatch", "poll_watch"]

Phase = Literal[
    "rate_limit",
    "token",
    "connection",
    "response",
    "body",
    "backoff",
    "file",
    "decoding",
    "hooks",
    "polling",
    "pauses",
]
"""What a call is waiting for.

`rate_limit`: a request slot of the rate limit. `token`: an access token. `connection`: a slot of
the client's connection pool. `response`: connecting, sending, and the head of the response. `body`:
the rest of it. `backoff`: the pause before another attempt. `file`: creating or
completing a file on disk. `decoding`: a large response, in a worker thread.
`hooks`: the caller's `on_request` and `on_response`.

Of an operation: `rate_limit`, `polling` for the rest of its polls, and `pauses` between them.
"""


class Stopwatch:
    """Adds up the seconds of each phase."""

    __slots__ = ("_spent", "now", "phase", "since", "started")

    def __init__(self, clock: Callable[[], float], phase: Phase) -> None:
        self.now: Callable[[], float] = clock
        self.phase: Phase = phase
        """The current phase."""
        self._spent: dict[Phase, float] = {}
        # When the call, and the current phase, began.
        self.started: float = clock()
        self.since: float = self.started

    def restart(self) -> None:
        """Start again from zero."""
        self._spent.clear()
        self.started = self.since = self.now()

    def enter(self, phase: Phase) -> float:
        """End the current phase, begin another, and return the current time."""
        now = self.now()
        self._spent[self.phase] = self._spent.get(self.phase, 0.0) + now - self.since
        self.phase, self.since = phase, now
        return now

    def spent(self) -> dict[str, float]:
        """Return the seconds of each phase so far, including the current one."""
        self.enter(self.phase)
        return {phase: round(seconds, 3) for phase, seconds in self._spent.items()}

    @property
    def seconds(self) -> float:
        """Seconds since the call began."""
        return self.now() - self.started


poll_watch: Final[ContextVar[Stopwatch | None]] = ContextVar("sikoia_poll_watch", default=None)
"""The stopwatch of the operation that is being polled; None outside of polls."""
