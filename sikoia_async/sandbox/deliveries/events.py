"""The webhook event of each operation that has ended, and the data that it carries.

Sikoia does not publish its payloads. These fields are this project's own; a receiver that
depends on them depends on the local Sikoia.
"""

from collections.abc import Callable
from itertools import islice

import attrs

from sikoia_async.sandbox.resources import affordability, income
from sikoia_async.sandbox.resources.bank_accounts import Bank
from sikoia_async.sandbox.resources.details import type_of_document
from sikoia_async.sandbox.resources.identity import outcome_of
from sikoia_async.sandbox.resources.insights import Insights
from sikoia_async.sandbox.resources.webhook_bodies import with_parents
from sikoia_async.sandbox.state import Record, State

_MAX_SEARCHED = 200
"""How many of the newest operations are searched for an event."""

# The connection has not ended, although nothing more happens.
_ABANDONED = ("SelectingInstitutions", "Authorising")
# Documents of other types have the general event.
_BY_DOCUMENT_TYPE = {
    "BankStatement": "BankStatementProcessing.Completed",
    "Payslip": "PayslipProcessing.Completed",
    "TaxOverview": "TaxOverviewProcessing.Completed",
}


@attrs.frozen
class WebhookEvent:
    """An event that webhooks can subscribe to."""

    name: str
    """The most specific event type; webhooks may have subscribed to one of its parents."""
    data: Record
    """The outcome of the operation, and the ids of the records involved."""


def event_of(state: State, kind: str, key: str) -> WebhookEvent | None:
    """Return the event of an operation that has ended.

    Returns None if Sikoia has no event for operations of this kind.

    Args:
        state: The records.
        kind: The name of the store that holds the operation.
        key: The id of the operation.
    """
    build = _BUILDERS.get(kind)
    return build and build(state, key)


def latest_data(state: State, event: str) -> Record:
    """Return the data of the newest operation with this event, or that of an unknown request."""
    for kind, key in islice(state.progress.newest(), _MAX_SEARCHED):
        if state.store(kind).get(key).is_done:
            found = event_of(state, kind, key)
            if found and event in with_parents(found.name):
                return found.data
    return {"status": "Complete", "request_id": state.new_delivery_id()}


def _document(state: State, document_id: str) -> WebhookEvent:
    entry = state.store("documents").get(document_id)
    document, document_type = entry.record, type_of_document(entry.record)
    accounts = [
        account
        for account in Bank(state).accounts(document["entity_id"])
        if account["document_id"] == document_id
    ]
    data = {
        "status": "Failed" if entry.failure else "Complete",
        "document_id": document_id,
        "document_type": document_type,
        "entity_id": document["entity_id"],
        "entity_type": document["entity_type"],
    }
    if accounts:
        data["bank_connection_id"] = accounts[0]["bank_connection_id"]
        data["account_connection_ids"] = [one["account_connection_id"] for one in accounts]
    return WebhookEvent(_BY_DOCUMENT_TYPE.get(document_type, "DocumentProcessing.Completed"), data)


def _connection(state: State, connection_id: str) -> WebhookEvent | None:
    connection = Bank(state).connection(connection_id)
    if connection["status"] in _ABANDONED:
        return None
    names = (
        "status",
        "bank_connection_id",
        "account_connection_ids",
        "entity_id",
        "entity_type",
    )
    data = {name: connection[name] for name in names}
    return WebhookEvent("OpenBankingProcessing.Completed", data)


def _verification(state: State, request_id: str) -> WebhookEvent:
    entry = state.store("identity").get(request_id)
    status = outcome_of(entry).status
    suffix = "Expired" if status == "Expired" else "Completed"
    data = {"status": status, "request_id": request_id, "person_id": entry.record["person_id"]}
    return WebhookEvent(f"IdentityVerification.{suffix}", data)


def _insights(name: str, of: Callable[[State], Insights]) -> Callable[[State, str], WebhookEvent]:
    def build(state: State, request_id: str) -> WebhookEvent:
        request, _ = of(state).current(request_id)
        fields = ("status", "request_id", "entity_id", "entity_type")
        return WebhookEvent(name, {field: request[field] for field in fields})

    return build


_BUILDERS: dict[str, Callable[[State, str], WebhookEvent | None]] = {
    "documents": _document,
    "connections": _connection,
    "identity": _verification,
    "affordability": _insights("AffordabilityInsights.Completed", affordability.insights),
    "income": _insights("IncomeEmployerInsights.Completed", income.insights),
}
