"""The attempts of one call: what came of each, and whether there is to be another."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import anyio

from sikoia_async._errors import Attempt, CallInfo
from sikoia_async._retry import policy
from sikoia_async._transport.exchange import Response, TransportFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from sikoia_async._errors import Reached
    from sikoia_async._retry.budget import RetryBudget
    from sikoia_async._transport.stopwatch import Stopwatch

__all__ = ["Attempts"]


class Attempts:
    """Keeps the record of one call's attempts, and the pauses between them.

    Args:
        watch: the call's stopwatch.
        retries: how many attempts may follow the first.
        kind: what sending the request twice does.
        keyed: whether an idempotency key tells Sikoia that it is the same request.
        budget: what retries are paid with.
        jitter: gives random numbers from 0 to 1.
    """

    def __init__(
        self,
        watch: Stopwatch,
        retries: int,
        *,
        kind: policy.Kind,
        keyed: bool = False,
        budget: RetryBudget,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._watch = watch
        self._retries = retries
        self._kind: policy.Kind = kind
        self._keyed = keyed
        self._budget = budget
        self._jitter = jitter
        self._made: list[Attempt] = []
        self.left_off: str | None = None
        """Why there was no other attempt although one was worth making."""
        self.cut_short = False
        """Whether that was the caller's deadline."""
        self._paid = 0
        self._waited = 0.0
        self._since = 0.0

    @property
    def more(self) -> bool:
        """Whether the one under way may be followed by another, whatever comes of it."""
        return (self._kind != "unsafe" or self._keyed) and len(self._made) < self._retries

    @property
    def first(self) -> bool:
        """Whether there was none yet."""
        return not self._made

    def begin(self) -> float:
        """Note that an attempt starts, and return the moment."""
        self._since = self._watch.now()
        return self._since

    def note(self, outcome: Response | TransportFault, correlation_id: str) -> None:
        """Note what came of the attempt."""
        answer = outcome if isinstance(outcome, Response) else None
        fault = outcome if isinstance(outcome, TransportFault) else None
        self._made.append(
            Attempt(
                status=answer.status if answer else None,
                error=fault.reason if fault else None,
                waited=self._waited,
                seconds=self._watch.now() - self._since,
                correlation_id=correlation_id,
            )
        )
        self._waited = 0.0

    async def another(
        self,
        outcome: Response | TransportFault,
        hint: float | None,
        tell: Callable[[float], None] = lambda _: None,
    ) -> bool:
        """Wait as long as it takes and say True if there is to be another attempt.

        `tell` hears before how many seconds that is.

        A pause that would cross the caller's deadline is not made: the error that is known now
        says more than the one that would follow.
        """
        status = outcome.status if isinstance(outcome, Response) else None
        if len(self._made) > self._retries or not self._worth(outcome, status):
            return False
        wait = policy.pause(len(self._made) - 1, hint, self._jitter())
        if self._watch.enter("backoff") + wait >= anyio.current_effective_deadline():
            self.cut_short = True
            self.left_off = f"another attempt in {wait:.3g} s would come after the deadline"
            return False
        self._paid = self._budget.take(status)
        if not self._paid:
            self.left_off = "so many calls fail that the client's retry budget is used up"
            return False
        self._waited = wait
        tell(wait)
        try:
            await anyio.sleep(wait)
        except BaseException:
            self._budget.give_back(self._paid)  # paid for, and not made
            raise
        return True

    def went_well(self) -> None:
        """Give the budget back what a call brings that was answered well."""
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
    ) -> CallInfo:
        """Return the record of the call so far."""
        return CallInfo(
            method=method,
            path=path,
            url=url,
            correlation_id=received_id or sent_id,
            sent_correlation_id=sent_id,
            attempts=tuple(self._made),
            seconds=self._watch.seconds,
            reached=reached,
            idempotency_key=idempotency_key,
        )

    def _worth(self, outcome: Response | TransportFault, status: int | None) -> bool:
        fault = outcome if isinstance(outcome, TransportFault) else None
        return policy.worth_retrying(
            self._kind,
            status=status,
            reached=fault.reached if fault else None,
            final=fault is not None and fault.final,
            keyed=self._keyed,
        )
