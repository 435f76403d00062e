"""The figures of `sikoia.stats()`."""

from typing import Any

import anyio
import httpx
import pytest
from faults import client
from scripted import scripted

from sikoia_async import ConnectionFailedError, Limits, Quota, RateLimitError, Sikoia, Stats

pytestmark = pytest.mark.anyio


class _Slow(httpx.AsyncBaseTransport):
    """Responds with a status after a second."""

    def __init__(self, status: int = 200) -> None:
        self._status = status

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        await anyio.sleep(1)
        return httpx.Response(self._status, json=[])


def _client(status: int = 200, **options: Any) -> Sikoia:
    return client("https://127.0.0.1:1", transport=_Slow(status), **options)


@pytest.mark.virtual_time
async def test_stats_count_calls_waits_and_what_is_left() -> None:
    """Two at once and five a minute: what is in progress, what waits, and for how long."""
    sikoia = _client(quota=Quota(5), limits=Limits(max_in_flight=2), timeout=100)
    seen: list[Stats] = []
    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(sikoia.users.list)
        for seconds in (0.5, 50):
            await anyio.sleep(seconds)
            seen.append(sikoia.stats())
    early, later = seen
    end = sikoia.stats()

    assert (early.calls, early.in_flight, early.waiting, early.quota_left) == (8, 2, 3, 0)
    assert (later.in_flight, later.waiting, later.attempts) == (0, 3, 5)
    assert (end.calls, end.attempts, end.waiting) == (8, 8, 0)
    assert 3 * 60 < end.waited < 3 * 64
    assert (end.paused, end.retry_budget, end.connections_replaced, end.token_age) == (
        0,
        280,
        0,
        None,
    )


@pytest.mark.virtual_time
async def test_stats_show_a_pause() -> None:
    """After a 429, the seconds until requests are sent again."""
    sikoia = _client(429, quota=Quota())
    with pytest.raises(RateLimitError):
        await sikoia.users.list()

    assert 59 < sikoia.stats().paused <= 60


async def test_stats_without_a_rate_limit() -> None:
    """A view has the same stats as its client."""
    sikoia = _client(quota=None)

    assert sikoia.stats().quota_left is None
    assert sikoia.with_options(timeout=1).stats() == sikoia.stats()


async def test_stats_show_the_age_of_the_token() -> None:
    """In seconds since the access token was fetched."""
    with scripted() as server:
        async with server.client() as sikoia:
            before = sikoia.stats()
            await sikoia.request("GET", "/v2/users")
            age = sikoia.stats().token_age

    assert before.token_age is None
    assert age is not None
    assert 0 <= age < 60


async def test_stats_count_replaced_connections() -> None:
    """A connection is replaced if an exchange on it did not end cleanly."""
    sikoia = client("http://127.0.0.1:1")
    with pytest.raises(ConnectionFailedError):
        await sikoia.users.list()

    assert sikoia.stats().connections_replaced == 1


def test_stats_before_the_first_call() -> None:
    """There is no event loop yet, and so no clock."""
    stats = client("https://127.0.0.1:1", quota=Quota(20)).stats()

    assert (stats.calls, stats.quota_left, stats.paused, stats.token_age) == (0, 20, 0, None)
