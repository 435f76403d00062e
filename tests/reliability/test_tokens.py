"""Access tokens under load: herds, failures and cancelled leaders, counted in token requests.

What one module alone can show is in the tests of `_token` and `_credentials`.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator
from typing import Any, Final

import anyio
import attrs
import httpx
import pytest
from anyio.lowlevel import checkpoint
from faults import SECRET, assert_plain

from sikoia_async import (
    CallError,
    ConnectionFailedError,
    DeadlineExceededError,
    Environment,
    Limits,
    Sikoia,
    TokenError,
)

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_TEST: Final = Environment(
    name="test", api="https://api.example", token_url="https://login.example/token", scope="all"
)
_DOWN: Final = httpx.Response(500)
_REFUSED: Final = httpx.Response(400, json={"error": "invalid_client"})


def _granted(life: int = 3600) -> httpx.Response:
    return httpx.Response(201, json={"access_token": "a-token", "expires_in": life})


@attrs.define
class _Login:
    """Responds to token requests in turn, repeating the last; its API accepts any access token."""

    answers: list[httpx.Response]
    seconds: float = 0.1
    """How long a token request takes."""
    steps: int = 0
    """And how many steps of the event loop it takes."""
    asked: list[float] = attrs.field(factory=list[float])
    """When each token request arrived."""
    served: int = 0

    def client(self, **options: Any) -> Sikoia:
        transport = httpx.MockTransport(self.reply)
        fixed: dict[str, Any] = {
            "environment": _TEST,
            "quota": None,
            "limits": Limits(max_in_flight=200),
        }
        return Sikoia("an-id", SECRET, transport=transport, **fixed, **options)

    async def reply(self, request: httpx.Request) -> httpx.Response:
        if request.url.host != "login.example":
            self.served += 1
            return httpx.Response(200, content=b"[]")
        self.asked.append(anyio.current_time())
        given = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        for _ in range(self.steps):
            await checkpoint()
        if self.seconds:
            await anyio.sleep(self.seconds)
        if "gzip" in given.extensions:
            headers, raw = {"Content-Encoding": "gzip"}, _Raw(given.extensions["gzip"])
            return httpx.Response(given.status_code, headers=headers, stream=raw)
        return httpx.Response(given.status_code, headers=given.headers, content=given.content)


class _Raw(httpx.AsyncByteStream):
    """A body that arrives from the network."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content


async def _call(sikoia: Sikoia) -> CallError | None:
    try:
        await sikoia.request("GET", "/v2/cases")
    except CallError as error:
        return error
    return None


async def _calls(sikoia: Sikoia, times: int) -> list[CallError]:
    """Make concurrent calls, and return their errors."""
    errors: list[CallError | None] = []

    async def call() -> None:
        errors.append(await _call(sikoia))

    async with anyio.create_task_group() as calls:
        for _ in range(times):
            calls.start_soon(call)
    return [error for error in errors if error is not None]


async def test_two_hundred_cold_calls_fetch_one_token() -> None:
    """F1: and share it."""
    login = _Login([_granted()])

    assert await _calls(login.client(), 200) == []
    assert len(login.asked) == 1
    assert login.served == 200


@pytest.mark.parametrize("steps", range(41))
async def test_a_leader_cancelled_at_any_step_is_replaced(steps: int) -> None:
    """F2: with two token requests at most."""
    login, leading = _Login([_granted()], seconds=0, steps=15), anyio.CancelScope()
    sikoia = login.client()

    async def lead() -> None:
        with leading:
            await sikoia.request("GET", "/v2/cases")

    async with anyio.create_task_group() as calls:
        calls.start_soon(lead)
        await checkpoint()
        calls.start_soon(_calls, sikoia, 5)
        for _ in range(steps):
            await checkpoint()
        leading.cancel()

    assert len(login.asked) <= 2
    assert 5 <= login.served <= 6
    assert await _calls(sikoia, 1) == []


@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
@pytest.mark.parametrize("steps", range(41))
async def test_a_leader_whose_task_is_cancelled_is_replaced(steps: int) -> None:
    """F2: at any step, with `task.cancel()`, which ignores shields."""
    login = _Login([_granted()], seconds=0, steps=15)
    sikoia = login.client()
    leader = asyncio.create_task(_call(sikoia))
    await asyncio.sleep(0)
    others = asyncio.create_task(_calls(sikoia, 5))
    for _ in range(steps):
        await asyncio.sleep(0)
    leader.cancel()
    await asyncio.gather(leader, return_exceptions=True)

    assert await others == []
    assert len(login.asked) <= 2
    assert await _calls(sikoia, 1) == []


async def test_a_token_request_is_retried_twice() -> None:
    """F3: every waiting call gets the access token."""
    login = _Login([_DOWN, _DOWN, _granted()])

    assert await _calls(login.client(), 50) == []
    assert len(login.asked) == 3


async def test_token_requests_become_rarer_in_an_outage() -> None:
    """F4: 50 callers that retry for ten seconds cause six token requests at most."""
    login = _Login([_DOWN], seconds=0)
    sikoia, errors = login.client(), list[CallError]()

    async def insist() -> None:
        while anyio.current_time() < began + 10:
            error = await _call(sikoia)
            assert isinstance(error, TokenError)
            errors.append(error)
            await anyio.sleep(0.1)

    began = anyio.current_time()
    async with anyio.create_task_group() as callers:
        for _ in range(50):
            callers.start_soon(insist)

    assert 4 <= len(login.asked) <= 6
    assert len(errors) > 50 * 50
    assert len({id(error) for error in errors}) == len(errors)
    assert_plain(errors[-1])
    login.answers = [_granted()]
    await anyio.sleep(9)
    assert await _calls(sikoia, 50) == []


async def test_after_an_outage_token_requests_are_retried_again() -> None:
    """F4: the first access token ends the outage."""
    login = _Login([_DOWN, _DOWN, _DOWN, _granted(60), _DOWN, _DOWN, _granted()], seconds=0)
    sikoia = login.client()

    assert len(await _calls(sikoia, 1)) == 1
    await anyio.sleep(2)
    assert await _calls(sikoia, 1) == []
    await anyio.sleep(59)
    assert await _calls(sikoia, 1) == []
    assert len(login.asked) == 7


async def test_occasional_failures_do_not_use_up_the_retry_budget() -> None:
    """F3: a successful token request refunds its retries."""
    login = _Login([_DOWN, _granted(60)] * 40, seconds=0)
    sikoia = login.client()

    for _ in range(40):
        assert await _calls(sikoia, 1) == []
        await anyio.sleep(60)
    assert len(login.asked) == 80


async def test_callers_with_short_deadlines_share_a_failure() -> None:
    """F4: a caller without time for a retry does not pass a first attempt on to the next one."""
    login = _Login([_DOWN], seconds=0)

    errors = await _calls(login.client(timeout=0.01), 50)

    assert [type(error) for error in errors] == [TokenError] * 50
    assert len(login.asked) <= 3


async def test_a_caller_with_time_makes_the_retry_another_had_to_skip() -> None:
    """F4: after the pause, not at once."""
    down = httpx.Response(503, headers={"Retry-After": "2"})
    login = _Login([down, _granted()], seconds=0.4)
    sikoia = login.client()
    errors: list[CallError] = []

    async def hurry() -> None:
        errors.extend(await _calls(sikoia.with_options(timeout=1), 1))

    async with anyio.create_task_group() as calls:
        calls.start_soon(hurry)
        await anyio.sleep(0.2)
        assert await _calls(sikoia, 10) == []

    assert [type(error) for error in errors] == [TokenError]
    assert len(login.asked) == 2
    assert login.asked[1] - login.asked[0] >= 1.4


async def test_the_retry_after_of_the_token_endpoint_is_honoured() -> None:
    """F4, G5: between attempts and after the last one."""
    login = _Login([httpx.Response(503, headers={"Retry-After": "7"})], seconds=0)
    sikoia = login.client()

    assert len(await _calls(sikoia, 1)) == 1
    await anyio.sleep(6.9)
    assert len(await _calls(sikoia, 1)) == 1
    assert len(login.asked) == 3
    assert min(login.asked[1] - login.asked[0], login.asked[2] - login.asked[1]) >= 7
    await anyio.sleep(1)
    assert len(await _calls(sikoia, 1)) == 1
    assert len(login.asked) == 4


async def test_a_refusal_holds_for_five_seconds() -> None:
    """F5: the credentials are wrong, and repeating them might lock them."""
    login = _Login([_REFUSED], seconds=0)
    sikoia = login.client()

    for _ in range(5):
        (error, *others) = await _calls(sikoia, 10)
        assert isinstance(error, TokenError)
        assert error.error == "invalid_client"
        assert_plain(error)
        assert len(others) == 9
        await anyio.sleep(0.99)
    assert len(login.asked) == 1

    login.answers = [_granted()]
    await anyio.sleep(1)
    assert await _calls(sikoia, 10) == []


_JSON: Final = b'{"access_token": "a-token", "expires_in": 3600}'


def _gzipped(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=31)
    return packer.compress(content) + packer.flush()


@pytest.mark.parametrize(
    "body",
    [_gzipped(_JSON)[:-8], _gzipped(_JSON)[:20], _gzipped(b" " * 10_000_000 + _JSON)],
    ids=["without its checksum", "cut", "bomb"],
)
async def test_a_truncated_token_response_is_retried(body: bytes) -> None:
    """F8: even if only gzip's trailer is missing; an error after three requests."""
    login = _Login([httpx.Response(201, extensions={"gzip": body})], seconds=0)

    (error,) = await _calls(login.client(), 1)

    assert type(error) is ConnectionFailedError
    assert "no complete response from the authorization server" in str(error)
    assert_plain(error)
    assert len(login.asked) == 3


async def test_a_complete_token_response_after_a_truncated_one() -> None:
    """F8: is used."""
    half = httpx.Response(201, extensions={"gzip": _gzipped(_JSON)[:-8]})
    login = _Login([half, _granted()])

    assert await _calls(login.client(), 10) == []
    assert len(login.asked) == 2


async def test_an_early_renewal_takes_a_share_of_the_timeout_only() -> None:
    """F13: the token endpoint hangs, and the access token is valid for two more minutes."""
    login = _Login([_granted()])
    sikoia = login.client(timeout=4)
    assert await _calls(sikoia, 1) == []
    await anyio.sleep(3600 - 100)
    login.seconds = 1000
    began = anyio.current_time()

    assert await _calls(sikoia, 20) == []
    assert anyio.current_time() - began == pytest.approx(1)
    assert await _calls(sikoia, 20) == []
    assert anyio.current_time() - began == pytest.approx(1)
    assert len(login.asked) == 2


async def test_a_follower_that_times_out_does_not_stop_the_leader() -> None:
    """D10: its request was not sent, and the others get their access token."""
    login = _Login([_granted()], seconds=5)
    sikoia, errors = login.client(), list[CallError | None]()

    async def follow() -> None:
        errors.append(await _call(sikoia.with_options(timeout=2)))

    async with anyio.create_task_group() as calls:
        calls.start_soon(_calls, sikoia, 1)
        await anyio.sleep(1)
        calls.start_soon(follow)

    (error,) = errors
    assert isinstance(error, DeadlineExceededError)
    assert error.spent == {"rate_limit": 0, "token": 2}
    assert not error.may_have_been_processed
    assert (len(login.asked), login.served) == (1, 1)
