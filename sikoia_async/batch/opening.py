"""Opens the journal of a batch: the lock, the items, the spend and the purchases."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import attrs

from sikoia_async.batch.budget import Budget
from sikoia_async.batch.file import Lock, connect
from sikoia_async.batch.items import ItemJournal
from sikoia_async.stores import SqliteStores

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from sikoia_async.batch.file import OnConflict
    from sikoia_async.stores.protocols import PurchaseStore

__all__ = ["OpenJournal", "open_journal"]


@attrs.frozen
class OpenJournal:
    """An open journal. All but the purchases block: use them in a thread, one at a time."""

    items: ItemJournal
    budget: Budget
    stores: SqliteStores
    purchases: PurchaseStore
    _lock: Lock
    _database: sqlite3.Connection

    def close(self) -> None:
        """Give up what this process holds. The stores are closed separately."""
        try:
            self.items.leave()
        finally:
            self._database.close()
            self._lock.release()


def open_journal(
    path: Path, owner: str, *, on_conflict: OnConflict, limit: int | None
) -> OpenJournal:
    """Open a journal, and give up the claims of processes that are dead.

    Args:
        path: its file, which is created if there is none.
        owner: a random string that names this process.
        on_conflict: what to do if another process is using it.
        limit: how many chargeable calls all runs may make together.

    Raises:
        ConfigurationError: the file is not a journal, or another process is using it.
        StoreError: it cannot be read or written.
    """
    with ExitStack() as undo:
        lock = Lock(path)
        undo.callback(lock.release)
        is_alone = lock.acquire(on_conflict)
        stores = SqliteStores(path)
        database = undo.enter_context(closing(connect(path)))
        items = ItemJournal(database, path, owner)
        budget = Budget(database, path, limit)
        if is_alone:
            items.free_others()
        if on_conflict == "join":
            if is_alone:
                lock.share()
            items.renew()
        undo.pop_all()
    purchases: Any = stores.purchases
    return OpenJournal(items, budget, stores, purchases, lock, database)
