"""Waits for several operations at once."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import anyio
import attrs

from sikoia_async import OperationFailedError, OperationTimeoutError, SikoiaError
from sikoia_async.cli.exit_codes import ExitCode, describe
from sikoia_async.cli.waiting import progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sikoia_async import Operation

__all__ = ["Outcome", "wait_for_several"]


@attrs.frozen
class Outcome:
    """What became of an operation."""

    operation: Operation[Any]
    error: SikoiaError | None = None

    @property
    def state(self) -> str:
        """`done`, `failed` or `running`; `unknown` if it cannot be polled."""
        if self.error is None:
            return "done"
        if isinstance(self.error, OperationFailedError):
            return "failed"
        return "running" if isinstance(self.error, OperationTimeoutError) else "unknown"

    @property
    def code(self) -> ExitCode:
        """The exit code for it."""
        return ExitCode.DONE if self.error is None else describe(self.error)[0]

    def row(self, plain: Callable[[object], Any]) -> dict[str, Any]:
        """Return it as JSON.

        Args:
            plain: returns a model as JSON, masked if it has to be.
        """
        one = self.operation
        return {
            "token": one.token,
            "kind": one.kind,
            "state": self.state,
            "status": one.status,
            "result": plain(one.last),
            "error": None if self.error is None else describe(self.error)[1],
        }


async def wait_for_several(
    operations: Sequence[Operation[Any]],
    seconds: float | None,
    ended: Callable[[Outcome], None],
) -> None:
    """Wait for all operations at once. If this is interrupted, it prints how to continue.

    Args:
        operations: the operations.
        seconds: how long to wait at most; None for as long as operations of a kind usually take.
        ended: called with each outcome as soon as it is known.
    """
    left = {one.token: one for one in operations}

    async def wait(operation: Operation[Any]) -> None:
        try:
            await operation.wait(seconds)
            outcome = Outcome(operation)
        except SikoiaError as error:
            outcome = Outcome(operation, error)
        del left[operation.token]
        say(f"waiting for {len(left)} of {len(operations)} operations")
        ended(outcome)

    try:
        with progress(f"waiting for {len(operations)} operations") as say:
            async with anyio.create_task_group() as tasks:
                for one in operations:
                    tasks.start_soon(wait, one)
    except anyio.get_cancelled_exc_class():
        print(f"They continue at Sikoia: sikoia wait {' '.join(left)}", file=sys.stderr)
        raise
