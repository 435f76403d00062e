"""Log record of a stall: calls wait because the rate limit is reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sikoia_async._logging import log_rate_limit_reached

if TYPE_CHECKING:
    from collections.abc import Callable

    from sikoia_async._rate_limit.queue import WaitQueue

__all__ = ["Stall"]


class Stall:
    """Logs one record per stall, and no two in one window however often calls wait for moments.

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
        self._is_logged = False
        self._quiet_until = float("-inf")

    @property
    def is_due(self) -> bool:
        """Whether a stall that is going on has not been logged yet."""
        return not self._is_logged and self._clock() >= self._quiet_until

    def log(self, seconds: float, *, is_paused: bool) -> None:
        """Log the stall.

        Args:
            seconds: until the next slot may be free.
            is_paused: whether a 429 is the reason.
        """
        limit = "a 429 response" if is_paused else self._limit
        log_rate_limit_reached(limit, sum(self._queue.lengths().values()), seconds)
        self._is_logged, self._quiet_until = True, self._clock() + self._per

    def end(self) -> None:
        """Note that no caller waits any more."""
        self._is_logged = False
