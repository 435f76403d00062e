"""Adds, changes and removes the companies and people of a case: all of a request, or nothing.

A refused request leaves the case as it was.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sikoia_async.sandbox.errors import invalid_request
from sikoia_async.sandbox.resources import registry_companies
from sikoia_async.sandbox.resources.records import address, full_name, new_company, new_person
from sikoia_async.sandbox.state import Record, State

_KINDS = (("companies", "company_id"), ("persons", "person_id"))


def require_directors_in_register(body: Record) -> None:
    """Refuse `add_directors` without `registry_search`.

    Raises:
        ApiError: A company has one without the other.
    """
    for index, company in enumerate(_listed(body, "companies")):
        if company.get("add_directors") and not company.get("registry_search"):
            detail = f"companies[{index}].add_directors needs registry_search to be true."
            raise invalid_request(detail)


def require_some(body: Record) -> None:
    """Refuse a body without entities.

    Raises:
        ApiError: Both lists are empty or missing.
    """
    if not any(_listed(body, kind) for kind, _ in _KINDS):
        detail = "companies or persons must hold at least one item."
        raise invalid_request(detail)


def add(state: State, case: Record, body: Record) -> None:
    """Add companies, their directors if requested, and people."""
    for company in _listed(body, "companies"):
        case["companies"].append(new_company(state, company))
        if company.get("add_directors") and registry_companies.entry(state, company):
            case["persons"].extend(
                new_person(state, director, is_officer=True)
                for director in registry_companies.directors(company)
            )
    case["persons"].extend(new_person(state, person) for person in _listed(body, "persons"))
    state.index_case(case)


def update(case: Record, body: Record) -> None:
    """Change fields of companies and people; an empty string clears one.

    Raises:
        ApiError: An item has nothing but its id, or its id is not in this case.
    """
    # The list validates everything before the first change.
    for entity, changes in list(_updates(case, body)):
        _apply(entity, changes)


def remove(case: Record, body: Record) -> list[str]:
    """Remove companies and people from the case, and return their ids.

    Raises:
        ApiError: An id is not in this case.
    """
    for kind, key in _KINDS:
        for index, entity_id in enumerate(_listed(body, kind)):
            _find(case[kind], key, entity_id, f"{kind}[{index}]")
    removed: list[str] = [entity_id for kind, _ in _KINDS for entity_id in _listed(body, kind)]
    for kind, key in _KINDS:
        case[kind] = [entity for entity in case[kind] if entity[key] not in removed]
    return removed


def _listed(body: Record, kind: str) -> list[Any]:
    items: list[Any] | None = body.get(kind)
    return items or []


def _updates(case: Record, body: Record) -> Iterator[tuple[Record, Record]]:
    for kind, key in _KINDS:
        for index, item in enumerate(_listed(body, kind)):
            path = f"{kind}[{index}]"
            changes = {name: value for name, value in item.items() if value is not None}
            entity_id = changes.pop(key)
            if not changes:
                detail = f"{path} must name a field to change."
                raise invalid_request(detail)
            yield _find(case[kind], key, entity_id, f"{path}.{key}"), changes


def _find(entities: Sequence[Record], key: str, entity_id: str, path: str) -> Record:
    for entity in entities:
        if entity[key] == entity_id:
            return entity
    detail = f"{path} is not in this case."
    raise invalid_request(detail)


def _apply(entity: Record, changes: dict[str, Any]) -> None:
    new_address = changes.pop("postal_address", None)
    entity.update({name: value or None for name, value in changes.items()})
    if "person_id" in entity:
        entity["name"] = full_name(entity)
        known = None if new_address == "" else entity["postal_address"]
        entity["postal_address"] = address(known, new_address or None)
