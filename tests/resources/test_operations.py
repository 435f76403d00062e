"""Operations of all kinds against the local Sikoia: awaited, resumed elsewhere, told by events."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import anyio
import attrs
import pytest

from sikoia_async import (
    ArgumentTypeError,
    ClientStateError,
    ConfigurationError,
    Interval,
    NewCompany,
    NewPerson,
    Operation,
    OperationFailedError,
    OperationTimeoutError,
    ReplayGuard,
    ResourceNotFoundError,
    Router,
    Sikoia,
)
from sikoia_async.operations.token import TokenSigner
from sikoia_async.resources.banking import BankAccount
from sikoia_async.resources.cases import Person
from sikoia_async.sandbox import Sandbox
from sikoia_async.sandbox.resources import webhook_log
from sikoia_async.testing import client_of
from sikoia_async.webhooks import events

pytestmark = pytest.mark.anyio

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Run a sandbox in which work takes a moment."""
    with Sandbox(limit=100_000, work_time=0.15) as running:
        yield running


@pytest.fixture
def sikoia(sandbox: Sandbox) -> Sikoia:
    """Make a client that asks often."""
    return _client(sandbox)


def _client(sandbox: Sandbox, **options: Any) -> Sikoia:
    return client_of(sandbox, interval=Interval(first=0.1, most=0.1), quota=None, **options)


async def _person(client: Sikoia) -> Person:
    wilma = NewPerson(first_name="Wilma", last_name="Example")
    case = await client.cases.create(name="Loan", case_type="Consumer", persons=[wilma])
    assert case.persons
    return case.persons[0]


async def _company_id(client: Sikoia) -> str:
    widgets = NewCompany(
        company_name="Widgets Ltd", company_number="12345678", jurisdiction_code="GB"
    )
    case = await client.cases.create(name="Loan", case_type="Business", companies=[widgets])
    assert case.companies
    return case.companies[0].company_id


async def _statement(client: Sikoia, person: Person) -> str:
    document = await client.documents.upload(
        person, b"%PDF-1.7 a statement", document_type="BankStatement", file_name="s.pdf"
    )
    return document.document_id


async def _with_data(client: Sikoia) -> Person:
    person = await _person(client)
    await _statement(client, person)
    await client.data_sources.wait_complete(person)
    return person


async def _affordability(client: Sikoia) -> Operation[Any]:
    return await client.affordability.request(await _with_data(client))


async def _income(client: Sikoia) -> Operation[Any]:
    return await client.income.request(await _with_data(client))


async def _identity(client: Sikoia) -> Operation[Any]:
    return await client.identity.request((await _person(client)).person_id)


async def _check(client: Sikoia) -> Operation[Any]:
    person, types = await _person(client), await client.checks.types()
    (wanted, *_) = (one for one in types if one.entity_type == "person")
    return await client.checks.run(person, wanted.validation_type_id)


async def _connection(client: Sikoia) -> Operation[Any]:
    connection = await client.banking.connect(await _person(client))
    return client.banking.wait_connected(connection.bank_connection_id)


async def _refresh(client: Sikoia) -> Operation[Any]:
    connected = await (await _connection(client))
    before = await client.banking.refresh(connected.account_connection_ids[0])
    return client.banking.wait_refreshed(before)


async def _sources(client: Sikoia) -> Operation[Any]:
    person = await _person(client)
    await _statement(client, person)
    return client.data_sources.wait_complete(person)


async def _classification(client: Sikoia) -> Operation[Any]:
    return client.documents.wait_classified(await _statement(client, await _person(client)))


async def _integrity(client: Sikoia) -> Operation[Any]:
    return client.documents.wait_checked(await _statement(client, await _person(client)))


async def _registry(client: Sikoia) -> Operation[Any]:
    request = await client.company_registry.request(company_id=await _company_id(client))
    return client.company_registry.operation(request.request_id)


async def _credit(client: Sikoia) -> Operation[Any]:
    request = await client.credit_reports.request(company_id=await _company_id(client))
    return client.credit_reports.operation(request.request_id)


_KINDS = {
    "account-refresh": (_refresh, "datetime_last_refreshed"),
    "affordability": (_affordability, "data"),
    "bank-connection": (_connection, "account_connection_ids"),
    "check": (_check, "rules"),
    "classification": (_classification, "sikoia_document_type"),
    "company-registry": (_registry, "data"),
    "credit-report": (_credit, "data"),
    "data-sources": (_sources, "data_sources"),
    "identity": (_identity, "datetime_completed"),
    "income": (_income, "data"),
    "integrity-check": (_integrity, "rules"),
}


@pytest.mark.parametrize("kind", _KINDS)
async def test_every_kind_is_awaited_and_resumed(
    kind: str, sandbox: Sandbox, sikoia: Sikoia
) -> None:
    """Another client goes on by the token, and comes to the same result."""
    begin: Callable[[Sikoia], Awaitable[Operation[Any]]]
    begin, field = _KINDS[kind]
    async with sikoia, _client(sandbox) as other:
        operation = await begin(sikoia)
        resumed = other.operation(operation.token)

        result = await operation
        again = await resumed

    assert kind in resumed.token
    assert getattr(result, field)
    assert (type(again), getattr(again, field)) == (type(result), getattr(result, field))
    assert sikoia.drift == {}


async def test_one_operation_is_one_object(sikoia: Sikoia) -> None:
    """However it is come by: so it is asked about once."""
    async with sikoia:
        operation = await _identity(sikoia)

        assert operation.first is not None
        assert sikoia.identity.operation(operation.first.request_id) is operation
        assert sikoia.operation(operation.token) is operation


async def test_data_sources_may_be_waited_for_again(sikoia: Sikoia) -> None:
    """There is another document: what was complete is no answer to that."""
    async with sikoia:
        person = await _person(sikoia)
        await _statement(sikoia, person)
        first = sikoia.data_sources.wait_complete(person)
        before = await first
        await _statement(sikoia, person)

        after = await sikoia.data_sources.wait_complete(person)

    assert [one.status for one in after.data_sources or ()].count("Complete") > [
        one.status for one in before.data_sources or ()
    ].count("Complete")


async def test_the_income_that_follows_a_check_is_waited_for(sikoia: Sikoia) -> None:
    """`completeness_and_income` gives a report that is pending, and its id is all it takes."""
    async with sikoia:
        person = await _with_data(sikoia)
        begun = await sikoia.income.request(person)
        assert begun.first is not None

        report = await sikoia.income.operation(begun.first.request_id)

    assert report.status == "Complete"


async def test_a_failure_is_an_error_or_the_report(sikoia: Sikoia) -> None:
    """Without data there are no insights."""
    async with sikoia:
        operation = await sikoia.affordability.request(await _person(sikoia))
        report = await operation.wait(raise_on_failure=False)
        assert report.status == "Failed"
        with pytest.raises(OperationFailedError):
            await operation


async def test_a_timeout_leads_on_in_another_client(sandbox: Sandbox, sikoia: Sikoia) -> None:
    """By its token."""
    async with sikoia, _client(sandbox) as other:
        operation = await _identity(sikoia)
        with pytest.raises(OperationTimeoutError) as caught:
            await operation.wait(timeout=0.01)
        assert caught.value.token

        assert (await other.operation(caught.value.token)).status == "Complete"


async def test_what_is_not_there_is_not_waited_for(sikoia: Sikoia) -> None:
    """An id that nobody knows is an error with the first poll."""
    async with sikoia:
        for operation in (
            sikoia.income.operation(UNKNOWN),
            sikoia.banking.wait_connected(UNKNOWN),
            sikoia.documents.wait_classified(UNKNOWN),
        ):
            with pytest.raises(ResourceNotFoundError):
                await operation


async def test_tokens_that_lead_nowhere(sandbox: Sandbox, sikoia: Sikoia) -> None:
    """Of other credentials, of kinds that come later, with ids that are none: nothing is sent."""
    sealer = TokenSigner(sandbox.url, sandbox.client_secret)
    strange = _client(sandbox)._api.context.registry.signer
    async with sikoia:
        calls = sikoia.stats().calls
        for token, why in {
            TokenSigner(sandbox.url, "another-secret").token(
                "income", (UNKNOWN,)
            ): "other credentials",
            TokenSigner("https://x.example", "").token("income", (UNKNOWN,)): "another environment",
            sealer.token("horoscope", (UNKNOWN,)): "unknown kind",
            sealer.token("income", (UNKNOWN, UNKNOWN)): "not a valid operation token",
            sealer.token("data-sources", (UNKNOWN,)): "not a valid operation token",
            strange.token("income", ("..",)): "request_id",
            strange.token("account-refresh", ("", "x")): "account_connection_id",
            strange.token("data-sources", (UNKNOWN, "planet")): "entity_type",
        }.items():
            with pytest.raises(ConfigurationError, match=why):
                sikoia.operation(token)
        assert sikoia.stats().calls == calls


async def test_ids_that_are_none_are_refused(sikoia: Sikoia) -> None:
    """Before anything is asked."""
    async with sikoia:
        for wait in (
            sikoia.affordability.operation,
            sikoia.banking.wait_connected,
            sikoia.checks.operation,
            sikoia.company_registry.operation,
            sikoia.credit_reports.operation,
            sikoia.documents.wait_checked,
            sikoia.documents.wait_classified,
            sikoia.identity.operation,
            sikoia.income.operation,
        ):
            with pytest.raises(ConfigurationError):
                wait("")
        with pytest.raises(ArgumentTypeError, match="account: "):
            sikoia.banking.wait_refreshed("id")  # type: ignore[arg-type]
        with pytest.raises(ArgumentTypeError, match="entity: "):
            sikoia.data_sources.wait_complete("id")  # type: ignore[arg-type]


async def test_a_refresh_is_done_when_the_moment_is_another(sikoia: Sikoia) -> None:
    """Also where there was none before, and not before."""
    moment = datetime(2024, 1, 15, tzinfo=UTC)
    async with sikoia:
        connected = await (await _connection(sikoia))
        account = await sikoia.banking.account(connected.account_connection_ids[0])
        assert isinstance(account, BankAccount)

        same = sikoia.banking.wait_refreshed(account)
        with pytest.raises(OperationTimeoutError):
            await same.wait(timeout=0.3)
        for before in (None, moment):
            was = attrs.evolve(account, datetime_last_refreshed=before)
            assert await sikoia.banking.wait_refreshed(was) == account


async def test_an_event_wakes_who_waits(sandbox: Sandbox) -> None:
    """With events alone: the interval is a minute, and the test is over in a moment."""
    async with _client(sandbox, rely_on_events=True) as sikoia:
        operation = await _identity(sikoia.with_options(interval=Interval(first=60, most=60)))
        assert operation.first
        body = b'{"event_type":"IdentityVerification.Completed","id":"%s"}'
        event = events.parse(body % operation.first.request_id.encode())

        async def announce() -> None:
            await anyio.sleep(0.3)
            assert sikoia.events.feed(event) == 1

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(announce)
            with anyio.fail_after(10):
                assert (await operation).status == "Complete"

    assert len(operation.correlation_ids) == 2


async def test_an_event_that_nobody_waits_for_is_harmless(sikoia: Sikoia) -> None:
    """Whatever is in it."""
    async with sikoia:
        for body in (b"[]", b'{"id":"x"}', b'"https://a.example/b"', b"null", b"5"):
            assert sikoia.events.feed(events.parse(body)) == 0
        nothing: list[Any] = [b"{}", {}, None, "x"]
        for given in nothing:
            with pytest.raises(ArgumentTypeError, match="event: "):
                sikoia.events.feed(given)

    with pytest.raises(ClientStateError):
        sikoia.events.feed(events.parse(b"{}"))


async def test_what_was_delivered_and_not_seen_is_found(sandbox: Sandbox, sikoia: Sikoia) -> None:
    """The oldest first, also page by page and since a request; what was handled is left out."""
    guard = ReplayGuard()
    router, handled = Router("0123456789abcdef", replay=guard), list[str]()

    @router.otherwise
    def note(event: events.Event) -> None:
        handled.append(str(event.data["n"]))

    async with sikoia:
        webhook = await sikoia.webhooks.create(
            webhook_name="All",
            webhook_callback_url="https://127.0.0.1:9/hook",
            event_types=["DocumentProcessing.Completed"],
        )
        written = [
            webhook_log.record(
                sandbox.state, webhook.webhook_id, event_type="DocumentProcessing.Completed",
                event_data={"n": number}, status=status,
            )["request_id"]
            for number, status in enumerate(
                ["Complete"] * 30 + ["Pending", "NotRequested", "Failed"]
            )
        ]  # fmt: skip
        for number in (0, 7):
            await router.handle(
                events.parse(b'{"n": %d}' % number, event_type="DocumentProcessing.Completed")
            )

        missed = await sikoia.webhooks.reconcile(webhook.webhook_id, guard)
        since = await sikoia.webhooks.reconcile(
            webhook.webhook_id, guard, after_request_id=written[28]
        )
        for request in missed:
            await router.handle(events.from_request(request))
        again = await sikoia.webhooks.reconcile(webhook.webhook_id, guard)

    left = [*range(1, 7), *range(8, 30), 32]
    assert [request.event_data["n"] for request in missed] == left
    assert [request.event_data["n"] for request in since] == [29, 32]
    assert handled == ["0", "7", *map(str, left)]
    assert again == []


async def test_a_request_without_data_counts_as_missed(sandbox: Sandbox, sikoia: Sikoia) -> None:
    """Nobody can tell; and what is no guard is refused."""
    async with sikoia:
        webhook = await sikoia.webhooks.create(
            webhook_name="All",
            webhook_callback_url="http://127.0.0.1:9/hook?key=1",
            event_types=["DocumentProcessing.Completed"],
        )
        webhook_log.record(
            sandbox.state, webhook.webhook_id, event_type="DocumentProcessing.Completed",
            event_data=None,
        )  # fmt: skip

        (missed,) = await sikoia.webhooks.reconcile(webhook.webhook_id, ReplayGuard())
        assert missed.event_data is None
        with pytest.raises(ArgumentTypeError, match="seen: "):
            await sikoia.webhooks.reconcile(webhook.webhook_id, "guard")  # type: ignore[arg-type]
