"""One request and its response, or a fault as plain data.

No httpx exception leaves this module: it holds the request, and the request holds the token.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast

import anyio
import httpx

from sikoia_async._errors import is_error
from sikoia_async._transport.body import BodyError, BodyReader, Inflater
from sikoia_async._transport.faults import fault_from
from sikoia_async._transport.headers import fields_of
from sikoia_async._transport.parsed_urls import parsed_url
from sikoia_async._transport.types import (
    UNDELIMITED,
    RequestNotSent,
    Response,
    TransportFault,
    state_of,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from sikoia_async._transport.limits import Limits
    from sikoia_async._transport.types import RequestState, Sink

__all__ = ["build_request", "end_observed", "exchange"]

_DRAIN: Final = 0.2
"""Seconds that an abandoned body may take to end."""
_MOST_HEADERS: Final = 200
_NEWER: Final = frozenset({b"HTTP/2", b"HTTP/3"})
_FAULTS: Final = (
    httpx.HTTPError,
    httpx.StreamError,
    httpx.InvalidURL,
    httpx.CookieConflict,
    OSError,
)
"""All exceptions of httpx, because a transport of the caller's may raise any, and the system's."""
_BODILESS: Final = frozenset({"GET", "DELETE"})


def build_request(
    method: str,
    url: str,
    headers: Mapping[str, str],
    state: RequestState,
    limits: Limits,
) -> httpx.Request:
    """Build a request.

    Args:
        method: the HTTP method.
        url: the absolute URL.
        headers: all headers but those that the hooks add.
        state: holds the body, and travels with the request.
        limits: hold the timeout for connecting.
    """
    content = state.content
    extensions = {"timeout": {"connect": limits.connect_timeout}, "sikoia": state}
    request = httpx.Request(
        method, parsed_url(url), headers=headers, stream=state, extensions=extensions
    )
    if content or method not in _BODILESS:
        # Some servers answer 411 to a POST without Content-Length, even without a body.
        request.headers["Content-Length"] = str(len(content))
    return request


async def exchange(
    client: httpx.AsyncClient, request: httpx.Request, limits: Limits, sink: Sink | None = None
) -> Response | TransportFault:
    """Send one request and read its response.

    Args:
        client: sends the request.
        request: made by `build_request`.
        limits: bound what is read.
        sink: receives the body of a 200, of any size; the response then holds its beginning only.
    """
    state, response = state_of(request), None
    try:
        response = await client.send(request, stream=True, follow_redirects=False)
        try:
            state.stopwatch.enter("body")
            state.fields = state.fields or fields_of(response.headers)
            fault = _head_fault(state, response)
            if fault is not None:
                return fault
            state.headers = response.headers
            state.http_version = response.extensions.get("http_version")
            if sink is not None and response.status_code == HTTPStatus.OK:
                return await _stream_to(sink, response, state, limits.max_error_body)
            return await _read(response, state, limits)
        finally:
            try:
                await cast("httpx.AsyncByteStream", response.stream).aclose()
            finally:
                # httpx's stream refers back to the response, and that to the body of the request.
                response.stream = state
    except RequestNotSent as error:
        return error.fault
    except Exception as error:
        if error is state.hook_error or not _is_fault(error):
            raise
        return fault_from(error, state, "sent" if response is None else "partial")
    finally:
        state.hook_error = None
        state.unmute_logs()


def _is_fault(error: Exception) -> bool:
    """Return whether an exception of a transport means that the exchange failed."""
    aiohttp: Any = sys.modules.get("aiohttp")  # httpx-aiohttp translates most of its exceptions
    return isinstance(error, _FAULTS) or (
        aiohttp is not None and isinstance(error, aiohttp.ClientError)
    )


def end_observed(state: RequestState, result: Response | TransportFault | None) -> None:
    """Tell observers how an attempt ended.

    Args:
        state: the state of its request.
        result: how it ended; None if something else was raised, such as a cancellation.
    """
    if state.observed is None:
        return
    status = error = reason = None
    if isinstance(result, Response):
        status, reason = result.status, result.broken
        error = None if reason is None else "partial"
    elif result is not None:
        error, reason = result.reached, result.reason
    state.observed.end(status, error, reason, state.received_id, state.http_version)
    state.observed = None  # which refers back to the call


def _head_fault(state: RequestState, response: httpx.Response) -> TransportFault | None:
    """Return why the head of a response is not acceptable; h11 accepts more than is safe."""
    version = response.extensions.get("http_version", b"HTTP/2")
    if not version.startswith(b"HTTP/1.") and version not in _NEWER:
        return TransportFault("sent", "the response has an unsupported HTTP version")
    if len(response.headers) > _MOST_HEADERS:
        reason = f"the response has more than {_MOST_HEADERS} headers"
        return TransportFault("sent", reason, final=True)
    coding = state.fields.get(b"transfer-encoding")
    if coding is not None and b"content-length" in state.fields:
        # A gateway may have used the other length, and taken the rest for another response.
        return TransportFault("sent", "the response declares its length in two ways")
    if coding is not None and coding.lower() != b"chunked":  # aiohttp accepts any
        return TransportFault("sent", "the response has an unsupported transfer coding")
    if state.echo is not None and state.echo.is_mismatch(
        state.correlation_id,
        state.received_id,
        response.status_code,
        is_new=state.is_new,
        may_repeat=state.may_repeat,
    ):
        reason = "the response belongs to another request"
        return TransportFault("sent", reason, is_stray=True)
    return None


async def _read(response: httpx.Response, state: RequestState, limits: Limits) -> Response:
    status, headers = response.status_code, response.headers
    limit = limits.max_error_body if is_error(status) else limits.max_body
    broken = None
    try:
        reader = BodyReader(_encoding(state), limit)
    except BodyError as error:  # an unknown encoding: the body is kept as received
        reader, broken = BodyReader("", limit), str(error)
    chunks = aiter(cast("httpx.AsyncByteStream", response.stream))
    try:
        async for chunk in chunks:
            reader.feed(chunk)
        is_delimited = _is_delimited(response, state)
        return Response(status, headers, reader.whole(), broken, is_delimited)
    except BodyError as error:
        broken = str(error)
    await _abandon(response, chunks)
    return Response(status, headers, reader.so_far(), broken)


async def _stream_to(
    sink: Sink, response: httpx.Response, state: RequestState, keep: int
) -> Response:
    """Write a body to a sink; its first bytes are kept for the error that may follow."""
    status, headers, beginning = response.status_code, response.headers, bytearray()
    chunks = aiter(cast("httpx.AsyncByteStream", response.stream))
    try:
        inflater = Inflater(_encoding(state))
        await sink.start()
        async for chunk in chunks:
            for inflated in inflater.feed(chunk):
                beginning += inflated[: keep - len(beginning)]
                await sink.take(inflated)
        inflater.end()
        broken = None if _is_delimited(response, state) else UNDELIMITED
        return Response(status, headers, bytes(beginning), broken)
    except BodyError as error:
        broken = str(error)
    except BaseException:
        # If it struck in the sink, the generators of the body have not seen it.
        with anyio.CancelScope(shield=True):
            await _abandon(response, chunks)
        raise
    await _abandon(response, chunks)
    return Response(status, headers, bytes(beginning), broken)


def _encoding(state: RequestState) -> str:
    return state.fields.get(b"content-encoding", b"").decode("latin-1")


def _is_delimited(response: httpx.Response, state: RequestState) -> bool:
    fields = state.fields
    return (
        b"content-length" in fields
        or b"transfer-encoding" in fields
        or b"content-encoding" in fields  # a gzip body marks its own end, which was checked
        or not response.extensions.get("http_version", b"").startswith(b"HTTP/1")
    )


async def _abandon(response: httpx.Response, chunks: AsyncIterator[bytes]) -> None:
    """Close a response whose body is not read to its end.

    The generators of the body are exhausted, because trio warns about those that are neither
    exhausted nor closed. They end once the connection is closed; a caller's transport may never
    end them, so this is bounded.
    """
    await cast("httpx.AsyncByteStream", response.stream).aclose()
    with anyio.move_on_after(_DRAIN), suppress(httpx.HTTPError, httpx.StreamError):
        async for _ in chunks:
            pass
