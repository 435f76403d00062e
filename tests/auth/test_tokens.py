"""Responses of the token endpoint, and access tokens that the user supplies."""

import errno
import socket
from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest
from faults import assert_plain, client

from sikoia_async import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    StoredToken,
)
from sikoia_async._auth.grant import Grant, Refusal, read_grant
from sikoia_async._transport.types import Response

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_ANYWHERE = "https://127.0.0.1:1"


def _read(body: bytes, status: int = 200) -> Grant | Refusal:
    return read_grant(Response(status, httpx.Headers(), body))


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        (b'{"access_token": "t", "token_type": "Bearer", "expires_in": 300}', 300),
        (b'{"access_token": "t", "token_type": "bearer", "expires_in": "300"}', 300),
        (b'{"access_token": "t"}', 60),
        (b'{"access_token": "t", "expires_in": 0}', 60),
        (b'{"access_token": "t", "expires_in": -1}', 60),
        (b'{"access_token": "t", "expires_in": "soon"}', 60),
        (b'{"access_token": "t", "expires_in": 999999999999}', 86_400),
    ],
    ids=["plain", "string", "missing", "zero", "negative", "words", "too long"],
)
@pytest.mark.parametrize("status", [200, 201])
def test_a_grant_is_read_leniently(body: bytes, seconds: float, status: int) -> None:
    """Numbers may be strings, and an implausible lifetime is brought into range."""
    grant = _read(body, status)

    assert grant == Grant("t", seconds)
    assert "'t'" not in repr(grant)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>", "without a usable access_token"),
        (b"\xff\xfe", "without a usable access_token"),
        (b"[" * 100_000, "without a usable access_token"),
        (b"[]", "without a usable access_token"),
        (b'{"access_token": ""}', "without a usable access_token"),
        (b'{"access_token": 7}', "without a usable access_token"),
        (b'{"access_token": "t\\r\\nX: 1"}', "without a usable access_token"),
        ('{"access_token": "tökén"}'.encode(), "without a usable access_token"),
        (b'{"access_token": "%b"}' % (b"t" * 10_000), "without a usable access_token"),
        (b'{"access_token": "t", "expires_in": 1e400}', "without a usable access_token"),
        (b'{"access_token": "t", "token_type": "mac"}', "other than Bearer"),
    ],
    ids=[
        "HTML",
        "bytes",
        "deep",
        "list",
        "empty",
        "number",
        "lines",
        "umlaut",
        "long",
        "infinite",
        "mac",
    ],
)
def test_an_unusable_grant_is_a_refusal(body: bytes, words: str) -> None:
    """An access token that no header can carry, or no access token at all; it is not shown."""
    refusal = _read(body)

    assert isinstance(refusal, Refusal)
    assert words in refusal.reason
    assert refusal.error is None


@pytest.mark.parametrize(
    ("error", "code", "advice"),
    [
        ("invalid_client", "invalid_client", "check client_id and client_secret"),
        ("unauthorized_client", "unauthorized_client", "may not use client credentials"),
        ("invalid_scope", "invalid_scope", "check the environment's scope"),
        ("invalid_request", "invalid_request", "400 invalid_request"),
        ("my secret is hunter2!", None, "400 without an OAuth error code"),
    ],
)
def test_a_refusal_has_the_code_and_advice(error: str, code: str | None, advice: str) -> None:
    """A valid OAuth code is repeated, and nothing else that the server says."""
    refusal = _read(b'{"error": "%b", "error_description": "hunter2"}' % error.encode(), 400)

    assert isinstance(refusal, Refusal)
    assert refusal.error == code
    assert advice in refusal.reason
    assert "hunter2" not in repr(refusal)


def test_the_repr_of_a_stored_token_hides_it() -> None:
    """It is still a secret while it is shared."""
    assert "hunter2" not in repr(StoredToken("hunter2", 1.0))


def _app(*statuses: int) -> tuple[httpx.MockTransport, list[str]]:
    """Respond with these statuses in turn, and record the access tokens."""
    tokens: list[str] = []

    async def app(request: httpx.Request) -> httpx.Response:
        tokens.append(request.headers["Authorization"].removeprefix("Bearer "))
        return httpx.Response(statuses[len(tokens) - 1], content=b"[]")

    return httpx.MockTransport(app), tokens


async def test_a_refused_static_token_ends_the_call() -> None:
    """It is the only one, so a 401 is final."""
    transport, tokens = _app(401)
    sikoia = client(_ANYWHERE, transport=transport, token="mine")

    with pytest.raises(AuthenticationError):
        await sikoia.request("GET", "/v2/cases")
    assert tokens == ["mine"]


def _sync(tokens: list[str]) -> Callable[[], Any]:
    return lambda: tokens.pop(0)


def _async(tokens: list[str]) -> Callable[[], Any]:
    async def give() -> str:
        await anyio.sleep(1)
        return tokens.pop(0)

    return give


@pytest.mark.parametrize("make", [_sync, _async], ids=["sync", "async"])
async def test_a_token_function_is_called_for_each_request(
    make: Callable[[list[str]], Callable[[], Any]],
) -> None:
    """After a 401 it is called again, and the request is replayed with its new access token."""
    transport, tokens = _app(200, 401, 200)
    sikoia = client(_ANYWHERE, transport=transport, token=make(["one", "two", "three"]))

    for _ in range(2):
        await sikoia.request("POST", "/v2/cases", body={"name": "Loan"})

    assert tokens == ["one", "two", "three"]


async def test_a_call_is_replayed_once_after_a_401() -> None:
    """Whatever the function returns."""
    transport, tokens = _app(401, 401)
    sikoia = client(_ANYWHERE, transport=transport, token=_sync(["one", "two", "three"]), retries=2)

    with pytest.raises(AuthenticationError):
        await sikoia.request("GET", "/v2/cases")
    assert tokens == ["one", "two"]


async def test_an_invalid_token_from_a_function_is_an_error() -> None:
    """The error does not show it, and nothing is sent."""
    transport, tokens = _app()
    sikoia = client(_ANYWHERE, transport=transport, token=_sync(["hunter2\n"]))

    with pytest.raises(ConfigurationError, match="the result of token") as caught:
        await sikoia.request("GET", "/v2/cases")
    assert "hunter2" not in str(caught.value)
    assert not tokens


def _refusal(status: int) -> httpx.HTTPStatusError:
    request = httpx.Request("POST", "https://canary.example/")
    response = httpx.Response(status, request=request)
    return httpx.HTTPStatusError("canary", request=request, response=response)


class _RefusedError(OSError):
    """Stands for `requests.HTTPError`, which is an OSError with a response."""

    response = httpx.Response(403)


_OUTAGES = [
    (httpx.ConnectError("canary"), "ConnectError"),
    (httpx.ConnectTimeout("canary"), "ConnectTimeout \\(connecting timed out\\)"),
    (httpx.ReadError("canary"), "ReadError \\(the connection was lost\\)"),
    (httpx.ReadTimeout("canary"), "ReadTimeout"),
    (httpx.RemoteProtocolError("canary"), "RemoteProtocolError"),
    (httpx.ProxyError("canary"), "ProxyError"),
    (_refusal(503), "HTTPStatusError"),
    (_refusal(429), "HTTPStatusError"),
    (socket.gaierror(-2, "canary"), "gaierror \\(the host name cannot be resolved\\)"),
    (ConnectionRefusedError(errno.ECONNREFUSED, "canary"), "\\(Connection refused\\)"),
    (TimeoutError("canary"), "TimeoutError"),
    (OSError(errno.EMFILE, "canary"), "\\(Too many open files\\)"),
    (OSError("canary"), "OSError"),
]


@pytest.mark.parametrize(("error", "words"), _OUTAGES, ids=range(len(_OUTAGES)))
async def test_a_token_function_without_network_is_called_again(
    error: Exception, words: str
) -> None:
    """Nothing was sent, so that even a purchase is retried, and none is counted."""
    outcomes: list[Exception | str] = [error, error, "one", error, error, error]

    def give() -> str:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    transport, tokens = _app(200)
    sikoia = client(_ANYWHERE, transport=transport, token=give, retries=2)

    await sikoia.request("POST", "/v2/identity", chargeable=True)
    with pytest.raises(
        ConnectionFailedError, match=f"token: the function raised .*{words}"
    ) as caught:
        await sikoia.request("POST", "/v2/identity", chargeable=True)

    assert (tokens, dict(sikoia.spend)) == (["one"], {"identity.request": 1})
    assert (caught.value.reached, caught.value.may_have_been_processed) == ("unsent", False)
    assert len(caught.value.attempts) == 3
    assert "canary" not in str(caught.value)
    assert_plain(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(errno.ENOENT, "canary"),
        PermissionError(errno.EACCES, "canary"),
        httpx.UnsupportedProtocol("canary"),
        httpx.InvalidURL("canary"),
        httpx.StreamConsumed(),
        _refusal(401),
        _RefusedError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_another_failure_of_a_token_function_ends_the_call(error: Exception) -> None:
    """It is not mistaken for one of the call itself, and its message is not repeated."""

    def give() -> str:
        raise error

    transport, tokens = _app()
    sikoia = client(_ANYWHERE, transport=transport, token=give, retries=2)

    with pytest.raises(ConfigurationError, match="token: the function raised") as caught:
        await sikoia.request("POST", "/v2/identity", chargeable=True)

    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None
    assert not tokens
    assert not sikoia.spend
