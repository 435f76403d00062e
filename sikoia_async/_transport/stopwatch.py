"""Where the time of one call goes: each phase and its seconds."""

from collections.abc import Callable
from typing import Literal

Phase = Literal["quota", "token", "permit", "answer", "body", "backoff"]
"""What a caller may be waiting for.

`quota`: a free slot of the rate limit. `token`: an access token. `permit`: one of the
client's connections. `answer`: connecting, sending, and the first bytes of the answer.
`body`: the rest of it. `backoff`: the pause before another attempt.
"""


class Stopwatch:
    """Adds up the seconds of each phase; one runs through one call."""

    __slots__ = ("_phase", "_since", "_spent", "now", "started")

    def __init__(self, clock: Callable[[], float], phase: Phase) -> None:
        self.now = clock
        self._phase: Phase = phase
        self._spent: dict[Phase, float] = {}
        self.started = self._since = clock()

    def restart(self) -> None:
        """Count from now on: what was waited for so far is not the call's time."""
        self._spent.clear()
        self.started = self._since = self.now()

    def enter(self, phase: Phase) -> float:
        """End the phase that runs, start another, and return the moment."""
        now = self.now()
        self._spent[self._phase] = self._spent.get(self._phase, 0.0) + now - self._since
        self._phase, self._since = phase, now
        return now

    @property
    def phase(self) -> Phase:
        """The phase that runs."""
        return self._phase

    def spent(self) -> dict[str, float]:
        """Return the seconds of each phase so far, the one that runs included."""
        self.enter(self._phase)
        return {phase: round(seconds, 3) for phase, seconds in self._spent.items()}

    @property
    def seconds(self) -> float:
        """Seconds since the call began."""
        return self.now() - self.started
