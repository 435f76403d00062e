"""What is logged: records made of the same few fields, and of nothing else.

    DEBUG    a call has ended: what came, after how long and how many attempts
    INFO     an attempt came to nothing and there will be another; an answer differs from what this
             SDK knows, and nothing is lost by it
    WARNING  a text in an answer could not be read, and is None in its model

A record has its fields as attributes (`FIELDS`) for structured logs, and they are an allow-list:
bodies, queries, ids, headers and tokens have no way into one.
"""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Callable

    from sikoia_async._errors import CallInfo

__all__ = ["FIELDS", "differs", "ended", "is_correlation_id", "retrying", "without_ids"]

FIELDS: Final = ("method", "path", "status", "error", "seconds", "attempts", "correlation_id")
"""What a record about a call has; `differs` writes none of them."""

_log: Final = logging.getLogger("sikoia_async")

_KNOWN: Final = re.compile(r"|[A-Za-z_-]{1,40}|v[0-9]{1,2}|\{[a-z_]+\}|\(link\)")
"""A part of a path that is a word, a version or a place for an id."""
_CORRELATION_ID: Final = re.compile(r"[A-Za-z0-9._~:-]{1,128}")
_FIELD: Final = re.compile(r"[A-Z$][A-Za-z]*(\.[a-z][a-z0-9_]{0,40})?: [A-Za-z ]+")
"""A difference that names a field as the API spells them; a key may be anything, a name say."""


def ended(info: Callable[[], CallInfo], status: int | None) -> None:
    """Log that a call has ended.

    Args:
        info: makes the record of the call; only asked where somebody listens.
        status: of the answer; None where none came.
    """
    if _log.isEnabledFor(logging.DEBUG):
        call = info()
        tried = f", {len(call.attempts)} attempts" if len(call.attempts) > 1 else ""
        came = "no answer" if status is None else status
        _about(call, status, logging.DEBUG, f"%s %s: {came} in %.3f s{tried} (correlation id %s)")


def retrying(info: Callable[[], CallInfo], wait: float) -> None:
    """Log that the attempt just made came to nothing, and that another follows.

    Args:
        info: makes the record of the call so far.
        wait: seconds until the next attempt.
    """
    if _log.isEnabledFor(logging.INFO):
        call = info()
        last = call.attempts[-1]
        came = "no answer" if last.status is None else last.status
        again = f"attempt {len(call.attempts) + 1} follows in {wait:.3g} s"
        _about(
            call,
            last.status,
            logging.INFO,
            f"%s %s: {came} after %.3f s; {again} (correlation id %s)",
        )


def differs(kind: str) -> None:
    """Log a difference between an answer and this SDK; `Drift` calls this once for each kind."""
    shown = kind if _FIELD.fullmatch(kind) else "a field whose name is no name of the API's"
    if kind.endswith(": unreadable"):
        _log.warning("unreadable text, taken as None (see drift): %s", shown)
    else:
        _log.info("an answer has something new (see drift): %s", shown)


def is_correlation_id(given: object) -> TypeGuard[str]:
    """Tell whether this can be a correlation id: it is logged, wherever it comes from."""
    return isinstance(given, str) and _CORRELATION_ID.fullmatch(given) is not None


@lru_cache(maxsize=256)
def without_ids(path: str) -> str:
    """Return a path with `{id}` for each part that may be one; `request` takes paths of any kind.

    A template stays as it is.
    """
    return "/".join(part if _KNOWN.fullmatch(part) else "{id}" for part in path.split("/"))


def _about(call: CallInfo, status: int | None, level: int, words: str) -> None:
    path = without_ids(call.path)
    last = call.attempts[-1] if call.attempts else None
    fields: tuple[Any, ...] = (
        call.method,
        path,
        status,
        last.error if last else None,
        call.seconds,
        len(call.attempts),
        call.correlation_id,
    )
    extra: dict[str, Any] = dict(zip(FIELDS, fields, strict=True))
    _log.log(level, words, call.method, path, call.seconds, call.correlation_id, extra=extra)
