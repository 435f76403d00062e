"""Identity verification, against the local Sikoia."""

from collections.abc import Iterator
from datetime import date
from types import SimpleNamespace

import pytest

from sikoia_async import (
    ConfigurationError,
    InvalidRequestError,
    NewPerson,
    OperationFailedError,
    ResourceNotFoundError,
    Sikoia,
)
from sikoia_async.operations.operation import Operation
from sikoia_async.resources.identity import IdentityReport
from sikoia_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def clock() -> SimpleNamespace:
    """Give the local Sikoia a clock that tests turn by hand."""
    return SimpleNamespace(now=0.0)


@pytest.fixture(scope="module")
def sandbox(clock: SimpleNamespace) -> Iterator[Sandbox]:
    """Run a local Sikoia for all tests of this module."""
    with Sandbox(clock=lambda: clock.now, limit=100_000) as running:
        yield running


async def _person(client: Sikoia, name: str = "Wilma Example") -> str:
    born = date(1985, 6, 12)
    first_name, last_name = name.split()
    person = NewPerson(first_name=first_name, last_name=last_name, date_of_birth=born)
    case = await client.cases.create(name="Loan", case_type="Consumer", persons=[person])
    assert case.persons
    return case.persons[0].person_id


async def _finished(
    operation: Operation[IdentityReport], clock: SimpleNamespace
) -> Operation[IdentityReport]:
    clock.now += 1
    await operation.refresh()
    return operation


async def test_a_person_is_verified(sikoia: Sikoia, clock: SimpleNamespace) -> None:
    """A request is pending at first; its report has the decision and what it rests on."""
    async with sikoia as client:
        person_id = await _person(client)
        operation = await client.identity.request(person_id, country_code="GB")
        assert operation.last
        pending, is_done = operation.last, operation.done
        report = (await _finished(operation, clock)).result()

    assert (pending.status, pending.data, is_done) == ("Pending", None, False)
    assert pending.response.status == 201
    assert pending.verification_url
    assert pending.direct_url
    assert (report.status, report.person_id) == ("Complete", person_id)
    assert report.datetime_completed is not None
    assert report.data is not None
    assert report.data.verification_status == "Approved"
    assert report.data.person is not None
    assert report.data.person.date_of_birth == date(1985, 6, 12)
    assert (report.data.person.birth_year, report.data.person.birth_day) == (1985, 12)
    assert report.data.document is not None
    assert report.data.document.date_of_issue is not None
    assert report.data.media is not None
    assert {one.uri_expiry_in_minutes for one in report.data.media} == {30}
    assert report.data.meta_data is not None
    assert report.data.meta_data.status_codes


async def test_the_direct_link_needs_a_country(sikoia: Sikoia) -> None:
    """Without one there is Sikoia's own link only."""
    async with sikoia as client:
        operation = await client.identity.request(await _person(client))

    assert operation.last
    assert operation.last.verification_url
    assert operation.last.direct_url is None


@pytest.mark.parametrize(
    ("name", "status", "decision"),
    [("Dora Declined", "Complete", "Declined"), ("Edgar Expired", "Expired", "NotCompleted")],
)
async def test_a_bad_end_is_a_result(
    sikoia: Sikoia, clock: SimpleNamespace, name: str, status: str, decision: str
) -> None:
    """Neither a decision against the person nor an expired request raises."""
    async with sikoia as client:
        operation = await client.identity.request(await _person(client, name))
        report = (await _finished(operation, clock)).result()

    assert report.status == status
    assert report.data is not None
    assert report.data.verification_status == decision


async def test_a_technical_failure_raises(sikoia: Sikoia, clock: SimpleNamespace) -> None:
    """The error has what was answered."""
    async with sikoia as client:
        operation = await client.identity.request(await _person(client, "Fiona Failed"))
        await _finished(operation, clock)
        with pytest.raises(OperationFailedError) as caught:
            operation.result()

    assert caught.value.result == operation.last
    assert "not to be reached" in str(caught.value.result.message)


async def test_requests_are_listed_and_retrieved(sikoia: Sikoia, clock: SimpleNamespace) -> None:
    """The newest comes first; filters take one value or several."""
    async with sikoia as client:
        person_id = await _person(client)
        older = await _finished(await client.identity.request(person_id), clock)
        newer = await client.identity.request(person_id)
        everything = await client.identity.list(person_id)
        complete = await client.identity.list(person_id, complete=True)
        one = await client.identity.list(person_id, verification_status="Declined")
        several = await client.identity.list(
            person_id, verification_status=["Approved", "Declined"]
        )
        report = await client.identity.retrieve(older.result().request_id)

    assert newer.last
    assert everything.person_id == person_id
    assert everything.identity_verification_requests
    ids = [listed.request_id for listed in everything.identity_verification_requests]
    assert ids == [newer.last.request_id, older.result().request_id]
    assert complete == several
    assert complete.identity_verification_requests
    assert complete.identity_verification_requests[0].verification_status == "Approved"
    assert one.identity_verification_requests == ()
    assert (report.request_id, report.status) == (ids[1], "Complete")


async def test_a_person_that_is_not_there(sikoia: Sikoia) -> None:
    """A request is refused, while lists and reports are not found."""
    async with sikoia as client:
        with pytest.raises(InvalidRequestError):
            await client.identity.request(NOBODY)
        with pytest.raises(ResourceNotFoundError):
            await client.identity.list(NOBODY)
        with pytest.raises(ResourceNotFoundError):
            await client.identity.retrieve(NOBODY)


async def test_an_id_that_leads_elsewhere_is_refused(sikoia: Sikoia) -> None:
    """Nothing is sent for an id that is none."""
    async with sikoia as client:
        with pytest.raises(ConfigurationError, match="request_id: not a valid id"):
            await client.identity.retrieve("..")
        with pytest.raises(ConfigurationError, match="person_id: not a valid id"):
            await client.identity.list("a/b")


async def test_a_repr_shows_neither_a_person_nor_a_link(
    sikoia: Sikoia, clock: SimpleNamespace
) -> None:
    """What was read off the document, and links that open something, are masked."""
    async with sikoia as client:
        operation = await client.identity.request(await _person(client), country_code="GB")
        report = (await _finished(operation, clock)).result()

    shown = repr(report)
    assert "Approved" in shown
    for secret in ("Wilma", "Example", "1985", "British", "https://"):
        assert secret not in shown
