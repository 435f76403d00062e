"""The error tree: classes, messages and pickling."""

import copy
import inspect
import pickle
import pydoc
import re
from datetime import UTC, datetime
from typing import Any, cast

import attrs
import pytest

import sikoia_async
from sikoia_async import errors
from sikoia_async._errors import api_error_class
from sikoia_async.errors import Attempt, CallInfo, SikoiaError

ATTEMPTS = (
    Attempt(status=503, error=None, waited=0.0, seconds=0.25),
    Attempt(status=None, error="the connection was lost", waited=0.5, seconds=0.125),
)
CALL = CallInfo(
    method="POST",
    path="/v2/cases/{case_id}",
    url="https://api.sikoia.com/v2/cases/64cd",
    correlation_id="received-1",
    sent_correlation_id="sent-1",
    attempts=ATTEMPTS,
    seconds=0.875,
)
API_FIELDS: dict[str, Any] = {
    "status": 400,
    "type": "InvalidRequest",
    "title": "Validation Errors",
    "detail": "Entity Id is required.",
    "body": b"{}",
    "retry_after": 1.5,
    "may_have_been_processed": True,
}
API_ERRORS = (
    errors.APIError,
    errors.InvalidRequestError,
    errors.AuthenticationError,
    errors.InvalidTokenError,
    errors.ExpiredTokenError,
    errors.InsufficientPermissionsError,
    errors.ResourceNotFoundError,
    errors.ResourceDeletedError,
    errors.ConflictError,
    errors.UnprocessableRequestError,
    errors.RateLimitError,
    errors.ServerError,
    errors.LinkExpiredError,
)
SAMPLES: list[errors.SikoiaError] = [
    errors.SikoiaError("message"),
    errors.ConfigurationError("message"),
    errors.ArgumentError("message"),
    errors.ArgumentTypeError("message"),
    errors.OperationPendingError("message"),
    errors.InvalidOperationTokenError("message"),
    errors.ChargeLimitError("message"),
    errors.StoreError("message"),
    errors.QuotaStoreError("message"),
    errors.PurchaseInDoubtError(
        "message",
        key="a hash",
        operation="reports.excel",
        intended_at=datetime(2026, 1, 2, tzinfo=UTC),
        correlation_id="an id",
    ),
    errors.ClientStateError("message"),
    errors.CallError("message", call=CALL),
    errors.TransportError("message", call=CALL),
    errors.ConnectionFailedError("message", call=CALL, may_have_been_processed=True),
    errors.DeadlineExceededError(
        "message", call=CALL, may_have_been_processed=True, spent={"rate_limit": 0.5}
    ),
    errors.UnexpectedResponseError(
        "message", call=CALL, status=200, body=b"[1,", problems=("not JSON",)
    ),
    errors.TokenError("message", call=CALL, status=400, error="invalid_client"),
    *(cls("message", call=CALL, **API_FIELDS) for cls in API_ERRORS),
    errors.OperationError("message"),
    errors.OperationFailedError("message", result="Failed", correlation_ids=("a",)),
    errors.OperationTimeoutError(
        "message",
        last="Pending",
        operation=None,
        token="op1",
        correlation_ids=("a",),
    ),
    errors.TooManyResultsError(
        "message",
        picklist=("Acme",),
        operation=None,
        kind="credit-report",
        ids=("r-1",),
        correlation_ids=("a",),
    ),
    errors.WebhookError("message"),
    errors.WebhookVerificationError("message"),
    errors.WebhookEventTypeError("message"),
    errors.WebhookPayloadError("message"),
    errors.WebhookHandlerError("message", event=None),
    errors.WebhookStoreError("message"),
    errors.WebhookBusyError("message"),
]


def through_pickle(error: Any) -> Any:
    """Pickle an error and load it again."""
    return pickle.loads(pickle.dumps(error))  # noqa: S301 - our own data


@pytest.mark.parametrize(
    ("status", "type_", "expected"),
    [
        (400, "InvalidRequest", errors.InvalidRequestError),
        (401, "InvalidToken", errors.InvalidTokenError),
        (401, "ExpiredToken", errors.ExpiredTokenError),
        (403, "InsufficientPermissions", errors.InsufficientPermissionsError),
        (404, "ResourceNotFound", errors.ResourceNotFoundError),
        (404, "ResourceDeleted", errors.ResourceDeletedError),
        (409, "Conflict", errors.ConflictError),
        (409, "UnprocessableRequest", errors.ConflictError),
        (422, "UnprocessableRequest", errors.UnprocessableRequestError),
        (429, "RateLimit", errors.RateLimitError),
        (500, "ServerError", errors.ServerError),
    ],
)
def test_documented_types_have_their_class(
    status: int, type_: str, expected: type[errors.APIError]
) -> None:
    """Every documented type has a class of the same name."""
    assert api_error_class(status, type_) is expected


@pytest.mark.parametrize(
    ("status", "type_", "expected"),
    [
        (400, None, errors.InvalidRequestError),
        (401, "Unheard", errors.AuthenticationError),
        (404, "InvalidToken", errors.ResourceNotFoundError),
        (502, None, errors.ServerError),
        (599, "ResourceDeleted", errors.ServerError),
        (402, None, errors.APIError),
        (418, "InvalidRequest", errors.APIError),
        (499, "ServerError", errors.APIError),
    ],
)
def test_unknown_types_fall_back_to_the_status(
    status: int, type_: str | None, expected: type[errors.APIError]
) -> None:
    """A type that is unknown, or belongs to another status, is ignored."""
    assert api_error_class(status, type_) is expected


def test_the_tree_in_the_docstring_is_the_class_tree() -> None:
    """Every public error is drawn below its base class."""
    path: list[str] = []
    for indent, name in re.findall(r"^( *)(\w+Error)\b", str(errors.__doc__), re.MULTILINE):
        path[len(indent) // 4 :] = [name]
        bases = [base.__name__ for base in getattr(errors, name).__mro__]
        assert bases[: len(path)] == path[::-1]

    drawn = re.findall(r"^ *(\w+Error)\b", str(errors.__doc__), re.MULTILINE)
    assert sorted(drawn) == sorted(name for name in errors.__all__ if name.endswith("Error"))


def test_every_error_is_exported() -> None:
    """All errors of the SDK are in `sikoia_async.errors` and in `sikoia_async`."""
    classes, pending = set[str](), [errors.SikoiaError]
    while pending:
        error = pending.pop()
        if error.__module__ == errors.__name__:
            classes.add(error.__name__)
        pending += error.__subclasses__()

    assert classes <= set(errors.__all__)
    assert classes <= set(sikoia_async.__all__)


def test_samples_cover_every_error() -> None:
    """The tests below see every error class."""
    public = {getattr(errors, name) for name in errors.__all__}
    classes = {one for one in public if isinstance(one, type) and issubclass(one, Exception)}

    assert {type(error) for error in SAMPLES} == classes


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    "duplicate",
    [through_pickle, copy.copy, copy.deepcopy],
    ids=["pickle", "copy", "deepcopy"],
)
def test_errors_can_be_pickled_and_copied(error: errors.SikoiaError, duplicate: Any) -> None:
    """The copy has the same message, attributes and notes."""
    error.add_note("a note")

    copied = duplicate(error)

    assert type(copied) is type(error)
    assert (str(copied), copied.args, vars(copied)) == (str(error), error.args, vars(error))


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_help_shows_every_attribute(error: errors.SikoiaError) -> None:
    """With its description, also those that the class inherits."""
    shown = pydoc.plain(pydoc.render_doc(type(error)))
    inherited = dir(type(error))

    assert [name for name in vars(error) if not name.startswith("_")] in ([], ["__notes__"])
    for name in [one.removeprefix("_") for one in vars(error) if not one.startswith("__")]:
        assert name in inherited
        description = inspect.getdoc(getattr(type(error), name))
        assert description
        assert f" |  {name}\n |      {description.splitlines()[0]}" in shown


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_every_error_is_a_sikoia_error(error: errors.SikoiaError) -> None:
    """One except clause catches everything that this SDK raises."""
    assert isinstance(error, errors.SikoiaError)


@pytest.mark.parametrize(
    ("raised", "caught"),
    [
        (errors.ConfigurationError, ValueError),
        (errors.ArgumentTypeError, TypeError),
        (errors.ClientStateError, RuntimeError),
    ],
)
def test_errors_are_also_built_in_errors(raised: type[Exception], caught: type[Exception]) -> None:
    """An invalid argument is a ValueError, and a closed client a RuntimeError."""
    assert issubclass(raised, caught)


@pytest.mark.parametrize("error", [errors.DeadlineExceededError, errors.OperationTimeoutError])
def test_timeouts_of_the_sdk_are_not_os_errors(error: type[Exception]) -> None:
    """A built-in TimeoutError is one, so code that handles file errors would catch them."""
    assert not issubclass(error, OSError)
    assert "TimeoutError" in str(error.__doc__)


@pytest.mark.parametrize(
    "error",
    [error for error in SAMPLES if isinstance(error, errors.CallError)],
    ids=lambda error: type(error).__name__,
)
def test_every_failed_call_has_a_status(error: errors.CallError) -> None:
    """It is None for errors that are about no response."""
    is_about_a_response = hasattr(error, "body") or isinstance(error, errors.TokenError)

    assert isinstance(error.status, int) is is_about_a_response
    assert (error.status is None) is not is_about_a_response


@pytest.mark.parametrize(("ids", "last"), [((), ""), (("a",), "a"), (("a", "b"), "b")])
def test_an_operation_error_has_the_last_correlation_id(ids: tuple[str, ...], last: str) -> None:
    """As a failed call has, so that one handler can log both."""
    error = errors.OperationFailedError("message", result=None, correlation_ids=ids)

    assert error.correlation_id == last


def test_str_is_enough_for_a_support_ticket() -> None:
    """It has the call, the correlation id and the attempts, and no ids of resources."""
    error = errors.ServerError("500 ServerError", call=CALL, **API_FIELDS)

    assert str(error) == (
        "500 ServerError (POST /v2/cases/{case_id}, correlation id received-1, 2 attempts)"
    )


def test_str_counts_attempts_only_after_a_retry() -> None:
    """A call with one attempt does not mention attempts."""
    call = attrs.evolve(CALL, attempts=ATTEMPTS[:1])

    message = str(errors.ConnectionFailedError("no route", call=call))

    assert message == "no route (POST /v2/cases/{case_id}, correlation id received-1)"


def test_errors_expose_the_correlation_id_and_the_attempts() -> None:
    """Both can be read from the error, without going through `call`."""
    error = errors.CallError("message", call=CALL)

    assert (error.correlation_id, error.attempts) == ("received-1", ATTEMPTS)
    assert error.may_have_been_processed is False


def test_a_pickled_operation_timeout_has_no_operation() -> None:
    """An operation belongs to its client, and cannot go to another process."""
    error = errors.OperationTimeoutError(
        "message",
        last="Pending",
        operation=cast("Any", object()),
        token="op1",
        correlation_ids=("a", "b"),
    )

    copied = through_pickle(error)

    assert (copied.operation, copied.last, copied.correlation_ids) == (None, "Pending", ("a", "b"))
    assert error.operation is not None


def test_an_error_of_yours_keeps_its_module() -> None:
    """Only our own errors are shown under the module that users import them from."""

    class LoanError(SikoiaError):
        """An application's own error."""

    assert LoanError.__module__ == __name__
    assert SikoiaError.__module__ == "sikoia_async.errors"
