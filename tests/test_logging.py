"""What is logged: which records, at which level, and that there is nothing more in them."""

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
    """Return what a record has beyond what every record has."""
    usual = {*vars(logging.makeLogRecord({})), "message"}  # the last one is the formatter's
    return {name: value for name, value in vars(record).items() if name not in usual}


def _record(log: pytest.LogCaptureFixture) -> logging.LogRecord:
    (record,) = log.records
    assert record.name == "sikoia_async"
    return record


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Listen to all that is logged."""
    caplog.set_level(logging.DEBUG)
    return caplog


def test_a_call_that_has_ended_is_one_record(log: pytest.LogCaptureFixture) -> None:
    """It says what came and after how long, and has each part of it as a field, too."""
    _logging.ended(lambda: _CALL, 200)

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


def test_a_call_without_an_answer_is_told_as_such(log: pytest.LogCaptureFixture) -> None:
    """The fields say why, and the message how often it was tried."""
    _logging.ended(lambda: attrs.evolve(_CALL, attempts=(_BUSY, _LOST)), None)

    record = _record(log)
    assert record.getMessage() == (
        "GET /v2/cases/{case_id}: no answer in 0.500 s, 2 attempts (correlation id received-1)"
    )
    assert (_fields(record)["status"], _fields(record)["error"]) == (
        None,
        "the connection was lost",
    )


def test_a_call_that_never_went_out_is_told(log: pytest.LogCaptureFixture) -> None:
    """There may have been no attempt at all."""
    _logging.ended(lambda: attrs.evolve(_CALL, attempts=()), None)

    assert (_fields(_record(log))["attempts"], _fields(_record(log))["error"]) == (0, None)


@pytest.mark.parametrize(("last", "came"), [(_BUSY, "503"), (_LOST, "no answer")])
def test_a_retry_is_told_before_it_is_made(
    last: Attempt, came: str, log: pytest.LogCaptureFixture
) -> None:
    """Who looks for the reason of a slow call finds it at the level INFO."""
    _logging.retrying(lambda: attrs.evolve(_CALL, attempts=(last,)), 1.25)

    record = _record(log)
    assert record.levelname == "INFO"
    assert record.getMessage() == (
        f"GET /v2/cases/{{case_id}}: {came} after 0.500 s; attempt 2 follows in 1.25 s "
        "(correlation id received-1)"
    )
    assert set(_fields(record)) == set(_logging.FIELDS)


@pytest.mark.parametrize(
    ("kind", "level", "says"),
    [
        ("Case.date: unreadable", "WARNING", "unreadable text, taken as None (see drift): "),
        ("Case.colour: unknown field", "INFO", "an answer has something new (see drift): "),
        ("$: unknown value", "INFO", "an answer has something new (see drift): "),
    ],
)
def test_a_difference_is_told(
    kind: str, level: str, says: str, log: pytest.LogCaptureFixture
) -> None:
    """What is lost by it is a warning, and what is not is none."""
    _logging.differs(kind)

    record = _record(log)
    assert (record.levelname, record.getMessage()) == (level, says + kind)
    assert _fields(record) == {}


@pytest.mark.parametrize(
    "field",
    ["Case.Ada Lovelace", "Case.GB29NWBK60161331926819", "Case.a\nWARNING root: b", "Case.é", ""],
    ids=ascii,
)
def test_a_key_that_is_no_name_is_not_repeated(field: str, log: pytest.LogCaptureFixture) -> None:
    """An answer's keys may be anything: somebody's name, an account, a line of a log."""
    _logging.differs(f"{field}: unknown field")

    assert _record(log).getMessage().endswith("a field whose name is no name of the API's")


def test_nothing_is_made_for_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """Where nobody listens, a call's record is not even asked for."""

    def unasked() -> CallInfo:
        raise AssertionError

    caplog.set_level(logging.WARNING)
    _logging.ended(unasked, 200)
    _logging.retrying(unasked, 1.0)

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
    """`request` takes a path with ids in it; a record has places for them."""
    assert _logging.without_ids(path) == (shown or path)


def test_a_given_path_is_logged_without_ids(log: pytest.LogCaptureFixture) -> None:
    """Neither the message nor the field has the id."""
    _logging.ended(lambda: attrs.evolve(_CALL, path="/v2/cases/canary-1"), 200)

    assert "canary" not in log.text
    assert _fields(_record(log))["path"] == "/v2/cases/{id}"


@pytest.mark.anyio
@pytest.mark.virtual_time
async def test_the_records_of_a_call_that_is_tried_again(log: pytest.LogCaptureFixture) -> None:
    """One for the attempt that comes to nothing, and one for the end; what is new is told once."""
    new = b'[{"user_id": "1", "canary_colour": "canary", "canary name": "canary"}]'
    server = Played(
        httpx.Response(503), httpx.Response(200, content=new), httpx.Response(200, content=new)
    )
    async with client("https://127.0.0.1:8400", transport=server, retries=2) as sikoia:
        await sikoia.users.list()
        for _ in range(100):
            await sikoia.users.list()

    ours = [one for one in log.records if one.name == "sikoia_async"]
    first, second, *_ = [one for one in ours if _fields(one)]
    assert (first.levelname, second.levelname) == ("INFO", "DEBUG")
    assert "503" in first.getMessage()
    assert "attempt 2 follows" in first.getMessage()
    assert ": 200 in" in second.getMessage()
    assert (_fields(first)["attempts"], _fields(second)["attempts"]) == (1, 2)
    told = [one.getMessage() for one in ours if not _fields(one)]
    assert sorted(told) == [
        "an answer has something new (see drift): User.canary_colour: unknown field",
        "an answer has something new (see drift): a field whose name is no name of the API's",
    ]
