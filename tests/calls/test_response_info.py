"""What users see of a response besides its body: headers, HTTP version, durations."""

import copy
import pickle
from typing import Final

import httpx
import pytest
from faults import client
from scripted import Reply, scripted

from sikoia_async import (
    CallError,
    ConnectionFailedError,
    LinkExpiredError,
    TokenError,
    UnexpectedResponseError,
)

pytestmark = pytest.mark.anyio

_COOKIE: Final = "canary-cookie-77"
_HEADERS: Final = {
    "X-RateLimit-Remaining": "canary-199",
    "Set-Cookie": f"session={_COOKIE}",
    "Content-Type": "application/json",
}


async def test_a_model_has_the_headers_of_its_response() -> None:
    """By name in any letter case, over a real connection, and never a cookie."""
    with scripted() as server:
        server.respond_with(Reply(200, [], _HEADERS))
        async with server.client() as sikoia:
            users = await sikoia.users.list()

    info = users.response
    assert info.headers["x-ratelimit-remaining"] == "canary-199"
    assert info.headers["X-RATELIMIT-REMAINING"] == "canary-199"
    assert "set-cookie" not in info.headers
    assert info.headers.get("absent") is None
    assert (info.status, info.http_version) == (200, "HTTP/1.1")
    assert 0 < info.elapsed <= info.seconds
    assert _COOKIE not in f"{dict(info.headers)} {info!r} {info.headers!r}"


async def test_headers_survive_copies_and_are_not_shown() -> None:
    """A pickle has what the original has, without cookies, whether they were read before or not."""
    reply = httpx.Response(200, headers=_HEADERS, json=[])
    async with client("https://127.0.0.1:8400", transport=_returning(reply)) as sikoia:
        users = await sikoia.users.list()

    content = pickle.dumps(users.response)
    assert _COOKIE.encode() not in content
    for info in (pickle.loads(content), copy.deepcopy(users.response)):  # noqa: S301 - our own
        assert info == users.response
        assert info.headers["X-RateLimit-Remaining"] == "canary-199"
        assert len(info.headers) == len(users.response.headers)
        assert "canary-199" not in repr(info)


async def test_a_transport_need_not_say_its_version() -> None:
    """A transport of the caller's may leave it out."""
    reply = httpx.Response(200, json=[])
    reply.extensions.clear()
    async with client("https://127.0.0.1:8400", transport=_returning(reply)) as sikoia:
        assert (await sikoia.users.list()).response.http_version is None


@pytest.mark.parametrize("status", [404, 503])
async def test_an_error_has_the_headers_of_the_last_response(status: int) -> None:
    """They are those of the last attempt, and in the record of the call, too."""
    with scripted() as server:
        replies = [Reply(503, {}, {"X-Number": str(number)}) for number in (1, 2)]
        server.respond_with(*replies, Reply(status, {}, {"X-Number": "3"} | _HEADERS))
        async with server.client(retries=2) as sikoia:
            with pytest.raises(CallError) as caught:
                await sikoia.users.list()

    error = caught.value
    assert error.headers["x-number"] == error.call.headers["X-Number"] == "3"
    assert error.call.http_version == "HTTP/1.1"
    assert _COOKIE not in f"{dict(error.headers)} {error!r} {error.call!r}"
    again: CallError = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert again.headers["x-number"] == "3"


async def test_a_response_that_cannot_be_decoded_keeps_its_headers() -> None:
    """They may say which gateway sent it."""
    reply = httpx.Response(200, headers={"Via": "1.1 gateway"}, content=b"<html>")
    async with client("https://127.0.0.1:8400", transport=_returning(reply)) as sikoia:
        with pytest.raises(UnexpectedResponseError) as caught:
            await sikoia.users.list()
    assert caught.value.headers["via"] == "1.1 gateway"


async def test_without_a_response_there_are_no_headers() -> None:
    """Those of an earlier attempt are not taken for the last one's."""
    replies: list[httpx.Response | None] = [httpx.Response(503, headers={"X-Number": "1"}), None]

    def reply(request: httpx.Request) -> httpx.Response:
        response = replies.pop(0)
        if response is None:
            raise httpx.ConnectError(request.url.host)
        return response

    transport = httpx.MockTransport(reply)
    async with client("https://127.0.0.1:8400", transport=transport, retries=1) as sikoia:
        with pytest.raises(ConnectionFailedError) as caught:
            await sikoia.users.list()
    assert dict(caught.value.headers) == {}
    assert caught.value.call.http_version is None


async def test_headers_that_might_repeat_a_secret_are_not_kept() -> None:
    """Those of the token endpoint, and of the host that a download link leads to."""
    with scripted() as server:
        server.respond_with(Reply(403, b"", {"Location": "https://files.example/?sig=1"}))
        async with server.client(retries=0) as sikoia:
            with pytest.raises(LinkExpiredError) as expired:
                await sikoia.download(f"{server.url}/file?sig=1")
    assert dict(expired.value.headers) == {}

    def refuse(_: httpx.Request) -> httpx.Response:
        return httpx.Response(400, headers={"X-Secret": "a-secret"}, json={"error": "x"})

    credentials = {"token": None, "client_id": "an-id", "client_secret": "a-secret"}
    transport = httpx.MockTransport(refuse)
    async with client("https://127.0.0.1:8400", transport=transport, **credentials) as sikoia:
        with pytest.raises(TokenError) as refused:
            await sikoia.users.list()
    assert dict(refused.value.headers) == {}


async def test_a_retried_call_counts_the_time_of_its_last_attempt() -> None:
    """`elapsed` is the time of the attempt that brought the response."""
    with scripted() as server:
        server.respond_with(Reply(503, {}, {"Retry-After": "0"}), Reply(200, []))
        async with server.client(retries=1) as sikoia:
            info = (await sikoia.users.list()).response
    assert [one.status for one in info.attempts] == [503, 200]
    assert info.elapsed == info.attempts[1].seconds


def _returning(response: httpx.Response) -> httpx.MockTransport:
    return httpx.MockTransport(lambda _: response)
