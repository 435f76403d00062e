"""The clock of the local Sikoia: it runs at a configurable speed, and tests can advance it."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from sikoia_async.sandbox.snapshot import Saved

__all__ = ["Clock", "real_seconds", "validate_clock_settings"]

_MAX_SPEED = 1_000_000
real_seconds: Callable[[], float] = (
    partial(time.clock_gettime, time.CLOCK_MONOTONIC)
    if hasattr(time, "clock_gettime")
    else time.monotonic  # Windows
)
"""Real monotonic seconds: test libraries such as freezegun stop `time.monotonic`, but not these."""
# Records contain dates some years before and after the current time.
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


class Clock:
    """The seconds since the start of one local Sikoia, and its time of day.

    Calling the clock returns the seconds. Any thread may read and advance it.

    Args:
        speed: Clock seconds per real second, up to a million; at 0 the clock stands still and
            only `advance` moves it.
        epoch: The time of day at the start, with a time zone; by default the real time.
        source: A function that returns seconds, used instead of real time.
        monotonic: Measures real time.

    Raises:
        ValueError: The speed or the epoch is out of range, the epoch has no time zone, or both
            `source` and `speed` are given.
    """

    def __init__(
        self,
        *,
        speed: float = 1,
        epoch: datetime | None = None,
        source: Callable[[], float] | None = None,
        monotonic: Callable[[], float] = real_seconds,
    ) -> None:
        validate_clock_settings(speed, epoch, source)
        self._speed = speed
        self._given_epoch = epoch
        self._has_source = source is not None
        self._source = source or monotonic
        self._listeners: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        # The clock's seconds and the source's at one moment. Replaced as one tuple, so that
        # readers need no lock.
        self._reference = (0.0, 0.0)
        self.restart()

    def __call__(self) -> float:
        """Return the seconds since the start."""
        seconds, source = self._reference
        return seconds + (self._source() - source) * self._speed

    @property
    def speed(self) -> float:
        """Clock seconds per real second."""
        return self._speed

    @property
    def now(self) -> datetime:
        """The time of day, in UTC."""
        return self.at(self())

    def at(self, seconds: float) -> datetime:
        """Return the time of day, in UTC, at so many seconds after the start.

        Raises:
            OverflowError: The time is after the year 9999.
        """
        return self._epoch + timedelta(seconds=seconds)

    def advance(self, seconds: float) -> None:
        """Move the clock forward at once, whatever its speed.

        Everything that becomes due is due together at the new time: access tokens, links and
        rate-limit windows expire, operations end, and webhook deliveries are queued.
        `Sandbox.settle` waits until they have been sent.

        Args:
            seconds: How far, zero or more; use `Sandbox.restore` to go back.

        Raises:
            ValueError: The number is negative or not finite, the time would be after the year
                8999, or the clock follows a function.
        """
        if self._has_source:
            msg = "advance: the clock follows your function; change what that returns instead"
            raise ValueError(msg)
        if not 0 <= seconds < math.inf:
            msg = "advance: expected seconds, zero or more"
            raise ValueError(msg)
        with self._lock:
            target = self() + seconds
            if target >= (_LATEST - self._epoch).total_seconds():
                msg = "advance: the clock ends with the year 8999"
                raise ValueError(msg)
            self._set(target)
        for listener in self._listeners:
            listener()

    def on_advance(self, listener: Callable[[], None]) -> None:
        """Call a function at the end of each `advance`."""
        self._listeners.append(listener)

    def restart(self) -> None:
        """Start again at the epoch, or at the real time if there is none."""
        epoch = (self._given_epoch or datetime.now(UTC)).astimezone(UTC)
        if self._has_source:
            self._epoch = epoch - timedelta(seconds=self._source())
        else:
            self._epoch = epoch
            self._set(0.0)

    def save(self) -> Saved:
        """Return the current seconds and the epoch."""
        return Saved(kept=(self(), self._epoch))

    def restore(self, saved: Saved) -> None:
        """Continue from saved seconds, unless the clock follows a function."""
        if not self._has_source:
            seconds, self._epoch = saved.kept
            self._set(seconds)

    def _set(self, seconds: float) -> None:
        self._reference = (seconds, self._source())


def validate_clock_settings(
    speed: float, epoch: datetime | None, source: Callable[[], float] | None
) -> None:
    """Refuse settings that no clock can have.

    Raises:
        ValueError: The speed or the epoch is out of range, the epoch has no time zone, or both
            `source` and `speed` are given.
    """
    for error in _errors(speed, epoch, source):
        raise ValueError(error)


def _errors(
    speed: float, epoch: datetime | None, source: Callable[[], float] | None
) -> Iterator[str]:
    if not 0 <= speed <= _MAX_SPEED:
        yield "speed: expected clock seconds per real second, from 0 to a million"
    if source is not None and speed != 1:
        yield "speed: cannot be combined with clock, whose function sets the speed"
    if epoch is not None and epoch.tzinfo is None:
        yield "epoch: expected a datetime with a time zone"
    elif epoch is not None and not _EARLIEST <= epoch < _LATEST:
        yield "epoch: expected a year from 1970 to 8999"
