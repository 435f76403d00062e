"""How to test your own code with the local Sikoia: `pytest examples/test_suite.py`."""

import queue
import threading
from collections.abc import AsyncGenerator, Generator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer

import anyio.to_thread
import pytest

from sikoia_async import Entity, Interval, NewPerson, Router, Sikoia, errors
from sikoia_async.environments import local
from sikoia_async.sandbox import Sandbox
from sikoia_async.signing import SIGNATURE_HEADER

pytestmark = pytest.mark.anyio

Deliveries = tuple[str, queue.Queue[tuple[bytes, str | None]]]
"""An address, and what was delivered there: bodies with their signatures."""


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
def sandbox() -> Generator[Sandbox]:
    """Run a local Sikoia whose work takes a tenth of a second."""
    with Sandbox(work_time=0.1) as running:
        yield running


@pytest.fixture
async def sikoia(sandbox: Sandbox) -> AsyncGenerator[Sikoia]:
    """Open a client that asks often, so that no test waits for its next poll."""
    async with Sikoia(
        sandbox.client_id,
        sandbox.client_secret,
        environment=local(sandbox.url),
        tls=sandbox.ca_file,
    ) as client:
        yield client.with_options(interval=Interval(first=0.1))


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


@pytest.fixture
def deliveries() -> Generator[Deliveries]:
    """Serve on a free port what takes the deliveries of webhooks, in a thread."""
    taken = queue.Queue[tuple[bytes, str | None]]()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.put((body, self.headers[SIGNATURE_HEADER]))
            self.send_response(204)
            self.end_headers()

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/webhooks", taken
        server.shutdown()
        thread.join()


async def test_what_is_left_over(sikoia: Sikoia, person: Entity) -> None:
    """The plain case. Each amount is made up, and the same in each run."""
    assert await left_over(sikoia, person) == Decimal("1826.75")


async def test_an_outage_between_is_borne(sandbox: Sandbox, sikoia: Sikoia, person: Entity) -> None:
    """Faults happen where the test has planned them."""
    poll = "GET /v2/affordability-insights/{request_id}"
    sandbox.faults.add(poll, status=503, retry_after=0, times=3)
    assert await left_over(sikoia, person)
    assert len(sandbox.faults.happened) == 3


async def test_a_lost_answer_is_not_bought_again(
    sandbox: Sandbox, sikoia: Sikoia, person: Entity
) -> None:
    """The connection is lost after the work was done: the error says that it may have been."""
    sandbox.faults.add("POST /v2/affordability-insights", reset="after")
    with pytest.raises(errors.ConnectionFailedError) as caught:
        await left_over(sikoia, person)
    assert caught.value.may_have_been_processed
    assert sikoia.spend == {"POST /v2/affordability-insights": 1}


async def test_a_webhook_ends_the_wait(
    sikoia: Sikoia, person: Entity, deliveries: Deliveries
) -> None:
    """A delivery comes signed, and wakes whoever waits: nobody needs to ask before that."""
    url, taken = deliveries
    router = Router(await sikoia.webhooks.create_secret())
    await sikoia.webhooks.create(
        webhook_name="Tests",
        webhook_callback_url=url,
        event_types=["AffordabilityInsights.Completed"],
    )
    seldom = sikoia.with_options(interval=Interval(first=600, most=600))
    operation = await seldom.affordability.request(person)

    body, signature = await anyio.to_thread.run_sync(taken.get)
    received = await router.receive(body, signature)
    assert sikoia.events.feed(received.event) == 1

    assert (await operation).status == "Complete"
    assert len(operation.correlation_ids) == 2  # of the first answer, and of one that confirms

    with pytest.raises(errors.WebhookVerificationError):
        await router.receive(body.replace(b"Complete", b"Failed"), signature)
