"""How commands end: quietly on Ctrl-C, SIGTERM, a closed terminal and a broken pipe."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import FrameType

__all__ = ["run_quietly"]

_SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)
)
_BROKEN_PIPE: Final = 128 + 13
"""The exit code of a program that SIGPIPE ends."""
_CLOSED_TERMINAL: Final = 128 + 1
"""The same for SIGHUP."""


def run_quietly(name: Callable[[], str], command: Callable[[], int]) -> int:
    """Run a command, and return its exit code.

    That is what the command returns; a code of `ExitCode` after an error, which is printed in one
    line; or 128 and the number of the signal that has ended it, as shells do.

    Args:
        name: Returns the name of the command, for the line.
        command: It gets a `KeyboardInterrupt` on Ctrl-C, SIGTERM, and when the terminal is closed.
    """
    with _interrupting() as received:
        try:
            try:
                return command()
            finally:
                _flush()
        except KeyboardInterrupt:
            _abandon_output()
            return 128 + (received or [signal.SIGINT])[0]
        except Exception as error:  # noqa: BLE001 - a traceback would help nobody
            return _output_ended(error) or _failed(name(), error)


@contextmanager
def _interrupting() -> Generator[list[int]]:
    """Treat other signals in the block as Ctrl-C, and note their numbers.

    While an event loop runs, Ctrl-C cancels its main task; otherwise it raises `KeyboardInterrupt`.
    """
    received = list[int]()
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        received.append(number)
        handler = signal.getsignal(signal.SIGINT)
        (handler if callable(handler) else signal.default_int_handler)(signal.SIGINT, frame)

    # Programs that nohup has started, for example, ignore a signal.
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    caught = [number for number, handler in before.items() if handler != signal.SIG_IGN]
    for number in caught:
        signal.signal(number, interrupt)
    try:
        yield received
    finally:
        for number in caught:
            signal.signal(number, before[number])


def _output_ended(error: Exception) -> int:
    """Return the exit code if nobody reads the output any more; otherwise 0."""
    if not isinstance(error, OSError) or error.filename is not None:
        return 0
    code = {errno.EPIPE: _BROKEN_PIPE, errno.EIO: _CLOSED_TERMINAL}.get(error.errno or 0, 0)
    if code:
        _abandon_output()
    return code


def _failed(name: str, error: Exception) -> int:
    from sikoia_async.cli.exit_codes import describe  # noqa: PLC0415 - loaded when one fails

    _abandon_output()
    code, line = describe(error)
    with suppress(OSError):
        print(f"{name}: {line}", file=sys.stderr)
    return code


def _flush() -> None:
    # Python sets it to None if the descriptor is closed.
    if sys.stdout is not None:  # pyright: ignore[reportUnnecessaryComparison]
        sys.stdout.flush()


def _abandon_output() -> None:
    """Print what can still be printed, and discard the rest, which Python would print on exit."""
    try:
        _flush()
    except (OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
