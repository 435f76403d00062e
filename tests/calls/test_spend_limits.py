"""Limits of chargeable calls by operation, period and tag, in one process and in a store."""

import pickle
from pathlib import Path
from typing import Any, Final

import anyio
import httpx
import pytest
from faults import SECRET, client, refuse

from sikoia_async import (
    ArgumentError,
    ArgumentTypeError,
    CallError,
    ChargeLimitError,
    ConfigurationError,
    Sikoia,
    SpendLimit,
    StoreError,
    spending,
)
from sikoia_async.stores import Charge, MemoryStores, SpendStore, SqliteStores, Stores

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_REGISTRY: Final = "company_registry.request"
_ONLINE: Final = "online_data.request"


class _Server:
    """Accepts every request, or responds with a status or an error; counts them."""

    def __init__(self) -> None:
        self.outcome: int | Exception = 201
        self.asked = 0

    def client(self, shared: Stores | None = None, **options: Any) -> Sikoia:
        options = {"shared": shared, "retries": 0, "quota": None, **options}
        return client("https://127.0.0.1:1", transport=httpx.MockTransport(self._reply), **options)

    async def _reply(self, request: httpx.Request) -> httpx.Response:
        if isinstance(self.outcome, Exception):
            if isinstance(self.outcome, httpx.ConnectError):
                refuse(request, self.outcome)
            raise self.outcome
        self.asked += 1
        await anyio.sleep(1)
        return httpx.Response(self.outcome, json={"request_id": "r-1", "status": "Complete"})


async def _bought(*clients: Sikoia, times: int = 1) -> int:
    """Buy with each client at once, as often as that is allowed; return how often that was."""
    bought = 0

    async def buy(sikoia: Sikoia) -> None:
        nonlocal bought
        try:
            await sikoia.company_registry.request("co-1")
        except ChargeLimitError:
            return
        bought += 1

    async with anyio.create_task_group() as calls:
        for sikoia in clients:
            for _ in range(times):
                calls.start_soon(buy, sikoia)
    return bought


def _stores(*, is_shared: bool) -> Stores | None:
    return MemoryStores(clock=anyio.current_time) if is_shared else None


_SHARED: Final = pytest.mark.parametrize("is_shared", [False, True], ids=["alone", "shared"])


@_SHARED
async def test_a_limit_may_be_of_one_operation(*, is_shared: bool) -> None:
    """Others are not affected."""
    server = _Server()
    limit = SpendLimit(1, operation=_REGISTRY)
    sikoia = server.client(_stores(is_shared=is_shared), max_chargeable=limit)

    assert await _bought(sikoia, times=3) == 1
    await sikoia.online_data.request("co-1")
    with pytest.raises(ChargeLimitError) as caught:
        await sikoia.company_registry.request("co-1")

    assert caught.value.limit == "SpendLimit(1, operation='company_registry.request')"
    assert caught.value.retry_after is None
    assert f"{_REGISTRY} may cost money, and SpendLimit(1" in str(caught.value)
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own
    assert (again.limit, str(again)) == (caught.value.limit, str(caught.value))


@_SHARED
@pytest.mark.parametrize(
    ("per", "seconds"), [("hour", 3600), ("day", 86_400), ("month", 2_592_000), (90, 90)]
)
async def test_a_limit_per_period_has_room_again(
    per: Any, seconds: float, *, is_shared: bool
) -> None:
    """A call counts for that long, and the error says when the next one fits."""
    sikoia = _Server().client(_stores(is_shared=is_shared), max_chargeable=SpendLimit(2, per=per))
    assert await _bought(sikoia) == 1
    await anyio.sleep(seconds / 2)
    assert await _bought(sikoia, times=3) == 1

    with pytest.raises(ChargeLimitError, match="it has room again in") as caught:
        await sikoia.company_registry.request("co-1")
    assert caught.value.retry_after == pytest.approx(seconds / 2, abs=3)
    await anyio.sleep(seconds / 2)

    assert await _bought(sikoia, times=3) == 1


@_SHARED
async def test_a_limit_by_tag_holds_for_each_tag(*, is_shared: bool) -> None:
    """Calls without a tag share one limit."""
    sikoia = _Server().client(
        _stores(is_shared=is_shared), max_chargeable=[SpendLimit(1, by_tag=True), SpendLimit(4)]
    )

    for tag in ("case-1", "case-2"):
        with spending(tag):
            assert await _bought(sikoia, times=3) == 1
    assert await _bought(sikoia, times=2) == 1
    with spending("case-1"), spending("case-3"):
        assert await _bought(sikoia) == 1
    with spending("case-1"):
        assert await _bought(sikoia) == 0
    with spending("case-4"), pytest.raises(ChargeLimitError, match="max_chargeable=4"):
        await sikoia.company_registry.request("co-1")


@pytest.mark.parametrize("outcome", [400, httpx.ConnectError("")], ids=["refused", "unsent"])
@_SHARED
async def test_what_cost_nothing_is_given_back(outcome: Any, *, is_shared: bool) -> None:
    """In every limit."""
    server = _Server()
    limits = [SpendLimit(1), SpendLimit(1, per="day"), SpendLimit(1, by_tag=True)]
    sikoia = server.client(_stores(is_shared=is_shared), max_chargeable=limits)
    server.outcome = outcome
    for _ in range(3):
        with pytest.raises(CallError):
            await sikoia.company_registry.request("co-1")
    assert await sikoia.total_spend() == {}
    server.outcome = 201

    assert await _bought(sikoia, times=3) == 1


@_SHARED
async def test_a_call_in_doubt_is_used_up(*, is_shared: bool) -> None:
    """Better once too often."""
    server = _Server()
    sikoia = server.client(_stores(is_shared=is_shared), max_chargeable=1)
    server.outcome = httpx.ReadError("")
    with pytest.raises(CallError):
        await sikoia.company_registry.request("co-1")
    server.outcome = 201

    assert await _bought(sikoia) == 0


async def test_a_number_is_the_limit_of_all_processes() -> None:
    """And of those that are started later, until it is reset."""
    server, shared = _Server(), _stores(is_shared=True)
    clients = [server.client(shared, max_chargeable=2) for _ in range(4)]

    assert await _bought(*clients, times=2) == 2
    assert await _bought(server.client(shared, max_chargeable=2)) == 0
    assert await clients[0].total_spend() == {_REGISTRY: 2}
    assert sum(sum(sikoia.spend.values()) for sikoia in clients) == 2

    await clients[0].reset_spend()
    assert await _bought(*clients) == 2


async def test_the_limit_of_a_view_is_of_its_own_process() -> None:
    """Within that of all."""
    server, shared = _Server(), _stores(is_shared=True)
    one, other = (server.client(shared, max_chargeable=3) for _ in range(2))
    views = [sikoia.with_options(max_chargeable=SpendLimit(1)) for sikoia in (one, other)]

    assert await _bought(*views, times=3) == 2
    assert await _bought(one, other, times=2) == 1


async def test_a_view_that_the_client_refuses_has_its_room_back() -> None:
    """The call was not made."""
    sikoia = _Server().client(max_chargeable=SpendLimit(1, per=60))
    view = sikoia.with_options(max_chargeable=2)
    assert await _bought(sikoia) == 1
    assert await _bought(view, times=5) == 0
    await anyio.sleep(60)

    assert await _bought(view) == 1


async def test_without_a_limit_spend_is_counted_all_the_same() -> None:
    """For `total_spend`, in which all processes are counted."""
    server, shared = _Server(), _stores(is_shared=True)
    one, other = server.client(shared), server.client(shared)
    await _bought(one, other)
    await other.online_data.request("co-1")

    assert await one.total_spend() == {_REGISTRY: 2, _ONLINE: 1}
    assert dict(one.spend) == {_REGISTRY: 1}


async def test_total_spend_without_a_store_is_that_of_the_client() -> None:
    """And cannot be reset."""
    sikoia = _Server().client()
    await _bought(sikoia)

    assert await sikoia.total_spend() == {_REGISTRY: 1}
    with pytest.raises(ConfigurationError, match=r"reset_spend: requires stores that count spend"):
        await sikoia.reset_spend()


class _Breaking:
    """A spend store that fails or hangs, and tells what it was given."""

    def __init__(self) -> None:
        self.inner: Any = MemoryStores(clock=anyio.current_time).spend
        self.fault: str | None = None
        self.seen: list[str] = []

    async def reserve(self, account: str, charge: Charge) -> Any:
        self.seen.append(repr(charge))
        result = await self.inner.reserve(account, charge)
        await self._work()
        return result

    async def give_back(self, account: str, charge: Charge) -> None:
        await self._work()
        await self.inner.give_back(account, charge)

    async def spent(self, account: str) -> Any:
        await self._work()
        return await self.inner.spent(account)

    async def reset(self, account: str) -> None:
        await self._work()
        await self.inner.reset(account)

    async def _work(self) -> None:
        if self.fault == "fails":
            raise OSError(SECRET)
        if self.fault == "hangs":
            await anyio.sleep_forever()


_FAULTS: Final = pytest.mark.parametrize("fault", ["fails", "hangs"])


@_FAULTS
async def test_while_the_store_is_down_nothing_is_bought(fault: str) -> None:
    """Free calls go on; what was reserved without effect is given back when the store is back."""
    store, server = _Breaking(), _Server()
    sikoia = server.client(Stores(spend=store), max_chargeable=1)
    store.fault = fault
    for _ in range(3):
        with pytest.raises(StoreError, match="nothing was sent") as caught:
            await sikoia.company_registry.request("co-1")
        assert SECRET not in str(caught.value)
    with pytest.raises(StoreError, match="unavailable"):
        await sikoia.total_spend()
    assert server.asked == 0
    await sikoia.company_registry.retrieve("r-1")
    store.fault = None
    await anyio.sleep(6)

    assert await _bought(sikoia, times=2) == 1
    assert await sikoia.total_spend() == {_REGISTRY: 1}


@_FAULTS
async def test_without_a_limit_a_store_that_is_down_refuses_nothing(fault: str) -> None:
    """Spend is then counted in this process only."""
    store, server = _Breaking(), _Server()
    sikoia = server.client(Stores(spend=store))
    store.fault = fault

    assert await _bought(sikoia, times=2) == 2
    assert dict(sikoia.spend) == {_REGISTRY: 2}


async def test_a_store_that_hangs_leaves_a_short_deadline_alone() -> None:
    """The call ends in time, unsent."""
    store, server = _Breaking(), _Server()
    sikoia = server.client(Stores(spend=store), max_chargeable=1)
    store.fault = "hangs"
    began = anyio.current_time()

    with pytest.raises(StoreError):
        await sikoia.with_options(timeout=0.5).company_registry.request("co-1")

    assert anyio.current_time() - began == pytest.approx(0.5)


async def test_a_cancelled_reservation_is_given_back() -> None:
    """It may have had its effect, and the call is not made."""

    class Slow(_Breaking):
        async def reserve(self, account: str, charge: Charge) -> Any:
            result = await super().reserve(account, charge)
            await anyio.sleep(0.5)
            return result

    sikoia = _Server().client(Stores(spend=Slow()), max_chargeable=1)
    with anyio.move_on_after(0.1):
        await sikoia.company_registry.request("co-1")

    assert await sikoia.total_spend() == {}


async def test_a_store_learns_nothing_about_tags() -> None:
    """It gets hashes, which differ between accounts."""
    store = _Breaking()
    limit = SpendLimit(5, by_tag=True)
    with spending("Wilma Example"):
        for secret in ("one", "two"):
            sikoia = Sikoia(
                secret, "a-secret", environment="production", shared=Stores(spend=store),
                max_chargeable=limit,
            )  # fmt: skip
            shared = sikoia._api.context.spend.shared
            assert shared is not None
            await shared.reserve(_REGISTRY, 5)

    assert "Wilma" not in "".join(store.seen)
    assert store.seen[0].split("name=")[1] != store.seen[1].split("name=")[1]


async def test_a_setting_that_the_store_refuses_reaches_the_caller() -> None:
    """It is not an outage."""

    class Foreign(_Breaking):
        async def reserve(self, account: str, charge: Charge) -> Any:
            assert account
            assert charge.id
            msg = "not ours"
            raise ConfigurationError(msg)

    with pytest.raises(ConfigurationError, match="not ours"):
        await _Server().client(Stores(spend=Foreign())).company_registry.request("co-1")


async def test_the_strictest_of_two_equal_limits_holds() -> None:
    """They count the same calls."""
    for limits in ([SpendLimit(3), SpendLimit(1)], (SpendLimit(1), SpendLimit(3))):
        for shared in (_stores(is_shared=True), None):
            sikoia = _Server().client(shared, max_chargeable=limits)
            assert await _bought(sikoia, times=3) == 1


_limit: Any = SpendLimit
_five: Any = 5


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: _limit(-1), "SpendLimit: limit: expected a whole number"),
        (lambda: _limit(1.5), "SpendLimit: limit: expected a whole number"),
        (lambda: _limit(1, operation="identity.requests"), "SpendLimit: operation: expected"),
        (lambda: _limit(1, operation="cases.list"), "SpendLimit: operation: expected"),
        (lambda: _limit(1, operation=5), "SpendLimit: operation: expected"),
        (lambda: _limit(1, per="week"), 'SpendLimit: per: expected "hour"'),
        (lambda: _limit(1, per=0), "SpendLimit: per: expected seconds"),
        (lambda: _limit(1, per=float("inf")), "SpendLimit: per: expected seconds"),
        (lambda: _limit(1, per=[]), "SpendLimit: per: expected seconds"),
        (lambda: _limit(1, by_tag="yes"), "SpendLimit: by_tag: expected True or False"),
        (lambda: _Server().client(max_chargeable=[1, 2]), "max_chargeable: expected"),
        (lambda: _Server().client(max_chargeable="1"), "max_chargeable: expected"),
        (lambda: _Server().client().with_options(max_chargeable=-1), "max_chargeable: expected"),
        (lambda: spending("").__enter__(), "spending: expected a tag"),
        (lambda: spending("x" * 201).__enter__(), "spending: expected a tag"),
        (lambda: spending(_five).__enter__(), "spending: expected a tag"),
    ],
    ids=map(str, range(16)),
)
async def test_invalid_limits_are_refused(make: Any, words: str) -> None:
    """Before anything is sent; a misspelt operation would limit nothing."""
    with pytest.raises(ArgumentError, match=words) as caught:
        make()

    assert isinstance(caught.value, ArgumentTypeError | ArgumentError)


def test_a_limit_of_a_raw_request_is_named_like_its_spend() -> None:
    """By method and path, without the ids; or as the method of this SDK that it calls."""
    assert SpendLimit(1, operation="POST /v3/new").operation == "POST /v3/new"
    assert SpendLimit(1, operation="POST /v3/new/4711").operation == "POST /v3/new/{id}"
    identity = SpendLimit(1, operation="POST /v2/peps-sanctions").operation
    assert identity == "screening.search_peps_sanctions"
    assert isinstance(_Breaking(), SpendStore)


def _content(folder: Path) -> bytes:
    return b"".join(one.read_bytes() for one in folder.iterdir())


@pytest.mark.parametrize("call", ["request", "start"])
async def test_no_id_of_a_raw_request_is_recorded(tmp_path: Path, call: str) -> None:
    """Neither as spend nor as a purchase. A limit of one path holds for all its ids."""
    path = tmp_path / "sikoia.db"
    limit = SpendLimit(2, operation="POST /v3/things/canary-1")
    async with SqliteStores(path) as shared:
        sikoia = _Server().client(shared, max_chargeable=limit)
        method: Any = getattr(sikoia, call)
        into: Any = dict[str, Any]
        await method("POST", "/v3/things/canary-1", into=into, chargeable=True)
        once: Any = sikoia.purchases.once
        await once("a key", method, "POST", "/v3/things/canary-2", into=into, chargeable=True)
        with pytest.raises(ChargeLimitError) as refused:
            await method("POST", "/v3/things/canary-3", into=into, chargeable=True)

        assert await sikoia.total_spend() == {"POST /v3/things/{id}": 2}
        files = _content(tmp_path)
        assert b"/v3/things/{id}" in files
        assert b"canary" not in files
        assert "canary" not in str(refused.value)


async def test_a_store_that_fails_to_give_back_is_told_later() -> None:
    """The call that cost nothing counts until then."""
    store, server = _Breaking(), _Server()
    sikoia = server.client(Stores(spend=store), max_chargeable=1)

    server.outcome = 400
    async with anyio.create_task_group() as calls:

        async def refused() -> None:
            with pytest.raises(CallError):
                await sikoia.company_registry.request("co-1")

        calls.start_soon(refused)
        await anyio.sleep(0.5)
        store.fault = "hangs"
    server.outcome, store.fault = 201, None
    assert await sikoia.total_spend() == {_REGISTRY: 1}
    await anyio.sleep(6)

    assert await _bought(sikoia, times=2) == 1
