"""Bank connections and accounts.

Accounts come from open banking, after the holder's consent, or from bank statements that were read.
"""

from contextlib import suppress
from datetime import datetime, timedelta

from sikoia_async.sandbox.errors import ApiError, invalid_request, not_found, not_found_as_invalid
from sikoia_async.sandbox.resources.details import (
    data_source_id,
    data_source_ids,
    name_of,
    public,
    stable_id,
)
from sikoia_async.sandbox.resources.hosted_pages import connection_url
from sikoia_async.sandbox.scenarios.scenario import Scenario
from sikoia_async.sandbox.state import Record, State
from sikoia_async.sandbox.store import Entry
from sikoia_async.sandbox.timestamps import long_timestamp

_CONSENT = timedelta(days=90)
# Lists show the newest first, so the last of these is at the top.
_ACCOUNT_TYPES = ("SAVINGS", "CURRENT")
_STATEMENT = "CURRENT"
"""The type of accounts from statements."""
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
        holder = self._state.entity(kind, entity_id)
        connection_id = self._state.new_id()
        connection: Record = {
            **_NOT_CONNECTED,
            "bank_connection_id": connection_id,
            "bank_connection_url": connection_url(self._state, connection_id),
            "entity_id": entity_id,
            "entity_type": kind,
            "datetime_requested": long_timestamp(self._state.now()),
            "status": "Created",
            "country_code": body.get("country_code"),
            "source": "OpenBanking",
            "document_id": None,
            "_owner": name_of(holder),
            "_ends_as": "Connected" if kind == "case" else self._scenario(holder).bank_link,
        }
        self._connections.add(connection_id, connection, entity_id=entity_id)
        self._state.progress.start("connections", connection_id)
        return public(connection)

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
            entity_id = self._connections.remove(connection_id).entity_id
        for entry in self._accounts.of(entity_id):
            if entry.record["bank_connection_id"] == connection_id:
                self._delete_account(entry.record["account_connection_id"])

    def accounts(self, entity_id: str) -> list[Record]:
        """Return an entity's accounts: from open banking, then from statements."""
        accounts = [entry.record for entry in self._accounts.of(entity_id)]
        return sorted(accounts, key=lambda account: account["source"] == "Document")

    def open_banking(self, entity_id: str) -> list[Record]:
        """Return an entity's open banking accounts, newest first."""
        return [one for one in self.accounts(entity_id) if one["source"] == "OpenBanking"]

    def account(self, account_id: str) -> Record:
        """Return an account.

        Raises:
            ApiError: It was deleted or never existed.
        """
        return self._accounts.get(account_id).record

    def refresh(self, account_id: str) -> Record:
        """Start a refresh and return the account as it was before.

        Raises:
            ApiError: The account does not exist, or comes from a statement. Or its consent has run
                out, and the local Sikoia refuses such a refresh.
        """
        entry = self._accounts.get(account_id)
        if entry.record["source"] == "Document":
            raise not_found(account_id)
        if self._state.refuses_refresh_after_expiry and _has_expired(
            entry.record, self._state.now()
        ):
            detail = "The consent of the account has expired: connect it again."
            raise invalid_request(detail)
        refresh = {"refresh_id": self._state.new_id(), "account_connection_id": account_id}
        self._refreshes.add(refresh["refresh_id"], refresh, entity_id=entry.entity_id)
        self._state.progress.start("refreshes", refresh["refresh_id"])
        return entry.record

    def end_refresh(self, refresh: Entry, moment: datetime) -> None:
        """Update an account whose refresh has ended."""
        account = self._accounts.get(refresh.record["account_connection_id"]).record
        if _has_expired(account, moment):
            return
        # Later than the last refresh, even if the clock stands still.
        last = datetime.fromisoformat(account["datetime_last_refreshed"])
        moment = max(moment, last + timedelta(microseconds=1))
        account["datetime_last_refreshed"] = long_timestamp(moment)

    def end_connection(self, entry: Entry, moment: datetime) -> None:
        """Connect the accounts as if their holder had given consent, unless they do not."""
        connection = entry.record
        connection["status"] = "Rejected" if entry.failure else connection.pop("_ends_as")
        if connection["status"] != "Connected":
            return
        connection.update(
            _INSTITUTION,
            datetime_connected=long_timestamp(moment),
            datetime_expiry=long_timestamp(moment + _CONSENT),
            country_code=connection["country_code"] or "GB",
        )
        for kind in _ACCOUNT_TYPES:
            self._add_account(connection, kind, stable_id(self._state, kind, _id(connection)))

    def open_statements(self, document: Record) -> None:
        """Add the account of each bank statement in a file that was read."""
        document_id = document["document_id"]
        source = {
            "bank_connection_id": stable_id(self._state, "statement", document_id),
            "entity_id": document["entity_id"],
            "datetime_connected": document["datetime_created"],
            "datetime_expiry": None,
            "country_code": "GB",
            "source": "Document",
            "document_id": document_id,
            "_owner": document["_owner"],
        }
        for statement_id in data_source_ids(self._state, document):
            account_id = statement_account_id(self._state, statement_id)
            account = self._add_account(source, _STATEMENT, account_id)
            account["data_source_id"] = statement_id
            account["full_address"] = "1 Sample Street, Testtown"

    def close_statements(self, document: Record) -> None:
        """Delete the accounts of a document, if it has any."""
        for statement_id in data_source_ids(self._state, document):
            with suppress(ApiError):
                self._accounts.remove(statement_account_id(self._state, statement_id))

    def _delete_account(self, account_id: str) -> None:
        """Delete an account and its refreshes."""
        account = self._accounts.remove(account_id)
        for refresh in self._refreshes.of(account.entity_id):
            if refresh.record["account_connection_id"] == account_id:
                self._refreshes.remove(refresh.record["refresh_id"])

    def _connection(self, entry: Entry) -> Record:
        connected = [
            one.record
            for one in self._accounts.of(entry.entity_id)
            if one.record["bank_connection_id"] == _id(entry.record)
        ]
        refreshed = (account["datetime_last_refreshed"] for account in connected)
        return {
            **public(entry.record),
            "datetime_refreshed": max(refreshed, default=None),
            "account_connection_ids": [account["account_connection_id"] for account in connected],
        }

    def _add_account(self, connection: Record, kind: str, account_id: str) -> Record:
        owner = connection["_owner"]
        account: Record = {
            "account_connection_id": account_id,
            "account_type": kind,
            "status": "Connected",
            "currency": "GBP",
            "owners_name": [owner] if owner else [],
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
        self._accounts.add(account_id, account, entity_id=connection["entity_id"])
        return account

    def _scenario(self, holder: Record) -> Scenario:
        return self._state.scenarios.of_entity(holder)

    def _identifications(self, account_id: str) -> list[Record]:
        number = self._state.draw("number", account_id).randrange(10**6)
        return [
            {"type": "SORT_CODE", "value": "000000"},
            {"type": "ACCOUNT_NUMBER", "value": f"00{number:06}"},
        ]


def statement_account_id(state: State, statement_id: str) -> str:
    """Return the id of the account of a bank statement, by its `data_source_id`."""
    return stable_id(state, _STATEMENT, statement_id)


def _has_expired(account: Record, moment: datetime) -> bool:
    """Return whether the consent of an open banking account has run out."""
    return moment >= datetime.fromisoformat(account["datetime_expiry"])


def _id(connection: Record) -> str:
    connection_id: str = connection["bank_connection_id"]
    return connection_id
