"""Which webhook events were handled, in Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sikoia_async.stores.redis.connection import milliseconds, text

if TYPE_CHECKING:
    from sikoia_async.stores.protocols import Claim
    from sikoia_async.stores.redis.connection import Connection

__all__ = ["RedisReplay"]

# A key holds its owner, or `done`.
_CLAIM: Final = """
local owner = redis.call('GET', KEYS[1])
if owner == 'done' then
  return 'done'
elseif owner and owner ~= ARGV[1] then
  return 'busy'
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 'new'
"""
_CONFIRM: Final = "redis.call('SET', KEYS[1], 'done', 'PX', ARGV[1])"
_RELEASE: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
"""
_SEEN: Final = "return redis.call('GET', KEYS[1]) == 'done' and 1 or 0"


class RedisReplay:
    """Remembers which webhook events were handled."""

    def __init__(self, connection: Connection, prefix: str) -> None:
        self._connection = connection
        self._prefix = prefix

    async def claim(self, key: str, owner: str, *, ttl: float) -> Claim:
        """Reserve a key for one owner."""
        claim: Claim = text(await self._run(_CLAIM, key, f"owner:{owner}", milliseconds(ttl)))  # type: ignore[assignment]
        return claim

    async def confirm(self, key: str, *, ttl: float) -> None:
        """Remember that a key is done."""
        await self._run(_CONFIRM, key, milliseconds(ttl))

    async def release(self, key: str, owner: str) -> None:
        """Give a claim back."""
        await self._run(_RELEASE, key, f"owner:{owner}")

    async def seen(self, key: str) -> bool:
        """Return whether a key is done."""
        return bool(await self._run(_SEEN, key))

    async def _run(self, script: str, key: str, *arguments: str | int) -> Any:
        return await self._connection.run(script, [f"{self._prefix}:event:{key}"], arguments)
