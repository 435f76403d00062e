"""The types that the resources return: checked by pyright and mypy, and never run."""

from collections.abc import Mapping
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from tempfile import SpooledTemporaryFile, TemporaryFile
from typing import assert_type
from uuid import UUID

from anyio import open_file
from starlette.datastructures import UploadFile

from sikoia_async import (
    CaseOwner,
    ChecklistParameter,
    Entity,
    Items,
    Operation,
    PersonUpdate,
    RequestedOperation,
    Sikoia,
    Stats,
)
from sikoia_async.errors import CallError, ConflictError
from sikoia_async.resources.affordability import AffordabilityReport
from sikoia_async.resources.banking import BankAccount, BankConnection, BankTransaction
from sikoia_async.resources.cases import Case, CaseSummary, Company
from sikoia_async.resources.checks import Check, CompletenessAndIncome
from sikoia_async.resources.company_registry import (
    Matches,
    RegistryMatch,
    RegistryReport,
    RegistryRequestSummary,
)
from sikoia_async.resources.credit_reports import CreditReport
from sikoia_async.resources.data_sources import DataSource
from sikoia_async.resources.documents import Document
from sikoia_async.resources.identity import IdentityReport
from sikoia_async.resources.income import IncomeReport
from sikoia_async.resources.webhooks import (
    Webhook,
    WebhookRequest,
    WebhookRequestsPage,
    WebhookSecret,
)


async def companies(sikoia: Sikoia, company: Company) -> None:
    """Requests, picklists and reports have their own types."""
    operation = await sikoia.company_registry.request(company)
    assert_type(operation, RequestedOperation[RegistryReport])
    assert_type(operation.first, RegistryReport)
    assert_type(
        (await sikoia.company_registry.request(company)).first.picklist,
        tuple[RegistryMatch, ...] | None,
    )
    assert_type(await operation, RegistryReport)
    assert_type(await operation.first.resolve(1), RequestedOperation[RegistryReport])
    resumed = sikoia.company_registry.operation(operation.first)
    assert_type(resumed, Operation[RegistryReport])
    assert_type(resumed.first, RegistryReport | None)
    found = await sikoia.company_registry.search(company_name="Acme", country_code="GB")
    assert_type(found, Matches)
    assert_type(found.reason, str | None)
    await sikoia.company_registry.search(company_name="Acme", jurisdiction_code="US_DE")
    await sikoia.company_registry.search(company_name="Acme")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue] - one of two codes is required
    await sikoia.company_registry.find(company, pick=lambda matches: matches[0])
    await sikoia.company_registry.find(company, pick=lambda matches: matches[0].index)
    assert_type(await sikoia.company_registry.find(company, pick=_choose), RegistryReport)
    requests = await sikoia.company_registry.list(company)
    assert_type(requests, Items[RegistryRequestSummary])
    assert_type(await sikoia.company_registry.latest(company), RegistryReport | None)
    credit = await sikoia.credit_reports.find(company, company_name="Acme")
    assert_type(credit, CreditReport)
    report = await sikoia.credit_reports.retrieve(credit)
    assert_type(report, CreditReport)
    if report.data and report.data.credit_rating:
        assert_type(report.data.credit_rating.credit_limit, Decimal | None)


async def _choose(matches: tuple[RegistryMatch, ...]) -> RegistryMatch | None:
    return matches[0] if len(matches) == 1 else None


async def banks(sikoia: Sikoia, person: Entity) -> None:
    """Connections, accounts, transactions and data sources."""
    assert_type(await sikoia.banking.connect(person), BankConnection)
    assert_type(await sikoia.banking.accounts(person), Items[BankAccount])
    found = await sikoia.banking.transactions("1")
    assert_type(found.transactions, tuple[BankTransaction, ...] | None)
    assert_type(await sikoia.data_sources.list(person), Items[DataSource])
    assert_type(sikoia.data_sources.until_complete(person), Operation[Items[DataSource]])


async def files(sikoia: Sikoia, person: Entity) -> None:
    """Documents, links and the Excel report."""
    document = await sikoia.documents.upload(person, Path("a.pdf"), document_type="Payslip")
    assert_type(document, Document)
    await sikoia.documents.upload(person, b"", file_name="a.pdf")
    await sikoia.documents.upload(person, b"")  # type: ignore[call-overload] # pyright: ignore[reportCallIssue, reportArgumentType]
    await sikoia.documents.upload(person, [b""])  # type: ignore[call-overload] # pyright: ignore[reportCallIssue, reportArgumentType]
    await sikoia.documents.upload(person, BytesIO(), file_name="a.pdf")
    await sikoia.documents.upload(person, [b""], file_name="a.pdf")
    with TemporaryFile() as file, SpooledTemporaryFile() as spooled:
        await sikoia.documents.upload(person, file, file_name="a.pdf")
        await sikoia.documents.upload(person, spooled, file_name="a.pdf")
    async with await open_file("a.pdf", "rb") as opened:
        await sikoia.documents.upload(person, opened)
    await sikoia.documents.upload(person, UploadFile(BytesIO()))
    assert_type(await sikoia.download(document.document_uri), bytes)
    assert_type(await sikoia.save(document.document_uri, Path("a.pdf")), int)
    assert_type(await sikoia.reports.excel(person), bytes)
    assert_type(await sikoia.reports.save_excel(person, "a.xlsx"), int)


async def operations(sikoia: Sikoia, person: Entity) -> None:
    """Each operation has the type of its result."""
    assert_type(await sikoia.affordability.request(person), RequestedOperation[AffordabilityReport])
    assert_type(await (await sikoia.income.request(person)), IncomeReport)
    assert_type(await (await sikoia.identity.request("1")), IdentityReport)
    some = [ChecklistParameter(source_id="1", source_category_type="Document")]
    assert_type(await (await sikoia.checks.run(person, "1", checklist_params=some)), Check)
    both = await sikoia.checks.run_with_income(person, "1")
    assert_type(both, CompletenessAndIncome)
    assert_type(both.income_verification, IncomeReport | None)


async def webhooks(sikoia: Sikoia) -> None:
    """Webhooks, secrets and the log of deliveries."""
    webhook = await sikoia.webhooks.create(
        webhook_name="a",
        webhook_callback_url="https://lender.example",
        event_types=["IdentityVerification.Completed"],
    )
    assert_type(webhook, Webhook)
    await sikoia.webhooks.create(
        webhook_name="a",
        webhook_callback_url="https://lender.example",
        event_types=["IdentityVerification.Complete"],  # type: ignore[list-item] # pyright: ignore[reportArgumentType]
    )
    await sikoia.webhooks.update(webhook, event_types=webhook.event_types)
    assert_type(await sikoia.webhooks.rotate_secret(), WebhookSecret)
    async for request in sikoia.webhooks.log(webhook.webhook_id, event_status="Failed"):
        assert_type(request, WebhookRequest)
    async for page in sikoia.webhooks.log(webhook.webhook_id).pages():
        assert_type(page, WebhookRequestsPage)


def accounting(sikoia: Sikoia, error: CallError) -> None:
    """Statistics, spending, and idempotency keys."""
    assert_type(sikoia.spend, Mapping[str, int])
    assert_type(sikoia.stats(), Stats)
    assert_type(sikoia.with_options(idempotency_key="a", priority="background"), Sikoia)
    assert_type(error.idempotency_key, str | None)
    if isinstance(error, ConflictError):
        assert_type(error.first_attempt_went_through, bool)


async def cases(sikoia: Sikoia, case: CaseSummary, other: Company) -> None:
    """A field of a case can be sent back; models of another kind and unknown values are refused."""
    whole = await sikoia.cases.update(case, stage=case.stage, ownership=case.ownership)
    assert_type(whole.companies, tuple[Company, ...])
    assert_type(await sikoia.cases.retrieve(whole), Case)
    await sikoia.cases.remove_entities(case, companies=whole.companies, persons=["1"])
    CaseOwner(owner_id="1", owner_type="User")
    CaseOwner(owner_id=UUID(int=1))
    PersonUpdate(person_id=UUID(int=1), reference_person_id=UUID(int=2))
    CaseOwner(owner_id=1)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    CaseOwner(owner_type="Team")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    await sikoia.cases.create(name="a", case_type="Loan")  # type: ignore[call-overload] # pyright: ignore[reportArgumentType]
    await sikoia.cases.retrieve(other)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    await sikoia.documents.list("1")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    await sikoia.cases.retrieve(case=case)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
