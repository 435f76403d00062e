"""The errors of this SDK, except those that hold an operation or a webhook event.

The module `sikoia_async.errors` draws the whole tree, and is where users import it from.
"""

from __future__ import annotations

import copy
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

__all__ = [
    "APIDeprecationWarning",
    "APIError",
    "ArgumentError",
    "ArgumentTypeError",
    "Attempt",
    "AuthenticationError",
    "CallError",
    "CallInfo",
    "ChargeLimitError",
    "ClientStateError",
    "ConfigurationError",
    "ConflictError",
    "ConnectionFailedError",
    "DeadlineExceededError",
    "ExpiredTokenError",
    "InsufficientPermissionsError",
    "InvalidOperationTokenError",
    "InvalidRequestError",
    "InvalidTokenError",
    "LinkExpiredError",
    "OperationPendingError",
    "PurchaseInDoubtError",
    "QuotaStoreError",
    "RateLimitError",
    "ResourceDeletedError",
    "ResourceNotFoundError",
    "ServerError",
    "SikoiaError",
    "StoreError",
    "TokenError",
    "TransportError",
    "UnexpectedResponseError",
    "UnprocessableRequestError",
    "WebhookBusyError",
    "WebhookError",
    "WebhookEventTypeError",
    "WebhookPayloadError",
    "WebhookStoreError",
    "WebhookVerificationError",
    "after_doubt",
    "api_error_class",
    "entries_of",
    "is_error",
    "is_server_error",
    "linked",
]


Reached = Literal["unsent", "sent", "partial", "whole"]
"""How far a request got: not sent, sent without a response, part of a response, or all of it."""


@attrs.frozen(kw_only=True)
class Attempt:
    """One request of a call, and how it ended."""

    status: int | None
    """HTTP status of the response; None if no complete response arrived."""
    error: str | None
    """What went wrong on the connection; None if a response arrived."""
    waited: float
    """Seconds of backoff before this attempt."""
    seconds: float
    """Seconds from the start of the attempt to its response or error."""
    correlation_id: str = ""
    """The correlation id of the response, or the one that was sent."""


@attrs.frozen(kw_only=True)
class CallInfo:
    """What was sent for one call, and in how many attempts."""

    method: str
    path: str
    """The path as a template, without ids: `/v2/cases/{case_id}`."""
    url: str
    """The URL, without its query."""
    correlation_id: str
    """The id to quote to Sikoia's support: the response's, or the one sent if there is none."""
    sent_correlation_id: str
    """The id that this SDK sent, the same with every attempt."""
    attempts: tuple[Attempt, ...]
    seconds: float
    """Seconds that the whole call took, waits included."""
    reached: Reached = "whole"
    """How far the last attempt got: `unsent`, `sent` without a response, `partial` response or
    `whole` response."""
    idempotency_key: str | None = None
    """The idempotency key that was sent with every attempt, if any."""
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=False)
    """The headers of the last attempt's response, by name in any letter case, without cookies.
    Empty if there was no response, and for token requests and download links, whose headers might
    repeat a secret."""
    http_version: str | None = None
    """The HTTP version of that response, such as `HTTP/1.1`; None if it is not known."""


class APIDeprecationWarning(DeprecationWarning):
    """Sikoia has announced that it will remove an operation that the application calls."""

    __module__ = "sikoia_async"  # where users import it from, so that filters can name it


class SikoiaError(Exception):
    """Base class of every error that this SDK raises."""

    __module__ = "sikoia_async.errors"  # the public module, so that tracebacks name it

    def __init_subclass__(cls) -> None:
        if cls.__module__.startswith("sikoia_async."):
            cls.__module__ = SikoiaError.__module__

    _unpicklable: ClassVar[tuple[str, ...]] = ()
    """Attributes that become None when the error is pickled."""

    def _render_traceback_(self) -> list[str]:
        """Return the traceback as IPython and notebooks show it: without the SDK's own frames."""
        from IPython.core.getipython import get_ipython  # noqa: PLC0415 - IPython calls this

        shell: Any = get_ipython()
        kept = [
            entry
            for entry in entries_of(self.__traceback__)
            if not str(entry.tb_frame.f_globals.get("__name__")).startswith("sikoia_async.")
        ]
        lines: list[str] = shell.InteractiveTB.structured_traceback(type(self), self, linked(kept))
        return lines

    def __reduce__(self) -> tuple[Any, ...]:
        state = self.__dict__ | dict.fromkeys(self._unpicklable)
        return _restore, (type(self), self.args, state)


class ConfigurationError(SikoiaError, ValueError):
    """A setting is invalid, or an argument is; nothing was sent."""


class ArgumentError(ConfigurationError):
    """An argument has an invalid value; nothing was sent. The message does not repeat the value."""


class ArgumentTypeError(ArgumentError, TypeError):
    """An argument has the wrong type; nothing was sent."""


class OperationPendingError(ConfigurationError):
    """`result()` was called before the operation was done; `await` the operation."""


class InvalidOperationTokenError(ConfigurationError):
    """An operation token was changed, or is for another environment, client or SDK version."""


class ChargeLimitError(SikoiaError):
    """The call may cost money, and a limit of `max_chargeable` is used up; nothing was sent."""

    def __init__(
        self, message: str = "", *, limit: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self._limit = limit
        self._retry_after = retry_after

    @property
    def limit(self) -> str:
        """The limit, such as `max_chargeable=50` or `SpendLimit(2, per='day')`."""
        return self._limit

    @property
    def retry_after(self) -> float | None:
        """Seconds until a call is allowed; None if calls count for ever, or are in progress."""
        return self._retry_after


class StoreError(SikoiaError):
    """A store that processes share failed, and the call was not safe without it."""


class QuotaStoreError(StoreError):
    """The store of the rate limit is unavailable, and `Quota(on_failure="closed")` was set."""


class PurchaseInDoubtError(SikoiaError):
    """A purchase was made, or may have been; its result is not available. Nothing was bought now.

    The message says why, and what to do. See `sikoia.purchases`.
    """

    def __init__(
        self,
        message: str,
        *,
        key: str = "",
        operation: str = "",
        intended_at: datetime | None = None,
        correlation_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self._key = key
        self._operation = operation
        self._intended_at = intended_at
        self._correlation_id = correlation_id

    @property
    def key(self) -> str:
        """The hash of the purchase's key: `Doubt.key` of `sikoia.purchases.doubts()`."""
        return self._key

    @property
    def operation(self) -> str:
        """What was requested, such as `credit_reports.request`."""
        return self._operation

    @property
    def intended_at(self) -> datetime | None:
        """When the request was about to be sent."""
        return self._intended_at

    @property
    def correlation_id(self) -> str | None:
        """The id to quote to Sikoia's support; None if it was not recorded."""
        return self._correlation_id


class ClientStateError(SikoiaError, RuntimeError):
    """The client is closed, or belongs to another event loop or process."""


class CallError(SikoiaError):
    """A call was started and failed."""

    def __init__(
        self, message: str, *, call: CallInfo, may_have_been_processed: bool = False
    ) -> None:
        super().__init__(message)
        self._call = call
        self._may_have_been_processed = may_have_been_processed

    @property
    def call(self) -> CallInfo:
        """What was sent, and in how many attempts."""
        return self._call

    @property
    def may_have_been_processed(self) -> bool:
        """Whether Sikoia may have acted on the request. False only if it certainly did not."""
        return self._may_have_been_processed

    @property
    def status(self) -> int | None:
        """HTTP status of the response; None if the error is not about a response."""
        return None

    @property
    def correlation_id(self) -> str:
        """The id to quote to Sikoia's support."""
        return self._call.correlation_id

    @property
    def reached(self) -> Reached:
        """How far the last attempt got: `unsent`, `sent`, `partial` or `whole`."""
        return self._call.reached

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the last attempt's response, by name in any letter case."""
        return self.call.headers

    @property
    def idempotency_key(self) -> str | None:
        """The idempotency key that was sent, if any. To repeat the call safely, send it again."""
        return self._call.idempotency_key

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The requests that were made, in order."""
        return self._call.attempts

    def __str__(self) -> str:
        return f"{super().__str__()} ({_call_summary(self._call)})"


class TransportError(CallError):
    """No response arrived, or not in time."""


class ConnectionFailedError(TransportError):
    """No complete response arrived; the message says how far the last attempt got."""


class DeadlineExceededError(TransportError):
    """The call did not finish within its timeout.

    It is not a built-in `TimeoutError`: that is an `OSError`, which handlers of file and socket
    errors would catch.
    """

    def __init__(
        self,
        message: str,
        *,
        call: CallInfo,
        may_have_been_processed: bool,
        spent: Mapping[str, float],
    ) -> None:
        super().__init__(message, call=call, may_have_been_processed=may_have_been_processed)
        self._spent = dict(spent)

    @property
    def spent(self) -> dict[str, float]:
        """Seconds spent in each phase.

        The phases are `rate_limit`, `token`, `connection`, `response`, `body`, `backoff`, `file`,
        `decoding` and `hooks`.
        """
        return self._spent


class UnexpectedResponseError(CallError):
    """The response is not what the API promises. It is kept in full: it may have cost money."""

    def __init__(
        self,
        message: str,
        *,
        call: CallInfo,
        status: int,
        body: bytes,
        problems: tuple[str, ...] = (),
        may_have_been_processed: bool = False,
    ) -> None:
        super().__init__(message, call=call, may_have_been_processed=may_have_been_processed)
        self._status = status
        self._body = body
        self._problems = problems

    @property
    def status(self) -> int:
        """HTTP status of the response."""
        return self._status

    @property
    def body(self) -> bytes:
        """The decompressed body. It may contain personal data: do not log it."""
        return self._body

    @property
    def problems(self) -> tuple[str, ...]:
        """Up to a hundred paths that failed validation, each with what was expected; no values."""
        return self._problems


class TokenError(CallError):
    """The authorization server did not issue an access token."""

    def __init__(
        self, message: str, *, call: CallInfo, status: int, error: str | None = None
    ) -> None:
        super().__init__(message, call=call)
        self._status = status
        self._error = error

    @property
    def status(self) -> int:
        """HTTP status of the token response."""
        return self._status

    @property
    def error(self) -> str | None:
        """The OAuth error code, such as `invalid_client`; None if the response had none."""
        return self._error


class APIError(CallError):
    """Sikoia responded with an error.

    Source: https://docs.sikoia.com/docs/api-behaviour, "Generic Error Response".
    """

    def __init__(
        self,
        message: str,
        *,
        call: CallInfo,
        status: int,
        type: str | None,  # noqa: A002 - the vendor's name
        title: str | None,
        detail: str | None,
        body: bytes,
        retry_after: float | None = None,
        may_have_been_processed: bool = False,
    ) -> None:
        super().__init__(message, call=call, may_have_been_processed=may_have_been_processed)
        self._status = status
        self._type = type
        self._title = title
        self._detail = detail
        self._body = body
        self._retry_after = retry_after

    @property
    def status(self) -> int:
        """HTTP status of the response."""
        return self._status

    @property
    def type(self) -> str | None:
        """Sikoia's error type, such as `InvalidRequest`; None if the body had none."""
        return self._type

    @property
    def title(self) -> str | None:
        """Sikoia's short description of the error type."""
        return self._title

    @property
    def detail(self) -> str | None:
        """The description of this error, which may repeat values of the request.

        It is also read from a list, an object or a gateway's format.
        """
        return self._detail

    @property
    def body(self) -> bytes:
        """The decompressed body, up to `max_error_body` bytes (64 KiB by default)."""
        return self._body

    @property
    def retry_after(self) -> float | None:
        """Seconds to wait, from the `Retry-After` header; None if there was none."""
        return self._retry_after


class InvalidRequestError(APIError):
    """400: a field of the request is invalid."""


class AuthenticationError(APIError):
    """401: the access token was rejected."""


class InvalidTokenError(AuthenticationError):
    """401 `InvalidToken`."""


class ExpiredTokenError(AuthenticationError):
    """401 `ExpiredToken`."""


class InsufficientPermissionsError(APIError):
    """403: the application is not allowed to do this, or has no credits left; see `detail`."""


class ResourceNotFoundError(APIError):
    """404: the resource does not exist."""


class ResourceDeletedError(ResourceNotFoundError):
    """404 `ResourceDeleted`: the resource existed and was deleted."""


class ConflictError(APIError):
    """409: the request conflicts with another one."""

    first_attempt_went_through: bool = False
    """Whether the other request is an earlier attempt of this call, whose response was lost. The
    call then took effect: read its result, and do not repeat it."""


class UnprocessableRequestError(APIError):
    """422: the request is well-formed but cannot be processed."""


class RateLimitError(APIError):
    """429: the organisation sent more than 200 requests in a minute."""


class ServerError(APIError):
    """5xx: Sikoia, or a gateway in front of it, failed."""


class LinkExpiredError(APIError):
    """The download link has expired; links are valid for a few minutes. Fetch a new one."""


class WebhookError(SikoiaError):
    """A webhook delivery was not handled. Respond with `response_status`, without the message."""

    response_status: ClassVar[int] = HTTPStatus.INTERNAL_SERVER_ERROR
    """The HTTP status to respond with; Sikoia redelivers what was not accepted."""


class WebhookVerificationError(WebhookError):
    """The signature of a delivery is missing or wrong: it was not sent by Sikoia, or was changed.

    The message says why, and contains nothing of the body, the signature or the secrets.
    """

    response_status: ClassVar[int] = HTTPStatus.UNAUTHORIZED


class WebhookPayloadError(WebhookError):
    """The body of a delivery is not valid JSON. The error does not repeat any of it."""

    response_status: ClassVar[int] = HTTPStatus.BAD_REQUEST


class WebhookEventTypeError(WebhookError):
    """The URL of a delivery names none of Sikoia's event types. Nothing was handled."""

    response_status: ClassVar[int] = HTTPStatus.NOT_FOUND


class WebhookStoreError(WebhookError):
    """The replay store failed or timed out, and the event was not handled.

    Respond with 503, so that Sikoia delivers the event again.
    """

    response_status: ClassVar[int] = HTTPStatus.SERVICE_UNAVAILABLE


class WebhookBusyError(WebhookError):
    """Another process is handling the event at this moment.

    Respond with 503, so that Sikoia delivers the event again: the other process may fail.
    """

    response_status: ClassVar[int] = HTTPStatus.SERVICE_UNAVAILABLE


def after_doubt(error: CallError, call: CallInfo) -> CallError:
    """Return the error of a later attempt, with a note on an earlier one that is in doubt."""
    error = copy.copy(error)  # a token error may be shared between calls
    error.__dict__.update(
        _may_have_been_processed=True,
        _call=attrs.evolve(error.call, idempotency_key=call.idempotency_key),
    )
    error.add_note(
        f"an earlier attempt of {call.method} {call.path} may have been processed "
        f"(correlation id {call.correlation_id})"
    )
    return error


def api_error_class(status: int, type_: str | None) -> type[APIError]:
    """Return the class for a status and an error type; an unknown type does not matter."""
    by_status = ServerError if is_server_error(status) else _BY_STATUS.get(status, APIError)
    return _BY_TYPE.get((status, type_), by_status)


def entries_of(trace: TracebackType | None) -> Iterator[TracebackType]:
    """Yield the entries of a traceback, from the outermost call to the innermost."""
    while trace is not None:
        yield trace
        trace = trace.tb_next


def linked(entries: Sequence[TracebackType]) -> TracebackType | None:
    """Return a traceback that has only these entries."""
    trace: TracebackType | None = None
    for one in reversed(entries):
        trace = TracebackType(trace, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return trace


def is_error(status: int) -> bool:
    """Return whether a status is a 4xx or 5xx."""
    return status >= _FIRST_ERROR


def is_server_error(status: int) -> bool:
    """Return whether a status is a 5xx."""
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR


_FIRST_ERROR: Final = HTTPStatus.BAD_REQUEST.value
_BY_STATUS: dict[int, type[APIError]] = {
    HTTPStatus.BAD_REQUEST: InvalidRequestError,
    HTTPStatus.UNAUTHORIZED: AuthenticationError,
    HTTPStatus.FORBIDDEN: InsufficientPermissionsError,
    HTTPStatus.NOT_FOUND: ResourceNotFoundError,
    HTTPStatus.CONFLICT: ConflictError,
    HTTPStatus.UNPROCESSABLE_ENTITY: UnprocessableRequestError,
    HTTPStatus.TOO_MANY_REQUESTS: RateLimitError,
}
_BY_TYPE: dict[tuple[int, str | None], type[APIError]] = {
    (HTTPStatus.UNAUTHORIZED, "InvalidToken"): InvalidTokenError,
    (HTTPStatus.UNAUTHORIZED, "ExpiredToken"): ExpiredTokenError,
    (HTTPStatus.NOT_FOUND, "ResourceDeleted"): ResourceDeletedError,
}


def _call_summary(call: CallInfo) -> str:
    """Return what Sikoia's support asks for: the call, its correlation id, the attempts."""
    attempts = f", {len(call.attempts)} attempts" if len(call.attempts) > 1 else ""
    return f"{call.method} {call.path}, correlation id {call.correlation_id}{attempts}"


def _restore(
    cls: type[SikoiaError], args: tuple[object, ...], state: dict[str, object]
) -> SikoiaError:
    """Unpickle an error without its constructor, which requires keyword arguments."""
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error
