"""Log records of stalls: calls wait because the rate limit is reached, or because of a 429."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sikoia_async._logging import log_rate_limit_reached

if TYPE_CHECKING:
    from collections.abc import Callable

    from sikoia_async._rate_limit.queue import WaitQueue

__all__ = ["Stall"]


class Stall:
    """Logs each reason for a stall once, and not twice in one window.

    A client at its limit may wait for moments before each call. A 429 that arrives while calls wait
    for the limit has a record of its own, because it is the server that holds them back from then.

    Args:
        limit: the limit, for the record.
        per: seconds of a window.
        queue: the callers that wait.
        clock: seconds on a clock that never steps back.
    """

    def __init__(
        self, limit: str, per: float, queue: WaitQueue, clock: Callable[[], float]
    ) -> None:
        self._limit = limit
        self._per = per
        self._queue = queue
        self._clock = clock
        self._logged = set[str]()
        """The reasons that were logged since the stall began."""
        self._quiet_until = dict[str, float]()

    def is_due(self, *, is_paused: bool) -> bool:
        """Return whether a reason has not been logged yet.

        Args:
            is_paused: whether a 429 is the reason, and not the limit.
        """
        reason = self._reason(is_paused)
        is_quiet = self._clock() < self._quiet_until.get(reason, float("-inf"))
        return reason not in self._logged and not is_quiet

    def log(self, seconds: float, *, is_paused: bool) -> None:
        """Log the stall.

        Args:
            seconds: until the next slot may be free.
            is_paused: whether a 429 is the reason, and not the limit.
        """
        reason = self._reason(is_paused)
        log_rate_limit_reached(reason, sum(self._queue.lengths().values()), seconds)
        self._logged.add(reason)
        self._quiet_until[reason] = self._clock() + self._per

    def end(self) -> None:
        """Note that no caller waits any more."""
        self._logged.clear()

    def _reason(self, is_paused: bool) -> str:
        return "a 429 response" if is_paused else self._limit
