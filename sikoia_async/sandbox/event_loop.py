"""Takes turns with requests: what looks at everything does so between two steps of handlers.

Handlers change the state in the event loop of the server. A look from another thread would find
the changes half done, so it is taken there.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

__all__ = ["EventLoop"]

Result = TypeVar("Result")


class EventLoop:
    """Knows the event loop in which requests are answered, and has things done there.

    An application without a server is answered in the event loop of whoever calls it. Then things
    are done at once, and it is for the caller to be in no other thread.
    """

    def __init__(self) -> None:
        self._loop: Future[asyncio.AbstractEventLoop] | None = None

    def expect_server(self) -> Future[asyncio.AbstractEventLoop]:
        """Rely from now on on a server, which puts its event loop in here once it has one."""
        self._loop = Future()
        return self._loop

    def forget_server(self) -> None:
        """Rely on it no longer: it has ended."""
        self._loop = None

    def run(self, work: Callable[[], Result]) -> Result:
        """Do something while no request is being worked on; any thread may."""
        if self._loop is None or self._loop.result() is _running():
            return work()

        async def take() -> Result:
            # Nothing is awaited, so nothing else gets a turn.
            return work()

        return self.run_coroutine(take)

    def run_coroutine(self, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Do something in the event loop of the server, and block until it is done.

        Raises:
            RuntimeError: There is no server, or this is its own thread, which may not block.
        """
        if self._loop is None:
            msg = "the local Sikoia is not running: do this within its with block"
            raise RuntimeError(msg)
        loop = self._loop.result()
        if loop is _running():
            msg = "this blocks, and would wait for itself in the thread of the local Sikoia"
            raise RuntimeError(msg)
        return asyncio.run_coroutine_threadsafe(work(), loop).result()


def _running() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
