"""Which responses are retried; in virtual time, without a socket."""

from collections.abc import AsyncIterator
from typing import Any, Final

import anyio
import httpx
import pytest
from faults import client
from reliability.harness import Played, act, ask, plan, put, sends, talking
from reliability.oracle import watched

from sikoia_async import (
    APIError,
    ChargeLimitError,
    ConflictError,
    ConnectionFailedError,
    Entity,
    InsufficientPermissionsError,
    InvalidRequestError,
    Limits,
    Quota,
    RateLimitError,
    ServerError,
    Sikoia,
    UnexpectedResponseError,
)

pytestmark = [pytest.mark.anyio]

_LOST: Final = httpx.ReadError("")
_ANYWHERE: Final = "https://127.0.0.1:1"
_CASE: Final = Entity("case", "c-1")


def _status(status: int, body: bytes = b"{}", /, **headers: str) -> httpx.Response:
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return httpx.Response(status, headers=named, content=body)


def _talking(played: Played, **options: Any) -> Sikoia:
    options = {"retries": 2, "limits": Limits(max_in_flight=2), "timeout": 1000} | options
    return client(_ANYWHERE, transport=played, **options)


@pytest.mark.virtual_time
@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_temporary_server_error(status: int) -> None:
    """E1: safe and idempotent requests succeed at the third attempt, unsafe ones fail."""
    for call in (ask, put):
        played = Played(_status(status), _status(status), _status(200, b"[]"))
        async with watched(_talking(played), played) as row:
            await row.works(call, requests=3)

    played = Played(_status(status))
    async with watched(_talking(played), played) as row:
        error = await row.fails(ServerError, act, requests=1)

    assert error.may_have_been_processed


@pytest.mark.virtual_time
async def test_a_gateways_error_page_is_a_server_error() -> None:
    """E2: a 502 with HTML is retried like any other."""
    page = b"<html><body>canary-page</body></html>"
    played = Played(_status(502, page, content_type="text/html"))

    async with watched(_talking(played), played) as row:
        error = await row.fails(ServerError, ask, requests=3)

        assert "canary-page" not in str(error)
        await row.fails(ServerError, act, requests=1)


@pytest.mark.virtual_time
@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({"retry_after": "2"}, 2.0, 2.2),
        (
            {
                "retry_after": "Sun, 06 Nov 1994 08:49:47 GMT",
                "date": "Sun, 06 Nov 1994 08:49:37 GMT",
            },
            10.0,
            11.0,
        ),
        (
            {
                "retry_after": "Sun, 06 Nov 1994 08:49:27 GMT",
                "date": "Sun, 06 Nov 1994 08:49:37 GMT",
            },
            0.0,
            0.0,
        ),
        ({}, 0.0, 1.0),
    ],
    ids=["seconds", "date", "past date", "none"],
)
async def test_a_pause_is_at_least_the_retry_after(
    headers: dict[str, str], least: float, most: float
) -> None:
    """E3: a date is compared with the response's own Date."""
    played = Played(_status(503, **headers), _status(200, b"[]"))

    async with watched(_talking(played), played) as row:
        await row.works(requests=2)

    assert least <= played.times[1] - played.times[0] <= most


@pytest.mark.virtual_time
@pytest.mark.parametrize("hint", ["nan", "inf", "1e9", "1_0", "-5", "", "9" * 400, "2, 3", "0x2"])
async def test_an_invalid_retry_after_is_ignored(hint: str) -> None:
    """E4: the call is retried as without it."""
    played = Played(_status(503, retry_after=hint), _status(200, b"[]"))

    async with watched(_talking(played), played) as row:
        await row.works(requests=2)

    assert played.times[1] - played.times[0] <= 1


@pytest.mark.virtual_time
async def test_a_retry_after_beyond_the_deadline_fails_at_once() -> None:
    """E4: the error has the 99,999 seconds."""
    played = Played(_status(503, retry_after="99999"))

    async with watched(_talking(played), played) as row:
        began = anyio.current_time()
        error = await row.fails(ServerError, ask, requests=1)

        assert error.retry_after == 99999
        assert anyio.current_time() == began


@pytest.mark.virtual_time
async def test_a_retry_after_does_not_make_a_request_retryable() -> None:
    """E5: a 400 is not retried, whatever its headers say."""
    played = Played(_status(400, retry_after="1"))

    async with watched(_talking(played), played) as row:
        await row.fails(InvalidRequestError, ask, requests=1)
        await row.fails(InvalidRequestError, act, requests=1)


@pytest.mark.virtual_time
async def test_one_429_pauses_all_calls() -> None:
    """E6, E7: none of twenty callers sends anything until the pause ends."""
    played = Played(_status(429), _status(200, b"[]"))
    paced = _talking(played, quota=Quota())
    async with watched(paced, played):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, paced)
            await anyio.sleep(1)
            for _ in range(20):
                tasks.start_soon(ask, paced)
        first, *rest = played.times

        assert len(rest) == 21
        assert min(rest) - first >= 60


@pytest.mark.virtual_time
async def test_a_429_pause_beyond_the_deadline() -> None:
    """E6: fails at once."""
    played = Played(_status(429))

    async with watched(_talking(played, quota=Quota(), timeout=30), played, next_call=False) as row:
        error = await row.fails(RateLimitError, act, requests=1)

        assert not error.may_have_been_processed
        assert error.__notes__


@pytest.mark.virtual_time
@pytest.mark.parametrize(("status", "requests"), [(408, 3), (421, 3), (425, 1)])
async def test_408_and_421_are_retried_if_safe(status: int, requests: int) -> None:
    """E8: unsafe requests are sent once."""
    played = Played(_status(status))

    async with watched(_talking(played), played) as row:
        await row.fails(APIError, ask, requests=requests)
        await row.fails(APIError, act, requests=1)


@pytest.mark.virtual_time
async def test_a_conflict_is_never_retried() -> None:
    """E9, E10: after a lost attempt with our key, it means that attempt succeeded."""
    played = Played(_status(409))
    async with watched(_talking(played), played) as row:
        error = await row.fails(ConflictError, act, requests=1)
        assert not error.first_attempt_went_through

    played = Played(_LOST, _status(409))
    async with watched(_talking(played, idempotency_header="Idempotency-Key"), played) as row:
        error = await row.fails(ConflictError, act, requests=2)
        assert error.first_attempt_went_through
        assert error.may_have_been_processed


@pytest.mark.virtual_time
async def test_a_404_after_a_lost_delete_is_a_success() -> None:
    """E11: the first attempt, whose response was lost, deleted it."""
    played = Played(_LOST, _status(404, b'{"type": "ResourceNotFound"}'))

    async with watched(_talking(played), played) as row:
        assert await row.works(put, requests=2) is None


@pytest.mark.virtual_time
async def test_missing_credits_are_not_retried() -> None:
    """E12: neither a new access token nor a pause would help."""
    played = Played(_status(403))

    async with watched(_talking(played), played) as row:
        await row.fails(InsufficientPermissionsError, act, requests=1)
        await row.fails(InsufficientPermissionsError, ask, requests=1)


@pytest.mark.virtual_time
async def test_retries_do_not_make_an_outage_worse() -> None:
    """E13, E14: 1,000 calls send at most 1,050 requests, and recovery is not delayed."""
    played = Played(_status(503))
    sikoia = _talking(played, quota=None)

    async with watched(sikoia, played) as row:
        for _ in range(1000):
            with pytest.raises(ServerError):
                await ask(sikoia)
        assert played.seen <= 1050
        played.well = True
        began = anyio.current_time()
        await row.works()

        assert anyio.current_time() == began


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
async def test_redirects_are_not_followed(status: int) -> None:
    """E17: neither to another host nor to the API's own."""
    async with plan(sends()) as evil:
        elsewhere = f"{evil.server.url}/v2/cases".encode()
        told = b"HTTP/1.1 %d Moved\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n"
        async with (
            plan(sends(told % (status, elsewhere))) as planned,
            watched(talking(planned), planned) as row,
        ):
            error = await row.fails(UnexpectedResponseError, ask, requests=1)
            assert elsewhere.decode() not in str(error)
            await row.fails(UnexpectedResponseError, act, requests=1)

        assert evil.server.connections == 0


_EXCEL: Final = "/v2/{entity_type}/{entity_id}/excel-report"


async def _excel(sikoia: Sikoia) -> bytes:
    return await sikoia.reports.excel(_CASE)


@pytest.mark.virtual_time
@pytest.mark.parametrize(
    ("given", "error"),
    [(_status(503), ServerError), (_LOST, ConnectionFailedError), (_status(500), ServerError)],
    ids=["503", "lost", "500"],
)
async def test_a_chargeable_report_is_requested_once(
    given: httpx.Response | Exception, error: Any
) -> None:
    """E18: although it is a GET, it is not repeated once it may have been processed."""
    played = Played(given)

    async with watched(_talking(played), played, next_call=False) as row:
        caught = await row.fails(error, _excel, requests=1)

        assert caught.may_have_been_processed
        assert dict(row.sikoia.spend) == {"reports.excel": 1}


@pytest.mark.virtual_time
async def test_a_report_beyond_the_charge_limit_is_not_requested() -> None:
    """E18: the client refuses it."""
    played = Played(_status(200, b"PK\x03\x04"))

    async with watched(_talking(played, max_chargeable=1), played) as row:
        assert await row.works(_excel) == b"PK\x03\x04"
        await row.fails(ChargeLimitError, _excel, requests=0)


@pytest.mark.virtual_time
async def test_an_upload_is_the_same_in_each_attempt() -> None:
    """E16: the user's stream is read once, and sent in full by each attempt."""
    played = Played(_status(429, retry_after="1"), _status(201, _DOCUMENT))

    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"one", b"two"):
            yield piece

    async def upload(sikoia: Sikoia) -> Any:
        return await sikoia.documents.upload(_CASE, pieces(), file_name="a.pdf")

    async with watched(_talking(played), played, next_call=False) as row:
        await row.works(upload, requests=2)

    assert played.requests[0] == played.requests[1]
    assert b"b25ldHdv" in played.requests[0]


_DOCUMENT: Final = b'{"document_id": "d-1"}'
