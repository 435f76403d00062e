"""Hedged requests: a second attempt beside one that gets no response.

An attempt is never given up while its response may still arrive. So a dead connection costs half of
the time, and a slow server has all of it.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import anyio
from anyio.lowlevel import checkpoint
from sniffio import current_async_library_cvar

from sikoia_async._transport.event_loop import current_loop
from sikoia_async._transport.real_time import end_in_real_time

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from types import TracebackType

    from anyio.abc import TaskGroup

__all__ = ["hedged"]

T = TypeVar("T")

_SHORTEST: Final = 0.01
"""Seconds that pass at least between two looks at the first attempt."""


async def hedged(
    first: Callable[[], Awaitable[T]],
    second: Callable[[], Awaitable[T | None]],
    *,
    delay: float,
    silent_since: Callable[[], float | None],
    is_final: Callable[[T], bool],
    deadline: float = inf,
    left: float = inf,
) -> T | None:
    """Return the result of the first attempt, or of the second one if that has a response sooner.

    The attempt that is not needed is cancelled. Return None if the deadline ends both. One cancel
    scope serves for that and for the second attempt, because each takes a twentieth of a call.

    Args:
        first: makes the first attempt.
        second: makes the second attempt, and returns its result if that ends the call.
        delay: seconds that the first attempt may be silent, and at most half of the time left.
        silent_since: returns when the first attempt began to wait for a response; None if it does
            not wait for one now.
        is_final: returns whether a result of the first attempt ends the call, although the second
            one may have begun.
        deadline: when both end, on the clock of the event loop.
        left: seconds until then.
    """
    failures: list[BaseException] = []
    results: list[T] = []
    """Those that end the call."""
    others: list[T] = []

    async def try_second() -> None:
        await _silence(silent_since, delay)
        try:
            result = await second()
        except Exception:  # noqa: BLE001 - the first attempt decides how the call ends
            return
        if result is not None:
            results.insert(0, result)
            tasks.cancel_scope.cancel()

    tasks = anyio.create_task_group()
    async with _Timer(tasks, delay, try_second) as timer:
        tasks.cancel_scope.deadline = deadline
        try:
            with end_in_real_time(tasks.cancel_scope, left):
                result = await first()
        except anyio.get_cancelled_exc_class():
            raise
        except BaseException as error:  # noqa: BLE001 - raised again outside of the task group
            failures.append(error)
        else:
            (results if not timer.is_over or is_final(result) else others).append(result)
        if timer.is_over and (failures or results):
            tasks.cancel_scope.cancel()
    if results:
        return results[0]
    if failures:
        raise failures.pop()
    return None if tasks.cancel_scope.cancelled_caught else others[0]


class _Timer:
    """A task group, as a context manager, which starts a task after a delay.

    With asyncio, the task is created when the time is over. A timer costs a fifth of a task, and
    hardly any call needs a second attempt. Without the task, only the cancel scope of the group is
    left, because the group itself would wait for a turn of the event loop.
    """

    def __init__(
        self, tasks: TaskGroup, delay: float, function: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        self._tasks = tasks
        self._delay = delay
        self._function = function
        self._timer: Any = None
        self.is_over = False
        """Whether the task was created."""

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        call_later = getattr(current_loop(), "call_later", None)
        if call_later is None:
            self._start()
        else:
            self._timer = call_later(self._delay, self._start)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        if self._timer is not None:
            self._timer.cancel()
        if self.is_over:
            return await self._tasks.__aexit__(kind, error, trace)
        return self._tasks.cancel_scope.__exit__(kind, error, trace)

    def _start(self) -> None:
        self.is_over = True
        # The callback of a timer runs in no task. There, anyio finds asyncio only by this variable,
        # which `anyio.run` sets, and `asyncio.run` does not.
        library = current_async_library_cvar.set("asyncio")
        try:
            self._tasks.start_soon(self._function)
        finally:
            current_async_library_cvar.reset(library)


async def _silence(since: Callable[[], float | None], longest: float) -> None:
    """Wait until there was no response for half of the time that was left, or for the longest."""
    await checkpoint()  # the first attempt may have ended while this task was being started
    deadline = anyio.current_effective_deadline()
    while True:
        now = anyio.current_time()
        began = since()
        silent_from = now if began is None else began
        left = silent_from + min(longest, (deadline - silent_from) / 2) - now
        if began is not None and left <= 0:
            return
        await anyio.sleep(max(_SHORTEST, left))
