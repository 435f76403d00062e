"""Ends a run early: first no new items, then none at all."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, cast

import anyio

if TYPE_CHECKING:
    from collections.abc import Callable

    from sikoia_async.batch.progress import Stopped

__all__ = ["Stopping", "watch_signals"]

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Stopping:
    """Whether a run is to end early.

    Args:
        drain: seconds that items in progress have once the run is to end.
    """

    def __init__(self, drain: float) -> None:
        self.reason: Stopped | None = None
        self.has_begun: bool = False
        """Whether no new items are begun."""
        self.reading: anyio.CancelScope = anyio.CancelScope()
        """Around reading the input."""
        self.working: anyio.CancelScope = anyio.CancelScope()
        """Around all items."""
        self._drain = drain

    def begin_pass(self) -> None:
        """Make new scopes for the items of another pass; nothing is begun if the batch stops."""
        self.reading, self.working = anyio.CancelScope(), anyio.CancelScope()
        if self.has_begun:
            self.reading.cancel()
            self.working.cancel()

    def stop(self, reason: Stopped) -> None:
        """Begin no new item, and cancel those in progress after a while; at once if called again.

        Args:
            reason: why the run ends.
        """
        if self.has_begun:
            self.working.cancel()
            return
        self.has_begun = True
        self.reason = reason
        self.reading.cancel()
        self.working.deadline = anyio.current_time() + self._drain


async def watch_signals(stop: Callable[[Stopped], object]) -> None:
    """Call a function on each SIGINT and SIGTERM, with the name of the signal.

    Where the event loop cannot receive signals, as on Windows and outside of the main thread, they
    act as usual.
    """
    with ExitStack() as stack:
        try:
            signals = stack.enter_context(anyio.open_signal_receiver(*_SIGNALS))
        except RuntimeError:  # also a NotImplementedError
            return
        async for one in signals:
            stop(cast("Stopped", one.name))
