"""The seconds that a call spends in each phase."""

from sikoia_async._transport.stopwatch import Stopwatch


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def test_seconds_are_added_up_by_phase() -> None:
    """A phase that is entered twice adds up, and the current one is included."""
    clock = Clock()
    watch = Stopwatch(clock, "rate_limit")

    clock.now = 101
    watch.enter("response")
    clock.now = 103.5
    watch.enter("rate_limit")
    clock.now = 103.75

    assert watch.spent() == {"rate_limit": 1.25, "response": 2.5}
    assert watch.seconds == 3.75
    assert watch.started == 100


def test_reading_does_not_stop_the_watch() -> None:
    """The seconds can be read at any time, and repeatedly."""
    clock = Clock()
    watch = Stopwatch(clock, "token")

    clock.now = 100.1234
    first = watch.spent()
    clock.now = 101

    assert first == {"token": 0.123}
    assert watch.spent() == {"token": 1.0}


def test_entering_a_phase_returns_the_time() -> None:
    """So the caller need not read the clock again."""
    clock = Clock()

    assert Stopwatch(clock, "rate_limit").enter("response") == 100
