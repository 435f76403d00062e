"""Time that jumps: a test of hours takes milliseconds, and nothing sleeps."""

import asyncio
import selectors
from collections.abc import Mapping
from typing import Any

import trio.testing

__all__ = ["BACKENDS", "VirtualLoop"]


class _JumpingSelector(selectors.DefaultSelector):
    """Asks what is ready, and where the loop would sleep lets its time jump instead."""

    def __init__(self) -> None:
        super().__init__()
        self.jumped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout:
            self.jumped += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock moves only when nothing else is left to do.

    For tests without sockets: what comes over the wire takes real time, and would come too late.
    """

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return the virtual seconds."""
        return self._jumping.jumped


def _asyncio() -> tuple[str, Mapping[str, Any]]:
    return "asyncio", {"loop_factory": VirtualLoop}


def _trio() -> tuple[str, Mapping[str, Any]]:
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


BACKENDS = {"asyncio": _asyncio, "trio": _trio}
"""Makes a fresh backend with virtual time, for anyio's pytest plugin."""
