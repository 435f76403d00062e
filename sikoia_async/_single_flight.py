"""One does the work, the others share its outcome; a cancelled worker hands over to the next."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Generic, TypeVar

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["NotShared", "SingleFlight"]

T = TypeVar("T")


class NotShared(Exception):  # noqa: N818 - it carries an error, and is none
    """Raised by work whose failure is its worker's alone; the others go on."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


class _Flight(Generic[T]):
    """A piece of work under way. Neither result nor error: its worker was cancelled."""

    def __init__(self) -> None:
        self.landed = anyio.Event()
        self.results: list[T] = []
        self.error: Exception | None = None


class SingleFlight(Generic[T]):
    """Runs one piece of work at a time, however many ask for it.

    No task is spawned: the first caller works, and is cancelled like any other caller. Nothing is
    awaited while the state changes, so that cancellation finds it whole.
    """

    def __init__(self) -> None:
        self._flight: _Flight[T] | None = None

    @property
    def busy(self) -> bool:
        """Whether somebody is at work."""
        return self._flight is not None

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Return the outcome of `work`, or of the same work that is under way already.

        Raises:
            Exception: what the work raised, to each caller a copy of its own, for an exception
                that several tasks raise gathers the tracebacks of all.
        """
        while (flight := self._flight) is not None:
            await flight.landed.wait()
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
            own = failure.error
        except Exception as error:
            flight.error = error
            raise
        else:
            return result
        finally:
            self._flight = None
            flight.landed.set()
        raise own
