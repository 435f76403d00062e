"""Cases, and the companies and persons in them.

Sources: https://docs.sikoia.com/docs/case-management-1, and the operation named in each method.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final, Literal

import attrs

from sikoia_async._schema.standard import as_day
from sikoia_async._validation import (
    validate_filters,
    validate_ids,
    validate_known,
    validate_known_filters,
    validate_required,
    validate_required_strings,
    validate_strings,
)
from sikoia_async.models import PERSONAL, Entity, Items, Model, Open
from sikoia_async.resources._request_models import CODE, ID, validate_models
from sikoia_async.resources._resource import Resource
from sikoia_async.resources._subjects import Subject

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
_PERSONAL_DAY: Final[dict[str, Any]] = {**PERSONAL, "converter": as_day}


@attrs.frozen(kw_only=True)
class Owner(Model):
    """The user responsible for a case."""

    owner_id: str | None = None
    """The `user_id` of a `User`."""
    owner_type: Open[OwnerType] | None = None
    """Always `User`."""


@attrs.frozen(kw_only=True)
class NewAddress(Model):
    """A postal address to send. Use `""` to clear a field."""

    house_number: str | None = attrs.field(default=None, **PERSONAL)
    building_name: str | None = attrs.field(default=None, **PERSONAL)
    sub_building_name: str | None = attrs.field(default=None, **PERSONAL)
    address_line_1: str | None = attrs.field(default=None, **PERSONAL)
    """Usually the street."""
    address_line_2: str | None = attrs.field(default=None, **PERSONAL)
    locality: str | None = attrs.field(default=None, **PERSONAL)
    city: str | None = attrs.field(default=None, **PERSONAL)
    post_code: str | None = attrs.field(default=None, **PERSONAL)
    country: str | None = None
    """ISO 3166-1 alpha-2, such as `GB`."""


@attrs.frozen(kw_only=True)
class Address(NewAddress):
    """A postal address as Sikoia returns it."""

    summary_line: str | None = attrs.field(default=None, **PERSONAL)
    """The whole address in one line."""


@attrs.frozen(kw_only=True)
class NewCompany(Model):
    """A company to add to a case."""

    company_name: str
    company_number: str | None = None
    """The company's registration number."""
    jurisdiction_code: str | None = attrs.field(default=None, **CODE)
    """Country code, with the state if there is one: `GB`, `US_DE`."""
    registry_search: bool | None = None
    """Look the company up in its register, which needs its name, number and jurisdiction. If it is
    found, `status`, `number_of_officers` and `number_of_owners` are filled in; if not, it is added
    as given."""
    add_directors: bool | None = None
    """Also add the officers who are persons to the case. Needs `registry_search`."""


@attrs.frozen(kw_only=True)
class NewPerson(Model):
    """A person to add to a case."""

    first_name: str = attrs.field(**PERSONAL)
    last_name: str = attrs.field(**PERSONAL)
    email: str | None = attrs.field(default=None, **PERSONAL)
    postal_address: NewAddress | None = None
    date_of_birth: date | None = attrs.field(default=None, **_PERSONAL_DAY)
    """Of a `datetime`, the day in its own time zone is sent."""
    employer: str | None = attrs.field(default=None, **PERSONAL)
    is_officer: bool | None = None
    """Whether the person is an officer of the employer. The specification marks this field as
    read-only, yet its example request includes it."""
    reference_person_id: str | None = attrs.field(default=None, **PERSONAL)
    """Your own id for the person."""


@attrs.frozen(kw_only=True)
class CompanyUpdate(Model):
    """Changes to a company in a case. Fields left out stay as they are; `""` clears a field."""

    company_id: str = attrs.field(**ID)
    company_name: str | None = None
    company_number: str | None = None
    jurisdiction_code: str | None = attrs.field(default=None, **CODE)


@attrs.frozen(kw_only=True)
class PersonUpdate(Model):
    """Changes to a person in a case. Fields left out stay as they are; `""` clears a field."""

    person_id: str = attrs.field(**ID)
    first_name: str | None = attrs.field(default=None, **PERSONAL)
    last_name: str | None = attrs.field(default=None, **PERSONAL)
    email: str | None = attrs.field(default=None, **PERSONAL)
    postal_address: NewAddress | None = None
    date_of_birth: date | Literal[""] | None = attrs.field(default=None, **_PERSONAL_DAY)
    """Of a `datetime`, the day in its own time zone is sent."""
    employer: str | None = attrs.field(default=None, **PERSONAL)
    reference_person_id: str | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class Company(Model):
    """A company in a case."""

    company_id: str
    company_name: str | None = None
    company_number: str | None = None
    jurisdiction_code: str | None = None
    """Country code, with the state if there is one: `GB`, `US_DE`."""
    status: str | None = None
    """The status in the register, such as `Active`; `unknown` without a registry search."""
    number_of_officers: int | None = None
    number_of_owners: int | None = None
    media_adverse_requested: bool | None = None
    """Deprecated by Sikoia."""
    pep_sanction_requested: bool | None = None
    """Deprecated by Sikoia."""

    @property
    def entity(self) -> Entity:
        """This company, for methods that take an entity."""
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
    """Your own id for the person."""
    media_adverse_requested: bool | None = None
    """Deprecated by Sikoia."""
    pep_sanction_requested: bool | None = None
    """Deprecated by Sikoia."""

    @property
    def entity(self) -> Entity:
        """This person, for methods that take an entity."""
        return Entity("person", self.person_id)


@attrs.frozen(kw_only=True)
class CaseSummary(Model):
    """A case as it appears in lists, without its companies and persons."""

    case_id: str
    name: str | None = attrs.field(default=None, **PERSONAL)
    case_type: Open[CaseType] | None = None
    stage: Open[CaseStage] | None = None
    datetime_created: datetime | None = None
    datetime_last_modified: datetime | None = None
    reference: str | None = attrs.field(default=None, **PERSONAL)
    """Your own id for the case."""
    reference_customer_id: str | None = attrs.field(default=None, **PERSONAL)
    """Your own id for the customer."""
    reference_customer_name: str | None = attrs.field(default=None, **PERSONAL)
    description: str | None = attrs.field(default=None, **PERSONAL)
    source: str | None = None
    """Where the case was created; `API` unless set otherwise."""
    owner: str | None = attrs.field(default=None, **PERSONAL)
    """Deprecated by Sikoia: use `ownership`."""
    ownership: tuple[Owner, ...] | None = None
    number_of_companies: int | None = None
    number_of_persons: int | None = None

    @property
    def entity(self) -> Entity:
        """This case, for methods that take an entity."""
        return Entity("case", self.case_id)


@attrs.frozen(kw_only=True)
class Case(CaseSummary):
    """A case with its companies and persons."""

    companies: tuple[Company, ...] | None = None
    persons: tuple[Person, ...] | None = None


class Cases(Resource):
    """Cases with their companies and persons, as `sikoia.cases`."""

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
        """List cases, without their companies and persons (`GET /v2/cases`).

        Without filters it returns all cases. A case has to match every filter given; a filter with
        several values matches any of them.

        Args:
            case_type: a type, or a list of types.
            stage: a stage, or a list of stages.
            source: a source, or a list of sources.
            owner: deprecated by Sikoia: use `owner_id`.
            owner_id: the id of a user, or a list of ids.
            keyword: a part of the name, reference or description, or a list of such parts.

        Raises:
            ConfigurationError: a type or a stage is not known.
        """
        return await self._api.get(
            "/v2/cases",
            Items[CaseSummary],
            query={
                **validate_known_filters(CaseType, case_type=case_type),
                **validate_known_filters(CaseStage, stage=stage),
                **validate_filters(source=source, owner=owner, owner_id=owner_id, keyword=keyword),
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
        """Create a case, optionally with companies and persons (`POST /v2/cases`).

        Args:
            name: the name of the case; must not be empty.
            case_type: `Business` or `Consumer`.
            stage: the stage of the case; `New` by default.
            reference: your own id for the case.
            reference_customer_id: your own id for the customer.
            reference_customer_name: the customer's name.
            owner: deprecated by Sikoia: use `ownership`.
            ownership: the users responsible for the case.
            description: free text about the case.
            source: where the case comes from; `API` by default.
            companies: companies to add.
            persons: persons to add.

        Returns:
            The case with its companies and persons.

        Raises:
            ConfigurationError: `case_type`, `stage` or a field of a model is not valid.
            InvalidRequestError: Sikoia rejected a field; `detail` names it.
        """
        return await self._api.post(
            "/v2/cases",
            Case,
            body={
                **validate_required_strings(name=name),
                **validate_known(CaseType, case_type=validate_required("case_type", case_type)),
                **validate_known(CaseStage, stage=stage),
                **validate_strings(
                    reference=reference,
                    reference_customer_id=reference_customer_id,
                    reference_customer_name=reference_customer_name,
                    owner=owner,
                    description=description,
                    source=source,
                ),
                "ownership": validate_models("ownership", ownership, Owner),
                "companies": validate_models("companies", companies, NewCompany),
                "persons": validate_models("persons", persons, NewPerson),
            },
        )

    async def retrieve(self, case: CaseSummary | str, /) -> Case:
        """Return a case with its companies and persons (`GET /v2/cases/{case_id}`).

            case = await sikoia.cases.retrieve(case_id)

        Args:
            case: the case, or its id.

        Raises:
            ConfigurationError: the argument is neither a case nor a valid id.
            ResourceNotFoundError: the case does not exist. If it was deleted, this is a
                ResourceDeletedError.
        """
        return await self._api.get("/v2/cases/{case_id}", Case, case_id=_CASE.id_of(case))

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

        Fields left out stay as they are; `""` clears a field.

        Raises:
            ConfigurationError: no field to change was given, or `stage` is not known; it cannot be
                cleared.
            ResourceNotFoundError: the case does not exist.
        """
        return await self._api.patch(
            "/v2/cases/{case_id}",
            Case,
            body={
                **validate_known(CaseStage, stage=stage),
                **validate_strings(
                    name=name,
                    reference=reference,
                    reference_customer_id=reference_customer_id,
                    reference_customer_name=reference_customer_name,
                    description=description,
                    source=source,
                    owner=owner,
                ),
                "ownership": validate_models("ownership", ownership, Owner),
            },
            case_id=case_id,
        )

    async def delete(self, case_id: str) -> None:
        """Delete a case (`DELETE /v2/cases/{case_id}`).

        Deletes its companies, persons and documents too.

        Raises:
            ResourceNotFoundError: the case does not exist.
        """
        await self._api.delete("/v2/cases/{case_id}", case_id=case_id)

    async def add_entities(
        self,
        case_id: str,
        *,
        companies: Sequence[NewCompany] | None = None,
        persons: Sequence[NewPerson] | None = None,
    ) -> Case:
        """Add companies and persons to a case (`POST /v2/cases/{case_id}/entities`).

        Args:
            case_id: the case.
            companies: companies to add.
            persons: persons to add.

        Returns:
            The whole case.

        Raises:
            ConfigurationError: no company or person was given.
            ResourceNotFoundError: the case does not exist.
        """
        # An empty list is left out of the body, so that giving only empty lists is refused.
        return await self._api.post(
            "/v2/cases/{case_id}/entities",
            Case,
            body={
                "companies": validate_models("companies", companies, NewCompany) or None,
                "persons": validate_models("persons", persons, NewPerson) or None,
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
        """Change companies and persons in a case (`PATCH /v2/cases/{case_id}/entities`).

        Fields left out stay as they are; `""` clears a field.

        Args:
            case_id: the case.
            companies: the companies to change, by `company_id`.
            persons: the persons to change, by `person_id`.

        Returns:
            The whole case.

        Raises:
            ConfigurationError: no company or person was given.
            ResourceNotFoundError: the case does not exist.
        """
        return await self._api.patch(
            "/v2/cases/{case_id}/entities",
            Case,
            body={
                "companies": validate_models("companies", companies, CompanyUpdate) or None,
                "persons": validate_models("persons", persons, PersonUpdate) or None,
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
        """Delete companies and persons from a case (`POST /v2/cases/{case_id}/entities/delete`).

        This cannot be undone.

        Args:
            case_id: the case.
            companies: ids of the companies to delete.
            persons: ids of the persons to delete.

        Returns:
            The whole case.

        Raises:
            ConfigurationError: no company or person was given.
            ResourceNotFoundError: the case does not exist.
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


_CASE: Final = Subject("case", "case_id", CaseSummary)
