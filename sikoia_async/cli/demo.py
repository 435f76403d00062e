"""The demo: what the SDK does, step by step, against a local Sikoia on a real TLS socket."""

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
from sikoia_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from sikoia_async._errors import APIError
    from sikoia_async.models import ResponseInfo
    from sikoia_async.resources.cases import Case, Company, Person

__all__ = ["run"]

T = TypeVar("T")

_PDF: Final = b"%PDF-1.7\n% a bank statement of nobody\n%%EOF\n"
_NOWHERE: Final = "00000000-0000-4000-8000-000000000000"


def run() -> int:
    """Show everything and return the exit code: 0 if each step did what it should."""
    began = time.perf_counter()
    with Sandbox(work_time=0.1) as sandbox:
        print(f"A local Sikoia serves at {sandbox.url}; nothing leaves this machine.\n")
        try:
            steps = anyio.run(_walk, sandbox)
        except SikoiaError as error:
            print(f"\nThe demo failed: {type(error).__name__}: {error}", file=sys.stderr)
            return 1
    seconds = time.perf_counter() - began
    print(f"\nAll {steps} steps did what they should, in {seconds:.1f} s. Nothing was bought.")
    print("Next: `sikoia sandbox` keeps such a Sikoia running for your own code.")
    return 0


async def _walk(sandbox: Sandbox) -> int:
    show = _Steps()
    async with Sikoia(
        sandbox.client_id,
        sandbox.client_secret,
        environment=local(sandbox.url),
        tls=sandbox.ca_file,
    ) as sikoia:
        case = await _cases(sikoia, show)
        company, person = _first(case.companies), _first(case.persons)
        await _company(sikoia, show, company)
        await _statement(sikoia, show, person)
        await _insights(sikoia, show, person)
        await _excel(sikoia, show, case)
        await _task(sikoia, show)
        await _errors(sikoia, show, case)
    return show.count


def _first(found: tuple[T, ...] | None) -> T:
    return next(iter(found or ()))


async def _cases(sikoia: Sikoia, show: _Steps) -> Case:
    case = await sikoia.cases.create(
        name="Acme Ltd loan",
        case_type="Business",
        companies=[
            NewCompany(company_name="Acme Ltd", company_number="12345678", jurisdiction_code="GB")
        ],
        persons=[NewPerson(first_name="Wilma", last_name="Example")],
    )
    show.answer("Create a case with a company and a person", case, f"case {case.case_id}")

    cases = await sikoia.cases.list(case_type="Business", stage=["New", "Approved"])
    show.answer("List what is new or approved", cases, f"{len(cases)} in the list")

    case = await sikoia.cases.update(case.case_id, stage="InProgressNeedsReview")
    show.answer("Move it on", case, f"stage {case.stage}")
    return case


async def _company(sikoia: Sikoia, show: _Steps, company: Company) -> None:
    request = await sikoia.company_registry.request(company_id=company.company_id)
    registry = await sikoia.company_registry.retrieve(request.request_id)
    officers = registry.data and registry.data.officers and registry.data.officers.people
    show.answer(
        "Ask the register for the company", registry, f"officers in person: {len(officers or ())}"
    )

    several = await sikoia.credit_reports.request(
        company_id=company.company_id, company_name="Several Example Ltd", country_code="GB"
    )
    found = several.picklist or ()
    show.answer(
        "Ask for a credit report by name", several, f"{several.status}: {len(found)} to pick from"
    )
    picked = await several.resolve(_first(found))
    report = await sikoia.credit_reports.retrieve(picked.request_id)
    rating = report.data and report.data.credit_rating
    limit = f"{rating.credit_limit} {rating.credit_limit_currency}" if rating else "none"
    show.answer("Pick the first, and read its report", report, f"credit limit {limit}")


async def _statement(sikoia: Sikoia, show: _Steps, person: Person) -> None:
    document = await sikoia.documents.upload(
        person, _PDF, document_type="BankStatement", file_name="statement.pdf"
    )
    show.answer("Upload a bank statement", document, f"document {document.document_id}")

    sources = await poll(
        lambda: sikoia.data_sources.list(person),
        until=lambda sources: all(one.status == "Complete" for one in sources.data_sources or ()),
        timeout=30,
    )
    show.answer("Wait until it is read", sources, f"{len(sources.data_sources or ())} data source")

    account = (await sikoia.banking.accounts(person))[0]
    found = await sikoia.banking.transactions(account.account_connection_id)
    show.answer(
        "Read its transactions", found, f"{len(found.transactions or ())}, amounts as Decimal"
    )


async def _insights(sikoia: Sikoia, show: _Steps, person: Person) -> None:
    # All three are under way before the first is waited for.
    spending = await sikoia.affordability.request(person)
    earning = await sikoia.income.request(person)
    kinds = await sikoia.checks.types()
    kind = next(
        one
        for one in kinds
        if one.entity_type == "person" and "bank" in str(one.validation_check_name)
    )
    checking = await sikoia.checks.run(person, kind.validation_type_id)

    flows = await spending.wait(timeout=30)
    total = sum(flow.value or 0 for flow in (flows.data and flows.data.cashflow) or ())
    show.answer("Await affordability", flows, f"{total} left over")
    incomes = await earning.wait(timeout=30)
    details = (incomes.data and incomes.data.income_details) or ()
    show.answer("Await income", incomes, ", ".join(str(one.income_type) for one in details))
    check = await checking.wait(timeout=30)
    rules = ", ".join(f"{rule.rule_name}: {rule.decision}" for rule in check.rules or ())
    show.answer(f"Await the check {kind.validation_check_name}", check, f"{check.status} ({rules})")


async def _excel(sikoia: Sikoia, show: _Steps, case: Case) -> None:
    with tempfile.TemporaryDirectory(prefix="sikoia-demo-") as folder:
        size = await sikoia.reports.save_excel(case, Path(folder, "report.xlsx"))
    show.line("Save the Excel report", f"{size:,} bytes, streamed to a file", "")


async def _task(sikoia: Sikoia, show: _Steps) -> None:
    operation = await sikoia.start(
        "POST", "/v2/sandbox-tasks", into=dict[str, Any], body={"polls": 2}
    )
    result = await operation.wait(timeout=30)
    ids = operation.correlation_ids
    what = f"202 until it was done: {len(ids)} answers, then {result['status']}"
    show.line("Start an async task and wait for it", what, ids[-1])


async def _errors(sikoia: Sikoia, show: _Steps, case: Case) -> None:
    await show.refused(
        "Create a case without a name",
        InvalidRequestError,
        sikoia.cases.create(name=" ", case_type="Business"),
    )
    await show.refused(
        "Read a case that is not there", ResourceNotFoundError, sikoia.cases.retrieve(_NOWHERE)
    )
    await sikoia.cases.delete(case.case_id)
    await show.refused(
        "Delete the case, and read it again",
        ResourceDeletedError,
        sikoia.cases.retrieve(case.case_id),
    )


class _Answer(Protocol):
    """A model or a list that was received."""

    @property
    def response(self) -> ResponseInfo: ...


class _Steps:
    """Prints the steps, one under the other."""

    def __init__(self) -> None:
        self.count = 0

    def answer(self, title: str, answer: _Answer, what: str) -> None:
        """Print a step that was answered well."""
        response = answer.response
        milliseconds = response.seconds * 1000
        self.line(
            title, f"{response.status} in {milliseconds:.0f} ms: {what}", response.correlation_id
        )

    async def refused(self, title: str, kind: type[APIError], call: Awaitable[object]) -> None:
        """Print a step that is meant to be refused.

        Raises:
            SikoiaError: it was not.
        """
        try:
            await call
        except kind as error:
            self.line(title, f"{type(error).__name__}: {error.detail}", error.correlation_id)
        else:
            msg = f"step {self.count + 1} should have ended with {kind.__name__}"
            raise SikoiaError(msg)

    def line(self, title: str, what: str, correlation_id: str) -> None:
        """Print a step, and the id that support would ask for."""
        self.count += 1
        print(f"  {self.count:2}  {title}\n      {what}")
        if correlation_id:
            print(f"      correlation id {correlation_id}")
