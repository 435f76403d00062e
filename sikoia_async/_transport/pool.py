"""The transport under the client: it keeps its pool whole, and the token on its origin.

httpcore 1.0.9 loses pool slots for good when a request is cancelled by asyncio's own means, and
its pool looks through all connections for each request, so that CPU per call doubles between 1
and 16 in flight. So no pool of many is used: a permit *is* a transport of one connection. The
permits are a stack, the warm ones on top. An exchange that did not end cleanly costs its
transport, which is closed and made anew when the permit is next used; there is no slot to lose,
and nobody ever waits inside httpx.

Nor is one connection's answer ever another call's: bytes that follow an answer cost the transport,
too, and what comes later yet is told by its correlation id.

A transport that the caller brings stands under the same permits, but is theirs: it is shared by
all permits, never made anew and never closed.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Final, cast

import anyio
import attrs
import httpx

from sikoia_async._errors import ConfigurationError
from sikoia_async._transport.desync import has_leftovers
from sikoia_async._transport.exchange import Echo, HeldBack, close_opened, mark_sending

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from sikoia_async._transport.stopwatch import Stopwatch

__all__ = ["ConnectionPool", "new_transport", "tls_context"]

_KEEPALIVE: Final = 15.0
"""Seconds that an idle connection is kept: less than the 60 s after which common gateways hang up,
so that a request seldom meets a connection that is just being closed."""

_CLOSE_TIMEOUT: Final = 1.0
"""Seconds that closing a broken connection may take."""


def tls_context(ca_file: str | None, *, key_log: bool) -> ssl.SSLContext:
    """Make a TLS context: 1.2 at least, certificates and host names checked.

    Args:
        ca_file: the authorities to trust; None for those of certifi.
        key_log: whether `SSLKEYLOGFILE` is obeyed, as Python does by default.

    Raises:
        ConfigurationError: `ca_file` is missing or holds no certificate.
    """
    import certifi  # noqa: PLC0415 - wanted once, and only where no context was given

    make = ssl.create_default_context if key_log else _bare_context
    context = make()
    try:
        context.load_verify_locations(ca_file or certifi.where())
    except (OSError, ssl.SSLError):
        problem = "tls: the file of certificate authorities cannot be read, or holds none"
    else:
        return context
    raise ConfigurationError(problem)


def _bare_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def new_transport(context: ssl.SSLContext | None, proxy: str | None) -> httpx.AsyncHTTPTransport:
    """Make a transport of one connection, deaf to the process's environment."""
    return httpx.AsyncHTTPTransport(
        verify=False if context is None else context,  # plain http to loopback has none
        trust_env=False,
        proxy=proxy,
        limits=httpx.Limits(
            max_connections=1, max_keepalive_connections=1, keepalive_expiry=_KEEPALIVE
        ),
    )


@attrs.define(eq=False)
class _Slot:
    """The right to one exchange at a time, with the transport that it goes through."""

    transport: httpx.AsyncBaseTransport | None = None


class ConnectionPool(httpx.AsyncBaseTransport):
    """Lets at most `permits` exchanges run at once, each to one origin and no other.

    Args:
        origin: scheme, host and port that requests may go to.
        permits: how many exchanges may run at once.
        make: makes the transport of a permit.
        shared: whether the transport is the caller's, and so neither made anew nor closed.
    """

    def __init__(
        self,
        origin: str,
        permits: int,
        make: Callable[[], httpx.AsyncBaseTransport],
        *,
        shared: bool = False,
    ) -> None:
        url = httpx.URL(origin)
        self._origin = (url.host, url.port, url.scheme)
        self._make = make
        self._shared = shared
        self._size = permits
        self._free = [_Slot() for _ in range(permits)]
        self._waits_in_pool = None if shared else 0.0
        self._echo = None if shared else Echo()  # a transport of the caller's may have a cache
        self._closed = False
        self.connections_replaced: int = 0
        """How many transports were thrown away because their exchange did not end cleanly."""

    @cached_property
    def _permits(self) -> anyio.Semaphore:
        # Made when first wanted, inside the event loop: outside, anyio would import asyncio.
        return anyio.Semaphore(len(self._free), max_value=len(self._free), fast_acquire=True)

    @property
    def free(self) -> int:
        """How many permits nobody holds."""
        return len(self._free)

    @property
    def in_use(self) -> int:
        """How many exchanges run."""
        return self._size - len(self._free)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request as soon as there is a permit for it.

        Raises:
            ConfigurationError: the request is for another origin.
        """
        self._pin(request.url)
        watch = cast("Stopwatch", request.extensions["stopwatch"])
        watch.enter("permit")
        await self._permits.acquire()
        held_back = request.extensions.get("held_back")
        if held_back is not None and held_back():
            self._permits.release()
            raise HeldBack
        permit = self._free.pop()
        watch.enter("answer")
        request.extensions["timeout"]["pool"] = self._waits_in_pool
        request.extensions["echo"] = self._echo
        if self._echo is not None:
            self._echo.sends(request)
        try:
            mark_sending(request, warm=permit.transport is not None and not self._shared)
            if permit.transport is None:
                permit.transport = self._make()
            response = await permit.transport.handle_async_request(request)
        except BaseException:
            try:
                await self.give_back(permit, clean=False)
            finally:
                await _close(close_opened(request))
            raise
        if response.is_closed:
            # Made of bytes, as transports for tests do: httpx would never close its stream.
            await self.give_back(permit, clean=True)
            return response
        response.stream = _Body(cast("httpx.AsyncByteStream", response.stream), permit, self)
        return response

    async def give_back(self, permit: _Slot, *, clean: bool) -> None:
        """Take a permit back; where its exchange did not end cleanly, without its transport."""
        transport, unfit = permit.transport, False
        if not self._shared:
            clean = clean and transport is not None and not has_leftovers(transport)
            unfit = self._closed or not clean
        if unfit:
            permit.transport = None
            self.connections_replaced += not clean
        self._free.append(permit)
        self._permits.release()
        if unfit and transport is not None:
            await _close(transport.aclose())

    async def aclose(self) -> None:
        """Close all connections that are idle; those in use close when their exchange ends."""
        self._closed = True
        if not self._shared:
            idle = [permit.transport for permit in self._free if permit.transport is not None]
            for permit in self._free:
                # Taken off first: a call may come to its permit while this one is being closed.
                permit.transport = None
            await _close_all(idle)

    def _pin(self, url: httpx.URL) -> None:
        if (url.host, url.port, url.scheme) != self._origin:
            msg = "refused to send to another origin than the environment's: it would get the token"
            raise ConfigurationError(msg)


class _Body(httpx.AsyncByteStream):
    """A body that gives its permit back when it is closed."""

    def __init__(self, body: httpx.AsyncByteStream, permit: _Slot, guard: ConnectionPool) -> None:
        self._body = body
        self._permit: _Slot | None = permit
        self._guard = guard
        self._whole = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._body:
            yield piece
        self._whole = True

    async def aclose(self) -> None:
        permit, self._permit = self._permit, None
        if permit is None:
            return
        clean = False
        try:
            await self._body.aclose()
            clean = self._whole
        finally:
            await self._guard.give_back(permit, clean=clean)


async def _close_all(transports: Sequence[httpx.AsyncBaseTransport]) -> None:
    """Close them in turn, the rest also where `task.cancel()` comes in between."""
    if transports:
        try:
            await _close(transports[0].aclose())
        finally:
            await _close_all(transports[1:])


async def _close(closing: Awaitable[None]) -> None:
    """Close something even while being cancelled, but not for ever, and whatever it says."""
    with anyio.move_on_after(_CLOSE_TIMEOUT, shield=True), suppress(httpx.HTTPError, OSError):
        await closing
