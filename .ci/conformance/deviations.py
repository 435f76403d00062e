"""The known deviations of the local Sikoia from the specification, each with its reason.

In all of them the specification contradicts itself, or says in prose what its schemas leave out.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs

Json = dict[str, Any]


@attrs.frozen
class Found:
    """A finding of a Schemathesis check."""

    operation: str
    check: str
    message: str
    """The message of the check, and the response."""
    request: str


@attrs.frozen(kw_only=True)
class Deviation:
    """Findings that are not errors of the local Sikoia."""

    check: str
    says: str
    """A pattern that the messages of these findings match."""
    reason: str
    operations: tuple[str, ...] = ()
    """The operations it applies to; all if empty."""

    def explains(self, found: Found) -> bool:
        """Return whether this deviation explains a finding."""
        is_here = not self.operations or found.operation in self.operations
        return is_here and self.check == found.check and bool(re.search(self.says, found.message))


@attrs.frozen(kw_only=True)
class Correction:
    """A change to the specification without which no response could be valid."""

    reason: str
    apply: Callable[[Json], None]


def _make_references_nullable(specification: Json) -> None:
    for owner in _objects(specification):
        for name, schema in owner.get("properties", {}).items():
            if list(schema) == ["$ref"] and isinstance(schema["$ref"], str):
                owner["properties"][name] = {"allOf": [schema], "nullable": True}


def _make_document_ids_nullable(specification: Json) -> None:
    for owner in _objects(specification):
        found = owner.get("properties", {}).get("document_id", {})
        if found.get("type") == "string":
            found["nullable"] = True


def _declare_no_schema_for_workbooks(specification: Json) -> None:
    path = specification["paths"]["/v2/{entity_type}/{entity_id}/excel-report"]
    del path["get"]["responses"]["200"]["content"]


def _objects(written: Any) -> Iterator[Json]:
    if isinstance(written, dict):
        yield written
        written = list(written.values())
    if isinstance(written, list):
        for inner in written:
            yield from _objects(inner)


CORRECTIONS: Final = (
    Correction(
        reason="a reference cannot be marked as nullable, but is null in the examples",
        apply=_make_references_nullable,
    ),
    Correction(
        reason="only a bank connection from an uploaded file has a document_id",
        apply=_make_document_ids_nullable,
    ),
    Correction(
        reason="the workbook is declared as JSON",
        apply=_declare_no_schema_for_workbooks,
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
        reason="no 400 is declared, although an invalid query needs one",
    ),
    Deviation(
        check="status_code_conformance",
        operations=("POST /v2/peps-sanctions", "POST /v2/adverse-media"),
        says="Received: 400",
        reason="no 400 is declared, although an invalid body needs one",
    ),
    Deviation(
        check="positive_data_acceptance",
        says="must be an ISO (country code|code of a jurisdiction)",
        reason="the pattern allows any two letters, and the description those of ISO 3166 only",
    ),
    Deviation(
        check="negative_data_rejection",
        says="(stage|owner_type|document_type): Incorrect type",
        reason="null is declared as allowed, but is not a value of the enum",
    ),
    Deviation(
        check="negative_data_rejection",
        operations=("PATCH /v2/cases/{case_id}/entities",),
        says="(email|jurisdiction_code|date_of_birth): Value not matching",
        reason="an empty string clears a field, but does not match the field's format",
    ),
    Deviation(
        check="positive_data_acceptance",
        operations=("POST /v2/company-credit-reports",),
        says='"(CompanyId|CompanyName|CompanyNumber|CountryCode|ProviderId) is not a field',
        reason="three of its four schemas require names in PascalCase that none of them defines",
    ),
    Deviation(
        check="positive_data_acceptance",
        says='"picklist_index must be a whole number',
        reason="the schema says number, but its own example is a string",
    ),
    Deviation(
        check="positive_data_acceptance",
        says='"The body must be JSON',
        reason="only the body of /token is declared as required, but all of them are",
    ),
    # The schemas do not mention the rest; the descriptions beside them do.
    Deviation(
        check="positive_data_acceptance",
        says="must be the (id|index) of |is not in this case|did not produce picklist",
        reason="the object that a request names must exist",
    ),
    Deviation(
        check="positive_data_acceptance",
        says="must not be empty",
        reason="an empty id or name identifies nothing",
    ),
    Deviation(
        check="positive_data_acceptance",
        operations=("POST /token",),
        says='"error":"',
        reason="there is only one application, with one grant type and one scope",
    ),
    Deviation(
        check="positive_data_acceptance",
        says="must name a field to change|must hold at least one item",
        reason="an update needs at least one field",
    ),
    Deviation(
        check="positive_data_acceptance",
        says='"(event_types(\\[\\d+\\])?|webhook_callback_url) must ',
        reason="event types come from a list, and the local Sikoia calls back on loopback only",
    ),
    Deviation(
        check="positive_data_acceptance",
        operations=("POST /v2/validation-checks", "POST /v2/completeness-income-checks"),
        says='"(validation_type_id|entity_id|entity_type|checklist_params\\S+) (is|must be) ',
        reason="the schema requires nothing, but without these there is nothing to check",
    ),
    Deviation(
        check="positive_data_acceptance",
        says='"(file|file_name) must be ',
        reason="a file is Base64, and its name has an extension",
    ),
    Deviation(
        check="positive_data_acceptance",
        says='add_directors needs |"search_term is required|"jurisdiction_code or country_code is ',
        reason="one field makes another one required",
    ),
    Deviation(
        check="positive_data_acceptance",
        says='"(country_code|jurisdiction_code|fuzziness|items_per_page|.*date_of_birth) must be ',
        reason="countries, fractions, counts and dates have a format or a range",
    ),
)
