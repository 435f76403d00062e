"""The rate limit: so many requests in a window that turns with the clock, not on demand."""

import math
from collections.abc import Callable

from .errors import rate_limited


class Window:
    """Counts requests, and refuses those over `limit` until `per` seconds are up."""

    def __init__(self, *, limit: int, per: float, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._per = per
        self._clock = clock
        self._opened = clock()
        self._count = 0

    def admit(self) -> None:
        """Count one request.

        Raises:
            ApiError: The window is full.
        """
        now = self._clock()
        self._turn(now)
        if self._count >= self._limit:
            raise rate_limited(math.ceil(self._opened + self._per - now))
        self._count += 1

    def _turn(self, now: float) -> None:
        turns = (now - self._opened) // self._per
        if turns > 0:
            self._opened += turns * self._per
            self._count = 0
