"""The rate limit of all processes, in Redis.

An account has three keys. `leases` is a sorted set: each ticket with the time at which its slot is
free again, and the epoch with an infinite one, so that it is lost with the leases and not without
them. `asks` is a sorted set of who asks with which limit, until when that counts. `state` has the
end of a pause, and the clock.

The clock never goes back: what the server's clock loses is added from then on. So a server whose
clock is set back holds nobody up.
"""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING, Any, Final

from sikoia_async.stores.protocols import Grant, Wait
from sikoia_async.stores.redis.connection import text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sikoia_async.stores.protocols import Ask, Settled
    from sikoia_async.stores.redis.connection import Connection

__all__ = ["RedisQuota"]

_log = logging.getLogger("sikoia_async")

# Times are whole microseconds, which the numbers of Lua hold exactly. ARGV begins with the limit,
# the window, the lease, the process, and an epoch for the case that there is none.
_BEGIN: Final = """
local leases, asks, state = KEYS[1], KEYS[2], KEYS[3]
local limit, per, lease = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local last = redis.call('HMGET', state, 'last', 'ahead')
local ahead = tonumber(last[2] or 0)
if last[1] and now < tonumber(last[1]) then
  ahead = ahead + last[1] - now
end
redis.call('HSET', state, 'last', string.format('%.0f', now), 'ahead', string.format('%.0f', ahead))
now = now + ahead

redis.call('ZREMRANGEBYSCORE', leases, '-inf', now)
local epoch = redis.call('ZREVRANGE', leases, 0, 0)[1]
if not epoch or string.sub(epoch, 1, 6) ~= 'epoch:' then
  epoch = 'epoch:' .. ARGV[5]
  redis.call('ZADD', leases, '+inf', epoch)
end

local own = limit
redis.call('ZREMRANGEBYSCORE', asks, '-inf', now)
redis.call('ZADD', asks, now + per, string.format('%d %.0f %s', limit, per, ARGV[4]))
local peers, seen = 0, {}
for _, ask in ipairs(redis.call('ZRANGE', asks, 0, -1)) do
  local its_limit, its_per, asker = string.match(ask, '^(%S+) (%S+) (.*)$')
  limit, per = math.min(limit, tonumber(its_limit)), math.max(per, tonumber(its_per))
  if not seen[asker] then
    peers, seen[asker] = peers + 1, true
  end
end

-- Nothing outlives its use for long, nor ends before it.
local keep = math.ceil((lease + per) / 1000) + 60000
for _, key in ipairs(KEYS) do
  if redis.call('PTTL', key) < keep then
    redis.call('PEXPIRE', key, keep)
  end
end
"""

_ACQUIRE: Final = f"""{_BEGIN}
local ticket, reserve = ARGV[6], math.floor(ARGV[7] * limit / own)
local paused = math.max(0, tonumber(redis.call('HGET', state, 'paused') or 0) - now)
local excess = redis.call('ZCARD', leases) - 1 + 1 + reserve - limit
local wait = paused
if redis.call('ZSCORE', leases, ticket) then
  wait = 0 -- the client has repeated the script
elseif paused == 0 and excess <= 0 then
  redis.call('ZADD', leases, now + lease + per, ticket)
elseif excess > 0 then
  -- A slot in use is free a window after its settlement, which may be any moment.
  local first = redis.call('ZRANGE', leases, excess - 1, excess - 1, 'WITHSCORES')[2]
  wait = math.max(wait, math.min(per, first ~= 'inf' and tonumber(first) - now or per))
end
local free = math.max(0, limit - (redis.call('ZCARD', leases) - 1))
return {{wait, epoch, peers, paused, limit, per, free}}
"""

_SETTLE: Final = f"""{_BEGIN}
for i = 6, #ARGV, 2 do
  local ticket, age = ARGV[i], tonumber(ARGV[i + 1])
  if age < 0 or age >= per then
    redis.call('ZREM', leases, ticket) -- not sent, or free again
  else
    redis.call('ZADD', leases, now + per - age, ticket)
  end
end
"""

_REGISTER: Final = f"""{_BEGIN}
for i = 6, #ARGV do
  redis.call('ZADD', leases, 'NX', now + lease + per, ARGV[i])
end
"""

_PAUSE: Final = f"""{_BEGIN}
local paused = math.max(now + ARGV[6], tonumber(redis.call('HGET', state, 'paused') or 0))
redis.call('HSET', state, 'paused', string.format('%.0f', paused))
redis.call('PEXPIRE', state, math.ceil((paused - now) / 1000) + keep)
"""


class RedisQuota:
    """Counts the requests of all processes that use one Redis server."""

    def __init__(self, connection: Connection, prefix: str) -> None:
        self._connection = connection
        self._prefix = prefix
        self._has_warned = False

    async def acquire(self, ask: Ask) -> Grant | Wait:
        """Lease a slot, or say when to ask again."""
        ticket = secrets.token_hex(16)
        wait, epoch, peers, paused, limit, per, free = await self._run(
            _ACQUIRE, ask, _member(ticket), ask.reserve
        )
        self._compare(ask, limit, _seconds(per))
        if not wait:
            return Grant(ticket=ticket, epoch=text(epoch), peers=peers, free=free)
        return Wait(
            seconds=_seconds(wait),
            epoch=text(epoch),
            peers=peers,
            paused=_seconds(paused),
            free=free,
        )

    async def settle(self, ask: Ask, leases: Sequence[Settled]) -> None:
        """End leases."""
        arguments: list[str | float] = []
        for lease in leases:
            age = max(0, _microseconds(lease.age)) if lease.sent else -1
            arguments += [_member(lease.ticket), age]
        await self._run(_SETTLE, ask, *arguments)

    async def register(self, ask: Ask, tickets: Sequence[str]) -> None:
        """Count leases that were made without the store."""
        await self._run(_REGISTER, ask, *(_member(ticket) for ticket in tickets))

    async def pause(self, ask: Ask, seconds: float) -> None:
        """Grant nothing to any process for some seconds."""
        await self._run(_PAUSE, ask, _microseconds(seconds))

    async def _run(self, script: str, ask: Ask, *arguments: str | float) -> Any:
        base = f"{self._prefix}:{{{ask.account}}}"
        keys = [f"{base}:{key}" for key in ("leases", "asks", "state")]
        per, lease = _microseconds(ask.per), _microseconds(ask.lease)
        common = (ask.limit, per, lease, ask.asker, secrets.token_hex(8))
        return await self._connection.run(script, keys, [*common, *arguments])

    def _compare(self, ask: Ask, limit: int, per: float) -> None:
        if (limit < ask.limit or per > ask.per) and not self._has_warned:
            self._has_warned = True
            _log.warning(
                "another process has a stricter rate limit, which applies to all: "
                "%d requests in %g s",
                limit,
                per,
            )


def _member(ticket: str) -> str:
    return f"lease:{ticket}"


def _microseconds(seconds: float) -> int:
    return round(seconds * 1_000_000)


def _seconds(microseconds: float) -> float:
    return microseconds / 1_000_000
