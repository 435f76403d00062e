"""The event types of webhooks, and the request bodies of the operations on webhooks.

Callback URLs have to be on loopback, so that fictitious events never reach a real server. Because
receivers in tests rarely have a certificate, http is allowed as well as https.
"""

from collections.abc import Iterator
from typing import Any

from sikoia_async.sandbox.errors import invalid_request
from sikoia_async.sandbox.loopback import is_loopback_callback
from sikoia_async.sandbox.resources.field_rules import (
    Rule,
    list_of,
    matching,
    object_of,
    one_of,
    optional,
    string,
)

Tree = dict[str, "Tree"]

# The guide documents the groups and two of the parents; the other parents are a guess.
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
    """Return a tree of event types as responses have it."""
    return [{"event_name": name, "event_types": event_types(inner)} for name, inner in tree.items()]


def _names(tree: Tree) -> Iterator[str]:
    for name, inner in tree.items():
        yield name
        yield from _names(inner)


EVENT_NAMES = tuple(dict.fromkeys(name for tree in EVENTS.values() for name in _names(tree)))


def with_parents(event: str) -> tuple[str, ...]:
    """Return the parents of an event type, followed by the event type itself."""
    parents = {name for tree in EVENTS.values() for name in _parents(tree, event)}
    return (*(name for name in EVENT_NAMES if name in parents), event)


def _parents(tree: Tree, event: str) -> Iterator[str]:
    for name, inner in tree.items():
        if event in _names(inner):
            yield name
            yield from _parents(inner, event)


def _non_empty_list_of(rule: Rule) -> Rule:
    """Require a list with at least one item."""
    each = list_of(rule)

    def non_empty_list(path: str, value: Any) -> None:
        each(path, value)
        if not value:
            detail = f"{path} must not be empty."
            raise invalid_request(detail)

    return non_empty_list


_name = matching(r"(?s:.{1,50})", "a string of 1 to 50 characters")
_url = matching(
    r"(?=.{1,2048}\Z)https?://[^\s/?#@]+([/?#]\S*)?",
    "an absolute https URL of at most 2048 characters",
)


def _callback(path: str, value: Any) -> None:
    _url(path, value)
    if not is_loopback_callback(value):
        detail = (
            f"{path} must be on loopback, such as https://localhost/webhooks:"
            " the local Sikoia sends nothing elsewhere."
        )
        raise invalid_request(detail)


_events = _non_empty_list_of(one_of(*EVENT_NAMES))
# Read-only, but in the example of the request; accepted and ignored.
_read_only = dict.fromkeys(("webhook_id", "datetime_created", "datetime_updated"), optional(string))

CREATE_WEBHOOK = object_of(
    {
        **_read_only,
        "webhook_name": _name,
        "webhook_callback_url": _callback,
        "external_ref": optional(string),
        "event_types": _events,
    },
    required=("webhook_name", "webhook_callback_url", "event_types"),
)
UPDATE_WEBHOOK = object_of(
    {
        "webhook_name": optional(_name),
        "webhook_callback_url": optional(_callback),
        "external_ref": optional(string),
        "event_types": optional(_events),
    }
)
