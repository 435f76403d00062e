"""Identity verification: a person shows a document and their face, and a provider decides.

Sources: https://docs.sikoia.com/docs/identity-verification-1, and the operation named in each
method.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from typing import Final, Literal
from uuid import UUID

import attrs

from sikoia_async._calls.api import Api
from sikoia_async._validation import (
    validate_codes,
    validate_flags,
    validate_known_filters,
)
from sikoia_async.models import PERSONAL, Items, Model, Open
from sikoia_async.operations.interval import Interval
from sikoia_async.operations.kinds import OperationKind
from sikoia_async.operations.operation import Operation, RequestedOperation
from sikoia_async.resources._latest import newest
from sikoia_async.resources._resource import Resource
from sikoia_async.resources._subjects import Subject
from sikoia_async.resources.cases import Person

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
    "IdentityStatus",
    "IdentityStatusCode",
    "VerificationStatus",
]

IdentityStatus = Literal["Pending", "Complete", "Failed", "Expired"]
"""The progress of a verification: `Pending`, `Complete`, `Failed` or `Expired`."""
VerificationStatus = Literal["Approved", "Declined", "ResubmissionRequested", "NotCompleted"]
"""The decision: `Approved`, `Declined`, `ResubmissionRequested` or `NotCompleted`."""


@attrs.frozen(kw_only=True)
class IdentityRequest(Model):
    """The fields that all identity verifications share."""

    request_id: str
    status: Open[IdentityStatus] | None = None
    """The progress of the request; the decision is in `verification_status`."""
    datetime_requested: datetime | None = None
    datetime_completed: datetime | None = None
    message: str | None = attrs.field(default=None, **PERSONAL)
    country_code: str | None = None
    """The country of the document, if given in the request: ISO 3166-1 alpha-2, such as `GB`."""
    verification_url: str | None = attrs.field(default=None, **PERSONAL)
    """The page where the person is verified. Anyone with the link can use it."""
    direct_url: str | None = attrs.field(default=None, **PERSONAL)
    """The same page at the provider; only if the request gave a country."""


@attrs.frozen(kw_only=True)
class IdentityRequestSummary(IdentityRequest):
    """An identity verification as it appears in lists."""

    verification_status: Open[VerificationStatus] | None = None
    """The decision; empty or None until there is one."""


@attrs.frozen(kw_only=True)
class IdentityRequests(Model):
    """The response of `list`."""

    person_id: str | None = None
    identity_verification_requests: tuple[IdentityRequestSummary, ...] | None = None


@attrs.frozen(kw_only=True)
class IdentityPerson(Model):
    """The person's details as read from the document."""

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
    """The identity document that the person showed."""

    type: str | None = None
    """Such as `Passport`."""
    number: str | None = attrs.field(default=None, **PERSONAL)
    country_code: str | None = attrs.field(default=None, **PERSONAL)
    date_of_issue: date | None = attrs.field(default=None, **PERSONAL)
    date_of_expiry: date | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class IdentityMedia(Model):
    """An image or video made during the verification."""

    mime_type: str | None = None
    type: str | None = None
    """What it shows, such as `selfid_video`."""
    size: int | None = None
    """In bytes."""
    upload_date: datetime | None = None
    uri: str | None = attrs.field(default=None, **PERSONAL)
    """A link to the file, for `sikoia.download` and `sikoia.save`. Anyone with the link can use it
    until it expires; `retrieve` returns new links."""
    uri_expiry_in_minutes: int | None = None
    """How long the link is valid, in minutes from the response."""


@attrs.frozen(kw_only=True)
class IdentityStatusCode(Model):
    """A code that the provider gave, favourable or not."""

    value: str | None = None
    """The code: a number or a word."""
    type: str | None = None
    """The type of code."""
    description: str | None = None


@attrs.frozen(kw_only=True)
class IdentityMetaData(Model):
    """Details of the decision."""

    status_codes: tuple[IdentityStatusCode, ...] | None = None


@attrs.frozen(kw_only=True)
class IdentityData(Model):
    """The result of an identity verification."""

    verification_status: Open[VerificationStatus] | None = None
    """`Approved`: the document is genuine and belongs to the person. `Declined`: it may not be.
    `ResubmissionRequested`: the images were not good enough, so the person has to repeat the
    verification. `NotCompleted`: the person did not start or did not finish."""
    acceptance_time: datetime | None = None
    decision_time: datetime | None = None
    person: IdentityPerson | None = None
    document: IdentityDocument | None = None
    media: tuple[IdentityMedia, ...] | None = None
    meta_data: IdentityMetaData | None = None


@attrs.frozen(kw_only=True)
class IdentityReport(IdentityRequest):
    """An identity verification with its result."""

    person_id: str | None = None
    data: IdentityData | None = None
    """None while the status is `Pending`."""


class Identity(Resource):
    """Identity verification of persons, as `sikoia.identity`."""

    async def request(
        self, person: Person | str | UUID, /, *, country_code: str | None = None
    ) -> RequestedOperation[IdentityReport]:
        """Request the verification of a person's identity (`POST /v2/identity`).

            operation = await sikoia.identity.request(person)
            print("send the person to", operation.first.verification_url)
            report = await operation

        The operation is done when the provider has decided or the request has expired. Neither
        `Expired` nor `Declined` raises an error: look at `status` and `data.verification_status`.
        Waits up to half an hour (1,800 s) by default, because the person has to act first.

        May cost credits: never retried automatically once Sikoia may have processed it.

        Args:
            person: a person in a case, or its id.
            country_code: the country of the person's document, if known: ISO 3166-1 alpha-2, such
                as `GB`.

        Returns:
            The operation; awaiting it gives the verification with its result.

        Raises:
            ArgumentError: an argument is not valid.
            InvalidRequestError: the person does not exist, or the country is not recognised.
            InsufficientPermissionsError: no credits left, or identity verification is not enabled
                for you.
        """
        first = await self._api.buy(
            "/v2/identity",
            IdentityReport,
            body={
                "person_id": _PERSON.id_of(person),
                **validate_codes(country_code=country_code),
            },
        )
        return self._api.requested(
            _OPERATION, (first.request_id,), _retrieve(first.request_id), first
        )

    def operation(self, request: IdentityRequest | str | UUID, /) -> Operation[IdentityReport]:
        """Return the operation of an earlier verification, to wait for its result.

            report = await sikoia.identity.operation(request_id)

        Args:
            request: the verification, or its `request_id`.

        Raises:
            ArgumentError: the argument is neither a verification nor a valid id.
        """
        request_id = _REQUEST.id_of(request)
        return self._api.operation(_OPERATION, (request_id,), _retrieve(request_id))

    async def latest(self, person: Person | str | UUID, /) -> IdentityReport | None:
        """Return the newest complete verification of a person, whatever was decided.

            report = await sikoia.identity.latest(person)

        Sends two GET requests, which are free.

        Args:
            person: a person in a case, or its id.

        Returns:
            The verification with its result; None if none is complete.

        Raises:
            ArgumentError: the argument is neither a person nor a valid id.
            ResourceNotFoundError: the person does not exist.
        """
        request = newest(await self.list(person, complete=True))
        return None if request is None else await self.retrieve(request)

    async def list(
        self,
        person: Person | str | UUID,
        /,
        *,
        complete: bool | None = None,
        verification_status: VerificationStatus | Sequence[VerificationStatus] | None = None,
    ) -> Items[IdentityRequestSummary]:
        """List a person's verifications (`GET /v2/persons/{person_id}/identity-verifications`).

            approved = await sikoia.identity.list(person, verification_status="Approved")

        Args:
            person: a person in a case, or its id.
            complete: True for complete verifications only; all by default.
            verification_status: a decision, or a list of decisions that match: `Approved`,
                `Declined`, `ResubmissionRequested` or `NotCompleted`.

        Raises:
            ArgumentError: an argument is not valid.
            InvalidRequestError: Sikoia refuses a filter.
            ResourceNotFoundError: the person does not exist.
        """
        return await self._api.items(
            "/v2/persons/{person_id}/identity-verifications",
            IdentityRequests,
            lambda response: response.identity_verification_requests,
            query={
                **validate_flags(complete=complete),
                **validate_known_filters(
                    VerificationStatus, verification_status=verification_status
                ),
            },
            person_id=_PERSON.id_of(person),
        )

    async def retrieve(self, request: IdentityRequest | str | UUID, /) -> IdentityReport:
        """Return a verification in its current state (`GET /v2/identity/{request_id}`).

            report = await sikoia.identity.retrieve(request_id)

        Args:
            request: the verification, or its `request_id`.

        Raises:
            ArgumentError: the argument is neither a verification nor a valid id.
            ResourceNotFoundError: the request does not exist.
        """
        return await self._api.get(
            "/v2/identity/{request_id}", IdentityReport, request_id=_REQUEST.id_of(request)
        )


def _retrieve(request_id: str) -> Callable[[Api], Awaitable[IdentityReport]]:
    return lambda api: Identity(api).retrieve(request_id)


_PERSON: Final = Subject("person", "person_id", Person)
_REQUEST: Final = Subject("request", "request_id", IdentityRequest)
_OPERATION = OperationKind(
    name="identity",
    timeout=1800.0,
    interval=Interval(first=2.0, most=30.0),
    first_poll_with_events=900.0,
    done=frozenset({"Complete", "Expired"}),
    retrieved=frozenset({"Complete"}),
    events=frozenset({"IdentityVerification.Completed", "IdentityVerification.Expired"}),
    opener=lambda api, ids: Identity(api).operation(*ids),
)
OPERATION_KINDS = (_OPERATION,)
