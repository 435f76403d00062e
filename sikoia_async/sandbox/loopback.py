"""The listening socket of the local Sikoia, limited to loopback, and its TLS certificate."""

import datetime as dt
import os
import socket
import ssl
from collections.abc import Generator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

import httpx
import trustme

from sikoia_async.sandbox.validation import is_whole

_MAX_PORT = 65_535


def validate_loopback(host: object) -> None:
    """Refuse a host that other machines could reach.

    Raises:
        ValueError: The host is not a loopback address.
    """
    if not isinstance(host, str) or not _is_loopback(host):
        msg = (
            "host: expected a loopback address or localhost; the local Sikoia listens nowhere else,"
            " because its data is fictitious and its authentication protects nothing"
        )
        raise ValueError(msg)


def validate_port(port: int, *, name: str = "port") -> None:
    """Refuse what is not a port; `name` is the argument to report.

    Raises:
        ValueError: The port is not a whole number, or out of range.
    """
    if not is_whole(port) or not 0 <= port <= _MAX_PORT:
        msg = f"{name}: expected 1 to {_MAX_PORT}, or 0 for any free port"
        raise ValueError(msg)


def is_loopback_callback(url: str) -> bool:
    """Return whether a callback URL points to this machine, so that it may receive requests.

    Host names other than `localhost` do not, whatever they resolve to: resolving them would
    already cause network traffic.
    """
    try:
        parts = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        return False
    return _is_loopback(parts.raw_host.decode()) and (parts.port or 0) <= _MAX_PORT


def listen(host: str, port: int) -> socket.socket:
    """Open a listening socket; port 0 picks a free one.

    Raises:
        OSError: The port is in use, or reserved.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as exc:
        reason = os.strerror(exc.errno or 0)
        msg = f"cannot listen on port {port} of {host}: {reason}; use another port, or 0 for any"
        raise OSError(exc.errno, msg) from exc
    # Connections inherit this. The head and body of a response are two packets; without the
    # option the second one waits up to 40 ms for an acknowledgement of the first.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def url_of(host: str, listener: socket.socket, scheme: str = "https") -> str:
    """Return the base URL of a listening socket."""
    port: int = listener.getsockname()[1]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def tls_context(host: str, ca_file: Path) -> ssl.SSLContext:
    """Issue a certificate for `host`, and write its certificate authority to `ca_file`."""
    with _real_datetime():
        authority = trustme.CA()
        certificate = authority.issue_cert(host)
    authority.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Its signature also names contexts of pyOpenSSL, which is not installed.
    certificate.configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
    return context


@contextmanager
def _real_datetime() -> Generator[None]:
    """Let cryptography find the real `datetime`, not a subclass that freezegun puts in its place.

    It remembers the first class that it finds, and refuses instances of any other.
    """
    found = dt.datetime
    real = next(kind for kind in reversed(found.__mro__) if hasattr(kind, "hour"))
    dt.__dict__["datetime"] = real
    try:
        yield
    finally:
        dt.__dict__["datetime"] = found


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
