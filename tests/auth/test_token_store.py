"""A store of tokens, shared between processes: it saves a request, and never costs a call."""

import logging
import time
from typing import Any, Final

import anyio
import httpx
import pytest
from faults import SECRET

from sikoia_async import Environment, Sikoia, StoredToken, TokenError, TokenStore

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_TEST: Final = Environment(
    name="test", api="https://api.example", token_url="https://login.example/token", scope="all"
)


class _Store:
    """A store in memory; one for all keys of a test."""

    def __init__(self, token: Any = None) -> None:
        self.kept: dict[str, StoredToken] = {}
        self.always: StoredToken | None = None
        self._first: Any = token

    async def load(self, key: str) -> StoredToken | None:
        if isinstance(self._first, Exception):
            raise self._first
        found: StoredToken | None = self.always or self.kept.get(key, self._first)
        return found

    async def save(self, key: str, token: StoredToken) -> None:
        if isinstance(self._first, Exception):
            raise self._first
        self.kept[key] = token


class _Server:
    """Grants a token for an hour to each who asks, and refuses those it is told to."""

    def __init__(self, *refused: str) -> None:
        self.grants = 0
        self.sent: list[str] = []
        self.refused = set(refused)

    def client(self, store: TokenStore) -> Sikoia:
        return Sikoia(
            "an-id",
            SECRET,
            environment=_TEST,
            token_store=store,
            transport=httpx.MockTransport(self._reply),
        )

    def _reply(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "login.example":
            self.grants += 1
            grant = {"access_token": f"granted-{self.grants}", "expires_in": 3600}
            return httpx.Response(201, json=grant)
        self.sent.append(request.headers["Authorization"].removeprefix("Bearer "))
        return httpx.Response(401 if self.sent[-1] in self.refused else 200, content=b"[]")


async def test_a_token_is_shared() -> None:
    """What one client has fetched, the next one uses; the key tells nobody whose it is."""
    store, server = _Store(), _Server()

    for _ in range(3):
        await server.client(store).request("GET", "/v2/cases")

    assert server.grants == 1
    assert server.sent == ["granted-1"] * 3
    ((key, kept),) = store.kept.items()
    assert key.startswith("sikoia-token-")
    assert "an-id" not in key
    assert kept.value == "granted-1"
    assert kept.expires_at == pytest.approx(time.time() + 3600, abs=60)


@pytest.mark.parametrize(
    "stored",
    [
        StoredToken("old", time.time() + 20),
        StoredToken("old", float("nan")),
        StoredToken("o\nd", time.time() + 3600),
        StoredToken("", time.time() + 3600),
        OSError(SECRET),
        "no token",
        StoredToken(b"bytes", time.time() + 3600),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        StoredToken("old", "soon"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    ],
    ids=["ending", "nan", "newline", "empty", "failing", "other", "bytes", "words"],
)
async def test_a_store_that_is_of_no_use_costs_a_request(
    stored: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever is in it, or wrong with it, the call goes through and the log keeps the secret."""
    server = _Server()

    with caplog.at_level(logging.DEBUG):
        await server.client(_Store(stored)).request("GET", "/v2/cases")

    assert server.sent == ["granted-1"]
    assert server.grants == 1
    assert SECRET not in caplog.text


async def test_a_stored_token_that_was_refused_is_not_taken_again() -> None:
    """After its 401 the store still has it, and a new one is fetched all the same."""
    server = _Server("stored")

    await server.client(_Store(StoredToken("stored", time.time() + 3600))).request("GET", "/v2")

    assert server.sent == ["stored", "granted-1"]


async def test_a_token_that_another_process_has_renewed_is_taken() -> None:
    """The renewal that is due finds a newer token in the store, and asks for none."""
    store, server = _Store(), _Server()
    sikoia = server.client(store)
    await sikoia.request("GET", "/v2/cases")
    await anyio.sleep(3600 - 100)
    (key,) = store.kept
    store.kept[key] = StoredToken("of-another", time.time() + 3600)

    await sikoia.request("GET", "/v2/cases")

    assert server.sent == ["granted-1", "of-another"]
    assert server.grants == 1


async def test_an_own_token_in_the_store_is_no_renewal() -> None:
    """What the client itself has put there is the very token that is to be renewed."""
    store, server = _Store(), _Server()
    sikoia = server.client(store)
    await sikoia.request("GET", "/v2/cases")
    await anyio.sleep(3600 - 100)

    await sikoia.request("GET", "/v2/cases")

    assert server.sent == ["granted-1", "granted-2"]


class _Stuck(_Store):
    """A store that never comes back."""

    async def load(self, key: str) -> StoredToken | None:  # noqa: ARG002 - never comes to it
        await anyio.sleep_forever()
        return None

    async def save(self, key: str, token: StoredToken) -> None:  # noqa: ARG002 - as above
        await anyio.sleep_forever()


async def test_a_store_that_hangs_is_not_waited_for() -> None:
    """Loading and saving have a second each, and the token is used meanwhile by whoever asks."""
    server, began = _Server(), anyio.current_time()

    await server.client(_Stuck()).request("GET", "/v2/cases")

    assert server.sent == ["granted-1"]
    assert anyio.current_time() - began == pytest.approx(2)


async def test_a_store_that_hangs_fails_no_call_in_a_hurry() -> None:
    """It gets a quarter of the time that is left, where that is less than a second."""
    server = _Server()

    await server.client(_Stuck()).with_options(timeout=0.9).request("GET", "/v2/cases")

    assert server.sent == ["granted-1"]


async def test_a_token_in_the_store_is_found_while_the_login_server_is_down() -> None:
    """Another process may have had more luck; without that, the failure is told at once."""
    store = _Store()

    def reply(request: httpx.Request) -> httpx.Response:
        if request.url.host == "login.example":
            return httpx.Response(400, json={"error": "invalid_client"})
        return httpx.Response(200, content=b"[]")

    sikoia = Sikoia(
        "an-id", SECRET, environment=_TEST, token_store=store,
        transport=httpx.MockTransport(reply),
    )  # fmt: skip
    for _ in range(2):
        began = anyio.current_time()
        with pytest.raises(TokenError):
            await sikoia.request("GET", "/v2/cases")
        assert anyio.current_time() == began
    store.always = StoredToken("from-elsewhere", time.time() + 3600)

    assert await sikoia.request("GET", "/v2/cases") == []
