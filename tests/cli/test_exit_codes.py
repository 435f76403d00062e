"""The exit code of each error, and the line that says what happened."""

import inspect
from typing import Any

import pytest

from sikoia_async import CallInfo, errors
from sikoia_async.cli.exit_codes import ExitCode, describe

CALL = CallInfo(
    method="POST",
    path="/v2/identity",
    url="https://api.sikoia.com/v2/identity",
    correlation_id="corr-1",
    sent_correlation_id="corr-1",
    attempts=(),
    seconds=1.0,
)


def api_error(kind: type[errors.APIError], status: int, **more: Any) -> errors.APIError:
    """Return an error of a call."""
    return kind(
        f"{status}", call=CALL, status=status, type=None, title=None, detail=None, body=b"", **more
    )


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ArgumentError("case: missing"), ExitCode.USAGE),
        (errors.InvalidOperationTokenError("token: malformed"), ExitCode.USAGE),
        (errors.ConfigurationError("no credentials"), ExitCode.CONFIGURATION),
        (errors.QuotaStoreError("unavailable"), ExitCode.CONFIGURATION),
        (errors.ChargeLimitError("used up"), ExitCode.NOT_BOUGHT),
        (errors.PurchaseInDoubtError("look"), ExitCode.IN_DOUBT),
        (errors.TokenError("400", call=CALL, status=400), ExitCode.REFUSED),
        (errors.TokenError("503", call=CALL, status=503), ExitCode.UNAVAILABLE),
        (api_error(errors.InvalidTokenError, 401), ExitCode.REFUSED),
        (api_error(errors.InsufficientPermissionsError, 403), ExitCode.REFUSED),
        (api_error(errors.ResourceDeletedError, 404), ExitCode.NOT_FOUND),
        (api_error(errors.InvalidRequestError, 400), ExitCode.REJECTED),
        (api_error(errors.APIError, 418), ExitCode.REJECTED),
        (api_error(errors.RateLimitError, 429), ExitCode.RATE_LIMIT),
        (api_error(errors.ServerError, 503), ExitCode.UNAVAILABLE),
        (
            api_error(errors.ServerError, 503, may_have_been_processed=True),
            ExitCode.IN_DOUBT,
        ),
        (errors.ConnectionFailedError("refused", call=CALL), ExitCode.UNAVAILABLE),
        (errors.OperationError("closed"), ExitCode.NO_RESULT),
        (errors.ClientStateError("closed"), ExitCode.FAILED),
        (OSError("no"), ExitCode.FAILED),
        (ImportError("install it"), ExitCode.FAILED),
        (KeyError("Wilma"), ExitCode.BUG),
    ],
)
def test_each_error_has_an_exit_code(error: Exception, code: ExitCode) -> None:
    """And one line."""
    found, line = describe(error)

    assert (found, len(line.splitlines())) == (code, 1)


def test_the_line_of_a_call_has_its_correlation_id() -> None:
    """Once, with the name of the error, its notes, and what is in doubt."""
    error = api_error(errors.ServerError, 503, may_have_been_processed=True)
    error.add_note("an earlier\nattempt")

    _, line = describe(error)

    assert line.startswith("ServerError: 503 (POST /v2/identity, correlation id corr-1); ")
    assert line.count("corr-1") == 1
    assert "an earlier attempt; the request may have been processed" in line


def test_the_line_of_an_operation_has_its_correlation_id() -> None:
    """That of the last response."""
    error = errors.OperationError("it failed", correlation_ids=("a", "b"))

    assert describe(error)[1] == "OperationError: it failed (correlation id b)"


def test_the_line_of_a_mistake_says_where_it_is() -> None:
    """Without the message, which may have a value."""

    def mistaken() -> None:
        raise KeyError("Wilma Example")  # noqa: EM101, TRY003 - what must not be printed

    with pytest.raises(KeyError) as caught:
        mistaken()
    _, line = describe(caught.value)

    assert "Wilma" not in line
    assert "KeyError in test_the_line_of_a_mistake_says_where_it_is.<locals>.mistaken, line" in line
    assert describe(KeyError("Wilma"))[1].endswith(": KeyError")


def test_every_code_is_described() -> None:
    """The class has a line below each."""
    source = inspect.getsource(ExitCode)

    assert source.count('"""') == 2 * (len(ExitCode) + 1)
