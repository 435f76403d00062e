"""Income and employer verification, against the local Sikoia."""

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
from sikoia_async.resources.cases import Person
from sikoia_async.resources.income import IncomeReport, VerifiedIncome
from sikoia_async.sandbox import Sandbox
from sikoia_async.testing import client_of

pytestmark = pytest.mark.anyio

_NAMES = ("Wilma", "Foods", "Testtown", "ZZ1", "ZZ2", "Payslip.pdf", "Basic pay", "PAYE tax")
_NUMBERS = ("QQ123456C", "'A'", "1257L", "000/EX00000", "0000000000", "'EX")
_JOBS = ("Baker", "Confectioner", "Dispatcher", "Pastry cook")


async def report_on(client: Sikoia, person: Person, workbench: Workbench) -> IncomeReport:
    """Request a verification of a person's income and let the work finish."""
    return (await workbench.finish(await client.income.request(person))).result()


async def incomes_of(
    client: Sikoia, person: Person, workbench: Workbench
) -> tuple[VerifiedIncome, ...]:
    """Return the verified incomes of a person."""
    report = await report_on(client, person, workbench)
    assert report.data is not None
    return report.data.income_details or ()


async def test_a_request_is_pending_until_the_report_is_complete(
    sikoia: Sikoia, workbench: Workbench
) -> None:
    """The first response has no data, and the result of the operation has it."""
    async with sikoia as client:
        person = await workbench.person(client, "Payslip")
        operation = await client.income.request(person)
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
            person = await Workbench(sandbox).person(client, "Payslip")
            report = await (await client.income.request(person))

    assert report.data is not None


async def test_net_pay_is_gross_pay_less_deductions(sikoia: Sikoia, workbench: Workbench) -> None:
    """Money is decimal, so the figures of payslips add up to the penny."""
    async with sikoia as client:
        person = await workbench.person(client, "Payslip", "Payslip", "Payslip")
        (income,) = await incomes_of(client, person, workbench)

    assert (income.income_recipient, income.income_type) == ("Wilma Example", "Employment")
    assert isinstance(income.monthly_net_pay, Decimal)
    assert income.monthly_gross_pay is not None
    assert income.monthly_deductions is not None
    assert income.monthly_net_pay == income.monthly_gross_pay - income.monthly_deductions
    assert income.annual_gross_pay == 12 * income.monthly_gross_pay
    assert income.pay_frequencies == ("Monthly",)
    assert income.additional_information is not None
    deductions = income.additional_information.monthly_deductions_details
    assert deductions is not None
    assert income.monthly_deductions == sum(deduction.amount or 0 for deduction in deductions)


async def test_the_months_of_data_sources_are_strings(sikoia: Sikoia, workbench: Workbench) -> None:
    """Three payslips cover three months, which are not dates because they have no day."""
    async with sikoia as client:
        person = await workbench.person(client, "Payslip", "Payslip", "Payslip")
        (income,) = await incomes_of(client, person, workbench)

    assert income.income_data_sources is not None
    (payslips,) = income.income_data_sources
    assert (payslips.source_type, payslips.number_of_sources) == ("Payslip", 3)
    assert payslips.start_date is not None
    assert payslips.end_date is not None
    assert len(payslips.start_date) == len("2024-01")
    assert payslips.start_date < payslips.end_date


async def test_details_have_the_figures_of_each_payslip(
    sikoia: Sikoia, workbench: Workbench
) -> None:
    """There is one piece of evidence for each document, with dates and figures."""
    async with sikoia as client:
        person = await workbench.person(client, "Payslip", "Payslip")
        report = await report_on(client, person, workbench)
        details = await client.income.details(report.request_id)

    assert details.data is not None
    (income,) = details.data
    assert income.income_source == "Example Foods Ltd"
    assert income.details is not None
    first, second = (evidence.income_source_data for evidence in income.details)
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


async def test_a_tax_return_has_the_tax_due(sikoia: Sikoia, workbench: Workbench) -> None:
    """Tax deducted at source is negative, and reduces the tax due."""
    async with sikoia as client:
        person = await workbench.person(client, "SA302")
        report = await report_on(client, person, workbench)
        details = await client.income.details(report.request_id)

    assert details.data is not None
    assert details.data[0].details is not None
    figures = details.data[0].details[0].income_source_data
    assert figures is not None
    assert figures.tax_information is not None
    charges = figures.tax_information.tax_and_charges
    assert charges is not None
    assert charges.total_tax_due is not None
    assert charges.tax_deducted is not None
    assert charges.tax_deducted < 0
    assert charges.net_tax_due == charges.total_tax_due + charges.tax_deducted


async def test_a_pending_request_has_no_details(sikoia: Sikoia, workbench: Workbench) -> None:
    """While a request is pending, its details have no data."""
    async with sikoia as client:
        person = await workbench.person(client, "Payslip")
        operation = await client.income.request(person)
        assert operation.last is not None
        details = await client.income.details(operation.last.request_id)

    assert (details.status, details.data) == ("Pending", None)


async def test_an_income_that_cannot_be_verified_raises(
    sikoia: Sikoia, workbench: Workbench
) -> None:
    """The error carries the result, whose message says what is missing."""
    async with sikoia as client:
        person = await workbench.person(client, "UtilityBill")
        with pytest.raises(OperationFailedError) as caught:
            await report_on(client, person, workbench)

    assert isinstance(caught.value.result, IncomeReport)
    assert caught.value.result.status == "Failed"
    assert "Payslip, BankStatement" in str(caught.value.result.message)


async def test_requests_are_listed(sikoia: Sikoia, workbench: Workbench) -> None:
    """The list names the entity and has its requests, newest first."""
    async with sikoia as client:
        person = await workbench.person(client)
        older = (await client.income.request(person)).last
        newer = (await client.income.request(person)).last
        requests = await client.income.list(person)

    assert older is not None
    assert newer is not None
    assert requests.response.status == 200
    assert [request.request_id for request in requests] == [newer.request_id, older.request_id]


async def test_an_unknown_entity_is_refused(sikoia: Sikoia) -> None:
    """Sikoia returns 400 for the request, and 404 for the list."""
    unknown = Entity("person", UNKNOWN_ID)
    async with sikoia as client:
        with pytest.raises(InvalidRequestError, match="entity_id"):
            await client.income.request(unknown)
        with pytest.raises(ResourceNotFoundError):
            await client.income.list(unknown)


@pytest.mark.parametrize("method", ["retrieve", "details"])
async def test_an_unknown_request_is_not_found(sikoia: Sikoia, method: str) -> None:
    """Every method that takes a request id raises the same error."""
    async with sikoia as client:
        with pytest.raises(ResourceNotFoundError):
            await getattr(client.income, method)(UNKNOWN_ID)


@pytest.mark.parametrize("method", ["request", "list"])
async def test_an_id_is_refused_as_an_entity(sikoia: Sikoia, method: str) -> None:
    """An id does not say what type of entity it belongs to, so nothing is sent."""
    async with sikoia as client:
        with pytest.raises(ArgumentTypeError, match="entity: expected a case"):
            await getattr(client.income, method)(UNKNOWN_ID)


async def test_reprs_mask_personal_data(sikoia: Sikoia, workbench: Workbench) -> None:
    """Names, numbers, addresses, jobs and descriptions are masked."""
    async with sikoia as client:
        person = await workbench.person(client, "Payslip", "SA302")
        report = await report_on(client, person, workbench)
        details = await client.income.details(report.request_id)

    shown = repr((report, details))
    assert [secret for secret in (*_NAMES, *_NUMBERS, *_JOBS) if secret in shown] == []
    assert "income_type='Employment'" in shown
