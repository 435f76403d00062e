"""Purchases that were intended and made, durably."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from sikoia_async.stores.protocols import Purchase

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from sqlite3 import Connection

    from sikoia_async.stores.protocols import PurchaseState
    from sikoia_async.stores.sqlite.database import Database

__all__ = ["SqlitePurchaseStore"]

_PAGE: Final = 500
"""Rows that `list` reads at once, so that it neither holds all of them nor keeps the file open."""
_FIELDS: Final = tuple(field.name for field in attrs.fields(Purchase))
_COLUMNS: Final = ", ".join(_FIELDS)


class SqlitePurchaseStore:
    """One row for each purchase; it stays."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def intend(self, account: str, purchase: Purchase) -> Purchase:
        """Record an intent if its key is new or refused; return what is recorded."""

        def work(db: Connection) -> Purchase:
            known = _get(db, account, purchase.key)
            if known is not None and known.state != "refused":
                return known
            db.execute(_PUT, (account, *_values(purchase)))
            return purchase

        return await self._database.write_durably(work)

    async def change(self, account: str, purchase: Purchase, *, owner: str) -> bool:
        """Replace a purchase if this owner still has it; return whether that was so."""

        def work(db: Connection) -> bool:
            known = _get(db, account, purchase.key)
            if known is None or known.owner != owner:
                return False
            db.execute(_PUT, (account, *_values(purchase)))
            return True

        return await self._database.write_durably(work)

    async def get(self, account: str, key: str) -> Purchase | None:
        """Return the purchase with this key."""
        return await self._database.read_durably(lambda db: _get(db, account, key))

    async def list(
        self, account: str, states: Sequence[PurchaseState] = ()
    ) -> AsyncIterator[Purchase]:
        """Iterate over the purchases in these states, or in all; the oldest first."""
        after = (float("-inf"), "")
        condition = f" AND state IN ({', '.join('?' * len(states))})" if states else ""

        def work(db: Connection) -> list[Purchase]:
            query = _LIST.format(condition)
            rows = db.execute(query, (account, *after, *states, _PAGE)).fetchall()
            return [_purchase(row) for row in rows]

        while page := await self._database.read_durably(work):
            for purchase in page:
                yield purchase
            after = (page[-1].intended_at, page[-1].key)


def _get(db: Connection, account: str, key: str) -> Purchase | None:
    row = db.execute(_GET, (account, key)).fetchone()
    return None if row is None else _purchase(row)


def _purchase(row: tuple[object, ...]) -> Purchase:
    return Purchase(**dict(zip(_FIELDS, row, strict=True)))  # type: ignore[arg-type]


def _values(purchase: Purchase) -> list[object]:
    return [getattr(purchase, name) for name in _FIELDS]


_GET: Final = f"SELECT {_COLUMNS} FROM purchase WHERE account = ? AND key = ?"  # noqa: S608 - fields
_PUT: Final = (
    f"REPLACE INTO purchase (account, {_COLUMNS}) "  # noqa: S608 - names of fields
    f"VALUES (?, {', '.join('?' * len(_FIELDS))})"
)
_LIST: Final = (
    f"SELECT {_COLUMNS} FROM purchase "  # noqa: S608 - names of fields
    "WHERE account = ? AND (intended_at, key) > (?, ?){} ORDER BY intended_at, key LIMIT ?"
)
