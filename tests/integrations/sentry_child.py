"""A program that reports all kinds of failures to Sentry.

It prints one line of JSON: the events, as they would be without and with the scrubber, tracebacks
with local variables, and the personal values, ids and secrets that none of these may contain.
"""

import asyncio
import io
import json
import os
import sys
import traceback
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, cast

import httpx
import sentry_sdk
from aiohttp import web
from fastapi import FastAPI
from rich.console import Console
from rich.traceback import Traceback
from scripted_store import ScriptedStore
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport
from webapps import serving

import sikoia_async.integrations.aiohttp as on_aiohttp
import sikoia_async.integrations.fastapi as on_fastapi
from sikoia_async import NewAddress, NewCompany, NewPerson, Quota, Router, Sikoia
from sikoia_async.integrations.sentry import scrub
from sikoia_async.models import Model
from sikoia_async.sandbox import Rate, Sandbox, Scenario
from sikoia_async.testing import client_of
from sikoia_async.types import Case
from sikoia_async.webhooks import SIGNATURE_HEADER, Event, sign

MARK = "Wilhelmina-Flintrock-0815"
COMPANY = "Fictitious Ltd"
SECRET = "a-webhook-secret-of-the-tests-0815"
raw, sent, tracebacks, failures = list[str](), list[str](), list[str](), list[str]()
planted, ids, secrets = {MARK}, set[str](), {SECRET}


class Kept(Transport):
    """Keeps events instead of sending them."""

    def capture_envelope(self, envelope: Envelope) -> None:
        """Keep what would be sent."""
        sent.extend(item.get_bytes().decode() for item in envelope.items)


def scrubbed(event: Any, hint: Any) -> Any:
    """Scrub an event, and keep it as it was before."""
    raw.append(json.dumps(event, default=repr))
    return scrub(event, hint)


def plant(model: Model) -> None:
    """Collect the personal values and the ids of a model."""
    collect(model.to_dict(), model.to_dict(masked=True))


def collect(whole: Any, masked: Any, name: str = "") -> None:
    """Collect the values that are masked, and those of ids."""
    inside: list[tuple[str, Any]] = []
    if isinstance(whole, dict):
        inside = list(cast("dict[str, Any]", whole).items())
    elif isinstance(whole, list):
        inside = [(name, one) for one in cast("Iterable[Any]", whole)]
    elif name.endswith("_id") and whole:
        ids.add(whole)
    elif masked == "***" and isinstance(whole, str) and len(whole) > 4 and whole != COMPANY:
        planted.add(whole)
    for number, (key, one) in enumerate(inside):
        is_hidden = isinstance(masked, str)
        collect(
            one, masked if is_hidden else masked[key if isinstance(whole, dict) else number], key
        )


async def report(name: str, work: Callable[[], Awaitable[object]]) -> None:
    """Do something that fails, in a transaction, and report its exception."""
    with sentry_sdk.start_transaction(op="test", name=name):
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - all kinds are reported
            failures.append(f"{name}: {type(error).__name__}")
            sentry_sdk.capture_exception()
            plain = traceback.TracebackException.from_exception(error, capture_locals=True)
            tracebacks.append("".join(plain.format()))
            console = Console(file=io.StringIO(), width=400)
            console.print(Traceback(show_locals=True, locals_max_string=1000))
            tracebacks.append(console.file.getvalue())  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


class Failures:
    """Calls that fail, of an application that keeps models in its variables."""

    def __init__(self, sandbox: Sandbox, sikoia: Sikoia, case: Case) -> None:
        self.sandbox, self.sikoia, self.case = sandbox, sikoia, case
        self.person = case.persons[0]

    async def not_found(self) -> None:
        """Upload a file for a person that does not exist any more."""
        person, case = self.person, await self.sikoia.cases.retrieve(self.case)
        await self.sikoia.cases.delete(case)
        await self.sikoia.documents.upload(
            person, MARK.encode(), document_type="Payslip", file_name=f"{MARK}.pdf"
        )

    async def server_error(self) -> None:
        """Get a 500."""
        self.sandbox.faults.add("POST /v2/cases", status=500)
        await self.sikoia.cases.create(name=MARK, case_type="Consumer")

    async def rate_limited(self) -> None:
        """Get a 429."""
        self.sandbox.faults.add("GET /v2/cases", status=429, retry_after=1)
        case = self.case
        await self.sikoia.cases.list(keyword=MARK, source=case.source)

    async def other_shape(self) -> None:
        """Get a response that cannot be decoded."""
        self.sandbox.faults.add(
            "GET /v2/cases/{case_id}", body=json.dumps({"name": [MARK]}).encode()
        )
        await self.sikoia.cases.retrieve(self.case)

    async def lost(self) -> None:
        """Lose the response to a request that may cost money."""
        self.sandbox.faults.add("POST /v2/identity", reset="after")
        person = self.person
        await self.sikoia.identity.request(person)

    async def too_slow(self) -> None:
        """Exceed the deadline."""
        self.sandbox.faults.add("POST /v2/cases", delay=5)
        await self.sikoia.with_options(timeout=0.3).cases.create(name=MARK, case_type="Consumer")

    async def cancelled(self) -> None:
        """Cancel a call, as applications do."""
        self.sandbox.faults.add("POST /v2/cases", delay=5)
        async with asyncio.timeout(0.3):
            await self.sikoia.cases.create(name=MARK, case_type="Consumer")

    async def operation(self) -> None:
        """Wait for an operation that fails."""
        person = self.person
        operation = await self.sikoia.income.request(person)
        await operation.wait(timeout=10)

    async def defect(self) -> None:
        """Use a transport of the application that is broken."""

        async def broken(_: httpx.Request) -> httpx.Response:
            raise ZeroDivisionError

        transport = httpx.MockTransport(broken)
        async with Sikoia(token=MARK, transport=transport) as sikoia:
            person = self.person
            await sikoia.cases.remove_entities(self.case, persons=[person])

    async def hook(self) -> None:
        """Use a hook of the application that is broken."""

        def failing(_: object) -> None:
            raise LookupError

        async with client_of(self.sandbox, on_request=failing) as sikoia:
            await sikoia.cases.create(name=MARK, case_type="Consumer")

    async def store(self) -> None:
        """Share a rate limit through a store that is down."""
        failing = ScriptedStore()
        failing.error = OSError(MARK)
        quota = Quota(store=failing, on_failure="closed")
        async with client_of(self.sandbox, quota=quota) as sikoia:
            await sikoia.cases.create(name=MARK, case_type="Consumer")

    async def link(self) -> None:
        """Follow a link that has expired."""
        await self.sikoia.download(f"{self.sandbox.url}/files/{MARK}/payslip.pdf?sig={MARK}")


def on_fastapi_app(router: Router) -> FastAPI:
    """Make an application that buys a check for a person it is sent, and then fails."""
    app = FastAPI()
    on_fastapi.setup(app, webhooks=router)

    @app.post("/people")
    async def people(person: NewPerson, sikoia: on_fastapi.Client) -> None:
        case = await sikoia.cases.create(name="Loan", case_type="Consumer", persons=[person])
        raise LookupError(len(case.persons))

    @app.post("/refused")
    async def refused(person: NewPerson, sikoia: on_fastapi.Client) -> None:
        case = await sikoia.cases.create(name="Loan", case_type="Consumer", persons=[person])
        await sikoia.cases.delete(case)
        await sikoia.identity.request(case.persons[0])

    _ = (people, refused)
    return app


def on_aiohttp_app(router: Router) -> web.Application:
    """Make the same with aiohttp."""

    async def people(request: web.Request) -> web.Response:
        values = await request.json()
        person = NewPerson.from_dict(values)
        sikoia = on_aiohttp.client_of(request)
        case = await sikoia.cases.create(name="Loan", case_type="Consumer", persons=[person])
        raise LookupError(len(case.persons))

    async def refused(request: web.Request) -> web.Response:
        person = NewPerson.from_dict(await request.json())
        sikoia = on_aiohttp.client_of(request)
        case = await sikoia.cases.create(name="Loan", case_type="Consumer", persons=[person])
        await sikoia.cases.delete(case)
        await sikoia.identity.request(case.persons[0])
        return web.Response()

    app = web.Application()
    app.router.add_post("/people", people)
    app.router.add_post("/refused", refused)
    on_aiohttp.setup(app, webhooks=router)
    return app


async def visit(url: str, case: Case) -> None:
    """Send an application what makes it fail: people, and a webhook event."""
    person = NewPerson(first_name=MARK, last_name=MARK, postal_address=NewAddress(city=MARK))
    person_id = case.persons[0].person_id
    body = json.dumps({"request_id": case.case_id, "person_id": person_id, "name": MARK}).encode()
    apart = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=url, limits=apart, timeout=30) as browser:
        for path in ("/people", "/refused"):
            response = await browser.post(path, json=person.to_dict())
            assert response.status_code >= 400, response.text
        headers = {SIGNATURE_HEADER: sign(body, SECRET), "Content-Type": "application/json"}
        path = "/webhooks/IdentityVerification.Completed"
        response = await browser.post(path, content=body, headers=headers)
        failures.append(f"webhook: {response.status_code}")


def new_router() -> Router:
    """Make a router whose handler fails."""
    router = Router(SECRET)

    @router.on("IdentityVerification.Completed")
    async def completed(event: Event) -> None:
        raise LookupError(len(str(event)))

    return router


async def main(sandbox: Sandbox) -> None:
    """Report everything."""
    async with client_of(sandbox, quota=None, retries=0) as sikoia:
        address = NewAddress(address_line_1=MARK, city=MARK)
        person = NewPerson(first_name=MARK, last_name="Zyxwvut", postal_address=address)
        other = NewPerson(
            first_name="Gwendolyn-Ficta", last_name="Zyxwvut-Applicant", email="ficta@a.example"
        )
        company = NewCompany(
            company_name=COMPANY, company_number="12345678", jurisdiction_code="GB"
        )
        case = await sikoia.cases.create(
            name=MARK, case_type="Consumer", persons=[person, other], companies=[company]
        )
        plant(case)
        plant(await (await sikoia.identity.request(case.persons[1])))
        plant(await (await sikoia.company_registry.request(case.companies[0])))
        plant(await sikoia.banking.connect(case.persons[1]))
        token = sikoia._parts.get().token
        assert token is not None
        secrets.add(await token.get())
        steps = Failures(sandbox, sikoia, case)
        for name in (
            *("server_error", "rate_limited", "other_shape", "lost", "too_slow"),
            *("cancelled", "operation", "defect", "hook", "store", "link", "not_found"),
        ):
            await report(name, getattr(steps, name))
        for make in (on_fastapi_app, on_aiohttp_app):
            with serving(make(new_router())) as url:
                await visit(url, case)


if __name__ == "__main__":
    expired = Scenario(name="expired", person=f"{MARK} Zyxwvut", identity="Expired")
    sentry_sdk.init(
        dsn="https://key@sentry.invalid/1",
        transport=Kept,
        before_send=scrubbed,
        before_send_transaction=scrubbed,
        before_breadcrumb=scrub,
        include_local_variables=True,
        send_default_pii=True,
        max_request_body_size="always",
        traces_sample_rate=1.0,
        attach_stacktrace=True,
        shutdown_timeout=0,
    )
    with Sandbox(work_time=0, scenarios=[expired], rate=Rate(requests_per_window=10_000)) as one:
        secrets.add(one.client_secret)
        os.environ.update(one.variables)
        asyncio.run(main(one))
    sentry_sdk.flush()
    sys.stdout.write(
        json.dumps(
            {
                "raw": raw,
                "sent": sent,
                "tracebacks": tracebacks,
                "failures": failures,
                "planted": sorted(planted),
                "ids": sorted(ids),
                "secrets": sorted(secrets),
            }
        )
    )
