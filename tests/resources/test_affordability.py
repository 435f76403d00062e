"""Affordability insights, against the local Sikoia."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from workbench import UNKNOWN_ID, Workbench

from sikoia_async import (
    ArgumentTypeError,
    InvalidRequestError,
    OperationFailedError,
    ResourceNotFoundError,
    Sikoia,
)
from sikoia_async.models import Entity
from sikoia_async.resources.affordability import AffordabilityReport
from sikoia_async.resources.cases import Person
from sikoia_async.sandbox import Sandbox
from sikoia_async.testing import client_of

pytestmark = pytest.mark.anyio


async def report_on(client: Sikoia, person: Person, workbench: Workbench) -> AffordabilityReport:
    """Request insights about a person and let the work finish."""
    return (await workbench.finish(await client.affordability.request(person))).result()


async def test_a_request_is_pending_until_the_report_is_complete(
    sikoia: Sikoia, workbench: Workbench
) -> None:
    """The first response has no data, and the result of the operation has it."""
    async with sikoia as client:
        person = await workbench.person(client, "BankStatement")
        operation = await client.affordability.request(person)
        pending, was_done = operation.last, operation.done
        report = (await workbench.finish(operation)).result()

    assert pending is not None
    assert (pending.status, was_done, pending.data) == ("Pending", False, None)
    assert pending.datetime_completed is None
    assert pending.response.status == 201
    assert (report.status, report.request_id) == ("Complete", pending.request_id)
    assert (report.entity_type, report.entity_id) == ("person", person.person_id)
    assert isinstance(report.datetime_completed, datetime)


async def test_an_operation_can_be_awaited() -> None:
    """If the work takes no time, the first poll returns the report."""
    with Sandbox(work_time=0) as sandbox:
        async with client_of(sandbox, interval=None) as client:
            person = await Workbench(sandbox).person(client, "BankStatement")
            report = await (await client.affordability.request(person))

    assert report.data is not None


async def test_outflows_are_negative_decimals(sikoia: Sikoia, workbench: Workbench) -> None:
    """Cash flow is exact: the categories of a group add up to it, and spending is negative."""
    async with sikoia as client:
        person = await workbench.person(client, "BankStatement")
        report = await report_on(client, person, workbench)

    assert report.data is not None
    assert report.data.cashflow is not None
    by_group = {flow.group: flow for flow in report.data.cashflow}
    income, essential = by_group["Income"], by_group["Essential expenditure"]
    assert isinstance(income.value, Decimal)
    assert income.value > 0
    assert essential.value is not None
    assert essential.value < 0
    assert essential.categories is not None
    assert essential.value == sum(category.value or 0 for category in essential.categories)


async def test_indicators_have_their_transactions(sikoia: Sikoia, workbench: Workbench) -> None:
    """An indicator that is present has the transactions that show it; others have none."""
    async with sikoia as client:
        person = await workbench.person(client, "BankStatement")
        report = await report_on(client, person, workbench)

    assert report.data is not None
    by_name = {indicator.name: indicator for indicator in report.data.indicators or ()}
    assert by_name["Children"].present is True
    assert by_name["Children"].transactions
    assert by_name["Gambling"].present is False
    assert by_name["Gambling"].transactions == ()


async def test_transactions_are_returned_one_by_one_and_by_month(
    sikoia: Sikoia, workbench: Workbench
) -> None:
    """Both views contain the same transactions, so their sums are equal."""
    async with sikoia as client:
        person = await workbench.person(client, "BankStatement")
        report = await report_on(client, person, workbench)
        single = await client.affordability.transactions(report.request_id)
        monthly = await client.affordability.monthly_transactions(report.request_id)

    assert single.data
    assert monthly.data
    assert report.data is not None
    assert isinstance(single.data[0].date, date)
    assert sum(transaction.amount or 0 for transaction in single.data) == sum(
        summary.total_value or 0 for summary in monthly.data
    )
    assert single.data_sources == monthly.data_sources == report.data.data_sources


async def test_a_pending_request_has_no_transactions(sikoia: Sikoia, workbench: Workbench) -> None:
    """While a request is pending, neither view has data."""
    async with sikoia as client:
        person = await workbench.person(client, "BankStatement")
        operation = await client.affordability.request(person)
        assert operation.last is not None
        single = await client.affordability.transactions(operation.last.request_id)
        monthly = await client.affordability.monthly_transactions(operation.last.request_id)

    assert (single.status, single.data, single.data_sources) == ("Pending", None, None)
    assert (monthly.status, monthly.data, monthly.data_sources) == ("Pending", None, None)


async def test_insights_that_cannot_be_produced_raise(sikoia: Sikoia, workbench: Workbench) -> None:
    """The error carries the result, whose message says what is missing."""
    async with sikoia as client:
        person = await workbench.person(client, "Payslip")
        with pytest.raises(OperationFailedError) as caught:
            await report_on(client, person, workbench)

    assert isinstance(caught.value.result, AffordabilityReport)
    assert caught.value.result.status == "Failed"
    assert "BankStatement, BankAccount" in str(caught.value.result.message)


async def test_requests_are_listed(sikoia: Sikoia, workbench: Workbench) -> None:
    """The list names the entity and has its requests, newest first."""
    async with sikoia as client:
        person = await workbench.person(client)
        older = (await client.affordability.request(person)).last
        newer = (await client.affordability.request(person)).last
        requests = await client.affordability.list(person)

    assert older is not None
    assert newer is not None
    assert requests.response.status == 200
    assert [request.request_id for request in requests] == [newer.request_id, older.request_id]


async def test_an_unknown_entity_is_refused(sikoia: Sikoia) -> None:
    """Sikoia returns 400 for the request, and 404 for the list."""
    unknown = Entity("person", UNKNOWN_ID)
    async with sikoia as client:
        with pytest.raises(InvalidRequestError, match="entity_id"):
            await client.affordability.request(unknown)
        with pytest.raises(ResourceNotFoundError):
            await client.affordability.list(unknown)


@pytest.mark.parametrize("method", ["retrieve", "transactions", "monthly_transactions"])
async def test_an_unknown_request_is_not_found(sikoia: Sikoia, method: str) -> None:
    """Every method that takes a request id raises the same error."""
    async with sikoia as client:
        with pytest.raises(ResourceNotFoundError):
            await getattr(client.affordability, method)(UNKNOWN_ID)


@pytest.mark.parametrize("method", ["request", "list"])
async def test_an_id_is_refused_as_an_entity(sikoia: Sikoia, method: str) -> None:
    """An id does not say what type of entity it belongs to, so nothing is sent."""
    async with sikoia as client:
        with pytest.raises(ArgumentTypeError, match="entity: expected a case"):
            await getattr(client.affordability, method)(UNKNOWN_ID)


async def test_reprs_mask_counterparties(sikoia: Sikoia, workbench: Workbench) -> None:
    """Counterparties, descriptions and file names are masked; amounts are not."""
    async with sikoia as client:
        person = await workbench.person(client, "BankStatement")
        report = await report_on(client, person, workbench)
        single = await client.affordability.transactions(report.request_id)
        monthly = await client.affordability.monthly_transactions(report.request_id)

    shown = repr((report, single, monthly))
    assert "Example Grocer" not in shown
    assert "EXAMPLE GROCER" not in shown
    assert "BankStatement.pdf" not in shown
    assert "-1180" in shown
