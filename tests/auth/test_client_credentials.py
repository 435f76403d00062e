"""Client credentials: one access token for all calls, renewed in time, discarded if refused."""

import logging
from typing import Any, Final

import anyio
import attrs
import httpx
import pytest
from faults import SECRET, assert_plain
from observing import Recorder

from sikoia_async import (
    AuthenticationError,
    CallError,
    ConnectionFailedError,
    Environment,
    Limits,
    Sikoia,
    TokenError,
)
from sikoia_async.observers import AttemptStarted, CallEnded

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_TEST: Final = Environment(
    name="test", api="https://api.example", token_url="https://login.example/token", scope="all"
)


@attrs.define
class _Sikoia:
    """Grants access tokens valid for an hour, and refuses some."""

    life: int = 3600
    status: int = 201
    seconds: float = 0.1
    """How long a token request takes, in seconds."""
    lost: bool = False
    body: bytes = b""
    """The response to a token request; empty for a grant."""
    grants: int = 0
    sent: list[str] = attrs.field(factory=list[str])
    """The access tokens of all requests."""
    refused: set[str] = attrs.field(factory=set[str])

    def client(self, **options: Any) -> Sikoia:
        return Sikoia(
            "an-id",
            SECRET,
            environment=_TEST,
            quota=None,
            limits=Limits(max_in_flight=200),
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
    """Make concurrent calls and return their errors."""
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
    """Calls wait for the token request that is under way, and later ones use its result."""
    server = _Sikoia()
    sikoia = server.client()

    assert await _call(sikoia, 50) == []
    assert await _call(sikoia, 50) == []
    assert server.grants == 1
    assert server.sent == ["token-1"] * 100


async def test_observers_see_both_requests_for_an_access_token() -> None:
    """The second is sent because the first got no response for ten seconds."""
    server, recorder = _Sikoia(seconds=19), Recorder()
    sikoia = server.client(observers=[recorder])

    assert await _call(sikoia) == []

    token = recorder.of(CallEnded)[0]
    assert (token.operation, token.attempts, server.grants) == ("access_token", 2, 2)
    begun = [one.attempt for one in recorder.of(AttemptStarted) if one.call == token.call]
    assert begun == [1, 2]


@pytest.mark.parametrize(("lost", "error"), [(False, TokenError), (True, ConnectionFailedError)])
async def test_fifty_calls_share_one_failure(*, lost: bool, error: type[CallError]) -> None:
    """One token request (three if retries may help) for all of them, and an error for each."""
    server = _Sikoia(status=400, body=b'{"error": "invalid_client"}', lost=lost)

    errors = await _call(server.client(), 50)

    assert [type(one) for one in errors] == [error] * 50
    assert len({id(one) for one in errors}) == 50
    assert server.grants == (3 if lost else 1)
    assert not server.sent
    assert_plain(errors[0])


async def test_a_cancelled_token_request_is_taken_over() -> None:
    """Another call fetches the access token for the rest."""
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


async def test_an_early_renewal_delays_one_call_only() -> None:
    """From 120 s before expiry one call renews, and the others use the old access token."""
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


@pytest.mark.parametrize("left", [29, 0, -7200], ids=["30 s", "expired", "long expired"])
async def test_every_call_waits_once_the_token_is_about_to_expire(left: float) -> None:
    """With less than 30 s left, it might expire on the way."""
    server = _Sikoia()
    sikoia = server.client()
    await _call(sikoia)
    await anyio.sleep(3600 - left)

    await _call(sikoia, 20)

    assert server.sent == ["token-1"] + ["token-2"] * 20
    assert server.grants == 2


async def test_a_short_lived_token_is_used_for_most_of_its_lifetime() -> None:
    """With fixed windows, one valid for two minutes would be renewed at once."""
    server = _Sikoia(life=120)
    sikoia = server.client()
    await _call(sikoia)
    await anyio.sleep(90)
    await _call(sikoia)

    assert server.sent == ["token-1"] * 2


async def test_a_failed_early_renewal_leaves_the_token_in_use(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is logged, and retried after five seconds."""
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
    """After ten seconds the call continues with the valid access token."""
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


async def test_a_hundred_refusals_fetch_one_new_token() -> None:
    """Each call is replayed once and succeeds."""
    server = _Sikoia()
    sikoia = server.client()
    await _call(sikoia)
    server.refused = {"token-1"}

    assert await _call(sikoia, 100) == []
    assert server.grants == 2
    assert server.sent == ["token-1"] * 101 + ["token-2"] * 100


async def test_a_late_refusal_of_the_old_token_keeps_the_new_one() -> None:
    """Only the refused access token is discarded, not its replacement."""
    server = _Sikoia(refused={"token-1"})
    sikoia = server.client()
    async with anyio.create_task_group() as calls:
        calls.start_soon(_call, sikoia)
        # Sent at 0.1 s, refused at 0.2 s, with a new access token at 0.22 s.
        await anyio.sleep(0.15)
        server.seconds = 0.02
        assert await _call(sikoia) == []  # this one is refused at 0.25 s

    await _call(sikoia)
    assert server.grants == 2
    assert server.sent == ["token-1", "token-1", "token-2", "token-2", "token-2"]


async def test_endless_refusals_do_not_fetch_endless_tokens() -> None:
    """A call is replayed once; a new access token that is refused is kept for a while."""
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
async def test_errors_do_not_quote_the_token_endpoint(
    status: int, body: bytes, error: str | None
) -> None:
    """It may repeat the secret, in a refusal or an unusable grant."""
    server = _Sikoia(status=status, body=body % SECRET.encode())

    (caught,) = await _call(server.client())

    assert isinstance(caught, TokenError)
    assert (caught.error, caught.status) == (error, status)
    assert caught.call.path == "/token"
    assert server.grants == 1
    assert_plain(caught)
