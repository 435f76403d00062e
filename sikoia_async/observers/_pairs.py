"""What starts and ends: calls, attempts, operations and their polls, and deliveries."""

from __future__ import annotations

import sys
from itertools import count
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Self

from sikoia_async.observers.events import (
    AttemptEnded,
    AttemptStarted,
    CallEnded,
    CallStarted,
    DeliveryEnded,
    DeliveryStarted,
    OperationEnded,
    OperationPolled,
    OperationPollStarted,
    OperationStarted,
    Purchased,
    RateLimited,
)

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping
    from types import TracebackType

    from sikoia_async.observers._dispatch import Dispatch

__all__ = [
    "ObservedAttempt",
    "ObservedCall",
    "ObservedDelivery",
    "ObservedOperation",
    "Outcome",
    "Target",
    "name_of",
]

_NUMBERS: Final = count(1)


class Target(NamedTuple):
    """What a call is made to."""

    operation: str
    method: str
    path: str
    origin: str


class Outcome(NamedTuple):
    """What is known about a call when it ends."""

    status: int | None
    attempts: int
    correlation_id: str


class ObservedCall:
    """A call while it is made: a context manager around all of it.

    Args:
        observers: see its start and its end.
        target: what it is made to.
        correlation_id: the id that it sends.
        now: seconds on the event loop's clock.
        outcome: returns what is known about it at its end.
        chargeable: whether it may cost money.
        polls: how often its operation was polled before; None if it is not a poll.
    """

    def __init__(
        self,
        observers: Dispatch,
        target: Target,
        correlation_id: str,
        now: Callable[[], float],
        outcome: Callable[[], Outcome],
        *,
        chargeable: bool = False,
        polls: int | None = None,
    ) -> None:
        self.number: int = next(_NUMBERS)
        self.observers: Dispatch = observers
        self.target: Target = target
        self._correlation_id = correlation_id
        self._now = now
        self._outcome = outcome
        self._chargeable = chargeable
        self._polls = polls
        self._began = 0.0

    def __enter__(self) -> Self:
        self.observers.tell_released()
        self._began = self._now()
        self.observers.tell(
            CallStarted(
                call=self.number,
                **self.target._asdict(),
                correlation_id=self._correlation_id,
                chargeable=self._chargeable,
                polls=self._polls,
            )
        )
        return self

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        status, attempts, correlation_id = known = self._outcome()
        self._outcome = lambda: known  # which does not refer back to the call
        self.observers.tell_end(
            CallEnded(
                call=self.number,
                **self.target._asdict(),
                correlation_id=correlation_id,
                status=status,
                error=name_of(error),
                attempts=attempts,
                seconds=self._now() - self._began,
            )
        )

    def rate_limited(self, seconds: float) -> None:
        """Tell of a 429."""
        operation = self.target.operation
        self.observers.tell(RateLimited(call=self.number, operation=operation, seconds=seconds))

    def purchased(self, *, is_certain: bool) -> None:
        """Tell that the call counts in the client's spend."""
        self.observers.tell(
            Purchased(
                call=self.number,
                operation=self.target.operation,
                correlation_id=self._outcome().correlation_id,
                is_certain=is_certain,
            )
        )

    def attempt(
        self,
        number: int,
        *,
        quota_left: Callable[[], int] | None = None,
        validate: Callable[[dict[str, str]], dict[str, str]] | None = None,
    ) -> ObservedAttempt:
        """Return an attempt of the call.

        Args:
            number: 1 for the first one.
            quota_left: returns how many further requests the rate limit allows.
            validate: returns which headers may be added; None if none may.
        """
        sent_id, now = self._correlation_id, self._now
        return ObservedAttempt(self, number, sent_id, now, quota_left=quota_left, validate=validate)


class ObservedAttempt:
    """An attempt from the moment that its request is about to be sent."""

    def __init__(
        self,
        call: ObservedCall,
        number: int,
        correlation_id: str,
        now: Callable[[], float],
        *,
        quota_left: Callable[[], int] | None,
        validate: Callable[[dict[str, str]], dict[str, str]] | None,
    ) -> None:
        self._call = call
        self._number = number
        self._correlation_id = correlation_id
        self._now = now
        self._quota_left = quota_left
        self._validate = validate
        self._began: float | None = None

    def begin(self, headers: MutableMapping[str, str]) -> None:
        """Tell that the request is about to be sent, and add the headers of observers.

        Args:
            headers: the headers of the request.
        """
        added: dict[str, str] | None = None if self._validate is None else {}
        self._began = self._now()
        self._call.observers.tell(
            AttemptStarted(
                call=self._call.number,
                attempt=self._number,
                **self._call.target._asdict(),
                correlation_id=self._correlation_id,
                quota_left=None if self._quota_left is None else self._quota_left(),
                headers=added,
            )
        )
        if added and self._validate is not None:
            for name, value in self._validate(added).items():
                headers.setdefault(name, value)

    def end(
        self,
        status: int | None,
        error: str | None,
        reason: str | None,
        correlation_id: str | None,
        http_version: bytes | None,
    ) -> None:
        """Report how the attempt ended, if its request was about to be sent."""
        if self._began is None:
            return
        if status is None and error is None:
            error = name_of(sys.exception())
        version = None if http_version is None else http_version.decode("ascii", "replace")
        self._call.observers.tell_end(
            AttemptEnded(
                call=self._call.number,
                attempt=self._number,
                **self._call.target._asdict(),
                correlation_id=correlation_id or self._correlation_id,
                status=status,
                error=error,
                reason=reason,
                http_version=version,
                seconds=self._now() - self._began,
            )
        )


class ObservedOperation:
    """An operation for as long as this process follows it.

    Args:
        observers: see its start, its polls and its end.
        kind: what kind of operation it is.
        correlation_id: the id of the response to its request, if there was one.
        now: seconds on the event loop's clock.
    """

    def __init__(
        self,
        observers: Dispatch,
        kind: str,
        correlation_id: str | None,
        now: Callable[[], float],
    ) -> None:
        self.observers: Dispatch = observers
        self._kind = kind
        self._number = next(_NUMBERS)
        self._now = now
        self._began = now()
        self._polls = 0
        self._has_ended = False
        observers.tell(
            OperationStarted(number=self._number, kind=kind, correlation_id=correlation_id)
        )

    def poll(self, polls: int) -> _ObservedPoll:
        """Return a context manager around a poll.

        Args:
            polls: how often the operation was polled before.
        """
        self._polls += 1
        return _ObservedPoll(self.observers, self._number, self._kind, polls, self._now)

    def end(self, outcome: Literal["done", "failed", "released"]) -> None:
        """Tell that the operation ended, unless that was told."""
        if self._has_ended:
            return
        self._has_ended = True
        self.observers.tell(
            OperationEnded(
                number=self._number,
                kind=self._kind,
                outcome=outcome,
                polls=self._polls,
                seconds=self._now() - self._began,
            )
        )


class _ObservedPoll:
    """A poll while it is made."""

    def __init__(
        self, observers: Dispatch, number: int, kind: str, polls: int, now: Callable[[], float]
    ) -> None:
        self._observers = observers
        self._number = number
        self._kind = kind
        self._now = now
        self._began = now()
        observers.tell(OperationPollStarted(number=number, kind=kind, polls=polls))

    def __enter__(self) -> None:
        """Do nothing: its start was told."""

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        self._observers.tell_end(
            OperationPolled(
                number=self._number,
                kind=self._kind,
                error=name_of(error),
                seconds=self._now() - self._began,
            )
        )


class ObservedDelivery:
    """A webhook delivery while it is verified and handled.

    Args:
        observers: see its start and its end.
        now: seconds on a clock that never steps back.
    """

    def __init__(self, observers: Dispatch, now: Callable[[], float]) -> None:
        self.event_type: str | None = None
        """Sikoia's name of the event, once it is known."""
        self.outcome: str | None = None
        """What happened to the event, once that is known."""
        self._observers = observers
        self._now = now
        self._number = next(_NUMBERS)
        self._began = 0.0

    def __enter__(self) -> Self:
        self._began = self._now()
        self._observers.tell(DeliveryStarted(number=self._number))
        return self

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        self._observers.tell_end(
            DeliveryEnded(
                number=self._number,
                event_type=self.event_type,
                outcome=self.outcome,
                error=name_of(error),
                seconds=self._now() - self._began,
            )
        )


_CANCELLATIONS: Final = frozenset({"CancelledError", "Cancelled"})
"""The classes with which asyncio and trio cancel."""


def name_of(error: BaseException | None) -> str | None:
    """Return the class of an error, or `cancelled`."""
    if error is None:
        return None
    name = type(error).__name__
    return "cancelled" if name in _CANCELLATIONS else name
