"""Checks the way to Sikoia: proxy, host names, TLS."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import anyio

from sikoia_async._errors import ConfigurationError
from sikoia_async._transport.faults import reason_of
from sikoia_async._transport.proxies import proxy_of_environment
from sikoia_async.cli.doctor.findings import Finding
from sikoia_async.cli.doctor.network import Origin, Proxy, ProxyRefusedError, Route, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sikoia_async.cli.doctor.session import Session

__all__ = ["check_dns", "check_proxy", "check_tls"]

_EXPIRED, _NOT_YET_VALID = 10, 9
_WRONG_HOST: Final = (62, 64)
"""OpenSSL's numbers of what is wrong with a certificate."""


async def check_proxy(session: Session) -> list[Finding]:
    """Find out whether variables name a proxy, and whether it leads to Sikoia."""
    try:
        session.routes = list(_routes(session))
    except ConfigurationError as error:
        return [Finding("proxy", "failed", str(error))]
    proxied = [route for route in session.routes if route.proxy is not None]
    if not proxied:
        return [Finding("proxy", "ok", "none is set for these hosts")]
    found = [one for route in proxied if (one := await _proxy_problem(route))]
    if found:
        return found[:1]
    names = sorted({str(route.proxy.origin) for route in proxied if route.proxy})
    return [Finding("proxy", "ok", f"{', '.join(names)} leads to Sikoia; {_IN_CODE}")]


async def check_dns(session: Session) -> list[Finding]:
    """Resolve the hosts that no proxy resolves."""
    hosts = [route.origin.host for route in session.routes if route.proxy is None]
    if not hosts:
        return [Finding("dns", "skipped", "the proxy resolves host names")]
    resolved = list[str]()
    for host in dict.fromkeys(hosts):
        try:
            addresses = await resolve(host)
        except OSError:
            advice = "check the network, the DNS server, and whether a VPN or a proxy is needed"
            return [Finding("dns", "failed", f"{host} cannot be resolved", advice)]
        resolved.append(host if addresses == [host] else f"{host} is {addresses[0]}")
    return [Finding("dns", "ok", ", ".join(resolved))]


async def check_tls(session: Session) -> list[Finding]:
    """Connect to each host, and verify its certificate."""
    routes = [route for route in session.routes if route.origin.scheme == "https"]
    if not routes:
        return [Finding("tls", "ok", "plain http on this machine")]
    found = [one for route in routes if (one := await _tls_problem(session, route))]
    if found:
        return found[:1]
    hosts = ", ".join(str(route.origin) for route in routes)
    return [Finding("tls", "ok", f"{hosts}: the certificates are valid")]


def _routes(session: Session) -> Iterator[Route]:
    """Yield the ways to the API and to the token endpoint, once if they have the same origin.

    Raises:
        ConfigurationError: a variable names no valid proxy.
    """
    seen = set[Origin]()
    for url in (session.checked.api, session.checked.token_url):
        if (origin := Origin.of(url)) not in seen:
            seen.add(origin)
            proxy = proxy_of_environment(urlsplit(url))
            yield Route(origin, session.trusted, None if proxy is None else Proxy.of(proxy))


async def _proxy_problem(route: Route) -> Finding | None:
    proxy = str(route.proxy.origin) if route.proxy else ""
    try:
        async with route.connected():
            return None
    except ProxyRefusedError as error:
        status = error.status
    except (OSError, anyio.BrokenResourceError, anyio.EndOfStream) as error:
        message = f"{proxy} cannot be used: {reason_of(error)}"
        return Finding("proxy", "failed", message, "correct or unset HTTPS_PROXY")
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        has_password = route.proxy is not None and route.proxy.authorization is not None
        message = f"{proxy} refuses with 407: it {'refuses this' if has_password else 'wants a'}"
        advice = "set HTTPS_PROXY to http://user:password@host:port, percent-encoded"
        return Finding("proxy", "failed", f"{message} user name and password", advice)
    advice = f"ask its administrators to allow {route.origin}, or list the host in NO_PROXY"
    return Finding("proxy", "failed", f"{proxy} opens no tunnel: status {status}", advice)


async def _tls_problem(session: Session, route: Route) -> Finding | None:
    try:
        await route.handshake()
    except ssl.SSLCertVerificationError as error:
        return await _certificate_problem(session, route, error)
    except (OSError, anyio.BrokenResourceError, anyio.EndOfStream) as error:
        advice = "check that a firewall lets connections to this host and port pass"
        if session.is_local:
            advice = "start it with `sikoia sandbox`, or correct SIKOIA_ENVIRONMENT"
        return Finding("tls", "failed", f"{route.origin}: {reason_of(error)}", advice)
    return None


async def _certificate_problem(
    session: Session, route: Route, error: ssl.SSLCertVerificationError
) -> Finding:
    host, code = route.origin, error.verify_code
    certificate = await route.certificate()
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    if code == _EXPIRED:
        message = f"{host}: the certificate has expired on {certificate['notAfter']}"
        return Finding("tls", "failed", message, f"{_CLOCK} (it says {now}), {_STATUS_PAGE}")
    if code == _NOT_YET_VALID:
        message = f"{host}: the certificate is not valid before {certificate['notBefore']}"
        return Finding("tls", "failed", message, f"{_CLOCK} (it says {now})")
    if code in _WRONG_HOST:
        message = f"{host}: the certificate is for {_names(certificate)}, and not for this host"
        return Finding("tls", "failed", message, _WRONG_HOST_ADVICE)
    message = f"{host}: the certificate is issued by {_issuer(certificate)}, {_NOT_TRUSTED}"
    advice = _LOCAL_ADVICE if session.is_local else _COMPANY_ADVICE
    return Finding("tls", "failed", message, f"{advice} ({error.verify_message})")


def _names(certificate: dict[str, Any]) -> str:
    names = [value for _, value in certificate.get("subjectAltName", ())]
    return repr(", ".join(names[:3])) if names else "no host"


def _issuer(certificate: dict[str, Any]) -> str:
    parts = {name: value for group in certificate["issuer"] for name, value in group}
    wanted = ("organizationName", "organizationalUnitName", "commonName")
    named = dict.fromkeys(parts[name] for name in wanted if name in parts)
    return f"{', '.join(named)!r}" if named else "an authority without a name"


_IN_CODE: Final = "in code, pass proxy= or trust_env=True"
_CLOCK: Final = "check this machine's clock"
_STATUS_PAGE: Final = "then Sikoia's status page, https://stats.uptimerobot.com/lg0E9f1r3V"
_WRONG_HOST_ADVICE: Final = (
    "check DNS, /etc/hosts and proxies: another server answers under this name"
)
_NOT_TRUSTED: Final = "which is not trusted here"
_LOCAL_ADVICE: Final = "set SIKOIA_CA_FILE to the file that `sikoia sandbox` has printed"
_COMPANY_ADVICE: Final = (
    "if that is your company's own authority, which opens TLS connections on their way, save its "
    "certificate as a PEM file, and set SSL_CERT_FILE to it for commands; in code, pass tls= with "
    "the file, or trust_env=True"
)
