"""Registry data, its picklists and searches, against the local Sikoia."""

import copy
import pickle
from collections.abc import Iterator
from datetime import date

import attrs
import pytest
from scripted import Reply, Scripted, scripted

from sikoia_async import (
    ArgumentTypeError,
    ConfigurationError,
    InvalidRequestError,
    NewCompany,
    ResourceDeletedError,
    ResourceNotFoundError,
    Sikoia,
    UnprocessableRequestError,
)
from sikoia_async.resources.company_registry import (
    Matches,
    RegistryMatch,
    RegistryReport,
    RegistryRequestSummary,
)

pytestmark = pytest.mark.anyio

_SEVERAL = "Several Example Ltd"
_ACME = NewCompany(company_name="Acme Ltd", company_number="12345678", jurisdiction_code="GB")


@pytest.fixture
def server() -> Iterator[Scripted]:
    """Run a server with scripted responses."""
    with scripted() as running:
        yield running


async def create_company(client: Sikoia, company: NewCompany = _ACME) -> str:
    """Create a company in its own case, and return its id."""
    case = await client.cases.create(name="Acme", case_type="Business", companies=[company])
    assert case.companies is not None
    return case.companies[0].company_id


async def test_a_company_is_looked_up(sikoia: Sikoia) -> None:
    """The request is complete at once, and its report has the register's data."""
    async with sikoia as client:
        company_id = await create_company(client)
        request = (await client.company_registry.request(company_id)).first
        report = await client.company_registry.retrieve(request.request_id)

    assert (request.status, request.has_too_many_results, request.picklist) == (
        "Complete",
        False,
        (),
    )
    assert request.response.status == 201
    assert request.company_id == report.company_id == company_id
    assert report.datetime_requested is not None
    assert report.data is not None
    assert (report.data.status, report.data.country_code) == ("Active", "GB")
    assert isinstance(report.data.date_established, date)
    assert report.response.unread == {}


async def test_officers_owners_and_charges_are_read(sikoia: Sikoia) -> None:
    """Every part of a report is a model, at any depth."""
    async with sikoia as client:
        company_id = await create_company(client, attrs.evolve(_ACME, company_number="99000005"))
        request = (await client.company_registry.request(company_id)).first
        data = (await client.company_registry.retrieve(request.request_id)).data

    assert data is not None
    assert data.officers is not None
    assert data.officers.people is not None
    assert data.officers.people[0].full_name == "Directa Placeholder"
    assert data.charges is not None
    assert data.charges[0].classification is not None
    assert data.charges[0].classification.type == "Charge"
    assert data.insolvencies is not None
    assert data.insolvencies[0].dates is not None
    assert isinstance(data.insolvencies[0].dates[0].date, date)


async def test_reprs_mask_persons(sikoia: Sikoia) -> None:
    """Names, dates of birth and addresses are masked; company data is not."""
    async with sikoia as client:
        request = (await client.company_registry.request(await create_company(client))).first
        report = await client.company_registry.retrieve(request.request_id)

    shown = repr(report)
    assert "Acme Ltd" in shown
    assert "Secretarial Example Ltd" in shown
    hidden = ("Directa", "Placeholder Street", "Exemplarian", "birth_year=1", "Example Bank")
    assert not [value for value in hidden if value in shown]
    assert "birth_year=***" in shown


async def test_requests_are_listed(sikoia: Sikoia) -> None:
    """The list has all requests for the company, newest first."""
    async with sikoia as client:
        company_id = await create_company(client)
        first = (await client.company_registry.request(company_id)).first
        second = (await client.company_registry.request(company_id, company_name=_SEVERAL)).first
        listed = await client.company_registry.list(company_id)

    newer, older = listed
    assert listed.response.status == 200
    assert type(newer) is RegistryRequestSummary
    assert (newer.request_id, older.request_id) == (second.request_id, first.request_id)
    assert (newer.has_too_many_results, older.has_too_many_results) == (True, False)


async def test_a_picklist_is_resolved_with_an_item_or_its_index(sikoia: Sikoia) -> None:
    """Both the request and its report have `resolve`, which makes a new request."""
    async with sikoia as client:
        company_id = await create_company(client)
        request = (
            await client.company_registry.request(
                company_id, company_name=_SEVERAL, country_code="GB"
            )
        ).first
        assert request.has_too_many_results
        assert request.picklist is not None
        chosen = request.picklist[1]
        by_item = (await request.resolve(chosen)).first
        report = await client.company_registry.retrieve(request.request_id)
        assert chosen.index is not None
        by_index = (await report.resolve(chosen.index)).first

    assert len(request.picklist) == 3
    assert report.picklist == request.picklist
    assert (by_item.status, by_item.company_number) == ("Complete", chosen.company_number)
    assert by_index.company_name == by_item.company_name == chosen.company_name
    assert len({request.request_id, by_item.request_id, by_index.request_id}) == 3


async def test_a_picklist_is_resolved_by_the_id_of_the_request(sikoia: Sikoia) -> None:
    """The id of the request and an index are enough."""
    async with sikoia as client:
        request = (
            await client.company_registry.request(
                await create_company(client), company_name=_SEVERAL
            )
        ).first
        resolved = (await client.company_registry.resolve_picklist(request.request_id, 3)).first

    assert resolved.status == "Complete"


async def test_a_complete_request_cannot_be_resolved(sikoia: Sikoia) -> None:
    """`resolve` refuses it before anything is sent; with its id, Sikoia does."""
    async with sikoia as client:
        request = (await client.company_registry.request(await create_company(client))).first
        with pytest.raises(ConfigurationError, match="the status is not TooManyResults"):
            await request.resolve(1)
        with pytest.raises(InvalidRequestError, match="picklist"):
            await client.company_registry.resolve_picklist(request.request_id, 1)


async def test_a_request_without_a_client_says_what_to_call_instead(sikoia: Sikoia) -> None:
    """A pickled, copied or constructed request has no client, but equals the original."""
    async with sikoia as client:
        request = (
            await client.company_registry.request(
                await create_company(client), company_name=_SEVERAL
            )
        ).first
        made = RegistryReport(request_id="1", status="TooManyResults")
        copies = [pickle.loads(pickle.dumps(request)), copy.deepcopy(request), copy.copy(request)]  # noqa: S301 - pickled on this line
        for detached in [*copies, made]:
            with pytest.raises(ConfigurationError, match="call resolve_picklist"):
                await detached.resolve(1)

    assert copies == [request] * 3
    assert copies[0].response == request.response


@pytest.mark.parametrize("choice", ["1", None, True, 1.0, RegistryMatch()])
async def test_a_choice_of_the_wrong_type_is_refused(sikoia: Sikoia, choice: RegistryMatch) -> None:
    """A choice is an item that has an index, or an index."""
    async with sikoia as client:
        with pytest.raises(ArgumentTypeError, match="picklist_index: expected an item"):
            await client.company_registry.resolve_picklist("1", choice)


async def test_a_negative_choice_is_refused(sikoia: Sikoia) -> None:
    """Sikoia's indexes start at 0 or 1."""
    async with sikoia as client:
        with pytest.raises(
            ConfigurationError, match="picklist_index: expected the index of an item"
        ):
            await client.company_registry.resolve_picklist("1", -1)


async def test_a_company_missing_from_the_register_is_a_failed_request(sikoia: Sikoia) -> None:
    """A failure is a result: the report has a message and no data."""
    async with sikoia as client:
        request = (
            await client.company_registry.request(
                await create_company(client), company_number="99000004"
            )
        ).first
        report = await client.company_registry.retrieve(request.request_id)

    assert (report.status, report.data) == ("Failed", None)
    assert report.message


async def test_a_company_without_number_cannot_be_looked_up(sikoia: Sikoia) -> None:
    """Sikoia returns 422 if neither the company nor the request has the details it needs."""
    async with sikoia as client:
        company_id = await create_company(client, NewCompany(company_name="Acme Ltd"))
        with pytest.raises(UnprocessableRequestError, match="country_code"):
            await client.company_registry.request(company_id)


async def test_a_search_finds_companies(sikoia: Sikoia) -> None:
    """Matches are a tuple with a response, and can be compared, pickled and copied."""
    async with sikoia as client:
        found = await client.company_registry.search(company_name=_SEVERAL, country_code="GB")

    assert (len(found), found.reason, found.response.status) == (3, None, 200)
    assert found[0].official_address is not None
    assert found[0].official_address.country == "GB"
    for again in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):  # noqa: S301 - pickled on this line
        assert type(again) is Matches
        assert again == found
        assert again.response == found.response


async def test_a_search_can_be_narrowed(sikoia: Sikoia) -> None:
    """Every parameter is sent to Sikoia."""
    async with sikoia as client:
        search = client.company_registry.search
        active = await search(company_name=_SEVERAL, country_code="GB", exclude_inactive=True)
        one = await search(company_name=_SEVERAL, jurisdiction_code="US_DE", items_per_page=1)
        with pytest.raises(InvalidRequestError, match="company_id"):
            await search(company_name="A", country_code="GB", company_id="1")

    assert [match.company_status for match in active] == ["Active", "Active"]
    assert [match.country_code for match in one] == ["US"]


async def test_no_match_is_an_empty_result_with_a_reason(sikoia: Sikoia) -> None:
    """Sikoia's 404 becomes a result with a response, and can be pickled."""
    async with sikoia as client:
        found = await client.company_registry.search(
            company_name="Unregistered Example Ltd", country_code="GB"
        )

    assert not found
    assert found.reason == "The registers have no company with this name."
    assert (found.response.status, found.response.method) == (404, "POST")
    assert len(found.response.attempts) == 1
    again = pickle.loads(pickle.dumps(found))  # noqa: S301 - pickled on this line
    assert (again, again.reason, again.response) == (found, found.reason, found.response)


async def test_the_title_is_the_reason_if_there_is_no_detail(server: Scripted) -> None:
    """An empty result always has a reason."""
    server.respond_with(Reply(404, {"type": "ResourceNotFound", "title": "Resource Not Found"}))
    async with server.client() as client:
        found = await client.company_registry.search(company_name="Acme", country_code="GB")

    assert (found, found.reason) == ((), "Resource Not Found")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"type": "ResourceDeleted", "detail": "deleted"}, ResourceDeletedError),
        (b"<html>nginx</html>", ResourceNotFoundError),
    ],
    ids=["the company was deleted", "a 404 from a proxy"],
)
async def test_any_other_404_is_an_error(
    server: Scripted, body: object, error: type[ResourceNotFoundError]
) -> None:
    """Only ResourceNotFound means that nothing matched."""
    server.respond_with(Reply(404, body))
    async with server.client() as client:
        with pytest.raises(error) as caught:
            await client.company_registry.search(company_name="Acme", country_code="GB")

    assert type(caught.value) is error


async def test_chargeable_requests_are_not_retried_after_a_500(server: Scripted) -> None:
    """Sikoia may have processed them."""
    server.respond_with(Reply(500, {"type": "ServerError"}))
    async with server.client() as client:
        registry = client.company_registry
        for buy in (
            registry.request("1"),
            registry.resolve_picklist("1", 0),
            registry.search(company_name="Acme", country_code="GB"),
        ):
            with pytest.raises(Exception, match="ServerError"):
                await buy

    assert [one.path for one in server.requests] == [
        "/v2/company-registry-data",
        "/v2/company-registry-data/picklist",
        "/v2/company-registry-data/search",
    ]


async def test_a_search_without_country_is_refused(server: Scripted) -> None:
    """Sikoia needs one of the two codes; nothing is sent without."""
    async with server.client() as client:
        with pytest.raises(
            ConfigurationError, match="jurisdiction_code: expected this, a country_code"
        ):
            await client.company_registry.search(company_name="Acme")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue] - that is the test

    assert server.requests == []


@pytest.mark.parametrize("items", [0, -1, True, "5"])
async def test_a_page_has_at_least_one_item(server: Scripted, items: int) -> None:
    """A smaller number, or a value that is not an int, is refused before it is sent."""
    async with server.client() as client:
        with pytest.raises(ConfigurationError, match="items_per_page"):
            await client.company_registry.search(
                company_name="Acme", country_code="GB", items_per_page=items
            )

    assert server.requests == []


async def test_an_invalid_date_does_not_cost_the_report(server: Scripted) -> None:
    """The date is None, and the string that could not be read is kept on the response."""
    body = {"request_id": "1", "status": "Complete", "data": {"date_established": "about 1900"}}
    server.respond_with(Reply(200, body))
    async with server.client() as client:
        report = await client.company_registry.retrieve("1")

    assert isinstance(report, RegistryReport)
    assert report.data is not None
    assert report.data.date_established is None
    assert report.response.unread == {"$.data.date_established": "about 1900"}


async def test_unknown_requests_and_companies_are_errors(sikoia: Sikoia) -> None:
    """Sikoia returns 404 for a GET, and 400 for a POST."""
    async with sikoia as client:
        with pytest.raises(ResourceNotFoundError):
            await client.company_registry.retrieve("1")
        with pytest.raises(ResourceNotFoundError):
            await client.company_registry.list("1")
        with pytest.raises(InvalidRequestError):
            await client.company_registry.request("1")
