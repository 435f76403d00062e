"""Passes events on to observers."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from sikoia_async._logging import log_observer_failed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sikoia_async.observers.events import ClientEvent, Observer

__all__ = ["Dispatch"]


class Dispatch:
    """Passes events on to observers, which cannot fail what they observe."""

    def __init__(self, observers: Iterable[Observer]) -> None:
        self._observers = tuple(observers)
        self._failed = set[int]()
        self.released: deque[Callable[[], None]] = deque()
        """What to tell before the next call. The garbage collector may run in the middle of an
        observer, so what it finds is told later."""

    def tell(self, event: ClientEvent) -> None:
        """Pass an event on."""
        for observer in self._observers:
            self._tell(observer, event)

    def tell_end(self, event: ClientEvent) -> None:
        """Pass the end of a pair on in the reverse order, so that observers nest."""
        for observer in reversed(self._observers):
            self._tell(observer, event)

    def tell_released(self) -> None:
        """Report what the garbage collector has found."""
        while self.released:
            self.released.popleft()()

    def _tell(self, observer: Observer, event: ClientEvent) -> None:
        try:
            observer.observe(event)
        except Exception as error:  # noqa: BLE001 - an observer is the user's and may raise anything
            if id(observer) not in self._failed:
                self._failed.add(id(observer))
                log_observer_failed(type(event).__name__, type(error).__name__)
