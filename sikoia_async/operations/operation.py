"""Operations: long-running work at Sikoia that callers can wait for.

An operation runs no task of its own. Each waiter sleeps until the next poll is due, and the first
to wake polls for all of them. So an operation that nobody waits for is not polled.
"""

from __future__ import annotations

import random
from contextlib import nullcontext
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Generic, NoReturn, TypeVar, cast

import anyio
import attrs
from anyio.lowlevel import checkpoint

from sikoia_async._errors import (
    APIError,
    ClientStateError,
    ConfigurationError,
    OperationPendingError,
    RateLimitError,
    ResourceDeletedError,
    ResourceNotFoundError,
    ServerError,
    SikoiaError,
    TokenError,
    TransportError,
)
from sikoia_async._single_flight import SingleFlight
from sikoia_async._transport.real_time import end_in_real_time
from sikoia_async._transport.stopwatch import Stopwatch, poll_watch
from sikoia_async._transport.tracebacks import without_frames
from sikoia_async._validation import NotCopyable, counted, no_attribute, validate_wait
from sikoia_async.operations.kinds import TASK
from sikoia_async.operations.schedule import Schedule
from sikoia_async.operations.statuses import is_among, shown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping

    from sikoia_async.observers._pairs import ObservedOperation
    from sikoia_async.operations.kinds import OperationKind
    from sikoia_async.operations.registry import OperationRegistry

__all__ = [
    "Operation",
    "OperationError",
    "OperationFailedError",
    "OperationTimeoutError",
    "RequestedOperation",
    "TooManyResultsError",
]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_MAX_WAKES: Final = 8
"""Events that wake one operation. Sikoia sends one or two."""


@attrs.frozen
class Progress(Generic[T_co]):
    """The outcome of one poll."""

    done: bool
    value: T_co | None = None
    """The result if done; otherwise what is known so far."""
    retry_after: float | None = None
    """Seconds that the server asked to wait before the next poll."""
    correlation_id: str = ""
    failed: bool = False
    """Whether the operation is done without a result, for a technical reason."""
    is_ready: bool = False
    """Whether the result is ready, but not part of this response."""


class OperationError(SikoiaError):
    """An operation gave no result."""

    def __init__(
        self,
        message: str,
        *,
        kind: str = "",
        ids: tuple[str, ...] = (),
        correlation_ids: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self._kind = kind
        self._ids = ids
        self._correlation_ids = correlation_ids

    @property
    def kind(self) -> str:
        """What kind of operation it is, such as `income`."""
        return self._kind

    @property
    def ids(self) -> tuple[str, ...]:
        """What identifies it at Sikoia, such as its request id. The message does not repeat it."""
        return self._ids

    @property
    def correlation_id(self) -> str:
        """The id of the last response, to quote to Sikoia's support; empty if there was none."""
        return self._correlation_ids[-1] if self._correlation_ids else ""

    @property
    def correlation_ids(self) -> tuple[str, ...]:
        """The correlation ids of all responses, in order."""
        return self._correlation_ids


class OperationFailedError(OperationError):
    """Sikoia could not complete the operation for a technical reason; a new request may succeed."""

    def __init__(
        self,
        message: str,
        *,
        result: Any,
        correlation_ids: tuple[str, ...],
        kind: str = "",
        ids: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, kind=kind, ids=ids, correlation_ids=correlation_ids)
        self._result = result

    @property
    def result(self) -> Any:
        """Sikoia's last response: a model whose `status` is `Failed`."""
        return self._result


class OperationTimeoutError(OperationError):
    """There was no result in time. Wait for `operation` again to continue.

    That is not a failure: according to the last response, Sikoia is still working on it. It is not
    a built-in `TimeoutError` either: that is an `OSError`, which handlers of file and socket errors
    would catch.
    """

    _unpicklable = ("_operation",)

    def __init__(
        self,
        message: str,
        *,
        last: Any,
        operation: Operation[Any] | None,
        token: str | None,
        correlation_ids: tuple[str, ...],
        kind: str = "",
        ids: tuple[str, ...] = (),
        polls: int = 0,
        spent: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(message, kind=kind, ids=ids, correlation_ids=correlation_ids)
        self._polls = polls
        self._spent = dict(spent or {})
        self._last = last
        self._operation = operation
        self._token = token

    @property
    def polls(self) -> int:
        """How often it was polled during this wait, failed polls included."""
        return self._polls

    @property
    def spent(self) -> dict[str, float]:
        """Seconds of this wait in each phase.

        The phases are waiting for the rate limit (`rate_limit`), the rest of the polls (`polling`),
        and the time between them (`pauses`).
        """
        return self._spent

    @property
    def last(self) -> Any:
        """The value of the last poll; None if there was none."""
        return self._last

    @property
    def operation(self) -> Operation[Any] | None:
        """The operation, to wait for again; None after pickling, since it belongs to its client."""
        return self._operation

    @property
    def token(self) -> str | None:
        """For `sikoia.operation(token)`, to continue in another process; None if it has none."""
        return self._token


class TooManyResultsError(OperationError):
    """Several companies match, and none was chosen.

    The request is done and may have cost credits, so continue with it instead of repeating it:

        company = error.picklist[0]
        operation = await sikoia.company_registry.resolve_picklist(error.request_id, company)
    """

    _unpicklable = ("_operation",)

    def __init__(
        self,
        message: str,
        *,
        picklist: tuple[Any, ...],
        operation: Operation[Any] | None,
        kind: str,
        ids: tuple[str, ...],
        correlation_ids: tuple[str, ...],
    ) -> None:
        super().__init__(message, kind=kind, ids=ids, correlation_ids=correlation_ids)
        self._picklist = picklist
        self._operation = operation

    @property
    def picklist(self) -> tuple[Any, ...]:
        """The companies that match."""
        return self._picklist

    @property
    def request_id(self) -> str:
        """The request whose picklist it is, for `resolve_picklist`."""
        return self.ids[0]

    @property
    def operation(self) -> Operation[Any] | None:
        """The operation of the request; None after pickling, since it belongs to its client."""
        return self._operation


_NOT_COPYABLE: Final = (
    "an operation cannot be pickled or copied, because it belongs to its client: pass "
    "operation.token, and call sikoia.operation(token)"
)


@attrs.frozen
class _Wait:
    """One caller's wait for an operation, and what had happened before it."""

    deadline: float
    seconds: float
    polls: int
    spent: Mapping[str, float]


class Operation(NotCopyable, Generic[T_co]):
    """Long-running work at Sikoia, and its result once that is done.

        operation = await sikoia.income.request(case)
        report = await operation                       # for as long as `operation.timeout` says
        report = await operation.wait(900)             # for up to 900 s

    Any number of tasks can await one operation: one of them polls, and all get the result.
    Cancelling an await stops only that await; the operation continues at Sikoia, and can be awaited
    again. If Sikoia is down or unreachable, polling continues until the timeout.
    """

    _not_copyable = _NOT_COPYABLE
    __slots__ = (
        "__weakref__",
        "_correlation_ids",
        "_fetch",
        "_first",
        "_flight",
        "_is_closed",
        "_jitter",
        "_kind",
        "_last_error",
        "_news",
        "_observed",
        "_poll_scope",
        "_polls",
        "_progress",
        "_registry",
        "_responses",
        "_schedule",
        "_watch",
        "_woken_by",
        "ids",
    )

    def __init__(self) -> None:
        msg = (
            "operations are not created: methods such as sikoia.income.request, and "
            "sikoia.operation(token), return them"
        )
        raise ConfigurationError(msg)

    def _begin(
        self,
        fetch: Callable[[int], Awaitable[Progress[T_co]]],
        first: Progress[T_co] | None,
        *,
        kind: OperationKind,
        ids: tuple[str, ...],
        registry: OperationRegistry | None,
        jitter: Callable[[], float],
    ) -> None:
        self.ids: tuple[str, ...] = ids
        self._fetch = fetch
        self._kind = kind
        self._registry = registry
        self._jitter = jitter
        self._flight = SingleFlight[None]()
        self._poll_scope: anyio.CancelScope | None = None
        self._is_closed = False
        self._woken_by = set[str]()
        self._polls = 0
        self._watch = Stopwatch(anyio.current_time, "pauses")
        self._responses = 0
        self._correlation_ids: list[str] = []
        self._last_error: Exception | None = None
        self._first: T_co | None = first.value if first else None
        self._progress = Progress[T_co](done=False)
        self._news = anyio.Event()
        """Set, and replaced, whenever waiters have a reason to look at the operation again."""
        self._schedule = Schedule.begin(kind, anyio.current_time(), is_new=first is not None)
        self._observed: ObservedOperation | None = None
        if registry is not None and registry.observers is not None:
            self._observed = registry.observers.operation(
                self, kind.name, first.correlation_id if first else None, anyio.current_time
            )
        if first is not None:
            self._record(first)

    @property
    def done(self) -> bool:
        """Whether the result has arrived."""
        return self._progress.done

    @property
    def status(self) -> str | None:
        """The `status` of the last response, such as `Pending`; None if it has none."""
        status: str | None = getattr(self.last, "status", None)
        return status

    @property
    def kind(self) -> str:
        """What kind of operation it is, such as `income`, for example after resuming a token."""
        return self._kind.name

    @property
    def first(self) -> T_co | None:
        """The response to the request; None if this process did not request the operation.

        So it is None after `sikoia.operation(token)`, after methods such as
        `sikoia.income.operation`, and for a 202 response, which has no body. The operation that a
        `request` method returns always has it, which its type says: see `RequestedOperation`.
        """
        return self._first

    @property
    def last(self) -> T_co | None:
        """The value of the last response: the result if done; None if it has none."""
        return self._progress.value

    @property
    def correlation_ids(self) -> tuple[str, ...]:
        """The correlation ids of all responses, including the first."""
        return tuple(self._correlation_ids)

    @property
    def timeout(self) -> float:
        """Seconds that `await operation` waits."""
        return self._kind.timeout

    @property
    def token(self) -> str:
        """A short string for `sikoia.operation(token)`, which resumes it in another process.

        It contains ids, but no secret. Clients of another environment or with other credentials
        refuse it.

        Raises:
            ConfigurationError: the operation was started by `sikoia.start`, and has no id.
        """
        if self._registry is None or not self.ids:
            msg = "token: this operation has no id, so only this process can wait for it"
            raise ConfigurationError(msg)
        return self._registry.signer.token(self._kind.name, self.ids)

    def result(self, *, raise_on_failure: bool = True) -> T_co:
        """Return the result of an operation that is done.

        Args:
            raise_on_failure: whether a technical failure raises, or is returned like a result.

        Raises:
            OperationPendingError: the operation is not done; `await` it.
            OperationFailedError: Sikoia could not complete it. The error holds the response.
        """
        if not self.done:
            msg = "the operation is not done yet: await it, or call wait(timeout=...)"
            raise OperationPendingError(msg)
        if self._progress.failed and raise_on_failure:
            raise self._failed()
        return cast("T_co", self._progress.value)

    @without_frames
    async def wait(
        self,
        timeout: float | None = None,  # noqa: ASYNC109 - the name that users expect
        *,
        raise_on_failure: bool = True,
    ) -> T_co:
        """Wait for the result.

            report = await operation.wait(30)

        Args:
            timeout: seconds to wait at most; defaults to the operation's own `timeout`. With 0, it
                is polled once unless it is done.
            raise_on_failure: whether a technical failure raises, or is returned like a result.

        Raises:
            ArgumentError: `timeout` is negative, or not a number of seconds.
            OperationTimeoutError: there was no result in time. Wait again to continue.
            OperationFailedError: Sikoia could not complete it. The error holds the response.
            ClientStateError: the client was closed meanwhile, or belongs to another event loop.
            SikoiaError: a poll raised a permanent error. During outages, polling continues.
        """
        seconds = self.timeout if timeout is None else validate_wait("timeout", timeout)
        this_wait = self._begin_wait(seconds)
        if seconds:
            await self._wait_until(lambda: self.done, this_wait)
        elif not self.done:
            await self._look_once(this_wait)
        return self.result(raise_on_failure=raise_on_failure)

    @without_frames
    async def refresh(self) -> T_co | None:
        """Poll now, regardless of the interval, and return what is known.

            report = await operation.refresh()

        This is a poll like any other: when requests queue for the rate limit, other calls go first.

        Raises:
            SikoiaError: whatever the call raises.
        """
        if not self.done:
            self._check_usable()
            await self._flight.run(self._poll)
        return self.last

    def __await__(self) -> Generator[Any, Any, T_co]:
        return self.wait().__await__()

    def __aiter__(self) -> AsyncIterator[T_co]:
        """Iterate over the responses, starting with the last known one and ending with the result.

        A slow reader misses responses in between. A technical failure is the last response, and
        raises nothing.

        Raises, while it is read:
            OperationTimeoutError: there is no result after `timeout` seconds.
            SikoiaError: whatever `wait` raises.
        """
        return _Responses(self._next_response, lambda: self._begin_wait(self.timeout))

    def __repr__(self) -> str:
        state = "done" if self.done else "running"
        return f"<Operation {self._kind.name}: {state}, {counted(self._responses, 'response')}>"

    if not TYPE_CHECKING:  # which would believe that every attribute exists

        def __getattr__(self, name: str) -> NoReturn:
            if name.startswith("_") or not hasattr(self.last, name):
                raise no_attribute(self, name)
            msg = (
                f"{type(self).__name__!r} object has no attribute {name!r}, but its result has: "
                "await the operation for it, or see operation.last for the last response"
            )
            raise AttributeError(msg, name=name)

    def wake(self, event: str) -> bool:
        """Let waiters poll at once, because an event named the operation.

        Each event does so once, and only the first few events do: an attacker who has recorded
        deliveries could keep replaying them, and each poll uses the rate limit.

        Args:
            event: the key of the event.

        Returns:
            Whether the event is new to the operation.
        """
        if event in self._woken_by or len(self._woken_by) == _MAX_WAKES:
            return False
        self._woken_by.add(event)
        if not self.done:
            self._schedule = self._schedule.event_arrived(anyio.current_time())
            self._notify()
        return True

    def poll_soon(self) -> None:
        """Let waiters poll soon: the expected event may never arrive."""
        if not self.done:
            now = anyio.current_time()
            self._schedule = self._schedule.events_lost(now, jitter=self._jitter())
            self._notify()

    def close(self) -> None:
        """End all waits with an error: the client is closed."""
        self._is_closed = True
        if self._observed is not None:
            self._observed.end("released")
        if self._poll_scope is not None:
            self._poll_scope.cancel()
        self._notify()

    def _check_usable(self) -> None:
        if self._is_closed:
            raise ClientStateError(_CLOSED)
        if self._registry:
            self._registry.check()

    def _expects_event(self) -> bool:
        return self._registry is not None and self._registry.expects_event(self._kind)

    def _begin_wait(self, seconds: float) -> _Wait:
        return _Wait(anyio.current_time() + seconds, seconds, self._polls, self._watch.spent())

    async def _wait_until(self, is_over: Callable[[], bool], this_wait: _Wait) -> None:
        with anyio.CancelScope() as scope, end_in_real_time(scope, this_wait.seconds):
            while not is_over():
                await self._advance(this_wait)
        if scope.cancelled_caught:
            raise self._timed_out(this_wait) from self._last_error

    async def _look_once(self, this_wait: _Wait) -> None:
        self._check_usable()
        await self._poll_for_waiters()
        if not self.done:
            raise self._timed_out(this_wait) from self._last_error

    async def _advance(self, this_wait: _Wait) -> None:
        """Wait until there is news, or until a poll is due and made.

        Raises:
            OperationTimeoutError: no news can arrive before the deadline.
        """
        self._check_usable()
        event_expected = self._expects_event()  # may find events lost, and change the schedule
        news, deadline = self._news, this_wait.deadline
        step = self._schedule.next_step(
            anyio.current_time(),
            deadline=deadline,
            timeout=this_wait.seconds,
            event_expected=event_expected,
        )
        if step != "give up":
            until = deadline if step == "wait" else min(step, deadline)
            pause = until - anyio.current_time()
            with anyio.CancelScope(deadline=until) as scope, end_in_real_time(scope, pause):
                await news.wait()
            if news.is_set():
                return
        if step == "give up" or anyio.current_time() >= deadline:
            await checkpoint()  # a caller that waits in a loop must not block the event loop
            raise self._timed_out(this_wait) from self._last_error
        with anyio.CancelScope(deadline=deadline):
            await self._poll_for_waiters()

    async def _next_response(self, seen: int, this_wait: _Wait) -> tuple[int, T_co]:
        """Return a response that was not seen yet, and its number."""
        await self._wait_until(
            lambda: self.done or (self._responses != seen and self.last is not None), this_wait
        )
        if self._responses == seen:
            raise StopAsyncIteration
        return self._responses, cast("T_co", self.last)

    async def _poll_for_waiters(self) -> None:
        """Poll once. An error that may pass does not end the wait."""
        was_ready = self._progress.is_ready
        try:
            await self._flight.run(self._poll)
        except SikoiaError as error:
            if not (_may_pass(error) or self._may_be_invisible(error)):
                raise
            self._last_error = error.with_traceback(None)
        was_seen_running = self._responses > 1 and not was_ready
        is_silent = self.done and was_seen_running and not self._schedule.is_announced
        if is_silent and self._registry and self.ids:
            self._registry.ended_without_event(self._kind, self.ids)

    def _may_be_invisible(self, error: SikoiaError) -> bool:
        """Return whether a 404 may only mean that the new request is not visible yet."""
        is_missing = isinstance(error, ResourceNotFoundError)
        is_deleted = isinstance(error, ResourceDeletedError)
        now = anyio.current_time()
        return is_missing and not is_deleted and self._schedule.may_be_invisible(now)

    async def _poll(self) -> None:
        polls = self._schedule.polls
        self._schedule = self._schedule.poll_started()
        progress: Progress[T_co] | None = None
        scope = self._poll_scope = anyio.CancelScope()
        self._watch.enter("polling")
        reset = poll_watch.set(self._watch)
        try:
            with scope, self._observed.poll(polls) if self._observed else _UNOBSERVED:
                progress = await self._fetch(polls)
        except Exception as error:
            retry_after = error.retry_after if isinstance(error, APIError) else None
            self._plan(retry_after, has_failed=True)
            raise
        finally:
            poll_watch.reset(reset)
            self._polls += self._watch.phase != "rate_limit"  # where it was cancelled: not sent
            self._watch.enter("pauses")
            self._poll_scope = None
        if progress is None:  # `close` cancelled the poll
            raise ClientStateError(_CLOSED)
        self._record(progress)

    def _record(self, progress: Progress[T_co]) -> None:
        self._progress = progress
        self._last_error = None
        self._responses += 1
        self._correlation_ids += [progress.correlation_id] if progress.correlation_id else []
        if progress.done and self._observed is not None:
            self._observed.end("failed" if progress.failed else "done")
        if not progress.is_ready:  # otherwise the next poll is due at once
            self._plan(progress.retry_after)

    def _plan(self, retry_after: float | None, *, has_failed: bool = False) -> None:
        event_expected = self._expects_event()  # may find events lost, and change the schedule
        self._schedule = self._schedule.poll_ended(
            anyio.current_time(),
            jitter=self._jitter(),
            event_expected=event_expected,
            retry_after=retry_after,
            has_failed=has_failed,
        )
        self._notify()

    def _notify(self) -> None:
        self._news.set()
        self._news = anyio.Event()

    def _failed(self) -> OperationFailedError:
        # Sikoia's message may name people, and errors are logged.
        has_message = bool(getattr(self.last, "message", None))
        reason = "see error.result.message" if has_message else "Sikoia gave no reason"
        status = "" if is_among(self.status, self._kind.failed) else _named(self.status)
        return OperationFailedError(
            f"Sikoia could not complete the operation{self._last_id()}{status}: {reason}",
            result=self.last,
            correlation_ids=self.correlation_ids,
            kind=self.kind,
            ids=self.ids,
        )

    def _timed_out(self, this_wait: _Wait) -> OperationTimeoutError:
        timeout, polls = this_wait.seconds, self._polls - this_wait.polls
        spent = {
            phase: round(seconds - this_wait.spent.get(phase, 0.0), 3)
            for phase, seconds in self._watch.spent().items()
        }
        phases = [f"{phase} {seconds:.3g} s" for phase, seconds in spent.items() if seconds]
        pause = self._schedule.next_poll - anyio.current_time()
        if self._schedule.is_set_by_server and pause > timeout:
            state = f"not done, and Sikoia asks to wait {pause:,.0f} s: timeout was {timeout:g} s"
        else:
            state = f"not done after {timeout:g} s"
        trouble = "; the last poll failed" if self._last_error else ""
        return OperationTimeoutError(
            f"{self.kind}: {state}, polled {counted(polls, 'time')}; time spent: "
            f"{', '.join(phases) or 'none'}"
            f"{self._last_id()}{self._last_status()}{trouble}; wait again to continue",
            last=self.last,
            operation=self,
            token=self.token if self._registry and self.ids else None,
            correlation_ids=self.correlation_ids,
            kind=self.kind,
            ids=self.ids,
            polls=polls,
            spent=spent,
        )

    def _last_status(self) -> str:
        status, kind = self.status, self._kind
        is_known = is_among(status, kind.done | kind.failed | kind.running)
        if status is None or is_known or not self.ids:
            return ""
        return f"; this SDK does not know the last status{_named(status)}"

    def _last_id(self) -> str:
        ids = self._correlation_ids
        return f" (last correlation id {ids[-1]})" if ids else ""


class RequestedOperation(Operation[T_co]):
    """An operation that this process requested, so it has the `first` response.

        operation = await sikoia.company_registry.request(company)
        print(operation.first.status, operation.first.picklist)

    The `request` methods of resources return it.
    """

    __slots__ = ()

    @property
    def first(self) -> T_co:
        """The response to the request, such as the link for a person or a picklist.

        It has the type of the result, but usually no `data` yet.
        """
        return cast("T_co", self._first)


def new_operation(
    fetch: Callable[[int], Awaitable[Progress[T]]],
    first: Progress[T] | None,
    *,
    kind: OperationKind = TASK,
    ids: tuple[str, ...] = (),
    registry: OperationRegistry | None = None,
    jitter: Callable[[], float] = random.random,
) -> Operation[T]:
    """Return a new operation.

    Args:
        fetch: polls once. Its argument is the number of polls so far.
        first: the response to the request; None if the operation is resumed.
        kind: the kind of operation.
        ids: identify the operation at Sikoia; empty if nothing but its URL does.
        registry: the operations of its client; None if no client owns it.
        jitter: returns random numbers from 0 to 1.
    """
    was_requested = first is not None and first.value is not None
    cls = cast("type[Operation[T]]", RequestedOperation if was_requested else Operation)
    operation = object.__new__(cls)
    # Not the constructor, because users cannot create operations.
    operation._begin(  # pyright: ignore[reportPrivateUsage] - as above
        fetch, first, kind=kind, ids=ids, registry=registry, jitter=jitter
    )
    return operation


def with_first(operation: Operation[T], first: T) -> RequestedOperation[T]:
    """Return an operation after noting the response to its request, which it may not have yet.

    A caller may have opened the operation by its id before the response arrived.
    """
    # Part of what creates an operation.
    operation._first = first  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - as above
    return cast("RequestedOperation[T]", operation)


class _Responses(NotCopyable, Generic[T]):
    """Iterates over an operation's responses.

    A class, because trio warns about async generators that are not exhausted.
    """

    _not_copyable = _NOT_COPYABLE

    def __init__(
        self,
        next_response: Callable[[int, _Wait], Awaitable[tuple[int, T]]],
        begin_wait: Callable[[], _Wait],
    ) -> None:
        self._next_response = next_response
        self._begin_wait = begin_wait
        self._wait: _Wait | None = None
        self._seen = 0

    def __aiter__(self) -> _Responses[T]:
        return self

    @without_frames
    async def __anext__(self) -> T:
        if self._wait is None:
            self._wait = self._begin_wait()
        self._seen, value = await self._next_response(self._seen, self._wait)
        return value


def _named(status: str | None) -> str:
    """Return a status as the end of a phrase, or nothing if it may be personal data."""
    name = shown(status)
    return f", {name}" if name else ""


def _may_pass(error: SikoiaError) -> bool:
    """Return whether an error only says that Sikoia cannot respond at the moment."""
    if isinstance(error, TokenError):
        is_server_error = error.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        return is_server_error or error.status == HTTPStatus.TOO_MANY_REQUESTS
    return isinstance(error, TransportError | RateLimitError | ServerError)


_UNOBSERVED: Final = nullcontext()
_CLOSED: Final = (
    "the client was closed while waiting for an operation, which does not end it at Sikoia: resume "
    "it with its token"
)
