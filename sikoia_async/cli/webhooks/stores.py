"""The store that `sikoia events` listens to: a file of SQLite, or Redis or PostgreSQL by URL."""

from __future__ import annotations

from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from sikoia_async._errors import ArgumentError, ConfigurationError, SikoiaError, StoreError
from sikoia_async.cli.api.values import contents
from sikoia_async.stores import PostgresStores, RedisStores, SqliteStores

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Generator

    from sikoia_async.stores import Stores
    from sikoia_async.stores.protocols import EventStore

__all__ = ["read_name", "subscribed"]

_REDIS: Final = ("redis", "rediss", "unix")
_POSTGRES: Final = ("postgresql", "postgres")


def read_name(given: str) -> str:
    """Return the file or the URL that `--store` names, by itself or in a file.

    Raises:
        ArgumentError: it is neither, or the file does not exist.
        OSError: the file with the name cannot be read.
    """
    name = contents("--store", given).strip()
    scheme, separator, _ = name.partition("://")
    if scheme in (*_REDIS, *_POSTGRES) if separator else Path(name).is_file():
        return name
    msg = (
        "--store: expected the file of SqliteStores that other processes use, or a URL: "
        "redis://host:6379/0 or postgresql://host/database"
    )
    raise ArgumentError(msg)


@asynccontextmanager
async def subscribed(name: str, account: str) -> AsyncGenerator[AsyncIterator[str]]:
    """Iterate over what processes tell each other from now on.

    Args:
        name: from `read_name`.
        account: the key of the account in the store.

    Raises:
        ConfigurationError: the store cannot be used, or its package is not installed.
        StoreError: the store failed, also while messages are read.
    """
    async with AsyncExitStack() as stack:
        with _without_text():
            stores = await stack.enter_async_context(aclosing(await _opened(name, stack)))
            events = cast("EventStore", stores.events)  # which all of these have
            messages = await stack.enter_async_context(events.subscribe(account))
        yield _read(messages)


async def _opened(name: str, stack: AsyncExitStack) -> Stores:
    scheme, separator, _ = name.partition("://")
    if not separator:
        return SqliteStores(name)
    if scheme in _REDIS:
        return RedisStores.from_url(name)
    return PostgresStores(await stack.enter_async_context(_pool(name)))


def _pool(url: str) -> Any:
    """Return a pool for PostgreSQL, which opens when it is entered."""
    size = {"min_size": 1, "max_size": 2}
    try:
        return import_module("asyncpg").create_pool(url, timeout=_TIMEOUT, **size)
    except ImportError:
        msg = "--store: it needs `pip install 'sikoia-async[postgres]'`"
    raise ConfigurationError(msg)


async def _read(messages: AsyncIterator[str]) -> AsyncIterator[str]:
    while True:
        with _without_text():
            message = await anext(messages)
        yield message


@contextmanager
def _without_text() -> Generator[None]:
    """Raise our error for one of a library, whose text may repeat a URL with its password."""
    try:
        yield
    except SikoiaError:
        raise
    except Exception as error:  # noqa: BLE001 - of a library, which may raise anything
        msg = f"--store: the store failed with {type(error).__name__}"
        raise StoreError(msg) from None


_TIMEOUT: Final = 10.0
"""Seconds to connect."""
