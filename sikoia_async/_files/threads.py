"""Worker threads for files, which are left behind if the disk hangs."""

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

from anyio import CapacityLimiter, to_thread

__all__ = ["in_thread"]

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
