"""The errors of this SDK; `errors` draws their tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "APIError",
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
    "InvalidRequestError",
    "InvalidTokenError",
    "LinkExpiredError",
    "RateLimitError",
    "ReplayStoreError",
    "ResourceDeletedError",
    "ResourceNotFoundError",
    "ServerError",
    "SikoiaError",
    "TokenError",
    "TransportError",
    "UnexpectedResponseError",
    "UnprocessableRequestError",
    "WebhookError",
    "WebhookPayloadError",
    "WebhookVerificationError",
    "api_error_class",
]


Reached = Literal["unsent", "sent", "partial", "whole"]


@attrs.frozen(kw_only=True)
class Attempt:
    """One request of a call: what came of it."""

    status: int | None
    """HTTP status of the answer; None where no whole answer came."""
    error: str | None
    """What went wrong on the wire; None where an answer came."""
    waited: float
    """Seconds slept before this attempt."""
    seconds: float
    """Seconds from the attempt's start to its response or error."""
    correlation_id: str = ""
    """The id that came back with it, or the one sent."""


@attrs.frozen(kw_only=True)
class CallInfo:
    """What was sent for one call, and in how many attempts."""

    method: str
    path: str
    """The path as a template, without ids: `/v2/cases/{case_id}`."""
    url: str
    """The address asked, without its query."""
    correlation_id: str
    """The id to quote to Sikoia's support: the answer's, or the one sent where none came back."""
    sent_correlation_id: str
    """The id that this SDK sent, the same in all attempts."""
    attempts: tuple[Attempt, ...]
    seconds: float
    """Seconds that the caller waited in all."""
    reached: Reached = "whole"
    """How far the last attempt got: `unsent`, `sent` without an answer, `partial` of one, or
    `whole`."""
    idempotency_key: str | None = None
    """The key that was sent with each attempt, if one was."""


class SikoiaError(Exception):
    """The root: whatever this SDK raises is one of these."""

    __module__ = "sikoia_async.errors"  # where users import it from, so that is what they see

    def __init_subclass__(cls) -> None:
        if cls.__module__.startswith("sikoia_async."):
            cls.__module__ = SikoiaError.__module__

    _unpicklable: ClassVar[tuple[str, ...]] = ()
    """Attributes that are None after pickling."""

    def __reduce__(self) -> tuple[Any, ...]:
        state = self.__dict__ | dict.fromkeys(self._unpicklable)
        return _restore, (type(self), self.args, state)


class ConfigurationError(SikoiaError, ValueError):
    """The set-up or an argument is wrong; nothing was sent."""


class ArgumentTypeError(ConfigurationError, TypeError):
    """An argument is of another type than its parameter's."""


class ChargeLimitError(SikoiaError):
    """The call may cost money, and `max_chargeable` is used up; nothing was sent."""


class ClientStateError(SikoiaError, RuntimeError):
    """The client is closed, or belongs to another event loop or process."""


class CallError(SikoiaError):
    """A call was begun and did not end well."""

    may_have_been_processed: bool
    """Whether Sikoia may have done what was asked although no good answer came."""

    def __init__(
        self, message: str, *, call: CallInfo, may_have_been_processed: bool = False
    ) -> None:
        super().__init__(message)
        self.call = call
        self.may_have_been_processed = may_have_been_processed

    @property
    def correlation_id(self) -> str:
        """The id to quote to Sikoia's support."""
        return self.call.correlation_id

    @property
    def reached(self) -> Reached:
        """How far the last attempt got: `unsent`, `sent`, `partial` or `whole`."""
        return self.call.reached

    @property
    def idempotency_key(self) -> str | None:
        """The key that was sent with each attempt, if one was: send it again with the same call."""
        return self.call.idempotency_key

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Each request that was made, in order."""
        return self.call.attempts

    def __str__(self) -> str:
        return f"{super().__str__()} ({_whereabouts(self.call)})"


class TransportError(CallError):
    """Nobody answered, or not in time."""


class ConnectionFailedError(TransportError):
    """No whole answer came back; the message says how far the attempt got."""


class DeadlineExceededError(TransportError):
    """The time given for the call ran out."""

    def __init__(
        self,
        message: str,
        *,
        call: CallInfo,
        may_have_been_processed: bool,
        spent: Mapping[str, float],
    ) -> None:
        super().__init__(message, call=call, may_have_been_processed=may_have_been_processed)
        self.spent: dict[str, float] = dict(spent)
        """Seconds by what they were waited for: quota, token, permit, answer, body, backoff."""


class UnexpectedResponseError(CallError):
    """The answer breaks the API's promise; it is kept here whole, for it may have cost money."""

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
        self.status = status
        self.body = body
        """The body as it came, decompressed. May hold personal data: do not log it."""
        self.problems = problems
        """Each path that does not fit, at most a hundred, with what was expected; never a value."""


class TokenError(CallError):
    """The authorization server gave no token."""

    def __init__(
        self, message: str, *, call: CallInfo, status: int, error: str | None = None
    ) -> None:
        super().__init__(message, call=call)
        self.status = status
        self.error = error
        """OAuth's code, such as `invalid_client`; None where the answer had none."""


class APIError(CallError):
    """Sikoia answered with an error.

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
        self.status = status
        """HTTP status of the answer."""
        self.type = type
        """Sikoia's error type, such as `InvalidRequest`; None where the body had none."""
        self.title = title
        self.detail = detail
        self.body = body
        """The body as it came, at most the first 64 KiB (`max_error_body`)."""
        self.retry_after = retry_after
        """Seconds that Sikoia asked to wait; None where it did not."""


class InvalidRequestError(APIError):
    """400: a field of the request failed validation."""


class AuthenticationError(APIError):
    """401: the access token was not accepted."""


class InvalidTokenError(AuthenticationError):
    """401 `InvalidToken`."""


class ExpiredTokenError(AuthenticationError):
    """401 `ExpiredToken`."""


class InsufficientPermissionsError(APIError):
    """403: the application may not do this, or has no credits left: the detail tells."""


class ResourceNotFoundError(APIError):
    """404: there is no such resource."""


class ResourceDeletedError(ResourceNotFoundError):
    """404 `ResourceDeleted`: the resource was there once."""


class ConflictError(APIError):
    """409: the request conflicts with another one."""

    first_attempt_went_through: bool = False
    """Whether the other one is an earlier attempt of this very call, whose answer was lost: what
    you asked for was done, so read it, and do not ask again."""


class UnprocessableRequestError(APIError):
    """422: the request is valid, and means nothing that can be done."""


class RateLimitError(APIError):
    """429: the organisation sent more than 200 requests in a minute."""


class ServerError(APIError):
    """5xx: something went wrong on Sikoia's side, or on a gateway before it."""


class LinkExpiredError(APIError):
    """A link to a file is over, for such links live for minutes: ask Sikoia for a new one."""


class WebhookError(SikoiaError):
    """A delivery was not handled. The message is for you: answer with the status alone."""

    response_status: ClassVar[int] = 500
    """The HTTP status to respond with: Sikoia delivers again what was not accepted."""


class WebhookVerificationError(WebhookError):
    """A delivery is not Sikoia's, or not as Sikoia sent it: do not act on it.

    The message names the cause. It has no part of the body, the signature or the secrets.
    """

    response_status = 401


class WebhookPayloadError(WebhookError):
    """The body of a delivery cannot be read as JSON. The error holds nothing of it."""

    response_status = 400


class ReplayStoreError(WebhookError):
    """The replay store failed, or did not answer in time; nothing was handled.

    Answer 503, so that Sikoia delivers the event again.
    """

    response_status = 503


def api_error_class(status: int, type_: str | None) -> type[APIError]:
    """Choose the class by (status, type); for a type that is not known, by status alone."""
    by_status = ServerError if status >= _FIRST_SERVER_ERROR else _BY_STATUS.get(status, APIError)
    return _BY_TYPE.get((status, type_), by_status)


_FIRST_SERVER_ERROR = 500
_BY_STATUS: dict[int, type[APIError]] = {
    400: InvalidRequestError,
    401: AuthenticationError,
    403: InsufficientPermissionsError,
    404: ResourceNotFoundError,
    409: ConflictError,
    422: UnprocessableRequestError,
    429: RateLimitError,
}
_BY_TYPE: dict[tuple[int, str | None], type[APIError]] = {
    (401, "InvalidToken"): InvalidTokenError,
    (401, "ExpiredToken"): ExpiredTokenError,
    (404, "ResourceDeleted"): ResourceDeletedError,
}


def _whereabouts(call: CallInfo) -> str:
    """Say what support asks for: the call, its correlation id, and how often it was tried."""
    tried = f", {len(call.attempts)} attempts" if len(call.attempts) > 1 else ""
    return f"{call.method} {call.path}, correlation id {call.correlation_id}{tried}"


def _restore(
    cls: type[SikoiaError], args: tuple[object, ...], state: dict[str, object]
) -> SikoiaError:
    """Unpickle without calling constructors, which ask for keywords."""
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error
