"""Async tasks: ask again until they are done.

`poll` repeats any call until its answer is the wanted one. An `Operation` is a task that Sikoia
works on: await it, give up waiting and come back, or let many wait for it; one loop asks.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar, cast

import anyio
import attrs

from sikoia_async._checks import checked_seconds, checked_type, given
from sikoia_async._flight import SingleFlight
from sikoia_async.errors import (
    ArgumentTypeError,
    ConfigurationError,
    OperationFailedError,
    OperationTimeoutError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Generator

    from sikoia_async.models import ResponseInfo

__all__ = ["Interval", "Operation", "Progress", "follow", "poll"]

T = TypeVar("T")

_TIMEOUT: Final = 300.0
_STEEPEST: Final = 100


_SOONEST: Final = 0.1
"""Seconds to wait at least: who asks without a pause spends the organisation's quota."""


def _long_enough(_: object, attribute: attrs.Attribute[Any], value: float) -> None:
    if checked_seconds(attribute.name, value) < _SOONEST:
        msg = f"{attribute.name}: give at least {_SOONEST} s"
        raise ConfigurationError(msg)


def _growing(_: object, attribute: attrs.Attribute[Any], value: float) -> None:
    msg = f"{attribute.name}: give a number from 1 to {_STEEPEST}"
    if type(value) not in {int, float}:
        raise ArgumentTypeError(msg)
    if not 1 <= value <= _STEEPEST:
        raise ConfigurationError(msg)


@attrs.frozen
class Interval:
    """How long to wait before asking again: it grows by `factor`, from `first` to `most` seconds.

    Each wait is shortened at random by up to a fifth, so that many waiters do not ask in step.

    Raises:
        ConfigurationError: a time is less than 0.1 s, or the factor is not from 1 to 100.
    """

    first: float = attrs.field(default=1.0, validator=_long_enough)
    most: float = attrs.field(default=15.0, validator=_long_enough)
    factor: float = attrs.field(default=1.5, validator=_growing)

    def after(self, polls: int, hint: float | None, jitter: float) -> float:
        """Return the seconds to wait after this many polls; the server's wish goes first."""
        if hint is not None:
            return hint
        return float(min(self.most, self.first * self.factor ** min(polls, 64)) * (1 - jitter / 5))


_INTERVAL: Final = Interval()


@attrs.frozen
class Progress(Generic[T]):
    """What one poll said."""

    done: bool
    value: T | None = None
    """The result if done; else what is known so far, if anything."""
    retry_after: float | None = None
    """Seconds that the server asked to wait."""
    correlation_id: str = ""
    failed: bool = False
    """Whether it is done and came to nothing, for a technical reason."""


class Operation(Generic[T]):
    """A task that Sikoia works on, and its result once it is done.

        operation = await sikoia.income.request(case)
        report = await operation                       # at most 300 s
        report = await operation.wait(timeout=900)

    However many wait, one of them asks, and the others share the answer. Cancelling an await stops
    that await and nothing else: the task goes on at Sikoia, and you may wait again.
    """

    def __init__(
        self,
        ask: Callable[[], Awaitable[Progress[T]]],
        first: Progress[T],
        *,
        interval: Interval = _INTERVAL,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        checked_type("interval", given("interval", interval), Interval, "an Interval")
        self._ask = ask
        self._interval = interval
        self._jitter = jitter
        self._flight = SingleFlight[None]()
        self._polls = 0
        self._ids: list[str] = []
        self._news = anyio.Event()
        self._learn(first)

    @property
    def done(self) -> bool:
        """Whether the result is there."""
        return self._progress.done

    @property
    def status(self) -> str | None:
        """The last answer's status in Sikoia's words, such as `Pending`; None where it has none."""
        status: str | None = getattr(self.last, "status", None)
        return status

    @property
    def last(self) -> T | None:
        """What the last answer said: the result if done; None where it said nothing."""
        return self._progress.value

    @property
    def correlation_ids(self) -> tuple[str, ...]:
        """The correlation ids of all answers, the first one included."""
        return tuple(self._ids)

    def result(self) -> T:
        """Return the result of a task that is done.

        Raises:
            ConfigurationError: it is not; `await` it.
            OperationFailedError: Sikoia could not do it; the error has what it answered.
        """
        if not self.done:
            msg = "the operation is not done yet: await it, or call wait(timeout=...)"
            raise ConfigurationError(msg)
        if self._progress.failed:
            raise self._failed()
        return cast("T", self._progress.value)

    async def wait(self, *, timeout: float = _TIMEOUT) -> T:  # noqa: ASYNC109 - a user's word
        """Wait for the result.

        Args:
            timeout: seconds to wait at most.

        Raises:
            ConfigurationError: the time-out is no time.
            OperationTimeoutError: the task still runs; wait again if you like.
            OperationFailedError: Sikoia could not do it; the error has what it answered.
            APIError: Sikoia answered a poll with an error.
        """
        deadline = anyio.current_time() + checked_seconds("timeout", timeout)
        with anyio.CancelScope(deadline=deadline):
            # A pause that would cross the deadline is not slept: the answer would be the same.
            while not self.done and self._next_poll < deadline:
                await self._pause()
                await self._flight.run(self._poll)
        if not self.done:
            raise self._timed_out(timeout)
        return self.result()

    async def refresh(self) -> T | None:
        """Ask now, whatever the interval says, and return what is known."""
        if not self.done:
            self._next_poll = anyio.current_time()
            await self._flight.run(self._poll)
        return self.last

    def __await__(self) -> Generator[Any, Any, T]:
        return self.wait().__await__()

    def __repr__(self) -> str:
        state = "done" if self.done else "running"
        return f"<Operation {state} after {self._polls} answers>"

    async def _pause(self) -> None:
        """Wait until it is time to ask, or until somebody else has."""
        with anyio.CancelScope(deadline=self._next_poll):
            await self._news.wait()

    async def _poll(self) -> None:
        if not self.done and anyio.current_time() >= self._next_poll:
            self._learn(await self._ask())

    def _learn(self, progress: Progress[T]) -> None:
        self._progress = progress
        self._ids += [progress.correlation_id] if progress.correlation_id else []
        wait = self._interval.after(self._polls, progress.retry_after, self._jitter())
        self._next_poll = anyio.current_time() + wait
        self._polls += 1
        self._news.set()
        self._news = anyio.Event()

    def _failed(self) -> OperationFailedError:
        # What Sikoia says of it may be personal, and errors go into logs.
        told = getattr(self.last, "message", None)
        why = "error.result.message says why" if told else "it does not say why"
        return OperationFailedError(
            f"Sikoia could not do it{_quoted(self._ids)}: {why}",
            result=self.last,
            correlation_ids=self.correlation_ids,
        )

    def _timed_out(self, timeout: float) -> OperationTimeoutError:
        return OperationTimeoutError(
            f"not done after {timeout:g} s{_quoted(self._ids)}; that is no failure: "
            "it goes on at Sikoia, and you may wait again",
            last=self.last,
            operation=self,
            correlation_ids=self.correlation_ids,
        )


class _Pending(Protocol):
    """A model that is answered before it is complete."""

    @property
    def status(self) -> str | None: ...
    @property
    def response(self) -> ResponseInfo: ...


P = TypeVar("P", bound=_Pending)


def follow(
    first: P,
    retrieve: Callable[[], Awaitable[P]],
    *,
    done: Collection[str] = ("Complete",),
    failed: Collection[str] = ("Failed",),
) -> Operation[P]:
    """Return the operation of a request whose answers tell its `status`.

    A status that is in neither list counts as still running, for the vendor may add some.

    Args:
        first: what the request was answered with.
        retrieve: asks for it again.
        done: in which status it is a result.
        failed: in which status it came to nothing.
    """

    def progress(value: P) -> Progress[P]:
        failure = value.status in failed
        return Progress(
            done=failure or value.status in done,
            value=value,
            correlation_id=value.response.correlation_id,
            failed=failure,
        )

    async def ask() -> Progress[P]:
        return progress(await retrieve())

    return Operation(ask, progress(first))


async def poll(
    fetch: Callable[[], Awaitable[T]],
    *,
    until: Callable[[T], bool],
    interval: Interval = _INTERVAL,
    timeout: float = _TIMEOUT,  # noqa: ASYNC109 - a user's word
) -> T:
    """Call `fetch` until its answer is the wanted one, and return that.

        case = await poll(lambda: sikoia.cases.retrieve(case_id),
                          until=lambda case: case.stage == "Approved")

    Args:
        fetch: asks once; what it raises ends the polling.
        until: tells whether an answer is the wanted one.
        interval: how long to wait in between.
        timeout: seconds to go on at most.

    Raises:
        OperationTimeoutError: the time is up; its `last` is the last answer.
    """

    async def ask() -> Progress[T]:
        answer = await fetch()
        return Progress(until(answer), answer)

    at_once: Progress[T] = Progress(done=False, retry_after=0.0)
    return await Operation(ask, at_once, interval=interval).wait(timeout=timeout)


def _quoted(ids: list[str]) -> str:
    return f" (last correlation id {ids[-1]})" if ids else ""
