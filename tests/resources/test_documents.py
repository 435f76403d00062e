"""Documents against the local Sikoia: up, looked at, down again, and checked."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

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
from sikoia_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio

_CLOCK = SimpleNamespace(now=0.0)
_FILE = b"%PDF-1.7\n" + bytes(range(256)) * 400


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Run a local Sikoia whose clock the tests turn."""
    with Sandbox(clock=lambda: _CLOCK.now, work_time=5, limit=10_000, token_life=10**6) as running:
        yield running


async def _case(client: Sikoia) -> Case:
    return await client.cases.create(
        name="Loan",
        case_type="Business",
        companies=[NewCompany(company_name="Placeholder Widgets Ltd")],
        persons=[NewPerson(first_name="Wilma", last_name="Example")],
    )


async def _person(client: Sikoia) -> Entity:
    case = await _case(client)
    assert case.persons
    return case.persons[0].entity


async def test_a_document_comes_back_as_it_went(sikoia: Sikoia, tmp_path: Path) -> None:
    """What is uploaded from a path is what both ways of getting it give."""
    source, target = tmp_path / "March.pdf", tmp_path / "copy.pdf"
    source.write_bytes(_FILE)
    async with sikoia as client:
        person = await _person(client)
        document = await client.documents.upload(person, source, document_type="Payslip")
        read = await client.documents.retrieve(document.document_id)
        content = await client.download(document.document_uri)
        size = await client.save(read.document_uri, target)

    assert content == target.read_bytes() == _FILE
    assert size == len(_FILE)
    assert (document.file_name, document.display_name) == ("March.pdf", "March.pdf")
    assert (document.file_type, document.status) == (".pdf", "Complete")
    assert (document.entity_type, document.entity_id) == ("person", person.id)
    assert document.response.status == 201
    assert read.document_uri != document.document_uri
    assert document.datetime_created == read.datetime_created == read.date_created


async def test_bytes_are_uploaded_with_a_name(sikoia: Sikoia) -> None:
    """Bytes bring no name of their own, and may have one that is shown."""
    async with sikoia as client:
        document = await client.documents.upload(
            await _case(client), _FILE, file_name="a.pdf", display_name="Rent"
        )

    assert (document.file_name, document.display_name) == ("a.pdf", "Rent")
    assert document.document_type is None


async def test_what_it_is_is_found_out(sikoia: Sikoia) -> None:
    """The finding comes after the work, beside what the caller said."""
    async with sikoia as client:
        uploaded = await client.documents.upload(
            await _person(client), _FILE, document_type="Contract", file_name="payslip.pdf"
        )
        _CLOCK.now += 5
        (listed,) = await client.documents.list(Entity("person", str(uploaded.entity_id)))

    assert (uploaded.document_type, uploaded.sikoia_document_type) == ("Contract", None)
    assert (listed.document_type, listed.sikoia_document_type) == ("Contract", "Payslip")


async def test_a_deleted_document_is_gone(sikoia: Sikoia) -> None:
    """After deleting, the error says that it was there once."""
    async with sikoia as client:
        person = await _person(client)
        document = await client.documents.upload(person, _FILE, file_name="a.pdf")
        await client.documents.delete(document.document_id)
        with pytest.raises(ResourceDeletedError):
            await client.documents.retrieve(document.document_id)

        assert await client.documents.list(person) == ()


async def test_a_link_is_over_after_ten_minutes(sikoia: Sikoia) -> None:
    """Retrieving the document again gives a new one."""
    async with sikoia as client:
        person = await _person(client)
        document = await client.documents.upload(person, _FILE, file_name="a.pdf")
        _CLOCK.now += 600
        with pytest.raises(LinkExpiredError, match="retrieve what it came with again"):
            await client.download(document.document_uri)
        again = await client.documents.retrieve(document.document_id)

        assert await client.download(again.document_uri) == _FILE


async def test_an_integrity_check_takes_its_time(sikoia: Sikoia) -> None:
    """It begins by itself, is pending, and then has rules."""
    async with sikoia as client:
        person = await _person(client)
        document = await client.documents.upload(
            person, _FILE, document_type="BankStatement", file_name="tampered.pdf"
        )
        pending = await client.documents.integrity_check(document.document_id)
        _CLOCK.now += 5
        done = await client.documents.integrity_check(document.document_id)
        listed = await client.documents.integrity_checks(person)

    assert (pending.status, pending.datetime_completed, pending.rules) == ("Pending", None, None)
    assert done.status == "Complete"
    assert [rule.decision for rule in done.rules or ()].count("Fail") == 1
    assert done.datetime_requested == document.datetime_created
    assert listed.integrity_check_requests
    assert listed.integrity_check_requests[0].integrity_type_id == done.integrity_type_id
    assert (listed.entity_id, listed.entity_type) == (person.id, "person")


async def test_documents_of_companies_are_not_checked(sikoia: Sikoia) -> None:
    """There is none to be found."""
    async with sikoia as client:
        case = await _case(client)
        assert case.companies
        document = await client.documents.upload(
            case.companies[0], _FILE, document_type="BankStatement", file_name="a.pdf"
        )
        with pytest.raises(ResourceNotFoundError):
            await client.documents.integrity_check(document.document_id)
        listed = await client.documents.integrity_checks(case.companies[0])

    assert listed.integrity_check_requests == ()


async def test_a_stranger_is_no_entity(sikoia: Sikoia) -> None:
    """Uploading for nobody is an invalid request, and listing finds nothing."""
    async with sikoia as client:
        nobody = Entity("person", "nobody")
        with pytest.raises(InvalidRequestError):
            await client.documents.upload(nobody, _FILE, file_name="a.pdf")
        with pytest.raises(ResourceNotFoundError):
            await client.documents.list(nobody)


async def test_a_bad_file_is_refused_before_it_is_sent(sikoia: Sikoia) -> None:
    """The client has not even asked for a token."""
    async with sikoia as client:
        with pytest.raises(ConfigurationError, match="file: the file is empty"):
            await client.documents.upload(Entity("person", "p-1"), b"", file_name="a.pdf")


async def test_a_repr_shows_neither_names_nor_link(sikoia: Sikoia) -> None:
    """A link grants access, and a name may be a person's."""
    async with sikoia as client:
        document = await client.documents.upload(
            await _person(client), _FILE, file_name="Wilma.pdf", display_name="Wilma's"
        )

    assert "Wilma" not in repr(document)
    assert "sig=" not in repr(document)
    assert document.document_id in repr(document)
