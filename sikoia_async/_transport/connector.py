"""What `Sikoia(...)` is given, checked: environment, credentials, numbers, the way to the wire."""

from __future__ import annotations

import os
import ssl
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from sikoia_async._errors import ClientStateError, ConfigurationError
from sikoia_async._transport.pool import ConnectionPool, new_transport, tls_context
from sikoia_async._validation import validate_type
from sikoia_async.environments import PRODUCTION, Environment, named

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Connector",
    "http_client",
    "local_authorities",
    "validate_environment",
]


def validate_environment(environment: Environment | None) -> Environment:
    """Return the environment given, or the one that `SIKOIA_ENVIRONMENT` names, or production.

    Raises:
        ConfigurationError: the variable names none, or what was given is none.
    """
    what = "PRODUCTION, STAGING or an Environment(...)"
    validate_type("environment", environment, Environment, what)
    if environment is not None:
        return environment
    name = os.environ.get("SIKOIA_ENVIRONMENT")
    return PRODUCTION if name is None else named(name)


def local_authorities(environment: Environment) -> str | None:
    """Return the file that `SIKOIA_CA_FILE` names, for a local Sikoia and for nothing else."""
    return os.environ.get("SIKOIA_CA_FILE") if environment.name == "local" else None


class Connector:
    """The way to the wire: our own transports, or what the caller brought.

    Args:
        brought: the caller's transport or client, used for everything and never closed.
        tls: a TLS context, or a file of certificate authorities to trust; None for certifi's.
        proxy: address of a proxy.
        trust_env: whether the process's environment may name a proxy and a TLS key log.

    Raises:
        ConfigurationError: these contradict each other, or the file cannot be read.
    """

    def __init__(
        self,
        brought: httpx.AsyncBaseTransport | httpx.AsyncClient | None,
        tls: ssl.SSLContext | str | Path | None,
        proxy: str | None,
        *,
        trust_env: bool,
    ) -> None:
        if brought is not None and (tls is not None or proxy is not None or trust_env):
            msg = "tls, proxy and trust_env are for our own transport: set yours up with them"
            raise ConfigurationError(msg)
        validate_type("tls", tls, (ssl.SSLContext, str, Path), "an SSLContext, or a file's path")
        self._brought = _Lent(brought) if isinstance(brought, httpx.AsyncClient) else brought
        self._proxy = _checked_proxy(proxy)
        self._trust_env = trust_env
        self._context = tls if isinstance(tls, ssl.SSLContext) else None
        if isinstance(tls, str | Path):
            self._context = tls_context(str(tls), key_log=trust_env)

    def guard(self, url: str, permits: int) -> ConnectionPool:
        """Return a guarded transport for the origin of this address."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if self._brought is not None:
            brought = self._brought
            return ConnectionPool(origin, permits, lambda: brought, shared=True)
        proxy = _proxy_for(url) if self._trust_env and self._proxy is None else self._proxy
        return ConnectionPool(
            origin, permits, lambda: new_transport(self._tls(parts.scheme), proxy)
        )

    def _tls(self, scheme: str) -> ssl.SSLContext | None:
        """Return the TLS context, made when it is first wanted: that takes 20 ms."""
        if self._context is None and scheme == "https":
            self._context = tls_context(None, key_log=self._trust_env)
        return self._context


def http_client(
    guard: ConnectionPool, hooks: dict[str, list[Callable[..., Any]]]
) -> httpx.AsyncClient:
    """Make a client of ours: it keeps no cookies, and asks the process's environment nothing."""
    no_cookies = CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
    return httpx.AsyncClient(
        transport=guard, event_hooks=hooks, cookies=no_cookies, trust_env=False
    )


class _Lent(httpx.AsyncBaseTransport):
    """A caller's client as a transport: its pool and its hooks, but none of its credentials."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._client.is_closed:
            msg = "the httpx.AsyncClient that was passed as http_client is closed"
            raise ClientStateError(msg)
        response = await self._client.send(request, auth=None, stream=True, follow_redirects=False)
        if not response.is_stream_consumed:
            return response
        # A hook of theirs has read it: what is left is the inflated body.
        headers = [
            (name, value) for name, value in response.headers.raw if name.lower() not in _SPENT
        ]
        return httpx.Response(response.status_code, headers=headers, content=response.content)


_SPENT: Final = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})


def _proxy_for(url: str) -> str | None:
    """Return the proxy that the process's environment names for an address."""
    parts = urlsplit(url)
    proxies = getproxies()
    passed_by = proxy_bypass(str(parts.hostname))
    return _checked_proxy(None if passed_by else proxies.get(parts.scheme) or proxies.get("all"))


def _checked_proxy(proxy: str | None) -> str | None:
    """Refuse what httpx would refuse in the middle of the first call.

    Raises:
        ConfigurationError: it is no address of an HTTP proxy. It is not repeated: it may hold a
            password.
    """
    if proxy is None or proxy.startswith(("http://", "https://")):
        return proxy
    msg = "proxy: give the address of an HTTP proxy, such as http://proxy.example:3128"
    raise ConfigurationError(msg)
