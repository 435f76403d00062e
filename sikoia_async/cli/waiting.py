"""Waits for operations, with progress on a terminal, and shows those that still run."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import anyio

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from sikoia_async import Operation
    from sikoia_async.cli.output import Output

__all__ = ["progress", "row_of", "show_operation", "wait"]


def show_operation(operation: Operation[Any], output: Output) -> None:
    """Print an operation, with the token to wait for it later."""
    output.show(row_of(operation, output))


def row_of(operation: Operation[Any], output: Output) -> dict[str, Any]:
    """Return an operation as JSON, with the token to wait for it later."""
    return {
        "kind": operation.kind,
        "ids": list(operation.ids),
        "status": operation.status,
        "done": operation.done,
        "token": operation.token,
        "first": output.plain(operation.first),
    }


async def wait(operation: Operation[Any], seconds: float | None) -> Any:
    """Return the result of an operation.

    If it is interrupted, it prints how to continue.

    Args:
        operation: the operation.
        seconds: how long to wait at most; None for as long as operations of its kind usually take.

    Raises:
        OperationTimeoutError: there was no result in time.
        SikoiaError: whatever `Operation.wait` raises.
    """
    try:
        with progress(f"waiting for {operation.kind}"):
            return await operation.wait(seconds)
    except anyio.get_cancelled_exc_class():
        print(f"It continues at Sikoia: sikoia wait {operation.token}", file=sys.stderr)
        raise


@contextmanager
def progress(about: str) -> Generator[Callable[[str], None]]:
    """Show on a terminal what is waited for, and for how long, if rich is installed.

    Args:
        about: what is waited for.

    Yields:
        A function that changes it.
    """
    if not sys.stderr.isatty() or find_spec("rich") is None:
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 - for terminals only
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(about, total=None)
        yield lambda changed: shown.update(task, description=changed)
