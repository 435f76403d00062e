"""Spells an entity as the API expects it: `Cases` in a path, `case` in a body."""

from typing import TypedDict

from sikoia_async._errors import ArgumentTypeError
from sikoia_async.models import Entity, EntityType, HasEntity

__all__ = ["EntityBody", "EntityPath", "in_body", "in_path"]


class EntityPath(TypedDict):
    """The placeholders of `/v2/{entity_type}/{entity_id}/…`."""

    entity_type: str
    entity_id: str


class EntityBody(TypedDict):
    """The fields that identify an entity in a request body."""

    entity_type: EntityType
    entity_id: str


def in_path(entity: HasEntity) -> EntityPath:
    """Return the placeholders that identify an entity in a path.

    Raises:
        ArgumentTypeError: the argument is not an entity.
    """
    plain = _plain(entity)
    return {"entity_type": plain.in_path, "entity_id": plain.id}


def in_body(entity: HasEntity) -> EntityBody:
    """Return the fields that identify an entity in a request body.

    Raises:
        ArgumentTypeError: the argument is not an entity.
    """
    plain = _plain(entity)
    return {"entity_type": plain.type, "entity_id": plain.id}


def _plain(entity: HasEntity) -> Entity:
    plain: object = getattr(entity, "entity", None)
    if isinstance(plain, Entity):
        return plain
    msg = "entity: expected a case, company or person, or an Entity such as Entity('case', case_id)"
    raise ArgumentTypeError(msg)
