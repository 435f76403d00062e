"""The table of operations against what the resources and the specification say."""

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
"""Parameters that say nothing of a person: kinds, numbers, companies, models that tell themselves.
Of a file nothing stays, for it is no text that a model knows."""


def test_the_table_is_what_the_resources_say() -> None:
    """Each operation is in it once, with the method that calls it and what its answer becomes."""
    table = [(one.method, one.path, one.into, one.function) for one in OPERATIONS]
    said = [(one.method, one.path, one.into, one.function) for one in ENDPOINTS]

    assert sorted(map(str, table)) == sorted(map(str, said))
    assert {one.name for one in OPERATIONS} | {"POST /token"} == {
        f"{method} {path}" for method, path in spec.operations()
    }


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=contract.ids)
def test_an_operation_is_found_by_its_path(endpoint: Endpoint) -> None:
    """Also where the path of another one would fit as well."""
    names = re.findall(r"\{(\w+)\}", endpoint.path)
    given = {name: "Persons" if name == "entity_type" else f"an-{name}" for name in names}

    found = find(endpoint.method, endpoint.path.format(**given))

    assert found is not None
    assert (found[0].path, found[1]) == (endpoint.path, given)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "TRACE"])
def test_other_paths_are_of_no_operation(method: str) -> None:
    """Nor is what is longer, or shorter, or beside it."""
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
    """What is new is replaced, until somebody writes down here that it may stay."""
    [known] = [one for one in OPERATIONS if one.function == endpoint.function]
    fields = {*endpoint.body, *endpoint.query, *endpoint.ids}
    stay = {name for name, one in known.parameters.items() if not one.personal}

    assert fields <= known.parameters.keys()
    assert stay <= _STAY


def test_what_models_call_personal_is_replaced_in_requests() -> None:
    """By the same names; ids are replaced as ids are."""
    replaced: dict[str, Any] = {
        name: one.personal for known in OPERATIONS for name, one in known.parameters.items()
    }

    assert PERSONAL["metadata"] == {"personal": True}
    for name in ("name", "reference", "search_term", "birth_date", "keyword", "file_name"):
        assert replaced[name]
    for name in ("display_name", "webhook_callback_url", "case_id", "person_id", "owner"):
        assert replaced[name]
