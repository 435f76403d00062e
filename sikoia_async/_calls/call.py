"""One call in progress: its attempts under one deadline, and their outcome.

`answer()` bounds the whole call by its deadline. Each `_attempt()` takes a request slot of the rate
limit, because a retry is a request too; an attempt without a response gets another one beside it.
`exchange()` then fetches the access token, takes a connection, sends the request and reads the
response. The connection is taken last, so that nothing waits inside httpx.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import cache, partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Literal, TypeVar, cast

import anyio
import attrs

from sikoia_async._calls.failures import (
    connection_failed,
    deadline_exceeded,
    error_response,
)
from sikoia_async._calls.headers import sendable
from sikoia_async._calls.operations import operation_name
from sikoia_async._calls.urls import is_on, target_of
from sikoia_async._errors import (
    CallError,
    ConfigurationError,
    UnexpectedResponseError,
    after_doubt,
    is_server_error,
)
from sikoia_async._files.threads import in_turn
from sikoia_async._hooks import correlation
from sikoia_async._logging import log_call_ended, log_retry
from sikoia_async._retry import policy
from sikoia_async._retry.attempts import Attempts
from sikoia_async._retry.hedge import hedged
from sikoia_async._transport.exchange import build_request, end_observed, exchange
from sikoia_async._transport.faults import fault_from
from sikoia_async._transport.real_time import end_in_real_time
from sikoia_async._transport.stopwatch import Stopwatch
from sikoia_async._transport.types import RateLimitPaused, RequestState, Response, TransportFault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractContextManager

    import httpx

    from sikoia_async._calls.context import ClientContext
    from sikoia_async._calls.hooks import Hooks
    from sikoia_async._calls.options import CallOptions
    from sikoia_async._calls.shared_spend import Reservation
    from sikoia_async._calls.usage import Pending
    from sikoia_async._errors import CallInfo, DeadlineExceededError, Reached
    from sikoia_async._transport.types import Freshness, Sink, StreamedContent
    from sikoia_async.observers._observers import Observers
    from sikoia_async.observers._pairs import ObservedCall

__all__ = ["Call", "load_readers", "retry_after"]

T = TypeVar("T")

Outcome = Literal["unsent", "in doubt", "settled"]
"""What is known about an attempt: Sikoia did not receive it, it may have been processed, or Sikoia
said whether it was."""


class Call:
    """One call in progress.

    Args:
        context: what all calls of the client share.
        options: what may differ from call to call.
        method: the HTTP method.
        path: the path template, for errors and logs.
        target: path and query.
        content: the body.
        retry_class: the effect of repeating the request.
        chargeable: whether the call may cost money.
        sink: receives the body of a 200.
        is_link: whether the target itself grants access to a file, and must not be shown.
        watch: the stopwatch of a call that has already begun.

    Raises:
        ConfigurationError: the call may not be made with these options.
    """

    def __init__(
        self,
        context: ClientContext,
        options: CallOptions,
        *,
        method: str,
        path: str,
        target: str,
        content: bytes | StreamedContent = b"",
        retry_class: policy.RetryClass,
        chargeable: bool = False,
        sink: Sink | None = None,
        is_link: bool = False,
        watch: Stopwatch | None = None,
    ) -> None:
        self.path = path
        self.target = target
        self.watch: Stopwatch = watch or Stopwatch(context.lifecycle.now, "rate_limit")
        self._context = context
        self._options = options
        self._method = method
        self.content = content
        self._sink = sink
        self._is_link = is_link
        self._has_effect = method != "GET" or chargeable
        self._chargeable = chargeable
        self._sent_id = options.correlation_id or correlation.current()
        self._key = None
        if context.keys is not None and retry_class == "unsafe":
            chunks = (content,) if isinstance(content, bytes) else content
            self._key = context.keys.choose(options.idempotency_key, f"{method} {target}", chunks)
        if chargeable and options.insists and self._key is None:
            raise ConfigurationError(_RETRIES_REFUSED)
        self._attempts = Attempts(
            self.watch,
            options.retries,
            retry_class=retry_class,
            keyed=self._key is not None,
            budget=context.budget,
            policy=context.retry_policy,
        )
        self._state: RequestState | None = None
        self._result: Response | TransportFault | None = None
        self._told: tuple[Response, ...] = ()
        """Responses that `on_response` is told about now, and that must not get lost."""
        self._earlier_in_doubt = False
        self._has_renewed_token = False
        # What must not be repeated does not use a connection that the server may be closing.
        self._freshness: Freshness = "open" if self._attempts.may_repeat else "recent"
        self._observed = None if context.observers is None else self._observe(context.observers)
        self.observed: AbstractContextManager[object] = self._observed or _UNOBSERVED
        """A context manager around the whole call, which tells observers about it."""
        self._hint: float | None = None
        """Seconds to wait before another attempt, as the last response asked for."""
        self._retry_after: float | None = None

    @property
    def received_id(self) -> str:
        """The correlation id of the response, or the one that was sent."""
        received = self._state.received_id if self._state else None
        return received or self._sent_id

    def _observe(self, observers: Observers) -> ObservedCall:
        operation = "download" if self._is_link else operation_name(self._method, self.path)
        return observers.call(
            (operation, self._method, self.path, self._context.origin),
            self._sent_id,
            self._context.lifecycle.now,
            lambda: (
                self._result.status if isinstance(self._result, Response) else None,
                self._attempts.count,
                self.received_id,
            ),
            chargeable=self._chargeable,
            polls=self._options.polls,
        )

    async def answer(self) -> Response:
        """Return a complete 2xx or 3xx response, in as many attempts as it takes.

        Raises what `Api.call` documents.
        """
        context, charge = self._context, None
        if self._chargeable:
            name = operation_name(self._method, self.path)
            charge = context.spend.begin(name, self._may_cost)
        counts, reserved = True, None
        try:
            reserved = await self._reserve()
            slot = await self._take_poll_slot()
            context.tally.calls += 1
            result = await self._attempt_in_time(slot)
            return self._finish(result or next(iter(self._told), None))
        except CallError as error:
            if self._earlier_in_doubt and self._has_effect and not error.may_have_been_processed:
                error = after_doubt(error, self._info())
            counts = error.may_have_been_processed
            raise error from None
        except BaseException as error:  # such as a cancellation
            counts = self._may_cost()
            if self._is_in_doubt or self._told:
                self._add_note(error)
            raise
        finally:
            if charge is not None:
                self._end_charge(charge, counts=counts)
            if reserved is not None and not counts:
                await reserved.give_back()

    def _end_charge(self, charge: Pending, *, counts: bool) -> None:
        self._context.spend.end(charge, counts=counts)
        if counts and self._observed is not None:
            is_certain = isinstance(self._result, Response) and not self._is_in_doubt
            self._observed.purchased(is_certain=is_certain)

    async def _reserve(self) -> Reservation | None:
        """Count a call that may cost money in all processes; None if there is nothing to count."""
        shared = self._context.spend.shared
        if shared is None or not self._chargeable:
            return None
        left = self._options.timeout - self.watch.seconds
        return await shared.reserve(operation_name(self._method, self.path), left)

    async def stream(self) -> None:
        """Write the body of the response to the sink, all of it under one deadline.

        Raises what `Api.call` documents.

        Raises:
            ConfigurationError: the sink cannot be used; nothing was sent.
            CallError: the sink failed, not the response.
        """
        with self.observed:
            await self._stream()

    async def _stream(self) -> None:
        sink = cast("Sink", self._sink)
        await self._before_deadline(sink.open())
        self.watch.enter("rate_limit")
        response = await self.answer()
        if response.broken is None:
            broken: str | None = _NO_FILE
            if response.status == HTTPStatus.OK:
                broken = await self._before_deadline(sink.end(), is_answered=True)
            response = attrs.evolve(response, broken=broken)
        if sink.failure is not None:
            raise CallError(
                sink.failure, call=self._info(), may_have_been_processed=self._has_effect
            )
        self._decoding(response, bytes)()

    async def _before_deadline(self, step: Awaitable[T], *, is_answered: bool = False) -> T:
        """Wait for a step on a file."""
        self.watch.enter("file")
        try:
            with anyio.move_on_after(self._options.timeout - self.watch.seconds):
                return await step
        except BaseException as error:  # such as a cancellation
            if is_answered:
                self._add_note(error)
            raise
        raise self._deadline_exceeded(is_answered=is_answered)

    def _add_note(self, error: BaseException) -> None:
        """Say on an error of others, such as a cancellation, that the call may have an effect."""
        if self._has_effect:
            error.add_note(
                f"{self._method} {self.path} was in progress and may have been processed "
                f"(correlation id {self.received_id})"
            )

    async def decode(self, response: Response, into: type[T]) -> T:
        """Decode the body of a response; a large one in a worker thread.

        The deadline does not apply to a call with an effect: its response must not get lost.

        Raises:
            UnexpectedResponseError: the response does not fit the type.
            DeadlineExceededError: it was not decoded in time.
        """
        if not self._has_effect and self.watch.seconds > self._options.timeout:
            raise self._deadline_exceeded(is_answered=True)
        run = self._decoding(response, into)
        if len(response.body) <= _LARGE or into is bytes:
            return run()
        self.watch.enter("decoding")
        left = None if self._has_effect else self._options.timeout - self.watch.seconds
        try:
            with anyio.move_on_after(left):
                return await in_turn(run)
        except CallError:
            raise
        except BaseException as error:  # such as a cancellation
            self._add_note(error)
            raise
        raise self._deadline_exceeded(is_answered=True)

    def _decoding(self, response: Response, into: type[T]) -> Callable[[], T]:
        """Return the function that decodes the body of a response, in any thread."""
        from sikoia_async._codec.decoder import decode  # noqa: PLC0415 - loaded with the first call

        return partial(
            decode,
            response,
            into,
            self._info(),
            self._context.drift,
            max_json=self._context.limits.max_json,
            may_have_been_processed=self._has_effect,
            keep_extra=self._options.keep_extra,
            keep_body=self._options.keep_body,
        )

    def location(self, response: Response) -> str | None:
        """Return the path and query of the response's Location, if it has one.

        Its scheme and host are ignored: requests go to our origin only.

        Raises:
            UnexpectedResponseError: it is not an http URL.
        """
        header = response.headers.get("location")
        if header is None:
            return None
        target = target_of(header, self._context.origin, base=self.target)
        if target is not None:
            if not is_on(self._context.origin, header):
                self._context.drift.count("Location", "on another host")
            return target
        msg = f"{response.status} with a Location that cannot be read"
        raise UnexpectedResponseError(
            msg,
            call=self._info(),
            status=response.status,
            body=response.body,
            may_have_been_processed=self._has_effect,
        )

    async def _take_poll_slot(self) -> str | None:
        """Wait for the first slot of a poll outside the deadline: its turn may be minutes away.

        Return its ticket, or None if no slot was taken. Nothing is awaited between this and the
        first attempt, which gives the slot back.
        """
        limiter, options = self._context.rate_limiter, self._options
        if limiter is None or options.polls is None:
            return None
        slot = await limiter.acquire(options.priority, options.polls, options.timeout)
        self.watch.restart()
        return slot

    async def _attempt_in_time(self, slot: str | None) -> Response | TransportFault | None:
        """Make as many attempts as it takes; None if the deadline ends them."""
        deadline = self.watch.started + self._options.timeout
        left = self._options.timeout - self.watch.seconds
        result = None
        if self._attempts.may_hedge and self._sink is None and not self._has_effect:
            result = await self._hedged_attempt(slot, deadline, left)
            if result is None or not result.is_error:
                return result
        with anyio.CancelScope(deadline=deadline) as scope, end_in_real_time(scope, left):
            if result is None:
                result = await self._send(slot)
            while result.is_error and await self._pause_before_another(result):
                self._earlier_in_doubt = self._is_in_doubt
                result = await self._send(None)
        return None if scope.cancelled_caught else result

    async def _hedged_attempt(
        self, slot: str | None, deadline: float, left: float
    ) -> Response | TransportFault | None:
        """Make the first attempt, and a second one beside it if the response takes long."""
        result = await hedged(
            lambda: self._send(slot),
            self._send_second,
            delay=left / 2,
            silent_since=self._silent_since,
            is_final=lambda result: (
                not self._attempts.has_second or self._attempts.ends_call(result)
            ),
            deadline=deadline,
            left=left,
        )
        if result is not None and self._attempts.has_second:
            self._attempts.record_second(self._sent_id)
        return result

    def _silent_since(self) -> float | None:
        """Return when the current attempt began to wait for its response; None before and after."""
        is_sent = self._state is not None and self._state.is_sent
        return self.watch.since if is_sent and self.watch.phase == "response" else None

    async def _send(self, slot: str | None) -> Response | TransportFault:
        """Take a rate-limit slot, send the request, and record the result."""
        context, limiter = self._context, self._context.rate_limiter
        self._told = ()
        announce = context.hooks is not None
        while True:
            if context.lifecycle.closed:  # since the last attempt
                context.lifecycle.check()
            request, state = self._new_request()
            if limiter is not None:
                state.is_paused = limiter.is_paused
                if slot is None:
                    self.watch.enter("rate_limit")
                    if limiter.is_paused():
                        self._check_time_for(limiter.paused)
                    slot = await limiter.acquire(self._options.priority)
                state.ticket, slot = slot, None
            context.tally.attempts += 1
            self._attempts.begin()
            self._state, self._result = state, None
            try:
                result = self._result = await self._exchange(request, state, announce=announce)
                self._hint = self._pause_after(result)
                break
            except RateLimitPaused:
                context.tally.attempts -= 1
                announce = False
        self._attempts.record(result, self.received_id)
        if not isinstance(self.content, bytes):
            state.release_body()
        if context.hooks is not None:
            await self._tell(context.hooks, result, state)
        return result

    async def _tell(
        self, hooks: Hooks, result: Response | TransportFault, state: RequestState
    ) -> None:
        """Call `on_response`. If the deadline or a cancellation ends it, the response is kept."""
        if isinstance(result, Response):
            state.stopwatch.enter("hooks")
            self._told += (result,)
            await hooks.response(self._info(state=state), result.status)
            self._told = tuple(one for one in self._told if one is not result)

    async def _send_second(self) -> Response | TransportFault | None:
        """Send the request again while it is in progress, and return a result that ends the call.

        Another result is only recorded: the first attempt may still get a better one.
        """
        context, limiter = self._context, self._context.rate_limiter
        slot = await limiter.acquire(self._options.priority) if limiter is not None else ""
        if context.lifecycle.closed or self._attempts.begin_second(self._sent_id) is None:
            if limiter is not None:
                limiter.settle(slot, sent=False)
            return None
        self._log_retry(0.0)
        context.tally.attempts += 1
        request, state = self._new_request(Stopwatch(context.lifecycle.now, "response"))
        state.is_second, state.ticket = True, slot
        result = await self._exchange(request, state, announce=context.hooks is not None)
        hint = self._pause_after(result)
        self._attempts.record_second(state.received_id or self._sent_id, result)
        if context.hooks is not None:
            await self._tell(context.hooks, result, state)
        if not self._attempts.ends_call(result):
            return None
        self._state, self._result, self._hint = state, result, hint
        return result

    async def _exchange(
        self, request: httpx.Request, state: RequestState, *, announce: bool = False
    ) -> Response | TransportFault:
        """Send a request, and report to the rate limiter whether it used its slot.

        Args:
            request: the request.
            state: its state.
            announce: whether to call `on_request` before.
        """
        context, result = self._context, None
        try:
            if announce and context.hooks is not None:
                await self._announce(context.hooks, state)
            result = self._load_readers(state) or await exchange(
                context.client, request, context.limits, self._sink
            )
            return result
        finally:
            if state.observed is not None:
                end_observed(state, result)
            if context.rate_limiter is not None:
                is_sent = _outcome(state, result) != "unsent"
                context.rate_limiter.settle(state.ticket, sent=is_sent)

    async def _announce(self, hooks: Hooks, state: RequestState) -> None:
        """Call `on_request`. What it raises ends the attempt, which was not made."""
        state.stopwatch.enter("hooks")
        try:
            await hooks.request(self._info("unsent"))
        except BaseException:
            self._context.tally.attempts -= 1
            raise

    def _load_readers(self, state: RequestState) -> TransportFault | None:
        """Load what reads the response, and return why that failed, if it did.

        Nothing may be left to load once a request with an effect is sent: a process without a free
        file descriptor cannot import, and would lose the response.
        """
        try:
            if self._has_effect:
                load_readers()
        except OSError as error:
            return fault_from(error, state, "sent")
        return None

    def _new_request(self, watch: Stopwatch | None = None) -> tuple[httpx.Request, RequestState]:
        context = self._context
        headers = context.headers
        if self._options.headers:
            headers = headers.copy()
            headers.update(self._options.headers)
        if self._key is not None and context.keys is not None:
            headers = headers.copy()
            headers[context.keys.header] = self._key
        state = RequestState(
            watch or self.watch,
            self._sent_id,
            self.content,
            self._attempts.may_repeat,
            self._freshness,
            path=self.path,
        )
        if self._observed is not None:
            limiter = context.rate_limiter
            state.observed = self._observed.attempt(
                self._attempts.count + 1,
                quota_left=None if limiter is None else lambda: limiter.left,
                validate=None if self._is_link else self._addable,
            )
        url = context.origin + self.target
        return build_request(self._method, url, headers, state, context.limits), state

    def _addable(self, headers: dict[str, str]) -> dict[str, str]:
        """Return those headers of observers that may be sent."""
        keys = self._context.keys
        return sendable(headers, None if keys is None else keys.header)

    def _check_time_for(self, paused: float) -> None:
        """Fail at once if a 429 pauses the client beyond the deadline."""
        if self.watch.seconds + paused >= self._options.timeout:
            raise self._deadline_exceeded(paused)

    async def _pause_before_another(self, result: Response | TransportFault) -> bool:
        """Return whether there is to be another attempt, after the pause before it."""
        self._retry_after = None
        if isinstance(result, TransportFault):
            if result.is_stray and self._attempts.may_repeat and self._freshness != "new":
                # Not a failure of the server: another connection shows what belongs to whom.
                self._freshness = "new"
                return True
        else:
            self._retry_after = retry_after(result)
            if self._can_replay_with_new_token(result):
                self._has_renewed_token = True
                return True
        return await self._attempts.pause_before_another(result, self._hint, self._log_retry)

    def _pause_after(self, result: Response | TransportFault) -> float | None:
        """Pause the client after a 429, and return the seconds that the server asked for."""
        if not isinstance(result, Response) or not result.is_error:
            return None
        hint, limiter = retry_after(result), self._context.rate_limiter
        if result.status == HTTPStatus.TOO_MANY_REQUESTS and limiter is not None:
            hint = limiter.pause(hint)
            if self._observed is not None:
                self._observed.rate_limited(hint)
        return hint

    def _can_replay_with_new_token(self, response: Response) -> bool:
        """Return whether a 401 refused a token that can be renewed; then nothing was processed."""
        is_refused = response.status == HTTPStatus.UNAUTHORIZED and not self._has_renewed_token
        return is_refused and self._state is not None and self._state.can_renew_token

    def _finish(self, result: Response | TransportFault | None) -> Response:
        """Return a successful response, or raise the error of the last attempt."""
        log_call_ended(self._info, result.status if isinstance(result, Response) else None)
        if isinstance(result, Response):
            if not self._is_link:
                self._context.deprecations.check(self._method, self.path, result.headers)
            if not result.is_error:
                self._attempts.succeed()
                return result
            if self._is_deleted(result):
                return attrs.evolve(result, status=HTTPStatus.NO_CONTENT.value, body=b"")
        # Not from a local variable: the error's traceback holds this frame, so the error, and with
        # it the body that was sent, would live until the garbage collector runs.
        raise self._error(result)

    def _is_deleted(self, response: Response) -> bool:
        """Return whether a 404 shows that an earlier attempt of this DELETE succeeded."""
        is_not_found = response.status == HTTPStatus.NOT_FOUND and self._method == "DELETE"
        if not (is_not_found and self._earlier_in_doubt):
            return False
        from sikoia_async._codec.problems import is_sikoia_error  # noqa: PLC0415 - loaded when needed

        return is_sikoia_error(response)  # not a gateway's 404

    def _error(self, result: Response | TransportFault | None) -> CallError:
        error = self._new_error(result)
        if self._attempts.gave_up:
            error.add_note(f"not retried: {self._attempts.gave_up}")
        return error

    def _new_error(self, result: Response | TransportFault | None) -> CallError:
        may_have_been_processed = self._has_effect and self._is_in_doubt
        if result is None:
            return self._deadline_exceeded()
        if isinstance(result, TransportFault):
            return connection_failed(
                result, self._info(), may_have_been_processed=may_have_been_processed
            )
        return error_response(
            result,
            self._info(),
            retry_after=self._retry_after,
            is_link=self._is_link,
            may_have_been_processed=may_have_been_processed,
            is_repeated=self._key is not None and self._earlier_in_doubt,
        )

    def _deadline_exceeded(
        self, paused: float = 0.0, *, is_answered: bool = False
    ) -> DeadlineExceededError:
        reached: Reached = "whole" if is_answered else "unsent"
        if self._result is None and self._outcome != "unsent":
            reached = "partial" if self.watch.phase == "body" else "sent"
        return deadline_exceeded(
            self._options.timeout,
            self.watch.spent(),
            self._info(reached),
            may_have_been_processed=self._has_effect and (is_answered or self._is_in_doubt),
            paused=paused,
        )

    @property
    def _outcome(self) -> Outcome:
        """What is known about the last attempt."""
        return _outcome(self._state, self._result)

    @property
    def _is_in_doubt(self) -> bool:
        """Whether Sikoia may have processed an attempt, and has not said so."""
        return self._earlier_in_doubt or self._outcome == "in doubt"

    def _may_cost(self) -> bool:
        """Return whether Sikoia has processed the call, as far as is known, or may have."""
        result = self._result
        return self._is_in_doubt or (isinstance(result, Response) and not result.is_error)

    def _log_retry(self, wait: float) -> None:
        log_retry(self._info, wait)

    def _info(self, reached: Reached = "whole", state: RequestState | None = None) -> CallInfo:
        """Return the record of the call, with the response of the last request or of another."""
        state = state or self._state
        received_id = state.received_id if state else None
        target = "" if self._is_link else self.target.partition("?")[0]
        return self._attempts.info(
            self._method,
            self.path,
            self._context.origin + target,
            self._sent_id,
            received_id or self._sent_id,
            reached=reached,
            idempotency_key=self._key,
            state=None if self._is_link else state,  # a Location might repeat the link
        )


@cache
def load_readers() -> None:
    """Import everything that reads responses, and creates errors and operations."""
    from sikoia_async._codec import comparison, decoder, problems, reader  # noqa: PLC0415 - loaded with the first call
    from sikoia_async.operations import polling  # noqa: PLC0415 - as above

    del comparison, decoder, polling, problems, reader


def _outcome(state: RequestState | None, result: Response | TransportFault | None) -> Outcome:
    """Return what is known about an attempt.

    Args:
        state: its request; None before the first attempt.
        result: how it ended; None if it is in progress.
    """
    if result is None:
        return "in doubt" if state is not None and state.is_sent else "unsent"
    if isinstance(result, TransportFault):
        return "unsent" if result.reached == "unsent" else "in doubt"
    return "in doubt" if is_server_error(result.status) else "settled"


def retry_after(response: Response) -> float | None:
    """Return the seconds of a response's Retry-After, if it has a valid one."""
    value = response.headers.get("retry-after")
    return None if value is None else policy.retry_after(value, response.headers.get("date"))


_RETRIES_REFUSED: Final = (
    "retries: not allowed for calls that may cost money, unless they carry an idempotency key; use "
    "a client or view without retries=..., or with retries=0"
)
_UNOBSERVED: Final = nullcontext()
_LARGE: Final = 256 * 1024
"""Bytes of a body that are decoded in the event loop at most. They take 2 to 50 ms."""
_NO_FILE: Final = "the response is not a file"
