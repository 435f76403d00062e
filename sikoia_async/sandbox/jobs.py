"""Jobs: work that takes time, as tests and the inspector see it."""

from collections.abc import Callable
from datetime import datetime

import attrs

from sikoia_async.sandbox.resources import integrity
from sikoia_async.sandbox.resources.data_sources import READ, status_of
from sikoia_async.sandbox.resources.details import type_of_document
from sikoia_async.sandbox.resources.identity import outcome_of
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
    """Return a job.

    Args:
        state: The records.
        kind: The name of the store that its record is in.
        key: The record's key there.
    """
    entry = state.store(kind).get(key)
    return Job(
        kind=kind,
        id=entry.record[_ID_FIELDS[kind]] if kind in _ID_FIELDS else key,
        entity_id=entry.entity_id,
        status=_STATUS[kind](entry),
        is_pending=not entry.is_done,
        can_fail=why_it_cannot_fail(kind, entry) is None,
        started=state.clock.at(entry.started),
        due=None if entry.is_done else state.progress.ends_at(entry),
    )


def why_it_cannot_fail(kind: str, entry: Entry) -> str | None:
    """Return the reason why work cannot fail; None if it can."""
    if kind == "refreshes":
        return "a refresh cannot fail in the API: leave it pending, or reject a connection"
    if kind == "documents" and type_of_document(entry.record) not in READ:
        return f"documents of this type are never read; those that can fail are {', '.join(READ)}"
    return None


def _refresh(entry: Entry) -> str:
    return "Complete" if entry.is_done else "Pending"


def _of_record(entry: Entry) -> str:
    status: str = entry.record["status"]
    return status


_STATUS: dict[str, Callable[[Entry], str]] = {
    "documents": status_of,
    "integrity": integrity.status_of,
    "connections": _of_record,
    "refreshes": _refresh,
    "identity": lambda entry: outcome_of(entry).status,
    "affordability": _of_record,
    "income": _of_record,
    "checks": _of_record,
}
KINDS = tuple(_STATUS)
"""All kinds of work."""
