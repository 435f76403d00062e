"""Identity verification (IDV): a person shows a document and a face, and a provider decides.

Sources: https://docs.sikoia.com/docs/identity-verification-1, and the operations named in each
method.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal

import attrs

from sikoia_async._calls.api import Api
from sikoia_async._validation import validate_filters, validate_flags, validate_id, validate_strings
from sikoia_async.models import PERSONAL, Model, Open
from sikoia_async.operations.interval import Interval
from sikoia_async.operations.operation import Operation
from sikoia_async.operations.registry import OperationKind

__all__ = [
    "Identity",
    "IdentityData",
    "IdentityDocument",
    "IdentityMedia",
    "IdentityMetaData",
    "IdentityPerson",
    "IdentityReport",
    "IdentityRequest",
    "IdentityRequestSummary",
    "IdentityRequests",
    "IdentityStatus",
    "IdentityStatusCode",
    "VerificationStatus",
]

IdentityStatus = Literal["Pending", "Complete", "Failed", "Expired"]
VerificationStatus = Literal["Approved", "Declined", "ResubmissionRequested", "NotCompleted"]


@attrs.frozen(kw_only=True)
class IdentityRequest(Model):
    """What every answer about a verification tells."""

    request_id: str
    status: Open[IdentityStatus] | None = None
    """How far the request is; the decision is the `verification_status`."""
    datetime_requested: datetime | None = None
    datetime_completed: datetime | None = None
    message: str | None = attrs.field(default=None, **PERSONAL)
    country_code: str | None = None
    """The country of the document, if it was given: two letters, such as `GB`."""
    verification_url: str | None = attrs.field(default=None, **PERSONAL)
    """Where the person goes to be verified. Whoever has the link may do it in their place."""
    direct_url: str | None = attrs.field(default=None, **PERSONAL)
    """The same at the provider's; only where the country was given."""


@attrs.frozen(kw_only=True)
class IdentityRequestSummary(IdentityRequest):
    """A verification as lists show it."""

    verification_status: Open[VerificationStatus] | None = None
    """What was decided; empty or None before."""


@attrs.frozen(kw_only=True)
class IdentityRequests(Model):
    """The verifications of a person."""

    person_id: str | None = None
    identity_verification_requests: tuple[IdentityRequestSummary, ...] | None = None


@attrs.frozen(kw_only=True)
class IdentityPerson(Model):
    """The person, as the document has it."""

    first_name: str | None = attrs.field(default=None, **PERSONAL)
    surname: str | None = attrs.field(default=None, **PERSONAL)
    full_name: str | None = attrs.field(default=None, **PERSONAL)
    date_of_birth: date | None = attrs.field(default=None, **PERSONAL)
    birth_year: int | None = attrs.field(default=None, **PERSONAL)
    birth_month: int | None = attrs.field(default=None, **PERSONAL)
    birth_day: int | None = attrs.field(default=None, **PERSONAL)
    place_of_birth: str | None = attrs.field(default=None, **PERSONAL)
    gender: str | None = attrs.field(default=None, **PERSONAL)
    nationality: str | None = attrs.field(default=None, **PERSONAL)
    address: str | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class IdentityDocument(Model):
    """The document that the person showed."""

    type: str | None = None
    """Such as `Passport`."""
    number: str | None = attrs.field(default=None, **PERSONAL)
    country_code: str | None = attrs.field(default=None, **PERSONAL)
    date_of_issue: date | None = attrs.field(default=None, **PERSONAL)
    date_of_expiry: date | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class IdentityMedia(Model):
    """A picture or film that was made for the verification."""

    mime_type: str | None = None
    type: str | None = None
    """What it shows, such as `selfid_video`."""
    size: int | None = None
    """Bytes."""
    upload_date: datetime | None = None
    uri: str | None = attrs.field(default=None, **PERSONAL)
    """Whoever has the link may see it, until it expires; `retrieve` makes new ones."""
    uri_expiry_in_minutes: int | None = None
    """Minutes that the link lives, from the answer on."""


@attrs.frozen(kw_only=True)
class IdentityStatusCode(Model):
    """Something that the provider said in a code, good or bad."""

    value: str | None = None
    """The code: a number or a word."""
    type: str | None = None
    """What kind of code it is."""
    description: str | None = None


@attrs.frozen(kw_only=True)
class IdentityMetaData(Model):
    """What qualifies the decision."""

    status_codes: tuple[IdentityStatusCode, ...] | None = None


@attrs.frozen(kw_only=True)
class IdentityData(Model):
    """What came out of a verification."""

    verification_status: Open[VerificationStatus] | None = None
    """`Approved`: the document is genuine and the person's. `Declined`: it may not be.
    `ResubmissionRequested`: the pictures did not do, and the person must go through it again.
    `NotCompleted`: the person did not begin, or gave up."""
    acceptance_time: datetime | None = None
    decision_time: datetime | None = None
    person: IdentityPerson | None = None
    document: IdentityDocument | None = None
    media: tuple[IdentityMedia, ...] | None = None
    meta_data: IdentityMetaData | None = None


@attrs.frozen(kw_only=True)
class IdentityReport(IdentityRequest):
    """A verification, and what came out of it."""

    person_id: str | None = None
    data: IdentityData | None = None
    """None while the status is `Pending`."""


@attrs.frozen
class Identity:
    """`sikoia.identity`."""

    _api: Api

    async def request(
        self, person_id: str, *, country_code: str | None = None
    ) -> Operation[IdentityReport]:
        """Ask for a person to be verified (`POST /v2/identity`).

        Send the person to `operation.last.verification_url`. The operation is done when the person
        is, or when the request has expired: look at `status` and `data.verification_status`, for
        neither `Expired` nor `Declined` is an error. As a person has to do something first, it
        waits for half an hour (1,800 s) if not told otherwise.

        May cost credits: it is never sent twice on our own initiative.

        Args:
            person_id: a person of a case.
            country_code: the country of the document, if you know it: two letters, such as `GB`.

        Raises:
            InvalidRequestError: there is no such person, or no such country.
            InsufficientPermissionsError: there are no credits left, or this is not enabled.
        """
        first = await self._api.buy(
            "/v2/identity",
            IdentityReport,
            body={
                "person_id": validate_id("person_id", person_id),
                **validate_strings(country_code=country_code),
            },
        )
        return self._operation(first.request_id, first)

    def operation(self, request_id: str) -> Operation[IdentityReport]:
        """Return the operation of a verification that was begun before, to wait for it.

        Raises:
            ConfigurationError: this is no id.
        """
        return self._operation(validate_id("request_id", request_id))

    async def list(
        self,
        person_id: str,
        *,
        complete: bool | None = None,
        verification_status: VerificationStatus | Sequence[VerificationStatus] | None = None,
    ) -> IdentityRequests:
        """Return a person's verifications (`GET /v2/persons/{person_id}/identity-verifications`).

        Args:
            person_id: a person of a case.
            complete: whether to leave out those that are not complete; false if left out.
            verification_status: one decision, or several of which any passes.

        Raises:
            ResourceNotFoundError: there is no such person.
        """
        return await self._api.get(
            "/v2/persons/{person_id}/identity-verifications",
            IdentityRequests,
            query={
                **validate_flags(complete=complete),
                **validate_filters(verification_status=verification_status),
            },
            person_id=person_id,
        )

    async def retrieve(self, request_id: str) -> IdentityReport:
        """Return a verification as it stands (`GET /v2/identity/{request_id}`).

        Raises:
            ResourceNotFoundError: there is no such request.
        """
        return await self._api.get(
            "/v2/identity/{request_id}", IdentityReport, request_id=request_id
        )

    def _operation(
        self, request_id: str, first: IdentityReport | None = None
    ) -> Operation[IdentityReport]:
        return self._api.operation(
            _OPERATION, (request_id,), lambda api: Identity(api).retrieve(request_id), first
        )


_OPERATION = OperationKind(
    name="identity",
    timeout=1800.0,
    interval=Interval(first=2.0, most=30.0),
    rare=900.0,
    done=frozenset({"Complete", "Expired"}),
    events=frozenset({"IdentityVerification.Completed", "IdentityVerification.Expired"}),
)
