"""The table of operations agrees with the resources and the specification."""

import re
from typing import Any

import contract
import pytest
import spec
from contract import ENDPOINTS, Endpoint

from sikoia_async.models import PERSONAL
from sikoia_async.testing.cassettes.operations import OPERATIONS, find

_STAY = {
    *("entity_type", "case_type", "stage", "source", "ownership", "companies", "persons"),
    *("company_name", "company_number", "jurisdiction_code", "country_code", "completed"),
    *("complete", "verification_status", "checklist_params", "document_type", "file"),
    *("picklist_index", "exclude_inactive", "items_per_page", "monitored", "fuzziness"),
    *("webhook_name", "external_ref", "event_types", "event_status", "pagination_direction"),
}
"""Parameters that are not personal: enums, numbers, companies, and models that mark their fields.
Nothing of a file is kept, because it is not a string."""


def test_the_table_agrees_with_the_resources() -> None:
    """It has each operation once, with the method that calls it and its response type."""
    table = [(one.method, one.path, one.into, one.function) for one in OPERATIONS]
    expected = [(one.method, one.path, one.into, one.function) for one in ENDPOINTS]

    assert sorted(map(str, table)) == sorted(map(str, expected))
    assert {one.name for one in OPERATIONS} | {"POST /token"} == {
        f"{method} {path}" for method, path in spec.operations()
    }


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=contract.ids)
def test_an_operation_is_found_by_its_path(endpoint: Endpoint) -> None:
    """A path may match other templates too; the one with the fewest placeholders wins."""
    names = re.findall(r"\{(\w+)\}", endpoint.path)
    given = {name: "Persons" if name == "entity_type" else f"an-{name}" for name in names}

    found = find(endpoint.method, endpoint.path.format(**given))

    assert found is not None
    assert (found[0].path, found[1]) == (endpoint.path, given)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "TRACE"])
def test_unknown_paths_have_no_operation(method: str) -> None:
    """Paths must match completely."""
    for path in (
        "",
        "/",
        "/v2/moon",
        "/v2/cases/",
        "/v2/cases/a/b/c/d",
        "/v3/cases",
        "/v2/users/a",
    ):
        assert find(method, path) is None


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=contract.ids)
def test_a_parameter_is_replaced_or_known_to_be_harmless(endpoint: Endpoint) -> None:
    """A new parameter is replaced until it is listed here."""
    [known] = [one for one in OPERATIONS if one.function == endpoint.function]
    fields = {*endpoint.body, *endpoint.query, *endpoint.ids}
    stay = {name for name, one in known.parameters.items() if not one.is_personal}

    assert fields <= known.parameters.keys()
    assert stay <= _STAY


def test_personal_parameters_are_replaced() -> None:
    """A parameter is personal if a field of that name is; ids are replaced unless UUIDs."""
    replaced: dict[str, Any] = {
        name: one.is_personal for known in OPERATIONS for name, one in known.parameters.items()
    }

    assert PERSONAL["metadata"] == {"personal": True}
    for name in ("name", "reference", "search_term", "birth_date", "keyword", "file_name"):
        assert replaced[name]
    for name in ("display_name", "webhook_callback_url", "case_id", "person_id", "owner"):
        assert replaced[name]
