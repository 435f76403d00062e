"""Whether an attempt may be made again, and after how long: pure functions, no clock, no socket.

The rule: what may have cost money or changed something is never sent twice on our own initiative.
A request that never left, or that was refused for the rate limit, was not processed; what asks or
sets may go again whatever happened; the rest is the caller's to decide, by an idempotency key.
"""

import re
from email.utils import parsedate_to_datetime
from typing import Final, Literal

from sikoia_async._transport.exchange import Reached

__all__ = ["Kind", "pause", "retry_after", "worth_retrying"]

Kind = Literal["safe", "idempotent", "unsafe"]
"""What sending a request twice does: an ask changes nothing, a set the same as once, an act more.

A GET asks, unless it may cost money. PUT, DELETE and the PATCHes that give fields their values
set. Whatever else there is acts.
"""

_BASE: Final = 0.5
_CAP: Final = 8.0
_DOUBLINGS: Final = 4

_TOO_MANY: Final = 429
_NOT_TAKEN: Final = frozenset({408, 421})
"""The server says that it did not take the request; the vendor documents neither."""
_FIRST_SERVER_ERROR: Final = 500

_SECONDS: Final = re.compile(r"[0-9]{1,7}")
_IMF_DATE: Final = re.compile(
    r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT", re.ASCII
)


def worth_retrying(
    kind: Kind,
    *,
    status: int | None = None,
    reached: Reached | None = None,
    final: bool = False,
    keyed: bool = False,
) -> bool:
    """Tell whether another attempt is allowed and may end better.

    Args:
        kind: what sending it twice does.
        status: the answer's; None where none came.
        reached: how far the attempt got where no answer came.
        final: whether the fault cannot change, such as a certificate that is not good.
        keyed: whether an idempotency key tells Sikoia that it is the same request.
    """
    safe = kind != "unsafe" or keyed
    if status is None:
        return not final and (reached == "unsent" or safe)
    if status == _TOO_MANY:
        return True
    return safe and (status in _NOT_TAKEN or status >= _FIRST_SERVER_ERROR)


def pause(retry: int, hint: float | None, jitter: float) -> float:
    """Return the seconds to wait before a retry.

    Args:
        retry: 0 for the first one.
        hint: seconds that the server asked for; they are never cut short.
        jitter: a random number from 0 to 1, so that callers do not come back in step.
    """
    if hint is not None:
        return hint * (1 + jitter / 10)
    return float(min(_CAP, _BASE * 2 ** min(retry, _DOUBLINGS)) * jitter)


def retry_after(value: str | None, date: str | None) -> float | None:
    """Read a Retry-After header: whole seconds, or a date that is taken against `date`.

    Anything else is as good as no header: a hint that is guessed at does harm.
    """
    if value is None:
        return None
    if _SECONDS.fullmatch(value):
        return float(value)
    then, now = _moment(value), _moment(date or "")
    return max(0.0, then - now) if then is not None and now is not None else None


def _moment(date: str) -> float | None:
    if not _IMF_DATE.fullmatch(date):
        return None
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None
