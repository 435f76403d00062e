"""Downloads by link: files beside the API, that whoever holds the link may read, for minutes.

A link is a secret and leads to a host that is not ours to trust. So a download has a connection of
its own, which knows no token, no key and no hook, and what is told of it names the host alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import attrs
import httpx

from sikoia_async._calls.call import Call
from sikoia_async._errors import ConfigurationError
from sikoia_async._files.sinks import FileSink, MemorySink
from sikoia_async._transport.connector import http_client
from sikoia_async.environments import is_on_loopback, local

if TYPE_CHECKING:
    import os

    from sikoia_async._calls.api import Api
    from sikoia_async._transport.connector import Connector
    from sikoia_async._transport.exchange import Sink

__all__ = ["download", "save"]

_HOST: Final = re.compile(rb"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
"""A name or an address; httpx lets other signs pass, and looks for such a host."""


async def download(api: Api, wire: Connector, link: str | None) -> bytes:
    """Return the file that a link leads to."""
    api.context.lifecycle.check()
    url = _checked(link, api.context.origin)
    sink = MemorySink(api.context.limits.body)
    await _fetch(api, wire, url, sink)
    return sink.whole()


async def save(api: Api, wire: Connector, link: str | None, path: str | os.PathLike[str]) -> int:
    """Write the file that a link leads to, and return its size."""
    api.context.lifecycle.check()
    url = _checked(link, api.context.origin)
    with FileSink(path) as sink:
        await sink.open()
        await _fetch(api, wire, url, sink)
        return sink.size


async def _fetch(api: Api, wire: Connector, url: httpx.URL, sink: Sink) -> None:
    origin = _origin(url)
    guard = wire.guard(origin, 1)
    headers = {**api.context.headers, "Host": url.netloc.decode(), "Accept": "*/*"}
    del headers["Content-Type"]
    context = attrs.evolve(
        api.context,
        client=http_client(guard, {}),
        origin=origin,
        headers=headers,
        rate_limiter=None,
    )
    target = url.raw_path.decode()
    call = Call(
        context,
        api.options,
        method="GET",
        path="(link)",
        target=target,
        kind="safe",
        sink=sink,
        hidden=True,
    )
    try:
        await call.pour()
    finally:
        await guard.aclose()


def _checked(link: str | None, home: str) -> httpx.URL:
    """Return a link that may be followed; an environment's rules say to which origins.

    Only a local Sikoia has its files on this machine: elsewhere a link leads away from it.
    """
    try:
        url = httpx.URL(link or "")
        local(_origin(url))
        is_safe = url.scheme == "https" or is_on_loopback(home)
        if is_safe and _is_host(url.raw_host) and url.host and not url.userinfo:
            return url
    except (ConfigurationError, httpx.InvalidURL, TypeError, UnicodeError):
        pass
    msg = "link: give an address that Sikoia sent: https, and without user name and password"
    raise ConfigurationError(msg)


def _is_host(host: bytes) -> bool:
    """Tell whether this names a host; what resolves names raises errors of its own on others."""
    labels = [b"6"] if b":" in host else host.removesuffix(b".").split(b".")
    return _HOST.fullmatch(host) is not None and all(0 < len(one) < 64 for one in labels)  # noqa: PLR2004 - RFC 1035


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode()}"
