"""Polling: follow a resource until its status says that it is done, or repeat any call."""

from __future__ import annotations

from collections.abc import Coroutine
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

import attrs

from sikoia_async._errors import ArgumentTypeError
from sikoia_async._validation import validate_required, validate_type
from sikoia_async.operations.interval import Interval
from sikoia_async.operations.kinds import TASK, OperationKind
from sikoia_async.operations.operation import Operation, Progress, new_operation, with_first
from sikoia_async.operations.statuses import is_among

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sikoia_async.models import ResponseInfo
    from sikoia_async.operations.kinds import State
    from sikoia_async.operations.registry import OperationRegistry

__all__ = ["HasResponse", "poll"]

T = TypeVar("T")


class HasResponse(Protocol):
    """A model, or a list of models, that came from the API."""

    @property
    def response(self) -> ResponseInfo:
        """The response it came in."""
        ...


M = TypeVar("M", bound=HasResponse)


def follow(
    kind: OperationKind,
    ids: tuple[str, ...],
    retrieve: Callable[[int], Awaitable[M]],
    first: M | None,
    *,
    registry: OperationRegistry,
    state: Callable[[M], State],
) -> Operation[M]:
    """Return the operation of a resource that is retrieved by its ids.

    Args:
        kind: what it has in common with others.
        ids: identify the resource.
        retrieve: retrieves it. Its argument is the number of polls so far.
        first: the response to the request; None if there was none.
        registry: the client's live operations; if it knows this one, that is returned.
        state: returns how far the operation is, given a response.
    """

    def progress(value: M) -> Progress[M]:
        current = state(value)
        return Progress(
            done=current in {"done", "failed"},
            value=value,
            correlation_id=value.response.correlation_id,
            failed=current == "failed",
        )

    async def fetch(polls: int) -> Progress[M]:
        return progress(await retrieve(polls))

    def begun(value: M) -> Progress[M]:
        lacks_result = getattr(value, "data", None) is None
        if lacks_result and is_among(getattr(value, "status", None), kind.retrieved):
            return attrs.evolve(progress(value), done=False, is_ready=True)
        return progress(value)

    def make() -> Operation[M]:
        start = None if first is None else begun(first)
        return new_operation(fetch, start, kind=kind, ids=ids, registry=registry)

    operation = registry.get_or_add(kind, ids, make)
    return operation if first is None else with_first(operation, first)


@overload
async def poll(
    fetch: Callable[[], Awaitable[T]],
    *,
    until: Callable[[T], bool | Awaitable[bool]],
    interval: Interval = ...,
    timeout: float = ...,  # noqa: ASYNC109 - as below
) -> T: ...
@overload
async def poll(
    fetch: Callable[[], T],
    *,
    until: Callable[[T], bool | Awaitable[bool]],
    interval: Interval = ...,
    timeout: float = ...,  # noqa: ASYNC109 - as below
) -> T: ...
async def poll(
    fetch: Callable[[], Any],
    *,
    until: Callable[[Any], bool | Awaitable[bool]],
    interval: Interval = TASK.interval,
    timeout: float = TASK.timeout,  # noqa: ASYNC109 - the name that users expect
) -> Any:
    """Call `fetch` until its result meets a condition, and return that result.

        case = await poll(lambda: sikoia.cases.retrieve(case_id),
                          until=lambda case: case.stage == "Approved")

    Outages (`TransportError`, `RateLimitError`, `ServerError`) are waited through. Any other error
    that either function raises ends the polling.

    Args:
        fetch: makes one call. Both functions may be sync or async; a sync one runs in the event
            loop, and must not block it.
        until: returns whether a result is the one to wait for, as True or False. Other values are
            refused, because a condition that returns nothing would never be met.
        interval: pauses between calls.
        timeout: seconds to wait at most; with 0, `fetch` is called once.

    Raises:
        ArgumentTypeError: an argument has the wrong type, or `until` did not return a bool.
        OperationTimeoutError: no result met the condition in time; `error.last` is the last one.
    """
    validate_type("interval", validate_required("interval", interval), Interval, "an Interval")
    _validate_function("fetch", fetch)
    _validate_function("until", until)

    async def fetch_progress(_: int) -> Progress[Any]:
        result = await _awaited(fetch())
        is_met: object = await _awaited(until(result))
        if not isinstance(is_met, bool) and not _is_numpy_bool(is_met):
            msg = "until: expected a function that returns True or False; put bool(...) around it"
            raise ArgumentTypeError(msg)
        return Progress(bool(is_met), result)

    kind = OperationKind(name="poll", interval=interval)
    return await new_operation(fetch_progress, None, kind=kind).wait(timeout)


async def _awaited(result: Any) -> Any:
    return await result if isawaitable(result) else result


def _validate_function(name: str, value: object) -> None:
    if callable(value):
        return
    if isinstance(value, Coroutine):
        value.close()  # or it warns that it was never awaited
    msg = f"{name}: expected a function, sync or async, that can be called again and again"
    raise ArgumentTypeError(msg)


def _is_numpy_bool(value: object) -> bool:
    """Return whether this is the result of a comparison with numpy; it is not a bool."""
    return (type(value).__module__, type(value).__name__.rstrip("_")) == ("numpy", "bool")
