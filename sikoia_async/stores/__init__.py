"""State that processes share: rate limit, access token, webhook events, spend and purchases.

    async with Sikoia(shared=SqliteStores("sikoia.db")) as sikoia:
        ...

Import everything from here. Names are loaded on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sikoia_async.stores.memory import MemoryStores
    from sikoia_async.stores.postgres import PostgresStores
    from sikoia_async.stores.protocols import (
        Ask,
        Charge,
        Claim,
        EventStore,
        Grant,
        Purchase,
        PurchaseState,
        PurchaseStore,
        QuotaStore,
        ReplayStore,
        Settled,
        SpendLimitBucket,
        SpendStore,
        SpendUsedUp,
        StoredToken,
        TokenStore,
        Wait,
    )
    from sikoia_async.stores.redis import RedisStores
    from sikoia_async.stores.shared import Stores
    from sikoia_async.stores.sqlite import SqliteStores
    from sikoia_async.stores.sqlite.host import Host

__all__ = [
    "Ask",
    "Charge",
    "Claim",
    "EventStore",
    "Grant",
    "Host",
    "MemoryStores",
    "PostgresStores",
    "Purchase",
    "PurchaseState",
    "PurchaseStore",
    "QuotaStore",
    "RedisStores",
    "ReplayStore",
    "Settled",
    "SpendLimitBucket",
    "SpendStore",
    "SpendUsedUp",
    "SqliteStores",
    "StoredToken",
    "Stores",
    "TokenStore",
    "Wait",
]

_MODULES: Final = {
    "Host": "sqlite.host",
    "MemoryStores": "memory",
    "PostgresStores": "postgres",
    "RedisStores": "redis",
    "SqliteStores": "sqlite",
    "Stores": "shared",
}
"""Where names come from that are not those of `protocols`."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    module = import_module(f"{__name__}.{_MODULES.get(name, 'protocols')}")
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
