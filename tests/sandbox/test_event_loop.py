"""Things that are done in the event loop of the server, and block until they are."""

import threading

import pytest

from sikoia_async.sandbox import Sandbox, create_app
from sikoia_async.sandbox.event_loop import EventLoop


async def nothing() -> None:
    """Return at once."""


def test_what_looks_at_everything_is_done_where_requests_are_answered(sandbox: Sandbox) -> None:
    """Any thread may ask for it, the server's own too; what comes back, comes back."""
    turns = sandbox._app.event_loop

    def inner() -> str:
        return threading.current_thread().name

    assert turns.run(inner) == "sikoia-sandbox"
    assert turns.run(lambda: turns.run(inner)) == "sikoia-sandbox"


def test_what_goes_wrong_there_goes_wrong_here(sandbox: Sandbox) -> None:
    """An exception crosses the threads."""
    with pytest.raises(ZeroDivisionError):
        sandbox._app.event_loop.run(lambda: 1 / 0)


def test_without_a_server_things_are_done_at_once() -> None:
    """Before it, after it, and where there is none; but there is nobody to block for."""
    here = threading.current_thread()
    with Sandbox() as sandbox:
        ended = sandbox._app.event_loop

    for turns in (ended, EventLoop(), create_app().event_loop):
        assert turns.run(threading.current_thread) is here
        with pytest.raises(RuntimeError, match="not running"):
            turns.run_coroutine(nothing)


def test_the_server_does_not_wait_for_itself(sandbox: Sandbox) -> None:
    """Blocking in its own thread would last for ever, and is refused."""
    turns = sandbox._app.event_loop

    with pytest.raises(RuntimeError, match="wait for itself"):
        turns.run(lambda: turns.run_coroutine(nothing))
