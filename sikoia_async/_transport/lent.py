"""Clients and transports of the caller's; `adapters` adapts those of other libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import httpx

from sikoia_async._errors import ClientStateError
from sikoia_async._logging import http_logs_unmuted
from sikoia_async._transport.types import mark_unsent, state_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sikoia_async._transport.types import RequestState

__all__ = ["CLOSED", "ClientTransport", "Once", "readable", "send_through"]

CLOSED: Final = "the http_client is closed; keep it open for as long as this client is used"

_NO_HOOKS: Final[dict[str, list[Any]]] = {"request": [], "response": []}
_LENGTH: Final = b"content-length"
_CONSUMED: Final = frozenset({b"content-encoding", _LENGTH, b"transfer-encoding"})


class ClientTransport(httpx.AsyncBaseTransport):
    """A caller's client as a transport: with its connections and hooks, without its credentials.

    The hooks are called here, because httpx closes a response whose hook raises. A hook that only
    refuses a status, with `raise_for_status`, changes nothing: the response is handled like any
    other. Whatever else a hook raises reaches the caller unchanged.

    Args:
        client: a client of httpx, or of a library with the same classes.
        kind: that library's class of clients. A subclass may do anything with a request.
    """

    def __init__(self, client: Any, kind: type = httpx.AsyncClient) -> None:
        self._client = client
        self._kind = kind
        self._without_hooks = _without_hooks(client)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request through the client.

        Raises:
            ClientStateError: the client is closed; nothing was sent.
        """
        client, state = self._client, state_of(request)
        if client.is_closed:
            mark_unsent(request)
            raise ClientStateError(CLOSED)
        await self._prepare(request, state)
        state.mark_sending(request, self._transport_for(request.url))
        await _declare_empty_body(request, state)
        response = await self._without_hooks.send(
            request, auth=None, stream=True, follow_redirects=False
        )
        try:
            await self._inspect(response, state)
        except BaseException:
            await response.aclose()
            raise
        return readable(response)

    async def _prepare(self, request: httpx.Request, state: RequestState) -> None:
        """Call the request hooks."""
        state.is_sent = False
        try:
            with http_logs_unmuted():
                for hook in self._client.event_hooks["request"]:
                    await hook(request)
        except BaseException as error:
            state.is_sent = False  # a hook may have read the body, which counts as sending it
            state.hook_error = error
            raise

    async def _inspect(self, response: httpx.Response, state: RequestState) -> None:
        """Call the response hooks."""
        try:
            with http_logs_unmuted():
                for hook in self._client.event_hooks["response"]:
                    await hook(response)
        except BaseException as error:
            if _refuses_status(error, response):
                return
            if not self._is_lost(error, response):
                state.hook_error = error
            raise

    def _is_lost(self, error: BaseException, response: httpx.Response) -> bool:
        """Return whether the response was lost while a hook read its body."""
        is_incomplete = response.is_stream_consumed and not response.is_closed
        return is_incomplete and isinstance(error, httpx.RequestError)

    def _transport_for(self, url: httpx.URL) -> httpx.AsyncBaseTransport:
        """Return the transport that a client of httpx uses; a subclass may do anything else."""
        find = getattr(self._client, "_transport_for_url", None)
        return find(url) if find and type(self._client) is self._kind else self


def _without_hooks(client: object) -> Any:
    """Return a client that shares all attributes with another one, but calls no hooks."""
    kind = type(client)
    hookless = type(kind.__name__, (kind,), {"_event_hooks": property(lambda _: _NO_HOOKS)})
    view: Any = object.__new__(hookless)
    view.__dict__ = client.__dict__
    return view


async def send_through(
    transport: httpx.AsyncBaseTransport, request: httpx.Request, state: RequestState
) -> httpx.Response:
    """Send a request through a transport of the caller's, which may raise for a status."""
    if not isinstance(transport, ClientTransport):  # it does the same after its hooks
        await _declare_empty_body(request, state)
    try:
        return await transport.handle_async_request(request)
    except Exception as error:
        response = _response_in(error, request)
        if response is None:
            raise
        return response


async def _declare_empty_body(request: httpx.Request, state: RequestState) -> None:
    """Let a transport that is not httpx's see that a request has no body.

    It would send the stream in chunks, as aiohttp does, which costs the connection, and servers may
    refuse it. A request that must not be repeated stays a stream, because aiohttp repeats a GET
    without one by itself.
    """
    if state.is_traced or _LENGTH in [name.lower() for name, _ in request.headers.raw]:
        return
    if not state.may_repeat:
        request.headers["Content-Length"] = "0"
        request.stream = Once(cast("httpx.AsyncByteStream", request.stream))
    elif request.stream is state and not state.content:
        request.stream = httpx.ByteStream(b"")
        request.read()  # httpx takes four times as long to read the state itself
    else:
        await request.aread()


class Once(httpx.AsyncByteStream):
    """A body that is sent once: some versions of aiohttp also repeat a GET whose body is a stream.

    Args:
        stream: the body.
    """

    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream
        self._is_begun = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        if self._is_begun:
            msg = "the request must not be repeated"
            raise httpx.WriteError(msg)
        self._is_begun = True
        return aiter(self._stream)


def _response_in(error: Exception, request: httpx.Request) -> httpx.Response | None:
    """Return the response to a request that an exception of a caller's transport carries, if any.

    Some transports and clients call `raise_for_status` themselves. An exception may also carry the
    response to another request, for example for credentials.
    """
    response = getattr(error, "response", None)
    if not isinstance(response, httpx.Response) or not _refuses_status(error, response):
        return None
    try:
        theirs = response.request
    except RuntimeError:  # it has none
        return None
    is_ours = (theirs.method, theirs.url) == (request.method, request.url)
    return readable(response) if is_ours else None


def _refuses_status(error: BaseException, response: httpx.Response) -> bool:
    """Return whether an exception carries the response, and so only refuses its status."""
    if getattr(error, "response", None) is not response:
        return False
    is_status_error = any(kind.__name__ == "HTTPStatusError" for kind in type(error).__mro__)
    return is_status_error or response.is_error


def readable(response: httpx.Response) -> httpx.Response:
    """Return a response whose body can be read, although it may have been read or closed."""
    if not response.is_stream_consumed and not response.is_closed:
        return response
    try:
        content = response.content  # decompressed
    except RuntimeError:  # ResponseNotRead of httpx or httpx2
        content = b""
    headers = [one for one in response.headers.raw if one[0].lower() not in _CONSUMED]
    return httpx.Response(response.status_code, headers=headers, content=content)
