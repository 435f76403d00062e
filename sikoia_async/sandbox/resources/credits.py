"""The check for credits, which chargeable operations share."""

from sikoia_async.sandbox.errors import ApiError
from sikoia_async.sandbox.scenarios.scenario import Scenario


def require_credits(scenario: Scenario) -> None:
    """Refuse a chargeable request if its scenario has no credits.

    Raises:
        ApiError: 403, the API's status for missing credits.
    """
    if not scenario.credits:
        detail = "Insufficient credits."
        raise ApiError(kind="InsufficientPermissions", detail=detail)
