"""Shows the progress of a batch: a function of the caller, a bar, or lines."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, Final, Protocol

import anyio

from sikoia_async.batch.wording import describe

if TYPE_CHECKING:
    from collections.abc import Callable

    from sikoia_async.batch.batch_state import BatchState
    from sikoia_async.batch.progress import Progress, Stopped

__all__ = ["Display", "Reporter", "display"]

_log = logging.getLogger("sikoia_async")

_INTERVAL: Final = 0.125
"""Seconds between two snapshots, so that there are no more than ten a second with the last one."""
_UNCHANGED: Final = 1.0
"""The same while no item begins or ends."""
_LINE_EVERY: Final = 30.0


class Display(Protocol):
    """Shows progress."""

    def show(self, progress: Progress) -> None:
        """Show how far the batch is."""
        ...

    def close(self) -> None:
        """Show nothing more."""
        ...


class Reporter:
    """Shows how far a batch is until it is closed.

    If showing it raises an exception, that is logged, and nothing more is shown.

    Args:
        state: the batch.
        shown: what shows it.
    """

    def __init__(self, state: BatchState[Any], shown: Display) -> None:
        self._state = state
        self._display: Display | None = shown

    async def run(self) -> None:
        """Show progress until closed."""
        seen, shown_at = -1, float("-inf")
        while self._display is not None:
            now = anyio.current_time()
            if self._state.changes != seen or now >= shown_at + _UNCHANGED:
                seen, shown_at = self._state.changes, now
                self._show()
            await anyio.sleep(_INTERVAL)

    def close(self) -> None:
        """Show the last progress."""
        self._show()
        shown, self._display = self._display, None
        if shown is not None:
            shown.close()

    def _show(self) -> None:
        if self._display is None:
            return
        try:
            self._display.show(self._state.progress())
        except Exception:  # noqa: BLE001 - of the caller, and the batch must go on
            _log.exception("progress is not shown any more, because that raised an exception")
            self._display = None


class _Function:
    """Passes progress on to a function."""

    def __init__(self, function: Callable[[Progress], object]) -> None:
        self._function = function

    def show(self, progress: Progress) -> None:
        """Call the function."""
        self._function(progress)

    def close(self) -> None:
        """Do nothing."""


class _Lines:
    """Prints a line on standard error every 30 seconds, when a run is stopped, and at the end."""

    def __init__(self) -> None:
        self._next = _LINE_EVERY
        self._last = ""
        self._stopped: Stopped | None = None

    def show(self, progress: Progress) -> None:
        """Print a line if it is time for one."""
        self._last = describe(progress)
        is_news = progress.stopped != self._stopped and progress.running > 0
        self._stopped = progress.stopped
        if is_news or progress.seconds >= self._next:
            self._next = progress.seconds + _LINE_EVERY
            self._print()

    def close(self) -> None:
        """Print the last line."""
        self._print()

    def _print(self) -> None:
        sys.stderr.write(f"{self._last}\n")
        sys.stderr.flush()


def display(progress: bool | Callable[[Progress], object]) -> Display:
    """Return what shows progress.

    Args:
        progress: a function; or True for a bar on a terminal, and lines anywhere else.
    """
    if callable(progress):
        return _Function(progress)
    if sys.stderr.isatty():
        try:
            from sikoia_async.batch.bar import Bar  # noqa: PLC0415 - rich is optional
        except ImportError:
            return _Lines()
        return Bar()
    return _Lines()
