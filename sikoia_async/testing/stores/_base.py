"""What the rules of all kinds of stores have in common: two stores, a clock, and clear failures."""

from __future__ import annotations

import secrets
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

import anyio
import pytest
from anyio.lowlevel import checkpoint

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from sikoia_async.stores.shared import Stores

__all__ = ["SLACK", "Rules", "broken", "check", "timed", "unique"]

T = TypeVar("T")
R = TypeVar("R", bound="Rules")

_STEPS: Final = 40
"""How often an operation is cancelled, each time a step of the event loop later."""


SLACK: Final = 0.001
"""Seconds by which a time may be rounded up."""
_MARGIN: Final = 0.9
"""Times of the store and of the test may differ by a rounding."""


class TooSlowError(Exception):
    """So much time has passed that the store may do either."""


class Rules:
    """The rules of one kind of store; a subclass says how to open the stores.

    A test opens stores twice on one backend, as two processes do. It uses keys of its own, so that
    nothing has to be removed before or after it.
    """

    pytestmark: pytest.MarkDecorator | Sequence[pytest.MarkDecorator] = pytest.mark.anyio

    patience: float = 5.0
    """For how many seconds more than promised a store may keep something."""

    units: Sequence[float] = (0.05, 0.5, 5.0)
    """The shortest time that tests tell from none, in seconds. A test is repeated with the next
    one if the machine was too slow to tell, and skipped after the last."""

    def open(self) -> AbstractAsyncContextManager[Stores]:
        """Open the stores under test, and close them at the end. Override this.

        Stores that are opened a second time are on the same backend.
        """
        msg = "override `open` with an async context manager that returns the stores to test"
        raise NotImplementedError(msg)

    async def lose(self) -> None:
        """Remove all that the backend holds, as a server that restarts empty does.

        Override this if a backend can lose its state; without it, those tests are skipped.
        """
        pytest.skip("`lose` is not overridden, so the backend is taken never to lose its state")

    async def sleep(self, seconds: float) -> None:
        """Let time pass. Override this and `now` for stores with a clock that tests move."""
        await anyio.sleep(seconds)

    def now(self) -> float:
        """Return the time in seconds."""
        return time.monotonic()

    @asynccontextmanager
    async def pair(self, kind: Callable[[Stores], T | None]) -> AsyncGenerator[tuple[T, T]]:
        """Open two stores of one kind; skip the test if there are none.

        A failure is raised when they are closed: clients of servers put it in an exception group.
        """
        failure: BaseException | None = None
        async with self.open() as one, self.open() as two:
            first, second = kind(one), kind(two)
            if first is not None and second is not None:
                try:
                    yield first, second
                except (Exception, pytest.skip.Exception) as error:  # noqa: BLE001 - as above
                    failure = error
        if failure is not None:
            raise failure
        if first is None or second is None:
            pytest.skip("these stores do not hold this kind of state")

    def only_within(self, since: float, seconds: float) -> None:
        """Go on only if less than this time has passed since then.

        Raises:
            TooSlowError: more has passed; `timed` repeats the test with longer times.
        """
        if self.now() - since >= _MARGIN * seconds:
            raise TooSlowError

    async def eventually(
        self, seconds: float, probe: Callable[[], Awaitable[T | None]], rule: str
    ) -> T:
        """Return the first result of a probe that counts as true.

        Args:
            seconds: when there must be one; the patience is added.
            probe: asks the store.
            rule: what is broken if there is none.
        """
        until = self.now() + seconds + self.patience
        while not (result := await probe()):
            check(self.now() < until, rule)
            await self.sleep(min(self.units[0], max(self.patience / 2, seconds / 4)))
        return result

    async def cancel_each_step(self, operation: Callable[[], Awaitable[object]]) -> None:
        """Start an operation many times, and cancel it one step of the event loop later each."""
        for steps in range(_STEPS):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_run, operation)
                for _ in range(steps):
                    await checkpoint()
                tasks.cancel_scope.cancel()

    async def at_once(self, operations: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
        """Run operations in parallel, and return their results in any order."""
        results = list[T]()

        async def run(operation: Callable[[], Awaitable[T]]) -> None:
            results.append(await operation())

        async with anyio.create_task_group() as tasks:
            for operation in operations:
                tasks.start_soon(run, operation)
        return results


async def _run(operation: Callable[[], Awaitable[object]]) -> None:
    await operation()


def check(holds: object, rule: str) -> None:
    """Fail the test with the rule that is broken, unless it holds."""
    if not holds:
        broken(rule)


def broken(rule: str) -> NoReturn:
    """Fail the test with the rule that is broken.

    Raises:
        AssertionError: always.
    """
    raise AssertionError(rule)


def unique() -> str:
    """Return a random string, for accounts, keys and ids."""
    return secrets.token_hex(16)


def timed(test: Callable[[R, float], Awaitable[None]]) -> Callable[[R], Awaitable[None]]:
    """Turn a test that takes a unit of time into one that finds the shortest that is enough."""

    async def run(self: R) -> None:
        for unit in self.units:
            try:
                return await test(self, unit)
            except TooSlowError:
                continue
        pytest.skip("this machine is too slow to tell")

    run.__name__, run.__qualname__, run.__doc__ = test.__name__, test.__qualname__, test.__doc__
    run.__module__ = test.__module__
    return run
