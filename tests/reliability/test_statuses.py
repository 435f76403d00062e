"""What is tried again and what is not, by the answer; in virtual time, without a socket."""

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
    options = {"retries": 2, "max_in_flight": 2, "timeout": 1000} | options
    return client(_ANYWHERE, transport=played, **options)


@pytest.mark.virtual_time
@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_server_error_that_passes(status: int) -> None:
    """E1: what asks or sets gets its answer at the third attempt, what acts the error."""
    for call in (ask, put):
        played = Played(_status(status), _status(status), _status(200, b"[]"))
        async with watched(_talking(played), played) as row:
            await row.works(call, requests=3)

    played = Played(_status(status))
    async with watched(_talking(played), played) as row:
        error = await row.fails(ServerError, act, requests=1)

    assert error.may_have_been_processed


@pytest.mark.virtual_time
async def test_a_page_of_a_gateway_is_a_server_error() -> None:
    """E2: HTML with a 502 says nothing, and is tried again like any other."""
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
async def test_a_pause_is_at_least_what_was_asked_for(
    headers: dict[str, str], least: float, most: float
) -> None:
    """E3: a date counts by the answer's own clock."""
    played = Played(_status(503, **headers), _status(200, b"[]"))

    async with watched(_talking(played), played) as row:
        await row.works(requests=2)

    assert least <= played.times[1] - played.times[0] <= most


@pytest.mark.virtual_time
@pytest.mark.parametrize("hint", ["nan", "inf", "1e9", "1_0", "-5", "", "9" * 400, "2, 3", "0x2"])
async def test_a_hint_that_is_none_changes_nothing(hint: str) -> None:
    """E4: it is as good as no header, and a call goes on."""
    played = Played(_status(503, retry_after=hint), _status(200, b"[]"))

    async with watched(_talking(played), played) as row:
        await row.works(requests=2)

    assert played.times[1] - played.times[0] <= 1


@pytest.mark.virtual_time
async def test_a_hint_beyond_the_deadline_is_told_at_once() -> None:
    """E4: 99,999 seconds are not slept, and the error says how long it would be."""
    played = Played(_status(503, retry_after="99999"))

    async with watched(_talking(played), played) as row:
        began = anyio.current_time()
        error = await row.fails(ServerError, ask, requests=1)

        assert error.retry_after == 99999
        assert anyio.current_time() == began


@pytest.mark.virtual_time
async def test_a_hint_makes_no_request_repeatable() -> None:
    """E5: a 400 stays a 400, whatever its headers say."""
    played = Played(_status(400, retry_after="1"))

    async with watched(_talking(played), played) as row:
        await row.fails(InvalidRequestError, ask, requests=1)
        await row.fails(InvalidRequestError, act, requests=1)


@pytest.mark.virtual_time
async def test_one_429_pauses_all_calls() -> None:
    """E6, E7: twenty callers learn of it from one answer; none of them sends until it is over."""
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
async def test_a_429_that_outlasts_the_deadline() -> None:
    """E6: a pause that the deadline does not allow is an error at once."""
    played = Played(_status(429))

    async with watched(_talking(played, quota=Quota(), timeout=30), played, next_call=False) as row:
        error = await row.fails(RateLimitError, act, requests=1)

        assert not error.may_have_been_processed
        assert error.__notes__


@pytest.mark.virtual_time
@pytest.mark.parametrize(("status", "requests"), [(408, 3), (421, 3), (425, 1)])
async def test_what_the_server_did_not_take(status: int, requests: int) -> None:
    """E8: a timeout of the request and a wrong host may end better, and acts stay single."""
    played = Played(_status(status))

    async with watched(_talking(played), played) as row:
        await row.fails(APIError, ask, requests=requests)
        await row.fails(APIError, act, requests=1)


@pytest.mark.virtual_time
async def test_a_conflict_is_never_tried_again() -> None:
    """E9, E10: the first one is somebody else's; one after a lost attempt with our key is ours."""
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
async def test_a_delete_that_is_gone_went_through() -> None:
    """E11: the 404 of the second attempt explains the first, whose answer was lost."""
    played = Played(_LOST, _status(404, b'{"type": "ResourceNotFound"}'))

    async with watched(_talking(played), played) as row:
        assert await row.works(put, requests=2) is None


@pytest.mark.virtual_time
async def test_no_credits_left() -> None:
    """E12: a 403 is an answer; neither the token nor a pause will change it."""
    played = Played(_status(403))

    async with watched(_talking(played), played) as row:
        await row.fails(InsufficientPermissionsError, act, requests=1)
        await row.fails(InsufficientPermissionsError, ask, requests=1)


@pytest.mark.virtual_time
async def test_an_outage_is_not_made_worse() -> None:
    """E13, E14: 1,000 calls make at most 1,050 requests, and the first good one is not delayed."""
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
async def test_no_redirect_is_followed(status: int) -> None:
    """E17: not to another host, and not to our own."""
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
async def test_a_report_that_costs_is_asked_for_once(
    given: httpx.Response | Exception, error: Any
) -> None:
    """E18: though it is a GET, it is never sent again where it may have been made."""
    played = Played(given)

    async with watched(_talking(played), played, next_call=False) as row:
        caught = await row.fails(error, _excel, requests=1)

        assert caught.may_have_been_processed
        assert dict(row.sikoia.spend) == {f"GET {_EXCEL}": 1}


@pytest.mark.virtual_time
async def test_a_report_beyond_the_limit_is_not_asked_for() -> None:
    """E18: what may cost money can be bounded."""
    played = Played(_status(200, b"PK\x03\x04"))

    async with watched(_talking(played, max_chargeable=1), played) as row:
        assert await row.works(_excel) == b"PK\x03\x04"
        await row.fails(ChargeLimitError, _excel, requests=0)


@pytest.mark.virtual_time
async def test_an_upload_is_the_same_in_each_attempt() -> None:
    """E16: a stream of the caller's is read once, and sent whole again where that is safe."""
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
