"""Which of the requests that Sikoia lists may be the one whose response was lost."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sikoia_async.batch.classes import LISTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["candidates"]


def candidates(
    requests: Iterable[Any], operation: str, body: Mapping[str, Any], since: float
) -> list[Any]:
    """Return the requests that have these parameters and are not older; the oldest first.

    Args:
        requests: the requests that Sikoia lists for the subject.
        operation: what was requested.
        body: the fields of the request.
        since: seconds since the epoch.
    """
    compared = LISTED[operation].compared
    found = [
        one
        for one in requests
        if _time(one) >= since
        and all(_agree(body.get(sent), getattr(one, shown)) for sent, shown in compared.items())
    ]
    return sorted(found, key=_time)


def _time(request: Any) -> float:
    when: datetime | None = request.datetime_requested
    return float("inf") if when is None else when.timestamp()


def _agree(sent: object, shown: object) -> bool:
    """Return whether a parameter and what the list shows of it agree, or one is not known."""
    if sent is None or shown is None:
        return True
    return _plain(sent) == _plain(shown)


def _plain(value: object) -> str:
    """Return a value without what Sikoia may write differently: case, spaces, time of day."""
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, date):
        return value.isoformat()
    return "".join(str(value).casefold().split())
