"""Client credentials: one token for all, renewed in time, and given up when it is refused."""

import logging
from typing import Any, Final

import anyio
import attrs
import httpx
import pytest
from faults import SECRET, assert_plain

from sikoia_async import (
    AuthenticationError,
    CallError,
    ConnectionFailedError,
    Environment,
    Sikoia,
    TokenError,
)

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_TEST: Final = Environment(
    name="test", api="https://api.example", token_url="https://login.example/token", scope="all"
)


@attrs.define
class _Sikoia:
    """Grants tokens that live an hour, and takes the newest only."""

    life: int = 3600
    status: int = 201
    seconds: float = 0.1
    """How long a token request takes."""
    lost: bool = False
    body: bytes = b""
    """What a token request is answered by, if not by a token."""
    grants: int = 0
    sent: list[str] = attrs.field(factory=list[str])
    """The tokens that came with requests."""
    refused: set[str] = attrs.field(factory=set[str])

    def client(self, **options: Any) -> Sikoia:
        return Sikoia(
            "an-id",
            SECRET,
            environment=_TEST,
            quota=None,
            max_in_flight=200,
            transport=httpx.MockTransport(self.reply),
            **options,
        )

    async def reply(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "login.example":
            return await self._grant()
        self.sent.append(request.headers["Authorization"].removeprefix("Bearer "))
        if self.sent[-1] in self.refused:
            await anyio.sleep(0.1)
            return httpx.Response(401, json={"type": "ExpiredToken"})
        return httpx.Response(200, content=b"[]")

    async def _grant(self) -> httpx.Response:
        self.grants += 1
        token = f"token-{self.grants}"
        await anyio.sleep(self.seconds)
        if self.lost:
            msg = SECRET
            raise httpx.ReadError(msg)
        if self.body:
            return httpx.Response(self.status, content=self.body)
        return httpx.Response(
            self.status, json={"access_token": token, "expires_in": str(self.life)}
        )


async def _call(sikoia: Sikoia, times: int = 1) -> list[CallError]:
    """Make calls at once, and return the errors."""
    errors: list[CallError] = []

    async def call() -> None:
        try:
            await sikoia.request("GET", "/v2/cases")
        except CallError as error:
            errors.append(error)

    async with anyio.create_task_group() as calls:
        for _ in range(times):
            calls.start_soon(call)
    return errors


async def test_fifty_cold_calls_fetch_one_token() -> None:
    """Whoever comes while a token is being fetched waits for it, and who comes later has it."""
    server = _Sikoia()
    sikoia = server.client()

    assert await _call(sikoia, 50) == []
    assert await _call(sikoia, 50) == []
    assert server.grants == 1
    assert server.sent == ["token-1"] * 100


@pytest.mark.parametrize(("lost", "error"), [(False, TokenError), (True, ConnectionFailedError)])
async def test_fifty_calls_share_a_failure(*, lost: bool, error: type[CallError]) -> None:
    """One failing request (three, if another may help) for all, and an error for each."""
    server = _Sikoia(status=400, body=b'{"error": "invalid_client"}', lost=lost)

    errors = await _call(server.client(), 50)

    assert [type(one) for one in errors] == [error] * 50
    assert len({id(one) for one in errors}) == 50
    assert server.grants == (3 if lost else 1)
    assert not server.sent
    assert_plain(errors[0])


async def test_a_leader_that_is_cancelled_hands_over() -> None:
    """Another call fetches the token, and all the others are served."""
    server = _Sikoia(seconds=2)
    sikoia = server.client()
    async with anyio.create_task_group() as calls:
        leading = anyio.CancelScope()

        async def lead() -> None:
            with leading:
                await sikoia.request("GET", "/v2/cases")

        calls.start_soon(lead)
        await anyio.sleep(1)
        calls.start_soon(_call, sikoia, 10)
        await anyio.sleep(0.5)
        leading.cancel()

    assert server.grants == 2
    assert server.sent == ["token-2"] * 10


async def test_nobody_waits_for_an_early_renewal_but_who_makes_it() -> None:
    """From 120 s of life left one call renews, and the others go on with the token they have."""
    server = _Sikoia()
    sikoia = server.client()
    await _call(sikoia)
    await anyio.sleep(3600 - 100)
    server.seconds = 5
    async with anyio.create_task_group() as calls:
        calls.start_soon(_call, sikoia)
        await anyio.sleep(1)
        began = anyio.current_time()
        await _call(sikoia, 20)
        assert anyio.current_time() == began

    assert server.sent == ["token-1"] * 21 + ["token-2"]
    assert server.grants == 2


@pytest.mark.parametrize("left", [29, 0, -7200], ids=["30 s", "its end", "long over"])
async def test_everybody_waits_where_the_token_is_about_to_end(left: float) -> None:
    """Under 30 s of life the token might end on its way."""
    server = _Sikoia()
    sikoia = server.client()
    await _call(sikoia)
    await anyio.sleep(3600 - left)

    await _call(sikoia, 20)

    assert server.sent == ["token-1"] + ["token-2"] * 20
    assert server.grants == 2


async def test_a_short_lived_token_is_used_for_most_of_its_life() -> None:
    """A token of two minutes would else be renewed from the start."""
    server = _Sikoia(life=120)
    sikoia = server.client()
    await _call(sikoia)
    await anyio.sleep(90)
    await _call(sikoia)

    assert server.sent == ["token-1"] * 2


async def test_an_early_renewal_that_fails_leaves_the_token_in_use(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is told, let be for five seconds, and tried again."""
    server = _Sikoia()
    sikoia = server.client()
    await _call(sikoia)
    await anyio.sleep(3600 - 100)
    server.status, server.body = 400, b'{"error_description": "%b"}' % SECRET.encode()

    with caplog.at_level(logging.WARNING, "sikoia_async"):
        assert await _call(sikoia) == []
        await anyio.sleep(4)
        assert await _call(sikoia, 10) == []
        assert server.grants == 2
        await anyio.sleep(2)
        assert await _call(sikoia, 10) == []

    assert server.grants == 3
    assert set(server.sent) == {"token-1"}
    assert len(caplog.records) == 2
    assert SECRET not in caplog.text


async def test_an_early_renewal_that_hangs_is_given_up() -> None:
    """After ten seconds the call goes on with the token that is still good."""
    server = _Sikoia()
    sikoia = server.client()
    await _call(sikoia)
    await anyio.sleep(3600 - 100)
    server.seconds = 1000
    began = anyio.current_time()

    assert await _call(sikoia) == []
    assert await _call(sikoia) == []

    assert anyio.current_time() - began == pytest.approx(10)
    assert server.sent == ["token-1"] * 3


async def test_a_hundred_refusals_of_one_token_fetch_one_new_token() -> None:
    """Each call is replayed once, and all of them succeed."""
    server = _Sikoia()
    sikoia = server.client()
    await _call(sikoia)
    server.refused = {"token-1"}

    assert await _call(sikoia, 100) == []
    assert server.grants == 2
    assert server.sent == ["token-1"] * 101 + ["token-2"] * 100


async def test_a_late_refusal_of_the_old_token_leaves_the_new_one() -> None:
    """Only the token that was refused is forgotten, not what has taken its place."""
    server = _Sikoia(refused={"token-1"})
    sikoia = server.client()
    async with anyio.create_task_group() as calls:
        calls.start_soon(_call, sikoia)
        # It goes out at 0.1 s, is refused at 0.2 s, and has a new token at 0.22 s.
        await anyio.sleep(0.15)
        server.seconds = 0.02
        assert await _call(sikoia) == []  # this one is refused at 0.25 s

    await _call(sikoia)
    assert server.grants == 2
    assert server.sent == ["token-1", "token-1", "token-2", "token-2", "token-2"]


async def test_refusals_without_end_fetch_no_tokens_without_end() -> None:
    """A call is sent twice; and what is wrong is not the token, if a new one is refused at once."""
    server = _Sikoia(refused={f"token-{number}" for number in range(99)})
    sikoia = server.client(retries=5)

    errors = [(await _call(sikoia))[0] for _ in range(10)]

    assert {type(error) for error in errors} <= set(AuthenticationError.__subclasses__())
    assert len(errors[0].attempts) == 2
    assert_plain(errors[0])
    assert server.grants == 2
    assert len(server.sent) == 2 + 9


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, b'{"error": "invalid_client", "error_description": "%b"}', "invalid_client"),
        (201, b'{"access_token": "%b", "token_type": "mac"}', None),
        (200, b'{"access_token": "%b\\n"}', None),
        (302, b"%b", None),
        (200, b"<html>%b", None),
    ],
    ids=["refused", "mac", "newline", "redirect", "HTML"],
)
async def test_what_the_token_endpoint_says_is_not_repeated(
    status: int, body: bytes, error: str | None
) -> None:
    """A server that repeats the secret, or grants what cannot be used, is not quoted anywhere."""
    server = _Sikoia(status=status, body=body % SECRET.encode())

    (caught,) = await _call(server.client())

    assert isinstance(caught, TokenError)
    assert (caught.error, caught.status) == (error, status)
    assert caught.call.path == "/token"
    assert server.grants == 1
    assert_plain(caught)
