"""How the local Sikoia refuses: one envelope for every error but those of the token endpoint."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.client import responses

from sikoia_async.sandbox.scenarios.scenario import Scenario

_STATUS_AND_TITLE = {
    "InvalidRequest": (400, "Validation Errors"),
    "InvalidToken": (401, "Invalid Token"),
    "ExpiredToken": (401, "Expired Token"),
    "InsufficientPermissions": (403, "Service not enabled"),
    "ResourceNotFound": (404, "Resource Not Found"),
    "ResourceDeleted": (404, "Resource Deleted"),
    "Conflict": (409, "Conflict"),
    "UnprocessableRequest": (422, "Entity Missing Information"),
    "RateLimit": (429, "Too Many Requests"),
    "ServerError": (500, "Internal Server Error"),
}


class ApiError(Exception):
    """A refusal; raised anywhere below a request, answered as the envelope."""

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        status: int | None = None,
        title: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        usual, usual_title = _STATUS_AND_TITLE[kind]
        self.title: str = title or usual_title
        self.kind = kind
        self.detail = detail
        self.status: int = status or usual
        self.headers: dict[str, str] = dict(headers or {})

    def body(self, correlation_id: str) -> dict[str, str | int]:
        """Fill the envelope."""
        return {
            "type": self.kind,
            "status": self.status,
            "title": self.title,
            "detail": self.detail,
            "correlation_id": correlation_id,
        }


def invalid_request(detail: str) -> ApiError:
    """Refuse a request that breaks a rule; `detail` names the field and never repeats its value."""
    return ApiError("InvalidRequest", detail)


@contextmanager
def not_found_as_invalid(field: str) -> Generator[None]:
    """Refuse with 400 what is not there: most POSTs do so where a GET would answer 404."""
    try:
        yield
    except ApiError as exc:
        detail = f"{field} must be the id of something that is there."
        raise invalid_request(detail) from exc


def invalid_token() -> ApiError:
    """Refuse a request without a token, or with one that was never issued."""
    return ApiError("InvalidToken", "The request carries no token that was issued here.")


def expired_token() -> ApiError:
    """Refuse a token that has outlived its time."""
    return ApiError("ExpiredToken", "The token has expired; ask for a new one.")


def require_credits(scenario: Scenario) -> None:
    """Refuse what costs credits where the scenario has none; the API's own title says no more.

    Raises:
        ApiError: There are no credits.
    """
    if not scenario.credits:
        detail = "Insufficient credits."
        raise ApiError(kind="InsufficientPermissions", detail=detail)


def not_found(what: str) -> ApiError:
    """Answer for a path or an id that never was."""
    return ApiError("ResourceNotFound", f"There is nothing at {what}.")


def unknown_entity_type() -> ApiError:
    """Answer for a path below an unknown type of entity: such paths have no 400."""
    detail = "entity_type must be one of Companies, Persons, Cases."
    return ApiError("ResourceNotFound", detail)


def deleted(what: str) -> ApiError:
    """Answer for an id that was, and is deleted."""
    return ApiError("ResourceDeleted", f"What was at {what} has been deleted.")


def unprocessable(detail: str) -> ApiError:
    """Refuse a request whose entity lacks what it needs; `detail` names the field."""
    return ApiError("UnprocessableRequest", detail)


def conflict(title: str, detail: str) -> ApiError:
    """Refuse to make a second one of what there is one of, in the words of the specification."""
    return ApiError("UnprocessableRequest", detail, status=409, title=title)


def idempotency_key_conflict(header: str) -> ApiError:
    """Refuse an idempotency key that another request has used, as the guide words it."""
    return ApiError("Conflict", f"The {header} was used for another request.")


def method_not_allowed(allowed: str) -> ApiError:
    """Refuse a method that a known path does not have."""
    detail = f"This path answers {allowed} only."
    return ApiError("InvalidRequest", detail, status=405, headers={"Allow": allowed})


def rate_limited(seconds: int | None) -> ApiError:
    """Refuse a request over the limit, and say when the next window opens unless it is None."""
    detail = "The requests of this window are used up."
    headers = {} if seconds is None else {"Retry-After": str(seconds)}
    return ApiError("RateLimit", detail, headers=headers)


def server_error() -> ApiError:
    """Answer for a mistake of the sandbox itself."""
    return ApiError("ServerError", "The local Sikoia made a mistake; its log says which.")


def planned_error(status: int, retry_after: int | None) -> ApiError:
    """Refuse because a fault plan says so, as any refusal with this status would look."""
    detail = "The fault plan of the local Sikoia says so."
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    for kind, (usual, _) in _STATUS_AND_TITLE.items():
        if usual == status:
            return ApiError(kind, detail, headers=headers)
    kind = "ServerError" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "InvalidRequest"
    title = responses.get(status, "Refused")
    return ApiError(kind, detail, status=status, title=title, headers=headers)
