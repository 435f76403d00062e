"""Single flight: concurrent callers share one result.

If the leader is cancelled, the next caller takes over.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Generic, TypeVar

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["NotShared", "SingleFlight"]

T = TypeVar("T")


class NotShared(Exception):  # noqa: N818 - wraps an error
    """Wraps an error that only the leader gets; the next caller takes over.

    Args:
        error: what the leader's call raises.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


class _Flight(Generic[T]):
    """A run of the work. It has neither result nor error if its leader was cancelled."""

    def __init__(self) -> None:
        self.done = anyio.Event()
        self.results: list[T] = []
        self.error: Exception | None = None


class SingleFlight(Generic[T]):
    """Runs some work once at a time, for any number of concurrent callers.

    The first caller, the leader, runs it in its own task, and can be cancelled like any other. The
    state changes without an `await`, so cancellation never finds it half changed.
    """

    def __init__(self) -> None:
        self._flight: _Flight[T] | None = None

    @property
    def busy(self) -> bool:
        """Whether the work is running."""
        return self._flight is not None

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Return the result of `work`, or of the run that is already in progress.

        Raises:
            Exception: the error of the work. Every caller gets its own copy, because an exception
                raised in several tasks would collect the tracebacks of all of them.
        """
        while (flight := self._flight) is not None:
            await flight.done.wait()
            if flight.results:
                return flight.results[0]
            if flight.error is not None:
                raise copy.copy(flight.error)
        return await self._lead(work)

    async def _lead(self, work: Callable[[], Awaitable[T]]) -> T:
        flight = self._flight = _Flight[T]()
        try:
            result = await work()
            flight.results.append(result)
        except NotShared as failure:
            unshared = failure.error
        except Exception as error:
            flight.error = error
            raise
        else:
            return result
        finally:
            self._flight = None
            flight.done.set()
            del flight  # its error has a traceback, which holds this frame
        try:
            raise unshared
        finally:
            del unshared
