"""The connection pool: an httpx transport that bounds concurrency and stays on one origin.

httpcore 1.0.9 loses pool slots for good if asyncio cancels a request, and its pool scans all
connections for each request, so that CPU per call doubles between 1 and 16 requests in flight.
Therefore each slot of this pool *is* a transport with one connection. Free slots form a stack,
with the open connections on top. An exchange that does not end cleanly costs its connection, which
is closed and opened again when the slot is next used. No slot can be lost, and nothing ever waits
inside httpx.

No response reaches the wrong request: unread bytes after a response cost the connection, and
correlation ids reveal what arrives later.

A transport of the caller's is shared by all slots, and is never replaced or closed.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Final, cast

import anyio
import attrs
import httpx

from sikoia_async._errors import ConfigurationError
from sikoia_async._transport.desync import EchoCheck, has_leftovers
from sikoia_async._transport.faults import is_out_of_descriptors
from sikoia_async._transport.headers import fields_of
from sikoia_async._transport.lent import send_through
from sikoia_async._transport.single import KEEPALIVE, open_ahead
from sikoia_async._transport.types import RateLimitPaused, state_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from sikoia_async._transport.types import Freshness, RequestState
    from sikoia_async.observers._observers import Observers

__all__ = ["ConnectionPool"]

_CLOSE_TIMEOUT: Final = 1.0
"""Seconds that closing a broken connection may take."""
_LARGE: Final = 16 * 1024
"""Bytes of a body that servers may refuse before they have read it."""
_RECENT: Final = 1.0
"""Seconds since its last response for which hardly any server has closed a connection."""
_KEEP_ALIVE: Final = re.compile(rb"(?:^|[\s,;])timeout\s*=\s*\"?(\d{1,9})", re.IGNORECASE)
_KEEP_ALIVE_MARGIN: Final = 1.0
"""A connection is not used in the last second before the server closes it, or in the second half of
a shorter time."""


@attrs.define(eq=False)
class _Slot:
    """The right to one exchange at a time, and the transport for it."""

    transport: httpx.AsyncBaseTransport | None = None
    is_extra: bool = False
    """Whether it exists for one exchange only, beside the slots of the pool."""
    used: float = 0.0
    """When the last response on the connection ended."""
    keep_alive: float = float("inf")
    """Seconds after that for which the server keeps the connection open."""

    def may_serve(self, freshness: Freshness, now: float) -> bool:
        """Return whether a request may use the connection."""
        if freshness == "new":
            return False
        idle = now - self.used
        return idle < self.keep_alive and (freshness == "open" or idle <= _RECENT)


class ConnectionPool(httpx.AsyncBaseTransport):
    """Runs at most `size` exchanges at once, all with one origin.

    A second attempt beside one in progress takes no slot. It opens a connection of its own, because
    the first one may hold the last slot, and open connections may be as dead as the first one's.

    Args:
        origin: scheme, host and port that requests may go to.
        size: the number of slots.
        make: creates the transport of a slot.
        shared: whether `make` returns the caller's transport, which is never replaced or closed.
        observers: see when a connection is replaced.
    """

    def __init__(
        self,
        origin: str,
        size: int,
        make: Callable[[], httpx.AsyncBaseTransport],
        *,
        shared: bool = False,
        observers: Observers | None = None,
    ) -> None:
        self._observers = observers
        url = httpx.URL(origin)
        self._origin = (url.host, url.port, url.scheme)
        self.make = make
        """Creates the transport of one connection."""
        self._shared = shared
        self._size = size
        self._free = [_Slot() for _ in range(size)]
        self._pool_timeout = None if shared else 0.0
        self._echo = None if shared else EchoCheck()  # a transport of the caller's may cache
        self._closed = False
        self._extra = 0
        self._starving: OrderedDict[_Slot, anyio.Event] = OrderedDict()
        """Slots without a file descriptor for a connection."""
        self.connections_replaced: int = 0
        """How many connections were replaced because an exchange did not end cleanly."""

    @cached_property
    def _slots(self) -> anyio.Semaphore:
        # Created on first use, inside the event loop: outside of one, anyio would import asyncio.
        return anyio.Semaphore(len(self._free), max_value=len(self._free), fast_acquire=True)

    @property
    def free(self) -> int:
        """The number of free slots."""
        return len(self._free)

    @property
    def in_use(self) -> int:
        """The number of exchanges in progress."""
        return self._size - len(self._free) + self._extra

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request as soon as there is a slot.

        Raises:
            ConfigurationError: the request is for another origin.
            RateLimitPaused: a 429 arrived in the meantime; nothing was sent.
        """
        self._pin(request.url)
        state = state_of(request)
        state.mute_logs()
        state.stopwatch.enter("connection")
        slot = self._extra_slot() if state.is_second else await self._free_slot(state)
        now = state.stopwatch.enter("response")
        state.is_concurrent = self.in_use > 1
        request.extensions["timeout"]["pool"] = self._pool_timeout
        state.echo = self._echo
        if self._echo is not None:
            self._echo.record_sent(state.correlation_id)
        if state.observed is not None:
            state.observed.begin(request.headers)
        try:
            if self._shared:
                transport = slot.transport = slot.transport or self.make()
                state.mark_sending(request, transport)
                response = await send_through(transport, request, state)
                state.attach_to(request)
                _check_response(response)
            else:
                response = await self._send(request, slot, now)
        except BaseException:
            try:
                await self._give_back(slot, clean=False)
            finally:
                await _close(state.close_opened())
            raise
        fields = state.fields = fields_of(response.headers)
        slot.keep_alive = _keep_alive(fields.get(b"keep-alive"))
        if response.is_closed:
            # Made of bytes, as in tests: httpx would never close its stream.
            await self._give_back(slot, clean=True)
            return response
        stream = cast("httpx.AsyncByteStream", response.stream)
        response.stream = _Body(stream, slot, state.stopwatch.now, self._give_back)
        return response

    async def open_ahead(self, request: httpx.Request) -> None:
        """Open a connection for the next request, unless one is open or all slots are in use.

        A transport of the caller's is left alone.

        Args:
            request: a request to the origin, which is not sent.

        Raises:
            httpx.TransportError: the connection was not opened.
            OSError: the certificate authorities cannot be read.
        """
        if self._shared or not self._free:
            return
        self._slots.acquire_nowait()
        slot, state = self._free.pop(), state_of(request)
        state.mute_logs()
        is_open = False
        try:
            idle = state.stopwatch.now() - slot.used
            if slot.transport is None or idle > min(slot.keep_alive, KEEPALIVE):
                await self._disconnect(slot)
                slot.transport, slot.keep_alive = self.make(), KEEPALIVE
                await open_ahead(slot.transport, request)
                slot.used = state.stopwatch.now()
            is_open = True
        finally:
            state.unmute_logs()
            try:
                await self._give_back(slot, clean=is_open)
            finally:
                await _close(state.close_opened())

    async def _send(self, request: httpx.Request, slot: _Slot, now: float) -> httpx.Response:
        """Send a request over the connection of a slot, and open one if necessary.

        If the process has no file descriptor for a connection, wait until another exchange ends.
        """
        state = state_of(request)
        while True:
            if not slot.may_serve(state.freshness, now):
                await self._disconnect(slot)
            transport = slot.transport = slot.transport or self.make()
            state.mark_sending(request, transport)
            if len(state.content) > _LARGE:
                state.uploads_to = transport
            try:
                return await transport.handle_async_request(request)
            except httpx.ConnectError as error:
                is_waited_for = self.in_use - len(self._starving) > 1
                if state.is_sent or not is_waited_for or not is_out_of_descriptors(error):
                    raise
            await self._disconnect(slot)
            state.stopwatch.enter("connection")
            await self._wait_for_descriptor(slot)
            now = state.stopwatch.enter("response")

    async def _wait_for_descriptor(self, slot: _Slot) -> None:
        """Wait for another exchange to end; its connection is then the slot's, if it is open."""
        freed = anyio.Event()
        self._starving[slot] = freed
        try:
            await freed.wait()
        finally:
            self._starving.pop(slot, None)

    async def _free_slot(self, state: RequestState) -> _Slot:
        await self._slots.acquire()
        if state.is_paused is not None and state.is_paused():
            self._slots.release()
            raise RateLimitPaused
        return self._free.pop()

    def _extra_slot(self) -> _Slot:
        self._extra += 1
        return _Slot(is_extra=True)

    async def aclose(self) -> None:
        """Close idle connections now, and the others when their exchange ends."""
        self._closed = True
        if not self._shared:
            idle = [slot.transport for slot in self._free if slot.transport is not None]
            for slot in self._free:
                # Detached first: a request may take the slot while its connection is closing.
                slot.transport = None
            await _close_all(idle)

    async def _disconnect(self, slot: _Slot) -> None:
        """Close the connection of a slot."""
        transport, slot.transport = slot.transport, None
        if transport is not None:
            await _close(transport.aclose())

    async def _give_back(self, slot: _Slot, *, clean: bool) -> None:
        """Free a slot, and close its connection if the exchange did not end cleanly."""
        transport, is_dropped = slot.transport, False
        if not self._shared:
            clean = clean and transport is not None and not has_leftovers(transport)
            is_dropped = self._closed or slot.is_extra or not clean
        if is_dropped:
            slot.transport = None
            if not clean:
                self._count_replaced()
        if slot.is_extra:
            self._extra -= 1
        else:
            self._free.append(slot)
            self._slots.release()
        try:
            if is_dropped and transport is not None:
                await _close(transport.aclose())
        finally:
            if self._starving:
                self._feed(slot)

    def _count_replaced(self) -> None:
        self.connections_replaced += 1
        if self._observers is not None:
            host, port, scheme = self._origin
            url = httpx.URL(scheme=scheme, host=host, port=port)
            self._observers.connection_replaced(str(url))

    def _feed(self, slot: _Slot) -> None:
        """Wake the slot that has waited longest for a descriptor, and hand a connection over."""
        hungry, freed = self._starving.popitem(last=False)
        if slot in self._free:  # not if it was extra, or is in use again
            hungry.transport, slot.transport = slot.transport, None
            hungry.used, hungry.keep_alive = slot.used, slot.keep_alive
        freed.set()

    def _pin(self, url: httpx.URL) -> None:
        if (url.host, url.port, url.scheme) != self._origin:
            msg = "refused to send a request to another origin: it would receive the access token"
            raise ConfigurationError(msg)


class _Body(httpx.AsyncByteStream):
    """The body of a response; closing it frees the slot."""

    def __init__(
        self,
        stream: httpx.AsyncByteStream,
        slot: _Slot,
        now: Callable[[], float],
        give_back: Callable[..., Awaitable[None]],
    ) -> None:
        self._stream = stream
        self._chunks: AsyncIterator[bytes] | None = None
        self._slot: _Slot | None = slot
        self._now = now
        self._give_back = give_back
        self._is_read = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._chunks is None:  # an abandoned body is iterated twice, and must not start again
            self._chunks = aiter(self._stream)
        try:
            return await anext(self._chunks)
        except StopAsyncIteration:
            self._is_read = True
            raise

    async def aclose(self) -> None:
        slot, self._slot = self._slot, None
        if slot is None:
            return
        clean = False
        try:
            await self._stream.aclose()
            slot.used = self._now()
            clean = self._is_read
        finally:
            await self._give_back(slot, clean=clean)


def _keep_alive(header: bytes | None) -> float:
    """Return the seconds for which an idle connection can be used, by a Keep-Alive header."""
    timeout = None if header is None else _KEEP_ALIVE.search(header)
    if timeout is None:
        return float("inf")
    seconds = float(timeout[1])
    return seconds - min(_KEEP_ALIVE_MARGIN, seconds / 2)


def _check_response(response: object) -> None:
    if not isinstance(response, httpx.Response) or not isinstance(
        response.stream, httpx.AsyncByteStream
    ):
        msg = "transport: expected it to return an httpx.Response with an asynchronous stream"
        raise ConfigurationError(msg)


async def _close_all(transports: Sequence[httpx.AsyncBaseTransport]) -> None:
    """Close transports in turn; the rest even if `task.cancel()` strikes in between."""
    if transports:
        try:
            await _close(transports[0].aclose())
        finally:
            await _close_all(transports[1:])


async def _close(closing: Awaitable[None]) -> None:
    """Await a close for at most a second, even while being cancelled; ignore its errors."""
    with anyio.move_on_after(_CLOSE_TIMEOUT, shield=True), suppress(httpx.HTTPError, OSError):
        await closing
