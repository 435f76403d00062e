"""FastAPI: a request starts an operation, and a webhook completes it.

    pip install sikoia-async fastapi uvicorn
    uvicorn --app-dir examples fastapi_app:app

Set SIKOIA_CLIENT_ID and SIKOIA_CLIENT_SECRET, as for any `Sikoia()`, and SIKOIA_WEBHOOK_SECRETS:
the key from `sikoia.webhooks.create_secret`, or the new and the old key, separated by a space,
while you rotate it. Subscribe https://…/webhooks/AffordabilityInsights.Completed to that event.

Add your own authentication to the other endpoints: they expose personal data and spend money.
"""

import logging
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse

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

log = logging.getLogger("app")
# Created at import, so that the app does not start without secrets.
router = Router(os.environ["SIKOIA_WEBHOOK_SECRETS"].split())


@router.on(AffordabilityInsightsCompleted)
async def completed(event: AffordabilityInsightsCompleted) -> None:
    """Record that the insights are ready, because no request may be waiting for them."""
    log.info("affordability insights %s are ready", event.find("request_id"))


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncGenerator[dict[str, Sikoia]]:
    """Keep one client open while the app runs."""
    async with Sikoia(rely_on_events=True) as sikoia:
        yield {"sikoia": sikoia}


async def client(request: Request) -> Sikoia:
    """Return the app's client."""
    sikoia: Sikoia = request.state.sikoia
    return sikoia


Client = Annotated[Sikoia, Depends(client)]
app = FastAPI(lifespan=lifespan)


@app.middleware("http")
async def correlate(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    """Pass the request's correlation id on to Sikoia, or a new one if it has no valid id."""
    with correlation_id(request.headers.get(CORRELATION_ID_HEADER), or_new=True) as used:
        response = await call_next(request)
    response.headers[CORRELATION_ID_HEADER] = used
    return response


@app.exception_handler(errors.WebhookError)
async def refuse_delivery(_: Request, error: errors.WebhookError) -> Response:
    """Respond with a status that makes Sikoia deliver the event again if that may help."""
    log.warning("%s: %s", type(error).__name__, error)
    return Response(status_code=error.response_status)


@app.exception_handler(errors.SikoiaError)
async def refuse(_: Request, error: Exception) -> JSONResponse:
    """Respond with the error's name only; its message is for your log, not for callers."""
    log.warning("%s: %s", type(error).__name__, error)
    status = next((code for kind, code in STATUSES.items() if isinstance(error, kind)), 502)
    return JSONResponse({"error": type(error).__name__}, status)


@app.post("/persons/{person_id}/affordability", status_code=202)
async def start(person_id: UUID, sikoia: Client) -> dict[str, str]:
    """Start an operation and return its token, which is all a caller has to keep."""
    operation = await sikoia.affordability.request(Entity("person", str(person_id)))
    return {"token": operation.token}


@app.get("/operations/{token}")
async def show(token: str, response: Response, sikoia: Client) -> dict[str, str | None]:
    """Respond when the operation is done, or with 202 after `WAIT` seconds: then call again."""
    try:
        operation = sikoia.operation(token)
    except errors.InvalidOperationTokenError:
        raise HTTPException(404) from None
    try:
        await operation.wait(timeout=WAIT, raise_on_failure=False)
    except errors.OperationTimeoutError:
        response.status_code = 202
    return {"status": operation.status}


@app.post("/webhooks/{event_type}", status_code=204)
async def deliver(event_type: WebhookEventName, request: Request, sikoia: Client) -> None:
    """Handle a delivery; the URL names the event type, because the body need not."""
    # The signature covers the raw body, not JSON that was parsed and serialised again.
    body, signature = await read_delivery(request)
    # `feed` ends the waits in `show`. If the app has several processes, feed each of them.
    await router.receive(body, signature, event_type=event_type, feed=sikoia.events.feed)
