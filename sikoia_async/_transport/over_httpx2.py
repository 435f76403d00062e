"""Transports and clients of httpx2, the successor of httpx, with the same classes.

httpx2 is not imported here: an object of it shows that it is loaded.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

import httpx

from sikoia_async._errors import ConfigurationError
from sikoia_async._transport.lent import ClientTransport, readable
from sikoia_async._transport.types import state_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator

__all__ = ["Httpx2Client", "Httpx2Transport"]

_UNLIKE: Final = frozenset(
    {"HTTPStatusError", "RequestNotRead", "ResponseNotRead", "StreamClosed", "StreamConsumed"}
)
"""Exceptions whose constructors do not take a message only; their bases do."""


class Httpx2Transport(httpx.AsyncBaseTransport):
    """A transport of httpx2."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request through the transport."""
        theirs, state = _to_httpx2(request), state_of(request)
        state.mark_sending(theirs, self._transport)
        try:
            return _from_httpx2(await self._transport.handle_async_request(theirs))
        except Exception as error:  # noqa: BLE001 - it is raised again
            raise _translated(error) from error.__cause__


class Httpx2Client(ClientTransport):
    """A client of httpx2; its hooks get requests and responses of httpx2."""

    def __init__(self, client: Any) -> None:
        super().__init__(client, sys.modules["httpx2"].AsyncClient)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request through the client."""
        state = state_of(request)
        try:
            return _from_httpx2(await super().handle_async_request(_to_httpx2(request)))
        except Exception as error:
            if error is state.hook_error:
                raise
            raise _translated(error) from error.__cause__

    def _is_lost(self, error: BaseException, response: Any) -> bool:
        httpx2: Any = sys.modules["httpx2"]
        if response.is_stream_consumed and isinstance(error, httpx2.RequestError):
            with suppress(RuntimeError):  # it has no request; httpx2 closes a response either way
                return cast("Any", error).request is response.request
        return False


def _to_httpx2(request: httpx.Request) -> Any:
    return sys.modules["httpx2"].Request(
        request.method,
        str(request.url),
        headers=request.headers.raw,
        stream=_content_kind()(request.stream),
        extensions=request.extensions,
    )


@cache
def _content_kind() -> Any:
    """Return a class of request bodies of httpx2."""
    import httpx2  # noqa: PLC0415 - an extra, and the caller has loaded it

    class Content(httpx2.AsyncByteStream):
        def __init__(self, stream: AsyncIterable[bytes]) -> None:
            self._stream = stream

        def __aiter__(self) -> AsyncIterator[bytes]:
            return aiter(self._stream)

    return Content


def _from_httpx2(response: Any) -> httpx.Response:
    httpx2: Any = sys.modules["httpx2"]
    if isinstance(response, httpx2.Response):
        response = readable(response)  # of httpx, if its body has been read
    if isinstance(response, httpx.Response):
        return response
    if not isinstance(getattr(response, "stream", None), httpx2.AsyncByteStream):
        msg = "transport: expected it to return an httpx2.Response with an asynchronous stream"
        raise ConfigurationError(msg)
    return httpx.Response(
        response.status_code,
        headers=response.headers.raw,
        stream=_Httpx2Body(response),
        extensions=response.extensions,
    )


class _Httpx2Body(httpx.AsyncByteStream):
    """The body of a response of httpx2."""

    def __init__(self, response: Any) -> None:
        self._response = response
        self._chunks = aiter(response.stream)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._chunks)
        except Exception as error:  # noqa: BLE001 - it is raised again
            raise _translated(error) from error.__cause__

    async def aclose(self) -> None:
        try:
            await self._response.aclose()
        except Exception as error:  # noqa: BLE001 - it is raised again
            raise _translated(error) from error.__cause__


def _translated(error: Exception) -> Exception:
    """Return an exception of httpx for one of httpx2's, and any other as it is.

    Whatever carries the response to a request only refuses its status.
    """
    httpx2: Any = sys.modules["httpx2"]
    response = getattr(error, "response", None)
    if isinstance(response, httpx2.Response):
        with suppress(RuntimeError):  # it has no request
            theirs = cast("Any", response).request
            ours = _from_httpx2(response)
            ours.request = httpx.Request(theirs.method, str(theirs.url))
            return httpx.HTTPStatusError(str(error), request=ours.request, response=ours)
    names = [kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "httpx2"]
    known = (name for name in names if hasattr(httpx, name) and name not in _UNLIKE)
    kind = getattr(httpx, next(known, ""), None)
    return error if kind is None else kind(str(error))
