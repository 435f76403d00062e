"""Proxies: the URL of one, and which one the process's environment names."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final, cast

from sikoia_async._errors import ConfigurationError
from sikoia_async._validation import lazy_pattern, split_url, validate_type

if TYPE_CHECKING:
    from urllib.parse import SplitResult

__all__ = ["masked_proxy", "proxy_of_environment", "validate_proxy"]

_EXPECTED: Final = "the URL of an HTTP proxy, such as http://user:password@proxy.example:3128"
_SEPARATORS: Final = lazy_pattern(r"[\s,]+")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class _Masked:
    """Something whose repr shows nothing: error reporters print the locals of a traceback."""

    def __repr__(self) -> str:
        return "***"


class _MaskedString(_Masked, str):
    """A string that is an argument like any other, and may hold a password."""

    __slots__ = ()


def masked_proxy(proxy: object) -> str | None:
    """Return an argument `proxy` in a form that can be a local variable."""
    if proxy is None:
        return None
    if isinstance(proxy, str):
        return _MaskedString(proxy)
    return cast("str", _Masked())  # refused by validate_proxy


def validate_proxy(proxy: str | None, *, name: str = "proxy") -> str | None:
    """Return a proxy's URL, if httpx will accept it.

    Args:
        proxy: the URL, which may hold a password: no message repeats it.
        name: the argument or variable that it comes from.

    Raises:
        ArgumentTypeError: it is not a string.
        ConfigurationError: it is not the URL of an HTTP proxy.
    """
    validate_type(name, proxy, str, _EXPECTED)
    if proxy is None:
        return None
    if url := _plain_url(proxy):
        return _MaskedString(url)
    msg = f"{name}: expected {_EXPECTED}, without a path and with special characters escaped"
    raise ConfigurationError(msg)


def _plain_url(proxy: str) -> str:
    """Return the URL of a proxy, normalised; empty if it is not one."""
    parts = split_url(proxy)
    return str(parts) if parts and parts.path in {"", "/"} and not parts.query else ""


def proxy_of_environment(url: SplitResult) -> str | None:
    """Return the URL of the proxy that the process's environment names for a URL.

    As in curl, the scheme of a proxy may be missing, and `NO_PROXY` may contain networks. As in
    requests, it may also contain ports.

    Raises:
        ConfigurationError: the variable names no HTTP proxy.
    """
    from urllib.request import getproxies  # noqa: PLC0415 - it loads an HTTP client

    proxies = getproxies()
    proxy = (proxies.get(url.scheme) or proxies.get("all") or "").strip()
    port = str(url.port or _DEFAULT_PORTS[url.scheme])
    if not proxy or _is_bypassed(str(url.hostname), port, proxies):
        return None
    proxy = _MaskedString(proxy if "://" in proxy else f"http://{proxy}")
    del proxies  # they may hold passwords
    return validate_proxy(proxy, name=f"{url.scheme}_proxy or all_proxy")


def _is_bypassed(host: str, port: str, proxies: dict[str, str]) -> bool:
    if "no" not in proxies:
        from urllib.request import proxy_bypass  # noqa: PLC0415 - as above

        return bool(proxy_bypass(host))  # the settings of macOS and Windows
    entries = _SEPARATORS.split(proxies["no"].lower())
    return any(_matches(entry, host, port) for entry in entries if entry)


def _matches(entry: str, host: str, port: str) -> bool:
    """Return whether an entry of `NO_PROXY` is for a host: `*`, a name, an address or a network.

    A name is also for the hosts below it. All but networks may have a port.
    """
    if entry == "*":
        return True
    address = _address(host)
    try:
        network = ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        name, _, digits = entry.rpartition(":")
        if name and digits.isdecimal():
            return digits == port and _matches(name, host, port)
        name = entry.removeprefix("*").strip(".")
        is_below = address is None and host.endswith(f".{name}")
        return bool(name) and (host == name or is_below)
    return address is not None and address in network


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
