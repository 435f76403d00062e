"""Where a client hears of webhooks' events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sikoia_async._validation import checked_type, given
from sikoia_async.webhooks.events import Event, UnknownEvent

if TYPE_CHECKING:
    from sikoia_async._calls.lifecycle import Home
    from sikoia_async.operations.registry import Board

__all__ = ["Feed"]


class Feed:
    """`sikoia.events`."""

    def __init__(self, board: Board, home: Home) -> None:
        self._board = board
        self._home = home

    def feed(self, event: Event) -> int:
        """Wake the operations that an event names, and return how many those are.

        Whoever waits for one of them has it asked at once: the answer confirms what the event
        says. So an event that is not true costs a call and no more; an event that nobody waits for
        costs nothing. Feed all events that come, and in each process that waits.

        Call it from the client's own event loop.

        Args:
            event: what `Router.receive` or `events.parse` returned.

        Raises:
            ArgumentTypeError: this is no event; bytes are to be verified and parsed before.
            ClientStateError: the client is closed, or belongs to another event loop.
        """
        what = "an event, as Router.receive or events.parse returns it"
        checked_type("event", given("event", event), Event, what)
        self._home.check()
        known = None if isinstance(event, UnknownEvent) else event.type
        return self._board.wake(known, event.mentions())
