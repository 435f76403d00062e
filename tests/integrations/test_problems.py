"""What web applications respond with: every class of error has a status, in the docs too."""

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_errors import API_FIELDS, CALL, SAMPLES

from sikoia_async import correlation_id, errors
from sikoia_async.integrations._problems import STATUSES, problem_of

PAGE = Path(__file__).parents[2] / "docs" / "pages" / "fastapi.md"
ALLOWED = {400, 401, 404, 409, 422, 500, 502, 503, 504}


def tree(kind: type[errors.SikoiaError] = errors.SikoiaError) -> Iterator[type[errors.SikoiaError]]:
    """Yield the public classes of errors."""
    if kind.__name__ in errors.__all__:
        yield kind
    for one in kind.__subclasses__():
        yield from tree(one)


def api_error(kind: type[errors.APIError], **fields: Any) -> errors.APIError:
    """Return an error that Sikoia responded with."""
    values: dict[str, Any] = {**API_FIELDS, "retry_after": None, **fields}
    return kind("message", call=CALL, **values)


def test_every_class_of_error_has_a_status() -> None:
    """Decided for each of them: a new class needs a row in `_problems.py` and in the docs."""
    assert set(STATUSES) == set(tree())
    assert set(STATUSES.values()) <= ALLOWED


def test_the_documentation_has_the_same_statuses() -> None:
    """One row per status."""
    rows = re.findall(r"^\| (\d{3}) \| (.*?) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    documented = {name: int(status) for status, names in rows for name in re.findall(r"\w+", names)}

    assert documented == {kind.__name__: status for kind, status in STATUSES.items()}


def test_webhook_errors_keep_their_own_status() -> None:
    """The contract with Sikoia is that of the error."""
    webhook_errors = [kind for kind in STATUSES if issubclass(kind, errors.WebhookError)]

    assert len(webhook_errors) > 4
    for kind in webhook_errors:
        assert STATUSES[kind] == kind.response_status


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_a_response_says_nothing_but_the_status(error: errors.SikoiaError) -> None:
    """No message, no id, no name of a class."""
    error.args = ("Wilma Example is not of age",)
    body, status, headers = problem_of(error)

    assert json.loads(body).keys() == {"type", "title", "status"}
    assert json.loads(body)["status"] == status == STATUSES[type(error)]
    assert headers.keys() - {"Retry-After"} == {"Content-Type", "Cache-Control"}
    for part in ("Wilma", "message", "received-1", "sent-1", "64cd", "Error", "Sikoia"):
        assert part not in f"{body!r} {headers}".replace("Internal Server Error", "")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (api_error(errors.RateLimitError, status=429), "60"),
        (api_error(errors.RateLimitError, status=429, retry_after=1.2), "2"),
        (api_error(errors.RateLimitError, status=429, retry_after=0.0), "1"),
        (api_error(errors.ServerError, status=503), "60"),
        (api_error(errors.ServerError, status=500, retry_after=7.0), "7"),
        (api_error(errors.ServerError, status=500), None),
        (api_error(errors.ConflictError, status=409), None),
        (errors.ChargeLimitError("message"), "60"),
        (errors.ClientStateError("message"), "60"),
    ],
)
def test_a_503_says_when_to_try_again(error: errors.SikoiaError, expected: str | None) -> None:
    """In whole seconds, as long as Sikoia says."""
    assert problem_of(error).headers.get("Retry-After") == expected


@pytest.mark.parametrize(
    ("sent", "expected"), [(500, 502), (502, 502), (503, 503), (504, 504), (599, 502)]
)
def test_an_outage_of_sikoia_is_passed_on(sent: int, expected: int) -> None:
    """A 503 and a 504 stay; anything else is a 502 of this gateway."""
    assert problem_of(api_error(errors.ServerError, status=sent)).status == expected


def test_a_subclass_has_the_status_of_its_nearest_parent() -> None:
    """Also one that the application derives."""

    class Missing(errors.ResourceDeletedError):
        """An error of the application."""

    assert problem_of(api_error(Missing, status=404)).status == 404


def test_a_bug_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    """A setting or a bug must be found; other errors are expected now and then."""
    problem_of(errors.ConfigurationError("timeout: expected seconds"))
    problem_of(api_error(errors.ServerError, status=500))

    bug, other = caplog.records
    assert (bug.levelno, bug.exc_info is None) == (logging.ERROR, False)
    assert (other.levelno, other.exc_info) == (logging.WARNING, None)


def test_a_log_record_has_the_correlation_id_once(caplog: pytest.LogCaptureFixture) -> None:
    """That of the request, unless the error names it; outside of a request there is none."""
    with correlation_id("click-1"):
        problem_of(errors.ArgumentError("name: expected a string"))
        problem_of(errors.ConfigurationError("see click-1"))
    problem_of(errors.ArgumentError("name: expected a string"))

    assert [record.getMessage() for record in caplog.records] == [
        "responded with 422: ArgumentError: name: expected a string (correlation id click-1)",
        "responded with 500: ConfigurationError: see click-1",
        "responded with 422: ArgumentError: name: expected a string",
    ]
    assert [vars(record)["correlation_id"] for record in caplog.records] == [
        "click-1",
        "click-1",
        None,
    ]
