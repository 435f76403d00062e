"""Identity verification, against the local Sikoia."""

from datetime import date

import pytest
from workbench import UNKNOWN_ID, Workbench

from sikoia_async import (
    ConfigurationError,
    InvalidRequestError,
    OperationFailedError,
    ResourceNotFoundError,
    Sikoia,
)

pytestmark = pytest.mark.anyio


async def test_a_person_is_verified(sikoia: Sikoia, workbench: Workbench) -> None:
    """A request is pending at first; its report has the decision and the evidence."""
    async with sikoia as client:
        person = await workbench.person(client, date_of_birth=date(1985, 6, 12))
        person_id = person.person_id
        operation = await client.identity.request(person_id, country_code="GB")
        assert operation.last
        pending, is_done = operation.last, operation.done
        report = (await workbench.finish(operation)).result()

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
    assert {media.uri_expiry_in_minutes for media in report.data.media} == {30}
    assert report.data.meta_data is not None
    assert report.data.meta_data.status_codes


async def test_the_direct_link_needs_a_country(sikoia: Sikoia, workbench: Workbench) -> None:
    """Without a country there is only Sikoia's own link."""
    async with sikoia as client:
        person = await workbench.person(client)
        operation = await client.identity.request(person.person_id)

    assert operation.last
    assert operation.last.verification_url
    assert operation.last.direct_url is None


@pytest.mark.parametrize(
    ("name", "status", "decision"),
    [("Dora Declined", "Complete", "Declined"), ("Edgar Expired", "Expired", "NotCompleted")],
)
async def test_an_unfavourable_outcome_is_a_result(
    sikoia: Sikoia, workbench: Workbench, name: str, status: str, decision: str
) -> None:
    """Neither a declined verification nor an expired request raises an error."""
    async with sikoia as client:
        person = await workbench.person(client, name=name)
        operation = await client.identity.request(person.person_id)
        report = (await workbench.finish(operation)).result()

    assert report.status == status
    assert report.data is not None
    assert report.data.verification_status == decision


async def test_a_technical_failure_raises(sikoia: Sikoia, workbench: Workbench) -> None:
    """The error carries the result."""
    async with sikoia as client:
        person = await workbench.person(client, name="Fiona Failed")
        operation = await client.identity.request(person.person_id)
        await workbench.finish(operation)
        with pytest.raises(OperationFailedError) as caught:
            operation.result()

    assert caught.value.result == operation.last
    assert "could not be reached" in str(caught.value.result.message)


async def test_requests_are_listed_and_retrieved(sikoia: Sikoia, workbench: Workbench) -> None:
    """Lists are newest first, and filters take one value or several."""
    async with sikoia as client:
        person_id = (await workbench.person(client)).person_id
        older = await workbench.finish(await client.identity.request(person_id))
        newer = await client.identity.request(person_id)
        everything = await client.identity.list(person_id)
        complete = await client.identity.list(person_id, complete=True)
        one = await client.identity.list(person_id, verification_status="Declined")
        several = await client.identity.list(
            person_id, verification_status=["Approved", "Declined"]
        )
        report = await client.identity.retrieve(older.result().request_id)

    assert newer.last
    ids = [listed.request_id for listed in everything]
    assert everything.response.status == 200
    assert ids == [newer.last.request_id, older.result().request_id]
    assert complete == several
    assert complete[0].verification_status == "Approved"
    assert len(one) == 0
    assert (report.request_id, report.status) == (ids[1], "Complete")


async def test_an_unknown_person_is_refused(sikoia: Sikoia) -> None:
    """Sikoia returns 400 for the request, and 404 for lists and reports."""
    async with sikoia as client:
        with pytest.raises(InvalidRequestError):
            await client.identity.request(UNKNOWN_ID)
        with pytest.raises(ResourceNotFoundError):
            await client.identity.list(UNKNOWN_ID)
        with pytest.raises(ResourceNotFoundError):
            await client.identity.retrieve(UNKNOWN_ID)


async def test_an_id_that_changes_the_path_is_refused(sikoia: Sikoia) -> None:
    """Nothing is sent for an id that is not valid."""
    async with sikoia as client:
        with pytest.raises(ConfigurationError, match="request: not a valid id"):
            await client.identity.retrieve("..")
        with pytest.raises(ConfigurationError, match="person: not a valid id"):
            await client.identity.list("a/b")


async def test_reprs_mask_the_person_and_the_links(sikoia: Sikoia, workbench: Workbench) -> None:
    """Data read from the document and links that grant access are masked."""
    async with sikoia as client:
        person = await workbench.person(client, date_of_birth=date(1985, 6, 12))
        operation = await client.identity.request(person.person_id, country_code="GB")
        report = (await workbench.finish(operation)).result()

    shown = repr(report)
    assert "Approved" in shown
    for secret in ("Wilma", "Example", "1985", "British", "https://"):
        assert secret not in shown
