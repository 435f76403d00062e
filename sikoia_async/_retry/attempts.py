"""The attempts of one call: their record, and the decision to make another one."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import anyio

from sikoia_async._errors import Attempt, CallInfo
from sikoia_async._retry.policy import RetryPolicy, is_retryable
from sikoia_async._transport.headers import NO_HEADERS, ResponseHeaders
from sikoia_async._transport.real_time import end_in_real_time
from sikoia_async._transport.types import Response, TransportFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from sikoia_async._errors import Reached
    from sikoia_async._retry.budget import RetryBudget
    from sikoia_async._retry.policy import RetryClass
    from sikoia_async._transport.stopwatch import Stopwatch
    from sikoia_async._transport.types import RequestState

__all__ = ["Attempts"]


class Attempts:
    """Records one call's attempts, and makes the pauses between them.

    Args:
        watch: the call's stopwatch.
        retries: how many attempts may follow the first one.
        retry_class: the effect of repeating the request.
        keyed: whether the request carries an idempotency key.
        budget: pays for retries.
        policy: decides how long the pauses are.
    """

    def __init__(
        self,
        watch: Stopwatch,
        retries: int,
        *,
        retry_class: RetryClass,
        keyed: bool = False,
        budget: RetryBudget,
        policy: RetryPolicy,
    ) -> None:
        self._watch = watch
        self._retries = retries
        self._retry_class: RetryClass = retry_class
        self._keyed = keyed
        self._budget = budget
        self._policy = policy
        self._finished: list[Attempt] = []
        self.gave_up: str | None = None
        """Why no further attempt was made, although the request was retryable."""
        self.hit_deadline = False
        """Whether the reason was the caller's deadline."""
        self._paid = 0
        self._waited = 0.0
        self._since = 0.0
        self._second_since = 0.0
        self._silent_at: int | None = None
        """The place in the record of the current attempt, while a second one is beside it."""
        self.has_second = False
        """Whether a second attempt is in progress beside the current one."""

    @property
    def count(self) -> int:
        """The number of finished attempts."""
        return len(self._finished)

    @property
    def may_repeat(self) -> bool:
        """Whether the request may be sent again, however the current attempt ends."""
        return self._retry_class != "unsafe" or self._keyed

    @property
    def may_hedge(self) -> bool:
        """Whether a second attempt may be made beside the current one, if that gets no response."""
        return self._retry_class == "safe" and not self._finished and self._retries > 0

    def begin(self) -> float:
        """Start the time of an attempt, and return the current time."""
        self._silent_at = None
        self._since = self._watch.now()
        return self._since

    def begin_second(self, correlation_id: str) -> float | None:
        """Start the time of a second attempt beside the current one, and return the current time.

        The current one is recorded as silent until it ends. Return None if the retry budget does
        not allow a second one.
        """
        paid = self._budget.take(None)
        if not paid:
            return None
        self._paid = paid
        self._silent_at = len(self._finished)
        self._finished.append(self._ended(_SILENT, correlation_id, self._since, self._waited))
        self.has_second = True
        self._second_since = self._watch.now()
        return self._second_since

    def record(self, result: Response | TransportFault, correlation_id: str) -> None:
        """Add an attempt to the record."""
        ended = self._ended(result, correlation_id, self._since, self._waited)
        self._waited = 0.0
        if self._silent_at is None:
            self._finished.append(ended)
        else:
            self._finished[self._silent_at] = ended

    def record_second(
        self, correlation_id: str, result: Response | TransportFault | None = None
    ) -> None:
        """Add a second attempt to the record.

        Args:
            correlation_id: the id of its response, or the one that was sent.
            result: how it ended; None if the response of the first one came sooner.
        """
        self.has_second = False
        ended = self._ended(result or _NOT_NEEDED, correlation_id, self._second_since, 0.0)
        self._finished.append(ended)

    def ends_call(self, result: Response | TransportFault) -> bool:
        """Return whether a result ends the call, although another attempt is in progress."""
        if not result.is_error:
            return True
        is_refused = isinstance(result, Response) and result.status == HTTPStatus.UNAUTHORIZED
        return not is_refused and not self._is_retryable(result)

    async def pause_before_another(
        self,
        result: Response | TransportFault,
        hint: float | None,
        log: Callable[[float], None] | None = None,
    ) -> bool:
        """Wait, and return True, if there is to be another attempt.

        No pause is made that would pass the caller's deadline: the error of this attempt says more
        than a timeout would.

        Args:
            result: how the last attempt ended.
            hint: seconds that the server asked for.
            log: called with the length of the pause before it begins.
        """
        status = result.status if isinstance(result, Response) else None
        if self.count > self._retries or not self._is_retryable(result):
            return False
        wait = self._policy.pause(self.count - 1, hint)
        if self._watch.enter("backoff") + wait >= anyio.current_effective_deadline():
            self.hit_deadline = True
            self.gave_up = f"the next attempt, in {wait:.3g} s, would miss the deadline"
            return False
        self._paid = self._budget.take(status)
        if not self._paid:
            self.gave_up = "the client's retry budget is used up, because many of its calls fail"
            return False
        self._waited = wait
        if log is not None:
            log(wait)
        try:
            with anyio.move_on_after(wait) as pause, end_in_real_time(pause, wait):
                await anyio.sleep_forever()
        except BaseException:
            self._budget.give_back(self._paid)  # the retry that it paid for is not made
            raise
        return True

    def succeed(self) -> None:
        """Refund the retry budget after a successful call."""
        self._budget.give_back(self._paid or 1)

    def info(
        self,
        method: str,
        path: str,
        url: str,
        sent_id: str,
        received_id: str | None = None,
        *,
        reached: Reached = "whole",
        idempotency_key: str | None = None,
        state: RequestState | None = None,
    ) -> CallInfo:
        """Return the record of the call so far.

        Args:
            method: the HTTP method.
            path: the path template.
            url: the URL, without its query.
            sent_id: the correlation id that was sent.
            received_id: the correlation id of the response, if it has one.
            reached: how far the last attempt got.
            idempotency_key: the key that was sent, if any.
            state: the last request, if the headers of its response may be shown.
        """
        headers, version = (None, None) if state is None else (state.headers, state.http_version)
        return CallInfo(
            method=method,
            path=path,
            url=url,
            correlation_id=received_id or sent_id,
            sent_correlation_id=sent_id,
            attempts=tuple(self._finished),
            seconds=self._watch.seconds,
            reached=reached,
            idempotency_key=idempotency_key,
            headers=NO_HEADERS if headers is None else ResponseHeaders(headers),
            http_version=None if version is None else version.decode("ascii", "replace"),
        )

    def _ended(
        self,
        result: Response | TransportFault,
        correlation_id: str,
        since: float,
        waited: float,
    ) -> Attempt:
        return Attempt(
            status=result.status if isinstance(result, Response) else None,
            error=result.reason if isinstance(result, TransportFault) else None,
            waited=waited,
            seconds=self._watch.now() - since,
            correlation_id=correlation_id,
        )

    def _is_retryable(self, result: Response | TransportFault) -> bool:
        if isinstance(result, Response):
            return is_retryable(self._retry_class, status=result.status, keyed=self._keyed)
        return is_retryable(
            self._retry_class, reached=result.reached, final=result.final, keyed=self._keyed
        )


_SILENT: Final = TransportFault("sent", "no response within half of the timeout")
_NOT_NEEDED: Final = TransportFault("sent", "not needed: an earlier attempt got its response")
