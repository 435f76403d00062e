"""The attempts of one call: what came of each, and whether there is to be another."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import anyio

from sikoia_async import _retry
from sikoia_async._exchange import Answer, Fault
from sikoia_async.errors import Attempt, CallInfo

if TYPE_CHECKING:
    from collections.abc import Callable

    from sikoia_async._timing import Stopwatch

__all__ = ["Attempts"]


class Attempts:
    """Keeps the record of one call's attempts, and the pauses between them.

    Args:
        watch: the call's stopwatch.
        retries: how many attempts may follow the first.
        chargeable: whether the request may cost money.
        jitter: gives random numbers from 0 to 1.
    """

    def __init__(
        self,
        watch: Stopwatch,
        retries: int,
        *,
        chargeable: bool = False,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._watch = watch
        self._retries = retries
        self._chargeable = chargeable
        self._jitter = jitter
        self._made: list[Attempt] = []
        self.cut_short = False
        """Whether another attempt was worth making, and the deadline left no time for it."""
        self._waited = 0.0
        self._since = 0.0

    def begin(self) -> float:
        """Note that an attempt starts, and return the moment."""
        self._since = self._watch.now()
        return self._since

    def note(self, outcome: Answer | Fault) -> None:
        """Note what came of the attempt."""
        answer = outcome if isinstance(outcome, Answer) else None
        fault = outcome if isinstance(outcome, Fault) else None
        self._made.append(
            Attempt(
                status=answer.status if answer else None,
                fault=fault.reason if fault else None,
                waited=self._waited,
                seconds=self._watch.now() - self._since,
            )
        )
        self._waited = 0.0

    async def another(self, method: str, outcome: Answer | Fault, hint: float | None) -> bool:
        """Wait as long as it takes and say True if there is to be another attempt.

        A pause that would cross the caller's deadline is not made: the error that is known now
        says more than the one that would follow.
        """
        if len(self._made) > self._retries or not self._worth(method, outcome, hint):
            return False
        wait = _retry.pause(len(self._made) - 1, hint, self._jitter())
        if self._watch.enter("backoff") + wait >= anyio.current_effective_deadline():
            self.cut_short = True
            return False
        self._waited = wait
        await anyio.sleep(wait)
        return True

    def info(
        self, method: str, path: str, url: str, sent_id: str, received_id: str | None = None
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
        )

    def _worth(self, method: str, outcome: Answer | Fault, hint: float | None) -> bool:
        if isinstance(outcome, Answer):
            return _retry.worth_retrying(
                method,
                status=outcome.status,
                hinted=hint is not None,
                chargeable=self._chargeable,
            )
        return _retry.worth_retrying(
            method, reached=outcome.reached, final=outcome.final, chargeable=self._chargeable
        )
