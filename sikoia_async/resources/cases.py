"""Cases, and the companies and persons in them.

Sources: https://docs.sikoia.com/docs/case-management-1, and the operation named in each method.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, cast, get_args, overload
from uuid import UUID

import attrs

from sikoia_async._errors import ArgumentError
from sikoia_async._schema.standard import as_day
from sikoia_async._validation import (
    LIST_TYPES,
    plain_id,
    plain_id_or_none,
    validate_filters,
    validate_known,
    validate_known_filters,
    validate_required,
    validate_required_strings,
    validate_strings,
)
from sikoia_async.models import PERSONAL, Entity, Items, Model, Open
from sikoia_async.operations.statuses import is_among
from sikoia_async.resources._request_models import CODE, ID, validate_models
from sikoia_async.resources._resource import Resource
from sikoia_async.resources._subjects import Subject

if TYPE_CHECKING:
    from typing_extensions import deprecated
else:

    def deprecated(message: str) -> Any:
        """Mark an overload, as PEP 702 says; type checkers and editors show it."""

        def mark(function: Any) -> Any:
            function.__deprecated__ = message
            return function

        return mark


__all__ = [
    "Address",
    "Case",
    "CaseOwner",
    "CaseStage",
    "CaseSummary",
    "CaseType",
    "Cases",
    "Company",
    "CompanyUpdate",
    "NewAddress",
    "NewCompany",
    "NewPerson",
    "OwnerType",
    "Person",
    "PersonUpdate",
]

CaseType = Literal["Business", "Consumer"]
"""The type of a case: `Business` or `Consumer`."""
CaseStage = Literal[
    "New",
    "InProgressWaitingCustomer",
    "InProgressNeedsReview",
    "Approved",
    "Rejected",
    "Dormant",
]
"""The stage of a case: `New`, `InProgressWaitingCustomer`, `InProgressNeedsReview`, `Approved`,
`Rejected` or `Dormant`."""
OwnerType = Literal["User"]
"""The type of an owner of a case: `User`."""
_PERSONAL_DAY: Final[dict[str, Any]] = {**PERSONAL, "converter": as_day}


def _owner_type(value: OwnerType | None) -> OwnerType | None:
    """Return the value: only the type counts, so that callers give one of the known values."""
    return value


@attrs.frozen(kw_only=True)
class CaseOwner(Model):
    """The user responsible for a case."""

    owner_id: str | None = attrs.field(default=None, converter=plain_id_or_none)
    """The `user_id` of a `User`."""
    owner_type: Open[OwnerType] | None = attrs.field(default=None, converter=_owner_type)
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
    reference_person_id: str | None = attrs.field(
        default=None, converter=plain_id_or_none, **PERSONAL
    )
    """Your own id for the person."""


@attrs.frozen(kw_only=True)
class CompanyUpdate(Model):
    """Changes to a company in a case. Fields left out stay as they are; `""` clears a field."""

    company_id: str = attrs.field(converter=plain_id, **ID)
    company_name: str | None = None
    company_number: str | None = None
    jurisdiction_code: str | None = attrs.field(default=None, **CODE)


@attrs.frozen(kw_only=True)
class PersonUpdate(Model):
    """Changes to a person in a case. Fields left out stay as they are; `""` clears a field."""

    person_id: str = attrs.field(converter=plain_id, **ID)
    first_name: str | None = attrs.field(default=None, **PERSONAL)
    last_name: str | None = attrs.field(default=None, **PERSONAL)
    email: str | None = attrs.field(default=None, **PERSONAL)
    postal_address: NewAddress | None = None
    date_of_birth: date | Literal[""] | None = attrs.field(default=None, **_PERSONAL_DAY)
    """Of a `datetime`, the day in its own time zone is sent."""
    employer: str | None = attrs.field(default=None, **PERSONAL)
    reference_person_id: str | None = attrs.field(
        default=None, converter=plain_id_or_none, **PERSONAL
    )


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
    ownership: tuple[CaseOwner, ...] | None = None
    number_of_companies: int | None = None
    number_of_persons: int | None = None

    @property
    def entity(self) -> Entity:
        """This case, for methods that take an entity."""
        return Entity("case", self.case_id)


# Decoding does not run converters: they are for models that callers make.
def _companies(value: tuple[Company, ...] | None) -> tuple[Company, ...]:
    return value or ()


def _persons(value: tuple[Person, ...] | None) -> tuple[Person, ...]:
    return value or ()


@attrs.frozen(kw_only=True)
class Case(CaseSummary):
    """A case with its companies and persons."""

    companies: tuple[Company, ...] = attrs.field(default=(), converter=_companies)
    """Empty if there are none; never None."""
    persons: tuple[Person, ...] = attrs.field(default=(), converter=_persons)
    """Empty if there are none; never None."""


class Cases(Resource):
    """Cases with their companies and persons, as `sikoia.cases`."""

    @overload
    async def list(
        self,
        *,
        case_type: CaseType | Sequence[CaseType] | None = ...,
        stage: CaseStage | Sequence[CaseStage] | None = ...,
        source: str | Sequence[str] | None = ...,
        owner_id: str | UUID | Sequence[str | UUID] | None = ...,
        keyword: str | Sequence[str] | None = ...,
    ) -> Items[CaseSummary]: ...
    @overload
    @deprecated("owner is deprecated by Sikoia: use owner_id")
    async def list(
        self,
        *,
        case_type: CaseType | Sequence[CaseType] | None = ...,
        stage: CaseStage | Sequence[CaseStage] | None = ...,
        source: str | Sequence[str] | None = ...,
        owner: str | Sequence[str] | None,
        owner_id: str | UUID | Sequence[str | UUID] | None = ...,
        keyword: str | Sequence[str] | None = ...,
    ) -> Items[CaseSummary]: ...
    async def list(
        self,
        *,
        case_type: CaseType | Sequence[CaseType] | None = None,
        stage: CaseStage | Sequence[CaseStage] | None = None,
        source: str | Sequence[str] | None = None,
        owner: str | Sequence[str] | None = None,
        owner_id: str | UUID | Sequence[str | UUID] | None = None,
        keyword: str | Sequence[str] | None = None,
    ) -> Items[CaseSummary]:
        """List cases, without their companies and persons (`GET /v2/cases`).

            waiting = await sikoia.cases.list(stage=["New", "InProgressNeedsReview"])

        Without filters it returns all cases. A case must match every filter; a filter with several
        values matches any of them. To find a `reference`, use `keyword` and compare the `reference`
        of each result, because `keyword` also matches parts of other fields.

        Args:
            case_type: a type, or a list of types.
            stage: a stage, or a list of stages.
            source: a source, or a list of sources.
            owner: deprecated by Sikoia: use `owner_id`.
            owner_id: the id of a user, or a list of ids.
            keyword: a part of the name, reference or description, or a list of such parts.

        Returns:
            The cases, with the response they came in.

        Raises:
            ArgumentError: a type or a stage is not known.
            InvalidRequestError: Sikoia rejected a filter; `detail` names it.
        """
        return await self._api.get(
            "/v2/cases",
            Items[CaseSummary],
            query={
                **validate_known_filters(CaseType, case_type=case_type),
                **validate_known_filters(CaseStage, stage=stage),
                **validate_filters(
                    source=source, owner=owner, owner_id=_plain_ids(owner_id), keyword=keyword
                ),
            },
        )

    @overload
    async def create(
        self,
        *,
        name: str,
        case_type: CaseType,
        stage: CaseStage | None = ...,
        reference: str | None = ...,
        reference_customer_id: str | UUID | None = ...,
        reference_customer_name: str | None = ...,
        ownership: Sequence[CaseOwner] | None = ...,
        description: str | None = ...,
        source: str | None = ...,
        companies: Sequence[NewCompany] | None = ...,
        persons: Sequence[NewPerson] | None = ...,
    ) -> Case: ...
    @overload
    @deprecated("owner is deprecated by Sikoia: use ownership")
    async def create(
        self,
        *,
        name: str,
        case_type: CaseType,
        stage: CaseStage | None = ...,
        reference: str | None = ...,
        reference_customer_id: str | UUID | None = ...,
        reference_customer_name: str | None = ...,
        owner: str | None,
        ownership: Sequence[CaseOwner] | None = ...,
        description: str | None = ...,
        source: str | None = ...,
        companies: Sequence[NewCompany] | None = ...,
        persons: Sequence[NewPerson] | None = ...,
    ) -> Case: ...
    async def create(
        self,
        *,
        name: str,
        case_type: CaseType,
        stage: CaseStage | None = None,
        reference: str | None = None,
        reference_customer_id: str | UUID | None = None,
        reference_customer_name: str | None = None,
        owner: str | None = None,
        ownership: Sequence[CaseOwner] | None = None,
        description: str | None = None,
        source: str | None = None,
        companies: Sequence[NewCompany] | None = None,
        persons: Sequence[NewPerson] | None = None,
    ) -> Case:
        """Create a case, optionally with companies and persons (`POST /v2/cases`).

            case = await sikoia.cases.create(
                name="Acme Ltd loan",
                case_type="Business",
                reference="LOAN-1",
                companies=[NewCompany(company_name="Acme Ltd")],
            )

        A request that may have arrived is not repeated, because that could create two cases. If
        `error.may_have_been_processed`, look for your `reference` before you create the case again:
        `cases.list(keyword=reference)`.

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
            ArgumentError: `case_type`, `stage` or a field of a model is not valid.
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
                    reference_customer_id=plain_id_or_none(reference_customer_id),
                    reference_customer_name=reference_customer_name,
                    owner=owner,
                    description=description,
                    source=source,
                ),
                "ownership": _owners(ownership),
                "companies": validate_models("companies", companies, NewCompany),
                "persons": validate_models("persons", persons, NewPerson),
            },
        )

    async def retrieve(self, case: CaseSummary | str | UUID, /) -> Case:
        """Return a case with its companies and persons (`GET /v2/cases/{case_id}`).

            case = await sikoia.cases.retrieve(case_id)

        Args:
            case: the case or its id.

        Raises:
            ArgumentError: the argument is neither a case nor a valid id.
            ResourceNotFoundError: the case does not exist. If it was deleted, this is a
                ResourceDeletedError.
        """
        return await self._api.get("/v2/cases/{case_id}", Case, case_id=_CASE.id_of(case))

    @overload
    async def update(
        self,
        case: CaseSummary | str | UUID,
        /,
        *,
        name: str | None = ...,
        stage: Open[CaseStage] | None = ...,
        reference: str | None = ...,
        reference_customer_id: str | UUID | None = ...,
        reference_customer_name: str | None = ...,
        description: str | None = ...,
        source: str | None = ...,
        ownership: Sequence[CaseOwner] | None = ...,
    ) -> Case: ...
    @overload
    @deprecated("owner is deprecated by Sikoia: use ownership")
    async def update(
        self,
        case: CaseSummary | str | UUID,
        /,
        *,
        name: str | None = ...,
        stage: Open[CaseStage] | None = ...,
        reference: str | None = ...,
        reference_customer_id: str | UUID | None = ...,
        reference_customer_name: str | None = ...,
        description: str | None = ...,
        source: str | None = ...,
        owner: str | None,
        ownership: Sequence[CaseOwner] | None = ...,
    ) -> Case: ...
    async def update(
        self,
        case: CaseSummary | str | UUID,
        /,
        *,
        name: str | None = None,
        stage: Open[CaseStage] | None = None,
        reference: str | None = None,
        reference_customer_id: str | UUID | None = None,
        reference_customer_name: str | None = None,
        description: str | None = None,
        source: str | None = None,
        owner: str | None = None,
        ownership: Sequence[CaseOwner] | None = None,
    ) -> Case:
        """Change fields of a case and return it (`PATCH /v2/cases/{case_id}`).

            case = await sikoia.cases.update(case, stage="Approved", description="")

        Fields left out stay as they are; `""` clears a field.

        Args:
            case: the case or its id.
            name: the name of the case.
            stage: the stage of the case, one of `CaseStage`; it cannot be cleared.
            reference: your own id for the case.
            reference_customer_id: your own id for the customer.
            reference_customer_name: the customer's name.
            description: free text about the case.
            source: where the case comes from.
            owner: deprecated by Sikoia: use `ownership`.
            ownership: the users responsible for the case, instead of all previous ones.

        Returns:
            The whole case.

        Raises:
            ArgumentError: no field to change was given, `stage` or a field of a model is not
                valid, or the argument is neither a case nor a valid id.
            InvalidRequestError: Sikoia rejected a field; `detail` names it.
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
                    reference_customer_id=plain_id_or_none(reference_customer_id),
                    reference_customer_name=reference_customer_name,
                    description=description,
                    source=source,
                    owner=owner,
                ),
                "ownership": _owners(ownership),
            },
            case_id=_CASE.id_of(case),
        )

    async def delete(self, case: CaseSummary | str | UUID, /) -> None:
        """Delete a case (`DELETE /v2/cases/{case_id}`).

            await sikoia.cases.delete(case)

        Deletes its companies, persons and documents too. This cannot be undone.

        Args:
            case: the case or its id.

        Raises:
            ArgumentError: the argument is neither a case nor a valid id.
            ResourceNotFoundError: the case does not exist.
        """
        await self._api.delete("/v2/cases/{case_id}", case_id=_CASE.id_of(case))

    async def add_entities(
        self,
        case: CaseSummary | str | UUID,
        /,
        *,
        companies: Sequence[NewCompany] | None = None,
        persons: Sequence[NewPerson] | None = None,
    ) -> Case:
        """Add companies and persons to a case (`POST /v2/cases/{case_id}/entities`).

            director = NewPerson(first_name="Wilma", last_name="Example")
            case = await sikoia.cases.add_entities(case, persons=[director])

        Args:
            case: the case or its id.
            companies: companies to add.
            persons: persons to add.

        Returns:
            The whole case.

        Raises:
            ArgumentError: no company or person was given, a field of a model is not valid, or
                the argument is neither a case nor a valid id.
            InvalidRequestError: Sikoia rejected a field; `detail` names it.
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
            case_id=_CASE.id_of(case),
        )

    async def update_entities(
        self,
        case: CaseSummary | str | UUID,
        /,
        *,
        companies: Sequence[CompanyUpdate] | None = None,
        persons: Sequence[PersonUpdate] | None = None,
    ) -> Case:
        """Change companies and persons in a case (`PATCH /v2/cases/{case_id}/entities`).

            change = PersonUpdate(person_id=person.person_id, email="wilma@example.com")
            case = await sikoia.cases.update_entities(case, persons=[change])

        Fields left out stay as they are; `""` clears a field.

        Args:
            case: the case or its id.
            companies: the companies to change, by `company_id`.
            persons: the persons to change, by `person_id`.

        Returns:
            The whole case.

        Raises:
            ArgumentError: no company or person was given, a field of a model is not valid, or
                the argument is neither a case nor a valid id.
            InvalidRequestError: Sikoia rejected a field; `detail` names it.
            ResourceNotFoundError: the case does not exist.
        """
        return await self._api.patch(
            "/v2/cases/{case_id}/entities",
            Case,
            body={
                "companies": validate_models("companies", companies, CompanyUpdate) or None,
                "persons": validate_models("persons", persons, PersonUpdate) or None,
            },
            case_id=_CASE.id_of(case),
        )

    async def remove_entities(
        self,
        case: CaseSummary | str | UUID,
        /,
        *,
        companies: Sequence[Company | str | UUID] | None = None,
        persons: Sequence[Person | str | UUID] | None = None,
    ) -> Case:
        """Delete companies and persons from a case (`POST /v2/cases/{case_id}/entities/delete`).

            case = await sikoia.cases.remove_entities(case, persons=[person])

        This cannot be undone.

        Args:
            case: the case or its id.
            companies: the companies to delete, or their ids.
            persons: the persons to delete, or their ids.

        Returns:
            The whole case.

        Raises:
            ArgumentError: no company or person was given, or an argument is neither such a
                model nor a valid id.
            InvalidRequestError: Sikoia rejected a field; `detail` names it.
            ResourceNotFoundError: the case does not exist.
        """
        return await self._api.post(
            "/v2/cases/{case_id}/entities/delete",
            Case,
            body={
                "companies": _COMPANY.ids_of("companies", companies) or None,
                "persons": _PERSON.ids_of("persons", persons) or None,
            },
            case_id=_CASE.id_of(case),
        )


def _plain_ids(ids: Any) -> Any:
    if isinstance(ids, LIST_TYPES):
        return [plain_id(one) for one in cast("list[str]", ids)]
    return plain_id(ids)


def _owners(owners: Sequence[CaseOwner] | None) -> Sequence[CaseOwner] | None:
    """Return owners after checking them. Sikoia also writes `user`, so any spelling is accepted."""
    for owner in validate_models("ownership", owners, CaseOwner) or ():
        if owner.owner_type is not None and not is_among(owner.owner_type, get_args(OwnerType)):
            msg = f"ownership: CaseOwner.owner_type: expected {' or '.join(get_args(OwnerType))}"
            raise ArgumentError(msg)
    return owners


_CASE: Final = Subject("case", "case_id", CaseSummary)
_COMPANY: Final = Subject("company", "company_id", Company)
_PERSON: Final = Subject("person", "person_id", Person)
