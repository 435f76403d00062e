"""Log records: their level, message and fields, and nothing else."""

import logging
from typing import Any, Final

import attrs
import httpx
import pytest
from faults import client
from reliability.harness import Played

from sikoia_async import _logging
from sikoia_async.errors import Attempt, CallInfo

_BUSY: Final = Attempt(status=503, error=None, waited=0.0, seconds=0.25)
_LOST: Final = Attempt(status=None, error="the connection was lost", waited=0.5, seconds=0.125)
_CALL: Final = CallInfo(
    method="GET",
    path="/v2/cases/{case_id}",
    url="https://api.sikoia.com/v2/cases/canary",
    correlation_id="received-1",
    sent_correlation_id="sent-1",
    attempts=(_BUSY,),
    seconds=0.5,
)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    """Return the attributes that a plain record does not have."""
    usual = {*vars(logging.makeLogRecord({})), "message"}  # `message` is set by formatters
    return {name: value for name, value in vars(record).items() if name not in usual}


def _record(log: pytest.LogCaptureFixture) -> logging.LogRecord:
    (record,) = log.records
    assert record.name == "sikoia_async"
    return record


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Capture every record."""
    caplog.set_level(logging.DEBUG)
    return caplog


def test_a_call_is_logged_as_one_record(log: pytest.LogCaptureFixture) -> None:
    """It has the status and the duration, in the message and as fields."""
    _logging.log_call_ended(lambda: _CALL, 200)

    record = _record(log)
    assert record.levelname == "DEBUG"
    assert record.getMessage() == (
        "GET /v2/cases/{case_id}: 200 in 0.500 s (correlation id received-1)"
    )
    assert _fields(record) == {
        "method": "GET",
        "path": "/v2/cases/{case_id}",
        "status": 200,
        "error": None,
        "seconds": 0.5,
        "attempts": 1,
        "correlation_id": "received-1",
    }


def test_a_call_without_a_response_is_logged(log: pytest.LogCaptureFixture) -> None:
    """The fields say why, and the message how many attempts were made."""
    _logging.log_call_ended(lambda: attrs.evolve(_CALL, attempts=(_BUSY, _LOST)), None)

    record = _record(log)
    assert record.getMessage() == (
        "GET /v2/cases/{case_id}: no response in 0.500 s, 2 attempts (correlation id received-1)"
    )
    assert (_fields(record)["status"], _fields(record)["error"]) == (
        None,
        "the connection was lost",
    )


def test_a_call_that_was_never_sent_is_logged(log: pytest.LogCaptureFixture) -> None:
    """It has no attempts."""
    _logging.log_call_ended(lambda: attrs.evolve(_CALL, attempts=()), None)

    assert (_fields(_record(log))["attempts"], _fields(_record(log))["error"]) == (0, None)


@pytest.mark.parametrize(("last", "outcome"), [(_BUSY, "503"), (_LOST, "no response")])
def test_a_retry_is_logged_before_it_is_made(
    last: Attempt, outcome: str, log: pytest.LogCaptureFixture
) -> None:
    """At level INFO, so that the reason for a slow call can be found."""
    _logging.log_retry(lambda: attrs.evolve(_CALL, attempts=(last,)), 1.25)

    record = _record(log)
    assert record.levelname == "INFO"
    assert record.getMessage() == (
        f"GET /v2/cases/{{case_id}}: {outcome} after 0.500 s; retrying in 1.25 s, attempt 2 "
        "(correlation id received-1)"
    )
    assert set(_fields(record)) == set(_logging.FIELDS)


@pytest.mark.parametrize(
    ("kind", "level", "message"),
    [
        (
            "Case.date: unreadable",
            "WARNING",
            "unreadable, decoded as None (see drift): ",
        ),
        (
            "Case.colour: unknown field",
            "INFO",
            "unknown to this SDK, ignored (see drift): ",
        ),
        ("$: unknown value", "INFO", "unknown to this SDK, ignored (see drift): "),
    ],
)
def test_drift_is_logged(
    kind: str, level: str, message: str, log: pytest.LogCaptureFixture
) -> None:
    """As a warning only if a value is lost."""
    _logging.log_drift(kind)

    record = _record(log)
    assert (record.levelname, record.getMessage()) == (level, message + kind)
    assert _fields(record) == {}


@pytest.mark.parametrize(
    "field",
    ["Case.Ada Lovelace", "Case.GB29NWBK60161331926819", "Case.a\nWARNING root: b", "Case.é", ""],
    ids=ascii,
)
def test_unusual_keys_are_not_logged(field: str, log: pytest.LogCaptureFixture) -> None:
    """A key of a response may be a name, an account number or a forged log line."""
    _logging.log_drift(f"{field}: unknown field")

    assert _record(log).getMessage().endswith("a field with an unusual name")


def test_records_are_built_only_if_logging_is_on(caplog: pytest.LogCaptureFixture) -> None:
    """Below WARNING, the call's record is not requested."""

    def not_called() -> CallInfo:
        raise AssertionError

    caplog.set_level(logging.WARNING)
    _logging.log_call_ended(not_called, 200)
    _logging.log_retry(not_called, 1.0)

    assert not caplog.records


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/v2/cases", "/v2/cases"),
        ("/v2/Persons/{entity_id}/affordability-insights", None),
        ("(link)", "(link)"),
        ("/v2/cases/64cd8202-2db4-44d5-85be-79438d65eb7b", "/v2/cases/{id}"),
        ("/v2/webhooks/r51154bd/requests", "/v2/webhooks/{id}/requests"),
        ("/v2/search/12345678/a@b.example", "/v2/search/{id}/{id}"),
        ("/token", "/token"),
    ],
)
def test_ids_in_a_path_are_not_logged(path: str, shown: str | None) -> None:
    """`Sikoia.request` accepts a path with ids; a record has placeholders for them."""
    assert _logging.without_ids(path) == (shown or path)


def test_a_path_is_logged_without_its_ids(log: pytest.LogCaptureFixture) -> None:
    """Neither in the message nor in the field."""
    _logging.log_call_ended(lambda: attrs.evolve(_CALL, path="/v2/cases/canary-1"), 200)

    assert "canary" not in log.text
    assert _fields(_record(log))["path"] == "/v2/cases/{id}"


@pytest.mark.anyio
@pytest.mark.virtual_time
async def test_a_retried_call_has_two_records(log: pytest.LogCaptureFixture) -> None:
    """One for the failed attempt and one for the end. Drift is logged once."""
    new = b'[{"user_id": "1", "canary_colour": "canary", "canary name": "canary"}]'
    server = Played(
        httpx.Response(503), httpx.Response(200, content=new), httpx.Response(200, content=new)
    )
    async with client("https://127.0.0.1:8400", transport=server, retries=2) as sikoia:
        await sikoia.users.list()
        for _ in range(100):
            await sikoia.users.list()

    records = [one for one in log.records if one.name == "sikoia_async"]
    first, second, *_ = [one for one in records if _fields(one)]
    assert (first.levelname, second.levelname) == ("INFO", "DEBUG")
    assert "503" in first.getMessage()
    assert "retrying in" in first.getMessage()
    assert ": 200 in" in second.getMessage()
    assert (_fields(first)["attempts"], _fields(second)["attempts"]) == (1, 2)
    drift = [one.getMessage() for one in records if not _fields(one)]
    assert sorted(drift) == [
        "unknown to this SDK, ignored (see drift): User.canary_colour: unknown field",
        "unknown to this SDK, ignored (see drift): a field with an unusual name",
    ]


class _Broken(logging.Filter):
    """A filter of an application that always raises."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Raise."""
        raise RuntimeError(record.name)


def test_logging_that_raises_costs_no_call() -> None:
    """An error in a filter of the application does not reach the caller."""
    log, broken = logging.getLogger("sikoia_async"), _Broken()
    log.addFilter(broken)
    before = log.level
    log.setLevel(logging.DEBUG)
    try:
        _logging.log_drift("Case.colour: unknown field")
        _logging.log_retry(lambda: attrs.evolve(_CALL, attempts=(_BUSY,)), 1.0)
        _logging.log_call_ended(lambda: _CALL, 200)
    finally:
        log.setLevel(before)
        log.removeFilter(broken)
