"""Runs code in the event loop of the server, between the steps of request handlers.

Handlers change the state in that event loop. Another thread that read the state directly could
see half of a change.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

__all__ = ["EventLoop"]

Result = TypeVar("Result")


class EventLoop:
    """The event loop that handles requests.

    An application without a server runs in the event loop of its caller. Functions are then
    called directly, and callers must not use other threads.
    """

    def __init__(self) -> None:
        self._loop: Future[asyncio.AbstractEventLoop] | None = None

    def expect_server(self) -> Future[asyncio.AbstractEventLoop]:
        """Return a future that the server completes with its event loop."""
        self._loop = Future()
        return self._loop

    def forget_server(self) -> None:
        """Call functions directly again, after the server has stopped."""
        self._loop = None

    def run(self, function: Callable[[], Result]) -> Result:
        """Call a function while no request handler runs; safe from any thread."""
        if self._loop is None or self._loop.result() is _running():
            return function()

        async def call() -> Result:
            # Without an await in between, no other task can run.
            return function()

        return self.run_coroutine(call)

    def run_coroutine(self, function: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Run a coroutine in the event loop of the server, and block until it has finished.

        Raises:
            RuntimeError: No server is running, or this is the server's own thread, which must
                not block.
        """
        if self._loop is None:
            msg = "the local Sikoia is not running: call this inside its `with` block"
            raise RuntimeError(msg)
        loop = self._loop.result()
        if loop is _running():
            msg = "this call blocks and would deadlock in the thread of the local Sikoia"
            raise RuntimeError(msg)
        return asyncio.run_coroutine_threadsafe(function(), loop).result()


def _running() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
