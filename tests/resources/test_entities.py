"""Entities in paths and in bodies."""

from typing import Any

import pytest

from sikoia_async import ConfigurationError, Entity
from sikoia_async.models import EntityType
from sikoia_async.resources._entities import in_body, in_path
from sikoia_async.resources.cases import Case, Company, Person


@pytest.mark.parametrize(
    ("kind", "path"), [("case", "Cases"), ("company", "Companies"), ("person", "Persons")]
)
def test_entities_are_spelt_differently_in_paths_and_bodies(kind: EntityType, path: str) -> None:
    """Paths have a capitalised plural, bodies a lower-case singular."""
    entity = Entity(kind, "1")

    assert in_path(entity) == {"entity_type": path, "entity_id": "1"}
    assert in_body(entity) == {"entity_type": kind, "entity_id": "1"}


def test_models_are_accepted_as_entities() -> None:
    """A case, a company and a person can be passed as they are."""
    case = Case(case_id="1", name="Loan", case_type="Business", stage="New")

    assert in_body(case)["entity_type"] == "case"
    assert in_path(Company(company_id="2"))["entity_type"] == "Companies"
    assert in_path(Person(person_id="3"))["entity_id"] == "3"


@pytest.mark.parametrize("value", ["secret", None, 5, Entity, {"entity": "secret"}], ids=repr)
@pytest.mark.parametrize("spell", [in_body, in_path])
def test_other_values_are_refused_as_entities(spell: Any, value: Any) -> None:
    """The error is a TypeError that says what to pass and does not repeat the value."""
    with pytest.raises(TypeError, match=r"entity: expected a case, company or person") as caught:
        spell(value)

    assert isinstance(caught.value, ConfigurationError)
    assert "secret" not in str(caught.value)
