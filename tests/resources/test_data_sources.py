"""Data sources, against the local Sikoia."""

from collections.abc import Iterator
from typing import Any

import pytest

from sikoia_async import ArgumentTypeError, NewPerson, ResourceNotFoundError, Sikoia
from sikoia_async.models import Entity
from sikoia_async.resources.cases import Person
from sikoia_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio

UNKNOWN = Entity("case", "00000000-0000-4000-8000-000000000000")
_WILMA = NewPerson(first_name="Wilma", last_name="Example")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Run a sandbox in which everything is done at once."""
    with Sandbox(work_time=0) as one:
        yield one


async def _upload(client: Sikoia, person: Person) -> str:
    document = await client.documents.upload(
        person, b"%PDF-", display_name="Payslip of Wilma Example", file_name="payslip.pdf"
    )
    return document.document_id


async def test_documents_and_accounts_are_sources(sikoia: Sikoia) -> None:
    """A case has the sources of its persons: what they uploaded, and what they connected."""
    async with sikoia as client:
        case = await client.cases.create(name="Loan", case_type="Consumer", persons=[_WILMA])
        assert case.persons
        person = case.persons[0]
        document_id = await _upload(client, person)
        await client.banking.connect(person)
        account = (await client.banking.accounts(person))[0]
        found = await client.data_sources.list(case)

    assert (found.entity_id, found.entity_type) == (case.case_id, "case")
    assert found.response.status == 200
    assert found.data_sources is not None
    payslip, current, savings = found.data_sources
    assert (payslip.source_id, payslip.source_category_type) == (document_id, "Document")
    assert (payslip.source_type, payslip.status) == ("Payslip", "Complete")
    assert payslip.provided_date is not None
    assert (payslip.source_date, payslip.start_date) == (payslip.provided_date.date(), None)
    assert current.source_id == account.account_connection_id
    assert (current.source_type, savings.source_category_type) == ("BankAccount", "OpenBanking")
    assert current.provided_date == account.datetime_connected
    assert current.end_date is not None


async def test_what_is_personal_is_not_in_a_repr(sikoia: Sikoia) -> None:
    """Documents are often called after people, and payslips name them."""
    async with sikoia as client:
        case = await client.cases.create(name="Loan", case_type="Consumer", persons=[_WILMA])
        assert case.persons
        await _upload(client, case.persons[0])
        found = await client.data_sources.list(case.persons[0])

    assert found.data_sources
    assert found.data_sources[0].recipient == "Wilma Example"
    assert "Wilma" not in repr(found)


async def test_nobody_has_no_sources(sikoia: Sikoia) -> None:
    """Sikoia says 404 to an entity that it does not know."""
    async with sikoia as client:
        with pytest.raises(ResourceNotFoundError):
            await client.data_sources.list(UNKNOWN)


async def test_what_is_no_entity_is_refused(sikoia: Sikoia) -> None:
    """An id alone does not tell whose it is; nothing is sent."""
    no_entity: Any = UNKNOWN.id

    async with sikoia as client:
        with pytest.raises(ArgumentTypeError, match="entity"):
            await client.data_sources.list(no_entity)
