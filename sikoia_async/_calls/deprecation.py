"""Announcements that an operation of the API goes away, each made known once.

Source: RFC 9745 (`Deprecation`), RFC 8594 (`Sunset`). The vendor documents neither.
"""

from __future__ import annotations

import warnings
from contextlib import suppress
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from sikoia_async._errors import APIDeprecationWarning
from sikoia_async._logging import log_deprecation, without_ids
from sikoia_async._validation import lazy_pattern

if TYPE_CHECKING:
    import httpx

__all__ = ["Deprecations"]

_MOST: Final = 1000
"""Operations that are remembered. `Sikoia.request` accepts any path."""
_UNIX_TIME: Final = lazy_pattern(r"@([0-9]{1,11})")
_NAMES: Final = frozenset({b"deprecation", b"sunset"})
_NO: Final = frozenset({"", "false", "?0"})
_LINK: Final = lazy_pattern(
    r"<(https://[A-Za-z0-9.-]{1,100}(?:/[A-Za-z0-9._~/-]{0,200})?)>\s*;"
    r"[^,]{0,200}?\brel=\"?(?:deprecation|sunset)\b"
)


class Deprecations:
    """The operations whose deprecation was made known, of one client."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def check(self, method: str, path: str, headers: httpx.Headers) -> None:
        """Log and warn if a response says that its operation is deprecated.

        A warning that the application turns into an error raises nothing: the response would get
        lost, which may have cost money.
        """
        if not any(name.lower() in _NAMES for name, _ in headers.raw):
            return
        since, until = headers.get("deprecation", "").strip(), headers.get("sunset", "").strip()
        operation = f"{method} {without_ids(path)}"
        is_announced = since.lower() not in _NO or until
        if not is_announced or operation in self._known or len(self._known) == _MOST:
            return
        self._known.add(operation)
        message = _message(operation, since, until, headers.get("link", ""))
        log_deprecation(message)
        with suppress(Exception):
            warnings.warn(message, APIDeprecationWarning, stacklevel=2)


def _message(operation: str, since: str, until: str, links: str) -> str:
    start, end = _date(since), _date(until)
    when = f" since {start}" if start is not None and start <= datetime.now(UTC).date() else ""
    if start is not None and not when:
        when = f" from {start} on"
    removal = f", and Sikoia removes it on {end}" if end is not None else ""
    link = _LINK.search(links)
    return f"{operation} is deprecated{when}{removal}{f': see {link[1]}' if link else ''}"


def _date(value: str) -> date | None:
    """Return the day of a header's time; None if it has none that can be read."""
    time = _UNIX_TIME.fullmatch(value)
    with suppress(ValueError, TypeError, OverflowError, OSError):
        moment = datetime.fromtimestamp(int(time[1]), UTC) if time else parsedate_to_datetime(value)
        return moment.date()
    return None
