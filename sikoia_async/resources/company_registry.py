"""What official registers know of companies: people, owners, accounts, charges, filings.

Source: the operations named in each method.
"""

from datetime import date, datetime
from typing import Literal

import attrs

from sikoia_async._calls.api import Api
from sikoia_async._errors import ConfigurationError, ResourceNotFoundError
from sikoia_async._validation import (
    validate_flags,
    validate_id,
    validate_id_or_none,
    validate_required_strings,
    validate_strings,
    validate_whole,
)
from sikoia_async.models import PERSONAL, Items, Model, Open, ResponseInfo
from sikoia_async.operations.operation import Operation
from sikoia_async.operations.registry import OperationKind
from sikoia_async.resources._picklists import OfficialAddress, WithPicklist, bind, chosen

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
_Day = date  # a field called `date` hides the type from its own class


@attrs.frozen(kw_only=True)
class RegistryMatch(Model):
    """A company that may be the one looked for."""

    index: int | None = None
    """Its place in the list, which is what `resolve_picklist` asks for."""
    company_name: str | None = None
    company_number: str | None = None
    company_status: str | None = None
    provider_id: str | None = None
    """The data provider's own id of the company."""
    date_established: date | None = None
    country_code: str | None = None
    """Two letters of ISO 3166, such as `GB`."""
    branch_status: str | None = None
    official_address: OfficialAddress | None = None


class Matches(Items[RegistryMatch]):
    """What a search found. It may be empty, and then it knows why."""

    reason: str | None = None
    """What Sikoia said where nothing matched; None where something did."""


@attrs.frozen(kw_only=True)
class RegistrySummaryInfo(Model):
    """What the register says in short."""

    has_insolvency_history: bool | None = None


@attrs.frozen(kw_only=True)
class PreviousCompanyName(Model):
    """A name that the company has given up."""

    company_name: str | None = None
    date_from: date | None = None
    date_to: date | None = None


@attrs.frozen(kw_only=True)
class LastAccounts(Model):
    """The accounts that were filed last."""

    made_up_to: date | None = None
    period_start: date | None = None
    period_end: date | None = None
    type: str | None = None


@attrs.frozen(kw_only=True)
class NextAccounts(Model):
    """The accounts that are to be filed next."""

    overdue: bool | None = None
    period_start: date | None = None
    period_end: date | None = None
    due_date: date | None = None


@attrs.frozen(kw_only=True)
class RegistryAccounts(Model):
    """When accounts were filed, and when they are due."""

    last_accounts: LastAccounts | None = None
    next_accounts: NextAccounts | None = None


@attrs.frozen(kw_only=True)
class IndustryCode(Model):
    """What the company does, in the register's classification."""

    code: str | None = None
    description: str | None = None


@attrs.frozen(kw_only=True)
class RegistryPerson(Model):
    """What the register has of any person. Some registers tell the birth's year and month only."""

    source_id: str | None = attrs.field(default=None, **PERSONAL)
    """The register's own id of the person."""
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
    """A person who holds, or held, an office of the company."""

    officer_role: str | None = None
    date_appointed: date | None = None
    date_resigned: date | None = None
    status: str | None = None
    tax_id: str | None = attrs.field(default=None, **PERSONAL)
    occupation: str | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class CompanyOfficer(Model):
    """A company that holds, or held, an office of the company."""

    source_id: str | None = None
    """The register's own id of the officer."""
    officer_role: str | None = None
    date_appointed: date | None = None
    date_resigned: date | None = None
    status: str | None = None
    name: str | None = None
    address: OfficialAddress | None = None
    occupation: str | None = None


@attrs.frozen(kw_only=True)
class Officers(Model):
    """Who holds, or held, an office of the company."""

    people: tuple[PersonOfficer, ...] | None = None
    companies: tuple[CompanyOfficer, ...] | None = None


@attrs.frozen(kw_only=True)
class PersonOwner(RegistryPerson):
    """A person who owns or controls the company, or did."""

    type: str | None = None
    date_from: date | None = None
    date_to: date | None = None
    natures_of_control: tuple[str, ...] | None = None


@attrs.frozen(kw_only=True)
class CompanyOwner(Model):
    """A company that owns or controls the company, or did."""

    source_id: str | None = None
    """The register's own id of the owner."""
    name: str | None = None
    type: str | None = None
    date_from: date | None = None
    date_to: date | None = None
    natures_of_control: tuple[str, ...] | None = None
    address: OfficialAddress | None = None


@attrs.frozen(kw_only=True)
class Owners(Model):
    """Who owns or controls the company, or did."""

    people: tuple[PersonOwner, ...] | None = None
    companies: tuple[CompanyOwner, ...] | None = None


@attrs.frozen(kw_only=True)
class Filing(Model):
    """A document that was filed with the register."""

    category: str | None = None
    description: str | None = attrs.field(default=None, **PERSONAL)
    """May name people: `Appointment of … as a director`, say."""
    type: str | None = None
    filing_date: date | None = None


@attrs.frozen(kw_only=True)
class ChargeNote(Model):
    """A kind and a text: of a charge's details, its classification, or what it secures."""

    type: str | None = None
    description: str | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class ChargeTransaction(Model):
    """A filing about a charge."""

    filing_type: str | None = None
    delivered_on: date | None = None


@attrs.frozen(kw_only=True)
class PersonEntitled(Model):
    """Who may call on a charge: a bank, as a rule."""

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
    """A step of an insolvency."""

    date: _Day | None = None
    type: str | None = None


@attrs.frozen(kw_only=True)
class Insolvency(Model):
    """An insolvency, and its steps."""

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
    """All that the register knows of a company."""

    company_name: str | None = None
    company_number: str | None = None
    status: Open[RegistryStatus] | None = None
    """Sikoia's own reading of `registry_status`. `Restricted` is also a dormant company, one in
    administration or liquidation, or one with odd filings; `Closed` is also a merged one."""
    registry_status: str | None = None
    registry_name: str | None = None
    registry_url: str | None = None
    data_provider: str | None = None
    generic_legal_form: str | None = None
    """Sikoia's own reading of `registry_legal_form`, such as `Limited Company`."""
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
    """A request for registry data, as lists show it."""

    request_id: str
    status: Open[RegistryRequestStatus] | None = None
    """`TooManyResults` offers a picklist. `Failed` is a result as well: `message` says why."""
    datetime_requested: datetime | None = None
    message: str | None = attrs.field(default=None, **PERSONAL)
    company_number: str | None = None
    company_name: str | None = None
    country_code: str | None = None


@attrs.frozen(kw_only=True)
class RegistryRequest(RegistryRequestSummary):
    """A request for registry data, as it is answered."""

    company_id: str | None = None
    picklist: tuple[RegistryMatch, ...] | None = None
    """The companies that match, where the status is `TooManyResults`."""

    async def resolve(self, choice: RegistryMatch | int) -> "RegistryRequest":
        """Ask for one company of the picklist, as `CompanyRegistry.resolve_picklist` does.

        Raises:
            ConfigurationError: there is nothing to resolve, or the answer has lost its client.
        """
        answer: RegistryRequest = await self._resolver()(choice)
        return answer


@attrs.frozen(kw_only=True)
class RegistryReport(RegistryRequest):
    """A request for registry data, with the data."""

    data: RegistryData | None = None
    """None unless the status is `Complete`."""


@attrs.frozen(kw_only=True)
class RegistryRequests(Model):
    """The requests for registry data of a company."""

    company_id: str | None = None
    registry_data_requests: tuple[RegistryRequestSummary, ...] | None = None


@attrs.frozen
class CompanyRegistry:
    """`sikoia.company_registry`."""

    _api: Api

    async def request(
        self,
        *,
        company_id: str,
        company_number: str | None = None,
        company_name: str | None = None,
        country_code: str | None = None,
    ) -> RegistryRequest:
        """Look a company up in its register (`POST /v2/company-registry-data`).

        The work is done when the answer comes; `retrieve` gives the data. Where several companies
        match, the status is `TooManyResults`: `resolve` the answer with one of its `picklist`.
        May cost credits: it is never sent twice on our own initiative.

        Args:
            company_id: the company of a case that the data is kept with.
            company_number: the company's own if left out, like its name and country.
            company_name: the name to look for.
            country_code: two letters of ISO 3166.

        Raises:
            InvalidRequestError: there is no such company, or no such country.
            UnprocessableRequestError: the company has no number or country, and none was given.
            InsufficientPermissionsError: there are no credits left, or this is not enabled.
        """
        answer = await self._api.buy(
            "/v2/company-registry-data",
            RegistryRequest,
            body={
                "company_id": validate_id("company_id", company_id),
                **validate_strings(
                    company_number=company_number,
                    company_name=company_name,
                    country_code=country_code,
                ),
            },
        )
        return bind(answer, self.resolve_picklist)

    async def list(self, company_id: str) -> RegistryRequests:
        """Return a company's requests (`GET /v2/companies/{company_id}/registry-data`).

        Raises:
            ResourceNotFoundError: there is no such company.
        """
        return await self._api.get(
            "/v2/companies/{company_id}/registry-data", RegistryRequests, company_id=company_id
        )

    async def retrieve(self, request_id: str) -> RegistryReport:
        """Return a request with its data (`GET /v2/company-registry-data/{request_id}`).

        Raises:
            ResourceNotFoundError: there is no such request.
        """
        report = await self._api.get(
            "/v2/company-registry-data/{request_id}", RegistryReport, request_id=request_id
        )
        return bind(report, self.resolve_picklist)

    def operation(self, request_id: str) -> Operation[RegistryReport]:
        """Return the operation of a request, whose result is its data.

        Sikoia answers such requests when their work is done, so it is as a rule asked once. A list
        to pick from (`TooManyResults`) is a result, too. It waits for 300 s if not told otherwise.

        Raises:
            ConfigurationError: this is no id.
        """
        validate_id("request_id", request_id)
        return self._api.operation(
            _OPERATION, (request_id,), lambda api: CompanyRegistry(api).retrieve(request_id)
        )

    async def resolve_picklist(
        self, request_id: str, picklist_index: RegistryMatch | int
    ) -> RegistryRequest:
        """Choose a company of a picklist (`POST /v2/company-registry-data/picklist`).

        The answer is a new request. May cost credits: it is never sent twice on our own initiative.

        Args:
            request_id: the request that ended as `TooManyResults`.
            picklist_index: an item of its picklist, or the item's `index`.

        Raises:
            InvalidRequestError: the request has no picklist, or its company was deleted.
            InsufficientPermissionsError: there are no credits left, or this is not enabled.
        """
        answer = await self._api.buy(
            "/v2/company-registry-data/picklist",
            RegistryRequest,
            body={
                "request_id": validate_id("request_id", request_id),
                "picklist_index": chosen(picklist_index),
            },
        )
        return bind(answer, self.resolve_picklist)

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
        """Search registers for a company by name (`POST /v2/company-registry-data/search`).

        Nothing is kept with the company. Sikoia answers 404 where nothing matches; here that is an
        empty result with its `reason`, also where `company_id` is given: to one that is not there
        it answers 400. May cost credits: it is never sent twice on our own
        initiative.

        Args:
            company_name: the name to look for.
            jurisdiction_code: a country, or a state such as `US_DE`; goes before the country.
            country_code: two letters of ISO 3166; give it or the jurisdiction.
            exclude_inactive: whether to leave out companies that are no longer active.
            company_id: the company of a case that the search is for.
            items_per_page: how many matches at most; 100 if left out.

        Raises:
            ConfigurationError: neither jurisdiction nor country was given.
            InvalidRequestError: there is no such company, or no such country.
            ResourceDeletedError: the company was deleted.
            InsufficientPermissionsError: there are no credits left, or this is not enabled.
        """
        if jurisdiction_code is None and country_code is None:
            msg = "give a jurisdiction_code, a country_code, or both"
            raise ConfigurationError(msg)
        if items_per_page is not None:
            validate_whole("items_per_page", items_per_page, least=1)
        try:
            found = await self._api.buy(
                "/v2/company-registry-data/search",
                Items[RegistryMatch],
                query={"items_per_page": items_per_page},
                body={
                    **validate_required_strings(company_name=company_name),
                    **validate_strings(
                        jurisdiction_code=jurisdiction_code, country_code=country_code
                    ),
                    **validate_flags(exclude_inactive=exclude_inactive),
                    "company_id": validate_id_or_none("company_id", company_id),
                },
            )
        except ResourceNotFoundError as error:
            # Not every 404 says that nothing matched: the address may be wrong, say.
            if error.type != "ResourceNotFound":
                raise
            call = attrs.asdict(error.call, recurse=False)
            response = ResponseInfo(status=error.status, **call)
            return _matches((), response, reason=error.detail or error.title)
        return _matches(found, found.response)


def _matches(
    found: tuple[RegistryMatch, ...], response: ResponseInfo, *, reason: str | None = None
) -> Matches:
    matches = Matches(found)
    vars(matches).update(_response=response, reason=reason)
    return matches


_OPERATION = OperationKind(
    name="company-registry", done=frozenset({"Complete", "TooManyResults"}), running=frozenset()
)
