"""Documents and their integrity checks.

Sources: https://docs.sikoia.com/docs/classification,
https://docs.sikoia.com/docs/copy-of-document-integrity-checks
"""

from datetime import datetime
from os import PathLike
from typing import Final, Literal, overload
from uuid import UUID

import attrs

from sikoia_async._files.reading import File, Readable
from sikoia_async._validation import validate_known, validate_strings
from sikoia_async.models import PERSONAL, EntityType, HasEntity, Items, Model, Open
from sikoia_async.operations.kinds import OperationKind
from sikoia_async.operations.operation import Operation
from sikoia_async.operations.statuses import is_failure
from sikoia_async.resources._entities import in_body, in_path
from sikoia_async.resources._resource import Resource
from sikoia_async.resources._subjects import Subject

__all__ = [
    "Document",
    "DocumentStatus",
    "DocumentType",
    "Documents",
    "IntegrityCheck",
    "IntegrityCheckRequest",
    "IntegrityCheckStatus",
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
"""The type of a document: `BankStatement`, `Payslip`, `Identity`, `Contract`, `FactFind`, `Other`,
`CompanyRegistration`, `StakeholdersDisclosure`, `UtilityBill`, `CreditReport`, `SavingsStatement`,
`SA302`, `TaxOverview`, `P45`, `P60`, `EmploymentLetter`, `EmploymentContract`,
`ChildBenefitLetter`, `BenefitAwardLetter`, `StudentLoanLetter`, `PensionStatement` or
`FinancialAccounts`."""
DocumentStatus = Literal["Complete", "Failed"]
"""Whether an upload succeeded: `Complete` or `Failed`."""
IntegrityCheckStatus = Literal["Complete", "Failed", "Pending"]
"""The status of an integrity check: `Pending`, or the final `Complete` or `Failed`."""
IntegrityDecision = Literal["Pass", "Fail", "Refer"]
"""The decision of a rule: `Pass`, `Fail` or `Refer`."""


@attrs.frozen(kw_only=True)
class Document(Model):
    """An uploaded file."""

    document_id: str
    """Called `source_id` in other parts of the API."""
    document_uri: str | None = attrs.field(default=None, **PERSONAL)
    """A link to the file, for `sikoia.download` and `sikoia.save`. It expires after about 10
    minutes; `retrieve` returns a new one. Anyone with the link can read the file."""
    entity_type: Open[EntityType] | None = None
    entity_id: str | None = None
    file_type: str | None = None
    """The file extension with its dot, such as `.pdf`."""
    display_name: str | None = attrs.field(default=None, **PERSONAL)
    document_type: Open[DocumentType] | None = None
    """The type given at upload."""
    sikoia_document_type: Open[DocumentType] | None = None
    """The type according to Sikoia's classification; None until the document is classified."""
    file_name: str | None = attrs.field(default=None, **PERSONAL)
    status: Open[DocumentStatus] | None = None
    """Whether the upload succeeded; not how far Sikoia has read the document."""
    datetime_created: datetime | None = None
    date_created: datetime | None = None
    """Deprecated by Sikoia: use `datetime_created`."""
    datetime_last_modified: datetime | None = None
    date_uploaded: datetime | None = None
    """Deprecated by Sikoia: use `datetime_created`."""


@attrs.frozen(kw_only=True)
class IntegrityRule(Model):
    """A rule of an integrity check, with its decision."""

    data_source_id: str | None = None
    """The part of the file that the rule examined, such as one of several payslips."""
    rule_name: str | None = None
    decision: Open[IntegrityDecision] | None = None
    message: str | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class IntegrityCheckRequest(Model):
    """An integrity check as it appears in lists, without its rules."""

    integrity_type_id: str | None = None
    """The type of integrity check."""
    document_id: str | None = None
    status: Open[IntegrityCheckStatus] | None = None
    """`Failed` means that there is no result, not that the document is forged."""
    datetime_requested: datetime | None = None
    datetime_completed: datetime | None = None
    message: str | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class IntegrityCheck(IntegrityCheckRequest):
    """An integrity check with its rules, which hold the decisions."""

    integrity_check_name: str | None = None
    integrity_check_version: str | None = None
    entity_id: str | None = None
    entity_type: Open[EntityType] | None = None
    rules: tuple[IntegrityRule, ...] | None = None


@attrs.frozen(kw_only=True)
class IntegrityChecks(Model):
    """The response that lists the integrity checks of an entity's documents."""

    entity_id: str | None = None
    entity_type: Open[EntityType] | None = None
    integrity_check_requests: tuple[IntegrityCheckRequest, ...] | None = None


class Documents(Resource):
    """Documents and their integrity checks, as `sikoia.documents`."""

    @overload
    async def upload(
        self,
        entity: HasEntity,
        file: PathLike[str] | Readable,
        /,
        *,
        document_type: DocumentType | None = None,
        display_name: str | None = None,
        file_name: str | None = None,
    ) -> Document: ...

    @overload
    async def upload(
        self,
        entity: HasEntity,
        file: File,
        /,
        *,
        document_type: DocumentType | None = None,
        display_name: str | None = None,
        file_name: str,
    ) -> Document: ...

    async def upload(
        self,
        entity: HasEntity,
        file: File,
        /,
        *,
        document_type: DocumentType | None = None,
        display_name: str | None = None,
        file_name: str | None = None,
    ) -> Document:
        """Upload a file (`POST /v2/documents`).

            document = await sikoia.documents.upload(person, Path("statement.pdf"))
            document = await sikoia.documents.upload(person, content, file_name="statement.pdf")

        After the upload Sikoia classifies the document. It also reads the figures of bank
        statements, payslips, SA302s and tax overviews, and checks their integrity unless the entity
        is a company. Use `until_classified`, `until_checked` and `data_sources.until_complete` to
        wait for that.

        Files must not be encrypted, and a bank statement must be the bank's original PDF.

        Args:
            entity: the case, company or person the document belongs to.
            file: a `Path`, bytes, an open binary file, or an iterable of bytes. Files and iterables
                may be sync or async, such as `open(path, "rb")`, `BytesIO`, and the `UploadFile` of
                FastAPI. A file is read from its current position, in worker threads if it is sync,
                and stays open. The bytes are held in memory until the call ends. Reading an async
                file or iterable does not count towards the timeout.
            document_type: what you believe it is; Sikoia's own classification is in
                `sikoia_document_type`.
            display_name: the name in Sikoia's dashboard; `file_name` by default.
            file_name: the name with its extension. By default the file's own name; bytes and
                iterables have none, so it is required for them.

        Returns:
            The document, with the result of the upload in `status`.

        Raises:
            ArgumentError: the file is missing, empty, larger than the client's `max_file` or
                open in text mode; a name is missing, longer than 255 characters, or has invisible
                characters; the `document_type` is not known; or the first argument is not an
                entity. Nothing was sent.
            DeadlineExceededError: the file could not be read in time, or there was no response.
            InvalidRequestError: Sikoia does not accept the file, or the entity does not exist.
            InsufficientPermissionsError: document uploads are not enabled for you.
        """
        return await self._api.upload(
            "/v2/documents",
            Document,
            body={
                **in_body(entity),
                "file": file,
                **validate_known(DocumentType, document_type=document_type),
                **validate_strings(display_name=display_name, file_name=file_name),
            },
        )

    async def retrieve(self, document: Document | str | UUID, /) -> Document:
        """Return a document with a new link to its file (`GET /v2/documents/{document_id}`).

            document = await sikoia.documents.retrieve(document)
            content = await sikoia.download(document.document_uri)

        Args:
            document: the document or its id.

        Raises:
            ArgumentError: the argument is neither a document nor a valid id.
            ResourceNotFoundError: the document does not exist.
        """
        return await self._api.get(
            "/v2/documents/{document_id}", Document, document_id=_DOCUMENT.id_of(document)
        )

    async def delete(self, document: Document | str | UUID, /) -> None:
        """Delete a document (`DELETE /v2/documents/{document_id}`).

            await sikoia.documents.delete(document)

        This cannot be undone. The bank accounts of a deleted bank statement are deleted too.

        Args:
            document: the document or its id.

        Raises:
            ArgumentError: the argument is neither a document nor a valid id.
            ResourceNotFoundError: the document does not exist.
        """
        await self._api.delete("/v2/documents/{document_id}", document_id=_DOCUMENT.id_of(document))

    async def list(self, entity: HasEntity, /) -> Items[Document]:
        """List the documents of an entity (`GET /v2/{entity_type}/{entity_id}/documents`).

            for document in await sikoia.documents.list(case):
                print(document.document_id, document.sikoia_document_type)

        Args:
            entity: a case, company or person.

        Returns:
            The documents, with the response they came in.

        Raises:
            ArgumentError: the argument is not an entity.
            ResourceNotFoundError: the entity does not exist.
        """
        return await self._api.get(
            "/v2/{entity_type}/{entity_id}/documents", Items[Document], **in_path(entity)
        )

    async def integrity_checks(self, entity: HasEntity, /) -> Items[IntegrityCheckRequest]:
        """List the integrity checks of an entity's documents, without their rules.

            for listed in await sikoia.documents.integrity_checks(person):
                check = await sikoia.documents.integrity_check(listed)

        Operation: `GET /v2/{entity_type}/{entity_id}/integrity-checks`. Checks start automatically
        after an upload. There is no webhook event for them.

        Args:
            entity: a case, company or person.

        Returns:
            The checks, with the response they came in.

        Raises:
            ArgumentError: the argument is not an entity.
            ResourceNotFoundError: the entity does not exist.
        """
        return await self._api.items(
            "/v2/{entity_type}/{entity_id}/integrity-checks",
            IntegrityChecks,
            lambda listed: listed.integrity_check_requests,
            **in_path(entity),
        )

    async def integrity_check(
        self, document: Document | IntegrityCheckRequest | str | UUID, /
    ) -> IntegrityCheck:
        """Return a document's integrity check (`GET /v2/documents/{document_id}/integrity-checks`).

            check = await sikoia.documents.integrity_check(document)
            decisions = [rule.decision for rule in check.rules or ()]

        Args:
            document: the document, its integrity check from a list, or the id of the document.

        Raises:
            ArgumentError: the argument is neither such a model nor a valid id.
            ResourceNotFoundError: the document does not exist or has no check. Documents of
                companies have none, nor do types whose figures Sikoia does not read.
        """
        return await self._api.get(
            "/v2/documents/{document_id}/integrity-checks",
            IntegrityCheck,
            document_id=_CHECKED.id_of(document),
        )

    def until_classified(self, document: Document | str | UUID, /) -> Operation[Document]:
        """Wait until Sikoia has classified a document.

            document = await sikoia.documents.until_classified(document)

        Done when `sikoia_document_type` is set, or when the upload `Failed`, which raises no error.
        Its figures may not have been read by then: use `data_sources.until_complete` for that.
        Waits up to 600 s; use `.wait(timeout=...)` to change that.

        Args:
            document: the document or its id.

        Returns:
            The operation; awaiting it gives the document.

        Raises:
            ArgumentError: the argument is neither a document nor a valid id.
            ResourceNotFoundError: the document does not exist; raised when awaited.
        """
        document_id = _DOCUMENT.id_of(document)
        return self._api.operation(
            _CLASSIFICATION,
            (document_id,),
            lambda api: Documents(api).retrieve(document_id),
            state=lambda document: "done" if _is_classified(document) else "running",
        )

    def until_checked(
        self, document: Document | IntegrityCheckRequest | str | UUID, /
    ) -> Operation[IntegrityCheck]:
        """Wait for a document's integrity check.

            check = await sikoia.documents.until_checked(document)

        A check that `Failed` raises no error. Checks start some time after the upload, so a missing
        one is tolerated for the first minute. Waits up to 600 s; use `.wait(timeout=...)` to change
        that.

        Args:
            document: the document, its integrity check from a list, or the id of the document.

        Returns:
            The operation; awaiting it gives the check.

        Raises:
            ArgumentError: the argument is neither such a model nor a valid id.
            ResourceNotFoundError: the document does not exist or has no check, as for
                `integrity_check`; raised when awaited.
        """
        document_id = _CHECKED.id_of(document)
        return self._api.operation(
            _INTEGRITY, (document_id,), lambda api: Documents(api).integrity_check(document_id)
        )


_DOCUMENT: Final = Subject("document", "document_id", Document)
_CHECKED: Final = Subject("document", "document_id", (Document, IntegrityCheckRequest))


def _is_classified(document: Document) -> bool:
    return document.sikoia_document_type is not None or is_failure(document.status)


DOCUMENT_EVENTS = frozenset(
    f"{kind}Processing.Completed"
    for kind in ("Document", "BankStatement", "Payslip", "TaxOverview")
)
_CLASSIFICATION = OperationKind(
    name="classification",
    timeout=600.0,
    events=DOCUMENT_EVENTS,
    opener=lambda api, ids: Documents(api).until_classified(*ids),
)
_INTEGRITY = OperationKind(
    name="integrity-check",
    timeout=600.0,
    done=frozenset({"Complete", "Failed"}),
    failed=frozenset(),
    visible_within=60.0,
    opener=lambda api, ids: Documents(api).until_checked(*ids),
)
OPERATION_KINDS = (_CLASSIFICATION, _INTEGRITY)
