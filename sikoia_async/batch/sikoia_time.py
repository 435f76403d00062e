"""Sikoia's own time, as far as its responses have shown it."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["SikoiaTime"]


class SikoiaTime:
    """Seconds since the epoch by Sikoia's clock, which dates requests.

    It follows the `Date` header of responses and a monotonic clock, so the clocks of hosts may be
    wrong or be set. Every `Date` was over when it arrived: the time here is never ahead of
    Sikoia's, and about a second behind at most. Until there was one, it follows the time that this
    host had at the start.

    Args:
        monotonic: seconds on a clock that never steps back.
        wall: this host's time.
    """

    def __init__(
        self, monotonic: Callable[[], float], wall: Callable[[], float] = time.time
    ) -> None:
        self._monotonic = monotonic
        self._wall = wall
        self._ahead: float | None = None
        """How far Sikoia's time is ahead of the monotonic clock; None before the first use."""
        self.is_known: bool = False
        """Whether a response has shown Sikoia's time."""

    def now(self) -> float:
        """Return Sikoia's time, or what this host takes for it."""
        if self._ahead is None:
            self._ahead = self._wall() - self._monotonic()
        return self._monotonic() + self._ahead

    def observe(self, headers: Mapping[str, str]) -> None:
        """Learn from the headers of a response that has just arrived."""
        try:
            date = parsedate_to_datetime(headers.get("date", "")).timestamp()
        except ValueError:
            return
        self._ahead = date - self._monotonic()
        self.is_known = True
