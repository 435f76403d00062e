"""The shared token store saves token requests, and its failures never cost a call."""

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
    """A store in memory."""

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
    """Grants access tokens valid for an hour, and refuses some."""

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


async def test_clients_share_a_token() -> None:
    """One client fetches it and the others load it; the key reveals no client id."""
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
    ids=["expiring", "nan", "newline", "empty", "failing", "other type", "bytes", "words"],
)
async def test_an_unusable_stored_token_costs_one_token_request(
    stored: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever is wrong with the store, the call succeeds and the log shows no secret."""
    server = _Server()

    with caplog.at_level(logging.DEBUG):
        await server.client(_Store(stored)).request("GET", "/v2/cases")

    assert server.sent == ["granted-1"]
    assert server.grants == 1
    assert SECRET not in caplog.text


async def test_a_refused_stored_token_is_not_loaded_again() -> None:
    """The store still has it after the 401, and a new one is fetched."""
    server = _Server("stored")

    await server.client(_Store(StoredToken("stored", time.time() + 3600))).request("GET", "/v2")

    assert server.sent == ["stored", "granted-1"]


async def test_a_renewal_loads_what_another_process_fetched() -> None:
    """It finds a newer access token in the store and sends no token request."""
    store, server = _Store(), _Server()
    sikoia = server.client(store)
    await sikoia.request("GET", "/v2/cases")
    await anyio.sleep(3600 - 100)
    (key,) = store.kept
    store.kept[key] = StoredToken("of-another", time.time() + 3600)

    await sikoia.request("GET", "/v2/cases")

    assert server.sent == ["granted-1", "of-another"]
    assert server.grants == 1


async def test_a_renewal_ignores_its_own_old_token() -> None:
    """The access token that the client saved itself is the one that has to be renewed."""
    store, server = _Store(), _Server()
    sikoia = server.client(store)
    await sikoia.request("GET", "/v2/cases")
    await anyio.sleep(3600 - 100)

    await sikoia.request("GET", "/v2/cases")

    assert server.sent == ["granted-1", "granted-2"]


class _Stuck(_Store):
    """A store that hangs."""

    async def load(self, key: str) -> StoredToken | None:  # noqa: ARG002 - hangs
        await anyio.sleep_forever()
        return None

    async def save(self, key: str, token: StoredToken) -> None:  # noqa: ARG002 - as above
        await anyio.sleep_forever()


async def test_a_store_that_hangs_delays_one_call_by_a_second() -> None:
    """Then the breaker is open, and saving does not wait as well."""
    server, began = _Server(), anyio.current_time()

    await server.client(_Stuck()).request("GET", "/v2/cases")

    assert server.sent == ["granted-1"]
    assert anyio.current_time() - began == pytest.approx(1)


async def test_a_store_that_hangs_leaves_a_short_deadline_alone() -> None:
    """It may take a quarter of the remaining time at most."""
    server = _Server()

    await server.client(_Stuck()).with_options(timeout=0.9).request("GET", "/v2/cases")

    assert server.sent == ["granted-1"]


async def test_a_stored_token_is_found_while_the_token_endpoint_is_down() -> None:
    """Another process may have fetched one; until then, calls fail without waiting."""
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
