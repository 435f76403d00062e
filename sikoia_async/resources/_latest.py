"""The newest complete request of a list: what was bought before."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol, TypeVar

from sikoia_async.operations.statuses import is_success

__all__ = ["newest"]


class _Request(Protocol):
    """A request as it appears in lists."""

    @property
    def status(self) -> str | None: ...
    @property
    def datetime_requested(self) -> datetime | None: ...


R = TypeVar("R", bound=_Request)


def newest(requests: Iterable[R]) -> R | None:
    """Return the complete request with the latest `datetime_requested`; None if there is none.

    Those without a time come last. Among equals, the one that Sikoia lists first is returned.
    """
    complete = [one for one in requests if is_success(one.status)]
    return max(complete, key=lambda one: _time(one.datetime_requested), default=None)


def _time(when: datetime | None) -> float:
    return float("-inf") if when is None else when.timestamp()
