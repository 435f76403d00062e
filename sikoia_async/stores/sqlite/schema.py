"""The tables of the file, and whether it is one of ours."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from sikoia_async._errors import ConfigurationError

if TYPE_CHECKING:
    import sqlite3

    from sikoia_async.stores.sqlite.host import Host

__all__ = ["prepare"]

_APPLICATION: Final = 0x51C01A17
"""SQLite's application id: a file with another one is not ours."""
_VERSION: Final = 1

_TABLES: Final = """
CREATE TABLE state (epoch TEXT NOT NULL, boot TEXT NOT NULL, touched REAL NOT NULL);

CREATE TABLE lease (
    account TEXT NOT NULL, ticket TEXT NOT NULL, ends REAL NOT NULL, settled INTEGER NOT NULL,
    PRIMARY KEY (account, ticket)
) WITHOUT ROWID;
CREATE INDEX lease_ends ON lease (account, ends, settled);
CREATE TABLE asker (
    account TEXT NOT NULL, asker TEXT NOT NULL, slots INTEGER NOT NULL, per REAL NOT NULL,
    seen REAL NOT NULL, PRIMARY KEY (account, asker)
) WITHOUT ROWID;
CREATE TABLE pause (account TEXT PRIMARY KEY, ends REAL NOT NULL) WITHOUT ROWID;

CREATE TABLE token (account TEXT PRIMARY KEY, value TEXT NOT NULL, ends REAL NOT NULL)
    WITHOUT ROWID;
CREATE TABLE renewal (account TEXT PRIMARY KEY, owner TEXT NOT NULL, ends REAL NOT NULL)
    WITHOUT ROWID;

CREATE TABLE claim (key TEXT PRIMARY KEY, owner TEXT NOT NULL, ends REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX claim_ends ON claim (ends);
CREATE TABLE handled (key TEXT PRIMARY KEY, ends REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX handled_ends ON handled (ends);

CREATE TABLE event (
    id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, message TEXT NOT NULL,
    ends REAL NOT NULL
);
CREATE INDEX event_ends ON event (ends);

CREATE TABLE charge (
    account TEXT NOT NULL, id TEXT NOT NULL, operation TEXT NOT NULL, PRIMARY KEY (account, id)
) WITHOUT ROWID;
CREATE TABLE counted (
    account TEXT NOT NULL, bucket TEXT NOT NULL, id TEXT NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (account, bucket, id)
) WITHOUT ROWID;
CREATE INDEX counted_at ON counted (account, bucket, at);

CREATE TABLE purchase (
    account TEXT NOT NULL, key TEXT NOT NULL, operation TEXT NOT NULL, arguments TEXT NOT NULL,
    state TEXT NOT NULL, owner TEXT NOT NULL, intended_at REAL NOT NULL, ends_at REAL NOT NULL,
    idempotency_key TEXT, request_id TEXT, token TEXT, correlation_id TEXT, resolution TEXT,
    PRIMARY KEY (account, key)
) WITHOUT ROWID;
CREATE INDEX purchase_order ON purchase (account, intended_at, key);
"""
_UNTIL_RESTART: Final = ("lease", "asker", "pause", "token", "renewal", "claim", "event")
"""Tables whose times count from the start of the host, and mean nothing after the next one."""


def prepare(connection: sqlite3.Connection, host: Host) -> str:
    """Make a file ready, and return its epoch: a random string that it was created with.

    Raises:
        ConfigurationError: the file is not ours, or of a newer version, or cannot have a WAL.
        sqlite3.Error: it cannot be read or written.
    """
    is_new = _is_new(connection)
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        msg = "path: the file system does not support SQLite's WAL; use a local disk"
        raise ConfigurationError(msg)
    state = None if is_new else _state(connection)
    # Without a boot id, the time of each opening is kept. If the next one is earlier, the host was
    # started anew.
    if state is None or not host.boot_id or _has_restarted(state, host):
        state = _create_or_reset(connection, host)
    return state[0]


_State = tuple[str, str, float]


def _is_new(connection: sqlite3.Connection) -> bool:
    """Return whether a file is empty; raise if it is somebody else's, before it is changed."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application == _APPLICATION:
        if version > _VERSION:
            msg = "path: the file was made by a newer version of this SDK; update it here as well"
            raise ConfigurationError(msg)
        return False
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application or version or tables:
        msg = "path: the file is a database of another application; choose another path"
        raise ConfigurationError(msg)
    return True


def _state(connection: sqlite3.Connection) -> _State:
    state: _State = connection.execute("SELECT epoch, boot, touched FROM state").fetchone()
    return state


def _has_restarted(state: _State, host: Host) -> bool:
    """Return whether the host was started anew since the file was last made ready."""
    _, boot, touched = state
    return boot != host.boot_id or (not boot and touched > host.now())


def _create_or_reset(connection: sqlite3.Connection, host: Host) -> _State:
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _is_new(connection):  # otherwise another process was faster
            for statement in _TABLES.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute(f"PRAGMA user_version = {_VERSION}")
            state = (secrets.token_hex(8), host.boot_id, host.now())
            connection.execute("INSERT INTO state VALUES (?, ?, ?)", state)
        else:
            if _has_restarted(_state(connection), host):
                for table in _UNTIL_RESTART:
                    connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own
            values = (host.boot_id, host.now())
            connection.execute("UPDATE state SET boot = ?, touched = ?", values)
        state = _state(connection)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    return state
