"""How to test your own code with the local Sikoia: `pytest examples/test_suite.py`."""

from decimal import Decimal
from typing import Final

import httpx
import pytest

from sikoia_async import Entity, Interval, NewPerson, Router, Sikoia, errors
from sikoia_async.sandbox import Sandbox
from sikoia_async.testing import Cassette, client_of
from sikoia_async.webhooks.signing import SIGNATURE_HEADER

pytest_plugins = ["sikoia_async.testing.plugin"]  # better in your conftest.py
pytestmark = pytest.mark.anyio

RECORDED: Final = Entity("person", "23a7711a-8133-4876-b7eb-dcd9e87a1613")
"""A person of the environment that was recorded."""


async def left_over(sikoia: Sikoia, person: Entity) -> Decimal:
    """Return what a person has left over. This stands for your own code, which is to be tested."""
    operation = await sikoia.affordability.request(person)
    report = await operation.wait(timeout=60)
    return sum(
        (flow.value or Decimal() for flow in (report.data and report.data.cashflow) or ()),
        Decimal(),
    )


@pytest.fixture(params=["asyncio", "trio"])  # leave this out if asyncio is all you use
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Run each test on both."""
    return str(request.param)


@pytest.fixture
async def person(sikoia: Sikoia) -> Entity:
    """Create a person with a bank statement that was read."""
    wilma = NewPerson(first_name="Wilma", last_name="Example")
    case = await sikoia.cases.create(name="Loan", case_type="Consumer", persons=[wilma])
    [created] = case.persons or []
    await sikoia.documents.upload(
        created, b"%PDF-1.7", file_name="statement.pdf", document_type="BankStatement"
    )
    await sikoia.data_sources.wait_complete(created)
    return created.entity


async def test_what_is_left_over(sikoia: Sikoia, person: Entity) -> None:
    """The plain case. Each amount is made up, and the same in each run."""
    assert await left_over(sikoia, person) == Decimal("1826.75")


async def test_an_outage_between_is_borne(
    sikoia_sandbox: Sandbox, sikoia: Sikoia, person: Entity
) -> None:
    """Faults happen where the test has planned them."""
    poll = "GET /v2/affordability-insights/{request_id}"
    sikoia_sandbox.faults.add(poll, status=503, retry_after=0, times=3)
    assert await left_over(sikoia, person)
    assert len(sikoia_sandbox.faults.triggered) == 3


async def test_a_lost_answer_is_not_bought_again(
    sikoia_sandbox: Sandbox, sikoia: Sikoia, person: Entity
) -> None:
    """The connection is lost after the work was done: the error says that it may have been."""
    sikoia_sandbox.faults.add("POST /v2/affordability-insights", reset="after")
    with pytest.raises(errors.ConnectionFailedError) as caught:
        await left_over(sikoia, person)
    assert caught.value.may_have_been_processed
    sikoia_sandbox.ledger.assert_charged_once("POST /v2/affordability-insights")


async def test_somebody_who_is_declined(sikoia: Sikoia) -> None:
    """Names choose what happens: `sikoia sandbox --scenarios` lists them, and you can add yours."""
    dora = NewPerson(first_name="Dora", last_name="Declined")
    case = await sikoia.cases.create(name="Loan", case_type="Consumer", persons=[dora])
    [created] = case.persons or []
    report = await (await sikoia.identity.request(created.person_id))
    assert report.data
    assert report.data.verification_status == "Declined"


async def test_a_webhook_ends_the_wait(
    sikoia_sandbox: Sandbox, sikoia: Sikoia, person: Entity
) -> None:
    """A delivery comes signed, and wakes whoever waits: nobody needs to ask before that."""
    taken: list[httpx.Request] = []  # an httpx.ASGITransport(app) has your application take them

    def take(request: httpx.Request) -> httpx.Response:
        taken.append(request)
        return httpx.Response(204)

    router = Router(await sikoia.webhooks.create_secret())
    await sikoia.webhooks.create(
        webhook_name="Tests",
        webhook_callback_url="https://127.0.0.1/webhooks",
        event_types=["AffordabilityInsights.Completed"],
    )
    seldom = sikoia.with_options(interval=Interval(first=600, most=600))
    operation = await seldom.affordability.request(person)

    sikoia_sandbox.clock.advance(1)
    await sikoia_sandbox.deliveries.deliver_due(httpx.MockTransport(take))
    [delivery] = taken
    received = await router.receive(delivery.content, delivery.headers[SIGNATURE_HEADER])
    assert sikoia.events.feed(received.event) == 1

    assert (await operation).status == "Complete"
    assert len(operation.correlation_ids) == 2  # of the first answer, and of one that confirms

    changed = delivery.content.replace(b"Complete", b"Failed")
    with pytest.raises(errors.WebhookVerificationError):
        await router.receive(changed, delivery.headers[SIGNATURE_HEADER])


async def test_what_another_environment_has_answered(sikoia_cassette: Cassette) -> None:
    """It was recorded once, by `pytest --sikoia-record`. Nothing personal is in the file."""
    async with client_of(sikoia_cassette) as recorded:
        assert await left_over(recorded, RECORDED) == Decimal("1826.75")
    assert not sikoia_cassette.unused
