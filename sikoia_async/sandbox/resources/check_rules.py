"""The validation checks that there are, and how their rules decide on data sources.

Of each check the first rule asks whether anything of the kind is there and has been read, the
second whether it is enough for three months. `Refer` stands between: it is there, and not yet
read; or there is less than three months of it. A check fails when one of its rules does. What a
scenario says of payslips goes before their number.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import partial
from uuid import UUID

import attrs

from sikoia_async.sandbox.state import Record, State

_ENTITY_TYPES = ("case", "company", "person")
_DECISIONS = ("Fail", "Refer", "Pass")
"""The worst comes first."""
_MONTHS = 3
_SPAN = timedelta(days=89)
_MESSAGES = {"Pass": "Passed.", "Refer": "Somebody should look at it.", "Fail": "Not passed."}


@attrs.frozen(kw_only=True)
class Kind:
    """A check for one type of entity."""

    validation_type_id: str
    name: str
    description: str
    entity_type: str
    subject: str
    source_types: tuple[str, ...]
    span: Callable[[Sequence[Record]], str]
    """Decides whether sources that have been read are enough."""

    @property
    def shown(self) -> Record:
        """The check as the list of checks has it."""
        return {
            "validation_type_id": self.validation_type_id,
            "validation_check_name": self.name,
            "validation_description": self.description,
            "entity_type": self.entity_type,
        }

    def rules(self, sources: Sequence[Record]) -> list[Record]:
        """Let each rule decide on the sources of an entity."""
        ours = [source for source in sources if source["source_type"] in self.source_types]
        complete = [source for source in ours if source["status"] == "Complete"]
        there = "Pass" if complete else "Refer" if ours else "Fail"
        return [
            _rule(f"{self.subject} are there", there, ours),
            _rule(f"{self.subject} cover {_MONTHS} months", self.span(complete), complete),
        ]


def kinds(state: State) -> dict[str, Kind]:
    """Make all checks, by their ids."""
    made = (kind for entity_type in _ENTITY_TYPES for kind in _for(state, entity_type))
    return {kind.validation_type_id: kind for kind in made}


def rolled_up(rules: Sequence[Record]) -> str:
    """Sum the decisions of rules up."""
    return "Failed" if any(rule["decision"] == "Fail" for rule in rules) else "Complete"


def _for(state: State, entity_type: str) -> tuple[Kind, Kind]:
    return (
        Kind(
            validation_type_id=_id(state, "payslips", entity_type),
            name="Last 3 months of payslips",
            description="Asks for the payslips of three months.",
            entity_type=entity_type,
            subject="Payslips",
            source_types=("Payslip",),
            span=partial(_by_number, state),
        ),
        Kind(
            validation_type_id=_id(state, "transactions", entity_type),
            name="Last 3 months of bank transactions",
            description="Asks for statements or a connection that cover three months.",
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
    said = [scenario.payslips for scenario in map(state.scenario_of, documents)]
    for decision in _DECISIONS:
        if decision in said:
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
