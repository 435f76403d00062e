"""Company data from official registers: officers, owners, accounts, charges, filings.

Source: the operation named in each method.
"""

from datetime import date, datetime
from typing import Literal

import attrs

from sikoia_async._errors import ArgumentError, ResourceNotFoundError
from sikoia_async._validation import (
    validate_codes,
    validate_flags,
    validate_id,
    validate_id_or_none,
    validate_required_strings,
    validate_strings,
    validate_whole,
)
from sikoia_async.models import PERSONAL, Items, Model, Open, ResponseInfo
from sikoia_async.operations.kinds import OperationKind
from sikoia_async.operations.operation import Operation
from sikoia_async.resources._picklists import (
    OfficialAddress,
    WithPicklist,
    validate_choice,
    with_resolver,
)
from sikoia_async.resources._resource import Resource

__all__ = [
    "Charge",
    "ChargeNote",
    "ChargeTransaction",
    "CompanyOfficer",
    "CompanyOwner",
    "CompanyRegistry",
    "Filing",
    "IndustryCode",
    "Insolvency",
    "InsolvencyDate",
    "LastAccounts",
    "Matches",
    "NextAccounts",
    "Officers",
    "Owners",
    "PersonEntitled",
    "PersonOfficer",
    "PersonOwner",
    "PreviousCompanyName",
    "RegistryAccounts",
    "RegistryData",
    "RegistryMatch",
    "RegistryPerson",
    "RegistryReport",
    "RegistryRequest",
    "RegistryRequestStatus",
    "RegistryRequestSummary",
    "RegistryRequests",
    "RegistryStatus",
    "RegistrySummaryInfo",
    "RelatedCompany",
]

RegistryRequestStatus = Literal["Complete", "Failed", "TooManyResults"]
RegistryStatus = Literal["Active", "Restricted", "Closed", "Other"]
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
class IndustryCode(Model):
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
class PersonOfficer(RegistryPerson):
    """A person who is or was an officer of the company, such as a director."""

    officer_role: str | None = None
    date_appointed: date | None = None
    date_resigned: date | None = None
    status: str | None = None
    tax_id: str | None = attrs.field(default=None, **PERSONAL)
    occupation: str | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class CompanyOfficer(Model):
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
class Officers(Model):
    """Present and past officers of the company."""

    people: tuple[PersonOfficer, ...] | None = None
    companies: tuple[CompanyOfficer, ...] | None = None


@attrs.frozen(kw_only=True)
class PersonOwner(RegistryPerson):
    """A person who owns or controls the company, or did so in the past."""

    type: str | None = None
    date_from: date | None = None
    date_to: date | None = None
    natures_of_control: tuple[str, ...] | None = None


@attrs.frozen(kw_only=True)
class CompanyOwner(Model):
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
class Owners(Model):
    """Present and past owners of the company."""

    people: tuple[PersonOwner, ...] | None = None
    companies: tuple[CompanyOwner, ...] | None = None


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
    industry_codes: tuple[IndustryCode, ...] | None = None
    officers: Officers | None = None
    owners: Owners | None = None
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
class RegistryRequest(RegistryRequestSummary):
    """A request for registry data, without the data.

    `company_registry.retrieve(request_id)` returns the data.
    """

    company_id: str | None = None
    picklist: tuple[RegistryMatch, ...] | None = None
    """The companies that match, if the status is `TooManyResults`."""

    async def resolve(self, choice: RegistryMatch | int) -> "RegistryRequest":
        """Request the data of one company from the picklist, as `resolve_picklist` does.

        May cost credits: never retried automatically once Sikoia may have processed it.

        Args:
            choice: an item of the picklist, or its `index`.

        Returns:
            A new request, with its own `request_id`.

        Raises:
            ConfigurationError: the status is not `TooManyResults`, or this model was not returned
                by a client.
        """
        request: RegistryRequest = await self._resolver()(choice)
        return request


@attrs.frozen(kw_only=True)
class RegistryReport(RegistryRequest):
    """A request for registry data with the data."""

    data: RegistryData | None = None
    """None unless the status is `Complete`."""


@attrs.frozen(kw_only=True)
class RegistryRequests(Model):
    """All requests for a company's registry data."""

    company_id: str | None = None
    registry_data_requests: tuple[RegistryRequestSummary, ...] | None = None


class CompanyRegistry(Resource):
    """Company data from official registers, as `sikoia.company_registry`."""

    async def request(
        self,
        *,
        company_id: str,
        company_number: str | None = None,
        company_name: str | None = None,
        country_code: str | None = None,
    ) -> RegistryRequest:
        """Look a company up in its register (`POST /v2/company-registry-data`).

        Sikoia has finished when it responds; `retrieve` returns the data. If several companies
        match, the status is `TooManyResults`: call `resolve` on the request with an item of its
        `picklist`.

        May cost credits: never retried automatically once Sikoia may have processed it.

        Args:
            company_id: the company in a case to store the data with.
            company_number: the number to look up; the company's own by default.
            company_name: the name to look up; the company's own by default.
            country_code: ISO 3166-1 alpha-2, such as `GB`; the company's own by default.

        Returns:
            The request, without the data.

        Raises:
            InvalidRequestError: the company does not exist, or the country is not recognised.
            UnprocessableRequestError: the company has no number or country, and none was given.
            InsufficientPermissionsError: no credits left, or registry data is not enabled for you.
        """
        request = await self._api.buy(
            "/v2/company-registry-data",
            RegistryRequest,
            body={
                "company_id": validate_id("company_id", company_id),
                **validate_strings(company_number=company_number, company_name=company_name),
                **validate_codes(country_code=country_code),
            },
        )
        return with_resolver(request, self.resolve_picklist)

    async def list(self, company_id: str) -> RegistryRequests:
        """List the requests for a company (`GET /v2/companies/{company_id}/registry-data`).

        Raises:
            ResourceNotFoundError: the company does not exist.
        """
        return await self._api.get(
            "/v2/companies/{company_id}/registry-data", RegistryRequests, company_id=company_id
        )

    async def retrieve(self, request_id: str) -> RegistryReport:
        """Return a request with its data (`GET /v2/company-registry-data/{request_id}`).

        Raises:
            ResourceNotFoundError: the request does not exist.
        """
        report = await self._api.get(
            "/v2/company-registry-data/{request_id}", RegistryReport, request_id=request_id
        )
        return with_resolver(report, self.resolve_picklist)

    def operation(self, request_id: str) -> Operation[RegistryReport]:
        """Return the operation of an earlier request, to wait for its data.

        Sikoia usually finishes these requests before it responds, so one poll is enough.
        `TooManyResults` is a result too. Waits up to 300 s by default.

        Raises:
            ArgumentError: the id is not valid.
        """
        request_id = validate_id("request_id", request_id)
        return self._api.operation(
            _OPERATION, (request_id,), lambda api: CompanyRegistry(api).retrieve(request_id)
        )

    async def resolve_picklist(
        self, request_id: str, picklist_index: RegistryMatch | int
    ) -> RegistryRequest:
        """Choose a company from a picklist (`POST /v2/company-registry-data/picklist`).

        May cost credits: never retried automatically once Sikoia may have processed it.

        Args:
            request_id: the request whose status is `TooManyResults`.
            picklist_index: an item of its picklist, or the item's `index`.

        Returns:
            A new request, with its own `request_id`.

        Raises:
            ArgumentError: the item or the index is not valid.
            InvalidRequestError: the request has no picklist, or its company was deleted.
            InsufficientPermissionsError: no credits left, or registry data is not enabled for you.
        """
        request = await self._api.buy(
            "/v2/company-registry-data/picklist",
            RegistryRequest,
            body={
                "request_id": validate_id("request_id", request_id),
                "picklist_index": validate_choice(picklist_index),
            },
        )
        return with_resolver(request, self.resolve_picklist)

    async def search(
        self,
        *,
        company_name: str,
        jurisdiction_code: str | None = None,
        country_code: str | None = None,
        exclude_inactive: bool | None = None,
        company_id: str | None = None,
        items_per_page: int | None = None,
    ) -> Matches:
        """Search registers for companies by name (`POST /v2/company-registry-data/search`).

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


def _matches(
    companies: tuple[RegistryMatch, ...], response: ResponseInfo, *, reason: str | None = None
) -> Matches:
    matches = Matches(companies)
    vars(matches).update(_response=response, reason=reason)
    return matches


_OPERATION = OperationKind(
    name="company-registry",
    done=frozenset({"Complete", "TooManyResults"}),
    running=frozenset(),
    opener=lambda api, ids: CompanyRegistry(api).operation(*ids),
)
OPERATION_KINDS = (_OPERATION,)
