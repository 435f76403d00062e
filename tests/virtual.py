"""Virtual time: a test of hours takes milliseconds."""

import asyncio
import selectors
from collections.abc import Mapping
from typing import Any

import trio.testing

__all__ = ["BACKENDS", "VirtualLoop"]


class _JumpingSelector(selectors.DefaultSelector):
    """Never blocks: if nothing is ready, it advances the time instead of sleeping."""

    def __init__(self) -> None:
        super().__init__()
        self.jumped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout:
            self.jumped += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock advances only when there is nothing else to do.

    It is for tests without sockets: data on a socket takes real time, and would arrive too late.
    """

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self._jumping.jumped


def _asyncio() -> tuple[str, Mapping[str, Any]]:
    return "asyncio", {"loop_factory": VirtualLoop}


def _trio() -> tuple[str, Mapping[str, Any]]:
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


BACKENDS = {"asyncio": _asyncio, "trio": _trio}
"""Functions that return a backend with virtual time, for the pytest plugin of anyio."""
