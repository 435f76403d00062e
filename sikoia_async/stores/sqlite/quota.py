"""The rate limit, counted in the file by all processes of a host."""

from __future__ import annotations

import logging
from secrets import token_hex
from typing import TYPE_CHECKING, Final

from sikoia_async.stores.protocols import Ask, Grant, Settled, Wait

if TYPE_CHECKING:
    from collections.abc import Sequence
    from sqlite3 import Connection

    from sikoia_async.stores.sqlite.database import Database

__all__ = ["SqliteQuotaStore"]

_log = logging.getLogger("sikoia_async")

_SEEN_EVERY: Final = 0.1
"""A process is noted as alive again when this part of a window has passed."""
_ASK_AGAIN: Final = 0.05
"""The part of a window after which to ask again, if a slot is free when a response arrives."""


class SqliteQuotaStore:
    """One row for each slot in use, with the time at which it is free again at the latest."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._warned = set[str]()
        """The accounts whose processes state different limits."""

    async def acquire(self, ask: Ask) -> Grant | Wait:
        """Lease a slot, or say when to ask again."""

        def work(db: Connection) -> Grant | Wait:
            now = self._database.host.now()
            limit, per, peers = self._agreed(db, ask, now)
            paused = _paused(db, ask.account, now)
            db.execute("DELETE FROM lease WHERE account = ? AND ends <= ?", (ask.account, now))
            (used,) = db.execute(
                "SELECT count(*) FROM lease WHERE account = ?", (ask.account,)
            ).fetchone()
            missing = used + 1 - (limit - ask.reserve)
            free, epoch = max(0, limit - used), self._database.epoch
            if paused or missing > 0:
                seconds = paused or _seconds_until_free(db, ask.account, missing, now, per)
                return Wait(seconds=seconds, epoch=epoch, peers=peers, paused=paused, free=free)
            ticket = token_hex(8)
            db.execute(_LEASE, (ask.account, ticket, now + ask.lease + per, False))
            return Grant(ticket=ticket, epoch=epoch, peers=peers, free=free - 1)

        return await self._database.write(work)

    async def settle(self, ask: Ask, leases: Sequence[Settled]) -> None:
        """End leases: those that were sent count for one more window."""

        def work(db: Connection) -> None:
            now = self._database.host.now()
            _, per, _ = self._agreed(db, ask, now)
            for lease in leases:
                ends = now + per - lease.age
                if lease.sent and ends > now:
                    db.execute(_SETTLE, (ask.account, lease.ticket, ends, True))
                else:
                    db.execute(
                        "DELETE FROM lease WHERE account = ? AND ticket = ?",
                        (ask.account, lease.ticket),
                    )

        await self._database.write(work)
        await self._database.tidy()

    async def register(self, ask: Ask, tickets: Sequence[str]) -> None:
        """Count leases in progress that the file does not have."""

        def work(db: Connection) -> None:
            now = self._database.host.now()
            _, per, _ = self._agreed(db, ask, now)
            ends = now + ask.lease + per
            db.executemany(_LEASE, [(ask.account, ticket, ends, False) for ticket in tickets])

        await self._database.write(work)

    async def pause(self, ask: Ask, seconds: float) -> None:
        """Grant nothing for some seconds; a longer pause stays."""

        def work(db: Connection) -> None:
            db.execute(_PAUSE, (ask.account, self._database.host.now() + seconds))

        await self._database.write(work)

    def _agreed(self, db: Connection, ask: Ask, now: float) -> tuple[int, float, int]:
        """Return the strictest limit, its window, and how many processes asked in the last one."""
        rows = db.execute(
            "SELECT asker, slots, per, seen FROM asker WHERE account = ?", (ask.account,)
        ).fetchall()
        mine = (ask.asker, ask.limit, ask.per)
        is_noted = False
        limits = [(ask.limit, ask.per)]
        for asker, slots, per, seen in rows:
            if asker == ask.asker:
                is_noted = (asker, slots, per) == mine and now < seen + _SEEN_EVERY * per
            elif seen + per > now:
                limits.append((slots, per))
            else:
                db.execute(
                    "DELETE FROM asker WHERE account = ? AND asker = ?", (ask.account, asker)
                )
        if not is_noted:
            db.execute("REPLACE INTO asker VALUES (?, ?, ?, ?, ?)", (ask.account, *mine, now))
        limit, per = min(limits)[0], max(per for _, per in limits)
        if len(set(limits)) > 1 and ask.account not in self._warned:
            self._warned.add(ask.account)
            _log.warning(
                "processes state different rate limits for one account; the strictest applies to "
                "all of them: %d in %g s",
                limit,
                per,
            )
        return limit, per, len(limits)


def _paused(db: Connection, account: str, now: float) -> float:
    """Return the seconds left of a pause; 0 without one."""
    row = db.execute("SELECT ends FROM pause WHERE account = ?", (account,)).fetchone()
    return 0.0 if row is None else max(0.0, row[0] - now)


def _seconds_until_free(
    db: Connection, account: str, missing: int, now: float, per: float
) -> float:
    """Return the seconds until as many slots are free, or when to ask again."""
    row = db.execute(_NEXT_FREE, (account, missing - 1)).fetchone()
    if row is None:  # more slots are reserved than there are
        return per
    ends, is_settled = row
    # A lease ends with a response, much earlier than it must.
    until = float(ends) - now
    return max(0.0, until) if is_settled else min(until, per * _ASK_AGAIN)


_LEASE: Final = "INSERT INTO lease VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_SETTLE: Final = "REPLACE INTO lease VALUES (?, ?, ?, ?)"
_NEXT_FREE: Final = (
    "SELECT ends, settled FROM lease WHERE account = ? ORDER BY ends LIMIT 1 OFFSET ?"
)
_PAUSE: Final = (
    "INSERT INTO pause VALUES (?, ?) "
    "ON CONFLICT (account) DO UPDATE SET ends = max(ends, excluded.ends)"
)
