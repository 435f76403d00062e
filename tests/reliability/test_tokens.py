"""Access tokens under stress: herds, failures, hand-overs; how many requests the login server sees.

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
    """Answers token requests in turn, the last answer again and again; the API takes any token."""

    answers: list[httpx.Response]
    seconds: float = 0.1
    """How long a token request takes."""
    steps: int = 0
    """And how many steps of the event loop."""
    asked: list[float] = attrs.field(factory=list[float])
    """When each token request came."""
    served: int = 0

    def client(self, **options: Any) -> Sikoia:
        transport = httpx.MockTransport(self.reply)
        fixed: dict[str, Any] = {"environment": _TEST, "quota": None, "max_in_flight": 200}
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
    """A body as it comes over the wire."""

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
    """Make so many calls at once, and return the errors."""
    errors: list[CallError | None] = []

    async def call() -> None:
        errors.append(await _call(sikoia))

    async with anyio.create_task_group() as calls:
        for _ in range(times):
            calls.start_soon(call)
    return [error for error in errors if error is not None]


async def test_two_hundred_cold_calls_fetch_one_token() -> None:
    """F1."""
    login = _Login([_granted()])

    assert await _calls(login.client(), 200) == []
    assert len(login.asked) == 1
    assert login.served == 200


@pytest.mark.parametrize("steps", range(41))
async def test_a_leader_whose_scope_is_cancelled_at_any_step_hands_over(steps: int) -> None:
    """F2: the others are served, by two token requests at most."""
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
async def test_a_leader_whose_task_is_cancelled_at_any_step_hands_over(steps: int) -> None:
    """F2, for `task.cancel()`, which no shield holds off."""
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


async def test_a_login_that_fails_twice_is_asked_three_times() -> None:
    """F3: all who wait have the token that came in the end."""
    login = _Login([_DOWN, _DOWN, _granted()])

    assert await _calls(login.client(), 50) == []
    assert len(login.asked) == 3


async def test_a_login_that_is_down_is_asked_less_and_less() -> None:
    """F4: 50 callers who try again and again for ten seconds make six token requests at most."""
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


async def test_a_login_that_was_down_has_all_attempts_again() -> None:
    """F4: an outage is over with the first token, and not remembered."""
    login = _Login([_DOWN, _DOWN, _DOWN, _granted(60), _DOWN, _DOWN, _granted()], seconds=0)
    sikoia = login.client()

    assert len(await _calls(sikoia, 1)) == 1
    await anyio.sleep(2)
    assert await _calls(sikoia, 1) == []
    await anyio.sleep(59)
    assert await _calls(sikoia, 1) == []
    assert len(login.asked) == 7


async def test_a_login_that_fails_now_and_then_is_tried_again_for_ever() -> None:
    """F3: a token that came in the end pays back what its retry cost."""
    login = _Login([_DOWN, _granted(60)] * 40, seconds=0)
    sikoia = login.client()

    for _ in range(40):
        assert await _calls(sikoia, 1) == []
        await anyio.sleep(60)
    assert len(login.asked) == 80


async def test_callers_in_a_hurry_do_not_ask_one_after_the_other() -> None:
    """F4: who has no time for a second attempt leaves no first one to the next in line."""
    login = _Login([_DOWN], seconds=0)

    errors = await _calls(login.client(timeout=0.01), 50)

    assert [type(error) for error in errors] == [TokenError] * 50
    assert len(login.asked) <= 3


async def test_who_has_time_waits_for_the_pause_that_another_had_no_time_for() -> None:
    """F4: a caller in a hurry, and one who is not: it asks again, though not at once."""
    login = _Login([_DOWN, _granted()], seconds=1)
    sikoia = login.client()
    errors: list[CallError] = []

    async def hurry() -> None:
        errors.extend(await _calls(sikoia.with_options(timeout=1.00001), 1))

    async with anyio.create_task_group() as calls:
        calls.start_soon(hurry)
        await anyio.sleep(0.5)
        assert await _calls(sikoia, 10) == []

    assert [type(error) for error in errors] == [TokenError]
    assert len(login.asked) == 2
    assert login.asked[1] - login.asked[0] >= 2


async def test_a_login_that_says_when_to_come_again_is_left_alone_until_then() -> None:
    """F4, G5: its Retry-After is obeyed between attempts and after the last."""
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
    """F5: what is wrong are the credentials; asking again is no use, and may lock them."""
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
async def test_half_a_token_is_none(body: bytes) -> None:
    """F8: not even where only gzip's own end is missing; three requests, and an error."""
    login = _Login([httpx.Response(201, extensions={"gzip": body})], seconds=0)

    (error,) = await _calls(login.client(), 1)

    assert type(error) is ConnectionFailedError
    assert "no complete response from the authorization server" in str(error)
    assert_plain(error)
    assert len(login.asked) == 3


async def test_a_token_that_comes_whole_after_half_of_one_is_taken() -> None:
    """F8."""
    half = httpx.Response(201, extensions={"gzip": _gzipped(_JSON)[:-8]})
    login = _Login([half, _granted()])

    assert await _calls(login.client(), 10) == []
    assert len(login.asked) == 2


async def test_a_call_is_not_held_up_by_an_early_renewal_for_more_than_a_share_of_its_time() -> (
    None
):
    """F13: the login server hangs, and the token is good for two more minutes."""
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


async def test_a_follower_whose_time_is_over_leaves_the_leader_alone() -> None:
    """D10: it was waiting for a token, nothing was sent, and the others have their token."""
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
