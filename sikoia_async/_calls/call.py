"""One call under way: its attempts under one deadline, and what came of them.

The order of an attempt: quota, token, permit, send, read, verdict. Each takes a slot of the quota,
for a retry is a request too; the permit is innermost, so that nothing waits inside httpx.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Final, TypeVar, cast

import anyio
import attrs

from sikoia_async import _logging
from sikoia_async._calls.urls import target_on
from sikoia_async._errors import (
    CallError,
    CallInfo,
    ConfigurationError,
    ConflictError,
    ConnectionFailedError,
    DeadlineExceededError,
    UnexpectedResponseError,
)
from sikoia_async._hooks import correlation
from sikoia_async._retry import policy
from sikoia_async._retry.attempts import Attempts
from sikoia_async._transport.exchange import (
    HeldBack,
    Limits,
    Response,
    TransportFault,
    build,
    exchange,
    release_body,
    was_sent,
)
from sikoia_async._transport.stopwatch import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from sikoia_async._calls.idempotency import Keys
    from sikoia_async._calls.lifecycle import Lifecycle
    from sikoia_async._calls.stats import Tally
    from sikoia_async._calls.usage import Spend
    from sikoia_async._codec.drift import Drift
    from sikoia_async._errors import Reached
    from sikoia_async._rate_limit.limiter import Priority, RateLimiter
    from sikoia_async._retry.budget import RetryBudget
    from sikoia_async._transport.exchange import Pieces, Sink
    from sikoia_async.operations.interval import Interval
    from sikoia_async.operations.registry import OperationRegistry

__all__ = ["Call", "CallOptions", "ClientContext", "asked_to_wait"]

T = TypeVar("T")

_OK: Final = 200
_NO_CONTENT: Final = 204
_UNAUTHORIZED: Final = 401
_NOT_FOUND: Final = 404
_TOO_MANY: Final = 429
_FIRST_ERROR: Final = 400
_FIRST_SERVER_ERROR: Final = 500


@attrs.frozen(kw_only=True)
class ClientContext:
    """What all calls of a client share."""

    client: httpx.AsyncClient
    origin: str
    headers: Mapping[str, str]
    limits: Limits
    rate_limiter: RateLimiter | None
    drift: Drift
    lifecycle: Lifecycle
    budget: RetryBudget
    spend: Spend
    tally: Tally
    registry: OperationRegistry
    keys: Keys | None = None
    """What idempotency keys are sent with; None where none are."""


@attrs.frozen(kw_only=True)
class CallOptions:
    """What may differ from call to call; `Sikoia.with_options` documents each."""

    timeout: float
    retries: int
    correlation_id: str | None = None
    idempotency_key: str | None = None
    priority: Priority = "interactive"
    interval: Interval | None = None
    asked: int | None = None
    """How often an operation was asked before this poll of it; None for what is no poll."""
    insists: bool = False
    """Whether retries were asked for by the view that makes the call."""


class Call:
    """One call under way."""

    def __init__(
        self,
        context: ClientContext,
        options: CallOptions,
        *,
        method: str,
        path: str,
        target: str,
        content: bytes | Pieces = b"",
        kind: policy.Kind,
        chargeable: bool = False,
        sink: Sink | None = None,
        hidden: bool = False,
    ) -> None:
        """Take what is to be sent.

        Args:
            context: what all calls of the client share.
            options: what may differ from call to call.
            method: `GET`, say.
            path: what errors and logs show in place of the target.
            target: path and query, filled in.
            content: the body.
            kind: what sending it twice does.
            chargeable: whether it may cost money.
            sink: where the body of a 200 goes.
            hidden: whether the target gives access to something, and so is never shown.
        """
        self.path = path
        self.target = target
        self.watch = Stopwatch(context.lifecycle.now, "quota")
        self._context = context
        self._options = options
        self._method = method
        self._content = content
        self._sink = sink
        self._hidden = hidden
        self._acts = method != "GET" or chargeable
        self._chargeable = chargeable
        self._sent_id = options.correlation_id or correlation.current()
        self._key = self._idempotency_key(kind)
        if chargeable and options.insists and self._key is None:
            raise ConfigurationError(_INSISTS)
        self._attempts = Attempts(
            self.watch,
            options.retries,
            kind=kind,
            keyed=self._key is not None,
            budget=context.budget,
        )
        self._request: httpx.Request | None = None
        self._asked: float | None = None
        self._hint: float | None = None
        self._under_way = False
        self._has_slot = False
        self._ambiguous = False
        self._was_ambiguous = False

    @property
    def received_id(self) -> str:
        """The correlation id that came back, or the one sent."""
        extensions = self._request.extensions if self._request else {}
        return cast("str", extensions.get("received_id", self._sent_id))

    async def answer(self) -> Response:
        """Return a whole answer of 2xx or 3xx, however many attempts it takes.

        Raises what `Transport.call` says.
        """
        if self._chargeable:
            return await self._charged()
        return await self._answer()

    async def _charged(self) -> Response:
        """Count the call as one that may cost money, unless it turns out that it did not."""
        spend, operation = self._context.spend, f"{self._method} {self.path}"
        spend.reserve(operation)
        may_have_cost = True
        try:
            answer = await self._answer()
        except CallError as error:
            may_have_cost = error.may_have_been_processed
            raise
        except BaseException:  # cancelled, say
            may_have_cost = self._in_doubt
            raise
        finally:
            if not may_have_cost:
                spend.give_back(operation)
        return answer

    async def _answer(self) -> Response:
        if self._options.asked is not None and self._context.rate_limiter is not None:
            await self._wait_for_turn(self._context.rate_limiter, self._options.asked)
        return await self._answer_in_time()

    async def _wait_for_turn(self, rate_limiter: RateLimiter, asked: int) -> None:
        """Wait for the first slot outside of the call's time: a poll's turn may be minutes off.

        Nothing is awaited between this and the first attempt, which gives the slot back.
        """
        await rate_limiter.acquire(self._options.priority, asked)
        self._has_slot = True
        self.watch.restart()

    async def _answer_in_time(self) -> Response:
        self._context.tally.calls += 1
        outcome: Response | TransportFault | None = None
        with anyio.move_on_after(self._options.timeout):
            try:
                outcome = await self._outcome()
            except CallError as failure:  # of the token, say
                raise self._after_doubt(failure) from None
            except anyio.get_cancelled_exc_class() as cancelled:
                self._note_on(cancelled)
                raise
        _logging.log_call_ended(
            self._info, outcome.status if isinstance(outcome, Response) else None
        )
        if isinstance(outcome, Response):
            if outcome.status < _FIRST_ERROR:
                self._attempts.went_well()
                return outcome
            if self._is_gone(outcome):
                return attrs.evolve(outcome, status=_NO_CONTENT, body=b"")
        error = self._error(outcome)
        if self._attempts.left_off:
            error.add_note(f"not tried again: {self._attempts.left_off}")
        raise error

    def _after_doubt(self, error: CallError) -> CallError:
        """Say on an error of a later attempt what an earlier one may have done."""
        if not (self._ambiguous and self._acts) or error.may_have_been_processed:
            return error
        error = copy.copy(error)  # several calls may have been told the same one
        error.may_have_been_processed = True
        error.call = attrs.evolve(error.call, idempotency_key=self._key)
        error.add_note(
            f"an earlier attempt of {self._method} {self.path} may have been processed "
            f"(correlation id {self.received_id})"
        )
        return error

    def _note_on(self, cancelled: BaseException) -> None:
        """Leave word with a cancellation that what was asked for may have been done."""
        if self._acts and self._in_doubt:
            cancelled.add_note(
                f"{self._method} {self.path} was under way and may have been processed "
                f"(correlation id {self.received_id})"
            )

    def _is_gone(self, answer: Response) -> bool:
        """Tell whether a 404 says that an earlier attempt of this DELETE went through."""
        if not (self._method == "DELETE" and self._was_ambiguous and answer.status == _NOT_FOUND):
            return False
        from sikoia_async._codec.problems import is_sikoia_error  # noqa: PLC0415 - loaded when needed

        return is_sikoia_error(answer)  # and not a gateway's that has lost its way

    def decode(self, answer: Response, into: type[T]) -> T:
        """Turn the answer into what it is to be."""
        from sikoia_async._codec.decoder import decode  # noqa: PLC0415 - loaded with the first answer

        return decode(
            answer, into, self._info(), self._context.drift, may_have_been_processed=self._acts
        )

    async def pour(self) -> None:
        """Let the answer flow into the sink.

        Raises what `Transport.call` says.

        Raises:
            CallError: the sink failed, and not the answer.
        """
        answer, sink = await self.answer(), cast("Sink", self._sink)
        if answer.broken is None:
            ended = await sink.end() if answer.status == _OK else _NO_FILE
            answer = attrs.evolve(answer, broken=ended)
        if sink.failure is not None:
            raise CallError(sink.failure, call=self._info(), may_have_been_processed=self._acts)
        self.decode(answer, bytes)

    def location(self, answer: Response) -> str | None:
        """Return the path and query of the answer's Location, if it has one.

        Raises:
            UnexpectedResponseError: it is on another origin, where our token has no business.
        """
        header = answer.headers.get("location")
        if header is None:
            return None
        target = target_on(self._context.origin, header, base=self.target)
        if target is not None:
            return target
        msg = f"{answer.status} with a Location that is not on Sikoia's API; it is not followed"
        raise UnexpectedResponseError(
            msg,
            call=self._info(),
            status=answer.status,
            body=answer.body,
            may_have_been_processed=self._acts,
        )

    async def _outcome(self) -> Response | TransportFault:
        replayed = False
        while True:
            outcome = await self._attempt()
            self._judge(outcome)
            if not replayed and self._has_new_token(outcome):
                replayed = True
            elif not await self._attempts.another(outcome, self._hint, self._tell):
                return outcome

    async def _attempt(self) -> Response | TransportFault:
        while True:
            try:
                return await self._try()
            except HeldBack:
                self._under_way = False
                self._context.tally.attempts -= 1

    async def _try(self) -> Response | TransportFault:
        context = self._context
        if context.lifecycle.closed:  # since the last attempt
            context.lifecycle.check()
        url, ours = context.origin + self.target, {"correlation_id": self._sent_id}
        headers = context.headers
        if self._key is not None and context.keys is not None:
            headers = {**headers, context.keys.header: self._key}
        self._request = build(self._method, url, headers, self._content, self.watch, **ours)
        self._request.extensions["repeatable"] = self._attempts.more
        if self._attempts.first and self._attempts.more and self._sink is None and not self._acts:
            # A server that says nothing gets half of the time: there may be a better attempt.
            self._request.extensions["timeout"]["read"] = self._options.timeout / 2
        if context.rate_limiter is None:
            return await self._exchange(self._request)
        if not self._has_slot:
            self.watch.enter("quota")
            if self.watch.seconds + context.rate_limiter.paused >= self._options.timeout:
                # The end is known already; waiting for it would tell the caller nothing.
                why = f"; a 429 pauses this client for {context.rate_limiter.paused:.3g} s more"
                raise self._too_late(why)
            await context.rate_limiter.acquire(self._options.priority)
        self._has_slot = False
        self._request.extensions["held_back"] = context.rate_limiter.is_paused
        outcome = None
        try:
            outcome = await self._exchange(self._request)
            return outcome
        finally:
            context.rate_limiter.settle(sent=_was_counted(self._request, outcome))

    async def _exchange(self, request: httpx.Request) -> Response | TransportFault:
        self._context.tally.attempts += 1
        self._attempts.begin()
        self._under_way = True
        outcome = await exchange(self._context.client, request, self._context.limits, self._sink)
        self._under_way = False
        self._attempts.note(outcome, self.received_id)
        if not isinstance(self._content, bytes):
            release_body(request)
        return outcome

    def _judge(self, outcome: Response | TransportFault) -> None:
        """Take from an outcome what later attempts and the error need to know."""
        self._asked = self._hint = None
        self._was_ambiguous = self._ambiguous
        if isinstance(outcome, TransportFault):
            self._ambiguous |= outcome.reached != "unsent"
            return
        if outcome.status < _FIRST_ERROR:
            return
        self._ambiguous |= outcome.status >= _FIRST_SERVER_ERROR
        self._asked = self._hint = asked_to_wait(outcome)
        if outcome.status == _TOO_MANY and self._context.rate_limiter is not None:
            self._hint = self._context.rate_limiter.pause(self._hint)

    def _has_new_token(self, outcome: Response | TransportFault) -> bool:
        """Tell whether a 401 refused a token that can be renewed: then nothing was processed."""
        refused = isinstance(outcome, Response) and outcome.status == _UNAUTHORIZED
        return (
            refused
            and self._request is not None
            and self._request.extensions.get("renewable", False)
        )

    def _error(self, outcome: Response | TransportFault | None) -> Exception:
        may_have_been_processed = self._ambiguous and self._acts
        if isinstance(outcome, Response):
            from sikoia_async._codec.problems import (  # noqa: PLC0415 - loaded when needed
                error_from,
                link_error_from,
            )

            if self._hidden:
                return link_error_from(outcome, self._info(), retry_after=self._asked)
            error = error_from(
                outcome,
                self._info(),
                retry_after=self._asked,
                may_have_been_processed=may_have_been_processed,
            )
            if isinstance(error, ConflictError) and self._key and self._was_ambiguous:
                error.first_attempt_went_through = True
                error.add_note("an earlier attempt of this call went through: read what it made")
            return error
        if outcome is None:
            return self._too_late()
        return ConnectionFailedError(
            f"{_HOW_FAR[outcome.reached]}: {outcome.reason}",
            call=self._info(outcome.reached),
            may_have_been_processed=may_have_been_processed,
        )

    def _too_late(self, why: str = "") -> DeadlineExceededError:
        spent = self.watch.spent()
        waits = [f"{phase} {seconds:.3g} s" for phase, seconds in spent.items() if seconds]
        went_into = ", ".join(waits) or "nothing"
        reached: Reached = "unsent"
        if self._in_flight:
            reached = "partial" if self.watch.phase == "body" else "sent"
        return DeadlineExceededError(
            f"no answer within {self._options.timeout:g} s; it went into: {went_into}{why}",
            call=self._info(reached),
            may_have_been_processed=self._acts and self._in_doubt,
            spent=spent,
        )

    @property
    def _in_flight(self) -> bool:
        """Whether the last request may have been sent, and has come to no verdict."""
        return self._under_way and self._request is not None and was_sent(self._request)

    @property
    def _in_doubt(self) -> bool:
        """Whether Sikoia may have done what was asked for, and has not said so."""
        return self._in_flight or self._ambiguous

    def _idempotency_key(self, kind: policy.Kind) -> str | None:
        keys = self._context.keys
        if keys is None or kind != "unsafe":
            return None
        content = (self._content,) if isinstance(self._content, bytes) else self._content
        given = self._options.idempotency_key
        return keys.choose(given, f"{self._method} {self.target}", content)

    def _tell(self, wait: float) -> None:
        _logging.log_retry(self._info, wait)

    def _info(self, reached: Reached = "whole") -> CallInfo:
        target = "" if self._hidden else self.target.partition("?")[0]
        return self._attempts.info(
            self._method,
            self.path,
            self._context.origin + target,
            self._sent_id,
            self.received_id,
            reached=reached,
            idempotency_key=self._key,
        )


def asked_to_wait(answer: Response) -> float | None:
    """Return the seconds of the answer's Retry-After, if it has one that can be read."""
    return policy.retry_after(answer.headers.get("retry-after"), answer.headers.get("date"))


def _was_counted(request: httpx.Request, outcome: Response | TransportFault | None) -> bool:
    """Tell whether Sikoia may have counted a request; there is no outcome if it was cancelled."""
    if isinstance(outcome, TransportFault) and outcome.reached == "unsent":
        return False
    return isinstance(outcome, Response) or was_sent(request)


_INSISTS: Final = (
    "retries: what may cost money is sent again only where nothing was processed; call it on the "
    "client itself, or on a view with retries=0, or with an idempotency key"
)
_NO_FILE: Final = "a file was asked for, and none came"
_HOW_FAR: Final = {
    "unsent": "Sikoia could not be reached, and nothing was sent",
    "sent": "the request was sent, and no answer came",
    "partial": "the answer broke off",
}
