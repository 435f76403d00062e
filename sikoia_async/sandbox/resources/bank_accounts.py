"""Bank connections and accounts, with their current status.

Accounts come from open banking, after the holder's consent, or from uploaded bank statements.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from sikoia_async.sandbox.errors import not_found_as_invalid
from sikoia_async.sandbox.resources.details import (
    data_source_id,
    name_of,
    stable_id,
    type_of_document,
)
from sikoia_async.sandbox.state import Record, State
from sikoia_async.sandbox.store import Entry
from sikoia_async.sandbox.timestamps import long_timestamp

_CONSENT = timedelta(days=90)
# Lists show the newest first, so the last of these is at the top.
_ACCOUNT_TYPES = ("SAVINGS", "CURRENT")
_INSTITUTION = {
    "institution_name": "Sandbox Bank",
    "institution_logo": "https://sandbox.example/bank.png",
}
_NOT_CONNECTED: Record = {
    "datetime_refreshed": None,
    "datetime_connected": None,
    "datetime_expiry": None,
    "institution_name": None,
    "institution_logo": None,
    "account_connection_ids": [],
}


class Bank:
    """The bank connections and accounts of a local Sikoia."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._connections = state.store("connections")
        self._accounts = state.store("accounts")
        self._refreshes = state.store("refreshes")

    def connect(self, body: Record) -> Record:
        """Create a connection that waits for the account holder.

        Raises:
            ApiError: The entity does not exist.
        """
        kind, entity_id = self._state.type_of(body["entity_type"]), body["entity_id"]
        self._state.entity(kind, entity_id)
        connection_id = self._state.new_id()
        connection: Record = {
            **_NOT_CONNECTED,
            "bank_connection_id": connection_id,
            "bank_connection_url": f"{self._state.url}/openbanking/{connection_id}",
            "entity_id": entity_id,
            "entity_type": kind,
            "datetime_requested": long_timestamp(self._state.now()),
            "status": "Created",
            "country_code": body.get("country_code"),
            "source": "OpenBanking",
            "document_id": None,
        }
        self._connections.add(connection_id, connection, entity_id=entity_id)
        self._state.progress.start("connections", connection_id)
        return connection

    def connections(self, entity_id: str) -> list[Record]:
        """Return an entity's connections, newest first."""
        return [self._connection(entry) for entry in self._connections.of(entity_id)]

    def connection(self, connection_id: str) -> Record:
        """Return a connection.

        Raises:
            ApiError: It was deleted or never existed.
        """
        return self._connection(self._connections.get(connection_id))

    def disconnect(self, connection_id: str) -> None:
        """Delete a connection and its accounts.

        Raises:
            ApiError: The connection does not exist; the API responds with 400, not 404.
        """
        with not_found_as_invalid("bank_connection_id"):
            self._connections.remove(connection_id)
        for entry in self._accounts:
            if entry.record["bank_connection_id"] == connection_id:
                self._delete_account(entry.record["account_connection_id"])

    def accounts(self, entity_id: str) -> list[Record]:
        """Return an entity's accounts: from open banking, then from statements."""
        statements = self._state.store("documents").of(entity_id)
        return [*self.open_banking(entity_id), *self._of_statements(statements)]

    def open_banking(self, entity_id: str) -> list[Record]:
        """Return an entity's open banking accounts, newest first."""
        self.connections(entity_id)
        return [self._account(entry) for entry in self._accounts.of(entity_id)]

    def account(self, account_id: str) -> Record:
        """Return an account.

        Raises:
            ApiError: It was deleted or never existed.
        """
        for account in self._of_statements(self._state.store("documents")):
            if account["account_connection_id"] == account_id:
                return account
        return self._account(self._accounts.get(account_id))

    def refresh(self, account_id: str) -> Record:
        """Start a refresh and return the account as it was before.

        Raises:
            ApiError: The account does not exist, or comes from a statement.
        """
        entry = self._accounts.get(account_id)
        account = self._account(entry)
        refresh = {
            "refresh_id": self._state.new_id(),
            "account_connection_id": account_id,
            "datetime": long_timestamp(self._time_after(_refreshed(account))),
        }
        self._refreshes.add(refresh["refresh_id"], refresh, entity_id=entry.entity_id)
        self._state.progress.start("refreshes", refresh["refresh_id"])
        return account

    def _time_after(self, refreshed: str) -> datetime:
        """Return the time; later than the last refresh even if the clock stands still."""
        last = datetime.fromisoformat(refreshed)
        return max(self._state.now(), last + timedelta(microseconds=1))

    def _delete_account(self, account_id: str) -> None:
        """Delete an account and its refreshes."""
        self._accounts.remove(account_id)
        for refresh in self._refreshes:
            if refresh.record["account_connection_id"] == account_id:
                self._refreshes.remove(refresh.record["refresh_id"])

    def _connection(self, entry: Entry) -> Record:
        if entry.record["status"] == "Created" and self._state.progress.is_done(entry):
            if entry.failure:
                entry.record["status"] = "Rejected"
            else:
                self._consent(entry)
        accounts = [self._account(one) for one in self._accounts.of(entry.entity_id)]
        connected = [one for one in accounts if one["bank_connection_id"] == _id(entry.record)]
        return {
            **entry.record,
            "datetime_refreshed": max((_refreshed(account) for account in connected), default=None),
            "account_connection_ids": [account["account_connection_id"] for account in connected],
        }

    def _consent(self, entry: Entry) -> None:
        """Act as if the account holder had given consent."""
        now, connection = self._state.now(), entry.record
        connection.update(
            _INSTITUTION,
            status="Connected",
            datetime_connected=long_timestamp(now),
            datetime_expiry=long_timestamp(now + _CONSENT),
            country_code=connection["country_code"] or "GB",
        )
        for kind in _ACCOUNT_TYPES:
            account = self._new_account(connection, kind)
            account_id = account["account_connection_id"]
            self._accounts.add(account_id, account, entity_id=entry.entity_id)

    def _new_account(self, connection: Record, kind: str) -> Record:
        account_id = stable_id(self._state, kind, _id(connection))
        entity = self._state.entity(connection["entity_type"], connection["entity_id"])
        return {
            "account_connection_id": account_id,
            "account_type": kind,
            "status": "Connected",
            "currency": "GBP",
            "owners_name": [name] if (name := name_of(entity)) else [],
            "identifications": self._identifications(account_id),
            "bank_connection_id": _id(connection),
            "datetime_last_refreshed": connection["datetime_connected"],
            "datetime_connected": connection["datetime_connected"],
            "datetime_expiry": connection["datetime_expiry"],
            "country_code": connection["country_code"],
            **_INSTITUTION,
            "source": connection["source"],
            "document_id": connection["document_id"],
            "data_source_id": data_source_id(self._state, account_id),
            "full_address": None,
        }

    def _account(self, entry: Entry) -> Record:
        """Return an account as of its last completed refresh."""
        refreshes = (
            refresh.record["datetime"]
            for refresh in self._refreshes.of(entry.entity_id)
            if refresh.record["account_connection_id"] == entry.record["account_connection_id"]
            and self._state.progress.is_done(refresh)
        )
        refreshed = next(refreshes, _refreshed(entry.record))
        return {**entry.record, "datetime_last_refreshed": refreshed}

    def _of_statements(self, documents: Iterable[Entry]) -> Iterator[Record]:
        for entry in documents:
            is_read = self._state.progress.is_done(entry) and not entry.failure
            if is_read and type_of_document(entry.record) == "BankStatement":
                yield self._of_statement(entry.record)

    def _of_statement(self, document: Record) -> Record:
        document_id = document["document_id"]
        source = {
            "bank_connection_id": stable_id(self._state, "statement", document_id),
            "entity_id": document["entity_id"],
            "entity_type": document["entity_type"],
            "datetime_connected": document["datetime_created"],
            "datetime_expiry": None,
            "country_code": "GB",
            "source": "Document",
            "document_id": document_id,
        }
        return {
            **self._new_account(source, "CURRENT"),
            "data_source_id": data_source_id(self._state, document_id),
            "full_address": "1 Sample Street, Testtown",
        }

    def _identifications(self, account_id: str) -> list[Record]:
        number = self._state.draw("number", account_id).randrange(10**6)
        return [
            {"type": "SORT_CODE", "value": "000000"},
            {"type": "ACCOUNT_NUMBER", "value": f"00{number:06}"},
        ]


def _id(connection: Record) -> str:
    connection_id: str = connection["bank_connection_id"]
    return connection_id


def _refreshed(account: Record) -> str:
    refreshed: str = account["datetime_last_refreshed"]
    return refreshed
