"""Company data from official registers: officers, owners, accounts, charges, filings.

Source: the operation named in each method.
"""

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Final, Literal, overload
from uuid import UUID

import attrs

from sikoia_async._calls.api import Api
from sikoia_async._errors import ArgumentError, ResourceNotFoundError
from sikoia_async._validation import (
    validate_codes,
    validate_flags,
    validate_id_or_none,
    validate_required_strings,
    validate_strings,
    validate_whole,
)
from sikoia_async.models import PERSONAL, Items, Model, Open, ResponseInfo
from sikoia_async.operations.kinds import OperationKind
from sikoia_async.operations.operation import Operation, RequestedOperation
from sikoia_async.resources._latest import newest
from sikoia_async.resources._picklists import (
    OfficialAddress,
    WithPicklist,
    pick_and_wait,
    validate_choice,
    validate_pick,
    with_resolver,
)
from sikoia_async.resources._resource import Resource
from sikoia_async.resources._subjects import Subject
from sikoia_async.resources.cases import Company

__all__ = [
    "Charge",
    "ChargeNote",
    "ChargeTransaction",
    "CompanyRegistry",
    "Filing",
    "Insolvency",
    "InsolvencyDate",
    "LastAccounts",
    "Matches",
    "NextAccounts",
    "PersonEntitled",
    "PreviousCompanyName",
    "RegistryAccounts",
    "RegistryCompanyOfficer",
    "RegistryCompanyOwner",
    "RegistryData",
    "RegistryIndustryCode",
    "RegistryMatch",
    "RegistryOfficers",
    "RegistryOwners",
    "RegistryPerson",
    "RegistryPersonOfficer",
    "RegistryPersonOwner",
    "RegistryReport",
    "RegistryRequestStatus",
    "RegistryRequestSummary",
    "RegistryStatus",
    "RegistrySummaryInfo",
    "RelatedCompany",
]

RegistryRequestStatus = Literal["Complete", "Failed", "TooManyResults"]
"""The status of a request: `Complete`, `Failed`, or `TooManyResults` with a picklist."""
RegistryStatus = Literal["Active", "Restricted", "Closed", "Other"]
"""The status of a company: `Active`, `Restricted`, `Closed` or `Other`."""
_Day = date  # `InsolvencyDate.date` shadows the type within its class


@attrs.frozen(kw_only=True)
class RegistryMatch(Model):
    """A company that matches a request or a search."""

    index: int | None = None
    """Identifies the company in its picklist; `resolve_picklist` sends it."""
    company_name: str | None = None
    company_number: str | None = None
    company_status: str | None = None
    provider_id: str | None = None
    """The data provider's id for the company."""
    date_established: date | None = None
    country_code: str | None = None
    """ISO 3166-1 alpha-2, such as `GB`."""
    branch_status: str | None = None
    official_address: OfficialAddress | None = None


class Matches(Items[RegistryMatch]):
    """The companies that match a search; a tuple that may be empty."""

    reason: str | None = None
    """Sikoia's message if nothing matched, otherwise None."""


@attrs.frozen(kw_only=True)
class RegistrySummaryInfo(Model):
    """A summary of the register's entry."""

    has_insolvency_history: bool | None = None


@attrs.frozen(kw_only=True)
class PreviousCompanyName(Model):
    """A former name of the company."""

    company_name: str | None = None
    date_from: date | None = None
    date_to: date | None = None


@attrs.frozen(kw_only=True)
class LastAccounts(Model):
    """The most recently filed accounts."""

    made_up_to: date | None = None
    period_start: date | None = None
    period_end: date | None = None
    type: str | None = None


@attrs.frozen(kw_only=True)
class NextAccounts(Model):
    """The next accounts due."""

    overdue: bool | None = None
    period_start: date | None = None
    period_end: date | None = None
    due_date: date | None = None


@attrs.frozen(kw_only=True)
class RegistryAccounts(Model):
    """When accounts were last filed and when the next ones are due."""

    last_accounts: LastAccounts | None = None
    next_accounts: NextAccounts | None = None


@attrs.frozen(kw_only=True)
class RegistryIndustryCode(Model):
    """The company's industry, in the register's classification."""

    code: str | None = None
    description: str | None = None


@attrs.frozen(kw_only=True)
class RegistryPerson(Model):
    """What the register holds on a person. Some registers give only the year and month of birth."""

    source_id: str | None = attrs.field(default=None, **PERSONAL)
    """The register's id for the person."""
    first_name: str | None = attrs.field(default=None, **PERSONAL)
    surname: str | None = attrs.field(default=None, **PERSONAL)
    full_name: str | None = attrs.field(default=None, **PERSONAL)
    date_of_birth: date | None = attrs.field(default=None, **PERSONAL)
    birth_year: int | None = attrs.field(default=None, **PERSONAL)
    birth_month: int | None = attrs.field(default=None, **PERSONAL)
    birth_day: int | None = attrs.field(default=None, **PERSONAL)
    nationality: str | None = attrs.field(default=None, **PERSONAL)
    address: OfficialAddress | None = None


@attrs.frozen(kw_only=True)
class RegistryPersonOfficer(RegistryPerson):
    """A person who is or was an officer of the company, such as a director."""

    officer_role: str | None = None
    date_appointed: date | None = None
    date_resigned: date | None = None
    status: str | None = None
    tax_id: str | None = attrs.field(default=None, **PERSONAL)
    occupation: str | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class RegistryCompanyOfficer(Model):
    """A company that is or was an officer of the company."""

    source_id: str | None = None
    """The register's id for the officer."""
    officer_role: str | None = None
    date_appointed: date | None = None
    date_resigned: date | None = None
    status: str | None = None
    name: str | None = None
    address: OfficialAddress | None = None
    occupation: str | None = None


@attrs.frozen(kw_only=True)
class RegistryOfficers(Model):
    """Present and past officers of the company."""

    people: tuple[RegistryPersonOfficer, ...] | None = None
    companies: tuple[RegistryCompanyOfficer, ...] | None = None


@attrs.frozen(kw_only=True)
class RegistryPersonOwner(RegistryPerson):
    """A person who owns or controls the company, or did so in the past."""

    type: str | None = None
    date_from: date | None = None
    date_to: date | None = None
    natures_of_control: tuple[str, ...] | None = None


@attrs.frozen(kw_only=True)
class RegistryCompanyOwner(Model):
    """A company that owns or controls the company, or did so in the past."""

    source_id: str | None = None
    """The register's id for the owner."""
    name: str | None = None
    type: str | None = None
    date_from: date | None = None
    date_to: date | None = None
    natures_of_control: tuple[str, ...] | None = None
    address: OfficialAddress | None = None


@attrs.frozen(kw_only=True)
class RegistryOwners(Model):
    """Present and past owners of the company."""

    people: tuple[RegistryPersonOwner, ...] | None = None
    companies: tuple[RegistryCompanyOwner, ...] | None = None


@attrs.frozen(kw_only=True)
class Filing(Model):
    """A document filed with the register."""

    category: str | None = None
    description: str | None = attrs.field(default=None, **PERSONAL)
    """May name people, as in `Appointment of … as a director`."""
    type: str | None = None
    filing_date: date | None = None


@attrs.frozen(kw_only=True)
class ChargeNote(Model):
    """A type with a description: a charge's details, its classification, or what it secures."""

    type: str | None = None
    description: str | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class ChargeTransaction(Model):
    """A filing about a charge."""

    filing_type: str | None = None
    delivered_on: date | None = None


@attrs.frozen(kw_only=True)
class PersonEntitled(Model):
    """A creditor entitled to a charge, usually a bank."""

    name: str | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class Charge(Model):
    """A security over the company's assets."""

    charge_code: str | None = None
    status: str | None = None
    created_on: date | None = None
    delivered_on: date | None = None
    satisfied_on: date | None = None
    details: ChargeNote | None = None
    transactions: tuple[ChargeTransaction, ...] | None = None
    classification: ChargeNote | None = None
    persons_entitled: tuple[PersonEntitled, ...] | None = None
    secured_details: ChargeNote | None = None


@attrs.frozen(kw_only=True)
class InsolvencyDate(Model):
    """A dated step of an insolvency."""

    date: _Day | None = None
    type: str | None = None


@attrs.frozen(kw_only=True)
class Insolvency(Model):
    """An insolvency with its steps."""

    type: str | None = None
    dates: tuple[InsolvencyDate, ...] | None = None


@attrs.frozen(kw_only=True)
class RelatedCompany(Model):
    """A company that controls this one."""

    company_name: str | None = None
    company_number: str | None = None
    country_code: str | None = None
    generic_legal_form: str | None = None


@attrs.frozen(kw_only=True)
class RegistryData(Model):
    """A company's entry in its register."""

    company_name: str | None = None
    company_number: str | None = None
    status: Open[RegistryStatus] | None = None
    """`registry_status`, normalised by Sikoia. `Restricted` includes companies that are dormant, in
    administration or in liquidation, or have unusual filings; `Closed` includes merged ones."""
    registry_status: str | None = None
    registry_name: str | None = None
    registry_url: str | None = None
    data_provider: str | None = None
    generic_legal_form: str | None = None
    """`registry_legal_form`, normalised by Sikoia, such as `Limited Company`."""
    registry_legal_form: str | None = None
    country_code: str | None = None
    date_established: date | None = None
    date_dissolved: date | None = None
    official_address: OfficialAddress | None = None
    summary_info: RegistrySummaryInfo | None = None
    special_characteristics: tuple[str, ...] | None = None
    previous_company_names: tuple[PreviousCompanyName, ...] | None = None
    accounts: RegistryAccounts | None = None
    industry_codes: tuple[RegistryIndustryCode, ...] | None = None
    officers: RegistryOfficers | None = None
    owners: RegistryOwners | None = None
    filings: tuple[Filing, ...] | None = None
    charges: tuple[Charge, ...] | None = None
    insolvencies: tuple[Insolvency, ...] | None = None
    controlling_entity: RelatedCompany | None = None
    foreign_controlling_entity: RelatedCompany | None = None


@attrs.frozen(kw_only=True)
class RegistryRequestSummary(WithPicklist):
    """A request for registry data as it appears in lists."""

    request_id: str
    status: Open[RegistryRequestStatus] | None = None
    """With `TooManyResults` there is a picklist to choose from; with `Failed`, `message` gives the
    reason."""
    datetime_requested: datetime | None = None
    message: str | None = attrs.field(default=None, **PERSONAL)
    company_number: str | None = None
    company_name: str | None = None
    country_code: str | None = None


@attrs.frozen(kw_only=True)
class RegistryReport(RegistryRequestSummary):
    """A request for registry data with the data."""

    company_id: str | None = None
    picklist: tuple[RegistryMatch, ...] | None = None
    """The companies that match, if the status is `TooManyResults`."""
    data: RegistryData | None = None
    """None unless the status is `Complete`, and in the response to a request."""

    async def resolve(self, choice: RegistryMatch | int) -> "RequestedOperation[RegistryReport]":
        """Request the data of one company from the picklist, as `resolve_picklist` does.

        May cost credits: never retried automatically once Sikoia may have processed it.

        Args:
            choice: an item of the picklist, or its `index`.

        Returns:
            The operation of a new request; awaiting it gives the report.

        Raises:
            ConfigurationError: the status is not `TooManyResults`, or this model was not returned
                by a client.
        """
        operation: RequestedOperation[RegistryReport] = await self._resolver()(choice)
        return operation


@attrs.frozen(kw_only=True)
class RegistryRequests(Model):
    """The response of `list`."""

    company_id: str | None = None
    registry_data_requests: tuple[RegistryRequestSummary, ...] | None = None


class CompanyRegistry(Resource):
    """Company data from official registers, as `sikoia.company_registry`."""

    async def request(
        self,
        company: Company | str | UUID,
        /,
        *,
        company_number: str | None = None,
        company_name: str | None = None,
        country_code: str | None = None,
    ) -> RequestedOperation[RegistryReport]:
        """Look a company up in its register (`POST /v2/company-registry-data`).

            operation = await sikoia.company_registry.request(company)
            report = await operation

        Sikoia has usually finished when it responds, and awaiting the operation retrieves the
        data. If several companies match, the status is `TooManyResults`, which is a result too:
        `operation.first.picklist` has the companies, and `resolve_picklist` continues with one.
        `find` does all this in one call. Waits up to 300 s by default.

        May cost credits: never retried automatically once Sikoia may have processed it.

        Args:
            company: the company in a case to store the data with, or its id.
            company_number: the number to look up; the company's own by default.
            company_name: the name to look up; the company's own by default.
            country_code: ISO 3166-1 alpha-2, such as `GB`; the company's own by default.

        Returns:
            The operation; awaiting it gives the report.

        Raises:
            ArgumentError: an argument is not valid.
            InvalidRequestError: the company does not exist, or the country is not recognised.
            UnprocessableRequestError: the company has no number or country, and none was given.
            InsufficientPermissionsError: no credits left, or registry data is not enabled for you.
        """
        first = await self._api.buy(
            "/v2/company-registry-data",
            RegistryReport,
            body={
                "company_id": _COMPANY.id_of(company),
                **validate_strings(company_number=company_number, company_name=company_name),
                **validate_codes(country_code=country_code),
            },
        )
        return self._requested(first)

    async def find(
        self,
        company: Company | str | UUID,
        /,
        *,
        company_number: str | None = None,
        company_name: str | None = None,
        country_code: str | None = None,
        pick: Callable[
            [tuple[RegistryMatch, ...]],
            RegistryMatch | int | Awaitable[RegistryMatch | int | None] | None,
        ]
        | None = None,
    ) -> RegistryReport:
        """Request the registry data of a company, choose a match if there are several, and wait.

            report = await sikoia.company_registry.find(company, pick=lambda matches: matches[0])

        May cost credits, and once more if several companies match: never retried automatically
        once Sikoia may have processed it.

        Args:
            company: the company in a case to store the data with, or its id.
            company_number: the number to look up; the company's own by default.
            company_name: the name to look up; the company's own by default.
            country_code: ISO 3166-1 alpha-2, such as `GB`; the company's own by default.
            pick: takes the picklist, and returns an item of it, its `index`, or None if none is
                right. It may be async.

        Returns:
            The report with the data.

        Raises:
            ArgumentError: an argument is not valid.
            TooManyResultsError: several companies match, and there is no `pick` or it returned
                None. The error has the picklist and the operation.
            ArgumentTypeError: `pick` returned something that is not in the picklist. The request
                is in `list`.
            OperationFailedError: Sikoia could not get the data.
            InvalidRequestError: the company does not exist, or the country is not recognised.
            UnprocessableRequestError: the company has no number or country, and none was given.
            InsufficientPermissionsError: no credits left, or registry data is not enabled for you.
        """
        validate_pick(pick)
        operation = await self.request(
            company,
            company_number=company_number,
            company_name=company_name,
            country_code=country_code,
        )
        return await pick_and_wait(operation, pick, self.resolve_picklist)

    async def latest(self, company: Company | str | UUID, /) -> RegistryReport | None:
        """Return the newest complete report that you have already bought for a company.

            report = await sikoia.company_registry.latest(company)
            if report is None:
                report = await sikoia.company_registry.find(company)

        Sends two GET requests, which are free.

        Args:
            company: the company, or its id.

        Returns:
            The report; None if no request for the company is complete.

        Raises:
            ArgumentError: the argument is neither a company nor a valid id.
            ResourceNotFoundError: the company does not exist.
        """
        request = newest(await self.list(company))
        return None if request is None else await self.retrieve(request)

    async def list(self, company: Company | str | UUID, /) -> Items[RegistryRequestSummary]:
        """List the requests for a company (`GET /v2/companies/{company_id}/registry-data`).

            requests = await sikoia.company_registry.list(company)

        Args:
            company: the company, or its id.

        Raises:
            ArgumentError: the argument is neither a company nor a valid id.
            ResourceNotFoundError: the company does not exist.
        """
        return await self._api.items(
            "/v2/companies/{company_id}/registry-data",
            RegistryRequests,
            lambda response: response.registry_data_requests,
            company_id=_COMPANY.id_of(company),
        )

    async def retrieve(self, request: RegistryRequestSummary | str | UUID, /) -> RegistryReport:
        """Return a request with its data (`GET /v2/company-registry-data/{request_id}`).

            report = await sikoia.company_registry.retrieve(request_id)

        Args:
            request: the request, or its id.

        Raises:
            ArgumentError: the argument is neither a request nor a valid id.
            ResourceNotFoundError: the request does not exist.
        """
        report = await self._api.get(
            "/v2/company-registry-data/{request_id}",
            RegistryReport,
            request_id=_REQUEST.id_of(request),
        )
        return with_resolver(report, self.resolve_picklist)

    def operation(
        self, request: RegistryRequestSummary | str | UUID, /
    ) -> Operation[RegistryReport]:
        """Return the operation of an earlier request, to wait for its data.

            report = await sikoia.company_registry.operation(request_id)

        `TooManyResults` is a result too. Waits up to 300 s by default.

        Args:
            request: the request, or its id.

        Raises:
            ArgumentError: the argument is neither a request nor a valid id.
        """
        request_id = _REQUEST.id_of(request)
        return self._api.operation(_OPERATION, (request_id,), _retrieve(request_id))

    async def resolve_picklist(
        self, request: RegistryRequestSummary | str | UUID, /, picklist_index: RegistryMatch | int
    ) -> RequestedOperation[RegistryReport]:
        """Choose a company from a picklist (`POST /v2/company-registry-data/picklist`).

            operation = await sikoia.company_registry.request(company, company_name="Acme")
            if operation.first.picklist:
                match = operation.first.picklist[0]
                operation = await sikoia.company_registry.resolve_picklist(operation.first, match)
            report = await operation

        May cost credits: never retried automatically once Sikoia may have processed it.

        Args:
            request: the request whose status is `TooManyResults`, or its id.
            picklist_index: an item of its picklist, or the item's `index`.

        Returns:
            The operation of a new request, with its own `request_id`; awaiting it gives the report.

        Raises:
            ArgumentError: the request, the item or the index is not valid.
            InvalidRequestError: the request has no picklist, or its company was deleted.
            InsufficientPermissionsError: no credits left, or registry data is not enabled for you.
        """
        first = await self._api.buy(
            "/v2/company-registry-data/picklist",
            RegistryReport,
            body={
                "request_id": _REQUEST.id_of(request),
                "picklist_index": validate_choice(picklist_index),
            },
        )
        return self._requested(first)

    @overload
    async def search(
        self,
        *,
        company_name: str,
        country_code: str,
        jurisdiction_code: str | None = None,
        exclude_inactive: bool | None = None,
        company_id: str | UUID | None = None,
        items_per_page: int | None = None,
    ) -> Matches: ...
    @overload
    async def search(
        self,
        *,
        company_name: str,
        jurisdiction_code: str,
        country_code: str | None = None,
        exclude_inactive: bool | None = None,
        company_id: str | UUID | None = None,
        items_per_page: int | None = None,
    ) -> Matches: ...
    async def search(
        self,
        *,
        company_name: str,
        jurisdiction_code: str | None = None,
        country_code: str | None = None,
        exclude_inactive: bool | None = None,
        company_id: str | UUID | None = None,
        items_per_page: int | None = None,
    ) -> Matches:
        """Search registers for companies by name (`POST /v2/company-registry-data/search`).

            matches = await sikoia.company_registry.search(company_name="Acme", country_code="GB")

        The result is not stored. Sikoia responds with 404 if nothing matches; this method then
        returns an empty result with a `reason`.

        May cost credits: never retried automatically once Sikoia may have processed it.

        Args:
            company_name: the name to search for.
            jurisdiction_code: a country or state, such as `GB` or `US_DE`; takes precedence over
                `country_code`.
            country_code: ISO 3166-1 alpha-2. Required unless `jurisdiction_code` is given.
            exclude_inactive: leave out companies that are no longer active.
            company_id: the company in a case that the search is for.
            items_per_page: the maximum number of matches; 100 by default.

        Returns:
            The matching companies; empty if there are none.

        Raises:
            ArgumentError: neither a jurisdiction nor a country was given.
            InvalidRequestError: the company does not exist, or the country is not recognised.
            ResourceDeletedError: the company was deleted.
            InsufficientPermissionsError: no credits left, or searches are not enabled for you.
        """
        if jurisdiction_code is None and country_code is None:
            msg = "jurisdiction_code: expected this, a country_code, or both"
            raise ArgumentError(msg)
        if items_per_page is not None:
            items_per_page = validate_whole("items_per_page", items_per_page, least=1)
        try:
            matches = await self._api.buy(
                "/v2/company-registry-data/search",
                Items[RegistryMatch],
                query={"items_per_page": items_per_page},
                body={
                    **validate_required_strings(company_name=company_name),
                    **validate_codes(
                        jurisdiction_code=jurisdiction_code, country_code=country_code
                    ),
                    **validate_flags(exclude_inactive=exclude_inactive),
                    "company_id": validate_id_or_none("company_id", company_id),
                },
            )
        except ResourceNotFoundError as error:
            # A 404 of any other type does not mean that nothing matched.
            if error.type != "ResourceNotFound":
                raise
            call = attrs.asdict(error.call, recurse=False)
            response = ResponseInfo(status=error.status, **call)
            return _matches((), response, reason=error.detail or error.title)
        return _matches(matches, matches.response)

    def _requested(self, first: RegistryReport) -> RequestedOperation[RegistryReport]:
        request_id = first.request_id
        report = with_resolver(first, self.resolve_picklist)
        return self._api.requested(_OPERATION, (request_id,), _retrieve(request_id), report)


def _retrieve(request_id: str) -> Callable[[Api], Awaitable[RegistryReport]]:
    return lambda api: CompanyRegistry(api).retrieve(request_id)


def _matches(
    companies: tuple[RegistryMatch, ...], response: ResponseInfo, *, reason: str | None = None
) -> Matches:
    matches = Matches(companies)
    vars(matches).update(_response=response, reason=reason)
    return matches


_COMPANY: Final = Subject("company", "company_id", Company)
_REQUEST: Final = Subject("request", "request_id", RegistryRequestSummary)
_OPERATION = OperationKind(
    name="company-registry",
    done=frozenset({"Complete", "TooManyResults"}),
    retrieved=frozenset({"Complete"}),
    running=frozenset(),
    opener=lambda api, ids: CompanyRegistry(api).operation(*ids),
)
OPERATION_KINDS = (_OPERATION,)
