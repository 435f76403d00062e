"""What a web application responds with when a call to Sikoia fails (RFC 9457)."""

from __future__ import annotations

import json
import logging
import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple

from sikoia_async import current_correlation_id, errors

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["STATUSES", "Reply", "problem_of", "validate_statuses"]

STATUSES: Final[Mapping[type[errors.SikoiaError], int]] = {
    errors.SikoiaError: 500,
    errors.ConfigurationError: 500,
    # An id or a code that a caller sent has reached a method of the SDK, which refused it.
    errors.ArgumentError: 422,
    errors.ArgumentTypeError: 500,
    errors.OperationPendingError: 500,
    errors.InvalidOperationTokenError: 404,
    errors.ChargeLimitError: 503,
    errors.StoreError: 503,
    errors.QuotaStoreError: 503,
    # Another request would not help: somebody has to say what became of the purchase.
    errors.PurchaseInDoubtError: 409,
    errors.ClientStateError: 503,
    errors.CallError: 502,
    errors.TransportError: 502,
    errors.ConnectionFailedError: 502,
    errors.DeadlineExceededError: 504,
    errors.UnexpectedResponseError: 502,
    errors.TokenError: 502,
    errors.APIError: 502,
    errors.InvalidRequestError: 422,
    # Not 401 and 403: those would tell your callers that their own credentials are wrong.
    errors.AuthenticationError: 502,
    errors.InvalidTokenError: 502,
    errors.ExpiredTokenError: 502,
    errors.InsufficientPermissionsError: 502,
    errors.ResourceNotFoundError: 404,
    errors.ResourceDeletedError: 404,
    errors.ConflictError: 409,
    errors.UnprocessableRequestError: 422,
    errors.RateLimitError: 503,
    errors.ServerError: 502,
    errors.LinkExpiredError: 502,
    errors.OperationError: 502,
    errors.OperationFailedError: 502,
    errors.OperationTimeoutError: 504,
    errors.TooManyResultsError: 409,
    errors.WebhookError: 500,
    errors.WebhookVerificationError: 401,
    errors.WebhookEventTypeError: 404,
    errors.WebhookPayloadError: 400,
    errors.WebhookHandlerError: 500,
    errors.WebhookStoreError: 503,
    errors.WebhookBusyError: 503,
}
"""The HTTP status to respond with, by class of error. If Sikoia responded with 503 or 504, a
`ServerError` keeps that status."""

_RETRY_AFTER: Final = 60
"""Seconds to wait after a 503 if Sikoia did not say how long: the window of the rate limit."""
_KEPT: Final = (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)
_ALLOWED: Final = frozenset(one for one in HTTPStatus if one >= HTTPStatus.BAD_REQUEST)

_log: Final = logging.getLogger("sikoia_async")


class Reply(NamedTuple):
    """A response, which a framework sends."""

    body: bytes
    status: int
    headers: dict[str, str]


def problem_of(
    error: errors.SikoiaError, statuses: Mapping[type[errors.SikoiaError], int] = STATUSES
) -> Reply:
    """Log an error, and return a response that says nothing about it but its status."""
    status = _status_of(error, statuses)
    is_bug = status == HTTPStatus.INTERNAL_SERVER_ERROR  # or a setting: the traceback says where
    text, used = str(error), current_correlation_id()
    _log.log(
        logging.ERROR if is_bug else logging.WARNING,
        "responded with %d: %s: %s%s",
        status,
        type(error).__name__,
        text,
        "" if used is None or used in text else f" (correlation id {used})",
        exc_info=error if is_bug else None,
        extra={"status": int(status), "correlation_id": used},
    )
    headers = {"Content-Type": "application/problem+json", "Cache-Control": "no-store"}
    wait: float | None = getattr(error, "retry_after", None)
    if wait is not None or status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(max(1, math.ceil(_RETRY_AFTER if wait is None else wait)))
    title = HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title, "status": int(status)}
    return Reply(json.dumps(body).encode(), status, headers)


def validate_statuses(
    statuses: Mapping[type[errors.SikoiaError], int] | None,
) -> Mapping[type[errors.SikoiaError], int]:
    """Return `STATUSES` with the rows that an application replaces.

    Raises:
        ConfigurationError: a key is not a class of error, or a value not the status of an error.
    """
    own = statuses or {}
    if not all(_is_error_class(kind) and status in _ALLOWED for kind, status in own.items()):
        msg = "statuses: expected classes of SikoiaError, each with an HTTP status from 400 on"
        raise errors.ConfigurationError(msg)
    return {**STATUSES, **own}


def _is_error_class(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, errors.SikoiaError)


def _status_of(error: errors.SikoiaError, statuses: Mapping[type[errors.SikoiaError], int]) -> int:
    kind = next(kind for kind in type(error).__mro__ if kind in statuses)
    if isinstance(error, errors.ServerError) and statuses[kind] == HTTPStatus.BAD_GATEWAY:
        return error.status if error.status in _KEPT else HTTPStatus.BAD_GATEWAY
    return statuses[kind]
