"""Headers that announce the end of an operation: one warning each, and no lost response."""

import logging
import warnings

import httpx
import pytest
from faults import client

from sikoia_async import APIDeprecationWarning, ResourceNotFoundError, Sikoia

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]


def _client(headers: dict[str, str], status: int = 200) -> Sikoia:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, headers=headers, json=[]))
    return client("https://127.0.0.1:8400", transport=transport)


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"Deprecation": "@1688169599"}, "is deprecated since 2023-06-30"),
        ({"Deprecation": "@9999999999"}, "is deprecated from 2286-11-20 on"),
        ({"Deprecation": "true"}, "is deprecated"),
        ({"Deprecation": "Sun, 11 Nov 2018 23:59:59 GMT"}, "is deprecated since 2018-11-11"),
        ({"Deprecation": "@x"}, "is deprecated"),
        ({"Deprecation": "canary\x7f"}, "is deprecated"),
        (
            {"Sunset": "Wed, 11 Nov 2026 23:59:59 GMT"},
            "is deprecated, and Sikoia removes it on 2026-11-11",
        ),
        ({"Sunset": "canary"}, "is deprecated"),
        (
            {
                "Deprecation": "@1688169599",
                "Sunset": "Wed, 11 Nov 2026 23:59:59 GMT",
                "Link": '<https://a.example/x?k=canary>; rel="next", '
                '<https://docs.example/v3>; type="text/html"; rel="deprecation"',
            },
            (
                "is deprecated since 2023-06-30, and Sikoia removes it on 2026-11-11: "
                "see https://docs.example/v3"
            ),
        ),
    ],
)
async def test_an_announcement_is_logged_and_warned_about(
    headers: dict[str, str], message: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Once for each operation, with the dates and the page that it names."""
    async with _client(headers) as sikoia:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            await sikoia.users.list()
            await sikoia.with_options(timeout=5).users.list()
            await sikoia.cases.list()
    expected = [f"GET /v2/users {message}", f"GET /v2/cases {message}"]
    assert [str(one.message) for one in warned] == expected
    assert {one.category for one in warned} == {APIDeprecationWarning}
    logged = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]
    assert logged == expected


@pytest.mark.parametrize("headers", [{}, {"Deprecation": "false"}, {"Deprecation": "?0"}])
async def test_other_responses_are_not_announcements(headers: dict[str, str]) -> None:
    """The header may say that the operation is not deprecated."""
    async with _client(headers) as sikoia:
        with warnings.catch_warnings(record=True) as warned:
            await sikoia.users.list()
    assert not warned


async def test_a_response_is_not_lost_to_a_warning() -> None:
    """The suite turns warnings into errors; the call returns its response all the same."""
    async with _client({"Sunset": "Wed, 11 Nov 2026 23:59:59 GMT"}) as sikoia:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert await sikoia.users.list() == ()


async def test_an_error_may_announce_too() -> None:
    """An operation may be gone already; ids of its path are not shown."""
    async with _client({"Deprecation": "true"}, 404) as sikoia:
        with (
            pytest.warns(APIDeprecationWarning, match=r"GET /v2/cases/\{id\} is deprecated"),
            pytest.raises(ResourceNotFoundError),
        ):
            await sikoia.request("GET", "/v2/cases/4711-canary")


async def test_operations_are_remembered_up_to_a_limit() -> None:
    """`request` takes any path, so a client remembers no more than 1000."""
    async with _client({"Deprecation": "true"}) as sikoia:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            for number in range(1001):
                await sikoia.request("GET", "/v2/" + "".join(chr(97 + int(d)) for d in f"{number}"))
    assert len(warned) == 1000
