"""Log records of the logger `sikoia_async`.

    DEBUG    a call ended: its status, duration and number of attempts
    INFO     an attempt failed and is retried; calls wait for the rate limit, or because of a 429;
             a response has a field or value that this SDK does not know, and nothing is lost
    WARNING  a value of a response could not be read, and is None in its model; Sikoia has announced
             that it will remove an operation
    ERROR    a hook or an observer of the application raised an exception, and the call continued

A record about a call has a fixed list of fields (`FIELDS`), as attributes for structured logs.
Bodies, queries, ids, headers and tokens are never logged. The logger `sikoia_async.requests`, which
is quiet unless its own level is DEBUG, writes requests with all of these masked.

httpx, httpx2 and what they send with log the URLs of requests, which hold ids. Their records about
requests of this SDK are dropped; those about other requests pass, also inside `token=` and event
hooks.
"""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from sikoia_async._errors import CallInfo

__all__ = [
    "FIELDS",
    "MutedHttpLogs",
    "http_logs_muted",
    "http_logs_unmuted",
    "is_correlation_id",
    "log_call_ended",
    "log_deprecation",
    "log_drift",
    "log_hook_failed",
    "log_observer_failed",
    "log_rate_limit_reached",
    "log_retry",
    "shown_drift",
    "without_ids",
]

FIELDS: Final = ("method", "path", "status", "error", "seconds", "attempts", "correlation_id")
"""The fields of a record about a call; other records have none of them."""

http_logs_muted: Final[ContextVar[object]] = ContextVar("sikoia_http_logs_muted", default=False)
"""Whether records of httpx and httpcore are dropped in the current context: its truth value."""

_log: Final = logging.getLogger("sikoia_async")
_HTTP_LOGGERS: Final = (  # each of them, because a logger's filters do not apply to its children
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
    "httpx2",
    "httpcore2.connection",
    "httpcore2.http11",
    "httpcore2.http2",
    "httpcore2.proxy",
    "httpcore2.socks",
)

_SAFE_SEGMENT: Final = re.compile(r"|[A-Za-z_-]{1,40}|v[0-9]{1,2}|\{[a-z_]+\}|\(link\)")
"""A path segment that is a word, a version or a placeholder."""
_CORRELATION_ID: Final = re.compile(r"[A-Za-z0-9._~:-]{1,128}")
_FIELD: Final = re.compile(r"[A-Z$][A-Za-z]*(\.[a-z][a-z0-9_]{0,40})?: [A-Za-z ]+")
"""A kind of drift whose field is spelt as the API spells its fields. Other keys of a response may
be personal data."""


def log_call_ended(info: Callable[[], CallInfo], status: int | None) -> None:
    """Log that a call ended.

    Args:
        info: returns the call's record; not called if DEBUG is off.
        status: status of the response; None if no response arrived.
    """
    with suppress(Exception):  # a filter or handler of the application may raise
        _log_call_ended(info, status)


def _log_call_ended(info: Callable[[], CallInfo], status: int | None) -> None:
    if _log.isEnabledFor(logging.DEBUG):
        call = info()
        attempts = f", {len(call.attempts)} attempts" if len(call.attempts) > 1 else ""
        message = f"%s %s: {_outcome(status)} in %.3f s{attempts} (correlation id %s)"
        _log_call(call, status, logging.DEBUG, message)


def log_retry(info: Callable[[], CallInfo], wait: float) -> None:
    """Log that the last attempt failed and is retried.

    Args:
        info: returns the call's record so far; not called if INFO is off.
        wait: seconds until the next attempt.
    """
    with suppress(Exception):  # as in `log_call_ended`
        _log_retry(info, wait)


def _log_retry(info: Callable[[], CallInfo], wait: float) -> None:
    if _log.isEnabledFor(logging.INFO):
        call = info()
        status = call.attempts[-1].status
        retry = f"retrying in {wait:.3g} s, attempt {len(call.attempts) + 1}"
        message = f"%s %s: {_outcome(status)} after %.3f s; {retry} (correlation id %s)"
        _log_call(call, status, logging.INFO, message)


def log_drift(kind: str) -> None:
    """Log that a response differs from this SDK's models; `Drift` calls it once for each kind."""
    shown = shown_drift(kind)
    with suppress(Exception):  # as in `log_call_ended`
        if kind.endswith(": unreadable"):
            _log.warning("unreadable, decoded as None (see drift): %s", shown)
        else:
            _log.info("unknown to this SDK, ignored (see drift): %s", shown)


def shown_drift(kind: str) -> str:
    """Return a kind of drift without a name that may be personal data."""
    return kind if _FIELD.fullmatch(kind) else "a field with an unusual name"


def log_deprecation(message: str) -> None:
    """Log that an operation is deprecated."""
    with suppress(Exception):  # as in `log_call_ended`
        _log.warning("%s", message)


def log_hook_failed(failure: str) -> None:
    """Log that a hook of the application raised an exception, without its message."""
    with suppress(Exception):  # as in `log_call_ended`
        _log.error("on_response raised an exception, which is ignored: %s", failure)


def log_observer_failed(event: str, error: str) -> None:
    """Log the class of an exception that an observer of the application raised at an event."""
    message = "an observer raised an exception, which is ignored, at %s: %s"
    with suppress(Exception):  # as in `log_call_ended`
        _log.error(message, event, error)


def log_rate_limit_reached(limit: str, waiting: int, seconds: float) -> None:
    """Log that calls wait for a slot of the rate limit.

    Args:
        limit: the limit that was reached.
        waiting: how many calls wait.
        seconds: until the next slot is free.
    """
    calls = "call" if waiting == 1 else "calls"
    message = "rate limit reached (%s), %d %s waiting, next slot in %.3g s"
    with suppress(Exception):  # as in `log_call_ended`
        _log.info(message, limit, waiting, calls, seconds)


def is_correlation_id(value: object) -> TypeGuard[str]:
    """Return whether a value is safe to send and to log as a correlation id."""
    return isinstance(value, str) and _CORRELATION_ID.fullmatch(value) is not None


@lru_cache(maxsize=256)
def without_ids(path: str) -> str:
    """Return a path with `{id}` instead of each segment that may be an id.

    A template is returned unchanged. `Sikoia.request` accepts paths with ids in them.
    """
    segments = path.split("/")
    return "/".join(one if _SAFE_SEGMENT.fullmatch(one) else "{id}" for one in segments)


def _outcome(status: int | None) -> str | int:
    return "no response" if status is None else status


def _log_call(call: CallInfo, status: int | None, level: int, message: str) -> None:
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
    _log.log(level, message, call.method, path, call.seconds, call.correlation_id, extra=extra)


class MutedHttpLogs:
    """Drops the records of httpx and httpcore in the current context, until it ends.

    Tasks that are started meanwhile inherit the context, and log again from then on.
    """

    __slots__ = ("_is_on", "_token")

    def __init__(self) -> None:
        self._is_on = True
        self._token = http_logs_muted.set(self)

    def __bool__(self) -> bool:
        return self._is_on

    def end(self) -> None:
        """Let records pass again."""
        self._is_on = False
        http_logs_muted.reset(self._token)


@contextmanager
def http_logs_unmuted() -> Generator[None]:
    """Let records pass inside the block, which runs the user's code."""
    token = http_logs_muted.set(False)
    try:
        yield
    finally:
        http_logs_muted.reset(token)


def _passes(_: logging.LogRecord) -> bool:
    return not http_logs_muted.get()


for _name in _HTTP_LOGGERS:
    logging.getLogger(_name).addFilter(_passes)
