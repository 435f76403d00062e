"""How far a batch is: `Progress`, and the rates that it is worked out from."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, Literal

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["HoldsUp", "Pace", "Progress", "Stopped"]

HoldsUp = Literal["rate limit", "Sikoia", "you"]
"""What a batch waits for most: its turn within the rate limit; Sikoia's responses and the rest of
the work on an item; or the loop over `batch.map` and the input."""
Stopped = Literal["stop", "SIGINT", "SIGTERM", "spend limit"]
"""Why a run ended early: `batch.stop()`, a signal, or `max_chargeable`."""

_LATEST: Final = 256
"""How many of the latest items rates are measured over."""
_MINUTE: Final = 60.0


@attrs.frozen(kw_only=True)
class Progress:
    """A batch at one moment.

    `done`, `failed`, `in_doubt` and `spent` include earlier runs with the same journal, and
    processes that share it.
    """

    total: int | None
    """How many items there are; None while that is not known."""
    done: int
    failed: int
    in_doubt: int
    """Items with a purchase that may have been made and is not repeated."""
    running: int
    """Items in progress."""
    left: int | None
    """Items that have not finished, including those in progress; None while that is not known."""
    spent: Mapping[str, int]
    """Chargeable calls by operation, such as `credit_reports.request`."""
    requests: int
    """Requests that were sent in this run."""
    seconds: float
    """How long this run has taken."""
    items_per_minute: float
    requests_per_minute: float
    eta: float | None
    """Seconds until all items have finished, at the recent rate; None while unknown."""
    holds_up: HoldsUp | None
    """What the batch waits for most; None before the first item has finished."""
    paused: float
    """Seconds until requests are sent again after a 429."""
    stopped: Stopped | None
    """Why the run ends, or ended, before all items were handled."""


@attrs.frozen
class _Mark:
    """What had happened when an item ended."""

    time: float
    items: int
    requests: int
    waited: float
    worked: float
    idle: float


class Pace:
    """The rates of the latest items of a run.

    Args:
        now: when the run began, on the clock of the event loop.
        waited: how many seconds the requests of the client had waited for the rate limit then.
    """

    def __init__(self, now: float, waited: float) -> None:
        self.items: int = 0
        """How many items have ended."""
        self.requests: int = 0
        """How many requests they took."""
        self.worked: float = 0.0
        """How many seconds they took together."""
        self.idle: float = 0.0
        """How many seconds workers have waited for the input, or for their result to be taken."""
        self.began = now
        self._marks = deque([_Mark(now, 0, 0, waited, 0.0, 0.0)], maxlen=_LATEST)

    def end(self, now: float, *, sent: int, waited: float) -> None:
        """Count an item that has ended.

        Args:
            now: when it ended.
            sent: how many requests the run has sent.
            waited: how many seconds requests have waited for the rate limit.
        """
        self.items += 1
        self._marks.append(_Mark(now, self.items, sent, waited, self.worked, self.idle))

    def items_per_minute(self, now: float) -> float:
        """Return the rate of the latest items."""
        first, last = self._marks[0], self._marks[-1]
        return _MINUTE * (last.items - first.items) / max(now - first.time, 1e-9)

    def requests_per_minute(self, now: float) -> float:
        """Return the rate of the latest requests."""
        first, last = self._marks[0], self._marks[-1]
        return _MINUTE * (last.requests - first.requests) / max(now - first.time, 1e-9)

    def holds_up(self) -> HoldsUp | None:
        """Return what the latest items have waited for most."""
        first, last = self._marks[0], self._marks[-1]
        if not self.items:
            return None
        waited = last.waited - first.waited
        seconds: dict[HoldsUp, float] = {
            "rate limit": waited,
            "Sikoia": last.worked - first.worked - waited,
            "you": last.idle - first.idle,
        }
        return max(seconds, key=seconds.__getitem__)


def eta(
    *,
    left: int,
    per_item: float,
    under_way: int,
    quota: float | None,
    items: float,
    requests: float,
) -> float | None:
    """Return the seconds until all items have ended.

    Args:
        left: how many have not, including those in progress.
        per_item: how many requests an item takes.
        under_way: how many requests were sent for the items in progress.
        quota: the requests a minute that the rate limit allows.
        items: the items a minute.
        requests: the requests a minute.
    """
    if not left:
        return 0.0
    if not items:
        return None
    if not per_item or not requests:
        return _MINUTE * left / items
    rate = requests if quota is None else min(quota, requests)
    return _MINUTE * max(0.0, left * per_item - under_way) / rate
