"""The shared token store saves token requests, and its failures never cost a call."""

import logging
from itertools import pairwise
from typing import Any, Final

import anyio
import httpx
import pytest
from faults import SECRET

from sikoia_async import (
    CallError,
    ConfigurationError,
    ConnectionFailedError,
    DeadlineExceededError,
    Environment,
    Sikoia,
    StoredToken,
    TokenError,
    TokenStore,
)

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_TEST: Final = Environment(
    name="test", api="https://api.example", token_url="https://login.example/token", scope="all"
)


class _Store:
    """A store in memory, on the clock of the event loop."""

    def __init__(self, token: Any = None) -> None:
        self.kept: dict[str, tuple[str, float]] = {}
        """Access tokens with the times at which they expire."""
        self.locks: dict[str, tuple[str, float]] = {}
        """Owners with the times at which their locks end."""
        self.always: StoredToken | None = None
        self.loads = 0
        self._first: Any = token

    async def load(self, account: str) -> StoredToken | None:
        self._check()
        self.loads += 1
        if account not in self.kept:
            found: StoredToken | None = self.always or self._first
            return found
        value, end = self.kept[account]
        left = end - anyio.current_time()
        return StoredToken(value, left) if left > 0 else None

    async def save(self, account: str, token: StoredToken) -> None:
        self._check()
        self.kept[account] = (token.value, anyio.current_time() + token.seconds)

    async def discard(self, account: str, value: str) -> None:
        self._check()
        if self.kept.get(account, ("",))[0] == value:
            del self.kept[account]

    async def lock(self, account: str, owner: str, ttl: float) -> bool:
        self._check()
        holder, end = self.locks.get(account, (owner, 0.0))
        if holder != owner and end > anyio.current_time():
            return False
        self.locks[account] = (owner, anyio.current_time() + ttl)
        return True

    async def unlock(self, account: str, owner: str) -> None:
        self._check()
        if self.locks.get(account, ("",))[0] == owner:
            del self.locks[account]

    def _check(self) -> None:
        if isinstance(self._first, Exception):
            raise self._first

    def put(self, value: str, seconds: float = 3600) -> None:
        """Keep the access token of another process instead of the one that is kept."""
        (account,) = self.kept
        self.kept[account] = (value, anyio.current_time() + seconds)


class _Server:
    """Grants access tokens valid for an hour, and refuses some."""

    def __init__(self, *refused: str, seconds: float = 0, life: int = 3600) -> None:
        self.grants = 0
        self.sent: list[str] = []
        self.refused = set(refused)
        self.seconds = seconds
        """How long a token request takes."""
        self.is_down = False
        self.life = life
        self.posts: list[float] = []
        """When each token request was sent."""

    def client(self, store: TokenStore) -> Sikoia:
        return Sikoia(
            "an-id",
            SECRET,
            environment=_TEST,
            token_store=store,
            transport=httpx.MockTransport(self._reply),
        )

    async def _reply(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "login.example":
            self.posts.append(anyio.current_time())
            await anyio.sleep(self.seconds)
            if self.is_down:
                return httpx.Response(503)
            self.grants += 1
            grant = {"access_token": f"granted-{self.grants}", "expires_in": self.life}
            return httpx.Response(201, json=grant)
        self.sent.append(request.headers["Authorization"].removeprefix("Bearer "))
        return httpx.Response(401 if self.sent[-1] in self.refused else 200, content=b"[]")


async def _call(*clients: Sikoia) -> list[CallError]:
    """Make a call with each client at once, and return the errors."""
    errors: list[CallError] = []

    async def call(sikoia: Sikoia) -> None:
        try:
            await sikoia.request("GET", "/v2/cases")
        except CallError as error:
            errors.append(error)

    async with anyio.create_task_group() as calls:
        for sikoia in clients:
            calls.start_soon(call, sikoia)
    return errors


async def test_clients_share_a_token() -> None:
    """One client fetches it and the others load it; the key reveals no client id."""
    store, server = _Store(), _Server()

    for _ in range(3):
        await server.client(store).request("GET", "/v2/cases")

    assert server.grants == 1
    assert server.sent == ["granted-1"] * 3
    ((key, kept),) = store.kept.items()
    assert "an-id" not in key
    assert kept[0] == "granted-1"
    assert kept[1] == pytest.approx(anyio.current_time() + 3600)


@pytest.mark.parametrize(
    "stored",
    [
        StoredToken("old", 0.5),
        StoredToken("old", float("nan")),
        StoredToken("old", float("inf")),
        StoredToken("o\nd", 3600),
        StoredToken("", 3600),
        OSError(SECRET),
        "no token",
        StoredToken(b"bytes", 3600),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        StoredToken("old", "soon"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    ],
    ids=["expiring", "nan", "inf", "newline", "empty", "failing", "other type", "bytes", "words"],
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

    await server.client(_Store(StoredToken("stored", 3600))).request("GET", "/v2")

    assert server.sent == ["stored", "granted-1"]


async def test_a_renewal_loads_what_another_process_fetched() -> None:
    """It finds a newer access token in the store and sends no token request."""
    store, server = _Store(), _Server()
    sikoia = server.client(store)
    await sikoia.request("GET", "/v2/cases")
    await anyio.sleep(3600 - 100)
    store.put("of-another")

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

    async def load(self, account: str) -> StoredToken | None:  # noqa: ARG002 - hangs
        await anyio.sleep_forever()
        return None

    async def save(self, account: str, token: StoredToken) -> None:  # noqa: ARG002 - as above
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
    store.always = StoredToken("from-elsewhere", 3600)

    assert await sikoia.request("GET", "/v2/cases") == []


async def test_eight_clients_fetch_one_token_each_life() -> None:
    """One of them holds the lock and fetches; the others use what it saves."""
    store, server = _Store(), _Server(seconds=2)
    clients = [server.client(store) for _ in range(8)]

    for life in range(1, 4):
        assert await _call(*clients) == []
        assert server.grants == life
        await anyio.sleep(3600)
    assert not store.locks


async def test_a_slow_token_request_keeps_the_lock() -> None:
    """It takes longer than a lock lives, and nobody else sends one beside the leader's two."""
    store, server = _Store(), _Server(seconds=19)

    assert await _call(*(server.client(store) for _ in range(8))) == []

    assert len(server.posts) == 2  # the second because the first got no response for ten seconds
    assert set(server.sent) == {"granted-1"}


async def test_a_killed_leader_is_replaced_after_ten_seconds() -> None:
    """Its lock ends, and one of the others fetches."""
    store, server = _Store(), _Server()
    sikoia = server.client(store)
    await sikoia.request("GET", "/v2/cases")
    (account,) = store.kept
    store.kept.clear()
    store.locks[account] = ("a killed process", anyio.current_time() + 10)
    began = anyio.current_time()

    assert await _call(*(server.client(store) for _ in range(7))) == []

    assert 10 <= anyio.current_time() - began < 10.5
    assert server.grants == 2


async def test_a_cancelled_leader_gives_the_lock_back() -> None:
    """Another process need not wait for the end of the lock."""
    store, server = _Store(), _Server(seconds=5)

    with anyio.move_on_after(1):
        await server.client(store).request("GET", "/v2/cases")

    assert not store.locks


async def test_early_renewal_costs_the_others_nothing() -> None:
    """While one process renews, the others go on with the valid access token without waiting."""
    store, server = _Store(), _Server()
    clients = [server.client(store) for _ in range(8)]
    await _call(*clients)
    await anyio.sleep(3600 - 100)
    server.seconds = 3

    async with anyio.create_task_group() as calls:
        calls.start_soon(_call, clients[0])
        await anyio.sleep(1)
        began = anyio.current_time()
        await _call(*clients[1:])
        assert anyio.current_time() == began
    await anyio.sleep(2)
    await _call(*clients)

    assert server.sent == ["granted-1"] * 15 + ["granted-2"] * 9
    assert server.grants == 2


async def test_a_refused_token_is_removed_from_the_store() -> None:
    """Another process that still holds it loads the newer one instead of fetching a third."""
    store, server = _Store(), _Server()
    first, second = server.client(store), server.client(store)
    await _call(first, second)
    server.refused.add("granted-1")
    await _call(first)
    assert server.grants == 2
    loads = store.loads

    await _call(second)

    assert server.sent[2:] == ["granted-1", "granted-2", "granted-1", "granted-2"]
    assert store.loads == loads + 1
    assert server.grants == 2


async def test_a_refused_token_is_not_found_by_a_new_process() -> None:
    """It is removed before the next one is fetched, so that nobody else tries it in between."""
    store, server = _Store(), _Server()
    sikoia = server.client(store)
    await _call(sikoia)
    server.refused.add("granted-1")
    server.seconds = 5

    async with anyio.create_task_group() as calls:
        calls.start_soon(_call, sikoia)
        await anyio.sleep(1)
        assert not store.kept


async def test_processes_that_fail_pause_together() -> None:
    """Eight send no more token requests than one alone, and every call ends in time."""
    server, alone = _Server(), _Server()
    server.is_down = alone.is_down = True
    store = _Store()
    clients = [server.client(store) for _ in range(8)]

    async def demand(*clients: Sikoia) -> None:
        while anyio.current_time() < end:
            assert len(await _call(*clients)) == len(clients)
            await anyio.sleep(0.5)

    for group in (clients, [alone.client(_Store())]):
        end = anyio.current_time() + 60
        async with anyio.create_task_group() as calls:
            for sikoia in group:
                calls.start_soon(demand, sikoia)

    assert len(server.posts) <= len(alone.posts) + 2
    later = pairwise(server.posts[3:])  # the first three are one call's attempts
    assert all(after - before > 0.9 for before, after in later)


async def test_calls_that_wait_for_another_process_are_told_in_time() -> None:
    """After twenty seconds, and from then on at once; or at their own deadline."""
    store, server = _Store(), _Server()
    sikoia = server.client(store)
    await _call(sikoia)
    (account,) = store.kept
    await anyio.sleep(3600)
    store.locks[account] = ("another process", float("inf"))
    began = anyio.current_time()

    with pytest.raises(DeadlineExceededError):
        await sikoia.with_options(timeout=5).request("GET", "/v2/cases")
    (error,) = await _call(sikoia)
    assert isinstance(error, ConnectionFailedError)
    assert error.reached == "unsent"
    assert "another process" in str(error)
    assert 20 <= anyio.current_time() - began < 21
    for _ in range(3):
        (error,) = await _call(sikoia)
        await anyio.sleep(1.5)
    assert anyio.current_time() - began < 26
    store.put("of-another")

    assert await _call(sikoia) == []


async def test_an_old_wait_for_another_process_does_not_count() -> None:
    """A process that was idle since then has the whole patience again."""
    store, server = _Store(), _Server()
    sikoia = server.client(store)
    await _call(sikoia)
    (account,) = store.kept
    await anyio.sleep(3600)
    for _ in range(2):
        store.locks[account] = ("another process", anyio.current_time() + 15)
        await anyio.sleep(3600)
        store.kept.clear()
        store.locks[account] = ("another process", anyio.current_time() + 15)
        assert await _call(sikoia) == []


async def test_a_setting_that_a_store_refuses_reaches_the_caller() -> None:
    """It is not an outage: nothing would work until somebody changes it."""
    server = _Server()

    with pytest.raises(ConfigurationError, match="not ours"):
        await server.client(_Store(ConfigurationError("not ours"))).request("GET", "/v2/cases")

    assert not server.posts


@pytest.mark.parametrize("method", ["load", "save", "discard", "lock", "unlock"])
@pytest.mark.parametrize("hangs", [False, True], ids=["fails", "hangs"])
async def test_a_store_that_fails_at_any_step_costs_no_call(
    method: str, hangs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Access tokens are fetched without it."""
    store, server = _Store(), _Server()
    sikoia = server.client(store)
    await _call(sikoia)
    server.refused.add("granted-1")

    async def fail(*_: object) -> None:
        if hangs:
            await anyio.sleep_forever()
        raise OSError(SECRET)

    monkeypatch.setattr(store, method, fail)

    assert await _call(sikoia) == []
    assert server.sent[-1] == "granted-2"


async def test_a_token_that_appears_just_before_the_lock_is_used() -> None:
    """Another process has saved it and unlocked, after this one had looked."""
    server = _Server()

    class Late(_Store):
        async def lock(self, account: str, owner: str, ttl: float) -> bool:
            self.kept[account] = ("of-another", anyio.current_time() + 3600)
            return await super().lock(account, owner, ttl)

    store = Late()

    await server.client(store).request("GET", "/v2/cases")

    assert server.sent == ["of-another"]
    assert not server.posts
    assert not store.locks


async def test_a_token_that_has_expired_on_its_way_is_not_shared() -> None:
    """The token request took longer than the access token lives."""
    store, server = _Store(), _Server(seconds=70, life=60)

    assert await _call(server.client(store).with_options(timeout=200)) == []

    assert not store.kept


async def test_a_short_lived_token_is_shared() -> None:
    """Processes use it for most of its life, too."""
    store, server = _Store(), _Server(life=60)

    for _ in range(8):
        assert await _call(server.client(store)) == []
        await anyio.sleep(5)

    assert server.grants == 1
