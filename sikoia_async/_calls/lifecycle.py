"""Client lifecycle: bound to one event loop in one process, until closed.

The sockets of a client belong to the event loop that opened them. On another loop some calls would
work, and others would fail after Sikoia has processed them. A forked child would write into its
parent's connections. Both are refused before anything is sent.
"""

import os
from collections.abc import Callable
from typing import Final

from anyio import current_time

from sikoia_async._errors import ClientStateError
from sikoia_async._transport.event_loop import current_loop

__all__ = ["Lifecycle"]


class Lifecycle:
    """The event loop and the process that a client was first used in, and whether it is closed."""

    now: Callable[[], float] = staticmethod(current_time)
    """The loop's clock, in monotonic seconds; virtual if the loop's clock is."""

    def __init__(self) -> None:
        self._loop: object = None
        self._process = 0
        self.closed = False

    @property
    def used(self) -> bool:
        """Whether the client has been used."""
        return self._loop is not None

    def time(self) -> float:
        """Return the time of the loop's clock, even if `time` was passed on before first use."""
        return self.now()

    def check(self) -> None:
        """Check that the client may be used here.

        Raises:
            ClientStateError: the client is closed, or belongs to another loop or process.
        """
        if self.closed:
            raise ClientStateError(_CLOSED)
        if self._process not in {0, os.getpid()}:
            # Checked before the loop: asyncio has none in a forked child of its process.
            raise ClientStateError(_FORKED)
        loop = current_loop()
        if loop is None:
            raise ClientStateError(_NO_LOOP)
        if self._loop is None:
            self._loop, self._process = loop, os.getpid()
            # asyncio's own clock if there is one: with ten reads per call, anyio's is measurable.
            self.now = getattr(loop, "time", current_time)
        elif self._loop is not loop:
            raise ClientStateError(_OTHER_LOOP)


_NO_LOOP: Final = "no event loop is running here: use the client inside one"
_CLOSED: Final = "the client is closed: create a new one, or keep it open around all its calls"
_FORKED: Final = "the client was used before this process was forked: create one in each process"
_OTHER_LOOP: Final = (
    "the client belongs to another event loop: create one for each loop, "
    "such as one for each asyncio.run() or thread"
)
