"""The access token of all processes, in Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sikoia_async.stores.protocols import StoredToken
from sikoia_async.stores.redis.connection import milliseconds, text

if TYPE_CHECKING:
    from sikoia_async.stores.redis.connection import Connection
    from sikoia_async.stores.sealing import Sealer

__all__ = ["RedisTokens"]

_LOAD: Final = "return {redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1])}"
_SAVE: Final = "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])"
_DISCARD: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
"""
_LOCK: Final = """
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""


class RedisTokens:
    """Shares one access token between processes, encrypted if the stores have a secret."""

    def __init__(self, connection: Connection, prefix: str, sealer: Sealer) -> None:
        self._connection = connection
        self._prefix = prefix
        self._sealer = sealer

    async def load(self, account: str) -> StoredToken | None:
        """Return the access token, with the seconds it has left."""
        stored, seconds = await self._load(account)
        value = None if stored is None else self._sealer.unseal(account, stored)
        return None if value is None else StoredToken(value, seconds)

    async def save(self, account: str, token: StoredToken) -> None:
        """Keep an access token for as many seconds as it has left."""
        sealed = self._sealer.seal(account, token.value)
        await self._run(_SAVE, account, sealed, milliseconds(token.seconds))

    async def discard(self, account: str, value: str) -> None:
        """Remove an access token that Sikoia has refused."""
        # Compared here, since what is stored may be encrypted, and there, since it may be newer.
        stored, _ = await self._load(account)
        if stored is not None and self._sealer.unseal(account, stored) == value:
            await self._run(_DISCARD, account, stored)

    async def lock(self, account: str, owner: str, ttl: float) -> bool:
        """Reserve the renewal for one owner."""
        return bool(await self._run(_LOCK, account, owner, milliseconds(ttl), key="renewal"))

    async def unlock(self, account: str, owner: str) -> None:
        """Give the renewal back."""
        await self._run(_DISCARD, account, owner, key="renewal")

    async def _load(self, account: str) -> tuple[str | None, float]:
        stored, left = await self._run(_LOAD, account)
        return (text(stored) if stored else None), left / 1000

    async def _run(
        self, script: str, account: str, *arguments: str | int, key: str = "token"
    ) -> Any:
        name = f"{self._prefix}:{{{account}}}:{key}"
        return await self._connection.run(script, [name], arguments)
