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
def test_the_wire_has_two_spellings(kind: EntityType, path: str) -> None:
    """Paths have the plural with a capital, bodies the singular without."""
    entity = Entity(kind, "1")

    assert in_path(entity) == {"entity_type": path, "entity_id": "1"}
    assert in_body(entity) == {"entity_type": kind, "entity_id": "1"}


def test_models_that_are_entities_are_taken() -> None:
    """A case, a company and a person stand for themselves."""
    case = Case(case_id="1", name="Loan", case_type="Business", stage="New")

    assert in_body(case)["entity_type"] == "case"
    assert in_path(Company(company_id="2"))["entity_type"] == "Companies"
    assert in_path(Person(person_id="3"))["entity_id"] == "3"


@pytest.mark.parametrize("given", ["secret", None, 5, Entity, {"entity": "secret"}], ids=repr)
@pytest.mark.parametrize("spell", [in_body, in_path])
def test_what_is_no_entity_is_refused(spell: Any, given: Any) -> None:
    """It is a TypeError for whoever has no type checker, and it says what to give."""
    with pytest.raises(TypeError, match=r"entity: expected a case, company or person") as caught:
        spell(given)

    assert isinstance(caught.value, ConfigurationError)
    assert "secret" not in str(caught.value)
