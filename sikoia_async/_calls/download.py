"""Downloads by link: files outside the API, readable by anyone who has the link, for minutes.

A link is a secret, and leads to a host that must not be trusted. So each download has its own
connection, without token, idempotency key or hook, and errors and logs show no part of the link.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import httpx

from sikoia_async._calls.call import Call
from sikoia_async._errors import ArgumentError
from sikoia_async._files.sinks import FileSink, MemorySink
from sikoia_async._transport.client import Client
from sikoia_async._validation import is_on_loopback, split_url

if TYPE_CHECKING:
    import os

    from sikoia_async._calls.api import Api
    from sikoia_async._transport.connector import Connector
    from sikoia_async._transport.link_hosts import LinkHosts
    from sikoia_async._transport.types import Sink

__all__ = ["download", "save"]


async def download(api: Api, connector: Connector, link: str | None) -> bytes:
    """Return the file that a link leads to."""
    api.context.lifecycle.check()
    url = _validate_link(link, api.context.origin, connector.link_hosts)
    sink = MemorySink(api.context.limits.max_body)
    await _fetch(api, connector, url, sink)
    return sink.whole()


async def save(
    api: Api,
    connector: Connector,
    link: str | None,
    path: str | os.PathLike[str],
    max_file: int | None,
) -> int:
    """Write the file that a link leads to, and return its size."""
    api.context.lifecycle.check()
    url = _validate_link(link, api.context.origin, connector.link_hosts)
    async with FileSink(path, api.max_file(max_file)) as sink:
        await _fetch(api, connector, url, sink)
        return sink.size


async def _fetch(api: Api, connector: Connector, url: httpx.URL, sink: Sink) -> None:
    origin = _origin(url)
    route = connector.route(origin, is_link=origin != api.context.origin)
    pool = connector.new_pool(route, 1)
    headers = api.context.headers.copy()
    headers.update({"Host": url.netloc.decode(), "Accept": "*/*"})
    headers["Accept-Encoding"] = "identity"  # a file host need not be able to send a bomb
    del headers["Content-Type"]
    context = attrs.evolve(
        api.context,
        client=Client(pool),
        origin=origin,
        headers=headers,
        rate_limiter=None,
        hooks=None,
    )
    target = url.raw_path.decode()
    call = Call(
        context,
        attrs.evolve(api.options, headers=None),  # they are for Sikoia only
        method="GET",
        path="(link)",
        target=target,
        retry_class="safe",
        sink=sink,
        is_link=True,
    )
    try:
        await call.stream()
    finally:
        await pool.aclose()


def _validate_link(link: str | None, home: str, hosts: LinkHosts) -> httpx.URL:
    """Return a link that may be followed, by the rules for environments.

    Only the local Sikoia keeps its files on this machine, so links of other environments must not
    lead to loopback.
    """
    # A file's name may contain blanks, which are sent as httpx spells them.
    parts = split_url(link.replace(" ", "%20") if isinstance(link, str) else link)
    if parts is not None and parts.userinfo is None:
        is_http_allowed = is_on_loopback(home) and is_on_loopback(str(parts))
        if parts.scheme == "https" or is_http_allowed:
            if hosts.allows(parts.host):
                return httpx.URL(str(parts))
            msg = "link: it leads to a host that link_hosts does not have"
            raise ArgumentError(msg)
    msg = "link: expected an https URL that Sikoia sent, without user name and password"
    raise ArgumentError(msg)


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode()}"
