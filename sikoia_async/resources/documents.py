"""Documents of an entity, and the checks of their integrity.

Sources: https://docs.sikoia.com/docs/classification,
https://docs.sikoia.com/docs/copy-of-document-integrity-checks
"""

from datetime import datetime
from typing import Literal

import attrs

from sikoia_async._calls.api import Api
from sikoia_async._files.upload import File
from sikoia_async._validation import validate_id, validate_strings
from sikoia_async.models import PERSONAL, EntityType, HasEntity, Items, Model, Open
from sikoia_async.operations.operation import Operation
from sikoia_async.operations.registry import OperationKind
from sikoia_async.resources._entities import in_body, in_path

__all__ = [
    "Document",
    "DocumentStatus",
    "DocumentType",
    "Documents",
    "IntegrityCheck",
    "IntegrityCheckRequest",
    "IntegrityCheckStatus",
    "IntegrityChecks",
    "IntegrityDecision",
    "IntegrityRule",
]

DocumentType = Literal[
    "BankStatement",
    "Payslip",
    "Identity",
    "Contract",
    "FactFind",
    "Other",
    "CompanyRegistration",
    "StakeholdersDisclosure",
    "UtilityBill",
    "CreditReport",
    "SavingsStatement",
    "SA302",
    "TaxOverview",
    "P45",
    "P60",
    "EmploymentLetter",
    "EmploymentContract",
    "ChildBenefitLetter",
    "BenefitAwardLetter",
    "StudentLoanLetter",
    "PensionStatement",
    "FinancialAccounts",
]
DocumentStatus = Literal["Complete", "Failed"]
IntegrityCheckStatus = Literal["Complete", "Failed", "Pending"]
IntegrityDecision = Literal["Pass", "Fail", "Refer"]


@attrs.frozen(kw_only=True)
class Document(Model):
    """A file that was uploaded."""

    document_id: str
    """Other parts of the API call it `source_id`."""
    document_uri: str | None = attrs.field(default=None, **PERSONAL)
    """A link to the file for `sikoia.download` and `sikoia.save`; it is over after some 10 minutes,
    and each retrieval gives a new one. Whoever holds it may read the file."""
    entity_type: Open[EntityType] | None = None
    entity_id: str | None = None
    file_type: str | None = None
    """The extension with its dot, such as `.pdf`."""
    display_name: str | None = attrs.field(default=None, **PERSONAL)
    document_type: Open[DocumentType] | None = None
    """What you said that it is."""
    sikoia_document_type: Open[DocumentType] | None = None
    """What Sikoia found that it is; None until then."""
    file_name: str | None = attrs.field(default=None, **PERSONAL)
    status: Open[DocumentStatus] | None = None
    """How the upload went."""
    datetime_created: datetime | None = None
    date_created: datetime | None = None
    """Deprecated: `datetime_created` says the same."""
    datetime_last_modified: datetime | None = None
    date_uploaded: datetime | None = None
    """Deprecated: `datetime_created` says the same."""


@attrs.frozen(kw_only=True)
class IntegrityRule(Model):
    """One thing that a check looked at."""

    data_source_id: str | None = None
    """The part of the file that was looked at: one payslip, say, of a file with several."""
    rule_name: str | None = None
    decision: Open[IntegrityDecision] | None = None
    message: str | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class IntegrityCheckRequest(Model):
    """A check in the list of an entity's: how far it is."""

    integrity_type_id: str | None = None
    """What kind of check it is."""
    document_id: str | None = None
    status: Open[IntegrityCheckStatus] | None = None
    """`Failed` says that there is no result, and not that the document is forged."""
    datetime_requested: datetime | None = None
    datetime_completed: datetime | None = None
    message: str | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class IntegrityCheck(IntegrityCheckRequest):
    """A check with its result: `rules` has the decisions."""

    integrity_check_name: str | None = None
    integrity_check_version: str | None = None
    entity_id: str | None = None
    entity_type: Open[EntityType] | None = None
    rules: tuple[IntegrityRule, ...] | None = None


@attrs.frozen(kw_only=True)
class IntegrityChecks(Model):
    """The checks of an entity's documents."""

    entity_id: str | None = None
    entity_type: Open[EntityType] | None = None
    integrity_check_requests: tuple[IntegrityCheckRequest, ...] | None = None


@attrs.frozen
class Documents:
    """`sikoia.documents`."""

    _api: Api

    async def upload(
        self,
        entity: HasEntity,
        file: File,
        *,
        document_type: DocumentType | None = None,
        display_name: str | None = None,
        file_name: str | None = None,
    ) -> Document:
        """Upload a file (`POST /v2/documents`).

        Sikoia reads bank statements, payslips, SA302 forms and tax overviews, of persons and cases
        checks their integrity, too, and of all others finds out the type. That takes its time after
        the upload. Files must not be encrypted; bank statements must be the bank's own PDF.

        Args:
            entity: what the document is about.
            file: a `Path`, bytes, or an async iterable of bytes. It is kept in memory while it is
                sent. What an iterable takes to give its bytes is not counted in the time-out.
            document_type: what you take it for; Sikoia tells its own finding beside that.
            display_name: what Sikoia's dashboard shows; `file_name` if left out.
            file_name: with an extension. A path has one already; the others need it.

        Raises:
            ConfigurationError: the file is missing, empty or without a name; nothing was sent.
            InvalidRequestError: Sikoia does not take the file, or there is no such entity.
            InsufficientPermissionsError: this is not enabled.
        """
        return await self._api.upload(
            "/v2/documents",
            Document,
            body={
                **in_body(entity),
                "file": file,
                **validate_strings(
                    document_type=document_type, display_name=display_name, file_name=file_name
                ),
            },
        )

    async def retrieve(self, document_id: str) -> Document:
        """Return a document, with a new link to its file (`GET /v2/documents/{document_id}`).

        Raises:
            ResourceNotFoundError: there is none.
        """
        return await self._api.get("/v2/documents/{document_id}", Document, document_id=document_id)

    async def delete(self, document_id: str) -> None:
        """Delete a document, for good (`DELETE /v2/documents/{document_id}`).

        Raises:
            ResourceNotFoundError: there is none.
        """
        await self._api.delete("/v2/documents/{document_id}", document_id=document_id)

    async def list(self, entity: HasEntity) -> Items[Document]:
        """Return the documents of an entity (`GET /v2/{entity_type}/{entity_id}/documents`).

        Raises:
            ResourceNotFoundError: there is no such entity.
        """
        return await self._api.get(
            "/v2/{entity_type}/{entity_id}/documents", Items[Document], **in_path(entity)
        )

    async def integrity_checks(self, entity: HasEntity) -> IntegrityChecks:
        """Return how far the checks of an entity's documents are.

        They begin by themselves after an upload, and no webhook tells when they are done
        (`GET /v2/{entity_type}/{entity_id}/integrity-checks`).

        Raises:
            ResourceNotFoundError: there is no such entity.
        """
        return await self._api.get(
            "/v2/{entity_type}/{entity_id}/integrity-checks", IntegrityChecks, **in_path(entity)
        )

    async def integrity_check(self, document_id: str) -> IntegrityCheck:
        """Return the check of a document (`GET /v2/documents/{document_id}/integrity-checks`).

        Raises:
            ResourceNotFoundError: there is no such document, or no check of it: documents of
                companies have none, and neither have types that Sikoia does not read.
        """
        return await self._api.get(
            "/v2/documents/{document_id}/integrity-checks", IntegrityCheck, document_id=document_id
        )

    def wait_classified(self, document_id: str) -> Operation[Document]:
        """Wait until Sikoia has found out what a document is: `await` it for the document.

        It is done once `sikoia_document_type` is there, or the upload has `Failed`, which is a
        result, too. It waits for 600 s; `.wait(timeout=...)` for another time. Whether the figures
        in it are read by then, `data_sources.wait_complete` knows.

        Raises:
            ConfigurationError: this is no id.
            ResourceNotFoundError, while it is awaited: there is none.
        """
        validate_id("document_id", document_id)
        return self._api.operation(
            _CLASSIFICATION,
            (document_id,),
            lambda api: Documents(api).retrieve(document_id),
            state=lambda document: "done" if _is_classified(document) else "running",
        )

    def wait_checked(self, document_id: str) -> Operation[IntegrityCheck]:
        """Wait for the check of a document's integrity: `await` it for the check.

        `Failed` is a result, too. The check begins by itself some time after the upload: that there
        is none is borne for a minute. It waits for 600 s; `.wait(timeout=...)` for another time.

        Raises:
            ConfigurationError: this is no id.
            ResourceNotFoundError, while it is awaited: there is no such document, or no check of
                it, as `integrity_check` says.
        """
        validate_id("document_id", document_id)
        return self._api.operation(
            _INTEGRITY, (document_id,), lambda api: Documents(api).integrity_check(document_id)
        )


def _is_classified(document: Document) -> bool:
    return document.sikoia_document_type is not None or document.status == "Failed"


DOCUMENT_EVENTS = frozenset(
    f"{what}Processing.Completed"
    for what in ("Document", "BankStatement", "Payslip", "TaxOverview")
)
_CLASSIFICATION = OperationKind(name="classification", timeout=600.0, events=DOCUMENT_EVENTS)
_INTEGRITY = OperationKind(
    name="integrity-check",
    timeout=600.0,
    done=frozenset({"Complete", "Failed"}),
    failed=frozenset(),
    late=60.0,
)
