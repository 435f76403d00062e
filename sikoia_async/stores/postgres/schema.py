"""The tables in PostgreSQL."""

from __future__ import annotations

from typing import Final

__all__ = ["VERSION", "statements"]

VERSION: Final = 1
"""Of the tables. A newer one is refused."""

# Times are seconds since the epoch, by the clock of the server.
_STATEMENTS: Final = """
CREATE SCHEMA IF NOT EXISTS {schema};
CREATE TABLE {schema}.version (version int NOT NULL);
CREATE TABLE {schema}.charge (
    account text NOT NULL, id text NOT NULL, operation text NOT NULL, PRIMARY KEY (account, id)
);
CREATE TABLE {schema}.counted (
    account text NOT NULL, bucket text NOT NULL, id text NOT NULL, at float8 NOT NULL,
    PRIMARY KEY (account, bucket, id)
);
CREATE INDEX counted_at ON {schema}.counted (account, bucket, at);
CREATE TABLE {schema}.purchase (
    account text NOT NULL, key text NOT NULL, operation text NOT NULL, arguments text NOT NULL,
    state text NOT NULL, owner text NOT NULL, intended_at float8 NOT NULL,
    ends_at float8 NOT NULL, idempotency_key text, request_id text, token text,
    correlation_id text, resolution text, PRIMARY KEY (account, key)
);
CREATE INDEX purchase_order ON {schema}.purchase (account, intended_at, key);
CREATE TABLE {schema}.token (account text PRIMARY KEY, value text NOT NULL, ends float8 NOT NULL);
CREATE TABLE {schema}.renewal (account text PRIMARY KEY, owner text NOT NULL, ends float8 NOT NULL);
CREATE TABLE {schema}.claim (
    key text PRIMARY KEY, owner text NOT NULL, done boolean NOT NULL, ends float8 NOT NULL
);
CREATE INDEX claim_ends ON {schema}.claim (ends);
INSERT INTO {schema}.version VALUES ({version});
"""


def statements(schema: str) -> str:
    """Return the SQL that creates the tables."""
    return _STATEMENTS.format(schema=schema, version=VERSION).lstrip()
