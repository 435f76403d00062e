"""The deadline: one for everything that a call waits for, and the error lists the phases."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import anyio
import attrs
import httpx
import pytest
from faults import assert_plain, client, guards

from sikoia_async import DeadlineExceededError, Limits, Quota, Sikoia

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_ANYWHERE: Final = "https://127.0.0.1:1"


@attrs.define
class _Slow:
    """Responds after `head` seconds, and sends the body after `body` more."""

    head: float = 0.0
    body: float = 0.0
    seen: int = 0

    async def reply(self, request: httpx.Request) -> httpx.Response:
        self.seen += 1
        seconds, self.head = self.head, 0.0
        await anyio.sleep(seconds)
        if not self.body:
            return httpx.Response(200, content=b"[]", request=request)
        return httpx.Response(200, stream=_Dripping(self.body))

    def client(self, **options: Any) -> Sikoia:
        transport = httpx.MockTransport(self.reply)
        return client(_ANYWHERE, transport=transport, timeout=5, **options)


class _Dripping(httpx.AsyncByteStream):
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def __aiter__(self) -> AsyncIterator[bytes]:
        await anyio.sleep(self._seconds)
        yield b"[]"


async def _in_vain(sikoia: Sikoia, method: str = "GET") -> DeadlineExceededError:
    began = anyio.current_time()
    with pytest.raises(DeadlineExceededError, match="within 5 s") as caught:
        await sikoia.request(method, "/v2/cases")
    assert anyio.current_time() - began == pytest.approx(5, abs=0.01)
    assert_plain(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("slow", "phase"),
    [(_Slow(head=100), "response"), (_Slow(body=100), "body")],
    ids=["response", "body"],
)
async def test_a_response_after_the_deadline(slow: _Slow, phase: str) -> None:
    """The request was sent, so it may have been processed."""
    error = await _in_vain(attrs.evolve(slow).client(), "POST")

    assert error.spent[phase] == pytest.approx(5)
    assert error.may_have_been_processed
    assert f"{phase} 5 s" in str(error)


async def test_a_request_slot_after_the_deadline() -> None:
    """Nothing is sent, and a later call gets the slot."""
    slow = _Slow()
    sikoia = slow.client(quota=Quota(1, per=60))
    await sikoia.request("GET", "/v2/cases")

    error = await _in_vain(sikoia, "POST")

    assert error.spent == {"rate_limit": 5}
    assert not error.may_have_been_processed
    assert slow.seen == 1
    assert await sikoia.with_options(timeout=60).request("GET", "/v2/cases") == []


async def test_an_access_token_after_the_deadline() -> None:
    """Nothing is sent, and a later call gets a token."""
    waits = [100.0, 0.0]

    async def token() -> str:
        await anyio.sleep(waits.pop(0))
        return "a-token"

    slow = _Slow()
    sikoia = slow.client(token=token)

    error = await _in_vain(sikoia, "POST")

    assert error.spent["token"] == 5
    assert not error.may_have_been_processed
    assert slow.seen == 0
    assert await sikoia.request("GET", "/v2/cases") == []


async def test_a_connection_after_the_deadline() -> None:
    """Nothing is sent, and a later call gets the connection."""
    slow = _Slow(head=8)
    sikoia = slow.client(limits=Limits(max_in_flight=1))
    async with anyio.create_task_group() as calls:
        calls.start_soon(sikoia.with_options(timeout=60).request, "GET", "/v2/cases")
        await anyio.sleep(0.5)
        error = await _in_vain(sikoia, "POST")
        assert error.spent["connection"] == 5
        assert not error.may_have_been_processed

    assert slow.seen == 1
    assert guards(sikoia)[0].free == 1
    assert await sikoia.request("GET", "/v2/cases") == []


async def test_pauses_count_towards_the_deadline() -> None:
    """Three attempts of two seconds and the pauses between them do not fit into five."""

    async def reply(_: httpx.Request) -> httpx.Response:
        await anyio.sleep(2)
        return httpx.Response(503, headers={"Retry-After": "1"})

    sikoia = client(_ANYWHERE, transport=httpx.MockTransport(reply), timeout=5, retries=2)

    error = await _in_vain(sikoia)

    assert error.spent["backoff"] >= 1
    assert error.spent["response"] + error.spent["backoff"] == pytest.approx(5, abs=0.01)
    assert [attempt.status for attempt in error.attempts] == [503]


async def test_a_shorter_timeout_around_the_call_raises_its_own_error() -> None:
    """The caller gets their own `TimeoutError`, and the client stays usable."""
    sikoia = _Slow(head=100).client()

    with pytest.raises(TimeoutError) as caught, anyio.fail_after(1):
        await sikoia.request("GET", "/v2/cases")

    assert type(caught.value) is TimeoutError
    assert guards(sikoia)[0].free == 16
    assert await sikoia.request("GET", "/v2/cases") == []


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_timeout_of_asyncio_raises_its_own_error() -> None:
    """`asyncio.timeout` and `wait_for` cancel natively, and work as well."""
    for limited in (_timeout, _wait_for):
        sikoia = _Slow(head=100).client()

        with pytest.raises(TimeoutError) as caught:
            await limited(sikoia)

        assert type(caught.value) is TimeoutError
        assert await sikoia.request("GET", "/v2/cases") == []


async def _timeout(sikoia: Sikoia) -> None:
    async with asyncio.timeout(0.05):
        await sikoia.request("GET", "/v2/cases")


async def _wait_for(sikoia: Sikoia) -> None:
    await asyncio.wait_for(sikoia.request("GET", "/v2/cases"), 0.05)
