"""Error responses: one envelope for all of them, except those of the token endpoint."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.client import responses

_STATUS_AND_TITLE = {
    "InvalidRequest": (HTTPStatus.BAD_REQUEST, "Validation Errors"),
    "InvalidToken": (HTTPStatus.UNAUTHORIZED, "Invalid Token"),
    "ExpiredToken": (HTTPStatus.UNAUTHORIZED, "Expired Token"),
    "InsufficientPermissions": (HTTPStatus.FORBIDDEN, "Service not enabled"),
    "ResourceNotFound": (HTTPStatus.NOT_FOUND, "Resource Not Found"),
    "ResourceDeleted": (HTTPStatus.NOT_FOUND, "Resource Deleted"),
    "Conflict": (HTTPStatus.CONFLICT, "Conflict"),
    "UnprocessableRequest": (HTTPStatus.UNPROCESSABLE_ENTITY, "Entity Missing Information"),
    "RateLimit": (HTTPStatus.TOO_MANY_REQUESTS, "Too Many Requests"),
    "ServerError": (HTTPStatus.INTERNAL_SERVER_ERROR, "Internal Server Error"),
}
"""The usual status and title of each error type."""


class ApiError(Exception):
    """An error response; raised anywhere in a handler, and sent as the error envelope."""

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
        usual_status, usual_title = _STATUS_AND_TITLE[kind]
        self.title: str = title or usual_title
        self.kind: str = kind
        self.detail: str = detail
        self.status: int = int(status or usual_status)
        self.headers: dict[str, str] = dict(headers or {})

    def body(self, correlation_id: str) -> dict[str, str | int]:
        """Return the error envelope."""
        return {
            "type": self.kind,
            "status": self.status,
            "title": self.title,
            "detail": self.detail,
            "correlation_id": correlation_id,
        }


def invalid_request(detail: str) -> ApiError:
    """400: the request breaks a rule; `detail` names the field but never repeats its value."""
    return ApiError("InvalidRequest", detail)


@contextmanager
def not_found_as_invalid(field: str) -> Generator[None]:
    """Turn a 404 into a 400, which most POSTs return for the id of a missing record."""
    try:
        yield
    except ApiError as exc:
        detail = f"{field} must be the id of an existing record."
        raise invalid_request(detail) from exc


def invalid_token() -> ApiError:
    """401: the request has no access token, or one that was never issued."""
    return ApiError("InvalidToken", "The request has no token that was issued here.")


def expired_token() -> ApiError:
    """401: the access token has expired."""
    return ApiError("ExpiredToken", "The token has expired; request a new one.")


def not_found(what: str) -> ApiError:
    """404: nothing has ever existed at this path or with this id."""
    return ApiError("ResourceNotFound", f"There is nothing at {what}.")


def unknown_entity_type() -> ApiError:
    """404: the path has an unknown entity type; such paths never return 400."""
    detail = "entity_type must be one of Companies, Persons, Cases."
    return ApiError("ResourceNotFound", detail)


def deleted(what: str) -> ApiError:
    """404: the record has been deleted."""
    return ApiError("ResourceDeleted", f"The record {what} has been deleted.")


def unprocessable(detail: str) -> ApiError:
    """422: the entity lacks required information; `detail` names the field."""
    return ApiError("UnprocessableRequest", detail)


def conflict(title: str, detail: str) -> ApiError:
    """409: only one such record can exist; worded as in the specification."""
    return ApiError("UnprocessableRequest", detail, status=HTTPStatus.CONFLICT, title=title)


def idempotency_key_conflict(header: str) -> ApiError:
    """409: the idempotency key belongs to an earlier request, as the guide puts it."""
    return ApiError("Conflict", f"The {header} was used for another request.")


def method_not_allowed(allowed: str) -> ApiError:
    """405: the path exists, but not with this method."""
    detail = f"This path supports {allowed} only."
    return ApiError(
        "InvalidRequest",
        detail,
        status=HTTPStatus.METHOD_NOT_ALLOWED,
        headers={"Allow": allowed},
    )


def rate_limited(seconds: int | None) -> ApiError:
    """429: the window is full; `seconds` until the next one go into `Retry-After`, if given."""
    detail = "The requests of this window are used up."
    headers = {} if seconds is None else {"Retry-After": str(seconds)}
    return ApiError("RateLimit", detail, headers=headers)


def server_error() -> ApiError:
    """500: a bug in the local Sikoia itself."""
    return ApiError("ServerError", "The local Sikoia failed; see its log.")


def replaced() -> ApiError:
    """503: a test reset or restored the local Sikoia while the request was in progress."""
    detail = "The local Sikoia was reset or restored before the request was processed."
    return ApiError("ServerError", detail, status=HTTPStatus.SERVICE_UNAVAILABLE)


def planned_error(status: int, retry_after: int | None) -> ApiError:
    """Return the error of a planned fault, in the form that this status usually has."""
    detail = "A planned fault of the local Sikoia."
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    for kind, (usual_status, _) in _STATUS_AND_TITLE.items():
        if usual_status == status:
            return ApiError(kind, detail, headers=headers)
    kind = "ServerError" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "InvalidRequest"
    title = responses.get(status, "Refused")
    return ApiError(kind, detail, status=status, title=title, headers=headers)
