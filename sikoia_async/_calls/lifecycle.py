"""Where a client lives: one event loop of one process, until it is closed.

Its sockets belong to the loop that opened them. Used from another one, some calls would work, some
would fail after Sikoia has done what was asked, and a forked child would write into its parent's
connections; so all that is refused before anything is sent.
"""

import os
from collections.abc import Callable
from typing import Final

from anyio import NoEventLoopError, current_time
from anyio.lowlevel import current_token

from sikoia_async._errors import ClientStateError

__all__ = ["Lifecycle"]


class Lifecycle:
    """Remembers the loop and the process of the first use."""

    now: Callable[[], float] = staticmethod(current_time)
    """The loop's clock, in seconds; monotonic, and virtual where the loop's is."""

    def __init__(self) -> None:
        self._loop: object = None
        self._process = 0
        self.closed = False

    @property
    def used(self) -> bool:
        """Whether there was a first use."""
        return self._loop is not None

    def time(self) -> float:
        """Ask the loop's clock, also where the loop was not known when this was handed out."""
        return self.now()

    def check(self) -> None:
        """Refuse a use that cannot go well.

        Raises:
            ClientStateError: the client is closed, or this is not its loop or process.
        """
        if self.closed:
            raise ClientStateError(_CLOSED)
        if self._process not in {0, os.getpid()}:
            # Before the loop is asked for: in a child of its process asyncio has none.
            raise ClientStateError(_FORKED)
        try:
            loop = current_token().native_token
        except NoEventLoopError:
            loop = None
        if loop is None:
            raise ClientStateError(_NOWHERE)
        if self._loop is None:
            self._loop, self._process = loop, os.getpid()
            # asyncio's own clock where there is one: asked ten times a call, anyio's is seen.
            self.now = getattr(loop, "time", current_time)
        elif self._loop is not loop:
            raise ClientStateError(_ELSEWHERE)


_NOWHERE: Final = "there is no event loop here: call this where the client's runs"
_CLOSED: Final = "the client is closed: make a new one, or keep it open around all its calls"
_FORKED: Final = "the client was used before this process was forked: make one in each process"
_ELSEWHERE: Final = (
    "the client belongs to another event loop: make one for each loop, "
    "such as one for each asyncio.run() or thread"
)
