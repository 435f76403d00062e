"""Refuses chargeable operations without credits, and those that are not enabled."""

from collections.abc import Iterator

from sikoia_async.sandbox.errors import ApiError
from sikoia_async.sandbox.scenarios.scenario import Scenario
from sikoia_async.sandbox.state import Record, State

__all__ = ["require_enabled", "require_paid", "require_service"]


def require_service(state: State, entity: Record) -> None:
    """Refuse a chargeable request about an entity if its scenario says so.

    A case has the scenarios of its companies and people.

    Raises:
        ApiError: 403, the credits are used up, or the service is not enabled.
    """
    for scenario in _scenarios(state, entity):
        require_paid(scenario)


def require_paid(scenario: Scenario) -> None:
    """Refuse a chargeable request if its scenario has no credits, or no enabled service.

    Raises:
        ApiError: 403; the specification has the same type and title for both.
    """
    _require_enabled(scenario)
    if not scenario.credits:
        detail = "Insufficient credits."
        raise ApiError(kind="InsufficientPermissions", detail=detail)


def require_enabled(state: State, entity: Record) -> None:
    """Refuse a request that costs nothing if its service is not enabled.

    Raises:
        ApiError: 403.
    """
    for scenario in _scenarios(state, entity):
        _require_enabled(scenario)


def _require_enabled(scenario: Scenario) -> None:
    if not scenario.enabled:
        detail = "Service is not currently enabled."
        raise ApiError(kind="InsufficientPermissions", detail=detail)


def _scenarios(state: State, entity: Record) -> Iterator[Scenario]:
    members = [*entity["companies"], *entity["persons"]] if "case_id" in entity else [entity]
    return map(state.scenarios.of_entity, members)
