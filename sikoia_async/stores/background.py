"""Work of a client that outlives a call, such as telling a store that a request has ended."""

from __future__ import annotations

import asyncio
import logging
from contextvars import Context
from typing import TYPE_CHECKING, Any, Final

import anyio
from anyio.lowlevel import current_token

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["Background", "is_cancelled"]

_log = logging.getLogger("sikoia_async")

_CLOSE_TIMEOUT: Final = 1.0
"""Seconds in which cancelled work has to end."""


def is_cancelled() -> bool:
    """Return whether the current task of asyncio is being cancelled, as all are when it ends.

    What such a task starts may never run, and a worker thread that it uses may never end.
    """
    if not isinstance(current_token().native_token, asyncio.AbstractEventLoop):
        return False  # trio ends system tasks
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class Background:
    """Tasks that belong to a client, and not to the task that started them.

    They inherit neither its cancellation nor its context variables. On asyncio each is a task of
    the loop, on trio a system task.
    """

    def __init__(self) -> None:
        self._scopes: set[anyio.CancelScope] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        """Strong references: asyncio keeps weak ones only."""
        self._ended: anyio.Event | None = None
        """Set when the last task ends; None unless `aclose` waits for that."""

    @property
    def busy(self) -> bool:
        """Whether a task is running."""
        return bool(self._scopes)

    def start(self, function: Callable[[], Awaitable[None]]) -> anyio.CancelScope:
        """Run an async function in a task, and return the scope that cancels it.

        What it raises is logged, with its type only: a store's message may contain a password.
        """
        scope = anyio.CancelScope()
        self._scopes.add(scope)
        loop = current_token().native_token
        if isinstance(loop, asyncio.AbstractEventLoop):
            # Without the caller's context variables, such as its tracing span.
            task = loop.create_task(self._run(function, scope), context=Context())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            import trio  # noqa: PLC0415 - trio is optional

            trio.lowlevel.spawn_system_task(self._run, function, scope)
        return scope

    async def _run(self, function: Callable[[], Awaitable[Any]], scope: anyio.CancelScope) -> None:
        """Run a function. An error must not escape: trio would take it for a crash of its own."""
        try:
            with scope:
                await function()
        except Exception as error:  # noqa: BLE001 - it runs methods of a store, which may raise anything
            _log.warning("background work of the client failed with %s", type(error).__name__)
        finally:
            self._scopes.discard(scope)
            if not self._scopes and self._ended is not None:
                self._ended.set()

    async def aclose(self) -> None:
        """Cancel all tasks, and wait for a moment until they have ended."""
        if not self._scopes:
            return
        for scope in self._scopes:
            scope.cancel()
        self._ended = anyio.Event()
        with anyio.move_on_after(_CLOSE_TIMEOUT, shield=True):
            await self._ended.wait()
