"""Searches for PEPs, sanctions and adverse media, against the local Sikoia."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from scripted import Reply, Scripted, scripted
from workbench import UNKNOWN_ID

from sikoia_async import (
    ConfigurationError,
    NewCompany,
    NewPerson,
    ResourceNotFoundError,
    Sikoia,
)
from sikoia_async.models import Entity, Items
from sikoia_async.resources.cases import Case
from sikoia_async.resources.screening import ScreeningSearch

pytestmark = pytest.mark.anyio

STATUSES = {"peps_sanctions": 201, "adverse_media": 200}
kinds = pytest.mark.parametrize("kind", STATUSES)


@pytest.fixture(scope="module")
def server() -> Iterator[Scripted]:
    """Run a server that records the requests it gets."""
    with scripted() as running:
        running.respond_with(Reply(201, {"request_id": "r-1"}))
        yield running


def _search(client: Sikoia, kind: str) -> Callable[..., Awaitable[ScreeningSearch]]:
    method: Callable[..., Awaitable[ScreeningSearch]] = getattr(client.screening, f"search_{kind}")
    return method


def _list(client: Sikoia, kind: str) -> Callable[..., Awaitable[Items[ScreeningSearch]]]:
    method: Callable[..., Awaitable[Items[ScreeningSearch]]]
    method = getattr(client.screening, f"list_{kind}")
    return method


async def _case(client: Sikoia) -> Case:
    return await client.cases.create(
        name="Acme Ltd loan",
        case_type="Business",
        companies=[NewCompany(company_name="Sanctioned Example Ltd")],
        persons=[
            NewPerson(first_name="Wilma", last_name="Example", date_of_birth=date(1985, 6, 12))
        ],
    )


@kinds
async def test_a_search_returns_the_number_of_matches(sikoia: Sikoia, kind: str) -> None:
    """It searches for the entity's name, and is complete at once."""
    async with sikoia as client:
        case = await _case(client)
        assert case.companies
        assert case.persons
        company = await _search(client, kind)(case.companies[0])
        person = await _search(client, kind)(case.persons[0], monitored=False, fuzziness=0.2)

    assert (company.status, company.search_term) == ("Complete", "Sanctioned Example Ltd")
    assert company.total_matches
    assert company.entity_id == case.companies[0].company_id
    assert (company.monitored, person.monitored) == (True, False)
    assert (person.entity_type, person.total_matches) == ("person", 0)
    assert person.birthdate == date(1985, 6, 12)
    assert person.datetime_requested is not None
    assert person.response.status == STATUSES[kind]


@kinds
async def test_searches_are_listed_by_kind(sikoia: Sikoia, kind: str) -> None:
    """Lists are newest first, and contain the searches of one kind only."""
    (other,) = STATUSES.keys() - {kind}
    async with sikoia as client:
        case = await _case(client)
        older = await _search(client, kind)(case, search_term="Wilma Example")
        newer = await _search(client, kind)(case, search_term="Sandra Sanctioned")
        listed = await _list(client, kind)(case)
        others = await _list(client, other)(case)

    assert [search.request_id for search in listed] == [newer.request_id, older.request_id]
    assert [bool(search.total_matches) for search in listed] == [True, False]
    assert others == ()


@kinds
@pytest.mark.parametrize("search_term", [None, "", " "])
async def test_a_case_needs_a_search_term(
    server: Scripted, kind: str, search_term: str | None
) -> None:
    """The name of a case is not a name to search for, so nothing is sent without a term."""
    server.requests.clear()
    async with server.client() as client:
        with pytest.raises(ConfigurationError, match="search_term: expected the name"):
            await _search(client, kind)(Entity("case", "c-1"), search_term=search_term)

    assert server.requests == []


@kinds
@pytest.mark.parametrize(
    ("birth_date", "sent"),
    [
        (date(1950, 8, 8), "1950-08-08T00:00:00Z"),
        (datetime(1950, 8, 8, 6, 30, tzinfo=UTC), "1950-08-08T06:30:00Z"),
        (datetime(1950, 8, 8, tzinfo=timezone(timedelta(hours=1))), "1950-08-08T00:00:00+01:00"),
        (None, None),
    ],
    ids=["date", "utc", "zone", "none"],
)
async def test_a_date_of_birth_is_sent_with_a_time(
    server: Scripted, kind: str, birth_date: date | None, sent: str | None
) -> None:
    """A date is sent as midnight UTC, and a datetime as it is."""
    server.requests.clear()
    async with server.client() as client:
        await _search(client, kind)(Entity("person", "p-1"), birth_date=birth_date)

    assert server.requests[0].json.get("birth_date") == sent


@kinds
async def test_all_arguments_are_sent(server: Scripted, kind: str) -> None:
    """The entity is sent as the two fields of a body."""
    server.requests.clear()
    async with server.client() as client:
        await _search(client, kind)(
            Entity("case", "c-1"), search_term="Acme", monitored=True, fuzziness=1
        )

    assert server.requests[0].json == {
        "search_term": "Acme",
        "entity_type": "case",
        "entity_id": "c-1",
        "monitored": True,
        "fuzziness": 1,
    }


@kinds
@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"fuzziness": 1.1}, "fuzziness: expected a number from 0 to 1"),
        ({"birth_date": datetime(1950, 8, 8)}, "datetime with a time zone"),  # noqa: DTZ001 - that is the test
        ({"birth_date": "1950-08-08"}, "birth_date: expected a date"),
    ],
    ids=["fuzziness", "naive", "string"],
)
async def test_invalid_arguments_are_refused(
    server: Scripted, kind: str, arguments: dict[str, Any], problem: str
) -> None:
    """The error names the argument, and nothing is sent."""
    server.requests.clear()
    async with server.client() as client:
        with pytest.raises(ConfigurationError, match=problem):
            await _search(client, kind)(Entity("person", "p-1"), **arguments)

    assert server.requests == []


@kinds
async def test_an_unknown_entity_is_not_found(sikoia: Sikoia, kind: str) -> None:
    """Sikoia returns 404 for searches and lists."""
    unknown = Entity("person", UNKNOWN_ID)
    async with sikoia as client:
        for call in (_search(client, kind), _list(client, kind)):
            with pytest.raises(ResourceNotFoundError):
                await call(unknown)


async def test_reprs_mask_names_and_links(sikoia: Sikoia) -> None:
    """Personal data and the link to the certificate are masked."""
    async with sikoia as client:
        case = await _case(client)
        assert case.persons
        search = await client.screening.search_peps_sanctions(case.persons[0])

    assert search.search_certificate_uri is not None
    assert search.search_certificate_uri.startswith("https://")
    for secret in ("Wilma", "1985", "https://"):
        assert secret not in repr(search)
