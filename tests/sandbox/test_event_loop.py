"""Calls into the event loop of the server."""

import threading

import pytest

from sikoia_async.sandbox import Sandbox, create_app
from sikoia_async.sandbox.event_loop import EventLoop


async def nothing() -> None:
    """Return at once."""


def test_functions_run_in_the_event_loop_of_the_server(sandbox: Sandbox) -> None:
    """From any thread, including the server's own; the result is returned."""
    event_loop = sandbox._app.event_loop

    def inner() -> str:
        return threading.current_thread().name

    assert event_loop.run(inner) == "sikoia-sandbox"
    assert event_loop.run(lambda: event_loop.run(inner)) == "sikoia-sandbox"


def test_exceptions_are_raised_in_the_caller(sandbox: Sandbox) -> None:
    """They cross the threads."""
    with pytest.raises(ZeroDivisionError):
        sandbox._app.event_loop.run(lambda: 1 / 0)


def test_without_a_server_functions_run_in_the_caller() -> None:
    """Before the start, after the end, and without a server; coroutines cannot run."""
    caller = threading.current_thread()
    with Sandbox() as sandbox:
        stopped = sandbox._app.event_loop

    for event_loop in (stopped, EventLoop(), create_app().event_loop):
        assert event_loop.run(threading.current_thread) is caller
        with pytest.raises(RuntimeError, match="not running"):
            event_loop.run_coroutine(nothing)


def test_blocking_in_the_thread_of_the_server_is_refused(sandbox: Sandbox) -> None:
    """It would be a deadlock."""
    event_loop = sandbox._app.event_loop

    with pytest.raises(RuntimeError, match="would deadlock"):
        event_loop.run(lambda: event_loop.run_coroutine(nothing))
