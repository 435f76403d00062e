"""Tests finish pending work or make it fail, and the SDK sees the outcome."""

import itertools
import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any, Final

import anyio
import attrs
import httpx
import pytest
from sandbox.memory import InMemory
from sandbox.test_responses import WALKS, Walk

from sikoia_async import NewPerson, Operation, OperationFailedError, Sikoia, errors
from sikoia_async.sandbox import App, Credentials, Rate, Sandbox, Time, create_app
from sikoia_async.sandbox.work import Job
from sikoia_async.testing import MemorySandbox, client_of
from sikoia_async.webhooks import WebhookEventName

EPOCH = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
VERIFIED: Final = "IdentityVerification.Completed"
READ: Final = "BankStatementProcessing.Completed"
STILL: Any = {
    "time": Time(speed=0, epoch=EPOCH),
    "work_time": 60,
    "credentials": Credentials(token_life=10**9),
    "rate": Rate(requests_per_window=10**6),
}
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@attrs.frozen
class Local:
    """A local Sikoia whose clock stands still, its client, and a person in a case."""

    sandbox: Sandbox
    sikoia: Sikoia
    person: Any
    case: Any

    async def upload(self, document_type: Any = "BankStatement") -> str:
        """Upload a document about the person."""
        document = await self.sikoia.documents.upload(
            self.person, b"%PDF-1.7", file_name="file.pdf", document_type=document_type
        )
        return document.document_id

    async def subscribe(self, *events: WebhookEventName) -> str:
        """Create a webhook; nothing listens at its URL."""
        webhook = await self.sikoia.webhooks.create(
            webhook_name="Tests",
            webhook_callback_url="https://127.0.0.1:1/webhooks",
            event_types=list(events),
        )
        return webhook.webhook_id

    def events(self) -> list[dict[str, Any]]:
        """Return the payloads that are sent to webhooks, oldest first."""
        log = self.sandbox.state.store("webhook_requests")
        return [entry.record["event_data"] for entry in log]

    def jobs(self, kind: str) -> list[Job]:
        """Return the jobs of a kind."""
        return [job for job in self.sandbox.work if job.kind == kind]


async def local_of(sandbox: Sandbox, sikoia: Sikoia) -> Local:
    """Create a case with a person."""
    wilma = NewPerson(first_name="Wilma", last_name="Example")
    case = await sikoia.cases.create(name="Loan", case_type="Consumer", persons=[wilma])
    [person] = case.persons
    return Local(sandbox, sikoia, person, case)


async def identity(local: Local) -> Operation[Any]:
    """Start an identity verification."""
    return await local.sikoia.identity.request(local.person.person_id)


async def affordability(local: Local) -> Operation[Any]:
    """Request insights into a statement that was read."""
    local.sandbox.work.finish(await local.upload())
    return await local.sikoia.affordability.request(local.person)


async def income(local: Local) -> Operation[Any]:
    """Request the income in a payslip that was read."""
    local.sandbox.work.finish(await local.upload("Payslip"))
    return await local.sikoia.income.request(local.person)


async def check(local: Local) -> Operation[Any]:
    """Run a check for bank transactions."""
    local.sandbox.work.finish(await local.upload())
    types = await local.sikoia.checks.types()
    [kind] = [
        one.validation_type_id
        for one in types
        if one.entity_type == "person" and "transactions" in (one.validation_check_name or "")
    ]
    assert kind is not None
    return await local.sikoia.checks.run(local.person, kind)


async def connection(local: Local) -> Operation[Any]:
    """Create a connection that waits for the account holder."""
    created = await local.sikoia.banking.connect(local.person)
    return local.sikoia.banking.until_connected(created.bank_connection_id)


async def refresh(local: Local) -> Operation[Any]:
    """Refresh an account twice, without moving the clock since it was connected."""
    local.sandbox.work.finish((await connection(local)).ids[0])
    [account, _] = await local.sikoia.banking.accounts(local.person)
    await local.sikoia.banking.refresh(account.account_connection_id)
    before = await local.sikoia.banking.refresh(account.account_connection_id)
    return local.sikoia.banking.until_refreshed(before)


async def document(local: Local) -> Operation[Any]:
    """Upload a document that waits for its classification."""
    return local.sikoia.documents.until_classified(await local.upload())


async def integrity(local: Local) -> Operation[Any]:
    """Upload a document that waits for its integrity check."""
    return local.sikoia.documents.until_checked(await local.upload())


Begin = Callable[[Local], Awaitable[Operation[Any]]]


@attrs.frozen
class Kind:
    """A kind of work: how it starts, and how it ends."""

    name: str
    begin: Begin
    finished: str
    failed: str | None
    """The job's status after a failure; None if the API has none."""
    raises: bool = False
    """Whether the SDK raises an error for the failure."""
    pending: str = "Pending"


KINDS = (
    Kind("identity", identity, "Complete", "Failed", raises=True),
    Kind("affordability", affordability, "Complete", "Failed", raises=True),
    Kind("income", income, "Complete", "Failed", raises=True),
    Kind("checks", check, "Complete", "Failed"),
    Kind("connections", connection, "Connected", "Rejected", pending="Created"),
    Kind("refreshes", refresh, "Complete", None),
    Kind("documents", document, "Complete", "Failed"),
    Kind("integrity", integrity, "Complete", "Failed"),
)
FAILING = [kind for kind in KINDS if kind.failed]
MESSAGE = "The line to the provider is down."
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
each_failing_kind = pytest.mark.parametrize("kind", FAILING, ids=lambda kind: kind.name)

Scenario = Callable[[Local], Awaitable[None]]


async def run(scenario: Scenario, **options: Any) -> None:
    """Run a scenario on a new local Sikoia."""
    with MemorySandbox(**STILL | options) as sandbox:
        async with client_of(sandbox) as sikoia:
            await scenario(await local_of(sandbox, sikoia))


async def ended(operation: Operation[Any], end: Callable[[], None]) -> Any:
    """Wait for an operation, and end its work after some polls found it pending."""

    async def later() -> None:
        await anyio.sleep(20)
        assert not operation.done
        end()

    result: Any = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(later)
        try:
            result = await operation
        except OperationFailedError as exc:
            # Raised in here, it would be wrapped in an exception group.
            result = exc
    if isinstance(result, OperationFailedError):
        raise result
    return result


@pytest.mark.anyio
@pytest.mark.virtual_time
@each_kind
async def test_finished_work_is_complete(kind: Kind) -> None:
    """Callers that wait for it get its result, as if its time were over."""

    async def scenario(local: Local) -> None:
        operation = await kind.begin(local)
        [id_, *_] = operation.ids
        [before, *_] = [job for job in local.jobs(kind.name) if job.id == id_]
        result = await ended(operation, partial(local.sandbox.work.finish, id_, kind=kind.name))
        jobs = [job for job in local.jobs(kind.name) if job.id == id_]

        assert attrs.asdict(before) == {
            "kind": kind.name,
            "id": id_,
            "entity_id": local.person.person_id,
            "status": kind.pending,
            "is_pending": True,
            "can_fail": kind.failed is not None,
            "started": EPOCH,
            "due": EPOCH + timedelta(seconds=60),
        }
        assert {(job.status, job.is_pending, job.due) for job in jobs} == {
            (kind.finished, False, None)
        }
        if kind.name != "refreshes":
            assert result.status in ("Complete", "Connected")
        if kind.name == "checks":
            assert [rule.decision for rule in result.rules] == ["Pass", "Pass"]
        if kind.name in ("affordability", "income", "identity"):
            assert result.data is not None

    await run(scenario)


@pytest.mark.anyio
@pytest.mark.virtual_time
@each_failing_kind
async def test_work_can_be_made_to_fail(kind: Kind) -> None:
    """The API has its own status for each kind, and the SDK raises for some of them."""

    async def scenario(local: Local) -> None:
        operation = await kind.begin(local)
        [id_, *_] = operation.ids
        message = None if kind.name == "connections" else MESSAGE
        fail = partial(local.sandbox.work.fail, id_, message, kind=kind.name)
        if kind.raises:
            with pytest.raises(OperationFailedError) as caught:
                await ended(operation, fail)
            result = caught.value.result
            assert result.data is None
        else:
            result = await ended(operation, fail)
        job = local.jobs(kind.name)[-1]

        assert (job.status, job.is_pending) == (kind.failed, False)
        if kind.name == "documents":  # its own status is that of the upload
            assert (result.status, result.sikoia_document_type) == ("Complete", "BankStatement")
        else:
            assert result.status == kind.failed
        if kind.name in ("identity", "affordability", "income", "checks", "integrity"):
            assert (result.message, result.datetime_completed) == (MESSAGE, EPOCH)
        if kind.name in ("checks", "integrity"):
            assert result.rules is None
        if kind.name == "connections":
            assert await local.sikoia.banking.accounts(local.person) == ()

    await run(scenario)


@pytest.mark.anyio
@pytest.mark.virtual_time
async def test_failures_have_a_default_message() -> None:
    """It says that they were made to fail."""

    async def scenario(local: Local) -> None:
        operation = await identity(local)
        local.sandbox.work.fail(operation.ids[0])
        report = await local.sikoia.identity.retrieve(operation.ids[0])

        assert (report.status, report.message) == ("Failed", "The work was made to fail.")
        assert report.data is None
        listed = await local.sikoia.identity.list(local.person.person_id)
        [row] = listed
        assert (row.status, row.verification_status) == ("Failed", None)

    await run(scenario)


@pytest.mark.anyio
@pytest.mark.virtual_time
@pytest.mark.parametrize("is_finished", [True, False])
async def test_a_finished_document_is_a_data_source(is_finished: bool) -> None:
    """A failed one contributes nothing to insights, checks and accounts."""

    async def scenario(local: Local) -> None:
        document_id = await local.upload()
        operation = local.sikoia.data_sources.until_complete(local.person)
        work = local.sandbox.work
        end = partial(work.finish if is_finished else work.fail, document_id)
        result = await ended(operation, end)
        [source] = result
        check = await local.sikoia.documents.integrity_check(document_id)
        accounts = await local.sikoia.banking.accounts(local.person)
        insights = await local.sikoia.affordability.request(local.person)
        work.finish_all()
        report = await local.sikoia.affordability.retrieve(insights.ids[0])

        status = "Complete" if is_finished else "Failed"
        message = None if is_finished else "The work was made to fail."
        assert (source.status, source.message) == (status, message)
        # Without a kind, its integrity check ended as well.
        assert check.status == status
        assert len(accounts) == is_finished
        assert report.status == status

    await run(scenario)


@attrs.define
class Ending(Walk):
    """A walk that ends all work explicitly instead of moving the clock."""

    fails: bool = False

    def work(self) -> None:
        """Finish all pending work, or make it fail where it can."""
        for job in self.sandbox.work.pending:
            if self.fails and job.can_fail:
                self.sandbox.work.fail(job.id, kind=job.kind)
            else:
                self.sandbox.work.finish(job.id, kind=job.kind)
        assert self.sandbox.work.pending == ()


@pytest.mark.parametrize("fails", [True, False])
@pytest.mark.parametrize("through", WALKS, ids=lambda through: through.__name__)
def test_responses_match_the_specification(through: Callable[[Walk], None], fails: bool) -> None:
    """For work that was finished and for work that was made to fail."""
    app = create_app(**STILL | {"credentials": Credentials(api_key="legacy")})
    headers = {"apikey": "legacy", "Accept": "application/json", "Content-Type": "application/json"}
    client = httpx.Client(
        base_url="https://sandbox.example", headers=headers, transport=InMemory(app)
    )
    walk = Ending(app, client, SimpleNamespace(), fails=fails)
    walk.begin()
    through(walk)

    assert sorted(set(walk.violations)) == []


@pytest.mark.anyio
@pytest.mark.virtual_time
async def test_webhook_events_are_sent_at_once_and_once() -> None:
    """Before those of work that started earlier, and not again when the work time is over."""

    async def scenario(local: Local) -> None:
        await local.subscribe(VERIFIED)
        ids = [(await identity(local)).ids[0] for _ in range(3)]
        sent: list[list[str]] = []
        for end in (
            partial(local.sandbox.work.finish, ids[1]),
            partial(local.sandbox.work.fail, ids[2]),
            partial(local.sandbox.clock.advance, 60),
            partial(local.sandbox.clock.advance, 600),
            local.sandbox.work.finish_all,
        ):
            end()
            sent.append([one["request_id"] for one in local.events()])

        second_third = [ids[1], ids[2]]
        assert sent == [[ids[1]], second_third, *[[*second_third, ids[0]]] * 3]
        assert [one["status"] for one in local.events()] == ["Complete", "Failed", "Complete"]

    await run(scenario)


@pytest.mark.anyio
@pytest.mark.virtual_time
async def test_events_of_work_that_ended_by_itself_come_first() -> None:
    """Finishing something else does not overtake them."""
    clock = SimpleNamespace(now=0.0)

    async def scenario(local: Local) -> None:
        await local.subscribe(VERIFIED)
        first = (await identity(local)).ids[0]
        clock.now = 59
        second = (await identity(local)).ids[0]
        clock.now = 60
        local.sandbox.work.finish(second)

        assert [one["request_id"] for one in local.events()] == [first, second]

    await run(scenario, time=Time(epoch=EPOCH, clock=lambda: clock.now))


@pytest.mark.anyio
@pytest.mark.virtual_time
async def test_failures_have_webhook_events() -> None:
    """The same events as for success, in the order in which the work ended."""

    async def scenario(local: Local) -> None:
        await local.subscribe(READ, "OpenBankingProcessing.Completed")
        document_id = await local.upload()
        bank_connection_id = (await connection(local)).ids[0]
        local.sandbox.work.fail(bank_connection_id)
        local.sandbox.work.fail(document_id)

        assert [(one["event_type"], one["status"]) for one in local.events()] == [
            ("OpenBankingProcessing.Completed", "Rejected"),
            (READ, "Failed"),
        ]
        assert "account_connection_ids" not in local.events()[1]

    await run(scenario)


@pytest.mark.anyio
@pytest.mark.virtual_time
async def test_finishing_everything_is_like_advancing_the_clock() -> None:
    """Insights end first, without the documents that were uploaded after they were requested."""

    async def scenario(local: Local) -> None:
        await local.subscribe("AffordabilityInsights.Completed", READ)
        insights = await local.sikoia.affordability.request(local.person)
        await local.upload()
        local.sandbox.work.finish_all()
        report = await local.sikoia.affordability.retrieve(insights.ids[0])

        assert report.status == "Failed"
        assert [one["event_type"] for one in local.events()] == [
            "AffordabilityInsights.Completed",
            READ,
        ]
        assert local.sandbox.work.pending == ()

    await run(scenario)


@pytest.mark.anyio
@pytest.mark.virtual_time
@each_kind
async def test_work_completes_at_the_moment_it_is_ended(kind: Kind) -> None:
    """Not when the result is requested."""

    async def scenario(local: Local) -> None:
        operation = await kind.begin(local)
        local.sandbox.clock.advance(10)
        local.sandbox.work.finish(operation.ids[0], kind=kind.name)
        local.sandbox.clock.advance(1000)
        result = await operation
        completed = getattr(result, "datetime_completed", None)
        connected = getattr(result, "datetime_connected", None)

        assert local.jobs(kind.name)[-1].started == EPOCH
        ended_at = EPOCH + timedelta(seconds=10)
        if kind.name in ("identity", "affordability", "income", "checks", "integrity"):
            assert completed == ended_at
        if kind.name == "connections":
            assert connected == ended_at

    await run(scenario)


@pytest.mark.anyio
@pytest.mark.virtual_time
async def test_jobs_are_in_the_order_in_which_they_started() -> None:
    """Including those that have ended; `pending` leaves them out."""

    async def scenario(local: Local) -> None:
        work = local.sandbox.work
        first = (await identity(local)).ids[0]
        second = await local.upload("Contract")
        third = (await connection(local)).ids[0]
        work.finish(first)

        assert [job.id for job in work] == [first, second, third]
        assert [(job.id, job.status) for job in work.pending] == [
            (second, "Pending"),
            (third, "Created"),
        ]
        local.sandbox.clock.advance(60)
        assert [job.status for job in work] == ["Complete", "Provided", "Connected"]
        assert work.pending == ()

    await run(scenario)


@pytest.mark.anyio
@pytest.mark.virtual_time
async def test_jobs_are_consistent_while_the_clock_runs() -> None:
    """Work that ends during a read is not both pending and complete."""
    ticks = itertools.count()

    async def scenario(local: Local) -> None:
        for _ in range(9):
            await identity(local)
        numbers: list[int] = []
        while not numbers or numbers[-1]:
            pending = local.sandbox.work.pending
            numbers.append(len(pending))
            assert all(job.is_pending and job.due for job in pending)
            assert {(job.is_pending, job.status) for job in local.sandbox.work} <= {
                (True, "Pending"),
                (False, "Complete"),
            }

        assert numbers[0] == 9
        assert numbers == sorted(numbers, reverse=True)
        assert len(numbers) > 3

    await run(scenario, time=Time(epoch=EPOCH, clock=lambda: next(ticks)), work_time=800)


@pytest.mark.anyio
@pytest.mark.virtual_time
async def test_work_that_ends_while_it_is_made_to_fail_does_one_of_both() -> None:
    """There is nothing in between, even while the clock runs."""
    ticks = itertools.count()

    async def scenario(local: Local) -> None:
        types = await local.sikoia.checks.types()
        [kind, *_] = [one.validation_type_id for one in types if one.entity_type == "person"]
        assert kind is not None
        messages: list[str | None] = []
        for _ in range(90):
            check_id = (await local.sikoia.checks.run(local.person, kind)).ids[0]
            for _ in range(len(messages)):
                next(ticks)
            try:
                local.sandbox.work.fail(check_id, MESSAGE)
            except ValueError:
                messages.append(None)
            else:
                messages.append(MESSAGE)
            report = await local.sikoia.checks.retrieve(check_id)
            assert (report.message, report.rules is None) == (messages[-1], bool(messages[-1]))
            [job] = [one for one in local.sandbox.work if one.id == check_id]
            assert (job.status, job.is_pending) == ("Failed", False)

        assert messages == sorted(messages, key=bool, reverse=True)
        assert set(messages) == {MESSAGE, None}

    await run(scenario, time=Time(epoch=EPOCH, clock=lambda: next(ticks)), work_time=70)


@pytest.mark.anyio
@pytest.mark.virtual_time
@pytest.mark.parametrize("work_time", [math.inf, 1e12])
async def test_work_may_never_end_by_itself(work_time: float) -> None:
    """Until the test ends it."""

    async def scenario(local: Local) -> None:
        operation = await identity(local)
        local.sandbox.clock.advance(10**9)
        [job] = local.sandbox.work.pending
        report = await ended(operation, local.sandbox.work.finish_all)

        assert job.due is None
        assert report.status == "Complete"

    await run(scenario, work_time=work_time)


@pytest.mark.anyio
@pytest.mark.virtual_time
async def test_work_is_deleted_with_its_record() -> None:
    """With the document, the connection or the case. It has no event and cannot be ended."""

    async def scenario(local: Local) -> None:
        await local.subscribe(READ, VERIFIED)
        account_id = (await refresh(local)).ids[0]
        document_id = await local.upload()
        unread = await local.upload("Contract")
        verification = (await identity(local)).ids[0]
        work = local.sandbox.work

        def pending() -> set[tuple[str, str]]:
            assert {(job.kind, job.id) for job in work if job.is_pending} == {
                (job.kind, job.id) for job in work.pending
            }
            return {(job.kind, job.id) for job in work.pending}

        rest = {("documents", unread), ("identity", verification)}
        of_document = {("documents", document_id), ("integrity", document_id)}
        assert pending() == rest | of_document | {("refreshes", account_id)}
        [created] = await local.sikoia.banking.connections(local.person)
        await local.sikoia.banking.disconnect(created.bank_connection_id)
        assert pending() == rest | of_document
        await local.sikoia.documents.delete(document_id)
        assert pending() == rest
        await local.sikoia.documents.delete(unread)
        assert pending() == {("identity", verification)}
        with pytest.raises(errors.ResourceNotFoundError):
            await local.sikoia.documents.integrity_check(document_id)
        for gone in (account_id, document_id):
            with pytest.raises(ValueError, match="no such work is pending"):
                work.finish(gone)
        await local.sikoia.cases.delete(local.case.case_id)
        assert list(work) == []
        with pytest.raises(ValueError, match="nothing is pending"):
            work.fail(verification)
        local.sandbox.clock.advance(600)
        assert local.events() == []

    await run(scenario)


@pytest.mark.anyio
@pytest.mark.virtual_time
async def test_work_is_part_of_snapshots() -> None:
    """A restore brings back what was pending and what had failed, also in another sandbox."""

    async def scenario(local: Local) -> None:
        await local.subscribe(VERIFIED)
        failed, finished, other = [(await identity(local)).ids[0] for _ in range(3)]
        sandbox = local.sandbox
        sandbox.work.fail(failed)
        snapshot = sandbox.snapshot()
        jobs = list(sandbox.work)
        for _ in range(2):
            sandbox.work.finish(finished)
            sandbox.work.finish_all()
            assert [job.status for job in sandbox.work] == ["Failed", "Complete", "Complete"]
            assert [one["request_id"] for one in local.events()] == [failed, finished, other]
            sandbox.restore(snapshot)
            assert list(sandbox.work) == jobs
            assert [one["request_id"] for one in local.events()] == [failed]
        with MemorySandbox(**STILL) as second:
            second.restore(snapshot)
            second.work.fail(other)
            assert [job.status for job in second.work] == ["Failed", "Pending", "Failed"]
        sandbox.reset()
        assert (list(sandbox.work), sandbox.work.pending) == ([], ())

    await run(scenario)


@pytest.mark.anyio
@pytest.mark.virtual_time
async def test_invalid_requests_to_end_work_are_refused() -> None:
    """The error says what to do, and nothing has changed."""

    async def scenario(local: Local) -> None:
        work = local.sandbox.work
        with pytest.raises(ValueError, match="nothing is pending: it has ended, was deleted"):
            work.finish(UNKNOWN)
        account_id = (await refresh(local)).ids[0]
        bank_connection_id = (await connection(local)).ids[0]
        contract, verification = await local.upload("Contract"), (await identity(local)).ids[0]
        before = list(work)
        for wanted, kind, error in (
            (verification, "identty", "unknown kind 'identty'; the closest are identity, "),
            (verification, "documents", rf"closest of 5 jobs are .*identity {verification}"),
            (UNKNOWN, None, "no such work is pending"),
        ):
            for end in (work.finish, work.fail):
                with pytest.raises(ValueError, match=error):
                    end(wanted, kind=kind)
        for wanted, message, error in (
            (account_id, None, "a refresh cannot fail in the API: leave it pending"),
            (bank_connection_id, MESSAGE, "leave it out; in the API, bank connections have no"),
            (contract, None, "never read; those that can fail are BankStatement, Payslip"),
            (verification, " ", "message: expected a string that is not empty"),
            (verification, "\ud800", "surrogates not allowed"),
        ):
            with pytest.raises(ValueError, match=error):
                work.fail(wanted, message)
        for thing in (5, b"text"):
            with pytest.raises(
                TypeError, match=f"message: expected a string, not {type(thing).__name__}"
            ):
                work.fail(verification, thing)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        ids: Any = (verification,)  # as an operation has them
        for end in (work.finish, work.fail):
            with pytest.raises(TypeError, match="id: expected a string, not tuple"):
                end(ids)

        assert list(work) == before
        work.finish(verification)
        with pytest.raises(ValueError, match="no such work is pending"):
            work.fail(verification)

    await run(scenario)


@pytest.mark.anyio
async def test_any_thread_can_end_work() -> None:
    """On a real socket, while a client waits for the result."""
    with Sandbox(time=Time(speed=0)) as sandbox:
        async with client_of(sandbox) as sikoia:
            local = await local_of(sandbox, sikoia)
            good, bad = await identity(local), await identity(local)

            async def end() -> None:
                await anyio.to_thread.run_sync(sandbox.work.finish, good.ids[0])
                await anyio.to_thread.run_sync(sandbox.work.fail, bad.ids[0], MESSAGE)

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(end)
                assert (await good).status == "Complete"
                with pytest.raises(OperationFailedError) as caught:
                    await bad
                assert caught.value.result.message == MESSAGE


def test_work_can_be_ended_without_a_server() -> None:
    """On what `create_app` returns."""
    app: App = create_app()

    assert (list(app.work), app.work.pending) == ([], ())
    app.work.finish_all()
