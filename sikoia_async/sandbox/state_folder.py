"""A folder that keeps a local Sikoia: its authority, its secret, and a snapshot of its state.

The folder has a SQLite file, which is what makes writes atomic, locks out other processes, and
survives a process that is killed in the middle of a write.
"""

import hashlib
import io
import os
import pickle
import sqlite3
import stat
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkstemp
from types import FunctionType, TracebackType
from typing import Any, Final, Self

import attrs

from sikoia_async.sandbox.snapshot import Pickler, Snapshot, to_bytes

__all__ = ["SavedState", "StateFolder", "fingerprint", "now", "write_private"]

_FORMAT: Final = 1
"""Raise it when older versions cannot read what this one writes, or the other way round."""
_OURS: Final = 0x51C01A
"""The `application_id` of our files."""
_PRIVATE_FOLDER: Final = 0o700
_PRIVATE_FILE: Final = 0o600
_FILE: Final = "state.db"
_CA_FILE: Final = "ca.pem"
_BUILT_IN: Final = frozenset(
    {
        ("builtins", "bytearray"),
        ("builtins", "frozenset"),
        ("builtins", "set"),
        ("collections", "Counter"),
        ("collections", "defaultdict"),
        ("datetime", "date"),
        ("datetime", "datetime"),
        ("datetime", "timedelta"),
        ("datetime", "timezone"),
        ("http", "HTTPStatus"),
        ("random", "Random"),
    }
)
_PACKAGE: Final = f"{__name__.rpartition('.')[0]}."


@attrs.frozen(kw_only=True)
class SavedState:
    """What a folder has saved."""

    seed: int
    client_secret: str = attrs.field(repr=False)
    snapshot: Snapshot = attrs.field(repr=False)
    moment: datetime
    """The real time at which it was saved."""


class StateFolder:
    """A folder that keeps one local Sikoia, which only one process can open at a time.

    Args:
        path: The folder; it is created for its owner only.

    Raises:
        ValueError: It has other files, belongs to another user, is in use, or was written by
            something else or by a newer version.
        OSError: It cannot be created or read.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._lock = threading.Lock()
        self._written: object = None
        _make_private(self._path)
        self._database = self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._database.close()

    @property
    def ca_file(self) -> Path:
        """The file for the certificate authority, which clients read."""
        return self._path / _CA_FILE

    def authority(self, new: Callable[[], tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
        """Return the saved certificate and key of the authority, or those of a new one.

        Args:
            new: Creates an authority, and returns its certificate and key.
        """
        saved = self._read("authority")
        if saved is None:
            saved = new()
            self._write({"authority": saved})
        certificate, key = saved
        return certificate, key

    def load(self) -> SavedState | None:
        """Return the saved state; None in a new folder."""
        saved: SavedState | None = self._read("state")
        if saved is not None:
            with self._understood():
                saved.snapshot.saved(_from_bytes)
        return saved

    def save(self, state: SavedState, version: object) -> None:
        """Replace the saved state, unless this version of it is saved already.

        Raises:
            OSError: The disk is full, for example; what was saved before is kept.
        """
        with self._lock:
            if version != self._written:
                self._write({"state": state})
                self._written = version

    def _open(self) -> sqlite3.Connection:
        file = self._path / _FILE
        # Created first, because SQLite would let others read it.
        os.close(
            os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), _PRIVATE_FILE)
        )
        database = sqlite3.connect(file, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            with self._explained():
                # Held until the end of the process, however it ends.
                database.execute("PRAGMA locking_mode = EXCLUSIVE")
                database.execute("BEGIN EXCLUSIVE")
                self._claim(database)
                database.execute("COMMIT")
        except BaseException:
            database.close()
            raise
        return database

    def _claim(self, database: sqlite3.Connection) -> None:
        (application,) = database.execute("PRAGMA application_id").fetchone()
        (version,) = database.execute("PRAGMA user_version").fetchone()
        (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if not tables and not application:
            database.execute(f"PRAGMA application_id = {_OURS}")
            database.execute(f"PRAGMA user_version = {_FORMAT}")
            database.execute("CREATE TABLE kept (name TEXT PRIMARY KEY, content BLOB NOT NULL)")
        elif application != _OURS:
            raise ValueError(self._foreign())
        elif version != _FORMAT:
            age = "a newer" if version > _FORMAT else "an older"
            msg = (
                f"{self._path}: {age} version of sikoia-async has written this state; use that "
                "version or another folder"
            )
            raise ValueError(msg)

    def _read(self, name: str) -> Any:
        with self._explained():
            row = self._database.execute(
                "SELECT content FROM kept WHERE name = ?", (name,)
            ).fetchone()
        with self._understood():
            return None if row is None else _from_bytes(row[0])

    @contextmanager
    def _understood(self) -> Generator[None]:
        try:
            yield
        except Exception as exc:
            raise ValueError(self._foreign()) from exc

    def _write(self, kept: dict[str, Any]) -> None:
        rows = [(name, to_bytes(one, _Writer)) for name, one in kept.items()]
        with self._explained():
            self._database.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?)", rows)

    @contextmanager
    def _explained(self) -> Generator[None]:
        try:
            yield
        except sqlite3.OperationalError as exc:
            if "locked" in str(exc):
                msg = f"{self._path} is in use by another local Sikoia; stop it first"
                raise ValueError(msg) from exc
            msg = f"{self._path}: {exc}"
            raise OSError(msg) from exc
        except sqlite3.DatabaseError as exc:
            raise ValueError(self._foreign()) from exc

    def _foreign(self) -> str:
        return f"{self._path}: expected the state of a local Sikoia, or an empty folder"


def _make_private(path: Path) -> None:
    """Create a folder, or take possession of an empty one or one of ours.

    Raises:
        ValueError: It has other files, or belongs to another user.
        OSError: It cannot be created.
    """
    path.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
    names = {one.name for one in path.iterdir()}
    if names and _FILE not in names:
        msg = f"{path}: expected an empty folder or a new one, because it keeps a local Sikoia"
        raise ValueError(msg)
    status = path.stat()
    # What is in it is trusted, so nobody else may have written it.
    if hasattr(os, "getuid") and status.st_uid != os.getuid():
        msg = f"{path}: expected a folder of your own; it belongs to another user"
        raise ValueError(msg)
    if stat.S_IMODE(status.st_mode) != _PRIVATE_FOLDER:
        path.chmod(_PRIVATE_FOLDER)


class _Writer(Pickler):
    def persistent_id(self, obj: Any) -> str | None:
        """Leave functions out: settings decide about them at the next start."""
        return "function" if isinstance(obj, FunctionType) else None


class _Reader(pickle.Unpickler):
    def persistent_load(self, pid: Any) -> None:
        """Return nothing for a function."""

    def find_class(self, module_name: str, global_name: str) -> Any:
        """Return a class of the local Sikoia or a harmless built-in one, and nothing else."""
        found = super().find_class(module_name, global_name)
        is_ours = isinstance(found, type) and found.__module__.startswith(_PACKAGE)
        if is_ours or (module_name, global_name) in _BUILT_IN:
            return found
        msg = "a class that no state of a local Sikoia has"
        raise pickle.UnpicklingError(msg)


def _from_bytes(content: bytes) -> Any:
    return _Reader(io.BytesIO(content)).load()


def write_private(path: Path, content: bytes) -> None:
    """Replace a file at once by one that only its owner may read."""
    descriptor, name = mkstemp(dir=path.parent)
    with open(descriptor, "wb") as file:  # noqa: PTH123 - mkstemp's
        file.write(content)
    Path(name).replace(path)


def fingerprint(value: object) -> bytes:
    """Return a few bytes that are the same for the same value, in one process."""
    return hashlib.sha256(to_bytes(value, _Writer)).digest()


def now() -> datetime:
    """Return the real time."""
    return datetime.now(UTC)
