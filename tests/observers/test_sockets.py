"""What observers see of access tokens and connections, with a server on a real socket."""

from typing import Final

import httpx
import pytest
from observing import Recorder
from scripted import Reply, Scripted, scripted

from sikoia_async import Limits, Sikoia, TokenError, UnexpectedResponseError, local
from sikoia_async.observers import (
    AttemptEnded,
    AttemptStarted,
    CallEnded,
    ConnectionReplaced,
    TokenRenewed,
)
from sikoia_async.stores import MemoryStores

pytestmark = pytest.mark.anyio

_SECRETS: Final = ("an-id", "a-secret", "token-1")


async def test_an_access_token_is_a_call_of_its_own() -> None:
    """Observers cannot add headers to it, and see neither the secret nor the token."""
    recorder = Recorder()
    with scripted() as server:
        server.respond_with(Reply(200, []))
        async with server.client(observers=[recorder]) as sikoia:
            await sikoia.users.list()
        origin = server.url

    token, call = recorder.of(CallEnded)
    assert (token.operation, token.method, token.path) == ("access_token", "POST", "/token")
    assert (token.origin, token.status, token.error, token.attempts) == (origin, 201, None, 1)
    assert call.operation == "users.list"
    first, second = recorder.of(AttemptStarted)
    assert (first.call, first.attempt, first.headers) == (token.call, 1, None)
    assert second.call == call.call
    assert [one.http_version for one in recorder.of(AttemptEnded)][1] == "HTTP/1.1"
    renewed = recorder.one(TokenRenewed)
    assert renewed.source == "server"
    assert 3590 < renewed.seconds <= 3600
    assert [secret for secret in _SECRETS if secret in recorder.text] == []


async def test_a_refused_access_token_ends_both_calls() -> None:
    """With the error of the authorization server."""
    recorder = Recorder()
    refusal = httpx.Response(401, json={"error": "invalid_client"})
    transport = httpx.MockTransport(lambda _: refusal)
    environment = local("https://127.0.0.1:8400")
    async with Sikoia(
        "an-id", "a-secret", environment=environment, transport=transport, observers=[recorder]
    ) as sikoia:
        with pytest.raises(TokenError):
            await sikoia.users.list()

    assert [(one.operation, one.status, one.error) for one in recorder.of(CallEnded)] == [
        ("access_token", 401, "TokenError"),
        ("users.list", None, "TokenError"),
    ]
    assert not recorder.of(TokenRenewed)
    assert len(recorder.of(AttemptStarted)) == 1


async def test_an_access_token_from_a_store_is_no_call() -> None:
    """Another process fetched it."""
    recorder, stores = Recorder(), MemoryStores()
    with scripted() as server:
        server.respond_with(Reply(200, []))
        await _list(server, stores)
        await _list(server, stores, recorder)

    assert recorder.one(TokenRenewed).source == "store"
    assert [one.operation for one in recorder.of(CallEnded)] == ["users.list"]


async def _list(server: Scripted, stores: MemoryStores, *observers: Recorder) -> None:
    async with server.client(observers=observers, shared=stores) as sikoia:
        await sikoia.users.list()


async def test_a_replaced_connection_is_seen() -> None:
    """By its origin."""
    recorder = Recorder()
    with scripted() as server:
        server.respond_with(Reply(200, b"x" * 5000))
        async with server.client(observers=[recorder], limits=Limits(max_body=1000)) as sikoia:
            with pytest.raises(UnexpectedResponseError):
                await sikoia.users.list()

            assert sikoia.stats().connections_replaced == 1
        assert recorder.one(ConnectionReplaced).origin == server.url
