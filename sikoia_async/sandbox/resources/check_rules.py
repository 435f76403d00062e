"""The validation checks, and how their rules decide.

The first rule of a check requires data sources of its kind that were read; the second requires
enough of them for three months. `Refer` means that sources exist but were not read yet, or cover
less than three months. A check fails if one of its rules does. A scenario's decision on payslips
takes precedence over their number.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import partial
from uuid import UUID

import attrs

from sikoia_async.sandbox.state import Record, State

PAYSLIPS = "Last 3 months of payslips"
TRANSACTIONS = "Last 3 months of bank transactions"
_ENTITY_TYPES = ("case", "company", "person")
_DECISIONS = ("Fail", "Refer", "Pass")
"""Worst first."""
_MONTHS = 3
_SPAN = timedelta(days=89)
_MESSAGES = {"Pass": "Passed.", "Refer": "Needs a manual review.", "Fail": "Failed."}


@attrs.frozen(kw_only=True)
class Kind:
    """A validation check for one type of entity."""

    validation_type_id: str
    name: str
    description: str
    entity_type: str
    subject: str
    source_types: tuple[str, ...]
    span: Callable[[Sequence[Record]], str]
    """Decides whether the sources that were read cover three months."""

    @property
    def listed(self) -> Record:
        """The check as it is listed."""
        return {
            "validation_type_id": self.validation_type_id,
            "validation_check_name": self.name,
            "validation_description": self.description,
            "entity_type": self.entity_type,
        }

    def rules(self, sources: Sequence[Record]) -> list[Record]:
        """Return the decision of each rule on the data sources of an entity."""
        relevant = [source for source in sources if source["source_type"] in self.source_types]
        complete = [source for source in relevant if source["status"] == "Complete"]
        presence = "Pass" if complete else "Refer" if relevant else "Fail"
        return [
            _rule(f"{self.subject} are there", presence, relevant),
            _rule(f"{self.subject} cover {_MONTHS} months", self.span(complete), complete),
        ]


def kinds(state: State) -> dict[str, Kind]:
    """Return all checks by id."""
    checks = (kind for entity_type in _ENTITY_TYPES for kind in _for(state, entity_type))
    return {kind.validation_type_id: kind for kind in checks}


def rolled_up(rules: Sequence[Record], *, refer_fails: bool = False) -> str:
    """Return the status of a check from the decisions of its rules."""
    failing = {"Fail", "Refer"} if refer_fails else {"Fail"}
    return "Failed" if any(rule["decision"] in failing for rule in rules) else "Complete"


def _for(state: State, entity_type: str) -> tuple[Kind, Kind]:
    return (
        Kind(
            validation_type_id=_id(state, "payslips", entity_type),
            name=PAYSLIPS,
            description="Requires payslips for three months.",
            entity_type=entity_type,
            subject="Payslips",
            source_types=("Payslip",),
            span=partial(_by_number, state),
        ),
        Kind(
            validation_type_id=_id(state, "transactions", entity_type),
            name=TRANSACTIONS,
            description="Requires statements or a bank connection that cover three months.",
            entity_type=entity_type,
            subject="Bank transactions",
            source_types=("BankStatement", "BankAccount"),
            span=_by_dates,
        ),
    )


def _id(state: State, check: str, entity_type: str) -> str:
    bits = state.draw("validation type", check, entity_type).getrandbits(128)
    return str(UUID(int=bits, version=4))


def _by_number(state: State, payslips: Sequence[Record]) -> str:
    if not payslips:
        return "Fail"
    documents = (state.store("documents").get(one["source_id"]).record for one in payslips)
    decisions = [document["_scenario"].payslips for document in documents]
    for decision in _DECISIONS:
        if decision in decisions:
            return decision
    return "Pass" if len(payslips) >= _MONTHS else "Refer"


def _by_dates(sources: Sequence[Record]) -> str:
    if not sources:
        return "Fail"
    first = min(date.fromisoformat(source["start_date"]) for source in sources)
    last = max(date.fromisoformat(source["end_date"]) for source in sources)
    return "Pass" if last - first >= _SPAN else "Refer"


def _rule(name: str, decision: str, sources: Sequence[Record]) -> Record:
    recipients = (source["recipient"] for source in sources if source["recipient"])
    return {
        "rule_name": name,
        "decision": decision,
        "recipient": next(recipients, None),
        "message": _MESSAGES[decision],
        "sources": [_source(source) for source in sources],
    }


def _source(source: Record) -> Record:
    return {
        "source_id": source["source_id"],
        "source_category_type": source["source_category_type"],
        "source_uri": source["source_uris"][0],
        "date": source["source_date"],
    }
