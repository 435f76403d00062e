"""aiohttp: a client for the application, correlation ids, error responses, a webhook endpoint.

    setup(app, webhooks=router)  # then, in a handler:
    users = await client_of(request).users.list()

`setup` connects the parts; each of them can be used alone, or replaced by your own.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, get_args

from sikoia_async import CORRELATION_ID_HEADER, Sikoia
from sikoia_async.errors import ConfigurationError, SikoiaError
from sikoia_async.integrations import _problems, _shared
from sikoia_async.integrations._extras import Extra
from sikoia_async.integrations._problems import STATUSES
from sikoia_async.webhooks import Event, Router, WebhookEventName

with Extra("aiohttp"):
    from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from aiohttp.typedefs import Handler, Middleware

__all__ = [
    "CLIENT",
    "STATUSES",
    "client_context",
    "client_of",
    "correlation_middleware",
    "error_middleware",
    "send_correlation_id",
    "setup",
    "webhook_routes",
]

CLIENT: Final = web.AppKey("CLIENT", Sikoia)
"""The key of the client in its application."""
_ID: Final = web.RequestKey("correlation_id", str)


def setup(
    app: web.Application,
    *,
    client: Callable[[], AbstractAsyncContextManager[Sikoia]] = Sikoia,
    webhooks: Router | None = None,
    path: str = "/webhooks",
    feed: Callable[[Event], object] | None = None,
    statuses: Mapping[type[SikoiaError], int] | None = None,
) -> None:
    """Give an application a client, correlation ids, error responses and a webhook endpoint.

    Args:
        app: the application, before it starts. Its own cleanup contexts run inside the client's.
        client: creates the client each time the application starts.
        webhooks: verifies and handles deliveries; without a router, no webhook endpoint is added.
        path: the prefix of the webhook endpoint's URLs, see `webhook_routes`.
        feed: gets each new event; by default the client's own `events.feed`.
        statuses: HTTP statuses by error class, to override those in `STATUSES`.

    Raises:
        ConfigurationError: an argument is invalid, or the application has started or has a client.
    """
    if app.frozen or correlation_middleware in app.middlewares:
        msg = "setup: expected an application that was neither set up nor started before"
        raise ConfigurationError(msg)
    context, errors = client_context(client), error_middleware(statuses)
    app.cleanup_ctx.insert(0, context)
    app.middlewares[:0] = [correlation_middleware, errors]
    app.on_response_prepare.append(send_correlation_id)
    if webhooks is not None:
        app.add_routes(webhook_routes(webhooks, path, feed=feed))


def client_context(
    client: Callable[[], AbstractAsyncContextManager[Sikoia]] = Sikoia,
) -> Callable[[web.Application], AsyncGenerator[None]]:
    """Return a cleanup context that keeps one client open while the application runs."""
    _shared.validate_factory(client)

    async def run(app: web.Application) -> AsyncGenerator[None]:
        async with _shared.opened(client) as sikoia:
            app[CLIENT] = sikoia
            yield

    return run


def client_of(request: web.Request) -> Sikoia:
    """Return the client of the application that handles a request, or of an outer one.

    Raises:
        ConfigurationError: there is none.
    """
    if CLIENT in request.config_dict:
        return request.config_dict[CLIENT]
    msg = "no client: call setup(app) before the application starts"
    raise ConfigurationError(msg)


@web.middleware
async def correlation_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Use a request's correlation id for calls to Sikoia, or a new one if it is not valid."""
    with _shared.incoming_correlation_id(request.headers.getall(CORRELATION_ID_HEADER, [])) as used:
        request[_ID] = used
        return await handler(request)


async def send_correlation_id(request: web.Request, response: web.StreamResponse) -> None:
    """Respond with the request's correlation id: a handler for `on_response_prepare`."""
    if _ID in request:
        response.headers[CORRELATION_ID_HEADER] = request[_ID]


def error_middleware(statuses: Mapping[type[SikoiaError], int] | None = None) -> Middleware:
    """Return a middleware that logs a `SikoiaError`, and responds with its status (RFC 9457)."""
    table = _problems.validate_statuses(statuses)

    @web.middleware
    async def handle(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except SikoiaError as error:
            if request.writer.output_size:  # the response has begun
                raise
            return web.Response(**_problems.problem_of(error, table)._asdict())

    return handle


def webhook_routes(
    router: Router, path: str = "/webhooks", *, feed: Callable[[Event], object] | None = None
) -> list[web.RouteDef]:
    """Return a route for each of Sikoia's event types: `/webhooks/IdentityVerification.Completed`.

    An accepted delivery gets a 204, any other the `response_status` of its error.
    """

    async def deliver(event_type: WebhookEventName, request: web.Request) -> web.Response:
        wake = feed or client_of(request).events.feed
        broken = (ConnectionError, web.RequestPayloadError)
        reply = await _shared.handle_delivery(request, router, event_type, wake, broken)
        return web.Response(**reply._asdict())

    names: tuple[WebhookEventName, ...] = get_args(WebhookEventName)
    return [web.post(f"{path}/{name}", partial(deliver, name)) for name in names]
