"""Converts responses and faults to recorded interactions, and back."""

from __future__ import annotations

import errno
import os
import ssl
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast, get_args

import attrs
import httpx
import msgspec

from sikoia_async._hooks.correlation import CORRELATION_ID_HEADER
from sikoia_async._retry import policy
from sikoia_async._schema.json import DecodeError, read_json
from sikoia_async._transport.body import BodyError, Inflater
from sikoia_async.testing.cassettes.file import Content, Fault, Interaction
from sikoia_async.testing.cassettes.placeholders import content_of, media_type, placeholder
from sikoia_async.testing.cassettes.scrubber import AS_SENT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sikoia_async.testing.cassettes.requests import Request
    from sikoia_async.testing.cassettes.scrubber import Scrubber

__all__ = ["record_fault", "record_response", "replay"]

_LOCATION: Final = "location"
_RETRY_AFTER: Final = "retry-after"
_CORRELATION_ID: Final = CORRELATION_ID_HEADER.lower()
_FAULTS: Final[dict[str, type[httpx.TransportError]]] = {
    name: getattr(httpx, name) for name in get_args(Fault)
}
_ERROR_NUMBERS: Final = {name: number for number, name in errno.errorcode.items()}


def record_response(
    request: Request, response: httpx.Response, body: bytes, scrubber: Scrubber
) -> Interaction:
    """Return what is kept of a complete response."""
    content, json = _scrubbed_body(request.into, response, body, scrubber)
    return Interaction(
        request=request.recorded,
        status=response.status_code,
        headers=_headers(response.headers, scrubber),
        content=content,
        json=json,
    )


def record_fault(
    request: Request,
    error: Exception,
    response: httpx.Response | None,
    scrubber: Scrubber,
    *,
    unsent: bool,
) -> Interaction | None:
    """Return what is kept of a fault, or None for an error that is not a fault.

    Args:
        request: the request that was sent.
        error: the exception that was raised.
        response: the response, if the fault interrupted its body.
        scrubber: removes personal data.
        unsent: whether it is certain that nothing was sent.
    """
    name = type(error).__name__
    if name not in _FAULTS:
        return None
    return Interaction(
        request=request.recorded,
        status=None if response is None else response.status_code,
        headers={} if response is None else _headers(response.headers, scrubber),
        fault=cast("Fault", name),
        errno=_errno(error),
        unsent=unsent,
    )


def replay(interaction: Interaction, request: httpx.Request, *, keep_pause: bool) -> httpx.Response:
    """Return a recorded response, with the correlation id of the request.

    Args:
        interaction: the recorded interaction.
        request: the request to respond to.
        keep_pause: whether to keep the pause that Retry-After asks for.

    Raises:
        httpx.TransportError: a fault was recorded.
    """
    fault = _fault(interaction)
    if fault is not None and interaction.status is None:
        raise fault
    body = _body(interaction, request.headers.get(CORRELATION_ID_HEADER, ""))
    headers = dict(interaction.headers)
    if _CORRELATION_ID in headers:
        headers[_CORRELATION_ID] = request.headers.get(CORRELATION_ID_HEADER, "")
    if _RETRY_AFTER in headers and not keep_pause:
        headers[_RETRY_AFTER] = "0"
    if media := media_type(interaction.content):
        headers["content-type"] = media
    headers["content-length"] = str(len(body))
    return httpx.Response(interaction.status or 0, headers=headers, stream=_Body(body, fault))


@attrs.define(eq=False)
class _Body(httpx.AsyncByteStream):
    """A body in one piece, which may end with a fault."""

    body: bytes
    fault: Exception | None
    is_sent: bool = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self.body and not self.is_sent:
            self.is_sent = True
            return self.body
        if self.fault is not None:
            raise self.fault
        raise StopAsyncIteration


def _scrubbed_body(
    into: Any, response: httpx.Response, body: bytes, scrubber: Scrubber
) -> tuple[Content, Any]:
    """Return the kind of a body, and what is kept of it if it is JSON."""
    try:
        plain = _inflated(response, body)
    except BodyError:
        return "text", None
    if not plain or response.status_code == HTTPStatus.NO_CONTENT:
        return "nothing", None
    is_error = response.status_code >= HTTPStatus.BAD_REQUEST
    if into is bytes and not is_error:
        return content_of(plain), None
    try:
        value = read_json(plain)
        return "json", scrubber.error(value) if is_error else scrubber.response(value, into)
    except (DecodeError, RecursionError):  # a model may contain itself
        return "text", None


def _inflated(response: httpx.Response, body: bytes) -> bytes:
    inflater = Inflater(response.headers.get("content-encoding", ""))
    plain = b"".join(inflater.feed(body))
    inflater.end()
    return plain


def _headers(headers: httpx.Headers, scrubber: Scrubber) -> dict[str, str]:
    kept = dict[str, str]()
    if _LOCATION in headers:
        kept[_LOCATION] = scrubber.url(headers[_LOCATION])
    pause = policy.retry_after(headers.get(_RETRY_AFTER), headers.get("date"))
    if pause is not None:
        kept[_RETRY_AFTER] = f"{pause:.0f}"
    if _CORRELATION_ID in headers:
        kept[_CORRELATION_ID] = AS_SENT
    return kept


def _body(interaction: Interaction, sent_id: str) -> bytes:
    if interaction.content != "json":
        return placeholder(interaction.content)
    value: Any = interaction.json
    if isinstance(value, dict) and "correlation_id" in value:
        value = cast("dict[str, Any]", value) | {"correlation_id": sent_id}
    return msgspec.json.Encoder(decimal_format="number").encode(value)


def _fault(interaction: Interaction) -> Exception | None:
    if interaction.fault is None:
        return None
    number = _ERROR_NUMBERS.get(interaction.errno or "", 0)
    fault = _FAULTS[interaction.fault]("recorded in the cassette")
    fault.__cause__ = OSError(number, os.strerror(number)) if number else None
    return fault


def _errno(error: BaseException) -> str | None:
    """Return the name of the system error that caused an exception."""
    name: str | None = None
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and not isinstance(cause, ssl.SSLError):
            name = errno.errorcode.get(cause.errno or 0, name)
        cause = cause.__cause__ or cause.__context__
    return name
