"""Circuit breaker: stops using a shared store for a while after it fails.

- Closed: every operation runs.
- Open: after a failure, operations are refused without touching the store.
- Half-open: once `open_for` seconds have passed, one operation runs as a trial. Its success closes
  the breaker; its failure opens it again.

What a failure means is the caller's decision: carry on without the store (fail open) or refuse the
work (fail closed).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Literal, TypeVar

import anyio

from sikoia_async._errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sikoia_async.observers._observers import Observers

__all__ = ["CircuitBreaker", "CircuitState", "StoreUnavailable"]

T = TypeVar("T")

CircuitState = Literal["closed", "open", "half-open"]

_log = logging.getLogger("sikoia_async")

_TIMEOUT: Final = 1.0
_OPEN_FOR: Final = 5.0


class StoreUnavailable(Exception):  # noqa: N818 - never leaves the package
    """The operation failed, timed out, or was refused because the breaker is open."""


class CircuitBreaker:
    """Runs the operations of one shared store and keeps away from it after a failure.

    Logs one warning when it opens and one record when it closes again. Neither repeats the store's
    own message, which may contain a password.

    Args:
        name: the store's name in log records.
        clock: seconds on a clock that never steps back.
        timeout: seconds that one operation may take.
        deadline_share: the largest share of the caller's remaining time that one operation may
            take; None for no such limit.
        open_for: seconds without the store before a trial.
        observers: see when the store fails and when it is back.
    """

    def __init__(
        self,
        name: str,
        *,
        clock: Callable[[], float],
        timeout: float = _TIMEOUT,
        deadline_share: float | None = None,
        open_for: float = _OPEN_FOR,
        observers: Observers | None = None,
    ) -> None:
        self.observers: Observers | None = observers
        self._name = name
        self._clock = clock
        self._timeout = timeout
        self._deadline_share = deadline_share
        self._open_for = open_for
        self._open_until: float | None = None
        """None while closed."""
        self._is_trial_running = False

    @property
    def state(self) -> CircuitState:
        """Closed, open or half-open at this moment."""
        if self._open_until is None:
            return "closed"
        return "open" if self._clock() < self._open_until else "half-open"

    async def run(self, operation: Callable[[], Awaitable[T]]) -> T:
        """Run an operation of the store and return its result.

        Cancellation and a ConfigurationError pass through, and count neither as a success nor as a
        failure.

        Raises:
            ConfigurationError: the store cannot be used as it was set up.
            StoreUnavailable: the operation failed or timed out, or the breaker is open.
        """
        state = self.state
        if state == "open" or self._is_trial_running:
            raise StoreUnavailable
        if state == "closed":
            return await self._attempt(operation)
        self._is_trial_running = True
        try:
            result = await self._attempt(operation)
        finally:
            self._is_trial_running = False
        self._close()
        return result

    def record_failure(self, error: BaseException) -> None:
        """Open the breaker after an operation that did not go through `run`."""
        self._open(f"failed with {type(error).__name__}")

    async def _attempt(self, operation: Callable[[], Awaitable[T]]) -> T:
        try:
            with anyio.move_on_after(self._seconds()):
                return await operation()
        except ConfigurationError:
            raise
        except Exception as error:  # noqa: BLE001 - a store is the user's and may raise anything
            self.record_failure(error)
        else:
            self._open("timed out")
        raise StoreUnavailable

    def _seconds(self) -> float:
        if self._deadline_share is None:
            return self._timeout
        left = anyio.current_effective_deadline() - anyio.current_time()
        return min(self._timeout, left * self._deadline_share)

    def _open(self, problem: str) -> None:
        state = self.state
        if state == "open":  # by another operation, in the meantime
            return
        self._open_until = self._clock() + self._open_for
        if state == "closed":
            _log.warning("the %s %s; not used until it recovers", self._name, problem)
            if self.observers is not None:
                self.observers.store_lost(self._name)

    def _close(self) -> None:
        self._open_until = None
        _log.info("the %s is available again", self._name)
        if self.observers is not None:
            self.observers.store_back(self._name)
