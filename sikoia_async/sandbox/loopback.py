"""The listening socket of the local Sikoia, its URL, and its TLS certificate."""

import datetime as dt
import os
import re
import socket
import ssl
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx
import trustme

from sikoia_async.sandbox.validation import is_whole

_MAX_PORT = 65_535
_ORIGIN = re.compile(r"https://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_ALL_ADDRESSES = frozenset({"0.0.0.0", "::"})  # noqa: S104 - to recognise them


def validate_host(host: object, *, allow_remote: object) -> None:
    """Refuse a host that other machines could reach, unless they are allowed to.

    Raises:
        ValueError: The host is neither allowed nor a loopback address, or `allow_remote` is not a
            bool.
    """
    if type(allow_remote) is not bool:
        msg = "allow_remote: expected True or False"
        raise ValueError(msg)
    if not isinstance(host, str) or not (_is_loopback(host) or (allow_remote and host)):
        msg = (
            "host: expected a loopback address or localhost; other machines can reach the local "
            "Sikoia only with allow_remote, because its data is fictitious and its authentication "
            "protects nothing"
        )
        raise ValueError(msg)


def validate_public_url(url: object) -> None:
    """Refuse what is not the URL of an origin.

    Raises:
        ValueError: The URL has another scheme than https, a path or a query, or no host.
    """
    if url is not None and not (isinstance(url, str) and _ORIGIN.fullmatch(url) and host_of(url)):
        msg = "url: expected https, a host and a port, such as https://sikoia.internal:8400"
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


def names_of(host: str, url: str | None) -> Sequence[str]:
    """Return the hosts by which clients may reach the local Sikoia, the usual one first.

    Args:
        host: Where it listens.
        url: Its public URL, if it has one.
    """
    names = [host_of(url)] if url else []
    # Through a published port of a container, for example.
    names += ["localhost", "127.0.0.1"] if host in _ALL_ADDRESSES else [host]
    return tuple(dict.fromkeys(names))


def host_of(url: str) -> str:
    """Return the host of a URL, without brackets; empty if it is malformed."""
    parts = urlsplit(url)
    try:
        has_port = parts.port != 0
    except ValueError:
        return ""
    return (parts.hostname or "") if has_port else ""


def url_of(host: str, listener: socket.socket, scheme: str = "https") -> str:
    """Return the base URL of a listening socket."""
    port: int = listener.getsockname()[1]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def new_authority() -> tuple[bytes, bytes]:
    """Return the certificate and the key of a new certificate authority, in PEM."""
    with _real_datetime():
        authority = trustme.CA()
    return authority.cert_pem.bytes(), authority.private_key_pem.bytes()


def tls_context(hosts: Sequence[str], authority: tuple[bytes, bytes]) -> ssl.SSLContext:
    """Issue a certificate for hosts, by an authority."""
    with _real_datetime():
        certificate = trustme.CA.from_pem(*authority).issue_cert(*hosts)
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
