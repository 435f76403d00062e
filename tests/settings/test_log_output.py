"""`SIKOIA_LOG` prints log records for people, once, and only where nobody else does."""

import io
import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager, redirect_stderr

import pytest
from faults import client

from sikoia_async import Sikoia
from sikoia_async._logging import log_deprecation, log_drift
from sikoia_async.testing import MemorySandbox, client_of

INFO = "Case.colour: unknown field"


def _loggers() -> list[logging.Logger]:
    names = ("sikoia_async", "sikoia_async.requests")
    return [logging.getLogger(), *map(logging.getLogger, names)]


@contextmanager
def _program() -> Generator[io.StringIO]:
    """Run as a program that has not configured logging; gives what it prints on standard error.

    Not a fixture, because pytest adds its own handlers when these are set up.
    """
    before = [(one, one.handlers[:], one.level, one.propagate) for one in _loggers()]
    for one in _loggers():
        one.handlers[:] = []
    try:
        with redirect_stderr(io.StringIO()) as stderr:
            yield stderr
    finally:
        for one, handlers, level, propagate in before:
            one.handlers[:], one.propagate = handlers, propagate
            one.setLevel(level)


def _new_client() -> Sikoia:
    return client("https://127.0.0.1:1")


def test_records_are_printed_from_info(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, however many clients there are."""
    with _program() as stderr:
        monkeypatch.setenv("SIKOIA_LOG", " INFO\n")
        for _ in range(3):
            _new_client()

        log_drift(INFO)
        logging.getLogger("sikoia_async").debug("a detail")

        (line,) = stderr.getvalue().splitlines()
        assert line.endswith(
            f" INFO    sikoia_async: unknown to this SDK, ignored (see drift): {INFO}"
        )


@pytest.mark.anyio
@pytest.mark.parametrize("level", ["info", "debug"])
async def test_each_request_is_printed_at_debug(
    level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a `curl` command, and then how the call ended."""
    with _program() as stderr:
        monkeypatch.setenv("SIKOIA_LOG", level)
        with MemorySandbox() as sandbox:
            async with client_of(sandbox) as sikoia:
                view = sikoia.with_options(correlation_id="order-7")
                await view.cases.create(name="A Canary", case_type="Business")

        lines = [line.partition(" sikoia_async")[2] for line in stderr.getvalue().splitlines()]
        if level == "info":
            assert lines == []
            return
        request, end = lines
        assert request.startswith(".requests: curl -X POST ")
        assert request.endswith("""--data-raw '{"name":"***","case_type":"Business"}'""")
        assert "'X-Correlation-Id: order-7' -H 'Authorization: Bearer ***'" in request
        assert end.startswith(": POST /v2/cases: 201 in ")


def test_nothing_is_printed_without_the_variable() -> None:
    """Except what Python prints: warnings."""
    with _program() as stderr:
        _new_client()

        log_drift(INFO)
        log_deprecation("an operation is deprecated")

        assert stderr.getvalue() == "an operation is deprecated\n"


def _give_a_level() -> None:
    logging.getLogger("sikoia_async").setLevel(logging.WARNING)


def _give_a_handler() -> None:
    logging.getLogger("sikoia_async").addHandler(logging.NullHandler())


def _keep_apart() -> None:
    logging.getLogger("sikoia_async").propagate = False


@pytest.mark.parametrize("configure", [_give_a_level, _give_a_handler, _keep_apart])
def test_an_application_that_configured_the_logger_is_left_alone(
    configure: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The logger keeps its level and its handlers."""
    with _program() as stderr:
        monkeypatch.setenv("SIKOIA_LOG", "debug")
        configure()
        before = [(one.level, one.handlers[:]) for one in _loggers()]

        _new_client()
        log_drift(INFO)

        assert [(one.level, one.handlers[:]) for one in _loggers()] == before
        assert stderr.getvalue() == ""


@pytest.mark.parametrize("is_early", [True, False], ids=["before", "after"])
def test_records_that_the_application_prints_are_not_printed_twice(
    is_early: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether logging is configured before or after the client is created."""
    with _program() as stderr:
        monkeypatch.setenv("SIKOIA_LOG", "info")
        if is_early:
            logging.basicConfig(format="mine: %(message)s")
        _new_client()
        if not is_early:
            logging.basicConfig(format="mine: %(message)s")

        log_drift(INFO)

        assert stderr.getvalue() == f"mine: unknown to this SDK, ignored (see drift): {INFO}\n"


def test_a_handler_that_drops_everything_is_not_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Libraries add them. One of the requests' logger gets their records instead."""
    with _program() as stderr:
        monkeypatch.setenv("SIKOIA_LOG", "debug")
        logging.getLogger().addHandler(logging.NullHandler())
        _new_client()
        requests = logging.getLogger("sikoia_async.requests")
        requests.debug("printed")
        requests.addHandler(logging.StreamHandler(io.StringIO()))
        requests.propagate = False
        requests.debug("elsewhere")

        (line,) = stderr.getvalue().splitlines()
        assert line.endswith(" DEBUG   sikoia_async.requests: printed")


def test_a_closed_terminal_costs_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a program without one."""
    monkeypatch.setenv("SIKOIA_LOG", "info")
    monkeypatch.setattr(logging, "raiseExceptions", False)
    with _program():
        _new_client()
        closed = io.StringIO()
        closed.close()
        for stream in (closed, None):
            with redirect_stderr(stream):
                log_drift(INFO)


@pytest.mark.anyio
async def test_a_level_of_a_parent_does_not_print_requests() -> None:
    """An application that logs everything at DEBUG gets them only if it names their logger."""
    with _program() as stderr:
        logging.basicConfig(level=logging.DEBUG, format="%(name)s")
        with MemorySandbox() as sandbox:
            async with client_of(sandbox) as sikoia:
                await sikoia.users.list()
                logging.getLogger("sikoia_async.requests").setLevel(logging.DEBUG)
                await sikoia.users.list()
                logging.disable(logging.CRITICAL)
                await sikoia.users.list()
                logging.disable(logging.NOTSET)

        names = [line for line in stderr.getvalue().splitlines() if line.startswith("sikoia")]
        assert names == ["sikoia_async", "sikoia_async.requests", "sikoia_async"]
