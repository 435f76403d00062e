"""One at a time for each key; who comes second waits until the first has ended, however it did."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import attrs

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

__all__ = ["KeyedLock"]


@attrs.define
class _Entry:
    """Whose turn it is, and how many want it."""

    lock: anyio.Lock = attrs.field(factory=anyio.Lock)
    wanted: int = 0


class KeyedLock:
    """Gives turns, by key. A key that nobody wants any more takes no memory."""

    def __init__(self) -> None:
        self._turns: dict[str, _Entry] = {}

    @asynccontextmanager
    async def of(self, key: str) -> AsyncGenerator[None]:
        """Wait for a turn, and have it while the block runs.

        Raises:
            RuntimeError: this very task has it already.
        """
        turn = self._turns.setdefault(key, _Entry())
        turn.wanted += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.wanted -= 1
            if not turn.wanted:
                del self._turns[key]
