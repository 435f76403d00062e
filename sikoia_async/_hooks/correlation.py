"""Correlation ids: each request carries one, and each response returns one.

Source: https://docs.sikoia.com/docs/api-behaviour, "Correlation ID".
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final
from uuid import UUID

import httpx

from sikoia_async._errors import ArgumentError
from sikoia_async._logging import is_correlation_id
from sikoia_async._transport.headers import fields_of
from sikoia_async._transport.types import state_of
from sikoia_async._validation import plain_id_or_none, plain_string

__all__ = [
    "CORRELATION_ID_HEADER",
    "correlation_id",
    "current",
    "current_correlation_id",
    "receive",
    "send",
    "validate_correlation_id",
]

CORRELATION_ID_HEADER: Final = "X-Correlation-Id"
"""The header that carries correlation ids, in requests and responses."""
_FIELD: Final = CORRELATION_ID_HEADER.lower().encode()
_scoped: ContextVar[str | None] = ContextVar("sikoia_correlation_id", default=None)


@contextmanager
def correlation_id(value: str | UUID | None, *, or_new: bool = False) -> Generator[str]:
    """Send this id with every call made inside the block, by any client and task.

    In a web application, use the id of the incoming request. It then connects your user's request
    with Sikoia's logs:

        with correlation_id(request.headers.get(CORRELATION_ID_HEADER), or_new=True) as used: ...

    Args:
        value: the id.
        or_new: whether to use a new id if `value` is None or not valid, for example because it
            comes from an untrusted request.

    Yields:
        The id that is sent.

    Raises:
        ArgumentError: the id is not 1 to 128 letters, digits or any of `. _ ~ : -`.
    """
    value = plain_id_or_none(value)
    is_replaced = or_new and not is_correlation_id(value)
    used = _new_id() if is_replaced else validate_correlation_id(value)
    token = _scoped.set(used)
    try:
        yield used
    finally:
        _scoped.reset(token)


def validate_correlation_id(value: str | UUID | None) -> str:
    """Return a correlation id that can be sent.

    Raises:
        ArgumentError: it cannot be sent.
    """
    value = plain_id_or_none(value)
    if is_correlation_id(value):
        return plain_string(value)
    msg = "correlation_id: expected 1 to 128 letters, digits or any of . _ ~ : - (such as a UUID)"
    raise ArgumentError(msg)


def current_correlation_id() -> str | None:
    """Return the id of the enclosing `correlation_id` block, or None outside of one.

    With `setup` of an integration, that is the id of the request that is being handled. Add it to
    your own log records, for example in a `logging.Filter`.
    """
    return _scoped.get()


def current() -> str:
    """Return the id of the enclosing `correlation_id` block, or a new one."""
    return _scoped.get() or _new_id()


def _new_id() -> str:
    """Return what `str(uuid4())` does, in a third of the time."""
    random = bytearray(os.urandom(16))
    random[6] = random[6] & 0x0F | 0x40  # the version
    random[8] = random[8] & 0x3F | 0x80  # the variant
    text = random.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


async def send(request: httpx.Request) -> None:
    """Request hook: send the call's id, which is the same in all its attempts."""
    request.headers[CORRELATION_ID_HEADER] = state_of(request).correlation_id


async def receive(response: httpx.Response) -> None:
    """Response hook: keep the id of the response, if it is valid."""
    state = state_of(response.request)
    fields = state.fields or fields_of(response.headers)
    value = fields.get(_FIELD, b"").decode("latin-1")
    if is_correlation_id(value):
        state.received_id = value
