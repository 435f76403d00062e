"""FastAPI: one request starts an operation, and a webhook's event finishes it.

    pip install sikoia-async fastapi uvicorn
    uvicorn --app-dir examples fastapi_app:app

Needs SIKOIA_CLIENT_ID and so on, as any `Sikoia()` does, and SIKOIA_WEBHOOK_SECRETS: the key that
`sikoia.webhooks.create_secret` returned; while it is rotated the new and the old one, with a space
between. Subscribe the address https://…/webhooks/AffordabilityInsights.Completed to that event.
Put your own authentication before the other endpoints: who calls them reads people's data and
spends your money.
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

log = logging.getLogger("app")
# Made here, so that an app without secrets does not even start.
router = Router(os.environ["SIKOIA_WEBHOOK_SECRETS"].split())


@router.on(AffordabilityInsightsCompleted)
async def completed(event: AffordabilityInsightsCompleted) -> None:
    """Note that insights are there, in your database, say: nobody may be waiting for them."""
    log.info("affordability insights %s are there", event.find("request_id"))


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncGenerator[dict[str, Sikoia]]:
    """Keep one client open for as long as the app runs."""
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
    """Pass the request's correlation id on to Sikoia; or a new one, for a caller may send junk."""
    with correlation_id(request.headers.get(CORRELATION_ID_HEADER), or_new=True) as used:
        response = await call_next(request)
    response.headers[CORRELATION_ID_HEADER] = used
    return response


@app.exception_handler(errors.WebhookError)
async def refuse_delivery(_: Request, error: errors.WebhookError) -> Response:
    """Answer so that Sikoia delivers it again where that may help."""
    log.warning("%s: %s", type(error).__name__, error)
    return Response(status_code=error.response_status)


@app.exception_handler(errors.SikoiaError)
async def refuse(_: Request, error: Exception) -> JSONResponse:
    """Answer with the kind of error: its text has no personal data, but is for us and not them."""
    log.warning("%s: %s", type(error).__name__, error)
    status = next((code for kind, code in STATUSES.items() if isinstance(error, kind)), 502)
    return JSONResponse({"error": type(error).__name__}, status)


@app.post("/persons/{person_id}/affordability", status_code=202)
async def start(person_id: UUID, sikoia: Client) -> dict[str, str]:
    """Start an operation and answer at once; its token is all that has to be kept."""
    operation = await sikoia.affordability.request(Entity("person", str(person_id)))
    return {"token": operation.token}


@app.get("/operations/{token}")
async def show(token: str, response: Response, sikoia: Client) -> dict[str, str | None]:
    """Answer when the operation is done, or after `WAIT` seconds: then the browser asks again."""
    try:
        operation = sikoia.operation(token)
    except errors.ConfigurationError:
        raise HTTPException(404) from None
    try:
        await operation.wait(timeout=WAIT, raise_on_failure=False)
    except errors.OperationTimeoutError:
        response.status_code = 202
    return {"status": operation.status}


@app.post("/webhooks/{event_type}", status_code=204)
async def deliver(event_type: str, request: Request, sikoia: Client) -> None:
    """Take a delivery; Sikoia does not say where in it the event is named, so the address does."""
    # The raw body is what was signed, and not JSON that was read and written again.
    body, signature = await request.body(), request.headers.get(SIGNATURE_HEADER)
    # Whoever waits in `show` is answered now; in an app of several processes, feed each of them.
    await router.receive(body, signature, event_type=event_type, feed=sikoia.events.feed)
