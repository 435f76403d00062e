"""`sikoia demo`: the SDK step by step, against a local Sikoia over a real TLS connection."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import anyio

from sikoia_async import (
    InvalidRequestError,
    NewCompany,
    NewPerson,
    ResourceDeletedError,
    ResourceNotFoundError,
    Sikoia,
    SikoiaError,
    poll,
)
from sikoia_async.environments import local
from sikoia_async.sandbox import Rate, Sandbox

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from sikoia_async._errors import APIError
    from sikoia_async.models import ResponseInfo
    from sikoia_async.resources.cases import Case, Company, Person

__all__ = ["run"]

T = TypeVar("T")

_PDF: Final = b"%PDF-1.7\n% a fictitious bank statement\n%%EOF\n"
_UNKNOWN_ID: Final = "00000000-0000-4000-8000-000000000000"


def run(*, limit: int = 200) -> int:
    """Run the demo and return the exit code: 0 if every step succeeded.

    Args:
        limit: requests per minute that the local Sikoia accepts.
    """
    started = time.perf_counter()
    with Sandbox(work_time=0.1, rate=Rate(requests_per_window=limit)) as sandbox:
        print(f"A local Sikoia is running at {sandbox.url}; nothing leaves this machine.\n")
        try:
            count = anyio.run(_run_steps, sandbox)
        except SikoiaError as error:
            print(f"\nThe demo failed: {type(error).__name__}: {error}", file=sys.stderr)
            return 1
    seconds = time.perf_counter() - started
    print(f"\nAll {count} steps succeeded in {seconds:.1f} s. Nothing was bought.")
    print("Next, run `sikoia sandbox` to develop against a local Sikoia.")
    return 0


async def _run_steps(sandbox: Sandbox) -> int:
    steps = Steps()
    async with Sikoia(
        sandbox.client_id,
        sandbox.client_secret,
        environment=local(sandbox.url),
        tls=sandbox.ca_file,
    ) as sikoia:
        case = await _cases(sikoia, steps)
        company, person = _first(case.companies), _first(case.persons)
        await _company(sikoia, steps, company)
        await _statement(sikoia, steps, person)
        await _insights(sikoia, steps, person)
        await _excel(sikoia, steps, case)
        await _task(sikoia, steps)
        await _errors(sikoia, steps, case)
    return steps.count


def _first(items: tuple[T, ...] | None) -> T:
    return next(iter(items or ()))


async def _cases(sikoia: Sikoia, steps: Steps) -> Case:
    case = await sikoia.cases.create(
        name="Acme Ltd loan",
        case_type="Business",
        companies=[
            NewCompany(company_name="Acme Ltd", company_number="12345678", jurisdiction_code="GB")
        ],
        persons=[NewPerson(first_name="Wilma", last_name="Example")],
    )
    steps.show("Create a case with a company and a person", case, f"case {case.case_id}")

    cases = await sikoia.cases.list(case_type="Business", stage=["New", "Approved"])
    steps.show("List the new and the approved cases", cases, f"cases: {len(cases)}")

    case = await sikoia.cases.update(case.case_id, stage="InProgressNeedsReview")
    steps.show("Change the stage of the case", case, f"stage {case.stage}")
    return case


async def _company(sikoia: Sikoia, steps: Steps, company: Company) -> None:
    registry = await sikoia.company_registry.find(company)
    officers = registry.data and registry.data.officers and registry.data.officers.people
    steps.show("Look the company up in the registry", registry, f"officers: {len(officers or ())}")

    ambiguous = (
        await sikoia.credit_reports.request(
            company.company_id, company_name="Several Example Ltd", country_code="GB"
        )
    ).first
    companies = ambiguous.picklist or ()
    steps.show(
        "Request a credit report by company name",
        ambiguous,
        f"{ambiguous.status}: {len(companies)} companies to choose from",
    )
    report = await (await ambiguous.resolve(_first(companies)))
    rating = report.data and report.data.credit_rating
    limit = f"{rating.credit_limit} {rating.credit_limit_currency}" if rating else "none"
    steps.show("Choose the first, and read its credit report", report, f"credit limit {limit}")


async def _statement(sikoia: Sikoia, steps: Steps, person: Person) -> None:
    document = await sikoia.documents.upload(
        person, _PDF, document_type="BankStatement", file_name="statement.pdf"
    )
    steps.show("Upload a bank statement", document, f"document {document.document_id}")

    sources = await poll(
        lambda: sikoia.data_sources.list(person),
        until=lambda sources: all(one.status == "Complete" for one in sources),
        timeout=30,
    )
    steps.show("Wait until it is processed", sources, f"data sources: {len(sources)}")

    account = (await sikoia.banking.accounts(person))[0]
    page = await sikoia.banking.transactions(account)
    steps.show("Read its transactions", page, f"transactions: {len(page.transactions or ())}")


async def _insights(sikoia: Sikoia, steps: Steps, person: Person) -> None:
    # All three run at Sikoia at the same time.
    affordability = await sikoia.affordability.request(person)
    income = await sikoia.income.request(person)
    check_types = await sikoia.checks.types()
    check_type = next(
        one
        for one in check_types
        if one.entity_type == "person" and "bank" in str(one.validation_check_name)
    )
    check = await sikoia.checks.run(person, check_type.validation_type_id)

    insights = await affordability.wait(timeout=30)
    cash_flow = sum(flow.value or 0 for flow in (insights.data and insights.data.cashflow) or ())
    steps.show("Await the affordability insights", insights, f"net cash flow {cash_flow}")
    income_report = await income.wait(timeout=30)
    details = (income_report.data and income_report.data.income_details) or ()
    steps.show(
        "Await the income verification",
        income_report,
        ", ".join(str(one.income_type) for one in details),
    )
    result = await check.wait(timeout=30)
    rules = ", ".join(f"{rule.rule_name}: {rule.decision}" for rule in result.rules or ())
    steps.show(
        f"Await the check {check_type.validation_check_name!r}",
        result,
        f"{result.status} ({rules})",
    )


async def _excel(sikoia: Sikoia, steps: Steps, case: Case) -> None:
    with tempfile.TemporaryDirectory(prefix="sikoia-demo-") as folder:
        size = await sikoia.reports.save_excel(case, Path(folder, "report.xlsx"))
    steps.print_step("Save the Excel report", f"{size:,} bytes, streamed to a file")


async def _task(sikoia: Sikoia, steps: Steps) -> None:
    operation = await sikoia.start(
        "POST", "/v2/sandbox-tasks", into=dict[str, Any], body={"polls": 2}
    )
    result = await operation.wait(timeout=30)
    ids = operation.correlation_ids
    outcome = f"{result['status']} after {len(ids)} responses"
    steps.print_step("Start a task that responds with 202, and await it", outcome, ids[-1])


async def _errors(sikoia: Sikoia, steps: Steps, case: Case) -> None:
    await steps.show_error(
        "Create a case without a name",
        InvalidRequestError,
        sikoia.cases.create(name=" ", case_type="Business"),
    )
    await steps.show_error(
        "Read a case that does not exist", ResourceNotFoundError, sikoia.cases.retrieve(_UNKNOWN_ID)
    )
    await sikoia.cases.delete(case.case_id)
    await steps.show_error(
        "Delete the case, then read it",
        ResourceDeletedError,
        sikoia.cases.retrieve(case.case_id),
    )


class _Received(Protocol):
    """A model or a list from a response."""

    @property
    def response(self) -> ResponseInfo: ...


class Steps:
    """Counts and prints the steps."""

    def __init__(self) -> None:
        self.count: int = 0

    def show(self, title: str, received: _Received, outcome: str) -> None:
        """Print a step that succeeded."""
        response = received.response
        status = f"{response.status} in {response.seconds * 1000:.0f} ms"
        self.print_step(title, f"{status}: {outcome}", response.correlation_id)

    async def show_error(self, title: str, kind: type[APIError], call: Awaitable[object]) -> None:
        """Print a step that must fail with an error.

        Raises:
            SikoiaError: the call succeeded.
        """
        try:
            await call
        except kind as error:
            self.print_step(title, f"{type(error).__name__}: {error.detail}", error.correlation_id)
        else:
            msg = f"step {self.count + 1} did not raise {kind.__name__}"
            raise SikoiaError(msg)

    def print_step(self, title: str, outcome: str, correlation_id: str = "") -> None:
        """Print a step with its outcome and its correlation id, if it has one."""
        self.count += 1
        print(f"  {self.count:2}  {title}\n      {outcome}")
        if correlation_id:
            print(f"      correlation id {correlation_id}")
