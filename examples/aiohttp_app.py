"""aiohttp: a request starts an operation, and a webhook completes it.

    pip install 'sikoia-async[aiohttp]'
    python examples/aiohttp_app.py

Set SIKOIA_CLIENT_ID and SIKOIA_CLIENT_SECRET, as for any `Sikoia()`, and SIKOIA_WEBHOOK_SECRETS:
the key from `sikoia.webhooks.create_secret`, or the new and the old key, separated by a space,
while you rotate it. Subscribe https://…/webhooks/AffordabilityInsights.Completed to that event.

Add your own authentication to the other endpoints: they expose personal data and spend money.
"""

import logging
from typing import Any

from aiohttp import web

from sikoia_async import Entity, Router, Sikoia
from sikoia_async.errors import OperationTimeoutError
from sikoia_async.integrations.aiohttp import client_of, setup
from sikoia_async.webhooks import Event

WAIT = 20.0  # seconds; shorter than the timeouts of browsers and proxies

log = logging.getLogger("app")
routes = web.RouteTableDef()
router = Router()


@router.on("AffordabilityInsights.Completed")
async def completed(event: Event) -> None:
    """Record that the insights are ready, because no request may be waiting for them."""
    log.info("report %s is ready", event.find("request_id"))


@routes.post("/persons/{person_id:[0-9a-f-]{36}}/affordability")
async def start(request: web.Request) -> web.Response:
    """Start an operation and return its token, which is all a caller has to keep."""
    person = Entity("person", request.match_info["person_id"])
    operation = await client_of(request).affordability.request(person)
    return web.json_response({"token": operation.token}, status=202)


@routes.get("/operations/{token}")
async def show(request: web.Request) -> web.Response:
    """Respond with the report once it is done, or with 202 after `WAIT` seconds: call again."""
    operation, status = client_of(request).operation(request.match_info["token"]), 200
    try:
        await operation.wait(timeout=WAIT, raise_on_failure=False)
    except OperationTimeoutError:
        status = 202
    last: Any = operation.last
    return web.json_response(text=last.to_json() if last else "{}", status=status)


def make_app() -> web.Application:
    """Assemble the app."""
    app = web.Application()
    app.add_routes(routes)
    setup(app, client=lambda: Sikoia(rely_on_events=True), webhooks=router)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8000)
