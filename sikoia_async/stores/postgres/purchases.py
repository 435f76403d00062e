"""Purchases that were intended and made, durably, in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from sikoia_async.stores.protocols import Purchase

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from sikoia_async.stores.postgres.database import Database, Session
    from sikoia_async.stores.protocols import PurchaseState

__all__ = ["PostgresPurchases"]

_PAGE: Final = 500
"""Rows that `list` reads at once, so that it neither holds all of them nor a connection."""
_FIELDS: Final = tuple(field.name for field in attrs.fields(Purchase))
_TIMES: Final = ("intended_at", "ends_at")
_COLUMNS: Final = ", ".join(_FIELDS)
_VALUES: Final = ", ".join(
    f"${number}::{'float8' if name in _TIMES else 'text'}" for number, name in enumerate(_FIELDS, 2)
)
_NEW: Final = ", ".join(f"{name} = excluded.{name}" for name in _FIELDS)


class PostgresPurchases:
    """Records purchases: a row for each, which stays."""

    def __init__(self, database: Database) -> None:
        self._database = database
        table = f"{database.schema}.purchase"
        # Their names are validated, and values are parameters.
        self._get = (
            f"SELECT {_COLUMNS} FROM {table} "  # noqa: S608
            "WHERE account = $1::text AND key = $2::text"
        )
        self._intend = (
            f"INSERT INTO {table} AS known (account, {_COLUMNS}) "  # noqa: S608
            f"VALUES ($1::text, {_VALUES}) ON CONFLICT (account, key) DO UPDATE SET {_NEW} "
            "WHERE known.state = 'refused' RETURNING 1"
        )
        self._change = (
            f"UPDATE {table} SET ({_COLUMNS}) = ROW ({_VALUES}) "  # noqa: S608
            f"WHERE account = $1::text AND key = $2::text AND owner = ${len(_FIELDS) + 2}::text "
            "RETURNING 1"
        )
        self._list = (
            f"SELECT {_COLUMNS} FROM {table} "  # noqa: S608
            "WHERE account = $1::text AND (intended_at, key) > ($2::float8, $3::text) "
            "AND ($4::text[] = '{}' OR state = ANY ($4::text[])) "
            f"ORDER BY intended_at, key LIMIT {_PAGE}"
        )

    async def intend(self, account: str, purchase: Purchase) -> Purchase:
        """Record an intent if its key is new or refused; return what is recorded."""

        async def work(session: Session) -> Purchase:
            if await session.row(self._intend, account, *_values(purchase)):
                return purchase
            known = await session.row(self._get, account, purchase.key)
            assert known is not None, "rows stay"  # noqa: S101 - checked by the key
            return _purchase(known)

        return await self._database.run(work)

    async def change(self, account: str, purchase: Purchase, *, owner: str) -> bool:
        """Replace a purchase if this owner still has it; return whether that was so."""

        async def work(session: Session) -> bool:
            changed = await session.row(self._change, account, *_values(purchase), owner)
            return changed is not None

        return await self._database.run(work)

    async def get(self, account: str, key: str) -> Purchase | None:
        """Return the purchase with this key."""

        async def work(session: Session) -> Purchase | None:
            found = await session.row(self._get, account, key)
            return None if found is None else _purchase(found)

        return await self._database.run(work)

    async def list(
        self, account: str, states: Sequence[PurchaseState] = ()
    ) -> AsyncIterator[Purchase]:
        """Iterate over the purchases in these states, or in all; the oldest first."""
        after: tuple[float, str] = (float("-inf"), "")

        async def work(session: Session) -> list[Purchase]:
            rows = await session.rows(self._list, account, *after, [*states])
            return [_purchase(row) for row in rows]

        while page := await self._database.run(work):
            for purchase in page:
                yield purchase
            after = (page[-1].intended_at, page[-1].key)


def _values(purchase: Purchase) -> tuple[Any, ...]:
    return tuple(getattr(purchase, name) for name in _FIELDS)


def _purchase(row: tuple[Any, ...]) -> Purchase:
    return Purchase(**dict(zip(_FIELDS, row, strict=True)))
