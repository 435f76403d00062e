"""A local Sikoia in memory and its clients, as users' tests create them."""

import importlib
import subprocess
import sys

import anyio
import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from subscribed import subscribed_person

import sikoia_async.testing
from sikoia_async import Interval, NewPerson, Router, Sikoia
from sikoia_async.sandbox import Sandbox, Wire
from sikoia_async.testing import MemorySandbox, client_of
from sikoia_async.webhooks import SIGNATURE_HEADER


@pytest.mark.parametrize("kind", [MemorySandbox, Sandbox])
@pytest.mark.anyio
async def test_a_client_needs_no_configuration(kind: type[Sandbox]) -> None:
    """It reaches its local Sikoia in memory or on a socket, and polls at short intervals."""
    with kind(seed=7, work_time=0.1) as sandbox:
        async with client_of(sandbox, max_chargeable=1) as sikoia:
            wilma = NewPerson(first_name="Wilma", last_name="Example")
            case = await sikoia.cases.create(name="Loan", case_type="Consumer", persons=[wilma])
            [person] = case.persons
            await sikoia.documents.upload(
                person, b"%PDF-1.7", file_name="statement.pdf", document_type="BankStatement"
            )
            await sikoia.data_sources.until_complete(person)
            operation = await sikoia.affordability.request(person.entity)
            report = await operation.wait(timeout=60)

            assert report.status == "Complete"
            assert sikoia.spend == {"affordability.request": 1}
            assert len(sandbox.state.cases) == 1


def test_the_seed_determines_ids() -> None:
    """The same seed gives the same ids, and another seed other ids."""
    with MemorySandbox(seed=1) as one, MemorySandbox(seed=1) as same, MemorySandbox() as other:
        assert one.client_id == same.client_id != other.client_id
        assert one.state.users[0]["user_id"] == same.state.users[0]["user_id"]


@pytest.mark.anyio
async def test_a_client_reads_the_variables_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """It needs the transport as well; it names no file of certificate authorities."""
    with MemorySandbox() as sandbox:
        assert sandbox.ca_file == ""
        assert len(sandbox.exports()) == len(sandbox.variables) == 3
        for name, value in sandbox.variables.items():
            monkeypatch.setenv(name, value)
        async with Sikoia(transport=sandbox.transport) as sikoia:
            assert len(await sikoia.users.list()) == len(sandbox.state.users)


@pytest.mark.anyio
async def test_the_polling_interval_can_be_chosen() -> None:
    """By default it is short; None keeps the default of each operation."""
    interval = Interval(first=3)
    with MemorySandbox() as sandbox:
        clients = [client_of(sandbox), client_of(sandbox, interval=interval)]
        clients.append(client_of(sandbox, interval=None))
        assert [one._api.options.interval for one in clients] == [
            Interval(first=0.1),
            interval,
            None,
        ]


@pytest.mark.anyio
async def test_webhooks_reach_an_application_in_memory() -> None:
    """Due deliveries are sent to the receiver's ASGI application, signed, without a socket."""
    handled: list[str] = []

    with MemorySandbox(work_time=0) as sandbox:
        async with client_of(sandbox) as sikoia:
            router = Router(await sikoia.webhooks.create_secret())

            async def receiver(scope: Scope, receive: Receive, send: Send) -> None:
                request = Request(scope, receive)
                signature = request.headers[SIGNATURE_HEADER]
                received = await router.receive(await request.body(), signature)
                handled.append(type(received.event).__name__)
                await Response()(scope, receive, send)

            person = await subscribed_person(sikoia, "DocumentProcessing.Completed")
            await sikoia.documents.upload(
                person, b"%PDF-1.7", file_name="one.pdf", document_type="Payslip"
            )
            await sandbox.deliveries.deliver_due(httpx.ASGITransport(receiver))

    assert handled == ["DocumentProcessingCompleted"]


async def prepare(sandbox: Sandbox) -> None:
    """Subscribe an unreachable receiver and upload a document."""
    async with client_of(sandbox) as sikoia:
        nowhere = "https://127.0.0.1:1/webhooks"  # nothing listens there
        person = await subscribed_person(sikoia, "DocumentProcessing.Completed", nowhere)
        await sikoia.documents.upload(
            person, b"%PDF-1.7", file_name="one.pdf", document_type="Payslip"
        )


@pytest.mark.anyio
async def test_deliveries_are_sent_when_a_test_awaits_it() -> None:
    """`until_settled` also sends over sockets; `settle` is for tests without an event loop."""
    with MemorySandbox(work_time=60, wire=Wire(delivery_retries=())) as sandbox:
        await prepare(sandbox)
        await sandbox.until_settled()
        assert statuses(sandbox) == []
        sandbox.clock.advance(60)

        with pytest.raises(RuntimeError, match=r"await sandbox\.until_settled"):
            sandbox.settle()
        await sandbox.until_settled()

    assert statuses(sandbox) == ["Failed"]


def test_deliveries_are_sent_without_an_event_loop() -> None:
    """`settle` blocks until they are sent."""
    with MemorySandbox(work_time=0, wire=Wire(delivery_retries=())) as sandbox:
        anyio.run(prepare, sandbox)
        sandbox.settle()

    assert statuses(sandbox) == ["Failed"]


def statuses(sandbox: Sandbox) -> list[str]:
    """Return the statuses of the deliveries."""
    store = sandbox.state.store("webhook_requests")
    return [entry.record["webhook_event_status"] for entry in store]


def test_state_can_be_restored() -> None:
    """Snapshots and `reset` work as with a local Sikoia on a socket."""

    async def create(sandbox: Sandbox) -> None:
        async with client_of(sandbox) as sikoia:
            await sikoia.cases.create(name="Loan", case_type="Business")

    with MemorySandbox() as sandbox:
        anyio.run(create, sandbox)
        before = sandbox.snapshot()
        anyio.run(create, sandbox)
        assert len(sandbox.state.cases) == 2
        sandbox.restore(before)
        assert len(sandbox.state.cases) == 1
        sandbox.reset()
        assert len(sandbox.state.cases) == 0


def test_names_are_loaded_on_first_use() -> None:
    """Importing the package loads no dependencies."""
    script = (
        "import sys, sikoia_async.testing as testing\n"
        "loaded = {one.split('.')[0] for one in sys.modules}\n"
        "assert loaded.isdisjoint({'httpx', 'starlette', 'anyio', 'pytest', 'attrs'}), loaded\n"
        "assert dir(testing) == sorted(testing.__all__)\n"
        "assert all(getattr(testing, name) for name in testing.__all__)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_unknown_names_are_refused() -> None:
    """The error is that of any module."""
    module = importlib.reload(sikoia_async.testing)

    assert {getattr(module, name).__name__ for name in dir(module)} == set(module.__all__)
    with pytest.raises(AttributeError, match="'nothing'"):
        _ = module.nothing
