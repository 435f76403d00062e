"""Connects to the hosts of an environment: through a proxy if one is set, and up to TLS."""

from __future__ import annotations

import socket
import ssl
import threading
from base64 import b64encode
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

import anyio
import attrs
from anyio.lowlevel import current_token
from anyio.streams.tls import TLSAttribute, TLSStream

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from anyio.abc import ByteStream

__all__ = ["Origin", "Proxy", "ProxyRefusedError", "Route", "resolve"]

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_TIMEOUT: Final = 10.0
"""Seconds for one step of connecting."""
_MAX_HEAD: Final = 65_536
_NO_CHECK_TIME: Final = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which Python has no name for."""


class ProxyRefusedError(OSError):
    """A proxy has opened no tunnel."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@attrs.frozen
class Origin:
    """Scheme, host and port."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Origin:
        """Return the origin of a valid URL."""
        parts = urlsplit(url)
        return cls(parts.scheme, parts.hostname or "", parts.port or _DEFAULT_PORTS[parts.scheme])

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@attrs.frozen
class Proxy:
    """An HTTP proxy. Its repr hides user name and password."""

    origin: Origin
    authorization: str | None = attrs.field(repr=False)

    @classmethod
    def of(cls, url: str) -> Proxy:
        """Return the proxy of a valid URL."""
        parts = urlsplit(url)
        authorization = None
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            authorization = b64encode(pair.encode()).decode()
        return cls(Origin.of(url), authorization)


@attrs.frozen
class Route:
    """How an origin is reached.

    Args:
        origin: where requests go.
        tls: the TLS context that verifies it, and an https proxy.
        proxy: the proxy that leads there; None without one.
    """

    origin: Origin
    tls: ssl.SSLContext
    proxy: Proxy | None = None

    @asynccontextmanager
    async def connected(self) -> AsyncGenerator[ByteStream]:
        """Connect to the origin, through the proxy if there is one; without TLS so far.

        Raises:
            ProxyRefusedError: the proxy has opened no tunnel.
            OSError: the origin, or the proxy, cannot be reached.
        """
        first = self.origin if self.proxy is None else self.proxy.origin
        with anyio.fail_after(_TIMEOUT):
            socket_stream = await anyio.connect_tcp(first.host, first.port)
        async with socket_stream:
            if self.proxy is None:
                yield socket_stream
            else:
                yield await self._tunnelled(socket_stream, self.proxy)

    async def handshake(self) -> None:
        """Connect, and verify the certificate.

        Raises:
            ssl.SSLCertVerificationError: the certificate is not accepted.
            OSError: the connection or its TLS handshake failed.
        """
        async with self.connected() as stream:
            await _secured(stream, self.origin.host, self.tls)

    async def certificate(self) -> dict[str, Any]:
        """Return the certificate of a host that is not trusted, as `ssl` describes it.

        Nothing is sent to the host.

        Raises:
            OSError: the connection or its TLS handshake failed.
        """
        blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
        async with self.connected() as stream:
            tls = await _secured(stream, self.origin.host, blind)
            encoded = tls.extra(TLSAttribute.peer_certificate_binary)  # noqa: S610 - no Django
        # Python describes only certificates that it has verified, so this one is made trusted.
        anchored = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        anchored.check_hostname = False
        anchored.load_verify_locations(cadata=encoded)
        anchored.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
        async with self.connected() as stream:
            tls = await _secured(stream, self.origin.host, anchored)
            described: Any = tls.extra(TLSAttribute.peer_certificate)  # noqa: S610 - as above
        certificate: dict[str, Any] = described
        return certificate

    async def _tunnelled(self, stream: ByteStream, proxy: Proxy) -> ByteStream:
        if proxy.origin.scheme == "https":
            stream = await _secured(stream, proxy.origin.host, self.tls)
        lines = [f"CONNECT {self.origin} HTTP/1.1", f"Host: {self.origin}"]
        if proxy.authorization is not None:
            lines.append(f"Proxy-Authorization: Basic {proxy.authorization}")
        await stream.send("\r\n".join([*lines, "", ""]).encode())
        status = await _status(stream)
        if status // 100 != 2:  # noqa: PLR2004 - any 2xx opens it
            raise ProxyRefusedError(status)
        return stream


async def resolve(host: str) -> list[str]:
    """Return the addresses of a host.

    In a thread that does not keep the process: a resolver may take half a minute.

    Raises:
        OSError: it has none.
    """
    results: list[Any] = []
    done, token = anyio.Event(), current_token()

    def work() -> None:
        try:
            results.append(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
        except OSError as error:
            results.append(error)
        with suppress(RuntimeError):  # nobody waits any more
            anyio.from_thread.run_sync(done.set, token=token)

    threading.Thread(target=work, name="resolve", daemon=True).start()
    await done.wait()
    (found,) = results
    if isinstance(found, OSError):
        raise found
    return list(dict.fromkeys(entry[4][0] for entry in found))


async def _secured(stream: ByteStream, host: str, tls: ssl.SSLContext) -> TLSStream:
    with anyio.fail_after(_TIMEOUT):
        return await TLSStream.wrap(
            stream, hostname=host, ssl_context=tls, standard_compatible=False
        )


async def _status(stream: ByteStream) -> int:
    """Return the status of a proxy's response; 0 if it is not HTTP."""
    head = b""
    with anyio.fail_after(_TIMEOUT), suppress(anyio.EndOfStream, anyio.BrokenResourceError):
        while b"\r\n\r\n" not in head and len(head) < _MAX_HEAD:
            head += await stream.receive()
    words = head.partition(b"\r\n")[0].split()
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
