"""The rows of the table, and which of them a peer wins."""

from collections.abc import Iterator, Sequence
from typing import Literal

import attrs

__all__ = ["Better", "Row", "groups", "is_behind", "ranked"]

Better = Literal["less", "more"]


@attrs.frozen
class Row:
    """A row of the table."""

    what: str
    """What is measured. It begins with two spaces or `…` if it belongs to the row above."""
    ours: str
    peer: str
    ratio: float | None = None
    target: str = "-"
    met: str = "-"
    quartiles: tuple[float, float] | None = None
    """Of the ratio: half of the rounds are between them."""
    better: Better | None = None
    """Which ratio is the better one, below 1 or above it."""


def is_behind(row: Row) -> bool:
    """Return whether the peer wins, or a target is missed."""
    ratio = 1.0 if row.ratio is None else row.ratio
    loses = (row.better == "less" and ratio > 1) or (row.better == "more" and ratio < 1)
    return loses or row.met.lower() == "no"


def ranked(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Return the rows that are behind and the others, each with the rows that belong to it."""
    behind, others = list[Row](), list[Row]()
    for group in groups(rows):
        (behind if any(map(is_behind, group)) else others).extend(group)
    return behind, others


def groups(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Yield each row with those that belong to it."""
    group = list[Row]()
    for row in rows:
        if group and not row.what.startswith(("  ", "…")):
            yield group
            group = []
        group.append(row)
    if group:
        yield group
