"""Ends waits in real time while a test library has stopped the clocks.

freezegun stops `time.monotonic`, and with it the timers of event loops: a deadline would never
pass, and a test with a missing response would hang for ever.
"""

import threading
import time
from contextlib import AbstractContextManager, nullcontext, suppress
from types import BuiltinFunctionType, TracebackType
from typing import Final

import anyio
from anyio.lowlevel import EventLoopToken, current_token

__all__ = ["end_in_real_time"]


def end_in_real_time(
    scope: anyio.CancelScope, seconds: float
) -> AbstractContextManager[object, None]:
    """Cancel a scope after so many real seconds, if the clocks are replaced.

    Returns:
        A context manager, to enter inside the scope. It does nothing outside such tests.
    """
    if isinstance(time.monotonic, BuiltinFunctionType):
        return _NOTHING
    return _Timer(scope, min(seconds, threading.TIMEOUT_MAX))


class _Timer:
    def __init__(self, scope: anyio.CancelScope, seconds: float) -> None:
        self._timer = threading.Timer(seconds, _cancel, (scope, current_token()))
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()


def _cancel(scope: anyio.CancelScope, token: EventLoopToken) -> None:
    from anyio import from_thread  # noqa: PLC0415 - used in such tests only

    with suppress(RuntimeError):  # the event loop has ended in this moment
        from_thread.run_sync(scope.cancel, token=token)


_NOTHING: Final = nullcontext()
