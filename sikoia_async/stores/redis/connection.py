"""The client library under the Redis stores, of which each has its own errors and event loops."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from anyio import Semaphore

from sikoia_async._errors import ConfigurationError
from sikoia_async.stores.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

__all__ = ["Connection", "checked", "milliseconds", "text"]

_AT_ONCE: Final = 8
"""Commands in progress at most; more do not make Redis faster."""
_ASYNCIO_ONLY: Final = ("redis", "valkey")
"""Packages whose clients do not run on trio."""
_MISUSES: Final = ("event loop", "different loop", "not initialized or has exited")
"""Parts of messages about a client that is closed, not entered, or of another event loop."""


class Connection:
    """A client of the user's, or one that is opened when it is used.

    Args:
        client: the user's client; None to open one.
        opener: opens a client.
    """

    def __init__(self, client: Any = None, *, opener: Callable[[], Any] | None = None) -> None:
        self._client: Any = client
        self._opener = opener
        packages = {one.__module__.partition(".")[0] for one in type(client).__mro__}
        is_asyncio = client is None or not packages.isdisjoint(_ASYNCIO_ONLY)
        self._home = Home(_FOREIGN, _NOT_ON_TRIO if is_asyncio else None)
        self._scripts: dict[str, Any] = {}
        self._free: Semaphore | None = None

    @property
    def client(self) -> Any:
        """The client, after a check that it works in this event loop.

        Raises:
            ConfigurationError: it belongs to another event loop, or does not run on this kind.
        """
        self._home.check()
        if self._client is None and self._opener is not None:
            self._client = self._opener()
        return self._client

    @property
    def _one_of_few(self) -> Semaphore:
        """Wait until few commands are in progress.

        Client libraries open a connection for each, and a burst of webhooks would wait longer for
        these than for the server.
        """
        if self._free is None:
            self._free = Semaphore(_AT_ONCE)
        return self._free

    async def run(self, script: str, keys: Sequence[str], args: Sequence[str | float]) -> Any:
        """Run a Lua script and return its result.

        Raises:
            ConfigurationError: the client is closed, of another event loop or not made for
                clusters, or the keys hold something else.
        """
        client = self.client
        registered = self._scripts.get(script)
        if registered is None:
            registered = self._scripts[script] = client.register_script(script)
        with checked():
            async with self._one_of_few:
                return await registered(keys, args)

    async def publish(self, channel: str, message: str) -> None:
        """Send a message to all subscribers of a channel."""
        client = self.client
        with checked():
            async with self._one_of_few:
                await client.publish(channel, message)

    async def aclose(self) -> None:
        """Close what was opened here. The next use opens it again, in any event loop."""
        self._home.forget()
        self._free = None
        if self._opener is not None and self._client is not None:
            client, self._client = self._client, None
            self._scripts.clear()
            await client.aclose()


@contextmanager
def checked() -> Generator[None]:
    """Convert the errors of the client that mean a mistake, and no outage.

    Raises:
        ConfigurationError: the client is closed, of another event loop or not made for clusters,
            or the keys hold something else.
    """
    try:
        yield
    except Exception as error:
        problem = _misuse(error)
        if problem is None:
            raise
        raise ConfigurationError(problem) from None


def text(value: Any) -> str:
    """Return a string of the server, which clients decode or not."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def milliseconds(seconds: float) -> int:
    """Return for how long a key is kept, which must not be nothing."""
    return max(1, round(seconds * 1000))


def _misuse(error: Exception) -> str | None:
    """Return what is wrong with how the client or the server is used; None for an outage."""
    message = str(error).lower()
    if "wrong kind of value" in message:
        return _FOREIGN_KEYS
    # Clients for clusters follow these. That of valkey raises no error of its own otherwise.
    if type(error).__name__ == "MovedError" or message.startswith("moved "):
        return _CLUSTER
    if isinstance(error, RuntimeError) and any(one in message for one in _MISUSES):
        return _FOREIGN
    return None


_FOREIGN: Final = (
    "RedisStores: the client is closed, or belongs to another event loop; create one where it is "
    "used, and enter a client of coredis by `async with client:`"
)
_NOT_ON_TRIO: Final = (
    "RedisStores: this client runs on asyncio only; on trio, pass a client of coredis"
)
_CLUSTER: Final = (
    "RedisStores: the server belongs to a cluster; pass the library's client for clusters, such as "
    "redis.asyncio.RedisCluster"
)
_FOREIGN_KEYS: Final = (
    "RedisStores: another application uses these keys; pass another `prefix`, or another database"
)
