"""Statuses: compared without case and punctuation, and understood in other words.

Sikoia documents the statuses of each resource. A response that spells one of them another way, or
says in another word that the work is over, must not keep a caller waiting until the timeout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sikoia_async._validation import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["fold", "has_ended", "is_among", "is_failure", "is_success", "shown"]

_SUCCESSES: Final = frozenset({
    *("complete", "completed", "completedsuccessfully", "done", "finished", "processed"),
    *("succeeded", "success", "successful", "successfullycompleted"),
})  # fmt: skip
_FAILURES: Final = frozenset({
    *("abandoned", "aborted", "canceled", "cancelled", "crashed", "declined", "deleted", "denied"),
    *("discarded", "error", "errored", "exception", "expired", "fail", "failed", "failure"),
    *("faulted", "internalerror", "invalid", "refused", "rejected", "revoked", "servererror"),
    *("stopped", "systemerror", "terminated", "timedout", "timeout", "unprocessable"),
    *("unsuccessful", "withdrawn"),
})  # fmt: skip
_PLAIN: Final = lazy_pattern(r"[A-Za-z]+([ _-][A-Za-z]+){0,3}")
_LONGEST_SHOWN: Final = 32


def fold(status: object) -> str:
    """Return the same string for `TooManyResults`, `TOO_MANY_RESULTS` and `too many results `."""
    return "".join(filter(str.isalnum, status.casefold())) if isinstance(status, str) else ""


def is_among(status: object, known: Iterable[str]) -> bool:
    """Return whether a status is one of the known ones, however it is spelt."""
    return fold(status) in map(fold, known)


def is_success(status: object) -> bool:
    """Return whether a status is `Complete`, or plainly means it."""
    return fold(status) in _SUCCESSES


def is_failure(status: object) -> bool:
    """Return whether a status is `Failed`, or plainly means that work ended without a result."""
    return fold(status) in _FAILURES


def has_ended(status: object) -> bool:
    """Return whether a status plainly means that the work is over."""
    return is_success(status) or is_failure(status)


def shown(status: object) -> str | None:
    """Return a status for messages; None if it is not a plain word, and may be personal data."""
    text = status.strip() if isinstance(status, str) else ""
    return text if len(text) <= _LONGEST_SHOWN and _PLAIN.fullmatch(text) else None
