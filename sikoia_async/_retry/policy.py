"""Which requests are retried, and after which pause: pure functions, no clock, no socket.

A request that may cost money or change something is never repeated after an ambiguous failure. A
request that was not sent, or was refused by the rate limit, was not processed, and is always
retried. Safe and idempotent requests are retried after any failure that may pass. Other requests
are retried after one only if they carry an idempotency key.
"""

import random
import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final, Literal

import attrs

from sikoia_async._errors import is_server_error
from sikoia_async._transport.types import Reached
from sikoia_async._validation import lazy_pattern

__all__ = ["RetryClass", "RetryPolicy", "is_retryable", "retry_after"]

RetryClass = Literal["safe", "idempotent", "unsafe"]
"""The effect of repeating a request (RFC 9110, 9.2).

`safe`: none, as for a GET that costs nothing. `idempotent`: the same as of one request, as for PUT,
DELETE, and the PATCHes that set fields. `unsafe`: it may repeat the effect.
"""

_DOUBLINGS: Final = 4
_NOT_PROCESSED: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.MISDIRECTED_REQUEST})
"""Statuses by which a server says that it did not accept the request. Sikoia documents neither."""

_SECONDS: Final = lazy_pattern(r"[0-9]{1,7}")
_IMF_DATE: Final = lazy_pattern(
    r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT", re.ASCII
)


@attrs.frozen(eq=False, repr=False)
class RetryPolicy:
    """Pauses between attempts: exponential backoff with full jitter."""

    base: float = 0.5
    """Seconds that the first pause takes at most."""
    cap: float = 8.0
    """Seconds that a pause takes at most, unless the server asks for more."""
    jitter: Callable[[], float] = random.random
    """Returns a random number from 0 to 1, so that clients do not retry at the same moment."""

    def pause(self, retry: int, hint: float | None) -> float:
        """Return the seconds to wait before a retry.

        Args:
            retry: 0 for the first retry.
            hint: seconds that the server asked for; the pause is never shorter.
        """
        if hint is not None:
            return hint * (1 + self.jitter() / 10)
        return min(self.cap, self.base * 2.0 ** min(retry, _DOUBLINGS)) * self.jitter()


def is_retryable(
    retry_class: RetryClass,
    *,
    status: int | None = None,
    reached: Reached | None = None,
    final: bool = False,
    keyed: bool = False,
) -> bool:
    """Return whether another attempt is allowed, and may succeed.

    Args:
        retry_class: the effect of repeating the request.
        status: status of the response; None if there was none.
        reached: how far the attempt got, if there was no response.
        final: whether the fault is permanent, such as a bad certificate.
        keyed: whether the request carries an idempotency key.
    """
    is_repeatable = retry_class != "unsafe" or keyed
    if status is None:
        return not final and (reached == "unsent" or is_repeatable)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return True
    return is_repeatable and (status in _NOT_PROCESSED or is_server_error(status))


def retry_after(value: str | None, date: str | None) -> float | None:
    """Parse a Retry-After header: whole seconds, or a date relative to the Date header.

    Any other value is ignored; guessing would do harm.
    """
    if value is None:
        return None
    if _SECONDS.fullmatch(value):
        return float(value)
    then, now = _timestamp(value), _timestamp(date or "")
    return max(0.0, then - now) if then is not None and now is not None else None


def _timestamp(date: str) -> float | None:
    if not _IMF_DATE.fullmatch(date):
        return None
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None
