"""Concurrent calls from one event loop to the server on loopback, and their cost."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import attrs

__all__ = ["Call", "Wire", "cpu", "wall"]

_CALLS: Final = 128
"""Calls per round: a multiple of 64, because one response in 64 is checked for drift."""

Call = Callable[[], Awaitable[Any]]


@attrs.frozen
class Wire:
    """An event loop, and the server that it calls."""

    runner: asyncio.Runner
    url: str
    ca_file: str

    @property
    def scheme(self) -> str:
        """The scheme of the server: http or https."""
        return self.url.partition(":")[0]


def cpu(wire: Wire, call: Call, in_flight: int) -> float:
    """Return the CPU time per call of this process, with so many calls in flight."""
    start = time.process_time()
    wire.runner.run(_calls(call, in_flight))
    return (time.process_time() - start) / _CALLS


def wall(wire: Wire, call: Call, in_flight: int) -> float:
    """Return the elapsed time per call, with so many calls in flight."""
    start = time.perf_counter()
    wire.runner.run(_calls(call, in_flight))
    return (time.perf_counter() - start) / _CALLS


async def _calls(call: Call, in_flight: int) -> None:
    """Make the calls, with so many in flight."""
    left = iter(range(_CALLS))

    async def caller() -> None:
        for _ in left:
            await call()

    await asyncio.gather(*(caller() for _ in range(in_flight)))
