"""Keeps arguments out of tracebacks: error reporters record the local variables of each frame.

Names, bodies and secrets are arguments of public methods, and so stand in the frames of the SDK and
of the libraries below it. An error of the SDK says what happened without them, so it leaves its
methods without any frames. Any other exception, such as one of a function of the caller's or a
cancellation, keeps the caller's frames. If it is a defect of the SDK or of a library, a note says
where it was raised.
"""

from __future__ import annotations

from functools import wraps
from inspect import iscoroutinefunction
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, cast

from sikoia_async._errors import SikoiaError, entries_of, linked

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["LIBRARIES", "methods_without_frames", "without_frames", "without_frames_sync"]

P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C", bound=type)

LIBRARIES: Final = frozenset(
    {
        *("sikoia_async", "httpx", "httpcore", "h11", "h2", "httpx_aiohttp", "aiohttp"),
        *("httpx2", "httpcore2", "yarl"),
        *("anyio", "trio", "asyncio", "contextlib", "functools", "ssl", "json"),
        *("attr", "attrs", "cattrs", "msgspec"),
        *("redis", "valkey", "coredis", "asyncpg", "psycopg", "psycopg_pool", "sqlite3"),
        # What instruments httpx wraps its methods.
        *("sentry_sdk", "opentelemetry"),
    }
)
"""The packages whose frames are left out where the SDK, or one of these, has called them."""


def without_frames(
    function: Callable[P, Coroutine[Any, Any, T]],
) -> Callable[P, Coroutine[Any, Any, T]]:
    """Let exceptions leave an async function without the frames inside."""

    @wraps(function)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await function(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001 - raised again below
            failure = _shortened(error)
        del args, kwargs
        __tracebackhide__ = True  # for pytest and IPython, which then show the caller's line
        try:
            raise failure
        finally:
            del failure  # or its traceback would refer to itself

    return call


def without_frames_sync(function: Callable[P, T]) -> Callable[P, T]:
    """Do the same for a function that is not async."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001 - raised again below
            failure = _shortened(error)
        del args, kwargs
        __tracebackhide__ = True
        try:
            raise failure
        finally:
            del failure

    return call


def methods_without_frames(kind: C) -> C:
    """Do the same for all public async methods of a class."""
    for name, method in list(vars(kind).items()):
        if not name.startswith("_") and iscoroutinefunction(method):
            setattr(kind, name, without_frames(method))
    return kind


def _shortened(error: BaseException) -> BaseException:
    """Remove frames from an exception, from what caused it, and from what a group contains."""
    seen, left = set[int](), [(error, False)]
    while left:
        one, was_ours = left.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, SikoiaError):
            one.__traceback__, is_ours = None, True
            if one.__suppress_context__:
                one.__context__ = None
        else:
            is_ours = _keep_frames_of_the_caller(one, is_ours=was_ours)
        others = [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            others += cast("BaseExceptionGroup[BaseException]", one).exceptions
        left += [(other, is_ours) for other in others if other is not None]
    return error


def _keep_frames_of_the_caller(error: BaseException, *, is_ours: bool) -> bool:
    """Remove the SDK's frames, and those of libraries that it has called.

    Args:
        error: the exception.
        is_ours: whether the SDK has called a library that its first frames belong to: the context
            of an exception begins where it was raised and caught.

    Returns:
        Whether there were any.
    """
    kept, removed = list[TracebackType](), list[TracebackType]()
    is_first = not is_ours
    for entry in entries_of(error.__traceback__):
        package = _module(entry).partition(".")[0]
        is_ours = package == "sikoia_async" or (is_ours and package in LIBRARIES)
        (removed if is_ours else kept).append(entry)
    if removed and is_ours and is_first and isinstance(error, Exception):
        _note_place(error, removed)
    error.__traceback__ = linked(kept)
    return bool(removed)


def _note_place(error: Exception, entries: list[TracebackType]) -> None:
    """Say in a note where a defect is; those of this module are not its place."""
    places = [
        f"{_module(one)}:{one.tb_lineno} {one.tb_frame.f_code.co_qualname}"
        for one in entries
        if _module(one) != __name__
    ]
    if places:
        error.add_note(f"raised in {' > '.join(places[-_MOST_PLACES:])}")


def _module(entry: TracebackType) -> str:
    return str(entry.tb_frame.f_globals.get("__name__", ""))


_MOST_PLACES: Final = 5
