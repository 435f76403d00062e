"""Affordability insights, against the local Sikoia."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest

from sikoia_async import (
    ArgumentTypeError,
    InvalidRequestError,
    NewPerson,
    OperationFailedError,
    ResourceNotFoundError,
    Sikoia,
)
from sikoia_async.environments import local
from sikoia_async.models import Entity
from sikoia_async.resources.affordability import AffordabilityReport
from sikoia_async.resources.cases import Person
from sikoia_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio

NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def clock() -> SimpleNamespace:
    """Give the local Sikoia a clock that tests turn by hand."""
    return SimpleNamespace(now=0.0)


@pytest.fixture(scope="module")
def sandbox(clock: SimpleNamespace) -> Iterator[Sandbox]:
    """Run a local Sikoia for all tests of this module."""
    with Sandbox(clock=lambda: clock.now, token_life=9999, limit=9999) as running:
        yield running


def _client(sandbox: Sandbox) -> Sikoia:
    return Sikoia(
        sandbox.client_id,
        sandbox.client_secret,
        environment=local(sandbox.url),
        tls=sandbox.ca_file,
    )


@pytest.fixture
def sikoia(sandbox: Sandbox) -> Sikoia:
    """Make a client of it."""
    return _client(sandbox)


async def _person(client: Sikoia, sandbox: Sandbox, *types: str) -> Person:
    """Create a person with documents of these types."""
    wilma = NewPerson(first_name="Wilma", last_name="Example")
    case = await client.cases.create(name="Loan", case_type="Consumer", persons=[wilma])
    assert case.persons
    person = case.persons[0]
    for kind in types:
        document = {
            "document_id": sandbox.state.new_id(),
            "display_name": f"{kind}.pdf",
            "document_type": kind,
            "entity_id": person.person_id,
            "entity_type": "person",
            "datetime_created": "2024-02-12T15:03:40.389Z",
        }
        store = sandbox.state.store("documents")
        store.add(document["document_id"], document, entity_id=person.person_id)
    return person


async def _complete(client: Sikoia, person: Person, clock: SimpleNamespace) -> AffordabilityReport:
    operation = await client.affordability.request(person)
    clock.now += 1
    await operation.refresh()
    return operation.result()


async def test_a_request_is_pending_and_then_a_report(
    sikoia: Sikoia, sandbox: Sandbox, clock: SimpleNamespace
) -> None:
    """The operation begins without data, and its result has them."""
    async with sikoia as client:
        person = await _person(client, sandbox, "BankStatement")
        operation = await client.affordability.request(person)
        asked = operation.last
        was_done = operation.done
        clock.now += 1
        await operation.refresh()
        report = operation.result()

    assert asked is not None
    assert (asked.status, was_done, asked.data) == ("Pending", False, None)
    assert asked.datetime_completed is None
    assert asked.response.status == 201
    assert (report.status, report.request_id) == ("Complete", asked.request_id)
    assert (report.entity_type, report.entity_id) == ("person", person.person_id)
    assert isinstance(report.datetime_completed, datetime)


async def test_an_operation_can_be_awaited() -> None:
    """With work that takes no time, the first poll has the report."""
    with Sandbox(work_time=0) as sandbox:
        async with _client(sandbox) as client:
            person = await _person(client, sandbox, "BankStatement")
            report = await (await client.affordability.request(person))

    assert report.data is not None


async def test_outflows_are_negative_decimals(
    sikoia: Sikoia, sandbox: Sandbox, clock: SimpleNamespace
) -> None:
    """Cash flow is exact: categories come to their group, and expenditure is below zero."""
    async with sikoia as client:
        person = await _person(client, sandbox, "BankStatement")
        report = await _complete(client, person, clock)

    assert report.data is not None
    assert report.data.cashflow is not None
    by_group = {one.group: one for one in report.data.cashflow}
    income, essential = by_group["Income"], by_group["Essential expenditure"]
    assert isinstance(income.value, Decimal)
    assert income.value > 0
    assert essential.value is not None
    assert essential.value < 0
    assert essential.categories is not None
    assert essential.value == sum(one.value or 0 for one in essential.categories)


async def test_indicators_have_their_transactions(
    sikoia: Sikoia, sandbox: Sandbox, clock: SimpleNamespace
) -> None:
    """An indicator that is present shows where it was seen; one that is not has none."""
    async with sikoia as client:
        person = await _person(client, sandbox, "BankStatement")
        report = await _complete(client, person, clock)

    assert report.data is not None
    by_name = {one.name: one for one in report.data.indicators or ()}
    assert by_name["Children"].present is True
    assert by_name["Children"].transactions
    assert by_name["Gambling"].present is False
    assert by_name["Gambling"].transactions == ()


async def test_transactions_come_one_by_one_and_by_month(
    sikoia: Sikoia, sandbox: Sandbox, clock: SimpleNamespace
) -> None:
    """Both views have the same transactions, so that they come to the same sum."""
    async with sikoia as client:
        person = await _person(client, sandbox, "BankStatement")
        report = await _complete(client, person, clock)
        single = await client.affordability.transactions(report.request_id)
        monthly = await client.affordability.monthly_transactions(report.request_id)

    assert single.data
    assert monthly.data
    assert report.data is not None
    assert isinstance(single.data[0].date, date)
    assert sum(one.amount or 0 for one in single.data) == sum(
        one.total_value or 0 for one in monthly.data
    )
    assert single.data_sources == monthly.data_sources == report.data.data_sources


async def test_what_is_not_complete_has_no_transactions(sikoia: Sikoia, sandbox: Sandbox) -> None:
    """While the request is pending, both views are without data."""
    async with sikoia as client:
        person = await _person(client, sandbox, "BankStatement")
        operation = await client.affordability.request(person)
        assert operation.last is not None
        single = await client.affordability.transactions(operation.last.request_id)
        monthly = await client.affordability.monthly_transactions(operation.last.request_id)

    assert (single.status, single.data, single.data_sources) == ("Pending", None, None)
    assert (monthly.status, monthly.data, monthly.data_sources) == ("Pending", None, None)


async def test_insights_that_cannot_be_made_raise(
    sikoia: Sikoia, sandbox: Sandbox, clock: SimpleNamespace
) -> None:
    """The error says what is missing, and has the answer."""
    async with sikoia as client:
        person = await _person(client, sandbox, "Payslip")
        with pytest.raises(OperationFailedError) as caught:
            await _complete(client, person, clock)

    assert isinstance(caught.value.result, AffordabilityReport)
    assert caught.value.result.status == "Failed"
    assert "BankStatement, BankAccount" in str(caught.value.result.message)


async def test_requests_are_listed(sikoia: Sikoia, sandbox: Sandbox) -> None:
    """The list names the entity, and has its requests, the newest first."""
    async with sikoia as client:
        person = await _person(client, sandbox)
        older = (await client.affordability.request(person)).last
        newer = (await client.affordability.request(person)).last
        found = await client.affordability.list(person)

    assert older is not None
    assert newer is not None
    assert (found.entity_id, found.entity_type) == (person.person_id, "person")
    listed = found.affordability_insights_requests
    assert listed is not None
    assert [one.request_id for one in listed] == [newer.request_id, older.request_id]


async def test_an_entity_that_is_not_there_is_refused(sikoia: Sikoia) -> None:
    """Asking for insights is answered with 400, asking for the list with 404."""
    nobody = Entity("person", NOWHERE)
    async with sikoia as client:
        with pytest.raises(InvalidRequestError, match="entity_id"):
            await client.affordability.request(nobody)
        with pytest.raises(ResourceNotFoundError):
            await client.affordability.list(nobody)


@pytest.mark.parametrize("method", ["retrieve", "transactions", "monthly_transactions"])
async def test_a_request_that_is_not_there_is_not_found(sikoia: Sikoia, method: str) -> None:
    """Each way to look at a request says that there is none."""
    async with sikoia as client:
        with pytest.raises(ResourceNotFoundError):
            await getattr(client.affordability, method)(NOWHERE)


@pytest.mark.parametrize("method", ["request", "list"])
async def test_what_is_no_entity_is_refused(sikoia: Sikoia, method: str) -> None:
    """An id alone does not tell the type; nothing is sent."""
    async with sikoia as client:
        with pytest.raises(ArgumentTypeError, match="entity: expected a case"):
            await getattr(client.affordability, method)(NOWHERE)


async def test_no_repr_shows_whom_was_paid(
    sikoia: Sikoia, sandbox: Sandbox, clock: SimpleNamespace
) -> None:
    """Parties, texts and names of files are masked; amounts are not."""
    async with sikoia as client:
        person = await _person(client, sandbox, "BankStatement")
        report = await _complete(client, person, clock)
        single = await client.affordability.transactions(report.request_id)
        monthly = await client.affordability.monthly_transactions(report.request_id)

    shown = repr((report, single, monthly))
    assert "Example Grocer" not in shown
    assert "EXAMPLE GROCER" not in shown
    assert "BankStatement.pdf" not in shown
    assert "-1180" in shown
