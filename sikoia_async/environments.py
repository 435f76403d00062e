"""Environments of Sikoia: production, staging, and a local Sikoia."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

import attrs

from sikoia_async._errors import ConfigurationError
from sikoia_async._validation import (
    is_loopback,
    plain_string,
    split_url,
    validate_required,
    validate_type,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sikoia_async._validation import HttpUrl

__all__ = ["PRODUCTION", "STAGING", "Environment", "EnvironmentName", "local"]

EnvironmentName = Literal["production", "staging"]
"""An environment of Sikoia, by its name."""


def _plain(value: str) -> str:
    """Return a plain string; `_string` refuses other types."""
    return plain_string(value) if _is_string(value) else value


def _is_string(value: object) -> bool:
    return isinstance(value, str)


def _normal(url: str) -> str:
    """Return a URL with its scheme in lower case, and without a dot after its host."""
    parts = _split(url)
    return _plain(url) if parts is None else str(parts)


def _normal_origin(url: str) -> str:
    parts = _split(url)
    return url if parts is None else str(parts).rstrip("/")


def _split(url: str) -> HttpUrl | None:
    parts = split_url(url)
    return parts if parts is None or url.isascii() else None


def _string(_: object, attribute: attrs.Attribute[str], value: str) -> None:
    """Validate that a field is a string."""
    name = f"Environment({attribute.name}=...)"
    validate_type(name, validate_required(name, value), str, "a string")


def _url(*, any_path: bool) -> Callable[[object, attrs.Attribute[str], str], None]:
    """Return a validator for a URL that credentials are sent to."""

    def check(_: object, attribute: attrs.Attribute[str], value: str) -> None:
        if problem := _problem(value, any_path=any_path):
            msg = f"Environment({attribute.name}=...): {problem}"
            raise ConfigurationError(msg)

    return check


@attrs.frozen(kw_only=True)
class Environment:
    """A deployment of Sikoia: where it is, and the OAuth scope of its tokens.

    Raises:
        ArgumentTypeError: a value is not a string.
        ConfigurationError: a URL is malformed, has a user name or a query, or uses http for a host
            other than loopback; or the path of `api` ends with a version.
    """

    name: str = attrs.field(converter=_plain, validator=_string)
    api: str = attrs.field(converter=_normal_origin, validator=[_string, _url(any_path=False)])
    """Base URL of the API, such as `https://api.sikoia.com`: an origin, and the path prefix if a
    gateway of yours has one."""
    token_url: str = attrs.field(converter=_normal, validator=[_string, _url(any_path=True)])
    """URL of the token endpoint."""
    scope: str = attrs.field(converter=_plain, validator=_string)
    """The OAuth scope to request."""


def local(api: str) -> Environment:
    """Return the environment of a local Sikoia.

    Args:
        api: its origin, such as `https://127.0.0.1:8400`.

    Raises:
        ConfigurationError: the URL is malformed.
    """
    origin = _normal_origin(api)
    return Environment(
        name="local", api=origin, token_url=f"{origin}/token", scope=f"{origin}/.default"
    )


def _problem(url: str, *, any_path: bool) -> str | None:
    """Return what is expected of a URL instead, or None if it is valid."""
    parts = _split(url)
    if parts is None:
        return "expected a URL such as https://api.sikoia.com, with an ASCII host name"
    if parts.scheme == "http" and not is_loopback(parts):
        return "expected https; http is only accepted for loopback"
    if parts.userinfo is not None:
        return "expected a URL without user name and password"
    if parts.query or not (any_path or _PREFIX.fullmatch(parts.path)):
        return "expected scheme, host and port, and the path prefix of a gateway if it has one"
    return None


_PREFIX: Final = re.compile(r"(/(?!(\.{1,2}|v[0-9]+/?$)(/|$))[A-Za-z0-9_.~-]+)*/?")
"""Not the version of the API, such as `/v2`: paths of calls begin with it."""

# These come last, because creating them runs the validators above.
PRODUCTION: Final = Environment(
    name="production",
    api="https://api.sikoia.com",
    token_url="https://oauth2.sikoia.com/token",  # noqa: S106 - a URL
    scope="https://api.sikoia.com/.default",
)
"""The production environment."""

STAGING: Final = Environment(
    name="staging",
    api="https://api-staging.sikoia.com",
    token_url="https://oauth2-staging.sikoia.com/token",  # noqa: S106 - a URL
    scope="https://api-staging.sikoia.com/.default",
)
"""The staging environment. It calls live data providers, which may charge."""
