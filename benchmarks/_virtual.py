"""Time that jumps where an event loop would sleep: hours of waiting take a moment."""

import asyncio
import selectors

__all__ = ["VirtualLoop", "now"]


class _Jumping(selectors.DefaultSelector):
    """Where a loop would sleep, lets its time jump instead."""

    def __init__(self) -> None:
        super().__init__()
        self.jumped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout:
            self.jumped += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock moves only when nothing else is left to do."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return the virtual seconds."""
        return self._jumping.jumped


def now() -> float:
    """Return the seconds of the loop that runs."""
    return asyncio.get_running_loop().time()
