"""The rate limit: so many requests in a window that turns with the clock, not on demand."""

import math
from collections import Counter
from collections.abc import Callable
from typing import Literal, get_args

from sikoia_async.sandbox.errors import rate_limited
from sikoia_async.sandbox.snapshot import Saved

WindowKey = Literal["organisation", "token"]


class RateLimit:
    """Counts requests, and refuses those over `limit` until `per` seconds are up.

    Args:
        limit: How many requests are admitted.
        per: Seconds until it turns.
        clock: What it turns with.
        key: Whether the limit is for all that asks, or for each token.
        says_when: Whether refusals tell in how many seconds it turns.
    """

    def __init__(
        self,
        *,
        limit: int,
        per: float,
        clock: Callable[[], float],
        key: WindowKey = "organisation",
        says_when: bool = True,
    ) -> None:
        if key not in get_args(WindowKey):
            msg = f"window_key: give one of {', '.join(get_args(WindowKey))}"
            raise ValueError(msg)
        self._limit = limit
        self._per = per
        self._clock = clock
        self._key = key
        self._says_when = says_when
        self._opened = clock()
        self._counts: Counter[str] = Counter()

    def admit(self, credential: str = "") -> None:
        """Count one request.

        Args:
            credential: The token, or the key, that it came with.

        Raises:
            ApiError: The window is full.
        """
        now = self._clock()
        self._turn(now)
        counted = credential if self._key == "token" else ""
        if self._counts[counted] >= self._limit:
            seconds = math.ceil(self._opened + self._per - now)
            raise rate_limited(seconds if self._says_when else None)
        self._counts[counted] += 1

    def save(self) -> Saved:
        """Give when it opened, and which requests it has counted."""
        return Saved(copied=(self._opened, self._counts))

    def restore(self, saved: Saved) -> None:
        """Go on counting from there."""
        self._opened, self._counts = saved.copied

    def _turn(self, now: float) -> None:
        turns = (now - self._opened) // self._per
        if turns > 0:
            self._opened += turns * self._per
            self._counts.clear()
