"""The transport that records a cassette: requests are sent as usual, and their outcomes kept.

It sends through the SDK's own connections or the caller's transport. Personal data is removed
immediately; nothing else is held in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import attrs
import httpx

from sikoia_async._transport.types import state_of
from sikoia_async.testing.cassettes.file import CassetteError
from sikoia_async.testing.cassettes.requests import Request, describe
from sikoia_async.testing.cassettes.responses import record_fault, record_response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sikoia_async._transport.connector import Connector
    from sikoia_async._transport.pool import ConnectionPool
    from sikoia_async.testing.cassettes.file import Interaction
    from sikoia_async.testing.cassettes.scrubber import Scrubber

__all__ = ["Entry", "Recorder", "Recording"]

_CONNECTIONS: Final = 64
"""More than the client's own pool allows, whose limit applies."""
_MAX_BODY: Final = 64 * 1024 * 1024
"""Bytes of a body that are examined. The client reads no more, except of files."""


@attrs.define(eq=False)
class Entry:
    """A request and, as soon as its response has been read completely, the interaction."""

    request: Request
    scrubber: Scrubber
    interaction: Interaction | None = None

    def complete(self, response: httpx.Response, body: bytes) -> None:
        """Keep a response."""
        self.interaction = record_response(self.request, response, body, self.scrubber)

    def fail(
        self, error: Exception, response: httpx.Response | None = None, *, unsent: bool = False
    ) -> None:
        """Keep a fault, before the response or during its body."""
        self.interaction = record_fault(self.request, error, response, self.scrubber, unsent=unsent)


@attrs.define
class Recording:
    """The entries of a cassette in the order of their requests, until the cassette is written."""

    name: str
    """The name of the cassette, for errors."""
    entries: list[Entry] = attrs.field(factory=list[Entry])
    is_over: bool = False

    @property
    def interactions(self) -> tuple[Interaction, ...]:
        """The completed interactions."""
        return tuple(one.interaction for one in self.entries if one.interaction is not None)

    def check_open(self) -> None:
        """Raise `CassetteError` if the recording has ended."""
        if self.is_over:
            msg = f"cassette {self.name}: its with block has ended; nothing was sent"
            raise CassetteError(msg)


class Recorder(httpx.AsyncBaseTransport):
    """Sends requests and records their outcomes.

    Args:
        connector: opens the connections.
        scrubber: removes personal data.
        recording: receives the interactions.
    """

    def __init__(self, connector: Connector, scrubber: Scrubber, recording: Recording) -> None:
        self._connector = connector
        self._scrubber = scrubber
        self._pools: dict[str, ConnectionPool] = {}
        self._recording = recording

    @property
    def connections_replaced(self) -> int:
        """The number of connections that were discarded after an exchange."""
        return sum(pool.connections_replaced for pool in self._pools.values())

    @property
    def in_use(self) -> int:
        """Always 0: the client's own pool counts the requests in flight."""
        return 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and record its outcome.

        Raises:
            CassetteError: the request cannot be recorded. Nothing was sent.
        """
        state = state_of(request)
        state.is_sent = False
        self._recording.check_open()
        if request.headers.keys() & {"authorization", "apikey"}:
            self._scrubber.origin = _origin(request.url)
        described = describe(request, self._scrubber)
        if described is None:
            return await self._pool(request.url).handle_async_request(request)
        entry = Entry(described, self._scrubber)
        self._recording.entries.append(entry)
        try:
            response = await self._pool(request.url).handle_async_request(request)
        except Exception as error:
            entry.fail(error, unsent=not state.is_sent)
            raise
        if response.is_closed:  # created from bytes, as transports for tests do
            entry.complete(response, response.content)
        else:
            stream = cast("httpx.AsyncByteStream", response.stream)
            response.stream = _RecordedBody(stream, response, entry)
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        for pool in self._pools.values():
            await pool.aclose()

    def _pool(self, url: httpx.URL) -> ConnectionPool:
        origin = _origin(url)
        if origin not in self._pools:
            route = self._connector.route(origin)
            self._pools[origin] = self._connector.new_pool(route, _CONNECTIONS)
        return self._pools[origin]


class _RecordedBody(httpx.AsyncByteStream):
    """A body that is recorded while it is read."""

    def __init__(
        self, stream: httpx.AsyncByteStream, response: httpx.Response, entry: Entry
    ) -> None:
        self._stream = stream
        self._pieces = aiter(stream)
        self._response = response
        self._entry = entry
        self._body = bytearray()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            piece = await anext(self._pieces)
        except StopAsyncIteration:
            self._entry.complete(self._response, bytes(self._body))
            raise
        except Exception as error:
            self._entry.fail(error, self._response)
            raise
        self._body += piece[: max(_MAX_BODY - len(self._body), 0)]
        return piece

    async def aclose(self) -> None:
        await self._stream.aclose()


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode()}"
