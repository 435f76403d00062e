"""Online data, against the local Sikoia."""

from datetime import UTC, datetime

import pytest
from scripted import Reply, scripted
from workbench import UNKNOWN_ID

from sikoia_async import (
    InvalidRequestError,
    NewCompany,
    ResourceNotFoundError,
    ServerError,
    Sikoia,
    UnprocessableRequestError,
)

pytestmark = pytest.mark.anyio


async def create_company(client: Sikoia, name: str = "Acme Ltd") -> str:
    """Create a company in its own case, and return its id."""
    case = await client.cases.create(
        name="Acme", case_type="Business", companies=[NewCompany(company_name=name)]
    )
    assert case.companies is not None
    return case.companies[0].company_id


async def test_a_company_is_found_online(sikoia: Sikoia) -> None:
    """The request is complete at once, and its report has the contacts."""
    async with sikoia as client:
        company_id = await create_company(client)
        request = (await client.online_data.request(company_id)).first
        report = await client.online_data.retrieve(request.request_id)

    assert (request.status, request.company_id, request.entity_type) == (
        "Complete",
        company_id,
        "company",
    )
    assert request.response.status == 201
    assert report.datetime_requested is not None
    assert report.data is not None
    assert report.data.website_url == "https://acmeltd.example"
    assert report.data.emails is not None
    assert report.data.emails[0].email_address == "info@acmeltd.example"
    assert report.data.emails[0].date_from == datetime(2020, 1, 1, tzinfo=UTC)


async def test_requests_are_listed(sikoia: Sikoia) -> None:
    """The list is newest first; a name in the request replaces the company's own."""
    async with sikoia as client:
        company_id = await create_company(client)
        await client.online_data.request(company_id)
        await client.online_data.request(company_id, company_name="Other Ltd")
        listed = await client.online_data.list(company_id)

    assert [one.company_name for one in listed] == ["Other Ltd", "Acme Ltd"]


async def test_a_company_that_is_not_online_is_a_failed_request(sikoia: Sikoia) -> None:
    """A failure is a result: the report has a message and no data."""
    async with sikoia as client:
        request = (
            await client.online_data.request(await create_company(client, "Offline Example Ltd"))
        ).first
        report = await client.online_data.retrieve(request.request_id)

    assert (report.status, report.data) == ("Failed", None)
    assert report.message


async def test_reprs_mask_contacts(sikoia: Sikoia) -> None:
    """Phone numbers, email addresses and accounts are masked."""
    async with sikoia as client:
        request = (await client.online_data.request(await create_company(client))).first
        report = await client.online_data.retrieve(request.request_id)

    shown = repr(report)
    assert "https://placebook.example'" in shown
    assert not [value for value in ("+44", "info@", "placebook.example/acme") if value in shown]


async def test_unknown_requests_and_companies_are_errors(sikoia: Sikoia) -> None:
    """Sikoia returns 404 for a GET, and 400 for a POST."""
    async with sikoia as client:
        with pytest.raises(ResourceNotFoundError):
            await client.online_data.retrieve("1")
        with pytest.raises(ResourceNotFoundError):
            await client.online_data.list("1")
        with pytest.raises(InvalidRequestError):
            await client.online_data.request(UNKNOWN_ID)


async def test_errors_are_raised_and_a_500_is_not_retried() -> None:
    """A 422 is about the company; after a 500, Sikoia may have charged for the request."""
    with scripted() as server:
        server.respond_with(Reply(422, {"type": "UnprocessableRequest"}), Reply(500))
        async with server.client() as client:
            with pytest.raises(UnprocessableRequestError):
                await client.online_data.request("1")
            with pytest.raises(ServerError):
                await client.online_data.request("1")

    assert [one.json for one in server.requests] == [{"company_id": "1"}] * 2
