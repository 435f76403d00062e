"""The time of the local Sikoia: it runs at a speed or stands still, and tests move it on."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from sikoia_async.sandbox.snapshot import Saved

__all__ = ["Clock"]

_FASTEST = 1_000_000
# What is dated around a moment lies some years before and after it.
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


class Clock:
    """Counts the seconds of one local Sikoia, and tells the time of day by them.

    Called, it gives the seconds since it began. Any thread may call it, and move it on.

    Args:
        speed: How many of its seconds pass in one of real time, up to a million; with 0 it stands
            still, and only `advance` moves it.
        epoch: The time of day at which it begins, with a time zone; by default the real one.
        source: A function that counts the seconds in its place.

    Raises:
        ValueError: There is no such speed, the epoch has no time zone or is out of reach, or a
            speed is given for a function, which has its own.
    """

    def __init__(
        self,
        *,
        speed: float = 1,
        epoch: datetime | None = None,
        source: Callable[[], float] | None = None,
    ) -> None:
        for complaint in _complaints(speed, epoch, source):
            raise ValueError(complaint)
        self._speed = speed
        self._given_epoch = epoch
        self._follows = source is not None
        self._source = source or time.monotonic
        self._listeners: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        # What it showed, and what the source did; replaced as one, so that readers need no lock.
        self._mark = (0.0, 0.0)
        self.restart()

    def __call__(self) -> float:
        """Tell the seconds since it began."""
        shown, then = self._mark
        return shown + (self._source() - then) * self._speed

    @property
    def speed(self) -> float:
        """How many of its seconds pass in one of real time."""
        return self._speed

    @property
    def now(self) -> datetime:
        """The time of day, in UTC."""
        return self.at(self())

    def at(self, seconds: float) -> datetime:
        """Tell the time of day, in UTC, so many seconds after the beginning.

        Raises:
            OverflowError: That is beyond the year 9999.
        """
        return self._epoch + timedelta(seconds=seconds)

    def advance(self, seconds: float) -> None:
        """Move on at once, however fast the clock runs.

        What falls due on the way, falls due together at its end: tokens, links and windows are
        over, work has ended, and webhooks are about to be told. `Sandbox.settle` waits until they
        have been.

        Args:
            seconds: How far, zero or more; `Sandbox.restore` is what goes back.

        Raises:
            ValueError: It is no such number, it leads beyond the year 8999, or the clock is a
                function that was given.
        """
        if self._follows:
            msg = "the clock is a function of yours: move on what it counts, or give a speed"
            raise ValueError(msg)
        if not 0 <= seconds < math.inf:
            msg = "advance: give seconds, zero or more"
            raise ValueError(msg)
        with self._lock:
            shown = self() + seconds
            if shown >= (_LATEST - self._epoch).total_seconds():
                msg = "advance: the clock goes to the end of the year 8999"
                raise ValueError(msg)
            self._set(shown)
        for told in self._listeners:
            told()

    def on_advance(self, told: Callable[[], None]) -> None:
        """Call a function after each `advance`, before it returns."""
        self._listeners.append(told)

    def restart(self) -> None:
        """Begin again, at the epoch; without one, at the real time of day."""
        epoch = (self._given_epoch or datetime.now(UTC)).astimezone(UTC)
        if self._follows:
            self._epoch = epoch - timedelta(seconds=self._source())
        else:
            self._epoch = epoch
            self._set(0.0)

    def save(self) -> Saved:
        """Keep what it shows."""
        return Saved(kept=(self(), self._epoch))

    def restore(self, saved: Saved) -> None:
        """Go on from what it showed; a function that was given goes its own way."""
        if not self._follows:
            shown, self._epoch = saved.kept
            self._set(shown)

    def _set(self, shown: float) -> None:
        self._mark = (shown, self._source())


def _complaints(
    speed: float, epoch: datetime | None, source: Callable[[], float] | None
) -> Iterator[str]:
    if not 0 <= speed <= _FASTEST:
        yield "speed: give seconds of the clock in one of real time, from 0 to a million"
    if source is not None and speed != 1:
        yield "speed: a clock that is a function has its own, so leave out one of the two"
    if epoch is not None and epoch.tzinfo is None:
        yield "epoch: give it with a time zone"
    elif epoch is not None and not _EARLIEST <= epoch < _LATEST:
        yield "epoch: give a year from 1970 to 8999"
