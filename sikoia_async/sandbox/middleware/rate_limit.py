"""The rate limit: a fixed number of requests in each window of time."""

import math
from collections import Counter
from collections.abc import Callable
from typing import Literal, get_args

from sikoia_async.sandbox.errors import rate_limited
from sikoia_async.sandbox.snapshot import Saved

WindowKey = Literal["organisation", "token"]


def validate_window_key(key: str) -> None:
    """Refuse an unknown window key.

    Raises:
        ValueError: The key is neither `organisation` nor `token`.
    """
    if key not in get_args(WindowKey):
        msg = f"window_key: expected one of {', '.join(get_args(WindowKey))}"
        raise ValueError(msg)


class RateLimit:
    """Counts requests in fixed windows, which follow one another without gaps.

    Args:
        limit: The number of requests allowed in a window.
        per: The length of a window in seconds.
        clock: Returns the seconds since the start.
        key: Whether the limit applies to the whole organisation or to each token.
        sends_retry_after: Whether a 429 has a `Retry-After` header.
    """

    def __init__(
        self,
        *,
        limit: int,
        per: float,
        clock: Callable[[], float],
        key: WindowKey = "organisation",
        sends_retry_after: bool = True,
    ) -> None:
        self._limit = limit
        self._per = per
        self._clock = clock
        self._key = key
        self._sends_retry_after = sends_retry_after
        self._opened = clock()
        self._counts: Counter[str] = Counter()

    def admit(self, credential: str = "") -> None:
        """Count one request.

        Args:
            credential: The access token or API key of the request.

        Raises:
            ApiError: 429, the window is full.
        """
        now = self._clock()
        self._open_window(now)
        key = credential if self._key == "token" else ""
        if self._counts[key] >= self._limit:
            seconds = math.ceil(self._opened + self._per - now)
            raise rate_limited(seconds if self._sends_retry_after else None)
        self._counts[key] += 1

    def save(self) -> Saved:
        """Return the start of the window and its counts."""
        return Saved(copied=(self._opened, self._counts))

    def restore(self, saved: Saved) -> None:
        """Continue with a saved window."""
        self._opened, self._counts = saved.copied

    def _open_window(self, now: float) -> None:
        """Open the window of this moment, unless it is open already."""
        windows = (now - self._opened) // self._per
        if windows > 0:
            self._opened += windows * self._per
            self._counts.clear()
