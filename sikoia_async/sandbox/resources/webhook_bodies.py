"""The events that webhooks can subscribe to, and the bodies that the operations on them accept.

Callbacks are on loopback: what the local Sikoia would say is fictitious, and saying it elsewhere
would be real. There, a receiver in a test has no certificate, so http is as good as https.
"""

from collections.abc import Iterator
from typing import Any

from sikoia_async.sandbox.errors import invalid_request
from sikoia_async.sandbox.loopback import is_callback_here
from sikoia_async.sandbox.resources.field_rules import (
    Rule,
    many,
    matching,
    one_of,
    optional,
    record,
    text,
)

Tree = dict[str, "Tree"]

# The guide names the groups, and two of the parents; where the others stand is a guess.
EVENTS: dict[str, Tree] = {
    "Document Lifecycle": {
        "DocumentProcessing.Completed": {
            "BankStatementProcessing.Completed": {},
            "PayslipProcessing.Completed": {},
            "TaxOverviewProcessing.Completed": {},
        },
    },
    "Banking": {
        "BankingProcessing.Completed": {
            "BankStatementProcessing.Completed": {},
            "OpenBankingProcessing.Completed": {},
        },
    },
    "Identity Verification": {
        "IdentityVerification.Completed": {},
        "IdentityVerification.Expired": {},
    },
    "Insights": {
        "AffordabilityInsights.Completed": {},
        "IncomeEmployerInsights.Completed": {},
    },
}


def event_types(tree: Tree) -> list[dict[str, Any]]:
    """Write a tree of events as it goes out."""
    return [{"event_name": name, "event_types": event_types(inner)} for name, inner in tree.items()]


def _names(tree: Tree) -> Iterator[str]:
    for name, inner in tree.items():
        yield name
        yield from _names(inner)


EVENT_NAMES = tuple(dict.fromkeys(name for tree in EVENTS.values() for name in _names(tree)))


def with_parents(event: str) -> tuple[str, ...]:
    """Return an event after all that it is a kind of."""
    above = {name for tree in EVENTS.values() for name in _above(tree, event)}
    return (*(name for name in EVENT_NAMES if name in above), event)


def _above(tree: Tree, event: str) -> Iterator[str]:
    for name, inner in tree.items():
        if event in _names(inner):
            yield name
            yield from _above(inner, event)


def _some(rule: Rule) -> Rule:
    """Ask for a list with something in it."""
    each = many(rule)

    def some(path: str, value: Any) -> None:
        each(path, value)
        if not value:
            detail = f"{path} must not be empty."
            raise invalid_request(detail)

    return some


_name = matching(r"(?s:.{1,50})", "a text of 1 to 50 characters")
_address = matching(
    r"(?=.{1,2048}\Z)https?://[^\s/?#@]+([/?#]\S*)?",
    "an absolute https address of at most 2048 characters",
)


def _callback(path: str, value: Any) -> None:
    _address(path, value)
    if not is_callback_here(value):
        detail = (
            f"{path} must be on loopback, such as https://127.0.0.1:8000/webhooks:"
            " no other address is supported here."
        )
        raise invalid_request(detail)


_events = _some(one_of(*EVENT_NAMES))
# Read-only, and yet in the example of the request: accepted and ignored.
_read_only = dict.fromkeys(("webhook_id", "datetime_created", "datetime_updated"), optional(text))

CREATE_WEBHOOK = record(
    {
        **_read_only,
        "webhook_name": _name,
        "webhook_callback_url": _callback,
        "external_ref": optional(text),
        "event_types": _events,
    },
    required=("webhook_name", "webhook_callback_url", "event_types"),
)
UPDATE_WEBHOOK = record(
    {
        "webhook_name": optional(_name),
        "webhook_callback_url": optional(_callback),
        "external_ref": optional(text),
        "event_types": optional(_events),
    }
)
