"""Where a client lives: one event loop of one process, until it is closed.

Its sockets belong to the loop that opened them. Used from another one, some calls would work, some
would fail after Sikoia has done what was asked, and a forked child would write into its parent's
connections; so all that is refused before anything is sent.
"""

import os
from typing import Final

from anyio.lowlevel import current_token

from sikoia_async.errors import ClientStateError

__all__ = ["Home"]


class Home:
    """Remembers the loop and the process of the first use."""

    def __init__(self) -> None:
        self._loop: object = None
        self._process = 0
        self.closed = False

    def check(self) -> None:
        """Refuse a use that cannot go well.

        Raises:
            ClientStateError: the client is closed, or this is not its loop or process.
        """
        if self.closed:
            raise ClientStateError(_CLOSED)
        loop = current_token().native_token
        if self._loop is None:
            self._loop, self._process = loop, os.getpid()
        elif self._process != os.getpid():
            raise ClientStateError(_FORKED)
        elif self._loop is not loop:
            raise ClientStateError(_ELSEWHERE)


_CLOSED: Final = "the client is closed: make a new one, or keep it open around all its calls"
_FORKED: Final = "the client was used before this process was forked: make one in each process"
_ELSEWHERE: Final = (
    "the client belongs to another event loop: make one for each loop, "
    "such as one for each asyncio.run() or thread"
)
