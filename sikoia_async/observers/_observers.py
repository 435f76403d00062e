"""The observers of one client or webhook router, and one method for each thing that they see.

Nothing imports this module while no observer exists.
"""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Literal
from weakref import finalize

from sikoia_async._errors import ArgumentTypeError
from sikoia_async.observers._dispatch import Dispatch
from sikoia_async.observers._pairs import (
    ObservedCall,
    ObservedDelivery,
    ObservedOperation,
    Outcome,
    Target,
)
from sikoia_async.observers.events import (
    ConnectionReplaced,
    DriftSeen,
    EventReceived,
    RateLimitWaitEnded,
    RateLimitWaitStarted,
    StoreBack,
    StoreLost,
    TokenRenewed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sikoia_async.observers.events import Observer

__all__ = ["Observers", "observers_of"]


class Observers(Dispatch):
    """The observers of one client or webhook router.

    The parts of a client hold None if there are none, so that they cost one comparison each.
    """

    def call(
        self,
        target: tuple[str, str, str, str],
        correlation_id: str,
        now: Callable[[], float],
        outcome: Callable[[], tuple[int | None, int, str]],
        *,
        chargeable: bool = False,
        polls: int | None = None,
    ) -> ObservedCall:
        """Return a call that is about to be made: a context manager around all of it.

        Args:
            target: its operation, HTTP method, path template and origin.
            correlation_id: the id that it sends.
            now: seconds on the event loop's clock.
            outcome: returns its status, number of attempts and correlation id, at its end.
            chargeable: whether it may cost money.
            polls: how often its operation was polled before; None if it is not a poll.
        """
        return ObservedCall(
            self,
            Target(*target),
            correlation_id,
            now,
            lambda: Outcome(*outcome()),
            chargeable=chargeable,
            polls=polls,
        )

    def operation(
        self, operation: object, kind: str, correlation_id: str | None, now: Callable[[], float]
    ) -> ObservedOperation:
        """Tell of an operation that exists from now on.

        Args:
            operation: the operation; its garbage collection ends what is observed.
            kind: what kind of operation it is.
            correlation_id: the id of the response to its request, if there was one.
            now: seconds on the event loop's clock.
        """
        observed = ObservedOperation(self, kind, correlation_id, now)
        release = partial(self.released.append, partial(observed.end, "released"))
        finalize(operation, release).atexit = False
        return observed

    def delivery(self, now: Callable[[], float]) -> ObservedDelivery:
        """Return a delivery that is about to be verified: a context manager around all of it."""
        return ObservedDelivery(self, now)

    def rate_limit_wait_started(self, priority: str, waiting: int) -> None:
        """Tell that a request waits for a slot of the rate limit."""
        self.tell(RateLimitWaitStarted(priority=priority, waiting=waiting))

    def rate_limit_wait_ended(self, priority: str, seconds: float, *, is_served: bool) -> None:
        """Tell that it waits no longer."""
        self.tell_end(RateLimitWaitEnded(priority=priority, seconds=seconds, is_served=is_served))

    def token_renewed(self, seconds: float, source: Literal["server", "store"]) -> None:
        """Tell that the client has a new access token."""
        self.tell(TokenRenewed(seconds=seconds, source=source))

    def event_received(self, event_type: str, operations: int) -> None:
        """Tell that a webhook event was fed."""
        self.tell(EventReceived(event_type=event_type, operations=operations))

    def drift_seen(self, difference: str, times: int) -> None:
        """Tell that a response differs from the models."""
        self.tell(DriftSeen(difference=difference, times=times))

    def connection_replaced(self, origin: str) -> None:
        """Tell that a connection was closed because an exchange on it did not end cleanly."""
        self.tell(ConnectionReplaced(origin=origin))

    def store_lost(self, store: str) -> None:
        """Tell that a store failed."""
        self.tell(StoreLost(store=store))

    def store_back(self, store: str) -> None:
        """Tell that a store works again."""
        self.tell(StoreBack(store=store))


def observers_of(observers: Sequence[Observer] | None) -> Observers | None:
    """Return the observers that a caller passes; None if there are none.

    Raises:
        ArgumentTypeError: they are not a list, or one of them cannot observe.
    """
    if not isinstance(observers, list | tuple):
        msg = "observers: expected a list of observers, such as [Telemetry()]"
        raise ArgumentTypeError(msg)
    for observer in observers:
        if isinstance(observer, type) or not callable(getattr(observer, "observe", None)):
            msg = "observers: each must be an object with a method observe(event)"
            raise ArgumentTypeError(msg)
        if inspect.iscoroutinefunction(observer.observe):
            msg = "observers: observe must not be async; it is called and not awaited"
            raise ArgumentTypeError(msg)
    return Observers(observers) if observers else None
