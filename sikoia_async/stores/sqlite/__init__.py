"""`SqliteStores`: what the processes of one host share, in one SQLite file."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sikoia_async._validation import NotCopyable
from sikoia_async.stores.sealing import Sealer
from sikoia_async.stores.shared import Stores
from sikoia_async.stores.sqlite.database import Database
from sikoia_async.stores.sqlite.events import SqliteEventStore
from sikoia_async.stores.sqlite.host import Host
from sikoia_async.stores.sqlite.place import checked_path
from sikoia_async.stores.sqlite.purchases import SqlitePurchaseStore
from sikoia_async.stores.sqlite.quota import SqliteQuotaStore
from sikoia_async.stores.sqlite.replay import SqliteReplayStore
from sikoia_async.stores.sqlite.spend import SqliteSpendStore
from sikoia_async.stores.sqlite.token import SqliteTokenStore

if TYPE_CHECKING:
    import os

__all__ = ["SqliteStores"]


class SqliteStores(NotCopyable, Stores):
    """Stores in one file, for all processes of one host. Nothing needs to be installed.

        async with Sikoia(shared=SqliteStores("sikoia.db")) as sikoia:
            ...

    The file is created if it does not exist, and only its owner can read it. It holds the access
    token, hashes, times and ids of requests, but no personal data. Several clients of a process may
    use one object, even on different event loops; after a fork, create a new one.

    Spend and purchases are on the disk when a method returns. Everything else may be lost in a
    power failure and is forgotten when the host restarts, except which webhook events were handled.
    If the file is deleted while it is in use, purchases and spend are refused until the process
    restarts, because their record is gone; the rest starts over.

    Args:
        path: the file, on a local disk, in a folder that exists.
        secret: encrypts the access token, if given; a random string, the same in all processes.
            Needs the extra `encryption`.
        host: clocks and mounts of the host, for tests.

    Raises:
        ConfigurationError: the file cannot be created, read or written; other users can read it; it
            is on a network file system, belongs to another application or is damaged, or was made
            by a newer version of this SDK; or `secret` is not valid.
    """

    _not_copyable: ClassVar[str] = (
        "SqliteStores: they belong to one process; create them in each, with the same path"
    )

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        secret: str | None = None,
        host: Host | None = None,
    ) -> None:
        host = host or Host()
        sealer = Sealer(secret)
        self._database = Database(checked_path(path, host.mounts), host)
        super().__init__(
            quota=SqliteQuotaStore(self._database),
            token=SqliteTokenStore(self._database, sealer),
            replay=SqliteReplayStore(self._database),
            events=SqliteEventStore(self._database),
            spend=SqliteSpendStore(self._database),
            purchases=SqlitePurchaseStore(self._database),
        )

    async def aclose(self) -> None:
        """Close the file; it is opened again if the stores are used."""
        await self._database.aclose()
