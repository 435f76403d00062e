"""Operations of every kind, against the local Sikoia: awaited, resumed, woken by events."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import anyio
import attrs
import httpx
import pytest
from faults import client
from workbench import UNKNOWN_ID, create_person

from sikoia_async import (
    ArgumentTypeError,
    ClientStateError,
    ConfigurationError,
    Interval,
    NewCompany,
    Operation,
    OperationFailedError,
    OperationTimeoutError,
    ReplayGuard,
    ResourceNotFoundError,
    Router,
    Sikoia,
    UnexpectedResponseError,
)
from sikoia_async.operations.token import TokenSigner
from sikoia_async.resources.banking import BankAccount, BankConnection
from sikoia_async.resources.cases import Person
from sikoia_async.resources.documents import Document, IntegrityCheckRequest
from sikoia_async.sandbox import Rate, Sandbox
from sikoia_async.sandbox.resources import webhook_log
from sikoia_async.testing import client_of
from sikoia_async.webhooks import events

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Run a local Sikoia in real time, in which work takes a moment."""
    with Sandbox(rate=Rate(requests_per_window=100_000), work_time=0.15) as running:
        yield running


@pytest.fixture
def sikoia(sandbox: Sandbox) -> Sikoia:
    """Make a client that polls often."""
    return connect(sandbox)


def connect(sandbox: Sandbox, **options: Any) -> Sikoia:
    """Make a client that polls often."""
    return client_of(sandbox, interval=Interval(first=0.1, most=0.1), quota=None, **options)


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
    person = await create_person(client)
    await _statement(client, person)
    await client.data_sources.until_complete(person)
    return person


async def _affordability(client: Sikoia) -> Operation[Any]:
    return await client.affordability.request(await _with_data(client))


async def _income(client: Sikoia) -> Operation[Any]:
    return await client.income.request(await _with_data(client))


async def _identity(client: Sikoia) -> Operation[Any]:
    return await client.identity.request((await create_person(client)).person_id)


async def _check(client: Sikoia) -> Operation[Any]:
    person, types = await create_person(client), await client.checks.types()
    (wanted, *_) = (one for one in types if one.entity_type == "person")
    return await client.checks.run(person, wanted.validation_type_id)


async def _connection(client: Sikoia) -> Operation[Any]:
    connection = await client.banking.connect(await create_person(client))
    return client.banking.until_connected(connection.bank_connection_id)


async def _refresh(client: Sikoia) -> Operation[Any]:
    connected = await (await _connection(client))
    before = await client.banking.refresh(connected.account_connection_ids[0])
    return client.banking.until_refreshed(before)


async def _sources(client: Sikoia) -> Operation[Any]:
    person = await create_person(client)
    await _statement(client, person)
    return client.data_sources.until_complete(person)


async def _classification(client: Sikoia) -> Operation[Any]:
    return client.documents.until_classified(await _statement(client, await create_person(client)))


async def _integrity(client: Sikoia) -> Operation[Any]:
    return client.documents.until_checked(await _statement(client, await create_person(client)))


async def _registry(client: Sikoia) -> Operation[Any]:
    request = (await client.company_registry.request(await _company_id(client))).first
    return client.company_registry.operation(request.request_id)


async def _credit(client: Sikoia) -> Operation[Any]:
    request = (await client.credit_reports.request(await _company_id(client))).first
    return client.credit_reports.operation(request.request_id)


_KINDS = {
    "account-refresh": (_refresh, "datetime_last_refreshed"),
    "affordability": (_affordability, "data"),
    "bank-connection": (_connection, "account_connection_ids"),
    "check": (_check, "rules"),
    "classification": (_classification, "sikoia_document_type"),
    "company-registry": (_registry, "data"),
    "credit-report": (_credit, "data"),
    "data-sources": (_sources, ""),
    "identity": (_identity, "datetime_completed"),
    "income": (_income, "data"),
    "integrity-check": (_integrity, "rules"),
}


@pytest.mark.parametrize("kind", _KINDS)
async def test_every_kind_is_awaited_and_resumed(
    kind: str, sandbox: Sandbox, sikoia: Sikoia
) -> None:
    """Another client resumes the operation from its token, with the same result."""
    begin: Callable[[Sikoia], Awaitable[Operation[Any]]]
    begin, field = _KINDS[kind]
    async with sikoia, connect(sandbox) as other:
        operation = await begin(sikoia)
        resumed = other.operation(operation.token)

        result = await operation
        again = await resumed

    assert kind in resumed.token
    found, found_again = (getattr(one, field) if field else one for one in (result, again))
    assert found
    assert (type(again), found_again) == (type(result), found)
    assert sikoia.drift == {}


async def test_a_client_has_one_object_per_operation(sikoia: Sikoia) -> None:
    """However it is obtained, so that it is polled only once."""
    async with sikoia:
        operation = await _identity(sikoia)

        assert operation.first is not None
        assert sikoia.identity.operation(operation.first.request_id) is operation
        assert sikoia.operation(operation.token) is operation


async def test_data_sources_can_be_awaited_again(sikoia: Sikoia) -> None:
    """After another upload, the earlier result is not reused."""
    async with sikoia:
        person = await create_person(sikoia)
        await _statement(sikoia, person)
        first = sikoia.data_sources.until_complete(person)
        before = await first
        await _statement(sikoia, person)

        after = await sikoia.data_sources.until_complete(person)

    assert [one.status for one in after].count("Complete") > [one.status for one in before].count(
        "Complete"
    )


async def test_an_income_verification_is_awaited_by_its_id(sikoia: Sikoia) -> None:
    """`run_with_income` returns a pending one; its id is enough to wait for it."""
    async with sikoia:
        person = await _with_data(sikoia)
        begun = await sikoia.income.request(person)
        assert begun.first is not None

        report = await sikoia.income.operation(begun.first.request_id)

    assert report.status == "Complete"


async def test_a_failure_raises_or_returns_the_report(sikoia: Sikoia) -> None:
    """Depending on `raise_on_failure`."""
    async with sikoia:
        operation = await sikoia.affordability.request(await create_person(sikoia))
        report = await operation.wait(raise_on_failure=False)
        assert report.status == "Failed"
        with pytest.raises(OperationFailedError):
            await operation


async def test_a_timeout_is_resumed_in_anotherconnect(sandbox: Sandbox, sikoia: Sikoia) -> None:
    """The error has the token."""
    async with sikoia, connect(sandbox) as other:
        operation = await _identity(sikoia)
        with pytest.raises(OperationTimeoutError) as caught:
            await operation.wait(timeout=0.01)
        assert caught.value.token

        assert (await other.operation(caught.value.token)).status == "Complete"


async def test_an_unknown_id_fails_with_the_first_poll(sikoia: Sikoia) -> None:
    """Nothing waits for an object that does not exist."""
    async with sikoia:
        for operation in (
            sikoia.income.operation(UNKNOWN_ID),
            sikoia.banking.until_connected(UNKNOWN_ID),
            sikoia.documents.until_classified(UNKNOWN_ID),
        ):
            with pytest.raises(ResourceNotFoundError):
                await operation


async def test_invalid_operation_tokens_are_refused(sandbox: Sandbox, sikoia: Sikoia) -> None:
    """Of other credentials, of unknown kinds, or with invalid ids: nothing is sent."""
    signer = TokenSigner(sandbox.url, sandbox.client_secret)
    async with sikoia:
        calls = sikoia.stats().calls
        for token, problem in {
            TokenSigner(sandbox.url, "another-secret").token(
                "income", (UNKNOWN_ID,)
            ): "other credentials",
            TokenSigner("https://x.example", "").token(
                "income", (UNKNOWN_ID,)
            ): "another environment",
            signer.token("horoscope", (UNKNOWN_ID,)): "unknown kind",
            signer.token("income", (UNKNOWN_ID, UNKNOWN_ID)): "not a valid operation token",
            signer.token("data-sources", (UNKNOWN_ID,)): "not a valid operation token",
            signer.token("income", ("..",)): "request: not a valid id",
            signer.token("account-refresh", ("", "x")): "account: ",
            signer.token("data-sources", (UNKNOWN_ID, "planet")): "entity_type",
        }.items():
            with pytest.raises(ConfigurationError, match=problem):
                sikoia.operation(token)
        assert sikoia.stats().calls == calls


async def test_invalid_ids_are_refused(sikoia: Sikoia) -> None:
    """When the operation is created, before anything is sent."""
    async with sikoia:
        for wait in (
            sikoia.affordability.operation,
            sikoia.banking.until_connected,
            sikoia.checks.operation,
            sikoia.company_registry.operation,
            sikoia.credit_reports.operation,
            sikoia.documents.until_checked,
            sikoia.documents.until_classified,
            sikoia.identity.operation,
            sikoia.income.operation,
        ):
            with pytest.raises(ConfigurationError):
                wait("")
        with pytest.raises(ArgumentTypeError, match="account: "):
            sikoia.banking.until_refreshed("id")  # type: ignore[arg-type]
        with pytest.raises(ArgumentTypeError, match="entity: "):
            sikoia.data_sources.until_complete("id")  # type: ignore[arg-type]


async def test_models_are_awaited_like_their_ids(sikoia: Sikoia) -> None:
    """They are one operation."""
    connection = BankConnection(bank_connection_id="b-1")
    document, check = Document(document_id="d-1"), IntegrityCheckRequest(document_id="d-1")
    async with sikoia:
        connected = sikoia.banking.until_connected(connection)
        classified = sikoia.documents.until_classified(document)
        checked = sikoia.documents.until_checked(document)

        assert connected is sikoia.banking.until_connected("b-1")
        assert classified is sikoia.documents.until_classified("d-1")
        assert checked is sikoia.documents.until_checked(check)
        for wait, wrong in (
            (sikoia.banking.until_connected, document),
            (sikoia.documents.until_classified, check),
            (sikoia.documents.until_checked, connection),
        ):
            with pytest.raises(ArgumentTypeError, match=f", not {type(wrong).__name__}"):
                wait(wrong)  # type: ignore[arg-type]


async def test_a_refresh_is_done_when_the_timestamp_changes(sikoia: Sikoia) -> None:
    """Also if there was no timestamp before, and not while it is the same."""
    moment = datetime(2024, 1, 15, tzinfo=UTC)
    async with sikoia:
        connected = await (await _connection(sikoia))
        account = await sikoia.banking.account(connected.account_connection_ids[0])
        assert isinstance(account, BankAccount)

        unchanged = sikoia.banking.until_refreshed(account)
        with pytest.raises(OperationTimeoutError):
            await unchanged.wait(timeout=0.3)
        for timestamp in (None, moment):
            before = attrs.evolve(account, datetime_last_refreshed=timestamp)
            assert await sikoia.banking.until_refreshed(before) == account


async def test_a_token_outlives_a_rotation_of_the_secret() -> None:
    """If the client knows the secret from before."""
    old, new = "s" * 20, "t" * 20
    async with Sikoia("id", old, quota=None) as sikoia:
        token = sikoia.income.operation("r-1").token

    async with Sikoia("id", new, previous_secret=old, quota=None) as sikoia:
        assert sikoia.operation(token).ids == ("r-1",)
    async with Sikoia("id", new, quota=None) as sikoia:
        with pytest.raises(ConfigurationError, match="other credentials"):
            sikoia.operation(token)
    wrong: list[Any] = ["", "a\n", 7]
    for value in wrong:
        with pytest.raises(ConfigurationError, match=r"^previous_secret: "):
            Sikoia("id", new, previous_secret=value)


async def test_an_event_completes_an_operation(sandbox: Sandbox) -> None:
    """The polling interval is a minute, so only the event can complete it within seconds."""
    async with connect(sandbox, rely_on_events="always") as sikoia:
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


async def test_an_event_that_no_operation_awaits_is_ignored(sikoia: Sikoia) -> None:
    """Whatever its body contains."""
    async with sikoia:
        for body in (b"[]", b'{"id":"x"}', b'"https://a.example/b"', b"null", b"5"):
            assert sikoia.events.feed(events.parse(body)) == 0
        not_events: list[Any] = [b"{}", {}, None, "x"]
        for value in not_events:
            with pytest.raises(ArgumentTypeError, match="event: "):
                sikoia.events.feed(value)

    with pytest.raises(ClientStateError):
        sikoia.events.feed(events.parse(b"{}"))


async def test_reconcile_returns_unhandled_deliveries(sandbox: Sandbox, sikoia: Sikoia) -> None:
    """Oldest first, over several pages and since a request, without those handled before."""
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
        logged = [
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

        missed = await sikoia.webhooks.reconcile(webhook, guard=guard)
        since = await sikoia.webhooks.reconcile(webhook, guard=guard, after_request_id=logged[28])
        for request in missed:
            await router.handle(events.from_request(request))
        again = await sikoia.webhooks.reconcile(webhook, guard=guard)

    unhandled = [*range(1, 7), *range(8, 30), 32]
    assert [request.event_data["n"] for request in missed] == unhandled
    assert [request.event_data["n"] for request in since] == [29, 32]
    assert handled == ["0", "7", *map(str, unhandled)]
    assert again == []


async def test_a_delivery_without_data_counts_as_missed(sandbox: Sandbox, sikoia: Sikoia) -> None:
    """There is nothing to compare; and a value that is not a guard is refused."""
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

        (missed,) = await sikoia.webhooks.reconcile(webhook, guard=ReplayGuard())
        assert missed.event_data is None
        with pytest.raises(ArgumentTypeError, match="guard: "):
            await sikoia.webhooks.reconcile(webhook, guard="guard")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "page",
    [
        {"message": "maintenance"},
        {"data": {"webhook_requests": []}},
        {"webhookRequests": []},
        {"webhook_requests": "maintenance"},
        {"webhook_requests": [{"request_id": "q-1", "webhook_event_status": "Pending"}, "q-2"]},
        {"webhook_requests": [None]},
    ],
    ids=str,
)
async def test_a_log_that_cannot_be_read_is_not_one_without_missed_events(page: Any) -> None:
    """Something may have been missed."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=page))
    async with client("https://127.0.0.1:1", transport=transport) as sikoia:
        with pytest.raises(UnexpectedResponseError) as caught:
            await sikoia.webhooks.reconcile("w-1", guard=ReplayGuard())

    assert caught.value.problems
    assert caught.value.correlation_id
    assert "maintenance" not in repr(caught.value.call)
