"""Income and employer verification, against the local Sikoia."""

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
from sikoia_async.resources.cases import Person
from sikoia_async.resources.income import IncomeReport, VerifiedIncome
from sikoia_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio

NOWHERE = "00000000-0000-4000-8000-000000000000"
_NAMES = ("Wilma", "Foods", "Testtown", "ZZ1", "ZZ2", "Payslip.pdf", "Basic pay", "PAYE tax")
_NUMBERS = ("QQ123456C", "'A'", "1257L", "000/EX00000", "0000000000", "'EX")
_JOBS = ("Baker", "Confectioner", "Dispatcher", "Pastry cook")


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


async def _complete(client: Sikoia, person: Person, clock: SimpleNamespace) -> IncomeReport:
    operation = await client.income.request(person)
    clock.now += 1
    await operation.refresh()
    return operation.result()


async def _incomes(client: Sikoia, person: Person, clock: SimpleNamespace) -> list[VerifiedIncome]:
    report = await _complete(client, person, clock)
    assert report.data is not None
    return list(report.data.income_details or ())


async def test_a_request_is_pending_and_then_a_report(
    sikoia: Sikoia, sandbox: Sandbox, clock: SimpleNamespace
) -> None:
    """The operation begins without data, and its result has them."""
    async with sikoia as client:
        person = await _person(client, sandbox, "Payslip")
        operation = await client.income.request(person)
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
            person = await _person(client, sandbox, "Payslip")
            report = await (await client.income.request(person))

    assert report.data is not None


async def test_net_pay_is_what_is_left_of_the_gross(
    sikoia: Sikoia, sandbox: Sandbox, clock: SimpleNamespace
) -> None:
    """Money is decimal, so that the figures of payslips add up to the penny."""
    async with sikoia as client:
        person = await _person(client, sandbox, "Payslip", "Payslip", "Payslip")
        (income,) = await _incomes(client, person, clock)

    assert (income.income_recipient, income.income_type) == ("Wilma Example", "Employment")
    assert isinstance(income.monthly_net_pay, Decimal)
    assert income.monthly_gross_pay is not None
    assert income.monthly_deductions is not None
    assert income.monthly_net_pay == income.monthly_gross_pay - income.monthly_deductions
    assert income.annual_gross_pay == 12 * income.monthly_gross_pay
    assert income.pay_frequencies == ("Monthly",)
    assert income.additional_information is not None
    taken = income.additional_information.monthly_deductions_details
    assert taken is not None
    assert income.monthly_deductions == sum(one.amount or 0 for one in taken)


async def test_the_months_of_data_sources_are_texts(
    sikoia: Sikoia, sandbox: Sandbox, clock: SimpleNamespace
) -> None:
    """Three payslips cover three months, which have no day."""
    async with sikoia as client:
        person = await _person(client, sandbox, "Payslip", "Payslip", "Payslip")
        (income,) = await _incomes(client, person, clock)

    assert income.income_data_sources is not None
    (payslips,) = income.income_data_sources
    assert (payslips.source_type, payslips.number_of_sources) == ("Payslip", 3)
    assert payslips.start_date is not None
    assert payslips.end_date is not None
    assert len(payslips.start_date) == len("2024-01")
    assert payslips.start_date < payslips.end_date


async def test_each_payslip_is_read_alone(
    sikoia: Sikoia, sandbox: Sandbox, clock: SimpleNamespace
) -> None:
    """The details have one piece of evidence for each document, with dates and figures."""
    async with sikoia as client:
        person = await _person(client, sandbox, "Payslip", "Payslip")
        report = await _complete(client, person, clock)
        found = await client.income.details(report.request_id)

    assert found.data is not None
    (income,) = found.data
    assert income.income_source == "Example Foods Ltd"
    assert income.details is not None
    first, second = (one.income_source_data for one in income.details)
    assert first is not None
    assert second is not None
    assert isinstance(first.payslip_date, date)
    assert second.payslip_date is not None
    assert first.payslip_date < second.payslip_date
    assert first.gross_pay is not None
    assert first.total_deductions is not None
    assert first.net_pay == first.gross_pay - first.total_deductions
    assert first.pay_frequency == "Monthly"
    assert isinstance(first.pay_period, int)


async def test_a_return_tells_of_taxes(
    sikoia: Sikoia, sandbox: Sandbox, clock: SimpleNamespace
) -> None:
    """What was deducted at the source is negative, and lowers what is due."""
    async with sikoia as client:
        person = await _person(client, sandbox, "SA302")
        report = await _complete(client, person, clock)
        found = await client.income.details(report.request_id)

    assert found.data is not None
    assert found.data[0].details is not None
    says = found.data[0].details[0].income_source_data
    assert says is not None
    assert says.tax_information is not None
    charges = says.tax_information.tax_and_charges
    assert charges is not None
    assert charges.total_tax_due is not None
    assert charges.tax_deducted is not None
    assert charges.tax_deducted < 0
    assert charges.net_tax_due == charges.total_tax_due + charges.tax_deducted


async def test_details_are_not_there_before_the_report(sikoia: Sikoia, sandbox: Sandbox) -> None:
    """While the request is pending, the details are without data."""
    async with sikoia as client:
        person = await _person(client, sandbox, "Payslip")
        operation = await client.income.request(person)
        assert operation.last is not None
        found = await client.income.details(operation.last.request_id)

    assert (found.status, found.data) == ("Pending", None)


async def test_income_that_cannot_be_verified_raises(
    sikoia: Sikoia, sandbox: Sandbox, clock: SimpleNamespace
) -> None:
    """The error says what is missing, and has the answer."""
    async with sikoia as client:
        person = await _person(client, sandbox, "UtilityBill")
        with pytest.raises(OperationFailedError) as caught:
            await _complete(client, person, clock)

    assert isinstance(caught.value.result, IncomeReport)
    assert caught.value.result.status == "Failed"
    assert "Payslip, BankStatement" in str(caught.value.result.message)


async def test_requests_are_listed(sikoia: Sikoia, sandbox: Sandbox) -> None:
    """The list names the entity, and has its requests, the newest first."""
    async with sikoia as client:
        person = await _person(client, sandbox)
        older = (await client.income.request(person)).last
        newer = (await client.income.request(person)).last
        found = await client.income.list(person)

    assert older is not None
    assert newer is not None
    assert (found.entity_id, found.entity_type) == (person.person_id, "person")
    listed = found.income_employer_requests
    assert listed is not None
    assert [one.request_id for one in listed] == [newer.request_id, older.request_id]


async def test_an_entity_that_is_not_there_is_refused(sikoia: Sikoia) -> None:
    """Asking for a verification is answered with 400, asking for the list with 404."""
    nobody = Entity("person", NOWHERE)
    async with sikoia as client:
        with pytest.raises(InvalidRequestError, match="entity_id"):
            await client.income.request(nobody)
        with pytest.raises(ResourceNotFoundError):
            await client.income.list(nobody)


@pytest.mark.parametrize("method", ["retrieve", "details"])
async def test_a_request_that_is_not_there_is_not_found(sikoia: Sikoia, method: str) -> None:
    """Each way to look at a request says that there is none."""
    async with sikoia as client:
        with pytest.raises(ResourceNotFoundError):
            await getattr(client.income, method)(NOWHERE)


@pytest.mark.parametrize("method", ["request", "list"])
async def test_what_is_no_entity_is_refused(sikoia: Sikoia, method: str) -> None:
    """An id alone does not tell the type; nothing is sent."""
    async with sikoia as client:
        with pytest.raises(ArgumentTypeError, match="entity: expected a case"):
            await getattr(client.income, method)(NOWHERE)


async def test_no_repr_shows_who_it_is(
    sikoia: Sikoia, sandbox: Sandbox, clock: SimpleNamespace
) -> None:
    """Names, numbers, addresses, jobs and texts are masked."""
    async with sikoia as client:
        person = await _person(client, sandbox, "Payslip", "SA302")
        report = await _complete(client, person, clock)
        details = await client.income.details(report.request_id)

    shown = repr((report, details))
    assert [secret for secret in (*_NAMES, *_NUMBERS, *_JOBS) if secret in shown] == []
    assert "income_type='Employment'" in shown
