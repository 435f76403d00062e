"""aiohttp: a request starts an operation, and a webhook completes it.

    pip install sikoia-async aiohttp
    python examples/aiohttp_app.py

Set SIKOIA_CLIENT_ID and SIKOIA_CLIENT_SECRET, as for any `Sikoia()`, and SIKOIA_WEBHOOK_SECRETS:
the key from `sikoia.webhooks.create_secret`, or the new and the old key, separated by a space,
while you rotate it. Subscribe https://…/webhooks/AffordabilityInsights.Completed to that event.

Add your own authentication to the other endpoints: they expose personal data and spend money.
"""

import logging
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import get_args

from aiohttp import web

from sikoia_async import CORRELATION_ID_HEADER, Entity, Router, Sikoia, correlation_id, errors
from sikoia_async.webhooks import AffordabilityInsightsCompleted, WebhookEventName, read_delivery

WAIT = 20.0  # seconds; shorter than the timeouts of browsers and proxies
STATUSES: dict[type[errors.SikoiaError], int] = {
    errors.ResourceNotFoundError: 404,
    errors.InvalidRequestError: 404,  # callers pass only an id, so it does not exist
    errors.RateLimitError: 503,
    errors.DeadlineExceededError: 504,
}
"""The status to respond with for an error; 502 for all others."""
SIKOIA = web.AppKey("sikoia", Sikoia)
EVENTS = "|".join(get_args(WebhookEventName))

log = logging.getLogger("app")
routes = web.RouteTableDef()
# Created at import, so that the app does not start without secrets.
router = Router(os.environ["SIKOIA_WEBHOOK_SECRETS"].split())


@router.on(AffordabilityInsightsCompleted)
async def completed(event: AffordabilityInsightsCompleted) -> None:
    """Record that the insights are ready, because no request may be waiting for them."""
    log.info("affordability insights %s are ready", event.find("request_id"))


async def client(app: web.Application) -> AsyncGenerator[None]:
    """Keep one client open while the app runs."""
    async with Sikoia(rely_on_events=True) as sikoia:
        app[SIKOIA] = sikoia
        yield


@web.middleware
async def correlate(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Pass the request's correlation id on to Sikoia, or a new one if it has no valid id."""
    with correlation_id(request.headers.get(CORRELATION_ID_HEADER), or_new=True) as used:
        try:
            response = await handler(request)
        except errors.SikoiaError as error:
            # Respond with the error's name only; its message is for your log, not for callers.
            log.warning("%s: %s", type(error).__name__, error)
            status = next((code for kind, code in STATUSES.items() if isinstance(error, kind)), 502)
            response = web.json_response({"error": type(error).__name__}, status=status)
    response.headers[CORRELATION_ID_HEADER] = used
    return response


@routes.post("/persons/{person_id:[0-9a-f-]{36}}/affordability")
async def start(request: web.Request) -> web.Response:
    """Start an operation and return its token, which is all a caller has to keep."""
    person = Entity("person", request.match_info["person_id"])
    operation = await request.app[SIKOIA].affordability.request(person)
    return web.json_response({"token": operation.token}, status=202)


@routes.get("/operations/{token}")
async def show(request: web.Request) -> web.Response:
    """Respond when the operation is done, or with 202 after `WAIT` seconds: then call again."""
    try:
        operation = request.app[SIKOIA].operation(request.match_info["token"])
    except errors.InvalidOperationTokenError:
        raise web.HTTPNotFound from None
    try:
        await operation.wait(timeout=WAIT, raise_on_failure=False)
    except errors.OperationTimeoutError:
        return web.json_response({"status": operation.status}, status=202)
    return web.json_response({"status": operation.status})


@routes.post(f"/webhooks/{{event_type:{EVENTS}}}")
async def deliver(request: web.Request) -> web.Response:
    """Handle a delivery; the URL names the event type, because the body need not."""
    event_type, feed = request.match_info["event_type"], request.app[SIKOIA].events.feed
    try:
        # The signature covers the raw body, not JSON that was parsed and serialised again.
        body, signature = await read_delivery(request)
        # `feed` ends the waits in `show`. If the app has several processes, feed each of them.
        await router.receive(body, signature, event_type=event_type, feed=feed)
    except errors.WebhookError as error:
        # This status makes Sikoia deliver the event again if that may help.
        log.warning("%s: %s", type(error).__name__, error)
        return web.Response(status=error.response_status)
    return web.Response(status=204)


def make_app() -> web.Application:
    """Assemble the app."""
    app = web.Application(middlewares=[correlate])
    app.cleanup_ctx.append(client)
    app.add_routes(routes)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8000)
