"""How far `sikoia listen` has got: a small file, which one process can use at a time."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Places", "default_file"]

_OURS: Final = 0x51C013
"""The `application_id` of our files."""
_PRIVATE_FOLDER: Final = 0o700
_PRIVATE_FILE: Final = 0o600


def default_file(account: str, url: str) -> Path:
    """Return the file for one account and one receiver, in the user's folder for state."""
    name = sha256(f"{account}\n{url}".encode()).hexdigest()[:16]
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "sikoia" / f"listen-{name}.db"


class Places:
    """The last request of each webhook that was dealt with, and the one being delivered.

    Args:
        path: the file; it is created for its owner only.

    Raises:
        OSError: it cannot be created or opened.
        ValueError: another process uses it, or it is another kind of file.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        # Created first, because SQLite would let others read it.
        os.close(
            os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), _PRIVATE_FILE)
        )
        self._database = sqlite3.connect(path, timeout=0, isolation_level=None)
        try:
            self._open(path)
        except BaseException:
            self._database.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._database.close()

    def settled(self, webhook_id: str) -> str | None:
        """Return the last request that was dealt with; None if none was."""
        return self._read("settled", webhook_id)

    def begun(self, webhook_id: str) -> str | None:
        """Return the request whose delivery has begun, and has no known outcome."""
        return self._read("begun", webhook_id)

    def start(self, webhook_id: str, request_id: str | None) -> None:
        """Begin after a request, unless there is a place already."""
        self._database.execute(
            "INSERT INTO place VALUES (?, ?, NULL) ON CONFLICT DO NOTHING", (webhook_id, request_id)
        )

    def begin(self, webhook_id: str, request_id: str | None) -> None:
        """Note which request is about to be delivered; None after an attempt that has failed."""
        self._database.execute(
            "UPDATE place SET begun = ? WHERE webhook = ?", (request_id, webhook_id)
        )

    def settle(self, webhook_id: str, request_id: str) -> None:
        """Note that a request was delivered, or was given up."""
        self._database.execute(
            "UPDATE place SET settled = ?, begun = NULL WHERE webhook = ?", (request_id, webhook_id)
        )

    def knows(self, webhook_id: str) -> bool:
        """Return whether there is a place in the log of a webhook."""
        return self._row("SELECT 1 FROM place WHERE webhook = ?", webhook_id) is not None

    def _read(self, column: str, webhook_id: str) -> str | None:
        row = self._row(f"SELECT {column} FROM place WHERE webhook = ?", webhook_id)  # noqa: S608
        return None if row is None else row[0]

    def _row(self, query: str, webhook_id: str) -> tuple[str | None, ...] | None:
        with closing(self._database.execute(query, (webhook_id,))) as cursor:
            row: tuple[str | None, ...] | None = cursor.fetchone()
            return row

    def _open(self, path: Path) -> None:
        try:
            # Kept until the file is closed, also by a process that is killed.
            self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._database.execute("BEGIN EXCLUSIVE")
            (owner,) = self._database.execute("PRAGMA application_id").fetchone()
            (tables,) = self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()
            is_ours = owner == _OURS or (owner == 0 and tables == 0)
            if is_ours:
                self._database.execute(f"PRAGMA application_id = {_OURS}")
                self._database.execute(
                    "CREATE TABLE IF NOT EXISTS place "
                    "(webhook TEXT PRIMARY KEY, settled TEXT, begun TEXT) WITHOUT ROWID"
                )
            self._database.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise OSError(error.sqlite_errorcode, "cannot be written", str(path)) from None
            msg = "another `sikoia listen` delivers to this URL; stop it, or give another --state"
            raise ValueError(msg) from None
        except sqlite3.DatabaseError:
            is_ours = False
        if not is_ours:
            msg = f"{path} was not written by `sikoia listen`; give another --state"
            raise ValueError(msg)
