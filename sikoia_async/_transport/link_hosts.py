"""The hosts that links may lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sikoia_async._errors import ArgumentTypeError, ConfigurationError
from sikoia_async._validation import LIST_TYPES, split_url

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

__all__ = ["LinkHosts"]

_ANY_BELOW: Final = "*."


class LinkHosts:
    """A list of hosts, or any host.

    Args:
        hosts: names and addresses; `*.example.com` for all names below one. None for any host.

    Raises:
        ArgumentTypeError: it is not a list of strings.
        ConfigurationError: a string is not a host.
    """

    def __init__(self, hosts: Collection[str] | None) -> None:
        self._hosts: frozenset[str] | None = None
        if hosts is not None:
            self._hosts = frozenset(_validated(hosts))

    def allows(self, host: str) -> bool:
        """Return whether links may lead to a host, as `split_url` returns it."""
        if self._hosts is None:
            return True
        host = host.lower()
        return host in self._hosts or any(name in self._hosts for name in _wildcards(host))


def _wildcards(host: str) -> Iterator[str]:
    _, dot, parent = host.partition(".")
    while dot:
        yield _ANY_BELOW + parent
        _, dot, parent = parent.partition(".")


def _validated(hosts: Collection[Any]) -> Iterator[str]:
    if not isinstance(hosts, LIST_TYPES):
        msg = "link_hosts: expected a list of host names"
        raise ArgumentTypeError(msg)
    for given in hosts:
        name = given if isinstance(given, str) else ""
        parts = split_url(f"https://{name.removeprefix(_ANY_BELOW)}")
        if parts is None or parts.userinfo is not None or str(parts) != f"https://{parts.host}":
            msg = "link_hosts: expected host names, such as files.example.com or *.example.com"
            raise ConfigurationError(msg)
        prefix = _ANY_BELOW if name.startswith(_ANY_BELOW) else ""
        yield prefix + parts.host.lower()
