"""Online data, against the local Sikoia."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from scripted import Reply, scripted

from sikoia_async import (
    InvalidRequestError,
    NewCompany,
    ResourceNotFoundError,
    ServerError,
    Sikoia,
    UnprocessableRequestError,
)
from sikoia_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Run a sandbox for all tests of the module."""
    with Sandbox(limit=10_000) as running:
        yield running


async def _company(client: Sikoia, name: str = "Acme Ltd") -> str:
    case = await client.cases.create(
        name="Acme", case_type="Business", companies=[NewCompany(company_name=name)]
    )
    assert case.companies is not None
    return case.companies[0].company_id


async def test_a_company_is_found_online(sikoia: Sikoia) -> None:
    """The request is complete at once, and its report has the contacts."""
    async with sikoia as client:
        company_id = await _company(client)
        asked = await client.online_data.request(company_id)
        report = await client.online_data.retrieve(asked.request_id)

    assert (asked.status, asked.company_id, asked.entity_type) == (
        "Complete",
        company_id,
        "company",
    )
    assert asked.response.status == 201
    assert report.datetime_requested is not None
    assert report.data is not None
    assert report.data.website_url == "https://acmeltd.example"
    assert report.data.emails is not None
    assert report.data.emails[0].email_address == "info@acmeltd.example"
    assert report.data.emails[0].date_from == datetime(2020, 1, 1, tzinfo=UTC)


async def test_requests_are_listed(sikoia: Sikoia) -> None:
    """The list tells what was asked, the newest first; a name given replaces the company's."""
    async with sikoia as client:
        company_id = await _company(client)
        await client.online_data.request(company_id)
        await client.online_data.request(company_id, company_name="Other Ltd")
        listed = await client.online_data.list(company_id)

    assert listed.company_id == company_id
    assert listed.online_data_requests is not None
    assert [one.company_name for one in listed.online_data_requests] == ["Other Ltd", "Acme Ltd"]


async def test_what_is_not_online_has_failed(sikoia: Sikoia) -> None:
    """A failure is a result: the report has a message in place of data."""
    async with sikoia as client:
        asked = await client.online_data.request(await _company(client, "Offline Example Ltd"))
        report = await client.online_data.retrieve(asked.request_id)

    assert (report.status, report.data) == ("Failed", None)
    assert report.message


async def test_a_repr_shows_no_contact(sikoia: Sikoia) -> None:
    """Numbers, mail addresses and accounts are masked."""
    async with sikoia as client:
        asked = await client.online_data.request(await _company(client))
        report = await client.online_data.retrieve(asked.request_id)

    shown = repr(report)
    assert "https://placebook.example'" in shown
    assert not [text for text in ("+44", "info@", "placebook.example/acme") if text in shown]


async def test_what_is_not_there_is_not_found(sikoia: Sikoia) -> None:
    """Requests and companies that never were are a 404 to a GET, and a 400 to a POST."""
    async with sikoia as client:
        with pytest.raises(ResourceNotFoundError):
            await client.online_data.retrieve("1")
        with pytest.raises(ResourceNotFoundError):
            await client.online_data.list("1")
        with pytest.raises(InvalidRequestError):
            await client.online_data.request("00000000-0000-4000-8000-000000000000")


async def test_what_sikoia_says_of_the_company_is_raised() -> None:
    """A 422 speaks of the company; after a 500 nothing is bought again."""
    with scripted() as server:
        server.says(Reply(422, {"type": "UnprocessableRequest"}), Reply(500))
        async with server.client() as client:
            with pytest.raises(UnprocessableRequestError):
                await client.online_data.request("1")
            with pytest.raises(ServerError):
                await client.online_data.request("1")

    assert [one.json for one in server.asked] == [{"company_id": "1"}] * 2
