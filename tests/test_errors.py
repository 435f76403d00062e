"""The error tree: who must act, and what an error tells."""

import copy
import pickle
from typing import Any, cast

import attrs
import pytest

from sikoia_async import errors
from sikoia_async._errors import api_error_class
from sikoia_async.errors import Attempt, CallInfo

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
    errors.SikoiaError("words"),
    errors.ConfigurationError("words"),
    errors.ArgumentTypeError("words"),
    errors.ChargeLimitError("words"),
    errors.ClientStateError("words"),
    errors.CallError("words", call=CALL),
    errors.TransportError("words", call=CALL),
    errors.ConnectionFailedError("words", call=CALL, may_have_been_processed=True),
    errors.DeadlineExceededError(
        "words", call=CALL, may_have_been_processed=True, spent={"quota": 0.5}
    ),
    errors.UnexpectedResponseError(
        "words", call=CALL, status=200, body=b"[1,", problems=("is no JSON",)
    ),
    errors.TokenError("words", call=CALL, status=400, error="invalid_client"),
    *(made("words", call=CALL, **API_FIELDS) for made in API_ERRORS),
    errors.OperationError("words"),
    errors.OperationFailedError("words", result="Failed", correlation_ids=("a",)),
    errors.OperationTimeoutError(
        "words",
        last="Pending",
        operation=None,
        token="op1",
        correlation_ids=("a",),
    ),
    errors.WebhookError("words"),
    errors.WebhookVerificationError("words"),
    errors.WebhookPayloadError("words"),
    errors.WebhookHandlerError("words", event=None),
    errors.ReplayStoreError("words"),
]


def through_pickle(error: Any) -> Any:
    """Send an error to another process and back."""
    return pickle.loads(pickle.dumps(error))  # noqa: S301 - our own


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
    """Each type of the documentation leads to the class that bears its name."""
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
def test_unknown_types_go_by_their_status(
    status: int, type_: str | None, expected: type[errors.APIError]
) -> None:
    """A type that is not known, or does not belong to the status, changes nothing."""
    assert api_error_class(status, type_) is expected


def test_samples_are_all_errors() -> None:
    """No error class is left out of the tests below."""
    public = {getattr(errors, name) for name in errors.__all__}
    classes = {one for one in public if isinstance(one, type) and issubclass(one, Exception)}

    assert {type(error) for error in SAMPLES} == classes


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    "duplicate",
    [through_pickle, copy.copy, copy.deepcopy],
    ids=["pickle", "copy", "deepcopy"],
)
def test_errors_travel_whole(error: errors.SikoiaError, duplicate: Any) -> None:
    """An error that went to another process, or was copied, holds all that it held."""
    error.add_note("a note")

    twin = duplicate(error)

    assert type(twin) is type(error)
    assert (str(twin), twin.args, vars(twin)) == (str(error), error.args, vars(error))


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_every_error_is_a_sikoia_error(error: errors.SikoiaError) -> None:
    """One except clause catches whatever this SDK raises."""
    assert isinstance(error, errors.SikoiaError)


@pytest.mark.parametrize(
    ("raised", "caught"),
    [(errors.ConfigurationError, ValueError), (errors.ClientStateError, RuntimeError)],
)
def test_mistakes_are_what_python_calls_them(
    raised: type[Exception], caught: type[Exception]
) -> None:
    """A wrong argument is a ValueError, and a wrong moment a RuntimeError."""
    assert issubclass(raised, caught)


def test_str_is_enough_for_a_support_ticket() -> None:
    """The text tells the call, the id to quote and the attempts, and not the ids in the path."""
    error = errors.ServerError("500 ServerError", call=CALL, **API_FIELDS)

    assert str(error) == (
        "500 ServerError (POST /v2/cases/{case_id}, correlation id received-1, 2 attempts)"
    )


def test_one_attempt_is_not_worth_a_word() -> None:
    """A call that was tried once says nothing of attempts."""
    call = attrs.evolve(CALL, attempts=ATTEMPTS[:1])

    text = str(errors.ConnectionFailedError("no route", call=call))

    assert text == "no route (POST /v2/cases/{case_id}, correlation id received-1)"


def test_errors_show_what_support_asks_for() -> None:
    """The id and the attempts can be read without taking the call apart."""
    error = errors.CallError("words", call=CALL)

    assert (error.correlation_id, error.attempts) == ("received-1", ATTEMPTS)
    assert error.may_have_been_processed is False


def test_operation_timeout_leaves_its_operation_behind() -> None:
    """An operation belongs to its client, and does not go to another process."""
    error = errors.OperationTimeoutError(
        "words",
        last="Pending",
        operation=cast("Any", object()),
        token="op1",
        correlation_ids=("a", "b"),
    )

    twin = through_pickle(error)

    assert (twin.operation, twin.last, twin.correlation_ids) == (None, "Pending", ("a", "b"))
    assert error.operation is not None
