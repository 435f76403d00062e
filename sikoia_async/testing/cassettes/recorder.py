"""The transport that records: all goes as without it, and what came of it is kept.

Below it stands the SDK's own guard, with its TLS context and its connections of one request each,
or a transport of the caller's. What is kept is scrubbed at once: nothing else is held on to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import attrs
import httpx

from sikoia_async.testing.cassettes.answers import broken, recorded
from sikoia_async.testing.cassettes.requests import Request, described
from sikoia_async.testing.cassettes.tape import CassetteError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sikoia_async._transport.connector import Connector
    from sikoia_async._transport.pool import ConnectionPool
    from sikoia_async.testing.cassettes.scrub import Scrubber
    from sikoia_async.testing.cassettes.tape import Recording

__all__ = ["Recorder", "Slot", "Slots"]

_PERMITS: Final = 64
"""More than the client above lets through, which is what counts."""
_MOST: Final = 64 * 1024 * 1024
"""Bytes of an answer that are looked at; the client reads no more of what is no file."""


@attrs.define(eq=False)
class Slot:
    """The place of a recording: it stays empty where nobody waits for the end of the answer."""

    request: Request
    scrubber: Scrubber
    recording: Recording | None = None

    def came(self, response: httpx.Response, body: bytes) -> None:
        """Keep an answer."""
        self.recording = recorded(self.request, response, body, self.scrubber)

    def broke_off(self, error: Exception, response: httpx.Response | None = None) -> None:
        """Keep a fault, before the answer or in it."""
        self.recording = broken(self.request, error, response, self.scrubber)


@attrs.define
class Slots:
    """Where recordings go, in the order in which it was asked, until their cassette is written."""

    name: str
    """The cassette's, for errors."""
    rows: list[Slot] = attrs.field(factory=list[Slot])
    is_over: bool = False

    @property
    def recorded(self) -> tuple[Recording, ...]:
        """What was recorded."""
        return tuple(one.recording for one in self.rows if one.recording is not None)

    def check(self) -> None:
        """Raise CassetteError if what comes now would be lost."""
        if self.is_over:
            msg = f"the cassette {self.name}: its with block has ended; nothing was sent"
            raise CassetteError(msg)


class Recorder(httpx.AsyncBaseTransport):
    """Records what goes through it.

    Args:
        wire: the way to the wire.
        scrubber: leaves in a recording what may stay.
        slots: where the recordings go.
    """

    def __init__(self, wire: Connector, scrubber: Scrubber, slots: Slots) -> None:
        self._wire = wire
        self._scrubber = scrubber
        self._ways: dict[str, ConnectionPool] = {}
        self._slots = slots

    @property
    def connections_replaced(self) -> int:
        """How many transports were thrown away because their exchange did not end cleanly."""
        return sum(way.connections_replaced for way in self._ways.values())

    @property
    def in_use(self) -> int:
        """None by itself: each exchange is counted by the guard above."""
        return 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request on, and keep what comes of it.

        Raises:
            CassetteError: no cassette can hold it, or it is too late; nothing was sent.
        """
        self._slots.check()
        shown = request.headers.keys() & {"authorization", "apikey"}
        if shown:
            self._scrubber.origin = _origin(request.url)
        found = await described(request, self._scrubber)
        if found is None:
            return await self._way(request.url).handle_async_request(request)
        slot = Slot(found, self._scrubber)
        self._slots.rows.append(slot)
        try:
            response = await self._way(request.url).handle_async_request(request)
        except Exception as error:
            slot.broke_off(error)
            raise
        if response.is_closed:  # made of bytes, as transports for tests do
            slot.came(response, response.content)
        else:
            stream = cast("httpx.AsyncByteStream", response.stream)
            response.stream = _Listening(stream, response, slot)
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        for way in self._ways.values():
            await way.aclose()

    def _way(self, url: httpx.URL) -> ConnectionPool:
        origin = _origin(url)
        if origin not in self._ways:
            self._ways[origin] = self._wire.new_pool(origin, _PERMITS)
        return self._ways[origin]


class _Listening(httpx.AsyncByteStream):
    """A body that is kept as it passes."""

    def __init__(self, stream: httpx.AsyncByteStream, response: httpx.Response, slot: Slot) -> None:
        self._stream = stream
        self._pieces = aiter(stream)
        self._response = response
        self._slot = slot
        self._body = bytearray()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            piece = await anext(self._pieces)
        except StopAsyncIteration:
            self._slot.came(self._response, bytes(self._body))
            raise
        except Exception as error:
            self._slot.broke_off(error, self._response)
            raise
        self._body += piece[: max(_MOST - len(self._body), 0)]
        return piece

    async def aclose(self) -> None:
        await self._stream.aclose()


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode()}"
