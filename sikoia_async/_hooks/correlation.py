"""Correlation ids: one goes out with each request, and one comes back with each answer.

Source: https://docs.sikoia.com/docs/api-behaviour, "Correlation ID".
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final
from uuid import uuid4

import httpx

from sikoia_async._errors import ConfigurationError
from sikoia_async._logging import is_correlation_id

__all__ = ["CORRELATION_ID_HEADER", "checked", "correlation_id", "current", "received", "send"]

CORRELATION_ID_HEADER: Final = "X-Correlation-Id"
"""The header of correlation ids, on the way out and back."""
_scoped: ContextVar[str | None] = ContextVar("sikoia_correlation_id", default=None)


@contextmanager
def correlation_id(value: str | None, *, or_new: bool = False) -> Generator[str]:
    """Send this id with all calls made in the block, in whatever client and task; give the id.

    In a web application that is the id of the request being served, so that one id leads from
    your user's click to Sikoia's logs:

        with correlation_id(request.headers.get(CORRELATION_ID_HEADER), or_new=True) as used: ...

    Args:
        value: the id.
        or_new: whether to take a new one where that is None or cannot be sent, for a stranger may
            have chosen it.

    Raises:
        ConfigurationError: the id is not 1 to 128 letters, digits or any of `. _ ~ : -`.
    """
    used = str(uuid4()) if or_new and not is_correlation_id(value) else checked(value)
    token = _scoped.set(used)
    try:
        yield used
    finally:
        _scoped.reset(token)


def checked(value: str | None) -> str:
    """Return the id if it can be sent.

    Raises:
        ConfigurationError: it cannot.
    """
    if is_correlation_id(value):
        return value
    msg = "a correlation id is 1 to 128 letters, digits or any of . _ ~ : - (a UUID, say)"
    raise ConfigurationError(msg)


def current() -> str:
    """Return the id of the block that surrounds the call, or a new one."""
    return _scoped.get() or str(uuid4())


async def send(request: httpx.Request) -> None:
    """Request hook: the call's id goes out, the same in all its attempts."""
    request.headers[CORRELATION_ID_HEADER] = request.extensions["correlation_id"]


async def received(response: httpx.Response) -> None:
    """Response hook: keep the id that came back, if it is one."""
    value = response.headers.get(CORRELATION_ID_HEADER, "")
    if is_correlation_id(value):
        response.request.extensions["received_id"] = value
