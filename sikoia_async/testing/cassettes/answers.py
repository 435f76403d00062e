"""An answer on its way into a cassette, and out of it again."""

from __future__ import annotations

import errno
import os
import ssl
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast, get_args

import attrs
import httpx
import msgspec

from sikoia_async._codec.json import DecodeError, read_json
from sikoia_async._hooks.correlation import CORRELATION_ID_HEADER
from sikoia_async._retry import policy
from sikoia_async._transport.body import BodyError, Inflater
from sikoia_async.testing.cassettes.files import kind_of, media_of, stand_in
from sikoia_async.testing.cassettes.scrub import AS_SENT
from sikoia_async.testing.cassettes.tape import Content, Fault, Recording

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sikoia_async.testing.cassettes.requests import Request
    from sikoia_async.testing.cassettes.scrub import Scrubber

__all__ = ["broken", "played", "recorded"]

_FIRST_ERROR: Final = 400
_LOCATION: Final = "location"
_RETRY_AFTER: Final = "retry-after"
_CORRELATION_ID: Final = CORRELATION_ID_HEADER.lower()
_FAULTS: Final[dict[str, type[httpx.TransportError]]] = {
    name: getattr(httpx, name) for name in get_args(Fault)
}
_NUMBERS: Final = {name: number for number, name in errno.errorcode.items()}


def recorded(
    request: Request, response: httpx.Response, body: bytes, scrubber: Scrubber
) -> Recording:
    """Return what may be kept of a whole answer."""
    content, json = _told(request.into, response, body, scrubber)
    return Recording(
        asked=request.asked,
        status=response.status_code,
        headers=_headers(response.headers, scrubber),
        content=content,
        json=json,
    )


def broken(
    request: Request, error: Exception, response: httpx.Response | None, scrubber: Scrubber
) -> Recording | None:
    """Return what may be kept of a fault, before the answer or in it; None if it is no such."""
    name = type(error).__name__
    if name not in _FAULTS:
        return None
    return Recording(
        asked=request.asked,
        status=None if response is None else response.status_code,
        headers={} if response is None else _headers(response.headers, scrubber),
        fault=cast("Fault", name),
        errno=_errno(error),
    )


def played(recording: Recording, request: httpx.Request, *, waits: bool) -> httpx.Response:
    """Return an answer as it was recorded, with the correlation id of the request.

    Args:
        recording: what was recorded.
        request: what is asked now.
        waits: whether a pause that the answer asks for is to be made.

    Raises:
        httpx.TransportError: the fault that was recorded.
    """
    fault = _fault(recording)
    if fault is not None and recording.status is None:
        raise fault
    body = _body(recording, request.headers.get(CORRELATION_ID_HEADER, ""))
    headers = dict(recording.headers)
    if _CORRELATION_ID in headers:
        headers[_CORRELATION_ID] = request.headers.get(CORRELATION_ID_HEADER, "")
    if _RETRY_AFTER in headers and not waits:
        headers[_RETRY_AFTER] = "0"
    if media := media_of(recording.content):
        headers["content-type"] = media
    headers["content-length"] = str(len(body))
    return httpx.Response(recording.status or 0, headers=headers, stream=_Body(body, fault))


@attrs.define(eq=False)
class _Body(httpx.AsyncByteStream):
    """A body of one piece, which may break off."""

    body: bytes
    fault: Exception | None
    is_over: bool = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self.body and not self.is_over:
            self.is_over = True
            return self.body
        if self.fault is not None:
            raise self.fault
        raise StopAsyncIteration


def _told(
    into: Any, response: httpx.Response, body: bytes, scrubber: Scrubber
) -> tuple[Content, Any]:
    """Return the kind of a body, and what may be kept of it where it is JSON."""
    try:
        plain = _inflated(response, body)
    except BodyError:
        return "text", None
    if not plain or response.status_code == HTTPStatus.NO_CONTENT:
        return "nothing", None
    is_error = response.status_code >= _FIRST_ERROR
    if into is bytes and not is_error:
        return kind_of(plain), None
    try:
        value = read_json(plain)
        return "json", scrubber.error(value) if is_error else scrubber.answer(value, into)
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
        kept[_LOCATION] = scrubber.address(headers[_LOCATION])
    wait = policy.retry_after(headers.get(_RETRY_AFTER), headers.get("date"))
    if wait is not None:
        kept[_RETRY_AFTER] = f"{wait:.0f}"
    if _CORRELATION_ID in headers:
        kept[_CORRELATION_ID] = AS_SENT
    return kept


def _body(recording: Recording, sent_id: str) -> bytes:
    if recording.content != "json":
        return stand_in(recording.content)
    value: Any = recording.json
    if isinstance(value, dict) and "correlation_id" in value:
        value = cast("dict[str, Any]", value) | {"correlation_id": sent_id}
    return msgspec.json.Encoder(decimal_format="number").encode(value)


def _fault(recording: Recording) -> Exception | None:
    if recording.fault is None:
        return None
    number = _NUMBERS.get(recording.errno or "", 0)
    fault = _FAULTS[recording.fault]("as it was recorded")
    fault.__cause__ = OSError(number, os.strerror(number)) if number else None
    return fault


def _errno(error: BaseException) -> str | None:
    """Return the system's name for what lies beneath an error."""
    found: str | None = None
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, OSError) and not isinstance(inner, ssl.SSLError):
            found = errno.errorcode.get(inner.errno or 0, found)
        inner = inner.__cause__ or inner.__context__
    return found
