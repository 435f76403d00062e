"""Jobs: work that takes time, as tests and the inspector see it."""

from collections.abc import Callable
from datetime import datetime

import attrs

from sikoia_async.sandbox.resources import affordability, income, integrity
from sikoia_async.sandbox.resources.bank_accounts import Bank
from sikoia_async.sandbox.resources.checks import Checks
from sikoia_async.sandbox.resources.data_sources import READ, status_of
from sikoia_async.sandbox.resources.details import type_of_document
from sikoia_async.sandbox.resources.identity import verification
from sikoia_async.sandbox.resources.insights import Insights
from sikoia_async.sandbox.state import State
from sikoia_async.sandbox.store import Entry

__all__ = ["KINDS", "Job", "job", "why_it_cannot_fail"]

# Where the API identifies work by a field instead of the record's own key.
_ID_FIELDS = {"integrity": "document_id", "refreshes": "account_connection_id"}


@attrs.frozen(kw_only=True)
class Job:
    """A piece of work that takes time."""

    kind: str
    """One of `documents`, `integrity`, `connections`, `refreshes`, `identity`, `affordability`,
    `income` and `checks`."""
    id: str
    """The id that the API uses for it. A document and its integrity check have the same id; a
    refresh has the id of its account."""
    entity_id: str
    """The case, company or person that it is about."""
    status: str
    """Its status in the API now; `Pending` or `Complete` for work without a status."""
    is_pending: bool
    """Whether it has not ended yet."""
    can_fail: bool
    """Whether the API has a status for its failure."""
    started: datetime
    """When it was requested."""
    due: datetime | None
    """When it ends by itself; None if it has ended, or never will."""


def job(state: State, kind: str, key: str) -> Job:
    """Return a job. If its work has ended, this settles the outcome, as a request for it does.

    Args:
        state: The records.
        kind: The name of the store that its record is in.
        key: The record's key there.
    """
    entry = state.store(kind).get(key)
    is_pending = not state.progress.is_done(entry)
    status = _STATUS[kind](state, entry, key)
    if is_pending and state.progress.is_done(entry):
        # It ended in the meantime.
        return job(state, kind, key)
    return Job(
        kind=kind,
        id=entry.record[_ID_FIELDS[kind]] if kind in _ID_FIELDS else key,
        entity_id=entry.entity_id,
        status=status,
        is_pending=is_pending,
        can_fail=why_it_cannot_fail(kind, entry) is None,
        started=state.clock.at(entry.started),
        due=state.progress.ends_at(entry) if is_pending else None,
    )


def why_it_cannot_fail(kind: str, entry: Entry) -> str | None:
    """Return the reason why work cannot fail; None if it can."""
    if kind == "refreshes":
        return "a refresh cannot fail in the API: leave it pending, or reject a connection"
    if kind == "documents" and type_of_document(entry.record) not in READ:
        return f"documents of this type are never read; those that can fail are {', '.join(READ)}"
    return None


def _document(state: State, entry: Entry, _key: str) -> str:
    return status_of(state, entry) if state.progress.is_done(entry) else "Pending"


def _refresh(state: State, entry: Entry, _key: str) -> str:
    return "Complete" if state.progress.is_done(entry) else "Pending"


def _connection(state: State, _entry: Entry, key: str) -> str:
    status: str = Bank(state).connection(key)["status"]
    return status


def _check(state: State, entry: Entry, _key: str) -> str:
    status: str = Checks(state).current(entry)["status"]
    return status


def _insights(of: Callable[[State], Insights]) -> Callable[[State, Entry, str], str]:
    def status_of_insights(state: State, _entry: Entry, key: str) -> str:
        status: str = of(state).current(key)[0]["status"]
        return status

    return status_of_insights


_STATUS: dict[str, Callable[[State, Entry, str], str]] = {
    "documents": _document,
    "integrity": lambda state, entry, _: integrity.status_of(state, entry),
    "connections": _connection,
    "refreshes": _refresh,
    "identity": lambda state, _, key: verification(state, key)[1].status,
    "affordability": _insights(affordability.insights),
    "income": _insights(income.insights),
    "checks": _check,
}
KINDS = tuple(_STATUS)
"""All kinds of work."""
