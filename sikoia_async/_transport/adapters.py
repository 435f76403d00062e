"""Transports and clients of other libraries than httpx: httpx2's, and aiohttp's sessions.

Neither library is imported here: an object of theirs shows that it is loaded.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, Protocol

import httpx

from sikoia_async._errors import ArgumentTypeError, ConfigurationError
from sikoia_async._transport.lent import ClientTransport

if TYPE_CHECKING:
    from collections.abc import Awaitable

__all__ = ["HttpClient", "HttpTransport", "adapted", "validate_client", "validate_transport"]

_SEND: Final = "handle_async_request"


class HttpTransport(Protocol):
    """A transport of httpx or httpx2, such as `httpx.AsyncHTTPTransport()`."""

    async def handle_async_request(self, request: Any, /) -> Any:
        """Send a request, and return its response."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


class HttpClient(Protocol):
    """An `httpx.AsyncClient`, an `httpx2.AsyncClient` or an `aiohttp.ClientSession`."""

    def request(self, method: str, url: str, /) -> Awaitable[Any]:
        """Send a request, and return its response."""
        ...


def validate_transport(name: str, transport: object) -> None:
    """Check that an argument is a transport that requests can be sent with, or None.

    Raises:
        ArgumentTypeError: it is not.
    """
    if transport is not None and not any(_is_transport(transport, one) for one in _libraries()):
        msg = (
            f"{name}: expected an instance of httpx.AsyncBaseTransport, such as "
            "httpx.AsyncHTTPTransport(), or one of httpx2; pass a client as http_client=..."
        )
        raise ArgumentTypeError(msg)


def validate_client(client: Any) -> None:
    """Check that an argument is a client that requests can be sent with, or None.

    Raises:
        ArgumentTypeError: it is not.
        ConfigurationError: it replaces the access token by credentials of its own.
    """
    if client is None:
        return
    if _is_session(client):
        if client.auth is not None:
            msg = "http_client: expected a session without auth, which contradicts the access token"
            raise ConfigurationError(msg)
        return
    library = next((one for one in _libraries() if isinstance(client, one.AsyncClient)), None)
    if library is None:
        msg = (
            "http_client: expected an instance of httpx.AsyncClient, httpx2.AsyncClient or "
            "aiohttp.ClientSession; pass a transport as transport=..."
        )
        raise ArgumentTypeError(msg)
    # httpx does not check what it is given either.
    mounts: dict[object, object] = getattr(client, "_mounts", {})
    for transport in (getattr(client, "_transport", None), *mounts.values()):
        if transport is not None and not _is_transport(transport, library):
            name = library.__name__
            msg = f"http_client: its transports must be instances of {name}.AsyncBaseTransport"
            raise ArgumentTypeError(msg)


def adapted(brought: Any) -> httpx.AsyncBaseTransport:
    """Return a valid transport or client of the caller's as a transport of httpx."""
    if isinstance(brought, httpx.AsyncBaseTransport):
        return brought
    if isinstance(brought, httpx.AsyncClient):
        return ClientTransport(brought)
    if _is_session(brought):
        from sikoia_async._transport.over_aiohttp import AiohttpTransport  # noqa: PLC0415 - if used

        return AiohttpTransport(brought)
    from sikoia_async._transport import over_httpx2  # noqa: PLC0415 - loaded if used

    is_transport = hasattr(brought, _SEND)
    return (over_httpx2.Httpx2Transport if is_transport else over_httpx2.Httpx2Client)(brought)


def _libraries() -> list[Any]:
    """Return httpx, and httpx2 if it is loaded."""
    httpx2 = sys.modules.get("httpx2")
    return [httpx] if httpx2 is None else [httpx, httpx2]


def _is_transport(value: object, library: Any) -> bool:
    base = library.AsyncBaseTransport
    return isinstance(value, base) and getattr(type(value), _SEND) is not getattr(base, _SEND)


def _is_session(value: Any) -> bool:
    aiohttp: Any = sys.modules.get("aiohttp")
    return aiohttp is not None and isinstance(value, aiohttp.ClientSession)
