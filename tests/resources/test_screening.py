"""Searches for PEPs, sanctions and adverse media, against the local Sikoia."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from scripted import Reply, Scripted, scripted

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
from sikoia_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio

STATUSES = {"peps_sanctions": 201, "adverse_media": 200}
kinds = pytest.mark.parametrize("kind", STATUSES)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Run a local Sikoia for all tests of this module."""
    with Sandbox(limit=100_000) as running:
        yield running


@pytest.fixture(scope="module")
def server() -> Iterator[Scripted]:
    """Run a server that notes what it is sent."""
    with scripted() as running:
        running.says(Reply(201, {"request_id": "r-1"}))
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
async def test_a_search_tells_how_many_matches_there_are(sikoia: Sikoia, kind: str) -> None:
    """A search is for the entity's name, and complete when it is answered."""
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
    """The newest comes first, and a search of one kind is not in the other list."""
    (other,) = STATUSES.keys() - {kind}
    async with sikoia as client:
        case = await _case(client)
        older = await _search(client, kind)(case, search_term="Wilma Example")
        newer = await _search(client, kind)(case, search_term="Sandra Sanctioned")
        found = await _list(client, kind)(case)
        none = await _list(client, other)(case)

    assert [one.request_id for one in found] == [newer.request_id, older.request_id]
    assert [bool(one.total_matches) for one in found] == [True, False]
    assert none == ()


@kinds
@pytest.mark.parametrize("search_term", [None, "", " "])
async def test_a_case_needs_a_search_term(
    server: Scripted, kind: str, search_term: str | None
) -> None:
    """What a case is called is not whom it is about, so nothing is sent without a term."""
    server.asked.clear()
    async with server.client() as client:
        with pytest.raises(ConfigurationError, match="search_term: expected the name"):
            await _search(client, kind)(Entity("case", "c-1"), search_term=search_term)

    assert server.asked == []


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
async def test_a_date_of_birth_is_sent_as_a_moment(
    server: Scripted, kind: str, birth_date: date | None, sent: str | None
) -> None:
    """The wire wants a time with it: midnight in UTC, unless a datetime says something else."""
    server.asked.clear()
    async with server.client() as client:
        await _search(client, kind)(Entity("person", "p-1"), birth_date=birth_date)

    assert server.asked[0].json.get("birth_date") == sent


@kinds
async def test_what_is_given_is_sent(server: Scripted, kind: str) -> None:
    """An entity is named as bodies name it."""
    server.asked.clear()
    async with server.client() as client:
        await _search(client, kind)(
            Entity("case", "c-1"), search_term="Acme", monitored=True, fuzziness=1
        )

    assert server.asked[0].json == {
        "search_term": "Acme",
        "entity_type": "case",
        "entity_id": "c-1",
        "monitored": True,
        "fuzziness": 1,
    }


@kinds
@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"fuzziness": 1.1}, "fuzziness: expected a number from 0 to 1"),
        ({"birth_date": datetime(1950, 8, 8)}, "datetime with a time zone"),  # noqa: DTZ001 - it is refused for that
        ({"birth_date": "1950-08-08"}, "birth_date: expected a date"),
    ],
    ids=["fuzziness", "naive", "text"],
)
async def test_what_cannot_be_sent_is_refused(
    server: Scripted, kind: str, wrong: dict[str, Any], says: str
) -> None:
    """A wrong value is named, and nothing is sent."""
    server.asked.clear()
    async with server.client() as client:
        with pytest.raises(ConfigurationError, match=says):
            await _search(client, kind)(Entity("person", "p-1"), **wrong)

    assert server.asked == []


@kinds
async def test_an_entity_that_is_not_there_is_not_found(sikoia: Sikoia, kind: str) -> None:
    """Neither searches nor lists know of it."""
    nobody = Entity("person", "00000000-0000-4000-8000-000000000000")
    async with sikoia as client:
        for call in (_search(client, kind), _list(client, kind)):
            with pytest.raises(ResourceNotFoundError):
                await call(nobody)


async def test_a_repr_shows_neither_names_nor_links(sikoia: Sikoia) -> None:
    """What identifies a person, or opens the certificate, is masked."""
    async with sikoia as client:
        case = await _case(client)
        assert case.persons
        search = await client.screening.search_peps_sanctions(case.persons[0])

    assert search.search_certificate_uri is not None
    assert search.search_certificate_uri.startswith("https://")
    for secret in ("Wilma", "1985", "https://"):
        assert secret not in repr(search)
