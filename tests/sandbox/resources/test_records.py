"""How records are shown in responses."""

import re

import httpx

from sikoia_async.sandbox.resources.records import address


def test_timestamps_differ_between_lists_and_single_cases(client: httpx.Client, case: str) -> None:
    """Lists have seven digits and an offset, cases have milliseconds and a Z."""
    listed = client.get("/v2/cases").json()[0]["datetime_created"]
    alone = client.get(case).json()["datetime_created"]

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}\+00:00", listed)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", alone)
    assert listed[:23] == alone[:23]


def test_an_address_has_a_summary_line(client: httpx.Client, case: str) -> None:
    """With all lines that are known."""
    lines = {"house_number": "1", "address_line_1": "Example Street", "country": "GB", "city": None}
    person = {"first_name": "Sample", "last_name": "Person", "postal_address": lines}

    response = client.post(f"{case}/entities", json={"persons": [person]}).json()

    home = response["persons"][0]["postal_address"]
    assert home["summary_line"] == "1, Example Street, GB"
    assert (home["country"], home["city"], home["post_code"]) == ("GB", None, None)
    assert len(home) == 10


def test_an_address_can_be_updated_in_part() -> None:
    """An empty line clears one, a null line does nothing."""
    old = address(None, {"city": "Old", "country": "GB", "post_code": "X9 9AA"})

    new = address(old, {"city": "New", "post_code": "", "country": None})

    assert new == {**(old or {}), "city": "New", "post_code": None, "summary_line": "New, GB"}
    assert address(old, None) == old
