"""The faults of the local Sikoia in front of any transport, for chaos tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import attrs
import httpx
from starlette.datastructures import Headers

from sikoia_async import ConfigurationError
from sikoia_async._transport.adapters import adapted, validate_transport
from sikoia_async._transport.types import mark_unsent
from sikoia_async._validation import validate_required
from sikoia_async.environments import STAGING
from sikoia_async.sandbox import create_app
from sikoia_async.sandbox.faults.injector import FaultInjector
from sikoia_async.sandbox.faults.plan import EVERY
from sikoia_async.sandbox.faults.requests import Fault
from sikoia_async.sandbox.loopback import is_loopback_callback
from sikoia_async.sandbox.middleware.token_endpoint import bearer_token
from sikoia_async.testing.memory import run_application, trace_sending

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from sikoia_async._transport.adapters import HttpTransport
    from sikoia_async.sandbox.faults.requests import Faults
    from sikoia_async.sandbox.middleware.token_endpoint import AccessTokens

__all__ = ["FaultyTransport", "faulty"]

_STAGING: Final = frozenset(httpx.URL(url).host for url in (STAGING.api, STAGING.token_url))
_RESERVED: Final = (".test", ".example", ".invalid", ".localhost")
"""Names reserved for tests: RFC 2606."""


def faulty(transport: HttpTransport, *, allow_production: bool = False) -> FaultyTransport:
    """Return a transport with a fault plan, which passes on requests without a fault.

        transport = faulty(httpx.AsyncHTTPTransport())
        transport.faults.inject("brief outage")
        async with Sikoia(environment="staging", transport=transport) as sikoia:
            await sikoia.users.list()

    Args:
        transport: an async transport of httpx or httpx2; it is closed with the new one.
        allow_production: also pass on requests to other hosts than this machine, staging and
            reserved names. Purchases that a fault hides from you cost money there.

    Raises:
        ArgumentTypeError: `transport` is not such a transport.
        ConfigurationError: `allow_production` is not a bool.
    """
    validate_transport("transport", validate_required("transport", transport))
    if type(allow_production) is not bool:
        msg = "allow_production: expected True or False"
        raise ConfigurationError(msg)
    return FaultyTransport(transport, allow_production=allow_production)


class FaultyTransport(httpx.AsyncBaseTransport):
    """A transport with a fault plan; created by `faulty`."""

    faults: Faults
    """The fault plan, as `Sandbox.faults`; `after` counts real seconds."""

    def __init__(self, transport: HttpTransport, *, allow_production: bool) -> None:
        self.faults = create_app().faults
        self._transport = adapted(transport)
        self._allow_production = allow_production
        self._tokens = _Tokens()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass a request on, or apply the fault that it triggers.

        Raises:
            ConfigurationError: the host is not allowed. Nothing was sent.
            httpx.TransportError: a fault, or one of the transport below.
        """
        if not (self._allow_production or _is_harmless(request.url)):
            mark_unsent(request)
            msg = (
                "faulty: expected staging, this machine or a reserved name; nothing was sent. Pass "
                "allow_production=True if faults may cost money"
            )
            raise ConfigurationError(msg)
        fault = self._fault(request)
        if fault is None:
            return await self._transport.handle_async_request(request)
        if fault.reset == "before" or fault.status is not None or fault.token is not None:
            # What the transport below would report.
            await trace_sending(request)
        forward = _Forward(self._transport, request, has_own_body=fault.body is not None)
        injector = FaultInjector(
            forward,
            faults=cast("Faults", _One(fault)),
            tokens=cast("AccessTokens", self._tokens),
            echo=True,
        )
        return await run_application(injector, request)

    async def aclose(self) -> None:
        """Close the transport below."""
        await self._transport.aclose()

    def _fault(self, request: httpx.Request) -> Fault | None:
        if bearer_token(Headers(request.headers)) in self._tokens.expired:
            return Fault(operation=EVERY, token="expired")  # noqa: S106 - not a token
        return self.faults.take({"method": request.method, "path": _path(request)})


@attrs.define
class _Tokens:
    """The access tokens that faults have expired."""

    expired: set[str] = attrs.field(factory=set[str])

    def expire(self, token: str) -> None:
        """Expire a token."""
        self.expired.add(token)


@attrs.frozen
class _One:
    """A plan with one fault, which is due."""

    fault: Fault

    def take(self, _scope: Scope) -> Fault:
        """Return it."""
        return self.fault


@attrs.frozen
class _Forward:
    """Sends a request through a transport, as an ASGI application."""

    transport: httpx.AsyncBaseTransport
    request: httpx.Request
    has_own_body: bool = attrs.field(kw_only=True)

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the request, and pass on its whole response."""
        response = await self.transport.handle_async_request(self.request)
        try:
            body = b"".join([piece async for piece in response.aiter_raw()])
        finally:
            await response.aclose()
        left_out = {b"content-length", b"transfer-encoding"}
        if self.has_own_body:
            left_out.add(b"content-encoding")
        headers = [one for one in response.headers.raw if one[0].lower() not in left_out]
        headers.append((b"content-length", str(len(body)).encode()))
        start = {"status": response.status_code, "headers": headers}
        await send({"type": "http.response.start", **start})
        await send({"type": "http.response.body", "body": body})


def _path(request: httpx.Request) -> str:
    """Return the path as the API reference has it: without the prefix of a gateway."""
    path = request.url.path
    if not request.headers.keys() & {"authorization", "apikey"} and "/v2/" not in path:
        return "/token"
    return path[max(path.find("/v2/"), 0) :]


def _is_harmless(url: httpx.URL) -> bool:
    host = url.host.lower()
    return host in _STAGING or host.endswith(_RESERVED) or is_loopback_callback(str(url))
