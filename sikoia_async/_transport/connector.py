"""Creates connection pools: over this SDK's own transports, or over the caller's.

Also validates the arguments of `Sikoia` that decide where and how it connects.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from sikoia_async._errors import ConfigurationError
from sikoia_async._settings import variables
from sikoia_async._transport.link_hosts import LinkHosts
from sikoia_async._transport.origins import remember
from sikoia_async._transport.proxies import proxy_of_environment, validate_proxy
from sikoia_async._validation import is_on_loopback, plain_string, validate_type
from sikoia_async.environments import PRODUCTION, STAGING, Environment, EnvironmentName, local

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    import httpx

    from sikoia_async._transport.adapters import HttpClient, HttpTransport
    from sikoia_async._transport.pool import ConnectionPool
    from sikoia_async.observers._observers import Observers

__all__ = [
    "Connector",
    "Route",
    "local_authorities",
    "named_environment",
    "validate_environment",
]

_NAMED: Final[Mapping[object, Environment]] = {"production": PRODUCTION, "staging": STAGING}


def validate_environment(environment: Environment | EnvironmentName | None) -> Environment:
    """Return the given environment, or the one that `SIKOIA_ENVIRONMENT` names, or production.

    Raises:
        ConfigurationError: the argument is not an environment, or the variable names none.
    """
    if environment is None:
        name = variables.text("SIKOIA_ENVIRONMENT")
        return PRODUCTION if name is None else named_environment(name)
    what = "'production', 'staging' or an Environment, such as local('https://127.0.0.1:8400')"
    if isinstance(environment, str):
        known = _NAMED.get(plain_string(environment))
        if known is None:
            msg = f"environment: expected {what}"
            raise ConfigurationError(msg)
        return known
    validate_type("environment", environment, Environment, what)
    return environment


def named_environment(name: str) -> Environment:
    """Return the environment that `SIKOIA_ENVIRONMENT` names.

    Args:
        name: `production`, `staging`, or the URL of a local Sikoia.

    Raises:
        ConfigurationError: the name is none of these.
    """
    known = _NAMED.get(name)
    if known is not None:
        return known
    if is_on_loopback(name):
        return local(name)
    msg = (
        "SIKOIA_ENVIRONMENT: expected production, staging, or the URL of a local Sikoia, such as "
        "https://127.0.0.1:8400; for any other host, pass environment=Environment(...) in code"
    )
    raise ConfigurationError(msg)


def local_authorities(environment: Environment) -> str | None:
    """Return the file that `SIKOIA_CA_FILE` names; only a local Sikoia may use it.

    Raises:
        ConfigurationError: it cannot be read, or holds no certificate.
    """
    path = variables.text("SIKOIA_CA_FILE")
    if not path or environment.name != "local":
        return None
    from sikoia_async._transport.tls import new_context  # noqa: PLC0415 - loaded if used

    new_context(path, trust_env=False, name="SIKOIA_CA_FILE")
    return path


class Route(NamedTuple):
    """How an origin is reached."""

    origin: str
    new_transport: Callable[[], httpx.AsyncBaseTransport]
    """Creates a transport for one connection."""
    is_brought: bool
    """Whether it returns the caller's transport, which is never replaced or closed."""


class Connector:
    """Creates connection pools for the origins that a client talks to.

    It is created with the client, and loads httpx with the first pool.

    Args:
        brought: the caller's transport or client, used for every request and never closed.
        tls: a TLS context, or a file of certificate authorities to trust; None for certifi's. It
            also applies to a proxy.
        link_tls: the same for the hosts of links, which must not see the client's certificate.
        link_hosts: the hosts that links may lead to; None for any.
        proxy: URL of an HTTP proxy.
        trust_env: whether the process's environment may name a proxy, a TLS key log and, without
            `tls`, further certificate authorities.
        observers: see when a connection is replaced.

    Raises:
        ConfigurationError: the arguments contradict each other, or the file cannot be read.
    """

    def __init__(
        self,
        brought: HttpTransport | HttpClient | None,
        tls: ssl.SSLContext | str | Path | None,
        proxy: str | None,
        *,
        trust_env: bool,
        link_tls: ssl.SSLContext | str | Path | None = None,
        link_hosts: Collection[str] | None = None,
        observers: Observers | None = None,
    ) -> None:
        self._observers = observers
        if brought is not None and (trust_env or (tls, link_tls, proxy) != (None, None, None)):
            msg = (
                "tls, link_tls, proxy, trust_env: configure these on your own transport or "
                "http_client"
            )
            raise ConfigurationError(msg)
        validate_type("trust_env", trust_env, bool, "True or False")
        self._trust_env = trust_env
        self._tls = self._context("tls", tls)
        self._link_tls = self._context("link_tls", link_tls)
        self._default_tls: ssl.SSLContext | None = None
        self.link_hosts: LinkHosts = LinkHosts(link_hosts)
        self._brought = None if brought is None else _adapted(brought)
        self._proxy = validate_proxy(proxy)

    def new_pool(self, route: Route, size: int) -> ConnectionPool:
        """Return a connection pool.

        Args:
            route: how its origin is reached.
            size: the number of connections.
        """
        from sikoia_async._transport.pool import ConnectionPool  # noqa: PLC0415 - it loads httpx

        return ConnectionPool(
            route.origin,
            size,
            route.new_transport,
            shared=route.is_brought,
            observers=self._observers,
        )

    def route(self, url: str, *, is_link: bool = False) -> Route:
        """Return how the origin of a URL is reached.

        Args:
            url: the URL.
            is_link: whether it is a link to another host than Sikoia's.

        Raises:
            ConfigurationError: the environment names no valid proxy, or a file of certificate
                authorities that cannot be read. Those of certifi are read as part of connecting.
        """
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        remember(origin)
        if self._brought is not None:
            brought = self._brought
            return Route(origin, lambda: brought, is_brought=True)
        proxy = self._proxy
        if proxy is None and self._trust_env:
            proxy = proxy_of_environment(parts)

        def contexts() -> tuple[ssl.SSLContext | None, ssl.SSLContext | None]:
            """Return the TLS contexts for the URL and for the proxy."""
            given = self._link_tls if is_link else self._tls
            is_proxy_secure = proxy is not None and proxy.startswith("https:")
            return (
                self._or_default(given) if parts.scheme == "https" else None,
                self._or_default(self._tls) if is_proxy_secure else None,
            )

        if self._trust_env and not is_link:
            _check_readable(contexts)

        def new_transport() -> httpx.AsyncBaseTransport:
            from sikoia_async._transport.single import new_transport  # noqa: PLC0415 - as above

            return new_transport(*contexts(), proxy)

        return Route(origin, new_transport, is_brought=False)

    def _context(self, name: str, tls: ssl.SSLContext | str | Path | None) -> ssl.SSLContext | None:
        if tls is None:
            return None
        from sikoia_async._transport.tls import context_of  # noqa: PLC0415 - loaded if used

        return context_of(name, tls, trust_env=self._trust_env)

    def _or_default(self, given: ssl.SSLContext | None) -> ssl.SSLContext:
        """Return a context of the caller's, or the one that trusts public authorities.

        That is created once, with the first connection: it takes as long as importing httpx.

        Raises:
            OSError: the file cannot be read.
        """
        if given is not None:
            return given
        if self._default_tls is None:
            from sikoia_async._transport.tls import new_context  # noqa: PLC0415 - as above

            self._default_tls = new_context(None, trust_env=self._trust_env)
        return self._default_tls


def _adapted(brought: HttpTransport | HttpClient) -> httpx.AsyncBaseTransport:
    from sikoia_async._transport.adapters import adapted  # noqa: PLC0415 - loaded if used

    return adapted(brought)


def _check_readable(contexts: Callable[[], object]) -> None:
    """Create the TLS contexts, so that no call fails because of what the environment names."""
    try:
        contexts()
    except OSError as error:
        problem = os.strerror(error.errno or 0)
    else:
        return
    msg = f"the certificate authorities of certifi cannot be read ({problem})"
    raise ConfigurationError(msg)
