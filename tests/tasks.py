"""A task that is asked about by hand: what each poll finds is a list of answers and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from sikoia_async.errors import CallInfo
from sikoia_async.operations.operation import Operation, Progress
from sikoia_async.operations.registry import OperationKind, OperationRegistry
from sikoia_async.operations.token import TokenSigner

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PENDING", "Asked", "board_of", "call_info"]

PENDING = "Pending"


def call_info() -> CallInfo:
    """Return what errors of calls carry."""
    return CallInfo(
        method="GET", path="/v2/x", url="", correlation_id="c", sent_correlation_id="c",
        attempts=(), seconds=0.1,
    )  # fmt: skip


def board_of(*, relies: bool = False) -> OperationRegistry:
    """Return the operations of a client that has none."""
    return OperationRegistry(TokenSigner("https://api.example", "secret"), relies=relies)


class Asked:
    """Gives its answers in turn, the last one for ever; a poll takes 0.1 s. It notes the times.

    `Pending` is running, an exception is raised, `Failed` is a failure, anything else the result.
    """

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = list(answers)
        self.times: list[float] = []
        self.asked: list[int] = []
        self.before_answer: Callable[[], None] = lambda: None
        """Called while a poll is under way."""

    async def ask(self, asked: int) -> Progress[str]:
        """Give the next answer."""
        self.times.append(anyio.current_time())
        self.asked.append(asked)
        await anyio.sleep(0.05)
        self.before_answer()
        await anyio.sleep(0.05)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return self.progress(answer)

    def progress(self, answer: str) -> Progress[str]:
        """Say what an answer means."""
        return Progress(
            done=answer != PENDING,
            value=answer,
            correlation_id=f"id-{len(self.times)}",
            failed=answer == "Failed",
        )

    def operation(
        self,
        kind: OperationKind | None = None,
        *,
        first: str | None = PENDING,
        registry: OperationRegistry | None = None,
    ) -> Operation[str]:
        """Return the operation that asks this; without a `first` answer it is resumed."""
        kind, registry = kind or OperationKind(name="report"), registry or board_of()
        begun = None if first is None else self.progress(first)
        return registry.hold(
            kind,
            ("id",),
            lambda: Operation(
                self.ask, begun, kind=kind, ids=("id",), registry=registry, jitter=lambda: 0.0
            ),
        )
