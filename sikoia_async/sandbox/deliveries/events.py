"""What webhooks are told: which event it is when work has come to its end, and of what.

Sikoia does not publish what it sends. The fields here are this project's own, and a receiver that
relies on them relies on the local Sikoia.
"""

from collections.abc import Callable

import attrs

from sikoia_async.sandbox.resources import affordability, income
from sikoia_async.sandbox.resources.bank_accounts import Bank, type_of
from sikoia_async.sandbox.resources.identity import verification
from sikoia_async.sandbox.resources.insights import Insights
from sikoia_async.sandbox.resources.webhook_bodies import with_parents
from sikoia_async.sandbox.state import Record, State

_LOOKED_AT = 200

# What no line names is a document and nothing more.
_BY_TYPE = {
    "BankStatement": "BankStatementProcessing.Completed",
    "Payslip": "PayslipProcessing.Completed",
    "TaxOverview": "TaxOverviewProcessing.Completed",
}


@attrs.frozen
class Occurrence:
    """Something that webhooks can subscribe to."""

    event: str
    """The most special event that it is; a webhook may have subscribed to what stands above."""
    about: Record
    """How it ended, and the ids of what it is about."""


def occurrence(state: State, kind: str, key: str) -> Occurrence | None:
    """Look at work that has come to its end, which settles what it has come to.

    None where Sikoia has no event for work of its kind.

    Args:
        state: Where it is.
        kind: The name of the store that it is in.
        key: Its id.
    """
    look = _LOOKS.get(kind)
    return look and look(state, key)


def latest(state: State, event: str) -> Record:
    """Say what an event would be about now: the latest work that has ended, if it is for any."""
    for kind, key in reversed(state.progress.started()[-_LOOKED_AT:]):
        if state.progress.is_done(state.store(kind).get(key)):
            happened = occurrence(state, kind, key)
            if happened and event in with_parents(happened.event):
                return happened.about
    return {"status": "Complete", "request_id": state.new_delivery_id()}


def _document(state: State, document_id: str) -> Occurrence:
    entry = state.store("documents").get(document_id)
    document, kind = entry.record, type_of(entry.record)
    read = [
        account
        for account in Bank(state).accounts(document["entity_id"])
        if account["document_id"] == document_id
    ]
    about = {
        "status": "Failed" if entry.failure else "Complete",
        "document_id": document_id,
        "document_type": kind,
        "entity_id": document["entity_id"],
        "entity_type": document["entity_type"],
    }
    if read:
        about["bank_connection_id"] = read[0]["bank_connection_id"]
        about["account_connection_ids"] = [account["account_connection_id"] for account in read]
    return Occurrence(_BY_TYPE.get(kind, "DocumentProcessing.Completed"), about)


def _connection(state: State, connection_id: str) -> Occurrence:
    connection = Bank(state).connection(connection_id)
    names = (
        "status",
        "bank_connection_id",
        "account_connection_ids",
        "entity_id",
        "entity_type",
    )
    about = {name: connection[name] for name in names}
    return Occurrence("OpenBankingProcessing.Completed", about)


def _verification(state: State, request_id: str) -> Occurrence:
    asked, outcome = verification(state, request_id)
    how = "Expired" if outcome.status == "Expired" else "Completed"
    about = {
        "status": outcome.status,
        "request_id": request_id,
        "person_id": asked["person_id"],
    }
    return Occurrence(f"IdentityVerification.{how}", about)


def _insights(event: str, of: Callable[[State], Insights]) -> Callable[[State, str], Occurrence]:
    def look(state: State, request_id: str) -> Occurrence:
        asked, _ = of(state).current(request_id)
        names = ("status", "request_id", "entity_id", "entity_type")
        return Occurrence(event, {name: asked[name] for name in names})

    return look


_LOOKS: dict[str, Callable[[State, str], Occurrence]] = {
    "documents": _document,
    "connections": _connection,
    "identity": _verification,
    "affordability": _insights("AffordabilityInsights.Completed", affordability.insights),
    "income": _insights("IncomeEmployerInsights.Completed", income.insights),
}
