"""aiohttp: one request starts an operation, and a webhook's event finishes it.

    pip install sikoia-async aiohttp
    python examples/aiohttp_app.py

Needs SIKOIA_CLIENT_ID and so on, as any `Sikoia()` does, and SIKOIA_WEBHOOK_SECRETS: the key that
`sikoia.webhooks.create_secret` returned; while it is rotated the new and the old one, with a space
between. Subscribe the address https://…/webhooks/AffordabilityInsights.Completed to that event.
Put your own authentication before the other endpoints: who calls them reads people's data and
spends your money.
"""

import logging
import os
from collections.abc import AsyncGenerator, Awaitable, Callable

from aiohttp import web

from sikoia_async import CORRELATION_ID_HEADER, Entity, Router, Sikoia, correlation_id, errors
from sikoia_async.webhooks.events import AffordabilityInsightsCompleted
from sikoia_async.webhooks.signing import SIGNATURE_HEADER

WAIT = 20.0  # seconds; less than browsers and proxies wait
STATUSES: dict[type[errors.SikoiaError], int] = {
    errors.ResourceNotFoundError: 404,  # all that is passed on of a request is an id
    errors.InvalidRequestError: 404,
    errors.RateLimitError: 503,
    errors.DeadlineExceededError: 504,
}
"""What is answered to whom; 502 for the rest, which is not the caller's fault."""
SIKOIA = web.AppKey("sikoia", Sikoia)

log = logging.getLogger("app")
routes = web.RouteTableDef()
# Made here, so that an app without secrets does not even start.
router = Router(os.environ["SIKOIA_WEBHOOK_SECRETS"].split())


@router.on(AffordabilityInsightsCompleted)
async def completed(event: AffordabilityInsightsCompleted) -> None:
    """Note that insights are there, in your database, say: nobody may be waiting for them."""
    log.info("affordability insights %s are there", event.find("request_id"))


async def client(app: web.Application) -> AsyncGenerator[None]:
    """Keep one client open for as long as the app runs."""
    async with Sikoia(rely_on_events=True) as sikoia:
        app[SIKOIA] = sikoia
        yield


@web.middleware
async def correlate(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Pass the request's correlation id on to Sikoia; or a new one, for a caller may send junk."""
    with correlation_id(request.headers.get(CORRELATION_ID_HEADER), or_new=True) as used:
        try:
            response = await handler(request)
        except errors.SikoiaError as error:
            # Its text has no personal data, but is for us and not for them.
            log.warning("%s: %s", type(error).__name__, error)
            status = next((code for kind, code in STATUSES.items() if isinstance(error, kind)), 502)
            response = web.json_response({"error": type(error).__name__}, status=status)
    response.headers[CORRELATION_ID_HEADER] = used
    return response


@routes.post("/persons/{person_id:[0-9a-f-]{36}}/affordability")
async def start(request: web.Request) -> web.Response:
    """Start an operation and answer at once; its token is all that has to be kept."""
    person = Entity("person", request.match_info["person_id"])
    operation = await request.app[SIKOIA].affordability.request(person)
    return web.json_response({"token": operation.token}, status=202)


@routes.get("/operations/{token}")
async def show(request: web.Request) -> web.Response:
    """Answer when the operation is done, or after `WAIT` seconds: then the browser asks again."""
    try:
        operation = request.app[SIKOIA].operation(request.match_info["token"])
    except errors.ConfigurationError:
        raise web.HTTPNotFound from None
    try:
        await operation.wait(timeout=WAIT, raise_on_failure=False)
    except errors.OperationTimeoutError:
        return web.json_response({"status": operation.status}, status=202)
    return web.json_response({"status": operation.status})


@routes.post("/webhooks/{event_type}")
async def deliver(request: web.Request) -> web.Response:
    """Take a delivery; Sikoia does not say where in it the event is named, so the address does."""
    # The raw body is what was signed, and not JSON that was read and written again.
    body, signature = await request.read(), request.headers.get(SIGNATURE_HEADER)
    event_type, feed = request.match_info["event_type"], request.app[SIKOIA].events.feed
    try:
        # Whoever waits in `show` is answered now; in an app of several processes, feed each one.
        await router.receive(body, signature, event_type=event_type, feed=feed)
    except errors.WebhookError as error:  # answered so that it comes again where that may help
        log.warning("%s: %s", type(error).__name__, error)
        return web.Response(status=error.response_status)
    return web.Response(status=204)


def make_app() -> web.Application:
    """Put the app together."""
    app = web.Application(middlewares=[correlate])
    app.cleanup_ctx.append(client)
    app.add_routes(routes)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8000)
