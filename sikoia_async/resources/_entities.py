"""Entities on the wire: the one place that knows their two spellings.

Paths name the type in the plural and with a capital (`Cases`), bodies in the singular (`case`).
"""

from typing import TypedDict

from sikoia_async._errors import ArgumentTypeError
from sikoia_async.models import Entity, EntityType, HasEntity

__all__ = ["EntityBody", "EntityPath", "in_body", "in_path"]


class EntityPath(TypedDict):
    """What fills `/v2/{entity_type}/{entity_id}/…`."""

    entity_type: str
    entity_id: str


class EntityBody(TypedDict):
    """The two fields that name an entity in a body."""

    entity_type: EntityType
    entity_id: str


def in_path(entity: HasEntity) -> EntityPath:
    """Return an entity as paths name it.

    Raises:
        ArgumentTypeError: it is none.
    """
    found = _entity(entity)
    return {"entity_type": found.in_path, "entity_id": found.id}


def in_body(entity: HasEntity) -> EntityBody:
    """Return an entity as bodies name it.

    Raises:
        ArgumentTypeError: it is none.
    """
    found = _entity(entity)
    return {"entity_type": found.type, "entity_id": found.id}


def _entity(given: HasEntity) -> Entity:
    found: object = getattr(given, "entity", None)
    if isinstance(found, Entity):
        return found
    msg = "entity: give a case, a company or a person, or an Entity such as Entity('case', case_id)"
    raise ArgumentTypeError(msg)
