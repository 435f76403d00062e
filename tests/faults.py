"""Servers with byte-level faults, on a real socket in the event loop of the test."""

import copy
import functools
import os
import pickle
import re
import socket
import ssl
import struct
import traceback
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NoReturn

import anyio
import attrs
import httpx
import trustme
from anyio.abc import ByteStream, SocketAttribute, SocketStream
from anyio.streams.tls import TLSStream

from sikoia_async import Sikoia
from sikoia_async._calls.context import ClientContext
from sikoia_async._retry.policy import RetryPolicy
from sikoia_async._transport.exchange import build_request
from sikoia_async._transport.limits import Limits
from sikoia_async._transport.pool import ConnectionPool
from sikoia_async._transport.stopwatch import Stopwatch
from sikoia_async._transport.types import RequestState, mark_unsent
from sikoia_async.environments import Environment, local

__all__ = [
    "SECRET",
    "TOKEN",
    "NoPauses",
    "Peer",
    "Script",
    "Server",
    "answer",
    "assert_plain",
    "authority",
    "certified",
    "chain",
    "client",
    "core",
    "forward",
    "guards",
    "no_descriptors",
    "refuse",
    "refusing",
    "request_to",
    "serve",
    "short_pauses",
    "trusting",
    "tuned",
]

TOKEN: Final = "canary-token-5f1d"
SECRET: Final = "canary-secret-9a3c"

_LENGTH: Final = re.compile(rb"(?i)\r\ncontent-length: *([0-9]+)")
_HUNG_UP: Final = (
    anyio.EndOfStream,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    OSError,  # of which ssl.SSLError is one
)


@attrs.define(eq=False)
class Server:
    """What a server has received."""

    url: str
    connections: int = 0
    open: int = 0
    received: bytes | bytearray = attrs.field(factory=bytearray, repr=False)
    """All bytes received, decrypted."""
    requests: list[bytes] = attrs.field(factory=list[bytes], repr=False)
    """The complete requests among them."""

    @property
    def lines(self) -> list[str]:
        """The request lines, without the version."""
        return [request.partition(b" HTTP/")[0].decode() for request in self.requests]


class Peer:
    """The server's end of a connection."""

    def __init__(self, wire: ByteStream, server: Server) -> None:
        self._wire = wire
        self._server = server
        self._buffer = bytearray()

    async def request(self) -> bytes:
        """Read one request, head and body; raises `EndOfStream` if there is none."""
        while b"\r\n\r\n" not in self._buffer:
            await self._more()
        head = self._buffer.index(b"\r\n\r\n") + 4
        declared = _LENGTH.search(self._buffer, 0, head)
        whole = head + int(declared[1] if declared else 0)
        while len(self._buffer) < whole:
            await self._more()
        request = bytes(self._buffer[:whole])
        del self._buffer[:whole]
        self._server.requests.append(request)
        return request

    async def something(self) -> None:
        """Read the first bytes that arrive."""
        await self._more()

    async def send(self, *pieces: bytes) -> None:
        """Send each piece in its own packet."""
        for piece in pieces:
            await self._wire.send(piece)

    async def reset(self) -> None:
        """Drop the connection with a TCP reset."""
        raw = self._wire.extra(SocketAttribute.raw_socket)  # noqa: S610 - no Django
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await self._wire.aclose()

    async def gone(self) -> None:
        """Return when the client has closed the connection."""
        with suppress(*_HUNG_UP):
            while True:
                await self._more()

    async def tunnel(self, host: str) -> None:
        """Copy bytes to and from `host`, an address with a port, until one side hangs up."""
        address, _, port = host.rpartition(":")
        async with (
            await anyio.connect_tcp(address, int(port)) as far,
            anyio.create_task_group() as two,
        ):

            async def copy(source: ByteStream, target: ByteStream) -> None:
                with suppress(*_HUNG_UP):
                    async for piece in source:
                        await target.send(piece)
                two.cancel_scope.cancel()

            two.start_soon(copy, far, self._wire)
            await copy(self._wire, far)

    async def _more(self) -> None:
        piece = await self._wire.receive()
        self._server.received += piece
        self._buffer += piece


Script = Callable[[Peer], Awaitable[None]]
"""What a server does on each connection, before it closes it."""


@asynccontextmanager
async def serve(script: Script, tls: ssl.SSLContext | None = None) -> AsyncGenerator[Server]:
    """Run a server for the duration of the block."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - no Django
    server = Server(f"{'https' if tls else 'http'}://127.0.0.1:{port}")

    async def accept(stream: SocketStream) -> None:
        server.connections += 1
        server.open += 1
        try:
            with suppress(*_HUNG_UP):
                async with stream:
                    await script(Peer(await _secured(stream, tls), server))
        finally:
            server.open -= 1

    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, accept)
        yield server
        tasks.cancel_scope.cancel()


async def _secured(stream: SocketStream, tls: ssl.SSLContext | None) -> ByteStream:
    if tls is None:
        return stream
    return await TLSStream.wrap(
        stream, server_side=True, ssl_context=tls, standard_compatible=False
    )


async def forward(peer: Peer) -> None:
    """Script of a proxy: open the tunnel that a CONNECT asks for."""
    line = await peer.request()
    await peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
    await peer.tunnel(line.split(b" ")[1].decode())


@asynccontextmanager
async def refusing() -> AsyncGenerator[str]:
    """Return the URL of a port without a listener."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def refuse(request: httpx.Request, error: Exception) -> NoReturn:
    """Fail in a transport of a test as without a connection: it is known that nothing was sent."""
    mark_unsent(request)
    raise error


def answer(status: int = 200, body: bytes = b"[]", **headers: str) -> bytes:
    """Return the bytes of a response; its length is right unless a header overrides it."""
    given = {name.lower(): value for name, value in headers.items()}
    lines = {"content_length": str(len(body)), "content_type": "application/json", **given}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + body


def client(url: str | Environment, **options: Any) -> Sikoia:
    """Return a client with a token, without retries and without a rate limit."""
    environment = local(url) if isinstance(url, str) else url
    options = {"token": TOKEN, "quota": None, "retries": 0, "timeout": 10} | options
    return tuned(Sikoia(environment=environment, **options), retry_policy=_policies[-1])


@attrs.frozen
class NoPauses(RetryPolicy):
    """Retries at once, whatever the server asks for."""

    def pause(self, retry: int, hint: float | None) -> float:  # noqa: ARG002
        """Return 0."""
        return 0.0


_policies: list[RetryPolicy] = [RetryPolicy()]


@contextmanager
def short_pauses() -> Generator[None]:
    """Let the first pause of clients that `client` makes in the block take 10 ms at most."""
    _policies.append(RetryPolicy(base=0.01))
    try:
        yield
    finally:
        _policies.pop()


def core(sikoia: Sikoia) -> ClientContext:
    """Return what the client's calls share."""
    return sikoia._api.context  # pyright: ignore[reportPrivateUsage] - tests look at the machinery


def tuned(
    sikoia: Sikoia, *, retry_policy: RetryPolicy | None = None, connect_timeout: float | None = None
) -> Sikoia:
    """Return the client after giving its calls and its token requests other timings."""
    context = core(sikoia)
    policy = retry_policy or context.retry_policy
    limits = context.limits
    if connect_timeout is not None:
        limits = attrs.evolve(limits, connect_timeout=connect_timeout)
    context = attrs.evolve(context, retry_policy=policy, limits=limits)
    sikoia._own_api = attrs.evolve(sikoia._api, context=context)  # pyright: ignore[reportPrivateUsage]
    if (source := sikoia._parts.get().token) is not None:  # pyright: ignore[reportPrivateUsage]
        source.retry_policy = policy
        source.limits = attrs.evolve(source.limits, connect_timeout=limits.connect_timeout)
    return sikoia


def request_to(
    url: str, method: str = "GET", *, headers: Mapping[str, str] | None = None, **state: Any
) -> httpx.Request:
    """Build a request as a call does, with its state."""
    watch = Stopwatch(anyio.current_time, "rate_limit")
    return build_request(method, url, headers or {}, RequestState(watch, **state), Limits())


def guards(sikoia: Sikoia) -> list[ConnectionPool]:
    """Return the client's connection pools: for tokens, if it fetches them, and for the API."""
    return sikoia._parts.get().pools  # pyright: ignore[reportPrivateUsage] - tests look at the machinery


@contextmanager
def no_descriptors() -> Generator[Callable[[], None]]:
    """Let the process open nothing in this block, or until it calls what it gets.

    A limit of zero would also make `poll` fail, in threads of other tests.
    """
    import resource  # noqa: PLC0415 - not on Windows

    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = [os.open(os.devnull, os.O_RDONLY)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (used[0] + 64, limits[1]))
    with suppress(OSError):
        while True:
            used.append(os.dup(used[0]))

    def restore() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        while used:
            os.close(used.pop())

    try:
        yield restore
    finally:
        restore()


@functools.cache
def authority() -> trustme.CA:
    """Return the certificate authority that `trusting` trusts."""
    return trustme.CA()


@functools.cache
def certified(
    host: str = "127.0.0.1",
    *,
    by: Callable[[], trustme.CA] = authority,
    until: datetime | None = None,
) -> ssl.SSLContext:
    """Return a server's TLS context with a certificate for `host`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = by().issue_cert(host, not_after=until)
    # The signature includes types of pyOpenSSL, which is not installed.
    certificate.configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
    return context


@functools.cache
def trusting(folder: Path) -> Path:
    """Return a file with the certificate authority in it."""
    file = folder / "authority.pem"
    authority().cert_pem.write_to_path(file)
    return file


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, its causes and its contexts."""
    if error is not None:
        yield error
        yield from chain(error.__cause__)
        yield from chain(error.__context__)


def assert_plain(error: Exception) -> None:
    """Check that an error holds only our own errors, can be pickled, and shows no secret."""
    copied = pickle.loads(pickle.dumps(error))  # noqa: S301 - what we have just pickled
    trace = traceback.TracebackException.from_exception(error, capture_locals=True)
    told = [*trace.format(), str(error), repr(error), repr(vars(error)), pickle.dumps(error, 0)]

    assert {type(one).__module__ for one in chain(error)} <= {"sikoia_async.errors"}
    assert str(error)
    assert str(copied) == str(copy.copy(error)) == str(error)
    assert not [text for text in told for canary in (TOKEN, SECRET) if canary in str(text)]
