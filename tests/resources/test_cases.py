"""Cases, companies and persons, against the local Sikoia."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from sikoia_async import (
    CaseOwner,
    CompanyUpdate,
    ConfigurationError,
    InvalidRequestError,
    NewAddress,
    NewCompany,
    NewPerson,
    PersonUpdate,
    ResourceDeletedError,
    Sikoia,
)
from sikoia_async.models import Entity
from sikoia_async.resources.cases import Case
from sikoia_async.sandbox import Sandbox
from sikoia_async.testing import client_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def sikoia() -> Iterator[Sikoia]:
    """Make a client of a new local Sikoia, which has no cases."""
    with Sandbox() as sandbox:
        yield client_of(sandbox, interval=None)


_ACME = NewCompany(company_name="Acme Ltd", company_number="12345678", jurisdiction_code="GB")
_WILMA = NewPerson(
    first_name="Wilma",
    last_name="Example",
    email="wilma@example.com",
    date_of_birth=date(1985, 6, 12),
    postal_address=NewAddress(house_number="1", city="Testtown", country="GB"),
)


async def create_case(client: Sikoia) -> Case:
    """Create a case with a company and a person."""
    return await client.cases.create(
        name="Acme Ltd loan",
        case_type="Business",
        reference="LOAN-1",
        companies=[_ACME],
        persons=[_WILMA],
    )


async def test_a_case_is_created_with_its_entities(sikoia: Sikoia) -> None:
    """The response has the fields that were sent, the ids, and the defaults."""
    async with sikoia as client:
        case = await create_case(client)

    assert (case.name, case.case_type, case.stage) == ("Acme Ltd loan", "Business", "New")
    assert (case.reference, case.source, case.number_of_companies) == ("LOAN-1", "API", 1)
    assert case.companies is not None
    assert case.companies[0].company_number == "12345678"
    assert case.persons is not None
    assert case.persons[0].date_of_birth == date(1985, 6, 12)
    assert case.persons[0].postal_address is not None
    assert case.persons[0].postal_address.city == "Testtown"
    assert case.response.status == 201


async def test_datetimes_have_a_time_zone(sikoia: Sikoia) -> None:
    """Both of the API's formats become aware datetimes of the same moment."""
    async with sikoia as client:
        case = await create_case(client)
        (summary,) = await client.cases.list()

    assert case.datetime_created is not None
    assert summary.datetime_created is not None
    assert case.datetime_created.utcoffset() == datetime.now(UTC).utcoffset()
    assert abs((case.datetime_created - summary.datetime_created).total_seconds()) < 0.001


@pytest.mark.parametrize(
    "fields", ["", ', "companies": null', ', "companies": [], "persons": null']
)
async def test_a_case_without_entities_has_empty_lists(fields: str) -> None:
    """Whether Sikoia leaves them out, or sends null, which is not counted as drift."""

    async def respond(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=f'{{"case_id": "c-1"{fields}}}')

    transport = httpx.MockTransport(respond)
    async with Sikoia(token="t", quota=None, transport=transport) as client:
        case = await client.cases.retrieve("c-1")

    assert (case.companies, case.persons) == ((), ())
    assert case.response.unread == {}
    assert client.drift == {}


async def test_a_case_that_was_made_has_empty_lists() -> None:
    """Also if it was given None, as JSON may have it."""
    nothing: Any = None

    for case in (Case(case_id="c-1"), Case(case_id="c-1", companies=nothing, persons=nothing)):
        assert (case.companies, case.persons) == ((), ())


async def test_a_case_is_found_by_its_reference(sikoia: Sikoia) -> None:
    """As the page recommends after a crash: by keyword, and then exactly."""
    async with sikoia as client:
        case = await create_case(client)
        await client.cases.create(name="of LOAN-1", case_type="Business", reference="LOAN-12")
        found = await client.cases.list(keyword="LOAN-1")

    assert len(found) == 2
    assert [one.case_id for one in found if one.reference == "LOAN-1"] == [case.case_id]


async def test_a_case_is_retrieved(sikoia: Sikoia) -> None:
    """The retrieved case equals the created one: the response does not count for equality."""
    async with sikoia as client:
        created = await create_case(client)
        retrieved = await client.cases.retrieve(created.case_id)

    assert retrieved == created
    assert retrieved.response != created.response


async def test_filters_take_one_value_or_several(sikoia: Sikoia) -> None:
    """A filter is one value, or several of which any matches."""
    async with sikoia as client:
        new, approved = await create_case(client), await create_case(client)
        await client.cases.update(approved.case_id, stage="Approved")
        one = await client.cases.list(stage="Approved")
        both = await client.cases.list(stage=["Approved", "New"], case_type="Business")
        none = await client.cases.list(keyword="nowhere")

    assert [case.case_id for case in one] == [approved.case_id]
    assert {case.case_id for case in both} == {new.case_id, approved.case_id}
    assert none == ()


async def test_a_comma_in_a_filter_is_refused(sikoia: Sikoia) -> None:
    """A comma separates values on the wire, so a value cannot contain one."""
    async with sikoia as client:
        with pytest.raises(ConfigurationError, match="keyword: expected one or more"):
            await client.cases.list(keyword="Example, Wilma")


async def test_an_empty_string_clears_a_field(sikoia: Sikoia) -> None:
    """Fields left out stay as they are, and `""` clears a field."""
    async with sikoia as client:
        case = await create_case(client)
        updated = await client.cases.update(case.case_id, reference="", description="Vans")

    assert not updated.reference
    assert (updated.name, updated.description) == ("Acme Ltd loan", "Vans")


async def test_owners_are_sent_as_models(sikoia: Sikoia) -> None:
    """A list of models is a list of objects on the wire."""
    async with sikoia as client:
        case = await create_case(client)
        user = (await client.users.list())[0]
        owner = CaseOwner(owner_id=user.user_id, owner_type="User")
        updated = await client.cases.update(case.case_id, ownership=[owner])

    assert updated.ownership == (owner,)


@pytest.mark.parametrize("method", ["update", "add_entities", "update_entities", "remove_entities"])
async def test_a_change_without_fields_is_refused(sikoia: Sikoia, method: str) -> None:
    """Nothing is sent, and the error names the possible arguments."""
    async with sikoia as client:
        with pytest.raises(ConfigurationError, match="nothing to send: expected at least one of"):
            await getattr(client.cases, method)("c-1")


async def test_a_deleted_case_cannot_be_retrieved(sikoia: Sikoia) -> None:
    """The error says that the case was deleted."""
    async with sikoia as client:
        case = await create_case(client)
        await client.cases.delete(case.case_id)
        with pytest.raises(ResourceDeletedError):
            await client.cases.retrieve(case.case_id)


async def test_entities_are_added_changed_and_removed(sikoia: Sikoia) -> None:
    """Each change returns the whole case."""
    async with sikoia as client:
        case = await client.cases.create(name="Acme Ltd loan", case_type="Business")
        case = await client.cases.add_entities(case.case_id, companies=[_ACME], persons=[_WILMA])
        assert case.companies
        assert case.persons
        company, person = case.companies[0], case.persons[0]
        changed = await client.cases.update_entities(
            case.case_id,
            companies=[CompanyUpdate(company_id=company.company_id, company_name="Acme plc")],
            persons=[PersonUpdate(person_id=person.person_id, email="", date_of_birth="")],
        )
        emptied = await client.cases.remove_entities(
            case.case_id, companies=[company.company_id], persons=[person.person_id]
        )

    assert changed.companies is not None
    assert changed.companies[0].company_name == "Acme plc"
    assert changed.persons is not None
    assert not changed.persons[0].email
    assert changed.persons[0].date_of_birth is None
    assert (emptied.companies, emptied.persons) == ((), ())


async def test_a_rejected_field_is_named(sikoia: Sikoia) -> None:
    """The error has Sikoia's `detail`, which names the field."""
    async with sikoia as client:
        with pytest.raises(InvalidRequestError) as caught:
            await client.cases.create(name=" ", case_type="Business")

    assert caught.value.detail is not None
    assert "name" in caught.value.detail


async def test_models_are_entities(sikoia: Sikoia) -> None:
    """A case, a company and a person can be passed to any method that takes an entity."""
    async with sikoia as client:
        case = await create_case(client)

    assert case.companies
    assert case.persons
    assert case.entity == Entity("case", case.case_id)
    assert case.companies[0].entity.in_path == "Companies"
    assert case.persons[0].entity.type == "person"


@pytest.mark.parametrize("case_id", ["", ".", "..", "a/b", "../users", "a\n", "a?b", "ü"])
async def test_an_id_that_changes_the_path_is_refused(sikoia: Sikoia, case_id: str) -> None:
    """Nothing is sent for an id that is not valid."""
    async with sikoia as client:
        with pytest.raises(ConfigurationError, match="case: not a valid id"):
            await client.cases.retrieve(case_id)


async def test_a_string_is_refused_as_a_list_of_ids(sikoia: Sikoia) -> None:
    """Each of its characters would otherwise be sent as an id."""
    async with sikoia as client:
        with pytest.raises(TypeError, match="companies: expected a list"):
            await client.cases.remove_entities("c-1", companies="c-2")
