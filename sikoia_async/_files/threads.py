"""Worker threads: for files, which are left behind if the disk hangs, and for large responses."""

from collections.abc import Callable
from typing import Final, TypeVar, TypeVarTuple

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

__all__ = ["in_thread", "in_turn"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


async def in_thread(function: Callable[[*Ts], T], *args: *Ts) -> T:
    """Call a function in a worker thread; a cancellation leaves the thread behind.

    The limiter is a new one: with anyio's own, threads that hang would use up the limit that the
    whole application shares.
    """
    return await to_thread.run_sync(
        function, *args, abandon_on_cancel=True, limiter=CapacityLimiter(1)
    )


async def in_turn(function: Callable[[], T]) -> T:
    """Call a function that needs the processor in a worker thread, one at a time.

    Several such threads would keep the event loop from running. If the system has no thread left,
    the function is called here.
    """
    has_begun = False

    def run() -> T:
        nonlocal has_begun
        has_begun = True
        return function()

    try:
        limiter = _turns.get()
    except LookupError:
        limiter = CapacityLimiter(1)
        _turns.set(limiter)
    try:
        return await to_thread.run_sync(run, abandon_on_cancel=True, limiter=limiter)
    except RuntimeError:
        if has_begun:
            raise
    return function()


_turns: Final = RunVar[CapacityLimiter]("sikoia_turns")
