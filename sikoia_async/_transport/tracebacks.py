"""Keeps arguments out of tracebacks: error reporters record the local variables of each frame.

Names, bodies and secrets are arguments of public methods, and so stand in the frames of the SDK.
An error of the SDK says what happened without them, so it leaves its methods without their frames.
"""

from __future__ import annotations

from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from sikoia_async._errors import SikoiaError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["methods_without_frames", "without_frames", "without_frames_sync"]

P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C", bound=type)


def without_frames(
    function: Callable[P, Coroutine[Any, Any, T]],
) -> Callable[P, Coroutine[Any, Any, T]]:
    """Let the errors of an async function leave it without the frames inside."""

    @wraps(function)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - raised again below
            failure = _shortened(error)
        del args, kwargs
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
        except Exception as error:  # noqa: BLE001 - raised again below
            failure = _shortened(error)
        del args, kwargs
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


def _shortened(error: Exception) -> Exception:
    """Return an error of the SDK without its frames, and any other without that of the wrapper."""
    if not isinstance(error, SikoiaError):
        trace = error.__traceback__
        return error.with_traceback(None if trace is None else trace.tb_next)
    one: BaseException | None = error
    while isinstance(one, SikoiaError):
        one.__traceback__ = None
        if one.__suppress_context__:
            one.__context__ = None
        one = one.__cause__ or one.__context__
    return error
