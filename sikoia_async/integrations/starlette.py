"""Starlette: a client in the lifespan, correlation ids, error responses and a webhook endpoint.

    app = Starlette(routes=[...])
    setup(app, webhooks=router)

`setup` connects the parts; each of them can be used alone, or replaced by your own.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, get_args

from sikoia_async import Sikoia
from sikoia_async.errors import ConfigurationError, SikoiaError
from sikoia_async.integrations import _problems, _shared
from sikoia_async.integrations._extras import Extra
from sikoia_async.integrations._problems import STATUSES
from sikoia_async.integrations.asgi import CorrelationIdMiddleware
from sikoia_async.webhooks import Event, Router, WebhookEventName

with Extra("fastapi"):
    from starlette.requests import ClientDisconnect, HTTPConnection, Request
    from starlette.responses import Response
    from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from starlette.applications import Starlette
    from starlette.types import Lifespan

__all__ = ["STATUSES", "error_handler", "get_client", "lifespan", "setup", "webhook_routes"]


def setup(
    app: Starlette,
    *,
    client: Callable[[], AbstractAsyncContextManager[Sikoia]] = Sikoia,
    webhooks: Router | None = None,
    path: str = "/webhooks",
    feed: Callable[[Event], object] | None = None,
    statuses: Mapping[type[SikoiaError], int] | None = None,
) -> None:
    """Give an application a client, correlation ids, error responses and a webhook endpoint.

    Args:
        app: the application, before it starts. Its own lifespan runs inside the client's, and finds
            the client as `app.state.sikoia`.
        client: creates the client each time the application starts.
        webhooks: verifies and handles deliveries; without a router, no webhook endpoint is added.
        path: the prefix of the webhook endpoint's URLs, see `webhook_routes`.
        feed: gets each new event; by default the client's own `events.feed`.
        statuses: HTTP statuses by error class, to override those in `STATUSES`.

    Raises:
        ConfigurationError: an argument is invalid, or the application has started or has a client.
    """
    if app.middleware_stack is not None or SikoiaError in app.exception_handlers:
        msg = "setup: expected an application that was neither set up nor started before"
        raise ConfigurationError(msg)
    handler, own = error_handler(statuses), app.router.lifespan_context
    app.router.lifespan_context = lifespan(client, own)
    app.add_exception_handler(SikoiaError, handler)
    if webhooks is not None:
        app.router.routes[:0] = webhook_routes(webhooks, path, feed=feed)
    build = app.build_middleware_stack
    # Around Starlette's own middleware too, so that its response to a bug has the correlation id.
    app.build_middleware_stack = lambda: CorrelationIdMiddleware(build())  # type: ignore[method-assign]


def lifespan(
    client: Callable[[], AbstractAsyncContextManager[Sikoia]] = Sikoia,
    own: Lifespan[Any] = lambda _: nullcontext({}),
) -> Lifespan[Any]:
    """Return a lifespan that keeps one client open while the application runs.

    Args:
        client: creates the client each time the application starts.
        own: the application's own lifespan. It starts when the client is open, and ends before the
            client is closed, even if it fails.

    Raises:
        ArgumentTypeError: `client` is not a function.
    """
    _shared.validate_factory(client)

    @asynccontextmanager
    async def run(app: Starlette) -> AsyncGenerator[dict[str, Any]]:
        async with _shared.opened(client) as sikoia:
            app.state.sikoia = sikoia
            async with own(app) as state:
                yield {**(state or {}), "sikoia": sikoia}

    return run


async def get_client(connection: HTTPConnection) -> Sikoia:
    """Return the client of the application that handles a request or a WebSocket.

    Raises:
        ConfigurationError: the application has none.
    """
    sikoia: Sikoia | None = getattr(connection.state, "sikoia", None)
    if sikoia is None:  # an async test enters the lifespan itself, and passes no state on
        app: Any = connection.scope.get("app")
        sikoia = getattr(getattr(app, "state", None), "sikoia", None)
    if sikoia is None:
        msg = (
            "no client: call setup(app), and enter its lifespan: in a test, `with TestClient(app)` "
            "or `async with app.router.lifespan_context(app)`"
        )
        raise ConfigurationError(msg)
    return sikoia


def error_handler(
    statuses: Mapping[type[SikoiaError], int] | None = None,
) -> Callable[[HTTPConnection, Exception], Awaitable[Response]]:
    """Return an exception handler for `SikoiaError`.

    It logs the error, and responds with a status and nothing else about it (RFC 9457). The error of
    a WebSocket is raised again, because a WebSocket has no response.

    Raises:
        ConfigurationError: `statuses` is invalid.
    """
    table = _problems.validate_statuses(statuses)

    async def handle(connection: HTTPConnection, error: Exception) -> Response:
        if not isinstance(error, SikoiaError) or connection.scope["type"] != "http":
            raise error
        return Response(*_problems.problem_of(error, table))

    return handle


def webhook_routes(
    router: Router, path: str = "/webhooks", *, feed: Callable[[Event], object] | None = None
) -> list[Route]:
    """Return a route for each of Sikoia's event types: `/webhooks/IdentityVerification.Completed`.

    A delivery that is accepted gets a 204, any other the `response_status` of its error. The
    arguments are those of `setup`.
    """

    async def deliver(event_type: WebhookEventName, request: Request) -> Response:
        wake = feed or (await get_client(request)).events.feed
        reply = _shared.handle_delivery(request, router, event_type, wake, (ClientDisconnect,))
        return Response(*await reply)

    names: tuple[WebhookEventName, ...] = get_args(WebhookEventName)
    return [Route(f"{path}/{name}", partial(deliver, name), methods=["POST"]) for name in names]
