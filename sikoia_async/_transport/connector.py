"""What `Sikoia(...)` is given, checked: environment, credentials, numbers, the way to the wire."""

from __future__ import annotations

import os
import ssl
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import attrs
import httpx

from sikoia_async._validation import checked_type
from sikoia_async._transport.pool import Guard, own_transport, tls_context
from sikoia_async._hooks.auth import SendApiKey
from sikoia_async._auth.secret import Secret
from sikoia_async._auth.tokens import CallableToken, StaticToken
from sikoia_async.environments import PRODUCTION, Environment, named
from sikoia_async._errors import ClientStateError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from sikoia_async._auth.tokens import TokenSource

__all__ = [
    "Credentials",
    "Wire",
    "checked_environment",
    "http_client",
    "local_authorities",
]


def checked_environment(environment: Environment | None) -> Environment:
    """Return the environment given, or the one that `SIKOIA_ENVIRONMENT` names, or production.

    Raises:
        ConfigurationError: the variable names none, or what was given is none.
    """
    what = "PRODUCTION, STAGING or an Environment(...)"
    checked_type("environment", environment, Environment, what)
    if environment is not None:
        return environment
    name = os.environ.get("SIKOIA_ENVIRONMENT")
    return PRODUCTION if name is None else named(name)


def local_authorities(environment: Environment) -> str | None:
    """Return the file that `SIKOIA_CA_FILE` names, for a local Sikoia and for nothing else."""
    return os.environ.get("SIKOIA_CA_FILE") if environment.name == "local" else None


@attrs.frozen
class Credentials:
    """How the client shows who it is; one way and no more.

    Raises:
        ConfigurationError: there is none, or more than one, or one is malformed.
    """

    client_id: str | None
    client_secret: str | None = attrs.field(repr=False)
    token: str | Callable[[], str | Awaitable[str]] | None = attrs.field(repr=False)
    api_key: str | None = attrs.field(repr=False)

    def given(self) -> Secret | TokenSource | SendApiKey:
        """Return the client's secret (its id is `client_id`), or what stands in its place."""
        # No variable holds them: there are tools that write down those of a traceback.
        if sum(way is not None for way in self._ways()) > 1:
            msg = "give client_id and client_secret, or token, or api_key, but not several of them"
            raise ConfigurationError(msg)
        if self.api_key is not None:
            return SendApiKey(Secret("api_key", self.api_key))
        if isinstance(self.token, str | bytes):
            return StaticToken(Secret("token", self.token))
        return self._secret() if self.token is None else CallableToken(self.token)

    def _ways(self) -> Iterator[object]:
        yield from (self.token, self.api_key, self.client_id or self.client_secret)

    def _secret(self) -> Secret:
        if self.client_id is None or self.client_secret is None:
            missing = "client_secret is missing" if self.client_id else "client_id is missing"
            problem = missing if self.client_id or self.client_secret else "no credentials"
            msg = (
                f"{problem}: pass client_id=... and client_secret=..., or set both "
                "SIKOIA_CLIENT_ID and SIKOIA_CLIENT_SECRET (each environment has its own)"
            )
            raise ConfigurationError(msg)
        Secret("client_id", self.client_id)
        return Secret("client_secret", self.client_secret)

    @property
    def for_seals(self) -> str:
        """What only this application knows; empty where it was given nothing that lasts."""
        return self.client_secret or self.api_key or ""

    def or_from_environment(self) -> Credentials:
        """Return these, or where nothing was given what the process's environment holds."""
        given = (self.client_id, self.client_secret, self.token, self.api_key)
        if any(way is not None for way in given):
            return self
        get = os.environ.get
        return Credentials(get("SIKOIA_CLIENT_ID"), get("SIKOIA_CLIENT_SECRET"), None, None)


class Wire:
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
        checked_type("tls", tls, (ssl.SSLContext, str, Path), "an SSLContext, or a file's path")
        self._brought = _Lent(brought) if isinstance(brought, httpx.AsyncClient) else brought
        self._proxy = _checked_proxy(proxy)
        self._trust_env = trust_env
        self._context = tls if isinstance(tls, ssl.SSLContext) else None
        if isinstance(tls, str | Path):
            self._context = tls_context(str(tls), key_log=trust_env)

    def guard(self, url: str, permits: int) -> Guard:
        """Return a guarded transport for the origin of this address."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if self._brought is not None:
            brought = self._brought
            return Guard(origin, permits, lambda: brought, shared=True)
        proxy = _proxy_for(url) if self._trust_env and self._proxy is None else self._proxy
        return Guard(origin, permits, lambda: own_transport(self._tls(parts.scheme), proxy))

    def _tls(self, scheme: str) -> ssl.SSLContext | None:
        """Return the TLS context, made when it is first wanted: that takes 20 ms."""
        if self._context is None and scheme == "https":
            self._context = tls_context(None, key_log=self._trust_env)
        return self._context


def http_client(guard: Guard, hooks: dict[str, list[Callable[..., Any]]]) -> httpx.AsyncClient:
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
