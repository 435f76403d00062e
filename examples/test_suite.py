"""Tests of your own code against the local Sikoia: `pytest examples/test_suite.py`."""

from decimal import Decimal
from typing import Final

import httpx
import pytest

from sikoia_async import Entity, Interval, NewPerson, Router, Sikoia, errors
from sikoia_async.sandbox import Sandbox
from sikoia_async.testing import Cassette, client_of
from sikoia_async.webhooks import SIGNATURE_HEADER

pytest_plugins = ["sikoia_async.testing.plugin"]  # put this into your conftest.py
pytestmark = pytest.mark.anyio

RECORDED: Final = Entity("person", "23a7711a-8133-4876-b7eb-dcd9e87a1613")
"""A person in the environment that the cassette was recorded from."""


async def disposable_income(sikoia: Sikoia, person: Entity) -> Decimal:
    """Return a person's income less spending. This stands for the code you want to test."""
    operation = await sikoia.affordability.request(person)
    report = await operation.wait(timeout=60)
    return sum(
        (flow.value or Decimal() for flow in (report.data and report.data.cashflow) or ()),
        Decimal(),
    )


@pytest.fixture(params=["asyncio", "trio"])  # leave this out if you use only asyncio
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Run each test on both event loops."""
    return str(request.param)


@pytest.fixture
async def person(sikoia: Sikoia) -> Entity:
    """Create a person with a bank statement that Sikoia has read."""
    wilma = NewPerson(first_name="Wilma", last_name="Example")
    case = await sikoia.cases.create(name="Loan", case_type="Consumer", persons=[wilma])
    [created] = case.persons
    await sikoia.documents.upload(
        created, b"%PDF-1.7", file_name="statement.pdf", document_type="BankStatement"
    )
    await sikoia.data_sources.until_complete(created)
    return created.entity


async def test_disposable_income(sikoia: Sikoia, person: Entity) -> None:
    """The simple case. Amounts are fictitious, and the same in every run."""
    assert await disposable_income(sikoia, person) == Decimal("1826.75")


async def test_an_outage_is_survived(
    sikoia_sandbox: Sandbox, sikoia: Sikoia, person: Entity
) -> None:
    """Polling continues after errors, here three responses with status 503."""
    poll = "GET /v2/affordability-insights/{request_id}"
    sikoia_sandbox.faults.add(poll, status=503, retry_after=0, times=3)
    assert await disposable_income(sikoia, person)
    assert len(sikoia_sandbox.faults.triggered) == 3


async def test_a_lost_response_is_not_bought_again(
    sikoia_sandbox: Sandbox, sikoia: Sikoia, person: Entity
) -> None:
    """The connection breaks after Sikoia has processed a request that costs money."""
    sikoia_sandbox.faults.add("POST /v2/affordability-insights", reset="after")
    with pytest.raises(errors.ConnectionFailedError) as caught:
        await disposable_income(sikoia, person)
    assert caught.value.may_have_been_processed
    sikoia_sandbox.ledger.assert_charged_once("POST /v2/affordability-insights")


async def test_a_declined_identity(sikoia: Sikoia) -> None:
    """Names select a scenario: `sikoia sandbox --scenarios` lists them; you can add your own."""
    dora = NewPerson(first_name="Dora", last_name="Declined")
    case = await sikoia.cases.create(name="Loan", case_type="Consumer", persons=[dora])
    [created] = case.persons
    report = await (await sikoia.identity.request(created.person_id))
    assert report.data
    assert report.data.verification_status == "Declined"


async def test_a_webhook_ends_the_wait(
    sikoia_sandbox: Sandbox, sikoia: Sikoia, person: Entity
) -> None:
    """A signed delivery completes the operation, without waiting for the next poll."""
    deliveries: list[httpx.Request] = []

    def receive(request: httpx.Request) -> httpx.Response:
        deliveries.append(request)
        return httpx.Response(204)

    router = Router(await sikoia.webhooks.create_secret())
    await sikoia.webhooks.create(
        webhook_name="Tests",
        webhook_callback_url="https://127.0.0.1/webhooks",
        event_types=["AffordabilityInsights.Completed"],
    )
    rarely_polled = sikoia.with_options(interval=Interval(first=600, most=600))
    operation = await rarely_polled.affordability.request(person)

    sikoia_sandbox.clock.advance(1)
    # To deliver to your own application, use httpx.ASGITransport(app) instead.
    await sikoia_sandbox.deliveries.deliver_due(httpx.MockTransport(receive))
    [delivery] = deliveries
    received = await router.receive(delivery.content, delivery.headers[SIGNATURE_HEADER])
    assert sikoia.events.feed(received.event) == 1

    assert (await operation).status == "Complete"
    assert len(operation.correlation_ids) == 2  # the request, and one poll to confirm the event

    forged = delivery.content.replace(b"Complete", b"Failed")
    with pytest.raises(errors.WebhookVerificationError):
        await router.receive(forged, delivery.headers[SIGNATURE_HEADER])


async def test_a_recorded_environment(sikoia_cassette: Cassette) -> None:
    """Recorded once with `pytest --sikoia-record`. The file holds no personal data."""
    async with client_of(sikoia_cassette) as recorded:
        assert await disposable_income(recorded, RECORDED) == Decimal("1826.75")
    assert not sikoia_cassette.unused
