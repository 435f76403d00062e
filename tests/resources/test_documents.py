"""Documents, their files and their integrity checks, against the local Sikoia."""

from pathlib import Path

import pytest
from workbench import Workbench, create_person

from sikoia_async import (
    ConfigurationError,
    InvalidRequestError,
    LinkExpiredError,
    ResourceDeletedError,
    ResourceNotFoundError,
    Sikoia,
)
from sikoia_async.models import Entity
from sikoia_async.resources.cases import Case, NewCompany, NewPerson

pytestmark = pytest.mark.anyio

_FILE = b"%PDF-1.7\n" + bytes(range(256)) * 400


async def create_case(client: Sikoia) -> Case:
    """Create a case with a company and a person."""
    return await client.cases.create(
        name="Loan",
        case_type="Business",
        companies=[NewCompany(company_name="Placeholder Widgets Ltd")],
        persons=[NewPerson(first_name="Wilma", last_name="Example")],
    )


async def test_a_downloaded_file_equals_the_uploaded_one(sikoia: Sikoia, tmp_path: Path) -> None:
    """Both with `download` and with `save`."""
    source, target = tmp_path / "March.pdf", tmp_path / "copy.pdf"
    source.write_bytes(_FILE)
    async with sikoia as client:
        person = await create_person(client)
        document = await client.documents.upload(person, source, document_type="Payslip")
        retrieved = await client.documents.retrieve(document.document_id)
        content = await client.download(document.document_uri)
        size = await client.save(retrieved.document_uri, target)

    assert content == target.read_bytes() == _FILE
    assert size == len(_FILE)
    assert (document.file_name, document.display_name) == ("March.pdf", "March.pdf")
    assert (document.file_type, document.status) == (".pdf", "Complete")
    assert (document.entity_type, document.entity_id) == ("person", person.person_id)
    assert document.response.status == 201
    assert document.datetime_created == retrieved.datetime_created == retrieved.date_created


async def test_bytes_are_uploaded_with_a_name(sikoia: Sikoia) -> None:
    """Bytes need a file name, and may have a display name."""
    async with sikoia as client:
        document = await client.documents.upload(
            await create_case(client), _FILE, file_name="a.pdf", display_name="Rent"
        )

    assert (document.file_name, document.display_name) == ("a.pdf", "Rent")
    assert document.document_type is None


async def test_a_document_is_classified(sikoia: Sikoia, workbench: Workbench) -> None:
    """Sikoia's type appears later, next to the type given at upload."""
    async with sikoia as client:
        uploaded = await client.documents.upload(
            await create_person(client), _FILE, document_type="Contract", file_name="payslip.pdf"
        )
        workbench.pass_time()
        (listed,) = await client.documents.list(Entity("person", str(uploaded.entity_id)))

    assert (uploaded.document_type, uploaded.sikoia_document_type) == ("Contract", None)
    assert (listed.document_type, listed.sikoia_document_type) == ("Contract", "Payslip")


async def test_a_deleted_document_cannot_be_retrieved(sikoia: Sikoia) -> None:
    """The error says that the document was deleted."""
    async with sikoia as client:
        person = await create_person(client)
        document = await client.documents.upload(person, _FILE, file_name="a.pdf")
        await client.documents.delete(document.document_id)
        with pytest.raises(ResourceDeletedError):
            await client.documents.retrieve(document.document_id)

        assert await client.documents.list(person) == ()


async def test_a_link_expires_after_ten_minutes(sikoia: Sikoia, workbench: Workbench) -> None:
    """Retrieving the document again returns a new link."""
    async with sikoia as client:
        person = await create_person(client)
        document = await client.documents.upload(person, _FILE, file_name="a.pdf")
        workbench.pass_time(600)
        with pytest.raises(LinkExpiredError, match="retrieve the model with the link again"):
            await client.download(document.document_uri)
        again = await client.documents.retrieve(document.document_id)

        assert await client.download(again.document_uri) == _FILE


async def test_an_integrity_check_starts_automatically(
    sikoia: Sikoia, workbench: Workbench
) -> None:
    """It is pending at first, and then has rules."""
    async with sikoia as client:
        person = await create_person(client)
        document = await client.documents.upload(
            person, _FILE, document_type="BankStatement", file_name="tampered.pdf"
        )
        pending = await client.documents.integrity_check(document.document_id)
        workbench.pass_time()
        done = await client.documents.integrity_check(document.document_id)
        listed = await client.documents.integrity_checks(person)

    assert (pending.status, pending.datetime_completed, pending.rules) == ("Pending", None, None)
    assert done.status == "Complete"
    assert [rule.decision for rule in done.rules or ()].count("Fail") == 1
    assert done.datetime_requested == document.datetime_created
    assert [one.integrity_type_id for one in listed] == [done.integrity_type_id]
    assert listed.response.status == 200


async def test_documents_of_companies_are_not_checked(sikoia: Sikoia) -> None:
    """Sikoia returns 404 for the check, and lists none."""
    async with sikoia as client:
        case = await create_case(client)
        assert case.companies
        document = await client.documents.upload(
            case.companies[0], _FILE, document_type="BankStatement", file_name="a.pdf"
        )
        with pytest.raises(ResourceNotFoundError):
            await client.documents.integrity_check(document.document_id)
        listed = await client.documents.integrity_checks(case.companies[0])

    assert len(listed) == 0


async def test_an_unknown_entity_is_refused(sikoia: Sikoia) -> None:
    """Sikoia returns 400 for an upload, and 404 for a list."""
    async with sikoia as client:
        unknown = Entity("person", "unknown")
        with pytest.raises(InvalidRequestError):
            await client.documents.upload(unknown, _FILE, file_name="a.pdf")
        with pytest.raises(ResourceNotFoundError):
            await client.documents.list(unknown)


async def test_an_empty_file_is_refused(sikoia: Sikoia) -> None:
    """Nothing is sent."""
    async with sikoia as client:
        with pytest.raises(ConfigurationError, match="file: the file is empty"):
            await client.documents.upload(Entity("person", "p-1"), b"", file_name="a.pdf")


async def test_reprs_mask_names_and_links(sikoia: Sikoia) -> None:
    """A link grants access, and a file name may be a person's."""
    async with sikoia as client:
        document = await client.documents.upload(
            await create_person(client), _FILE, file_name="Wilma.pdf", display_name="Wilma's"
        )

    assert "Wilma" not in repr(document)
    assert "sig=" not in repr(document)
    assert document.document_id in repr(document)
