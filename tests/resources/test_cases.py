"""Cases, companies and persons, against the local Sikoia."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from sikoia_async import (
    CompanyUpdate,
    ConfigurationError,
    InvalidRequestError,
    NewAddress,
    NewCompany,
    NewPerson,
    Owner,
    PersonUpdate,
    ResourceDeletedError,
    Sikoia,
)
from sikoia_async.environments import local
from sikoia_async.models import Entity
from sikoia_async.resources.cases import Case
from sikoia_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio


@pytest.fixture
def sikoia() -> Iterator[Sikoia]:
    """Make a client of a local Sikoia that knows no case yet."""
    with Sandbox() as sandbox:
        yield Sikoia(
            sandbox.client_id,
            sandbox.client_secret,
            environment=local(sandbox.url),
            tls=sandbox.ca_file,
        )


_ACME = NewCompany(company_name="Acme Ltd", company_number="12345678", jurisdiction_code="GB")
_WILMA = NewPerson(
    first_name="Wilma",
    last_name="Example",
    email="wilma@example.com",
    date_of_birth=date(1985, 6, 12),
    postal_address=NewAddress(house_number="1", city="Testtown", country="GB"),
)


async def _create(client: Sikoia) -> Case:
    return await client.cases.create(
        name="Acme Ltd loan",
        case_type="Business",
        reference="LOAN-1",
        companies=[_ACME],
        persons=[_WILMA],
    )


async def test_a_case_is_created_whole(sikoia: Sikoia) -> None:
    """What is sent comes back, with ids and what Sikoia adds."""
    async with sikoia as client:
        case = await _create(client)

    assert (case.name, case.case_type, case.stage) == ("Acme Ltd loan", "Business", "New")
    assert (case.reference, case.source, case.number_of_companies) == ("LOAN-1", "API", 1)
    assert case.companies is not None
    assert case.companies[0].company_number == "12345678"
    assert case.persons is not None
    assert case.persons[0].date_of_birth == date(1985, 6, 12)
    assert case.persons[0].postal_address is not None
    assert case.persons[0].postal_address.city == "Testtown"
    assert case.response.status == 201


async def test_times_know_their_zone(sikoia: Sikoia) -> None:
    """Both of the API's styles of time become aware datetimes of the same moment."""
    async with sikoia as client:
        case = await _create(client)
        (summary,) = await client.cases.list()

    assert case.datetime_created is not None
    assert summary.datetime_created is not None
    assert case.datetime_created.utcoffset() == datetime.now(UTC).utcoffset()
    assert abs((case.datetime_created - summary.datetime_created).total_seconds()) < 0.001


async def test_a_case_is_read_again(sikoia: Sikoia) -> None:
    """The case retrieved equals the case created: the answer it came in does not count."""
    async with sikoia as client:
        created = await _create(client)
        read = await client.cases.retrieve(created.case_id)

    assert read == created
    assert read.response != created.response


async def test_filters_take_one_value_or_several(sikoia: Sikoia) -> None:
    """A filter is one value, or several of which any passes."""
    async with sikoia as client:
        new, approved = await _create(client), await _create(client)
        await client.cases.update(approved.case_id, stage="Approved")
        one = await client.cases.list(stage="Approved")
        both = await client.cases.list(stage=["Approved", "New"], case_type="Business")
        none = await client.cases.list(keyword="nowhere")

    assert [case.case_id for case in one] == [approved.case_id]
    assert {case.case_id for case in both} == {new.case_id, approved.case_id}
    assert none == ()


async def test_a_comma_in_a_filter_is_refused(sikoia: Sikoia) -> None:
    """A comma separates values on the wire, so it cannot be searched for."""
    async with sikoia as client:
        with pytest.raises(ConfigurationError, match="keyword: give one value, or several"):
            await client.cases.list(keyword="Example, Wilma")


async def test_an_empty_text_clears_a_field(sikoia: Sikoia) -> None:
    """What is left out stays, and `""` clears."""
    async with sikoia as client:
        case = await _create(client)
        updated = await client.cases.update(case.case_id, reference="", description="Vans")

    assert not updated.reference
    assert (updated.name, updated.description) == ("Acme Ltd loan", "Vans")


async def test_owners_are_sent_as_models(sikoia: Sikoia) -> None:
    """A list of models is a list of objects on the wire."""
    async with sikoia as client:
        case = await _create(client)
        user = (await client.users.list())[0]
        owner = Owner(owner_id=user.user_id, owner_type="User")
        updated = await client.cases.update(case.case_id, ownership=[owner])

    assert updated.ownership == (owner,)


@pytest.mark.parametrize("method", ["update", "add_entities", "update_entities", "remove_entities"])
async def test_nothing_to_change_says_so(sikoia: Sikoia, method: str) -> None:
    """A change without a field is refused before it is sent, naming what could be given."""
    async with sikoia as client:
        with pytest.raises(ConfigurationError, match="nothing to send: give at least one of"):
            await getattr(client.cases, method)("c-1")


async def test_a_deleted_case_is_gone(sikoia: Sikoia) -> None:
    """After deleting, the error says that the case was there once."""
    async with sikoia as client:
        case = await _create(client)
        await client.cases.delete(case.case_id)
        with pytest.raises(ResourceDeletedError):
            await client.cases.retrieve(case.case_id)


async def test_entities_are_added_changed_and_removed(sikoia: Sikoia) -> None:
    """Each change gives the whole case back."""
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


async def test_a_refused_field_is_named(sikoia: Sikoia) -> None:
    """Sikoia's detail is on the error."""
    async with sikoia as client:
        with pytest.raises(InvalidRequestError) as caught:
            await client.cases.create(name=" ", case_type="Business")

    assert caught.value.detail is not None
    assert "name" in caught.value.detail


async def test_models_are_entities(sikoia: Sikoia) -> None:
    """A case, a company and a person can be given wherever an entity is asked for."""
    async with sikoia as client:
        case = await _create(client)

    assert case.companies
    assert case.persons
    assert case.entity == Entity("case", case.case_id)
    assert case.companies[0].entity.in_path == "Companies"
    assert case.persons[0].entity.type == "person"


@pytest.mark.parametrize("case_id", ["", ".", "..", "a/b", "../users", "a\n", "a?b", "ü"])
async def test_an_id_that_leads_elsewhere_is_refused(sikoia: Sikoia, case_id: str) -> None:
    """Nothing is sent for an id that is none."""
    async with sikoia as client:
        with pytest.raises(ConfigurationError, match="case_id: not a valid id"):
            await client.cases.retrieve(case_id)


async def test_one_id_is_no_list_of_ids(sikoia: Sikoia) -> None:
    """A text for a list is refused: each of its letters would be taken for an id."""
    async with sikoia as client:
        with pytest.raises(TypeError, match="companies: expected a list"):
            await client.cases.remove_entities("c-1", companies="c-2")
