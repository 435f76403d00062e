"""Progress in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sikoia_async._validation import counted

if TYPE_CHECKING:
    from sikoia_async.batch.progress import HoldsUp, Progress, Stopped

__all__ = ["describe", "duration", "items", "rates"]

_NAMES: Final[dict[HoldsUp, str]] = {
    "rate limit": "the rate limit",
    "Sikoia": "Sikoia",
    "you": "input or output",
}
_AGAIN: Final[dict[Stopped, str]] = {
    "SIGINT": " (Ctrl-C again cancels them)",
    "SIGTERM": " (SIGTERM again cancels them)",
}
_UNITS: Final = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def describe(progress: Progress) -> str:
    """Return one line about a batch, without values of its items."""
    return f"batch: {items(progress)}; {rates(progress)}"


def items(progress: Progress) -> str:
    """Return how many items are in which state."""
    ended = progress.done + progress.failed + progress.in_doubt
    of_all = "" if progress.total is None else f"{ended:,} of "
    parts = [of_all + counted(ended if progress.total is None else progress.total, "item")]
    if progress.failed:
        parts.append(f"{progress.failed:,} failed")
    if progress.in_doubt:
        parts.append(f"{progress.in_doubt:,} in doubt")
    return ", ".join(parts)


def rates(progress: Progress) -> str:
    """Return rate, what the batch waits for, spend and the time left."""
    parts = [f"{progress.items_per_minute:,.0f} items/min"]
    if progress.paused:
        parts.append(f"paused for {duration(progress.paused)} after a 429")
    elif progress.holds_up is not None:
        parts.append(f"waiting for {_NAMES[progress.holds_up]}")
    if progress.spent:
        parts.append(counted(sum(progress.spent.values()), "chargeable call"))
    if progress.stopped is not None and progress.running:
        again = _AGAIN.get(progress.stopped, "")
        parts.append(f"stopping, {counted(progress.running, 'item')} in progress{again}")
    elif progress.stopped is not None:
        parts.append(f"stopped: {progress.stopped}")
    elif progress.eta:
        parts.append(f"{duration(progress.eta)} left")
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """Return a duration in its two largest units, such as `3 h 20 min`."""
    left = round(seconds)
    for index, (unit, size) in enumerate(_UNITS):
        if left >= size or size == 1:
            text = f"{left // size} {unit}"
            if index + 1 < len(_UNITS) and (rest := left % size // _UNITS[index + 1][1]):
                text += f" {rest} {_UNITS[index + 1][0]}"
            return text
    raise AssertionError  # pragma: no cover - the last unit fits all
