"""FastAPI: a loan application, from the form to the webhooks that finish it.

    pip install 'sikoia-async[fastapi,otel]' uvicorn
    uvicorn --app-dir examples --workers 2 fastapi_app:app

Set SIKOIA_CLIENT_ID and SIKOIA_CLIENT_SECRET, as for any `Sikoia()`, and SIKOIA_WEBHOOK_SECRETS:
the key from `sikoia.webhooks.create_secret`, or the new and the old key, separated by a space,
while you rotate it. Subscribe https://…/webhooks/AffordabilityInsights.Completed to that event, and
likewise for IdentityVerification.Completed.

Add your own authentication to the endpoints: they expose personal data and spend money.
"""

import logging
from functools import partial
from typing import Any
from uuid import UUID

from fastapi import FastAPI, Response
from pydantic import BaseModel

from sikoia_async import Entity, NewCompany, NewPerson, Router, Sikoia
from sikoia_async.errors import OperationTimeoutError
from sikoia_async.integrations.fastapi import Client, setup
from sikoia_async.integrations.opentelemetry import Telemetry
from sikoia_async.resources.cases import Case
from sikoia_async.resources.company_registry import RegistryReport
from sikoia_async.resources.credit_reports import CreditReport
from sikoia_async.resources.screening import ScreeningSearch
from sikoia_async.webhooks import Event

WAIT = 20.0  # seconds; shorter than the timeouts of browsers and proxies

log = logging.getLogger("app")
telemetry = Telemetry()  # for the OpenTelemetry that your application sets up, if it does
router = Router(observers=[telemetry])
app = FastAPI()
setup(app, client=partial(Sikoia, rely_on_events=True, observers=[telemetry]), webhooks=router)


@router.on("AffordabilityInsights.Completed")
@router.on("IdentityVerification.Completed")
async def completed(event: Event) -> None:
    """Record that a report is ready, because no request may be waiting for it."""
    log.info("report %s is ready", event.find("request_id"))


class Application(BaseModel):
    """A company and its director."""

    name: str
    company: NewCompany
    director: NewPerson


class Started(BaseModel):
    """An operation that was started: its token, and the link for a person if there is one."""

    token: str
    link: str | None = None


@app.post("/applications", status_code=201)
async def apply(form: Application, sikoia: Client) -> Case:
    """Create a case with the company and its director."""
    return await sikoia.cases.create(
        name=form.name, case_type="Business", companies=[form.company], persons=[form.director]
    )


@app.post("/companies/{company_id}/registry")
async def look_up(company_id: UUID, sikoia: Client) -> RegistryReport:
    """Look up the company; if several match, respond with a picklist to choose from."""
    operation = await sikoia.company_registry.request(company_id)
    picklist = operation.first.picklist
    return operation.first if picklist else await operation


@app.post("/registry/{request_id}/choices/{index}")
async def choose(request_id: UUID, index: int, sikoia: Client) -> RegistryReport:
    """Choose one company of a picklist."""
    return await (await sikoia.company_registry.resolve_picklist(request_id, index))


@app.post("/companies/{company_id}/credit-report")
async def report(company_id: UUID, sikoia: Client) -> CreditReport:
    """Buy a credit report; if several companies match, respond with 409."""
    return await sikoia.credit_reports.find(company_id)


@app.post("/persons/{person_id}/screening")
async def screen(person_id: UUID, sikoia: Client) -> ScreeningSearch:
    """Search lists of politically exposed persons and sanctions."""
    return await sikoia.screening.search_peps_sanctions(Entity("person", person_id))


@app.post("/persons/{person_id}/identity", status_code=202)
async def verify(person_id: UUID, sikoia: Client) -> Started:
    """Start to verify a person, who opens the link."""
    operation = await sikoia.identity.request(person_id)
    return Started(token=operation.token, link=operation.first.verification_url)


@app.post("/persons/{person_id}/affordability", status_code=202)
async def start(person_id: UUID, sikoia: Client) -> Started:
    """Start affordability insights."""
    operation = await sikoia.affordability.request(Entity("person", person_id))
    return Started(token=operation.token)


@app.get("/operations/{token}")
async def show(token: str, sikoia: Client) -> Response:
    """Respond with the report once it is done, or with 202 after `WAIT` seconds: call again."""
    operation, status = sikoia.operation(token), 200
    try:
        await operation.wait(timeout=WAIT, raise_on_failure=False)
    except OperationTimeoutError:
        status = 202
    last: Any = operation.last
    return Response(last.to_json() if last else "{}", status, media_type="application/json")
