"""`Sikoia(shared=...)`: what it accepts, who gets which store, and who closes them."""

import logging
from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest
from faults import SECRET, client

import sikoia_async.stores
from sikoia_async import ConfigurationError, Sikoia, local
from sikoia_async.stores import Stores
from sikoia_async.stores.account import account_key

pytestmark = pytest.mark.anyio

KINDS = ["quota", "token", "replay", "events", "spend", "purchases"]
_LOCAL = local("http://127.0.0.1:1")


class _Nothing:
    """Has no method of any store."""

    def __repr__(self) -> str:
        return SECRET


class _Everything:
    """Has the methods of all stores, as far as their names matter."""

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda: None


class _Counting(Stores):
    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.closed = 0
        self._error = error

    async def aclose(self) -> None:
        self.closed += 1
        if self._error is not None:
            raise self._error


def _client(shared: Stores | None) -> Sikoia:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=b"[]"))
    return client("https://127.0.0.1:1", transport=transport, shared=shared)


@pytest.mark.parametrize(
    "shared",
    ["sikoia.db", 3, {}, object(), Stores, _Everything()],
    ids=["path", "int", "dict", "object", "class", "client"],
)
async def test_shared_takes_stores_only(shared: Any) -> None:
    """Such as neither a path nor a Redis client."""
    with pytest.raises(ConfigurationError, match=r"^shared: expected stores, such as shared=Sql"):
        _client(shared)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "wrong", ["redis://", _Nothing(), _Everything], ids=["URL", "object", "class"]
)
def test_each_store_needs_the_methods_of_its_protocol(kind: str, wrong: Any) -> None:
    """The error names the field and the methods, and not the value."""
    with pytest.raises(
        ConfigurationError, match=rf"^Stores: {kind}: expected an? \w+Store, with .* and \w+$"
    ) as raised:
        Stores(**{kind: wrong})

    assert SECRET not in str(raised.value)
    assert isinstance(raised.value, TypeError)


def test_the_error_lists_all_methods() -> None:
    """In the order of the protocol."""
    wrong: Any = 3
    expected = "Stores: token: expected a TokenStore, with load, save, discard, lock and unlock"
    with pytest.raises(ConfigurationError, match=f"^{expected}$"):
        Stores(token=wrong)


@pytest.mark.parametrize("kind", KINDS)
async def test_the_stores_of_a_subclass_are_checked_by_the_client(kind: str) -> None:
    """It may set its fields without the constructor of `Stores`."""
    fields: dict[str, Any] = dict.fromkeys(KINDS) | {kind: _Nothing(), "__init__": object.__init__}
    careless: Any = type("Careless", (Stores,), fields)

    with pytest.raises(ConfigurationError, match=rf"^shared: {kind}: expected an? \w+Store, with "):
        _client(careless())


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_may_pass_its_methods_on(kind: str) -> None:
    """A proxy that times or logs them has them by `__getattr__` only."""

    class Proxy:
        def __getattr__(self, name: str) -> Any:
            return getattr(_Everything(), name)

    proxy: Any = Proxy()
    assert getattr(Stores(**{kind: proxy}), kind) is proxy


async def test_a_subclass_that_has_no_fields_is_refused() -> None:
    """It did not call the constructor of `Stores`."""

    class Careless(Stores):
        def __init__(self) -> None:
            pass

    with pytest.raises(ConfigurationError, match=r"^shared: quota: expected a QuotaStore, with "):
        _client(Careless())


@pytest.mark.parametrize("kind", KINDS)
def test_stores_compose(kind: str) -> None:
    """Each kind comes from the first that has it."""
    one: Any = {kind: _Everything()}
    first: Any = Stores(**one)
    everything: Any = dict.fromkeys(KINDS, _Everything())
    second: Any = Stores(**everything)
    both = first | second

    assert getattr(both, kind) is getattr(first, kind)
    for other in set(KINDS) - {kind}:
        assert getattr(both, other) is getattr(second, other)


def test_stores_compose_with_stores_only() -> None:
    """A Redis client is not one."""
    other: Any = _Everything()
    with pytest.raises(ConfigurationError, match="expected other stores"):
        _ = Stores() | other


async def test_both_of_two_composed_stores_are_closed() -> None:
    """Even if closing the first one fails."""
    first, second = _Counting(OSError()), _Counting()

    with pytest.raises(OSError, match=r"^$"):
        async with first | second:
            assert (first.closed, second.closed) == (0, 0)

    assert (first.closed, second.closed) == (1, 1)


async def test_closing_the_client_closes_its_stores() -> None:
    """A view shares them, and closes both."""
    shared = _Counting()
    sikoia = _client(shared)
    await sikoia.request("GET", "/v2/cases")
    assert shared.closed == 0

    await sikoia.with_options(timeout=5).aclose()

    assert shared.closed == 1


async def test_a_store_that_cannot_be_closed_does_not_fail_the_client(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is logged without the store's message, which may contain a password."""
    with caplog.at_level(logging.WARNING, "sikoia_async"):
        async with _client(_Counting(OSError(SECRET))) as sikoia:
            await sikoia.request("GET", "/v2/cases")

    assert caplog.messages == ["the shared stores failed to close with OSError"]


async def test_stores_are_closed_even_if_closing_is_cancelled() -> None:
    """As the connections are."""
    shared = _Counting()
    sikoia = _client(shared)

    with anyio.CancelScope() as scope:
        scope.cancel()
        await sikoia.aclose()

    assert shared.closed == 1


def test_an_account_is_a_hash_of_who_asks_where() -> None:
    """Other clients, scopes and authorization servers have other accounts."""
    other = local("http://127.0.0.1:2")
    accounts = {
        account_key(_LOCAL, "one"),
        account_key(_LOCAL, "two"),
        account_key(_LOCAL, None),
        account_key(other, "one"),
        account_key(other, None),
    }

    assert len(accounts) == 5
    assert all(len(account) == 32 and account.isalnum() for account in accounts)
    assert account_key(_LOCAL, "one") == account_key(local("http://127.0.0.1:1"), "one")


def test_the_names_of_stores_load_on_first_use() -> None:
    """Others are attribute errors."""
    assert dir(sikoia_async.stores) == sorted(sikoia_async.stores.__all__)
    for name in sikoia_async.stores.__all__:
        assert getattr(sikoia_async.stores, name) is vars(sikoia_async.stores)[name]
    with pytest.raises(AttributeError, match="has no attribute 'MongoStores'"):
        _ = sikoia_async.stores.MongoStores
