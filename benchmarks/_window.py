"""A server that counts requests in fixed windows of random phase, as Sikoia does.

It responds with an empty list, or with 429. Each request and each response takes a random time.
"""

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from math import ceil
from typing import Final, Self

import attrs

__all__ = ["Arrival", "Window", "worst"]

_RESPONSE: Final = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: 2\r\n%s\r\n[]"


@attrs.frozen
class Arrival:
    """A request that was counted."""

    at: float
    process: str
    """The first segment of its path."""
    refused: bool


class Window:
    """The server, as a context manager in a running event loop.

    Args:
        limit: requests in a window.
        per: seconds of a window.
        jitter: seconds that a request takes at most, and its response.
    """

    def __init__(self, limit: int, per: float, jitter: float) -> None:
        self.arrivals: list[Arrival] = []
        self.port = 0
        self._limit, self._per, self._jitter = limit, per, jitter
        self._chance = random.Random()  # noqa: S311 - not for secrets
        self._phase = self._chance.uniform(0, per)
        self._counts = defaultdict[float, int](int)
        self._server: asyncio.Server | None = None
        self._connections = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        while self._connections:  # noqa: ASYNC110 - their clients have ended
            await asyncio.sleep(0.01)

    @property
    def refused(self) -> int:
        """How many requests got a 429."""
        return sum(one.refused for one in self.arrivals)

    @property
    def served(self) -> int:
        """How many requests did not."""
        return len(self.arrivals) - self.refused

    def by_process(self, first: int) -> Counter[str]:
        """Count the first requests by process."""
        return Counter(one.process for one in self.arrivals[:first])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                process = head.split(b" ", 2)[1].decode().strip("/").partition("/")[0]
                await asyncio.sleep(self._chance.uniform(0, self._jitter))
                response = self._count(process)
                await asyncio.sleep(self._chance.uniform(0, self._jitter))
                writer.write(response)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()
            self._connections -= 1

    def _count(self, process: str) -> bytes:
        now = time.monotonic()
        if process == "warm-up":
            return _RESPONSE % (b"200 OK", b"")
        window, into_it = divmod(now - self._phase, self._per)
        self._counts[window] += 1
        refused = self._counts[window] > self._limit
        self.arrivals.append(Arrival(now, process, refused))
        if not refused:
            return _RESPONSE % (b"200 OK", b"")
        wait = b"Retry-After: %d\r\n" % max(1, ceil(self._per - into_it))
        return _RESPONSE % (b"429 Too Many Requests", wait)


def worst(arrivals: Sequence[Arrival], per: float) -> int:
    """Return the most requests within any `per` seconds."""
    first, most = 0, 0
    for last, one in enumerate(arrivals):
        while one.at - arrivals[first].at >= per:
            first += 1
        most = max(most, last - first + 1)
    return most
