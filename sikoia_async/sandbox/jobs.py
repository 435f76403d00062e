"""Work that takes its time, as tests and the inspector see it: what it is, and how it stands."""

from collections.abc import Callable
from datetime import datetime

import attrs

from sikoia_async.sandbox.resources import affordability, income, integrity
from sikoia_async.sandbox.resources.bank_accounts import Bank, type_of
from sikoia_async.sandbox.resources.checks import Checks
from sikoia_async.sandbox.resources.data_sources import READ, status_of
from sikoia_async.sandbox.resources.identity import verification
from sikoia_async.sandbox.resources.insights import Insights
from sikoia_async.sandbox.state import State
from sikoia_async.sandbox.store import Entry

__all__ = ["KINDS", "Job", "job", "obstacle"]

# Where a record names its work by another field than its own key.
_NAMED_BY = {"integrity": "document_id", "refreshes": "account_connection_id"}


@attrs.frozen(kw_only=True)
class Job:
    """A piece of work that the local Sikoia does in its own time."""

    kind: str
    """One of `documents`, `integrity`, `connections`, `refreshes`, `identity`, `affordability`,
    `income` and `checks`."""
    id: str
    """The id by which the API is asked for it. A document and the check of its integrity have the
    same one; a refresh has that of its account."""
    entity_id: str
    """The case, company or person that it is about."""
    status: str
    """As the API answers it now; `Pending` and `Complete` where it has no status."""
    is_pending: bool
    """Whether it has not ended yet."""
    can_fail: bool
    """Whether the API has a word for its failure."""
    begun: datetime
    """When it was asked for."""
    due: datetime | None
    """When it ends by itself; None if it has ended, or never does."""


def job(state: State, kind: str, key: str) -> Job:
    """Look at work, which settles what it has come to if it has ended, as a request for it does.

    Args:
        state: Where it is.
        kind: The name of the store that it is in.
        key: Its id there.
    """
    entry = state.store(kind).get(key)
    is_pending = not state.is_worked_out(entry)
    status = _STATUS[kind](state, entry, key)
    if is_pending and state.is_worked_out(entry):
        # It has ended while it was looked at.
        return job(state, kind, key)
    return Job(
        kind=kind,
        id=entry.record[_NAMED_BY[kind]] if kind in _NAMED_BY else key,
        entity_id=entry.entity_id,
        status=status,
        is_pending=is_pending,
        can_fail=obstacle(kind, entry) is None,
        begun=state.clock.at(entry.since),
        due=state.due(entry) if is_pending else None,
    )


def obstacle(kind: str, entry: Entry) -> str | None:
    """Say why work cannot fail; None if it can."""
    if kind == "refreshes":
        return "the API has no failed refresh: leave it pending, or reject a connection"
    if kind == "documents" and type_of(entry.record) not in READ:
        return f"only documents that are read can fail: {', '.join(READ)}"
    return None


def _document(state: State, entry: Entry, _key: str) -> str:
    return status_of(state, entry) if state.is_worked_out(entry) else "Pending"


def _refresh(state: State, entry: Entry, _key: str) -> str:
    return "Complete" if state.is_worked_out(entry) else "Pending"


def _connection(state: State, _entry: Entry, key: str) -> str:
    status: str = Bank(state).connection(key)["status"]
    return status


def _check(state: State, entry: Entry, _key: str) -> str:
    status: str = Checks(state).look(entry)["status"]
    return status


def _insights(of: Callable[[State], Insights]) -> Callable[[State, Entry, str], str]:
    def look(state: State, _entry: Entry, key: str) -> str:
        status: str = of(state).look(key)[0]["status"]
        return status

    return look


_STATUS: dict[str, Callable[[State, Entry, str], str]] = {
    "documents": _document,
    "integrity": lambda state, entry, _: integrity.look(state, entry),
    "connections": _connection,
    "refreshes": _refresh,
    "identity": lambda state, _, key: verification(state, key)[1].status,
    "affordability": _insights(affordability.insights),
    "income": _insights(income.insights),
    "checks": _check,
}
KINDS = tuple(_STATUS)
"""All kinds of work."""
