"""Where the local Sikoia may listen, and the certificate it shows there."""

import os
import socket
import ssl
from ipaddress import ip_address
from pathlib import Path

import httpx
import trustme

_LAST_PORT = 65_535


def require_loopback(host: str) -> None:
    """Refuse to be reached from elsewhere.

    Raises:
        ValueError: The host is not this machine speaking to itself.
    """
    if not _is_loopback(host):
        msg = (
            f"the local Sikoia listens on loopback only, not on {host}:"
            " its data is fictitious and its authentication protects nothing"
        )
        raise ValueError(msg)


def require_port(port: int, *, name: str = "port") -> None:
    """Refuse what is no port, by the name of the argument that it was given as.

    Raises:
        ValueError: It is none.
    """
    if not 0 <= port <= _LAST_PORT:
        msg = f"{name}: give one from 1 to {_LAST_PORT}, or 0 for any that is free"
        raise ValueError(msg)


def is_callback_here(url: str) -> bool:
    """Tell whether a callback leads to this machine, so that something may be sent there.

    A name but `localhost` does not, wherever it leads today: to look that up would be traffic.
    """
    try:
        parts = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        return False
    return _is_loopback(parts.raw_host.decode()) and (parts.port or 0) <= _LAST_PORT


def listen(host: str, port: int) -> socket.socket:
    """Open a listening socket; port 0 takes a free one.

    Raises:
        OSError: The port is in use, or not ours to take.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as exc:
        reason = os.strerror(exc.errno or 0)
        msg = f"cannot listen on port {port} of {host}: {reason}; give another one, or 0 for any"
        raise OSError(exc.errno, msg) from exc
    # Connections inherit it. Head and body of an answer are two packets, and without this the
    # second waits 40 ms for the first to be acknowledged.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def address_of(host: str, listener: socket.socket, scheme: str = "https") -> str:
    """Write the address of a listener as a URL."""
    port: int = listener.getsockname()[1]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def certify(host: str, ca_file: Path) -> ssl.SSLContext:
    """Make a certificate for `host`, and write down the authority to trust it by."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Its signature also names contexts of pyOpenSSL, which is not installed.
    authority.issue_cert(host).configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
    return context


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
