"""Data sources, against the local Sikoia."""

from collections.abc import Iterator
from typing import Any

import pytest
from workbench import UNKNOWN_ID

from sikoia_async import ArgumentTypeError, NewPerson, ResourceNotFoundError, Sikoia
from sikoia_async.models import Entity
from sikoia_async.resources.cases import Person
from sikoia_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio

UNKNOWN = Entity("case", UNKNOWN_ID)
_WILMA = NewPerson(first_name="Wilma", last_name="Example")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Run a local Sikoia in which work takes no time."""
    with Sandbox(work_time=0) as running:
        yield running


async def upload_payslip(client: Sikoia, person: Person) -> str:
    """Upload a payslip of a person, and return the document's id."""
    document = await client.documents.upload(
        person, b"%PDF-", display_name="Payslip of Wilma Example", file_name="payslip.pdf"
    )
    return document.document_id


async def test_documents_and_accounts_are_sources(sikoia: Sikoia) -> None:
    """A case has the sources of its persons: uploaded documents and connected accounts."""
    async with sikoia as client:
        case = await client.cases.create(name="Loan", case_type="Consumer", persons=[_WILMA])
        assert case.persons
        person = case.persons[0]
        document_id = await upload_payslip(client, person)
        await client.banking.connect(person)
        account = (await client.banking.accounts(person))[0]
        sources = await client.data_sources.list(case)

    assert sources.response.status == 200
    payslip, current, savings = sources
    assert (payslip.source_id, payslip.source_category_type) == (document_id, "Document")
    assert (payslip.source_type, payslip.status) == ("Payslip", "Complete")
    assert payslip.provided_date is not None
    assert (payslip.source_date, payslip.start_date) == (payslip.provided_date.date(), None)
    assert current.source_id == account.account_connection_id
    assert (current.source_type, savings.source_category_type) == ("BankAccount", "OpenBanking")
    assert current.provided_date == account.datetime_connected
    assert current.end_date is not None


async def test_reprs_mask_personal_data(sikoia: Sikoia) -> None:
    """Documents are often named after people, and payslips name them."""
    async with sikoia as client:
        case = await client.cases.create(name="Loan", case_type="Consumer", persons=[_WILMA])
        assert case.persons
        await upload_payslip(client, case.persons[0])
        sources = await client.data_sources.list(case.persons[0])

    assert sources[0].recipient == "Wilma Example"
    assert "Wilma" not in repr(sources)


async def test_an_unknown_entity_is_not_found(sikoia: Sikoia) -> None:
    """Sikoia returns 404."""
    async with sikoia as client:
        with pytest.raises(ResourceNotFoundError):
            await client.data_sources.list(UNKNOWN)


async def test_an_id_is_refused_as_an_entity(sikoia: Sikoia) -> None:
    """An id does not say what type of entity it belongs to, so nothing is sent."""
    case_id: Any = UNKNOWN.id

    async with sikoia as client:
        with pytest.raises(ArgumentTypeError, match="entity"):
            await client.data_sources.list(case_id)
