"""An operation polled by hand: each poll takes the next response or error of a list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from sikoia_async.errors import CallInfo
from sikoia_async.operations.kinds import OperationKind
from sikoia_async.operations.operation import Operation, Progress, new_operation
from sikoia_async.operations.registry import OperationRegistry
from sikoia_async.operations.token import TokenSigner

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PENDING", "Polled", "call_info", "make_registry"]

PENDING = "Pending"


def call_info() -> CallInfo:
    """Return the record of a call, for errors."""
    return CallInfo(
        method="GET", path="/v2/x", url="", correlation_id="c", sent_correlation_id="c",
        attempts=(), seconds=0.1,
    )  # fmt: skip


def make_registry(*, rely_on_events: bool = False, max_remembered: int = 4096) -> OperationRegistry:
    """Return a registry without a client, which gets every event if it relies on any."""
    return OperationRegistry(
        TokenSigner("https://api.example", "secret"),
        rely_on_events="always" if rely_on_events else False,
        max_remembered=max_remembered,
    )


class Polled:
    """Responds to polls in turn, with the last response for ever. A poll takes 0.1 s.

    `Pending` means running, `Failed` failed, an exception is raised, anything else is the result.
    """

    def __init__(self, *responses: str | Exception, retry_after: float | None = None) -> None:
        self.responses = list(responses)
        self.retry_after = retry_after
        self.times: list[float] = []
        """When each poll started."""
        self.polls: list[int] = []
        """How many polls came before, as the operation counts them."""
        self.during_poll: Callable[[], object] = lambda: None
        """Called in the middle of each poll."""

    @property
    def gaps(self) -> list[float]:
        """The seconds between polls."""
        return [b - a for a, b in zip(self.times, self.times[1:], strict=False)]

    async def fetch(self, polls: int) -> Progress[str]:
        """Poll once."""
        self.times.append(anyio.current_time())
        self.polls.append(polls)
        await anyio.sleep(0.05)
        self.during_poll()
        await anyio.sleep(0.05)
        response = self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]
        if isinstance(response, Exception):
            raise response
        return self.progress(response)

    def progress(self, response: str) -> Progress[str]:
        """Return what a response means."""
        return Progress(
            done=response != PENDING,
            value=response,
            retry_after=self.retry_after,
            correlation_id=f"id-{len(self.times)}",
            failed=response == "Failed",
        )

    def operation(
        self,
        kind: OperationKind | None = None,
        *,
        first: str | None = PENDING,
        registry: OperationRegistry | None = None,
        ids: tuple[str, ...] = ("id",),
    ) -> Operation[str]:
        """Return the operation that polls this. Without a `first` response it is resumed."""
        kind, registry = kind or OperationKind(name="report"), registry or make_registry()
        begun = None if first is None else self.progress(first)
        return registry.get_or_add(
            kind,
            ids,
            lambda: new_operation(
                self.fetch, begun, kind=kind, ids=ids, registry=registry, jitter=lambda: 0.0
            ),
        )
