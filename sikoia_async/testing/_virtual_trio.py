"""Virtual time for trio."""

import math

import trio
from trio._core._run import GLOBAL_RUN_CONTEXT
from trio.testing import active_thread_count

__all__ = ["VirtualClock"]

_LOOK = 0.01
"""Real seconds to wait for the result of a worker thread at a time."""


class VirtualClock(trio.abc.Clock):
    """A clock of trio that moves only when there is nothing else to do.

    Unlike trio's `MockClock`, it waits for worker threads.

    Args:
        looks: how often it looks for their results before it moves all the same.
    """

    def __init__(self, looks: int) -> None:
        self._now = 0.0
        self._looks = 0
        self._most_looks = looks

    def start_clock(self) -> None:
        """Do nothing: the clock starts at 0."""

    def current_time(self) -> float:
        """Return the virtual time in seconds."""
        return self._now

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Move to the next deadline, because trio is about to sleep until then.

        Returns:
            The real seconds to sleep.
        """
        if deadline == math.inf:
            return deadline
        if active_thread_count() and self._looks < self._most_looks:
            self._looks += 1
            return _LOOK
        self._looks = 0
        # trio says so nowhere else. It wakes those that wait for idle tasks only if it would sleep.
        if GLOBAL_RUN_CONTEXT.runner.waiting_for_idle:
            return max(0.0, deadline - self._now)
        self._now = max(self._now, deadline)
        return 0.0
