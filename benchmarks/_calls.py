"""Calls from one event loop to the server on loopback, and what each one costs."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import attrs

__all__ = ["Call", "Wire", "cpu", "wall"]

_CALLS: Final = 128
"""Calls in a round: a multiple of 64, for one answer in 64 is looked at for drift."""

Call = Callable[[], Awaitable[Any]]


@attrs.frozen
class Wire:
    """An event loop, and the server to call from it."""

    runner: asyncio.Runner
    url: str
    ca_file: str

    @property
    def scheme(self) -> str:
        """How the server is spoken to: http or https."""
        return self.url.partition(":")[0]


def cpu(wire: Wire, call: Call, in_flight: int) -> float:
    """Return the seconds of this process's CPU that a call takes, with so many at once."""
    began = time.process_time()
    wire.runner.run(_calls(call, in_flight))
    return (time.process_time() - began) / _CALLS


def wall(wire: Wire, call: Call, in_flight: int) -> float:
    """Return the seconds on the wall."""
    began = time.perf_counter()
    wire.runner.run(_calls(call, in_flight))
    return (time.perf_counter() - began) / _CALLS


async def _calls(call: Call, in_flight: int) -> None:
    """Make the calls, so many at once."""
    left = iter(range(_CALLS))

    async def caller() -> None:
        for _ in left:
            await call()

    await asyncio.gather(*(caller() for _ in range(in_flight)))
