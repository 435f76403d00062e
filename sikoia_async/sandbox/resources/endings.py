"""What happens when work ends: its result is made at that moment, and never changes after it.

Work ends in the order of time, whether or not anybody asks for it.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

from sikoia_async.sandbox.progress import WorkName
from sikoia_async.sandbox.resources import affordability, income
from sikoia_async.sandbox.resources.bank_accounts import Bank
from sikoia_async.sandbox.resources.checks import Checks
from sikoia_async.sandbox.resources.data_sources import READ, status_of
from sikoia_async.sandbox.resources.details import type_of_document
from sikoia_async.sandbox.state import State
from sikoia_async.sandbox.store import Entry


def settle(state: State) -> Iterator[tuple[WorkName, datetime]]:
    """Make the results of all work that has ended by now, and return when each one ended."""
    for name, entry, moment in state.progress.take_ended():
        if end := _ENDINGS.get(name[0]):
            end(state, entry, moment)
        yield name, moment


def _document(state: State, entry: Entry, _moment: datetime) -> None:
    if entry.record["_scenario"].reading == "Failed" and type_of_document(entry.record) in READ:
        entry.failure = entry.failure or "The document could not be read."
    if type_of_document(entry.record) == "BankStatement" and status_of(entry) == "Complete":
        Bank(state).open_statements(entry.record)


# Identity verifications and integrity checks follow from what was stored when they started.
_ENDINGS: dict[str, Callable[[State, Entry, datetime], None]] = {
    "affordability": lambda state, entry, end: affordability.insights(state).end(entry, end),
    "checks": lambda state, entry, end: Checks(state).end(entry, end),
    "connections": lambda state, entry, end: Bank(state).end_connection(entry, end),
    "documents": _document,
    "income": lambda state, entry, end: income.insights(state).end(entry, end),
    "refreshes": lambda state, entry, end: Bank(state).end_refresh(entry, end),
}
