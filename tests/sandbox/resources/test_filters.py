"""The filters of the list of cases."""

from collections.abc import Callable, Generator

import httpx
import pytest

from sikoia_async.sandbox import Sandbox


@pytest.fixture(scope="module")
def listing(connect: Callable[[Sandbox], httpx.Client]) -> Generator[httpx.Client]:
    """Run a sandbox with three cases."""
    with Sandbox() as sandbox:
        client = connect(sandbox)
        for case in (
            {"name": "Roof", "case_type": "Consumer", "stage": "Approved", "owner": "Ann"},
            {"name": "Vans", "case_type": "Business", "reference": "R-2", "source": "Broker"},
            {
                "name": "Shop",
                "case_type": "Business",
                "stage": "Rejected",
                "description": "Under a flat roof",
                "ownership": [{"owner_id": "u1"}, {"owner_id": "u2"}],
            },
        ):
            client.post("/v2/cases", json=case)
        yield client


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, {"Roof", "Vans", "Shop"}),
        ({"source": ""}, {"Roof", "Vans", "Shop"}),
        ({"case_type": "Business"}, {"Vans", "Shop"}),
        ({"case_type": "Business,Consumer"}, {"Roof", "Vans", "Shop"}),
        ({"stage": "Approved, Rejected"}, {"Roof", "Shop"}),
        ({"stage": "Dormant"}, set[str]()),
        ({"source": "Broker"}, {"Vans"}),
        ({"owner": "Ann"}, {"Roof"}),
        ({"owner_id": "u2,u3"}, {"Shop"}),
        ({"keyword": "ROOF"}, {"Roof", "Shop"}),
        ({"keyword": "r-2,shop"}, {"Vans", "Shop"}),
        ({"keyword": "roof", "case_type": "Business"}, {"Shop"}),
    ],
)
def test_a_case_is_listed_if_it_matches_every_filter(
    listing: httpx.Client, query: dict[str, str], names: set[str]
) -> None:
    """And any value of each filter."""
    cases = listing.get("/v2/cases", params=query).json()

    assert {case["name"] for case in cases} == names


@pytest.mark.parametrize("value", ["Secret", ""])
@pytest.mark.parametrize("name", ["case_type", "stage"])
def test_unknown_stages_and_types_are_refused(listing: httpx.Client, name: str, value: str) -> None:
    """Instead of an empty list."""
    response = listing.get("/v2/cases", params={name: value})

    assert (response.status_code, response.json()["type"]) == (400, "InvalidRequest")
    assert name in response.json()["detail"]
    assert "Secret" not in response.text
