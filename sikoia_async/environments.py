"""Where Sikoia lives: production, staging, or a local Sikoia."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import attrs

from sikoia_async._errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from urllib.parse import SplitResult

__all__ = ["PRODUCTION", "STAGING", "Environment", "is_on_loopback", "local", "named"]


def _without_slash(origin: str) -> str:
    return origin.rstrip("/")


def _url(*, path_allowed: bool) -> Callable[[object, attrs.Attribute[str], str], None]:
    """Make a validator for an address that secrets are sent to."""

    def check(_: object, attribute: attrs.Attribute[str], value: str) -> None:
        if problem := _problem(value, path_allowed=path_allowed):
            msg = f"Environment({attribute.name}=...): {problem}"
            raise ConfigurationError(msg)

    return check


@attrs.frozen(kw_only=True)
class Environment:
    """One deployment of Sikoia.

    Raises:
        ConfigurationError: an address is not https (plain http is taken to loopback only), or
            has a path, user info or another part that an origin has not.
    """

    name: str
    api: str = attrs.field(converter=_without_slash, validator=_url(path_allowed=False))
    """Origin of the API, such as `https://api.sikoia.com`."""
    token_url: str = attrs.field(validator=_url(path_allowed=True))
    """The whole address of the token endpoint."""
    scope: str
    """The OAuth scope to ask for."""


def local(api: str) -> Environment:
    """Return the environment of a local Sikoia that serves at `api`."""
    origin = _without_slash(api)
    return Environment(
        name="local", api=origin, token_url=f"{origin}/token", scope=f"{origin}/.default"
    )


def named(name: str) -> Environment:
    """Return the environment that `SIKOIA_ENVIRONMENT` names.

    Args:
        name: `production`, `staging`, or the address of a local Sikoia.

    Raises:
        ConfigurationError: it is none of these.
    """
    if name in _NAMED:
        return _NAMED[name]
    if is_on_loopback(name):
        return local(name)
    msg = (
        "SIKOIA_ENVIRONMENT names no environment: give production, staging, or the address of a "
        "local Sikoia such as https://127.0.0.1:8400 (for another host pass "
        "environment=Environment(...) in code)"
    )
    raise ConfigurationError(msg)


def is_on_loopback(url: str) -> bool:
    """Tell whether an address is one of this machine."""
    return _is_loopback(_split(url))


def _problem(url: str, *, path_allowed: bool) -> str | None:
    """Say what is wrong with an address, or None."""
    parts = _split(url)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        return "give an address like https://api.sikoia.com"
    if parts.scheme == "http" and not _is_loopback(parts):
        return "Sikoia is called over https; plain http is for loopback only"
    if "@" in parts.netloc:
        return "leave user name and password out of the address"
    if parts.query or parts.fragment or (parts.path.strip("/") and not path_allowed):
        return "give scheme, host and port alone"
    return None


def _split(url: str) -> SplitResult | None:
    """Take an address apart; None where it is none."""
    if not url.isascii() or not url.isprintable() or not _NOT_IN_ORIGINS.isdisjoint(url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port  # out of range raises here, and not while connecting
    except ValueError:
        return None
    return parts


_NOT_IN_ORIGINS: Final = frozenset(" ?#\\")
"""An empty query or fragment is none to urlsplit, and swallows the path that is put behind it."""


def _is_loopback(parts: SplitResult | None) -> bool:
    host = parts.hostname if parts else None
    if host in {None, "localhost"}:
        return host is not None
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


# Made last, for making one checks it with what stands above.
PRODUCTION: Final = Environment(
    name="production",
    api="https://api.sikoia.com",
    token_url="https://oauth2.sikoia.com/token",  # noqa: S106 - an address
    scope="https://api.sikoia.com/.default",
)
"""The production environment."""

STAGING: Final = Environment(
    name="staging",
    api="https://api-staging.sikoia.com",
    token_url="https://oauth2-staging.sikoia.com/token",  # noqa: S106 - an address
    scope="https://api-staging.sikoia.com/.default",
)
"""The staging environment. It calls live providers: what costs money there costs money."""

_NAMED = {"production": PRODUCTION, "staging": STAGING}
