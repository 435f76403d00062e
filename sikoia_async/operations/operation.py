"""Async tasks: ask again until they are done, or until a webhook tells that they are.

An `Operation` is a task that Sikoia works on: await it, give up waiting and come back, let many
wait for it, or go on in another process. `poll` repeats any call until its answer is the wanted
one.

An operation has no task of its own. Who waits sleeps until it is time to ask, and the first who
wakes asks for all; so nobody asks when nobody waits.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar, cast

import anyio
import attrs
from anyio.lowlevel import checkpoint

from sikoia_async._errors import (
    APIError,
    ClientStateError,
    ConfigurationError,
    RateLimitError,
    ResourceDeletedError,
    ResourceNotFoundError,
    ServerError,
    SikoiaError,
    TokenError,
    TransportError,
)
from sikoia_async._single_flight import SingleFlight
from sikoia_async._validation import validate_required, validate_seconds, validate_type
from sikoia_async.operations.interval import Interval
from sikoia_async.operations.registry import OperationKind, OperationRegistry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Generator

    from sikoia_async.models import ResponseInfo
    from sikoia_async.operations.registry import State

__all__ = [
    "TASK",
    "Interval",
    "Operation",
    "OperationError",
    "OperationFailedError",
    "OperationTimeoutError",
    "Progress",
    "follow",
    "poll",
]

T = TypeVar("T")

_GRACE: Final = 10.0
"""Seconds in which a new request may not be found yet."""
_SOONEST: Final = 0.5
"""Seconds between two polls at least: `Retry-After: 0` would spend the organisation's quota."""
_WOKEN: Final = -1
"""How often a woken one was asked, as far as the turns of polls are concerned: it goes first."""
_OFTEN: Final = 4
"""How many polls after an event come at the pace of what is new; it may have been another one."""
_MARGIN: Final = 2.0
"""Seconds before the end of a wait in which it is asked for the last time."""
TASK: Final = OperationKind(name="task")
"""The kind of what has none of its own: a 202."""


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


class OperationError(SikoiaError):
    """An async task did not give its result."""


class OperationFailedError(OperationError):
    """Sikoia could not do the task, for a technical reason: a new request may go better."""

    def __init__(self, message: str, *, result: Any, correlation_ids: tuple[str, ...]) -> None:
        super().__init__(message)
        self.result = result
        """What Sikoia answered last: a model whose `status` is `Failed`."""
        self.correlation_ids = correlation_ids


class OperationTimeoutError(OperationError):
    """The task still runs. That is no failure: go on waiting for `operation` if you like."""

    _unpicklable = ("operation",)

    def __init__(
        self,
        message: str,
        *,
        last: Any,
        operation: Operation[Any] | None,
        token: str | None,
        correlation_ids: tuple[str, ...],
    ) -> None:
        super().__init__(message)
        self.last = last
        """What the last poll said; None where it said nothing."""
        self.operation = operation
        """The operation, to wait on; None after pickling, for it belongs to its client."""
        self.token = token
        """For `sikoia.operation(token)`, to go on in another process; None where it has none."""
        self.correlation_ids = correlation_ids


class Operation(Generic[T]):
    """A task that Sikoia works on, and its result once it is done.

        operation = await sikoia.income.request(case)
        report = await operation                       # for a time that `income.request` states
        report = await operation.wait(timeout=900)

    However many wait, one of them asks, and the others share the answer. Cancelling an await stops
    that await and nothing else: the task goes on at Sikoia, and you may wait again. A poll that
    fails because Sikoia is out of order or cannot be reached ends no wait: the next one may go
    well.
    """

    __slots__ = (
        "__weakref__",
        "_announced",
        "_answers",
        "_ask",
        "_asked",
        "_asking",
        "_begun_here",
        "_closed",
        "_first",
        "_flight",
        "_hinted",
        "_ids",
        "_jitter",
        "_kind",
        "_news",
        "_next_poll",
        "_planned",
        "_polls",
        "_progress",
        "_registry",
        "_since",
        "_trouble",
        "_woken",
        "ids",
    )

    def __init__(
        self,
        ask: Callable[[int], Awaitable[Progress[T]]],
        first: Progress[T] | None,
        *,
        kind: OperationKind = TASK,
        ids: tuple[str, ...] = (),
        registry: OperationRegistry | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Take what is known.

        Args:
            ask: asks once; told how often it was asked before.
            first: the first answer; None where there was none yet.
            kind: what operations like this one have in common.
            ids: what leads to it again; none if nothing does.
            registry: the operations of its client; None where it is not a client's.
            jitter: gives random numbers from 0 to 1.
        """
        self.ids: tuple[str, ...] = ids
        self._ask = ask
        self._kind = kind
        self._registry = registry
        self._jitter = jitter
        self._flight = SingleFlight[None]()
        self._asking: anyio.CancelScope | None = None
        self._asked = 0
        """How often it was asked since the last event."""
        self._polls = 0
        self._answers = 0
        self._ids: list[str] = []
        self._hinted = False
        self._closed = False
        self._announced = self._woken = False
        self._trouble: Exception | None = None
        self._begun_here = first is not None
        self._first = first.value if first else None
        self._since = self._planned = self._next_poll = anyio.current_time()
        self._progress = Progress[T](done=False)
        self._news = anyio.Event()
        if first is not None:
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
    def kind(self) -> str:
        """What kind of task it is, such as `income`: to look at what a token led to."""
        return self._kind.name

    @property
    def first(self) -> T | None:
        """What the task was begun with, such as the link for a person; None if it was resumed."""
        return self._first

    @property
    def last(self) -> T | None:
        """What the last answer said: the result if done; None where it said nothing."""
        return self._progress.value

    @property
    def correlation_ids(self) -> tuple[str, ...]:
        """The correlation ids of all answers, the first one included."""
        return tuple(self._ids)

    @property
    def timeout(self) -> float:
        """Seconds that are waited where the caller does not say."""
        return self._kind.timeout

    @property
    def token(self) -> str:
        """A short text for `sikoia.operation(token)`, which goes on in another process.

        It holds ids and no secret; a client of other credentials or another environment refuses
        it.

        Raises:
            ConfigurationError: the task has no id; one that was begun by `sikoia.start` has its
                address only.
        """
        if self._registry is None or not self.ids:
            msg = "this task has no token: nothing but its address leads to it again"
            raise ConfigurationError(msg)
        return self._registry.signer.token(self._kind.name, self.ids)

    def result(self, *, raise_on_failure: bool = True) -> T:
        """Return the result of a task that is done.

        Args:
            raise_on_failure: whether a technical failure is an error, and not a result.

        Raises:
            ConfigurationError: it is not; `await` it.
            OperationFailedError: Sikoia could not do it; the error has what it answered.
        """
        if not self.done:
            msg = "the operation is not done yet: await it, or call wait(timeout=...)"
            raise ConfigurationError(msg)
        if self._progress.failed and raise_on_failure:
            raise self._failed()
        return cast("T", self._progress.value)

    async def wait(
        self,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - a user's word
        raise_on_failure: bool = True,
    ) -> T:
        """Wait for the result.

        Args:
            timeout: seconds to wait at most; if left out, as many as `timeout` says.
            raise_on_failure: whether a technical failure is an error, and not a result.

        Raises:
            ConfigurationError: the time-out is no time.
            OperationTimeoutError: the task still runs; wait again if you like.
            OperationFailedError: Sikoia could not do it; the error has what it answered.
            ClientStateError: the client was closed meanwhile, or belongs to another event loop.
            SikoiaError: what any call may raise, if it will not pass: an outage is waited through.
        """
        seconds = self.timeout if timeout is None else validate_seconds("timeout", timeout)
        deadline = anyio.current_time() + seconds
        while not self.done:
            await self._hear(deadline, seconds)
        return self.result(raise_on_failure=raise_on_failure)

    async def refresh(self) -> T | None:
        """Ask now, whatever the interval says, and return what is known.

        It is a poll: where many wait for a slot of the quota, it has its turn among polls.

        Raises:
            SikoiaError: what any call may raise.
        """
        if not self.done:
            self._check()
            await self._flight.run(self._poll)
        return self.last

    def __await__(self) -> Generator[Any, Any, T]:
        return self.wait().__await__()

    def __aiter__(self) -> AsyncIterator[T]:
        """Go through what the answers say, from the last one known on; the result comes last.

        Who is slow misses some in between. A technical failure comes as the last answer, and is no
        error here.

        Raises, while it is read:
            OperationTimeoutError: there is no result after the seconds of `timeout`.
            SikoiaError: what `wait` may raise.
        """
        return _Snapshots(self._snapshot, self.timeout)

    def __repr__(self) -> str:
        state = "done" if self.done else "running"
        return f"<Operation {self._kind.name}: {state}, {self._answers} answers>"

    def wake(self) -> None:
        """Have whoever waits ask at once, and often for a while: an event tells that it is done."""
        if self.done:
            return
        self._announced = self._woken = True
        self._asked = _WOKEN
        self._next_poll = anyio.current_time()
        self._tell()

    def hurry(self) -> None:
        """Have it asked soon: its event may not come. Not all at once who hear of this."""
        if not self.done and not self._hinted:
            self._asked = 0
            soon = anyio.current_time() + self._kind.interval.most * self._jitter()
            self._next_poll = min(self._next_poll, soon)
            self._tell()

    def close(self) -> None:
        """End all waits with an error: the client is closed."""
        self._closed = True
        if self._asking is not None:
            self._asking.cancel()
        self._tell()

    def _check(self) -> None:
        """Refuse to wait where no answer can come."""
        if self._closed:
            raise ClientStateError(_CLOSED)
        if self._registry:
            self._registry.check()

    async def _hear(self, deadline: float, seconds: float) -> None:
        """Wait until something is heard of the task, and ask for that when it is time.

        Args:
            deadline: when the wait ends.
            seconds: how long it is in all.

        Raises:
            OperationTimeoutError: nothing can be heard until then.
        """
        self._check()
        at, polls = self._moment(deadline, seconds), self._polls
        if at is not None:
            with anyio.CancelScope(deadline=min(at, deadline)):
                await self._news.wait()
                return
        if at is None or anyio.current_time() >= deadline:
            await checkpoint()  # who waits again and again must not stop the event loop
            raise self._timed_out(seconds) from self._trouble
        with anyio.CancelScope(deadline=deadline):
            await self._ask_unless_asked(polls)

    async def _snapshot(self, seen: int, deadline: float) -> tuple[int, T]:
        """Return an answer after those seen, and its number."""
        while not self.done and (self._answers == seen or self.last is None):
            await self._hear(deadline, self.timeout)
        if self._answers == seen:
            raise StopAsyncIteration
        return self._answers, cast("T", self.last)

    def _moment(self, deadline: float, seconds: float) -> float | None:
        """Return when to ask; infinity where only others can tell in time, None if nobody can."""
        now, relies = anyio.current_time(), self._registry and self._registry.relies(self._kind)
        last = deadline - min(_MARGIN, seconds / 10)
        if self._next_poll <= max(last, now):
            return self._next_poll
        if self._hinted:
            if self._next_poll < deadline:
                return self._next_poll
            return float("inf") if relies else None
        # A little early is better than not at all, unless many who wait for a short time would
        # each have a last poll of their own.
        due = self._planned + min(self._next_poll - self._planned, seconds) / 2
        return last if last >= max(now, due) else float("inf")

    async def _ask_unless_asked(self, polls: int) -> None:
        """Ask, unless somebody else has since; what may pass is borne until the wait is over."""
        if self.done or self._polls != polls:
            return
        try:
            await self._flight.run(self._poll)
        except SikoiaError as error:
            if not (_is_outage(error) or self._may_be_found_soon(error)):
                raise
            self._trouble = error.with_traceback(None)
        was_seen_running = self._answers > 1
        if self.done and was_seen_running and not self._announced and self._registry and self.ids:
            self._registry.ended(self._kind, self.ids)

    def _may_be_found_soon(self, error: SikoiaError) -> bool:
        """Tell whether it was begun so short a time ago that it need not be found yet."""
        if not isinstance(error, ResourceNotFoundError) or isinstance(error, ResourceDeletedError):
            return False
        grace = max(self._kind.late, _GRACE) if self._begun_here else self._kind.late
        return anyio.current_time() - self._since < grace

    async def _poll(self) -> None:
        asked, self._asked = self._asked, self._asked + 1
        progress: Progress[T] | None = None
        scope = self._asking = anyio.CancelScope()
        self._woken = False
        try:
            with scope:
                progress = await self._ask(asked)
        except Exception as error:
            self._plan(error.retry_after if isinstance(error, APIError) else None, least=True)
            raise
        finally:
            self._asking = None
        if progress is None:  # the client was closed
            raise ClientStateError(_CLOSED)
        self._learn(progress)

    def _learn(self, progress: Progress[T]) -> None:
        self._progress = progress
        self._trouble = None
        self._answers += 1
        self._ids += [progress.correlation_id] if progress.correlation_id else []
        self._plan(progress.retry_after)

    def _plan(self, hint: float | None, *, least: bool = False) -> None:
        """Say when to ask next, and wake who waits for news.

        Args:
            hint: seconds that the server asked to wait.
            least: whether it may be later than that.
        """
        interval = self._kind.interval
        if self._registry and not (self._announced and self._asked < _OFTEN):
            interval = self._registry.interval(self._kind)
        pause = interval.after(self._asked, None, self._jitter())
        if hint is not None:
            pause = max(hint, _SOONEST, pause if least else 0.0)
        self._polls += 1
        self._planned = anyio.current_time()
        self._hinted = hint is not None and not self._woken
        self._next_poll = self._planned + (0.0 if self._woken else pause)
        self._tell()

    def _tell(self) -> None:
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

    def _timed_out(self, seconds: float) -> OperationTimeoutError:
        more = self._next_poll - anyio.current_time()
        if self._hinted and more > seconds:
            state = f"not done, and Sikoia asks to wait {more:,.0f} s; {seconds:g} s were given"
        else:
            state = f"not done after {seconds:g} s"
        trouble = "; the last poll failed" if self._trouble else ""
        return OperationTimeoutError(
            f"{state}{_quoted(self._ids)}{trouble}; that is no failure: "
            "it goes on at Sikoia, and you may wait again",
            last=self.last,
            operation=self,
            token=self.token if self._registry and self.ids else None,
            correlation_ids=self.correlation_ids,
        )


class _Snapshots(Generic[T]):
    """Goes through the answers of an operation. A class: generators left early make trio warn."""

    def __init__(
        self,
        after: Callable[[int, float], Awaitable[tuple[int, T]]],
        timeout: float,
    ) -> None:
        self._after = after
        self._timeout = timeout
        self._deadline: float | None = None
        self._seen = 0

    def __aiter__(self) -> _Snapshots[T]:
        return self

    async def __anext__(self) -> T:
        if self._deadline is None:
            self._deadline = anyio.current_time() + self._timeout
        self._seen, value = await self._after(self._seen, self._deadline)
        return value


class _Pending(Protocol):
    """A model that is answered before it is complete."""

    @property
    def response(self) -> ResponseInfo: ...


P = TypeVar("P", bound=_Pending)


def follow(
    kind: OperationKind,
    ids: tuple[str, ...],
    retrieve: Callable[[int], Awaitable[P]],
    first: P | None,
    *,
    registry: OperationRegistry,
    state: Callable[[P], State],
) -> Operation[P]:
    """Return the operation of something that is asked for by its ids.

    Args:
        kind: what operations like this one have in common.
        ids: what leads to it.
        retrieve: asks for it; told how often it was asked before.
        first: what is known of it.
        registry: the operations of the client; one that it holds already is returned.
        state: tells from an answer how far it is.
    """

    def progress(value: P) -> Progress[P]:
        how_far = state(value)
        return Progress(
            done=how_far in {"done", "failed"},
            value=value,
            correlation_id=value.response.correlation_id,
            failed=how_far == "failed",
        )

    async def ask(asked: int) -> Progress[P]:
        return progress(await retrieve(asked))

    def make() -> Operation[P]:
        return Operation(
            ask, progress(first) if first else None, kind=kind, ids=ids, registry=registry
        )

    return registry.hold(kind, ids, make)


async def poll(
    fetch: Callable[[], Awaitable[T]],
    *,
    until: Callable[[T], bool],
    interval: Interval = TASK.interval,
    timeout: float = TASK.timeout,  # noqa: ASYNC109 - a user's word
) -> T:
    """Call `fetch` until its answer is the wanted one, and return that.

        case = await poll(lambda: sikoia.cases.retrieve(case_id),
                          until=lambda case: case.stage == "Approved")

    Args:
        fetch: asks once; what it raises ends the polling, but for outages (`TransportError`,
            `RateLimitError`, `ServerError`).
        until: tells whether an answer is the wanted one.
        interval: how long to wait in between.
        timeout: seconds to go on at most.

    Raises:
        OperationTimeoutError: the time is up; its `last` is the last answer.
    """
    validate_type("interval", validate_required("interval", interval), Interval, "an Interval")

    async def ask(_: int) -> Progress[T]:
        answer = await fetch()
        return Progress(until(answer), answer)

    kind = OperationKind(name="poll", interval=interval)
    return await Operation(ask, None, kind=kind).wait(timeout=timeout)


def _is_outage(error: SikoiaError) -> bool:
    """Tell whether an error says nothing about what was asked for, and may pass."""
    if isinstance(error, TokenError):
        return error.status == _TOO_MANY or error.status >= _FIRST_SERVER_ERROR
    return isinstance(error, TransportError | RateLimitError | ServerError)


_TOO_MANY: Final = 429
_FIRST_SERVER_ERROR: Final = 500
_CLOSED: Final = (
    "the client was closed while an operation was waited for; it goes on at Sikoia: resume it with "
    "its token"
)


def _quoted(ids: list[str]) -> str:
    return f" (last correlation id {ids[-1]})" if ids else ""
