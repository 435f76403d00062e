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
    RegistryRequest,
    RegistryRequestSummary,
)
from sikoia_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio

_SEVERAL = "Several Example Ltd"
_ACME = NewCompany(company_name="Acme Ltd", company_number="12345678", jurisdiction_code="GB")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Run a sandbox for all tests of the module."""
    with Sandbox(limit=10_000) as running:
        yield running


@pytest.fixture
def answers() -> Iterator[Scripted]:
    """Run a Sikoia that answers what a test tells it to."""
    with scripted() as server:
        yield server


async def _company(client: Sikoia, company: NewCompany = _ACME) -> str:
    case = await client.cases.create(name="Acme", case_type="Business", companies=[company])
    assert case.companies is not None
    return case.companies[0].company_id


async def test_a_company_is_looked_up(sikoia: Sikoia) -> None:
    """The request is complete at once, and its report has all that the register knows."""
    async with sikoia as client:
        company_id = await _company(client)
        asked = await client.company_registry.request(company_id=company_id)
        report = await client.company_registry.retrieve(asked.request_id)

    assert (asked.status, asked.has_too_many_results, asked.picklist) == ("Complete", False, ())
    assert asked.response.status == 201
    assert asked.company_id == report.company_id == company_id
    assert report.datetime_requested is not None
    assert report.data is not None
    assert (report.data.status, report.data.country_code) == ("Active", "GB")
    assert isinstance(report.data.date_established, date)
    assert report.response.unread == {}


async def test_officers_owners_and_charges_are_read(sikoia: Sikoia) -> None:
    """The parts of a report are models, down to the last one."""
    async with sikoia as client:
        company_id = await _company(client, attrs.evolve(_ACME, company_number="99000005"))
        asked = await client.company_registry.request(company_id=company_id)
        data = (await client.company_registry.retrieve(asked.request_id)).data

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


async def test_a_repr_shows_no_person(sikoia: Sikoia) -> None:
    """Names, births, addresses are masked; what is the company's own is shown."""
    async with sikoia as client:
        asked = await client.company_registry.request(company_id=await _company(client))
        report = await client.company_registry.retrieve(asked.request_id)

    shown = repr(report)
    assert "Acme Ltd" in shown
    assert "Secretarial Example Ltd" in shown
    hidden = ("Directa", "Placeholder Street", "Exemplarian", "birth_year=1", "Example Bank")
    assert not [text for text in hidden if text in shown]
    assert "birth_year=***" in shown


async def test_requests_are_listed(sikoia: Sikoia) -> None:
    """The list tells what was asked, the newest first."""
    async with sikoia as client:
        company_id = await _company(client)
        first = await client.company_registry.request(company_id=company_id)
        second = await client.company_registry.request(company_id=company_id, company_name=_SEVERAL)
        listed = await client.company_registry.list(company_id)

    assert listed.company_id == company_id
    assert listed.registry_data_requests is not None
    newer, older = listed.registry_data_requests
    assert type(newer) is RegistryRequestSummary
    assert (newer.request_id, older.request_id) == (second.request_id, first.request_id)
    assert (newer.has_too_many_results, older.has_too_many_results) == (True, False)


async def test_a_picklist_is_resolved_with_an_item_of_it(sikoia: Sikoia) -> None:
    """TooManyResults is a result; the answer resolves itself, and so does the report of it."""
    async with sikoia as client:
        company_id = await _company(client)
        asked = await client.company_registry.request(
            company_id=company_id, company_name=_SEVERAL, country_code="GB"
        )
        assert asked.has_too_many_results
        assert asked.picklist is not None
        chosen = asked.picklist[1]
        by_item = await asked.resolve(chosen)
        report = await client.company_registry.retrieve(asked.request_id)
        assert chosen.index is not None
        by_index = await report.resolve(chosen.index)

    assert len(asked.picklist) == 3
    assert report.picklist == asked.picklist
    assert (by_item.status, by_item.company_number) == ("Complete", chosen.company_number)
    assert by_index.company_name == by_item.company_name == chosen.company_name
    assert len({asked.request_id, by_item.request_id, by_index.request_id}) == 3


async def test_a_picklist_is_resolved_by_the_ids(sikoia: Sikoia) -> None:
    """Whoever kept the ids only resolves with them."""
    async with sikoia as client:
        asked = await client.company_registry.request(
            company_id=await _company(client), company_name=_SEVERAL
        )
        resolved = await client.company_registry.resolve_picklist(asked.request_id, 3)

    assert resolved.status == "Complete"


async def test_there_is_nothing_to_resolve(sikoia: Sikoia) -> None:
    """A complete answer says so itself; asked by its id, Sikoia does."""
    async with sikoia as client:
        asked = await client.company_registry.request(company_id=await _company(client))
        with pytest.raises(ConfigurationError, match="the status is not TooManyResults"):
            await asked.resolve(1)
        with pytest.raises(InvalidRequestError, match="picklist"):
            await client.company_registry.resolve_picklist(asked.request_id, 1)


async def test_an_answer_without_client_says_what_to_do(sikoia: Sikoia) -> None:
    """Pickled, copied or made, an answer has no client, and equals the one that has."""
    async with sikoia as client:
        asked = await client.company_registry.request(
            company_id=await _company(client), company_name=_SEVERAL
        )
        made = RegistryRequest(request_id="1", status="TooManyResults")
        copies = [pickle.loads(pickle.dumps(asked)), copy.deepcopy(asked), copy.copy(asked)]  # noqa: S301 - our own
        for lost in [*copies, made]:
            with pytest.raises(ConfigurationError, match="call resolve_picklist"):
                await lost.resolve(1)

    assert copies == [asked] * 3
    assert copies[0].response == asked.response


@pytest.mark.parametrize("choice", ["1", None, True, 1.0, RegistryMatch()])
async def test_a_choice_of_another_kind_is_refused(sikoia: Sikoia, choice: RegistryMatch) -> None:
    """A choice is an item with an index, or an index."""
    async with sikoia as client:
        with pytest.raises(ArgumentTypeError, match="picklist_index: expected an item"):
            await client.company_registry.resolve_picklist("1", choice)


async def test_a_choice_below_zero_is_refused(sikoia: Sikoia) -> None:
    """No index of Sikoia's is below zero."""
    async with sikoia as client:
        with pytest.raises(
            ConfigurationError, match="picklist_index: expected the index of an item"
        ):
            await client.company_registry.resolve_picklist("1", -1)


async def test_what_the_register_does_not_know_has_failed(sikoia: Sikoia) -> None:
    """A failure is a result: the report has a message in place of data."""
    async with sikoia as client:
        asked = await client.company_registry.request(
            company_id=await _company(client), company_number="99000004"
        )
        report = await client.company_registry.retrieve(asked.request_id)

    assert (report.status, report.data) == ("Failed", None)
    assert report.message


async def test_a_company_without_number_cannot_be_looked_up(sikoia: Sikoia) -> None:
    """Sikoia says 422 where neither the company nor the request has what is needed."""
    async with sikoia as client:
        company_id = await _company(client, NewCompany(company_name="Acme Ltd"))
        with pytest.raises(UnprocessableRequestError, match="country_code"):
            await client.company_registry.request(company_id=company_id)


async def test_a_search_finds_companies(sikoia: Sikoia) -> None:
    """Matches are a tuple that knows its answer; it can be compared, pickled and copied."""
    async with sikoia as client:
        found = await client.company_registry.search(company_name=_SEVERAL, country_code="GB")

    assert (len(found), found.reason, found.response.status) == (3, None, 200)
    assert found[0].official_address is not None
    assert found[0].official_address.country == "GB"
    for again in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):  # noqa: S301 - our own
        assert type(again) is Matches
        assert again == found
        assert again.response == found.response


async def test_a_search_can_be_narrowed(sikoia: Sikoia) -> None:
    """Every parameter reaches Sikoia."""
    async with sikoia as client:
        search = client.company_registry.search
        active = await search(company_name=_SEVERAL, country_code="GB", exclude_inactive=True)
        one = await search(company_name=_SEVERAL, jurisdiction_code="US_DE", items_per_page=1)
        with pytest.raises(InvalidRequestError, match="company_id"):
            await search(company_name="A", country_code="GB", company_id="1")

    assert [match.company_status for match in active] == ["Active", "Active"]
    assert [match.country_code for match in one] == ["US"]


async def test_no_match_is_an_empty_result_with_its_reason(sikoia: Sikoia) -> None:
    """Sikoia's 404 becomes a result that can be pickled, and knows the answer it came in."""
    async with sikoia as client:
        found = await client.company_registry.search(
            company_name="Unregistered Example Ltd", country_code="GB"
        )

    assert not found
    assert found.reason == "The registers have no company of this name."
    assert (found.response.status, found.response.method) == (404, "POST")
    assert len(found.response.attempts) == 1
    again = pickle.loads(pickle.dumps(found))  # noqa: S301 - our own
    assert (again, again.reason, again.response) == (found, found.reason, found.response)


async def test_the_title_is_the_reason_where_there_is_no_detail(answers: Scripted) -> None:
    """Something is always said."""
    answers.says(Reply(404, {"type": "ResourceNotFound", "title": "Resource Not Found"}))
    async with answers.client() as client:
        found = await client.company_registry.search(company_name="Acme", country_code="GB")

    assert (found, found.reason) == ((), "Resource Not Found")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"type": "ResourceDeleted", "detail": "deleted"}, ResourceDeletedError),
        (b"<html>nginx</html>", ResourceNotFoundError),
    ],
    ids=["the company was deleted", "somebody else's 404"],
)
async def test_another_404_is_an_error(
    answers: Scripted, body: object, error: type[ResourceNotFoundError]
) -> None:
    """Only ResourceNotFound says that nothing matched."""
    answers.says(Reply(404, body))
    async with answers.client() as client:
        with pytest.raises(error) as caught:
            await client.company_registry.search(company_name="Acme", country_code="GB")

    assert type(caught.value) is error


async def test_what_may_cost_is_never_sent_twice(answers: Scripted) -> None:
    """After a 500 nobody knows what was done, so all three are left alone."""
    answers.says(Reply(500, {"type": "ServerError"}))
    async with answers.client() as client:
        registry = client.company_registry
        for buy in (
            registry.request(company_id="1"),
            registry.resolve_picklist("1", 0),
            registry.search(company_name="Acme", country_code="GB"),
        ):
            with pytest.raises(Exception, match="ServerError"):
                await buy

    assert [one.path for one in answers.asked] == [
        "/v2/company-registry-data",
        "/v2/company-registry-data/picklist",
        "/v2/company-registry-data/search",
    ]


async def test_a_search_without_country_is_refused(answers: Scripted) -> None:
    """The vendor asks for one of the two codes; nothing is sent without."""
    async with answers.client() as client:
        with pytest.raises(
            ConfigurationError, match="jurisdiction_code: expected this, a country_code"
        ):
            await client.company_registry.search(company_name="Acme")

    assert answers.asked == []


@pytest.mark.parametrize("items", [0, -1, True, "5"])
async def test_a_page_has_one_item_at_least(answers: Scripted, items: int) -> None:
    """Anything below, and anything that is no whole number, is refused before it is sent."""
    async with answers.client() as client:
        with pytest.raises(ConfigurationError, match="items_per_page"):
            await client.company_registry.search(
                company_name="Acme", country_code="GB", items_per_page=items
            )

    assert answers.asked == []


async def test_an_odd_date_costs_no_report(answers: Scripted) -> None:
    """A date that is none is read as None, and its text stays with the answer."""
    body = {"request_id": "1", "status": "Complete", "data": {"date_established": "about 1900"}}
    answers.says(Reply(200, body))
    async with answers.client() as client:
        report = await client.company_registry.retrieve("1")

    assert isinstance(report, RegistryReport)
    assert report.data is not None
    assert report.data.date_established is None
    assert report.response.unread == {"$.data.date_established": "about 1900"}


async def test_what_is_not_there_is_not_found(sikoia: Sikoia) -> None:
    """Requests and companies that never were are a 404 to a GET, and a 400 to a POST."""
    async with sikoia as client:
        with pytest.raises(ResourceNotFoundError):
            await client.company_registry.retrieve("1")
        with pytest.raises(ResourceNotFoundError):
            await client.company_registry.list("1")
        with pytest.raises(InvalidRequestError):
            await client.company_registry.request(company_id="1")
