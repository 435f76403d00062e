"""Cases, and the companies and persons in them.

Sources: https://docs.sikoia.com/docs/case-management-1, and the operations named in each method.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal

import attrs

from sikoia_async._calls.api import Api
from sikoia_async._validation import (
    validate_filters,
    validate_ids,
    validate_required_strings,
    validate_strings,
)
from sikoia_async.models import PERSONAL, Entity, Items, Model, Open
from sikoia_async.resources._request_models import checked_models

__all__ = [
    "Address",
    "Case",
    "CaseStage",
    "CaseSummary",
    "CaseType",
    "Cases",
    "Company",
    "CompanyUpdate",
    "NewAddress",
    "NewCompany",
    "NewPerson",
    "Owner",
    "OwnerType",
    "Person",
    "PersonUpdate",
]

CaseType = Literal["Business", "Consumer"]
CaseStage = Literal[
    "New",
    "InProgressWaitingCustomer",
    "InProgressNeedsReview",
    "Approved",
    "Rejected",
    "Dormant",
]
OwnerType = Literal["User"]


@attrs.frozen(kw_only=True)
class Owner(Model):
    """Who looks after a case."""

    owner_id: str | None = None
    """The user's id: `User.user_id`."""
    owner_type: Open[OwnerType] | None = None
    """Send `User`: there is no other kind."""


@attrs.frozen(kw_only=True)
class NewAddress(Model):
    """A postal address, as it is sent. To clear a part, send `""` for it."""

    house_number: str | None = attrs.field(default=None, **PERSONAL)
    building_name: str | None = attrs.field(default=None, **PERSONAL)
    sub_building_name: str | None = attrs.field(default=None, **PERSONAL)
    address_line_1: str | None = attrs.field(default=None, **PERSONAL)
    """The street, as a rule."""
    address_line_2: str | None = attrs.field(default=None, **PERSONAL)
    locality: str | None = attrs.field(default=None, **PERSONAL)
    city: str | None = attrs.field(default=None, **PERSONAL)
    post_code: str | None = attrs.field(default=None, **PERSONAL)
    country: str | None = None
    """Two letters of ISO 3166, such as `GB`."""


@attrs.frozen(kw_only=True)
class Address(NewAddress):
    """A postal address, as it comes back."""

    summary_line: str | None = attrs.field(default=None, **PERSONAL)
    """The whole address in one line."""


@attrs.frozen(kw_only=True)
class NewCompany(Model):
    """A company to add to a case."""

    company_name: str
    company_number: str | None = None
    """Its number in the register."""
    jurisdiction_code: str | None = None
    """Two letters of the country, and of the state where there is one: `GB`, `US_DE`."""
    registry_search: bool | None = None
    """Look it up in the register. Needs name, number and jurisdiction. A company that is not found
    is added as given; of one that is found, `status` and the numbers are filled in."""
    add_directors: bool | None = None
    """Add its human officers to the case, too. Needs `registry_search`."""


@attrs.frozen(kw_only=True)
class NewPerson(Model):
    """A person to add to a case."""

    first_name: str = attrs.field(**PERSONAL)
    last_name: str = attrs.field(**PERSONAL)
    email: str | None = attrs.field(default=None, **PERSONAL)
    postal_address: NewAddress | None = None
    date_of_birth: date | None = attrs.field(default=None, **PERSONAL)
    employer: str | None = attrs.field(default=None, **PERSONAL)
    is_officer: bool | None = None
    """Whether the person is an officer of the employer. The specification calls it read-only, and
    sends it in its example."""
    reference_person_id: str | None = attrs.field(default=None, **PERSONAL)
    """Your own id of the person."""


@attrs.frozen(kw_only=True)
class CompanyUpdate(Model):
    """What to change of a company in a case. To clear a field, send `""` for it."""

    company_id: str
    company_name: str | None = None
    company_number: str | None = None
    jurisdiction_code: str | None = None


@attrs.frozen(kw_only=True)
class PersonUpdate(Model):
    """What to change of a person in a case. To clear a field, send `""` for it."""

    person_id: str
    first_name: str | None = attrs.field(default=None, **PERSONAL)
    last_name: str | None = attrs.field(default=None, **PERSONAL)
    email: str | None = attrs.field(default=None, **PERSONAL)
    postal_address: NewAddress | None = None
    date_of_birth: date | Literal[""] | None = attrs.field(default=None, **PERSONAL)
    employer: str | None = attrs.field(default=None, **PERSONAL)
    reference_person_id: str | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class Company(Model):
    """A company in a case."""

    company_id: str
    company_name: str | None = None
    company_number: str | None = None
    jurisdiction_code: str | None = None
    """Two letters of the country, and of the state where there is one: `GB`, `US_DE`."""
    status: str | None = None
    """What the register says, such as `Active`; `unknown` where it was not asked."""
    number_of_officers: int | None = None
    number_of_owners: int | None = None
    media_adverse_requested: bool | None = None
    """Deprecated by the vendor."""
    pep_sanction_requested: bool | None = None
    """Deprecated by the vendor."""

    @property
    def entity(self) -> Entity:
        """This company, for methods that ask for an entity."""
        return Entity("company", self.company_id)


@attrs.frozen(kw_only=True)
class Person(Model):
    """A person in a case."""

    person_id: str
    first_name: str | None = attrs.field(default=None, **PERSONAL)
    last_name: str | None = attrs.field(default=None, **PERSONAL)
    name: str | None = attrs.field(default=None, **PERSONAL)
    """The full name."""
    email: str | None = attrs.field(default=None, **PERSONAL)
    postal_address: Address | None = None
    date_of_birth: date | None = attrs.field(default=None, **PERSONAL)
    employer: str | None = attrs.field(default=None, **PERSONAL)
    is_officer: bool | None = None
    """Whether the person is an officer of the employer."""
    appointments: str | None = attrs.field(default=None, **PERSONAL)
    reference_person_id: str | None = attrs.field(default=None, **PERSONAL)
    """Your own id of the person."""
    media_adverse_requested: bool | None = None
    """Deprecated by the vendor."""
    pep_sanction_requested: bool | None = None
    """Deprecated by the vendor."""

    @property
    def entity(self) -> Entity:
        """This person, for methods that ask for an entity."""
        return Entity("person", self.person_id)


@attrs.frozen(kw_only=True)
class CaseSummary(Model):
    """A case as lists show it: without its companies and persons."""

    case_id: str
    name: str | None = attrs.field(default=None, **PERSONAL)
    case_type: Open[CaseType] | None = None
    stage: Open[CaseStage] | None = None
    datetime_created: datetime | None = None
    datetime_last_modified: datetime | None = None
    reference: str | None = attrs.field(default=None, **PERSONAL)
    """Your own id of the case."""
    reference_customer_id: str | None = attrs.field(default=None, **PERSONAL)
    """Your own id of the customer whom the case is about."""
    reference_customer_name: str | None = attrs.field(default=None, **PERSONAL)
    description: str | None = attrs.field(default=None, **PERSONAL)
    source: str | None = None
    """Where the case came from; `API` unless you said something else."""
    owner: str | None = attrs.field(default=None, **PERSONAL)
    """Deprecated by the vendor: see `ownership`."""
    ownership: tuple[Owner, ...] | None = None
    number_of_companies: int | None = None
    number_of_persons: int | None = None

    @property
    def entity(self) -> Entity:
        """This case, for methods that ask for an entity."""
        return Entity("case", self.case_id)


@attrs.frozen(kw_only=True)
class Case(CaseSummary):
    """A case with its companies and persons."""

    companies: tuple[Company, ...] | None = None
    persons: tuple[Person, ...] | None = None


@attrs.frozen
class Cases:
    """`sikoia.cases`."""

    _api: Api

    async def list(
        self,
        *,
        case_type: CaseType | Sequence[CaseType] | None = None,
        stage: CaseStage | Sequence[CaseStage] | None = None,
        source: str | Sequence[str] | None = None,
        owner: str | Sequence[str] | None = None,
        owner_id: str | Sequence[str] | None = None,
        keyword: str | Sequence[str] | None = None,
    ) -> Items[CaseSummary]:
        """Return all cases, or those that pass every filter (`GET /v2/cases`).

        Args:
            case_type: one type, or several in a list: a case of any of them passes.
            stage: one stage, or several.
            source: one source, or several.
            owner: deprecated by the vendor: use `owner_id`.
            owner_id: the id of a user, or several.
            keyword: a text in the name, the reference or the description.
        """
        return await self._api.get(
            "/v2/cases",
            Items[CaseSummary],
            query={
                **validate_filters(
                    case_type=case_type,
                    stage=stage,
                    source=source,
                    owner=owner,
                    owner_id=owner_id,
                    keyword=keyword,
                )
            },
        )

    async def create(
        self,
        *,
        name: str,
        case_type: CaseType,
        stage: CaseStage | None = None,
        reference: str | None = None,
        reference_customer_id: str | None = None,
        reference_customer_name: str | None = None,
        owner: str | None = None,
        ownership: Sequence[Owner] | None = None,
        description: str | None = None,
        source: str | None = None,
        companies: Sequence[NewCompany] | None = None,
        persons: Sequence[NewPerson] | None = None,
    ) -> Case:
        """Create a case, with companies and persons if you like (`POST /v2/cases`).

        Args:
            name: the case's name; not empty.
            case_type: `Business` or `Consumer`.
            stage: `New` if left out.
            reference: your own id of the case.
            reference_customer_id: your own id of the customer.
            reference_customer_name: the customer's name.
            owner: deprecated by the vendor: use `ownership`.
            ownership: who looks after it.
            description: what it is about.
            source: `API` if left out.
            companies: companies to add.
            persons: persons to add.

        Raises:
            InvalidRequestError: Sikoia refused a field; the detail names it.
        """
        return await self._api.post(
            "/v2/cases",
            Case,
            body={
                **validate_required_strings(name=name, case_type=case_type),
                **validate_strings(
                    stage=stage,
                    reference=reference,
                    reference_customer_id=reference_customer_id,
                    reference_customer_name=reference_customer_name,
                    owner=owner,
                    description=description,
                    source=source,
                ),
                "ownership": checked_models("ownership", ownership, Owner),
                "companies": checked_models("companies", companies, NewCompany),
                "persons": checked_models("persons", persons, NewPerson),
            },
        )

    async def retrieve(self, case_id: str) -> Case:
        """Return a case with its companies and persons (`GET /v2/cases/{case_id}`).

        Raises:
            ResourceNotFoundError: there is no such case, or not any more (ResourceDeletedError).
        """
        return await self._api.get("/v2/cases/{case_id}", Case, case_id=case_id)

    async def update(
        self,
        case_id: str,
        *,
        name: str | None = None,
        stage: CaseStage | None = None,
        reference: str | None = None,
        reference_customer_id: str | None = None,
        reference_customer_name: str | None = None,
        description: str | None = None,
        source: str | None = None,
        owner: str | None = None,
        ownership: Sequence[Owner] | None = None,
    ) -> Case:
        """Change fields of a case and return it (`PATCH /v2/cases/{case_id}`).

        What is left out stays; `""` clears a field.

        Raises:
            ConfigurationError: there is nothing to change.
            ResourceNotFoundError: there is no such case.
        """
        return await self._api.patch(
            "/v2/cases/{case_id}",
            Case,
            body={
                **validate_strings(
                    name=name,
                    stage=stage,
                    reference=reference,
                    reference_customer_id=reference_customer_id,
                    reference_customer_name=reference_customer_name,
                    description=description,
                    source=source,
                    owner=owner,
                ),
                "ownership": checked_models("ownership", ownership, Owner),
            },
            case_id=case_id,
        )

    async def delete(self, case_id: str) -> None:
        """Delete a case with companies, persons and documents (`DELETE /v2/cases/{case_id}`).

        Raises:
            ResourceNotFoundError: there is no such case.
        """
        await self._api.delete("/v2/cases/{case_id}", case_id=case_id)

    async def add_entities(
        self,
        case_id: str,
        *,
        companies: Sequence[NewCompany] | None = None,
        persons: Sequence[NewPerson] | None = None,
    ) -> Case:
        """Add companies and persons to a case and return it (`POST /v2/cases/{case_id}/entities`).

        Raises:
            ConfigurationError: there is nothing to add.
            ResourceNotFoundError: there is no such case.
        """
        # An empty list says nothing: it is left out, and nothing but that is refused.
        return await self._api.post(
            "/v2/cases/{case_id}/entities",
            Case,
            body={
                "companies": checked_models("companies", companies, NewCompany) or None,
                "persons": checked_models("persons", persons, NewPerson) or None,
            },
            case_id=case_id,
        )

    async def update_entities(
        self,
        case_id: str,
        *,
        companies: Sequence[CompanyUpdate] | None = None,
        persons: Sequence[PersonUpdate] | None = None,
    ) -> Case:
        """Change companies and persons of a case (`PATCH /v2/cases/{case_id}/entities`).

        What is left out stays; `""` clears a field. Returns the whole case.

        Raises:
            ConfigurationError: there is nothing to change.
            ResourceNotFoundError: there is no such case.
        """
        return await self._api.patch(
            "/v2/cases/{case_id}/entities",
            Case,
            body={
                "companies": checked_models("companies", companies, CompanyUpdate) or None,
                "persons": checked_models("persons", persons, PersonUpdate) or None,
            },
            case_id=case_id,
        )

    async def remove_entities(
        self,
        case_id: str,
        *,
        companies: Sequence[str] | None = None,
        persons: Sequence[str] | None = None,
    ) -> Case:
        """Remove companies and persons for good (`POST /v2/cases/{case_id}/entities/delete`).

        Args:
            case_id: the case.
            companies: ids of companies.
            persons: ids of persons.

        Raises:
            ConfigurationError: there is nothing to remove.
            ResourceNotFoundError: there is no such case.
        """
        return await self._api.post(
            "/v2/cases/{case_id}/entities/delete",
            Case,
            body={
                "companies": validate_ids("companies", companies) or None,
                "persons": validate_ids("persons", persons) or None,
            },
            case_id=case_id,
        )
