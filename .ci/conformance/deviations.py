"""The table of what the local Sikoia does other than the specification says, each with its reason.

All of it is the specification contradicting itself, or saying in words what its schemas leave out.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs

Json = dict[str, Any]


@attrs.frozen
class Found:
    """What a check of Schemathesis has found."""

    operation: str
    check: str
    said: str
    """What the check and the answer say."""
    asked: str


@attrs.frozen(kw_only=True)
class Deviation:
    """Findings that are no mistakes of the local Sikoia."""

    check: str
    says: str
    """What these findings have in common: a pattern in what the check and the answer say."""
    reason: str
    operations: tuple[str, ...] = ()
    """Where; everywhere if empty."""

    def explains(self, found: Found) -> bool:
        """Tell whether this is what was found."""
        is_here = not self.operations or found.operation in self.operations
        return is_here and self.check == found.check and bool(re.search(self.says, found.said))


@attrs.frozen(kw_only=True)
class Mend:
    """A change to the specification, without which no answer could be right."""

    reason: str
    apply: Callable[[Json], None]


def _let_references_be_null(specification: Json) -> None:
    for owner in _objects(specification):
        for name, schema in owner.get("properties", {}).items():
            if list(schema) == ["$ref"] and isinstance(schema["$ref"], str):
                owner["properties"][name] = {"allOf": [schema], "nullable": True}


def _let_document_ids_be_null(specification: Json) -> None:
    for owner in _objects(specification):
        found = owner.get("properties", {}).get("document_id", {})
        if found.get("type") == "string":
            found["nullable"] = True


def _let_a_workbook_be_no_json(specification: Json) -> None:
    path = specification["paths"]["/v2/{entity_type}/{entity_id}/excel-report"]
    del path["get"]["responses"]["200"]["content"]


def _objects(written: Any) -> Iterator[Json]:
    if isinstance(written, dict):
        yield written
        written = list(written.values())
    if isinstance(written, list):
        for inner in written:
            yield from _objects(inner)


MENDS: Final = (
    Mend(
        reason="a reference has no flag that it may be null, and in the examples it may",
        apply=_let_references_be_null,
    ),
    Mend(
        reason="only a bank connection that is an uploaded file has a document_id",
        apply=_let_document_ids_be_null,
    ),
    Mend(
        reason="the workbook is declared as JSON, and no workbook is JSON",
        apply=_let_a_workbook_be_no_json,
    ),
)

DEVIATIONS: Final = (
    Deviation(
        check="status_code_conformance",
        operations=(
            "GET /v2/persons/{person_id}/identity-verifications",
            "GET /v2/webhooks/{webhook_id}/requests",
            "GET /v2/{entity_type}/{entity_id}/openbanking",
        ),
        says="Received: 400",
        reason="no 400 is declared, and a broken query has no other answer",
    ),
    Deviation(
        check="status_code_conformance",
        operations=("POST /v2/peps-sanctions", "POST /v2/adverse-media"),
        says="Received: 400",
        reason="no 400 is declared, and a broken body has no other answer",
    ),
    Deviation(
        check="negative_data_rejection",
        says="(stage|owner_type|document_type): Incorrect type",
        reason="null is said to be allowed, and is not among the values of the enum",
    ),
    Deviation(
        check="negative_data_rejection",
        operations=("PATCH /v2/cases/{case_id}/entities",),
        says="(email|jurisdiction_code|date_of_birth): Value not matching",
        reason="an empty text clears a field, and has not the form that the field asks for",
    ),
    Deviation(
        check="positive_data_acceptance",
        operations=("POST /v2/company-credit-reports",),
        says='"(CompanyId|CompanyName|CompanyNumber|CountryCode|ProviderId) is not a field',
        reason="three of its four bodies require names in PascalCase that none of them has",
    ),
    Deviation(
        check="positive_data_acceptance",
        says='"picklist_index must be a whole number',
        reason="the schema asks for a number, and its own example is a text",
    ),
    Deviation(
        check="positive_data_acceptance",
        says='"The body must be JSON',
        reason="no body but that of /token is declared as required, and all of them are",
    ),
    # Of the rest, the schemas say nothing, and the texts beside them do.
    Deviation(
        check="positive_data_acceptance",
        says="must be the (id|index) of |names nothing in this case|did not produce picklist",
        reason="what a request names has to be there",
    ),
    Deviation(
        check="positive_data_acceptance",
        says="must not be empty",
        reason="an id or a name that says nothing names nothing",
    ),
    Deviation(
        check="positive_data_acceptance",
        operations=("POST /token",),
        says='"error":"',
        reason="there is one application, with one grant type and one scope",
    ),
    Deviation(
        check="positive_data_acceptance",
        says="must name a field to change|must hold at least one item",
        reason="a change needs something to change",
    ),
    Deviation(
        check="positive_data_acceptance",
        says='"(event_types(\\[\\d+\\])?|webhook_callback_url) must ',
        reason="events are those of the list, and the local Sikoia calls back on loopback only",
    ),
    Deviation(
        check="positive_data_acceptance",
        operations=("POST /v2/validation-checks", "POST /v2/completeness-income-checks"),
        says='"(validation_type_id|entity_id|entity_type|checklist_params\\S+) (is|must be) ',
        reason="the schema requires nothing, and without these there is nothing to check",
    ),
    Deviation(
        check="positive_data_acceptance",
        says='"(file|file_name) must be ',
        reason="a file is base64, and its name has an extension",
    ),
    Deviation(
        check="positive_data_acceptance",
        says='add_directors needs |"search_term is required|"jurisdiction_code or country_code is ',
        reason="a field is needed where another field makes it so",
    ),
    Deviation(
        check="positive_data_acceptance",
        says='"(country_code|jurisdiction_code|fuzziness|items_per_page|.*date_of_birth) must be ',
        reason="countries, fractions, counts and dates have a form or a range",
    ),
)
