"""Virtual time: tests that wait for hours take milliseconds, because the clock jumps ahead.

For tests without sockets: data on a socket takes real time and would arrive too late.
"""

from __future__ import annotations

import asyncio
import selectors
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, TypeVarTuple

import anyio

from sikoia_async import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Executor

__all__ = ["VirtualEventLoop", "virtual_backend", "virtual_time"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_PATIENCE: Final = 10.0
_LOOK: Final = 0.01
"""Real seconds to wait for the result of a worker thread at a time."""


class VirtualEventLoop(asyncio.SelectorEventLoop):
    """An event loop of asyncio whose clock moves only when there is nothing else to do.

        with asyncio.Runner(loop_factory=VirtualEventLoop) as runner:
            runner.run(test())

    It then jumps to the next timer. While a worker thread of anyio or of the loop's executors is
    working, it waits for that in real time.

    Args:
        patience: real seconds to wait for a thread at most. A thread may itself be waiting for the
            loop, and then the clock has to move.
    """

    def __init__(self, patience: float = _PATIENCE) -> None:
        self._jumping = _JumpingSelector(self, round(patience / _LOOK))
        self._executing = 0
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return the virtual time in seconds, which starts at 0."""
        return self._jumping.now

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Call a function in a thread, as `asyncio.to_thread` does; the clock stands still."""
        future = super().run_in_executor(executor, func, *args)
        self._executing += 1
        future.add_done_callback(self._executed)
        return future

    def _executed(self, _: object) -> None:
        self._executing -= 1

    async def shutdown_default_executor(self, *args: Any, **options: Any) -> None:
        """Wait for the threads of the loop's executor, in real time."""
        self._executing += 1
        try:
            await super().shutdown_default_executor(*args, **options)
        finally:
            self._executing -= 1

    def has_busy_thread(self) -> bool:
        """Return whether a worker thread has not handed over its result."""
        return self._executing > 0 or any(map(self._is_busy, threading.enumerate()))

    def _is_busy(self, thread: threading.Thread) -> bool:
        """Return whether this is a thread of anyio that works for this loop."""
        is_ours = getattr(thread, "loop", None) is self
        return is_ours and thread not in getattr(thread, "idle_workers", (thread,))


class _JumpingSelector(selectors.DefaultSelector):
    """Moves the clock forward instead of waiting, if nothing is ready."""

    def __init__(self, loop: VirtualEventLoop, looks: int) -> None:
        super().__init__()
        self.now = 0.0
        self._looks = looks
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:  # without a timer, only a thread can cause anything
            return super().select(None)
        ready = super().select(0)
        for _ in range(self._looks):
            if ready or not timeout or not self._loop.has_busy_thread():
                break
            ready = super().select(_LOOK)
        if not ready:
            self.now += timeout
        return ready


def virtual_backend(
    name: Literal["asyncio", "trio"] = "asyncio", *, patience: float = _PATIENCE
) -> tuple[str, Mapping[str, Any]]:
    """Return a backend with virtual time, for the fixture `anyio_backend` of anyio's plugin.

        @pytest.fixture(params=["asyncio", "trio"])
        def anyio_backend(request):
            return virtual_backend(request.param)

    Args:
        name: the event loop.
        patience: real seconds that the clock waits for a worker thread at most.

    Raises:
        ArgumentError: the backend is unknown.
    """
    if name == "asyncio":
        return name, {"loop_factory": partial(VirtualEventLoop, patience)}
    if name != "trio":
        msg = "name: expected 'asyncio' or 'trio'"
        raise ArgumentError(msg)
    from sikoia_async.testing._virtual_trio import VirtualClock  # noqa: PLC0415 - trio is optional

    return name, {"clock": VirtualClock(round(patience / _LOOK))}


def virtual_time() -> float:
    """Return the time of the event loop; 0 outside of one.

    The clock of a local Sikoia in virtual time: `MemorySandbox(time=Time(clock=virtual_time))`.
    """
    try:
        return anyio.current_time()
    except RuntimeError:
        return 0.0
