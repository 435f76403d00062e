"""Whether an attempt may be made again, and after how long: pure functions, no clock, no socket.

The rule: what may have cost money or changed something is never sent twice on our own initiative.
A request that never left, or that was refused for the rate limit, was not processed; a GET may be
asked again whatever happened; the rest is the caller's to decide.
"""

import re
from email.utils import parsedate_to_datetime
from typing import Final

from sikoia_async._exchange import Reached

__all__ = ["pause", "retry_after", "worth_retrying"]

_BASE: Final = 0.5
_CAP: Final = 8.0
_DOUBLINGS: Final = 4

_ACTS: Final = "POST"
_ASKS_ONLY: Final = frozenset({"GET", "HEAD"})
_SAME_TWICE: Final = frozenset({"GET", "HEAD", "PUT", "DELETE"})

_SECONDS: Final = re.compile(r"[0-9]{1,7}")
_IMF_DATE: Final = re.compile(
    r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT", re.ASCII
)


def worth_retrying(
    method: str,
    *,
    status: int | None = None,
    reached: Reached | None = None,
    hinted: bool = False,
    final: bool = False,
    chargeable: bool = False,
) -> bool:
    """Tell whether another attempt is allowed and may end better.

    Args:
        method: the request's.
        status: the answer's; None where none came.
        reached: how far the attempt got where no answer came.
        hinted: whether the answer says when to come again.
        final: whether the fault cannot change, such as a certificate that is not good.
        chargeable: whether the request may cost money, so that even a GET is not merely asked.
    """
    if chargeable:
        method = _ACTS
    if status is None:
        return not final and (reached == "unsent" or method in _ASKS_ONLY)
    if status == 429:  # noqa: PLR2004 - an HTTP status is its own name
        return True
    if status == 503 and hinted:  # noqa: PLR2004
        return method in _SAME_TWICE
    return status >= 500 and method in _ASKS_ONLY  # noqa: PLR2004


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
