"""A progress bar on a terminal, with rich (the extra `cli`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sikoia_async.batch.wording import items, rates

if TYPE_CHECKING:
    from sikoia_async.batch.progress import Progress

__all__ = ["Bar"]


class Bar:
    """Two lines on standard error: a bar with the items, and rates, spend and the time left.

    Args:
        console: where to draw.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._live = Live(
            console=Console(stderr=True) if console is None else console, auto_refresh=False
        )
        self._live.start()

    def show(self, progress: Progress) -> None:
        """Draw the bar."""
        ended = progress.done + progress.failed + progress.in_doubt
        line = Table.grid(padding=(0, 1))
        line.add_row(
            ProgressBar(total=progress.total, completed=ended, width=40, pulse=not progress.total),
            Text(items(progress)),
        )
        self._live.update(Group(line, Text(rates(progress))), refresh=True)

    def close(self) -> None:
        """Leave the bar as it is."""
        self._live.stop()
