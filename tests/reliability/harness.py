"""A server that follows a plan to the byte, and recovers when told to.

It stands on `faults`: what that can send and see, this one can. For rows without a socket, where
time jumps, `Played` is a transport that answers from a list.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import anyio
import attrs
import httpx
from faults import Peer, Script, Server, answer, certified, client, refuse, serve, trusting

from sikoia_async import Limits, Sikoia

__all__ = [
    "DOCUMENT",
    "NAME",
    "CallOf",
    "Plan",
    "Played",
    "act",
    "ask",
    "hangs_up",
    "healthy",
    "plan",
    "put",
    "resets",
    "sends",
    "sends_and_resets",
    "silent",
    "talking",
]

NAME: Final = "canary-name-Zyxwvut"
"""A person's name, as it appears in requests."""
DOCUMENT: Final = b"canary-document-7c2e"
"""The content of a document, as it appears in requests."""


@attrs.define(eq=False)
class Plan:
    """What a server does on each connection in turn; the last script is repeated.

    Once `well` is set, each new connection, and each request that `healthy` reads, is answered.
    """

    scripts: Sequence[Script]
    server: Server = attrs.field(init=False)
    well: bool = False

    async def __call__(self, peer: Peer) -> None:
        """Do what is planned for the connection that was opened last."""
        script = self.scripts[min(self.server.connections, len(self.scripts)) - 1]
        await (healthy if self.well else script)(peer)

    @property
    def seen(self) -> int:
        """How many whole requests arrived."""
        return len(self.server.requests)


@asynccontextmanager
async def plan(*scripts: Script, tls: bool = False) -> AsyncGenerator[Plan]:
    """Run a server with this plan inside the block."""
    planned = Plan(scripts or (healthy,))
    async with serve(planned, certified() if tls else None) as planned.server:
        yield planned


def talking(planned: Plan, folder: Path | None = None, **options: Any) -> Sikoia:
    """Return a client of the plan's server, with two retries and two connections.

    Args:
        planned: the plan.
        folder: where the file of authorities goes; wanted where the server speaks TLS.
        options: of `faults.client`.
    """
    trusted = {"tls": trusting(folder)} if folder else {}
    return client(
        planned.server.url,
        **{"retries": 2, "limits": Limits(max_in_flight=2), **trusted, **options},
    )


class Played(httpx.AsyncBaseTransport):
    """A transport that responds in turn, repeating the last; exceptions are raised.

    An exception that is not a `httpx.ConnectError` is raised when the request was read.
    """

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.times: list[float] = []
        self.requests: list[bytes] = []
        self.well = False

    @property
    def seen(self) -> int:
        """How many requests arrived."""
        return len(self.requests)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer the next one."""
        left = self.answers
        given = left.pop(0) if len(left) > 1 else left[0]
        self.times.append(anyio.current_time())
        if self.well:
            given = httpx.Response(200, content=b"[]")
        if isinstance(given, httpx.ConnectError):
            refuse(request, given)
        self.requests.append(f"{request.method} {request.url.path}\n".encode())
        self.requests[-1] += await request.aread()
        if isinstance(given, Exception):
            raise given
        return httpx.Response(given.status_code, headers=given.headers, content=given.content)


async def healthy(peer: Peer) -> None:
    """Respond to each request with a 200."""
    while True:
        await peer.request()
        await peer.send(answer())


def sends(*pieces: bytes) -> Script:
    """Read a request, send each piece in a separate packet, and close."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(*pieces)

    return script


def sends_and_resets(*pieces: bytes) -> Script:
    """The same, ending with a TCP reset, which may overtake the data."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(*pieces)
        await peer.reset()

    return script


async def hangs_up(_: Peer) -> None:
    """Close without reading or sending."""


async def resets(peer: Peer) -> None:
    """Reset the connection at once."""
    await peer.reset()


async def silent(peer: Peer) -> None:
    """Read the request, and never respond."""
    await peer.request()
    await peer.gone()


class CallOf:
    """A call that can be repeated, and whose repr shows nothing that it sends."""

    def __init__(self, method: str, path: str, **options: Any) -> None:
        self._method = method
        self._path = path
        self._options = options

    def __repr__(self) -> str:
        return f"<{self._method} {self._path}>"

    async def __call__(self, sikoia: Sikoia) -> Any:
        """Make the call."""
        return await sikoia.request(self._method, self._path, **self._options)


ask: Final = CallOf("GET", "/v2/cases")
put: Final = CallOf("DELETE", "/v2/cases/1", into=type(None))
"""An idempotent request."""
act: Final = CallOf("POST", "/v2/cases", body={"case_name": NAME, "file": DOCUMENT.decode()})
