"""`RedisStores`: what processes on several hosts share, in Redis or Valkey."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Self

from sikoia_async._errors import ArgumentTypeError, ConfigurationError
from sikoia_async._validation import validate_string, validate_type
from sikoia_async.stores.redis.connection import Connection
from sikoia_async.stores.redis.events import RedisEvents
from sikoia_async.stores.redis.quota import RedisQuota
from sikoia_async.stores.redis.replay import RedisReplay
from sikoia_async.stores.redis.token import RedisTokens
from sikoia_async.stores.sealing import Sealer
from sikoia_async.stores.shared import Stores

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["RedisStores"]

_LONGEST_PREFIX: Final = 200


class RedisStores(Stores):
    """The rate limit, the access token, handled webhooks and events, in Redis or Valkey.

        redis = redis.asyncio.Redis.from_url("redis://localhost")
        async with Sikoia(shared=RedisStores(redis)) as sikoia:
            ...

    This state may be lost: if Redis is not available, the client continues without it. For state
    that must not be lost, add `PostgresStores`: `RedisStores(redis) | PostgresStores(pool)`.

    Each operation is one Lua script: atomic, timed by the clock of the server, and on one key or on
    keys with one hash tag, so that it works in a cluster. All keys expire. Redis 6 or newer, or
    Valkey. Choose a `maxmemory-policy` that does not evict these keys, such as `noeviction`.
    For Redis Cluster, pass a `RedisCluster` of the library, and for Redis Sentinel the client that
    `Sentinel(...).master_for(name)` returns, or `primary_for(name)` of coredis.

    Args:
        client: your asynchronous client, which you close: of `redis.asyncio`, of `valkey.asyncio`,
            or of `coredis`, which runs on asyncio and on trio. Give it a timeout of at most a
            second and no retries. A client without pub/sub, such as valkey's for clusters, shares
            no events.
        secret: encrypts the access token; a random string such as `secrets.token_hex(32)`, the same
            in all processes. Needs `pip install 'sikoia-async[encryption]'`.
        prefix: begins all keys.

    Raises:
        ArgumentTypeError: `client` is not an asynchronous client, or another argument has the wrong
            type.
        ConfigurationError: `prefix` is empty, too long or contains braces, or `secret` is blank.
    """

    def __init__(self, client: Any, *, secret: str | None = None, prefix: str = "sikoia") -> None:
        connection = client if isinstance(client, Connection) else _connection(client)
        prefix = _validate_prefix(prefix)
        super().__init__(
            quota=RedisQuota(connection, prefix),
            token=RedisTokens(connection, prefix, Sealer(secret)),
            replay=RedisReplay(connection, prefix),
            events=RedisEvents(connection, prefix) if _has_pubsub(client) else None,
        )
        self._connection = connection

    @classmethod
    def from_url(cls, url: str, *, secret: str | None = None, prefix: str = "sikoia") -> Self:
        """Return stores with a client of their own, for asyncio.

        It is opened when it is first used, and closed with the `Sikoia` client. It comes from the
        package `redis` or, if that is not installed, from `valkey`. On trio, pass a client of
        `coredis` to the constructor instead.

        Args:
            url: such as `redis://user:password@host:6379/0`, or `rediss://` for TLS.
            secret: as for the constructor.
            prefix: as for the constructor.

        Raises:
            ArgumentTypeError: an argument has the wrong type.
            ConfigurationError: the URL is not valid, or neither package is installed.
        """
        return cls(Connection(opener=_opener(url)), secret=secret, prefix=prefix)

    async def aclose(self) -> None:
        """Close the client of `from_url`; your own client stays open."""
        await self._connection.aclose()


def _connection(client: Any) -> Connection:
    # Clients that block have the same methods; only an asynchronous one is a context manager.
    is_asynchronous = hasattr(client, "__aenter__") and hasattr(client, "register_script")
    if not is_asynchronous or isinstance(client, type):
        msg = (
            "RedisStores: client: expected a client of redis.asyncio, valkey.asyncio or coredis; "
            "for a URL, use RedisStores.from_url()"
        )
        raise ArgumentTypeError(msg)
    return Connection(client)


def _has_pubsub(client: Any) -> bool:
    return isinstance(client, Connection) or hasattr(client, "pubsub")


def _validate_prefix(prefix: str) -> str:
    valid = validate_string("RedisStores: prefix", prefix, most=_LONGEST_PREFIX)
    if valid is None or "{" in valid or "}" in valid:
        msg = f"RedisStores: prefix: expected 1 to {_LONGEST_PREFIX} characters without braces"
        raise ConfigurationError(msg)
    return valid


def _opener(url: str) -> Callable[[], Any]:
    """Return what opens a client. No error repeats any of the URL, which may hold a password."""
    validate_type("RedisStores: url", url, str, "a string")
    client: Any = _library()

    def open_client() -> Any:
        # A frozen server is left before the circuit breaker gives up.
        return client.from_url(url, socket_timeout=1.0, socket_connect_timeout=1.0)

    try:
        open_client()
    except Exception:  # noqa: BLE001, S110 - of the library; ours follows without a context
        pass
    else:
        return open_client
    msg = "RedisStores: url: expected redis://user:password@host:6379/0, rediss:// or unix://"
    raise ConfigurationError(msg)


def _library() -> Any:
    for package, client in (("redis", "Redis"), ("valkey", "Valkey")):
        try:
            return getattr(import_module(f"{package}.asyncio"), client)
        except ImportError:
            continue
    msg = "RedisStores.from_url: it needs `pip install 'sikoia-async[redis]'`"
    raise ConfigurationError(msg)
