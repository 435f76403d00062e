"""The operations on screening."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from sikoia_async.sandbox import Credentials, Sandbox, Time

UNKNOWN = "00000000-0000-4000-8000-000000000000"
kinds = pytest.mark.parametrize("kind", ["peps-sanctions", "adverse-media"])


@pytest.fixture
def person(client: httpx.Client, case: str) -> str:
    """Create a person with a scenario, and return their id."""
    body = {"persons": [{"first_name": "Sandra", "last_name": "Sanctioned"}]}
    persons: list[dict[str, str]] = client.post(f"{case}/entities", json=body).json()["persons"]
    return persons[0]["person_id"]


@pytest.mark.parametrize(("kind", "status"), [("peps-sanctions", 201), ("adverse-media", 200)])
def test_a_search_has_every_field(
    client: httpx.Client, person: str, kind: str, status: int
) -> None:
    """The two kinds have different statuses; the certificate needs no token."""
    body = {
        "entity_type": "person",
        "entity_id": person,
        "birth_date": "1950-08-08T00:00:00Z",
        "monitored": False,
        "fuzziness": 0.2,
    }

    response = client.post(f"/v2/{kind}", json=body)

    search = response.json()
    assert response.status_code == status
    assert search == {
        "request_id": search["request_id"],
        "search_ref": search["search_ref"],
        "status": "Complete",
        "entity_type": "person",
        "entity_id": person,
        "search_term": "Sandra Sanctioned",
        "birthdate": "1950-08-08",
        "monitored": False,
        "datetime_requested": search["datetime_requested"],
        "total_matches": search["total_matches"],
        "search_certificate_uri": search["search_certificate_uri"],
    }
    assert 1 <= search["total_matches"] <= 9


def test_links_to_certificates_expire(
    connect: Callable[[Sandbox], httpx.Client], clock: SimpleNamespace
) -> None:
    """After ten minutes; the list has a new link."""
    with Sandbox(
        time=Time(clock=lambda: clock.now), credentials=Credentials(token_life=9999)
    ) as sandbox:
        client = connect(sandbox)
        case = client.post("/v2/cases", json={"name": "L", "case_type": "Business"}).json()
        about = {"entity_type": "case", "entity_id": case["case_id"], "search_term": "Sample"}
        link = _local(client.post("/v2/peps-sanctions", json=about).json())
        authorization = client.headers.pop("Authorization")
        at_once = client.get(link)
        clock.now += 601
        late = client.get(link)
        client.headers["Authorization"] = authorization
        listed = client.get(f"/v2/Cases/{case['case_id']}/peps-sanctions").json()
        client.headers.pop("Authorization")
        again = client.get(_local(listed[0]))

    assert (at_once.status_code, late.status_code, again.status_code) == (200, 403, 200)
    assert at_once.content.startswith(b"%PDF")


def _local(search: dict[str, str]) -> str:
    link = urlsplit(search["search_certificate_uri"])
    return f"{link.path}?{link.query}"


@kinds
def test_searches_are_listed_newest_first(client: httpx.Client, person: str, kind: str) -> None:
    """Each kind has its own list."""
    about = {"entity_type": "person", "entity_id": person}
    for term in ("Older", "Newer"):
        client.post(f"/v2/{kind}", json={**about, "search_term": term})

    searches = client.get(f"/v2/Persons/{person}/{kind}").json()

    assert [one["search_term"] for one in searches] == ["Newer", "Older"]
    assert [one["total_matches"] for one in searches] == [0, 0]
    assert [one["birthdate"] for one in searches] == [None, None]
    assert len(searches[0]) == 11


@kinds
def test_a_case_needs_a_search_term(client: httpx.Client, case: str, kind: str) -> None:
    """Its name is not that of a person or a company."""
    body = {"entity_type": "case", "entity_id": case.rpartition("/")[2]}

    response = client.post(f"/v2/{kind}", json=body)

    assert response.status_code == 400
    assert "search_term" in response.json()["detail"]


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("entity_type", "Persons"),
        ("entity_id", ""),
        ("birth_date", "1950-08-08"),
        ("monitored", "true"),
        ("fuzziness", 1.5),
        ("fuzziness", True),
        ("fuzziness", "0.2"),
        ("search_term", 5),
        ("colour", "red"),
    ],
)
def test_invalid_requests_are_refused(
    client: httpx.Client, person: str, field: str, wrong: Any
) -> None:
    """The detail names the field."""
    body = {"entity_type": "person", "entity_id": person, field: wrong}

    response = client.post("/v2/peps-sanctions", json=body)

    assert response.status_code == 400
    assert field in response.json()["detail"]


@kinds
def test_an_unknown_entity_is_not_found(client: httpx.Client, kind: str) -> None:
    """By a search and by a list."""
    body = {"entity_type": "person", "entity_id": UNKNOWN}

    assert client.post(f"/v2/{kind}", json=body).status_code == 404
    assert client.get(f"/v2/Persons/{UNKNOWN}/{kind}").status_code == 404
