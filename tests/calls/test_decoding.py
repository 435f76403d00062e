"""Large responses: decoded in a worker thread, within the deadline, one at a time."""

import threading
import time
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from typing import Any, Final

import anyio
import anyio.from_thread
import attrs
import httpx
import pytest
from faults import client

from sikoia_async import DeadlineExceededError, Sikoia, UnexpectedResponseError, correlation_id

pytestmark = pytest.mark.anyio

_ANYWHERE: Final = "https://127.0.0.1:1"
_LARGE: Final = 300 * 1024
_MEANT: Final = ContextVar("meant", default="nothing")


@attrs.define
class _Hook:
    made: Callable[[], None]


_HOOK: Final = _Hook(lambda: None)


@attrs.frozen
class _Text:
    """Calls a function when it is made by the decoder."""

    text: str

    def __attrs_post_init__(self) -> None:
        _HOOK.made()


def _client(size: int = _LARGE, **options: Any) -> Sikoia:
    reply = httpx.Response(200, content=b'{"text": "%b"}' % (b"a" * size))
    return client(_ANYWHERE, transport=httpx.MockTransport(lambda _: reply), **options)


@pytest.mark.parametrize(("size", "is_elsewhere"), [(_LARGE, True), (1000, False)])
async def test_a_large_response_is_decoded_in_another_thread(
    size: int, *, is_elsewhere: bool
) -> None:
    """It sees the context of the call. A small one is decoded where it was awaited."""
    seen = list[tuple[bool, str]]()
    here = threading.get_ident()
    _HOOK.made = lambda: seen.append((threading.get_ident() != here, _MEANT.get()))
    reset = _MEANT.set("this")
    found = await _client(size).request("GET", "/v2/cases", into=_Text)
    _MEANT.reset(reset)

    assert len(found.text) == size
    assert seen == [(is_elsewhere, "this")]


async def test_a_large_response_that_does_not_fit_has_the_same_error() -> None:
    """It names the call, and keeps the body."""
    reply = httpx.Response(200, content=b'{"text": ["%b"]}' % (b"a" * _LARGE))
    sikoia = client(_ANYWHERE, transport=httpx.MockTransport(lambda _: reply))
    with (
        correlation_id("c-1"),
        pytest.raises(UnexpectedResponseError, match="expected str") as caught,
    ):
        await sikoia.request("POST", "/v2/cases", into=_Text)

    assert caught.value.correlation_id == "c-1"
    assert caught.value.may_have_been_processed
    assert len(caught.value.body) > _LARGE


async def test_decoding_ends_at_the_deadline() -> None:
    """The thread is left behind: nothing waits for it."""
    go_on = threading.Event()
    _HOOK.made = lambda: _wait(go_on)
    try:
        with pytest.raises(DeadlineExceededError, match="the response was not decoded") as caught:
            await _client(timeout=0.3).request("GET", "/v2/cases", into=_Text)
    finally:
        go_on.set()
    assert caught.value.spent["decoding"]
    assert caught.value.reached == "whole"
    assert not caught.value.may_have_been_processed


async def test_the_response_of_a_call_with_an_effect_is_decoded_after_the_deadline() -> None:
    """It must not get lost: the call may have cost money."""
    go_on = threading.Event()
    _HOOK.made = lambda: _wait(go_on)
    found = list[_Text]()

    async def post() -> None:
        found.append(await _client(timeout=0.3).request("POST", "/v2/cases", into=_Text))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(post)
        await anyio.sleep(0.5)
        go_on.set()
    assert len(found) == 1


async def test_a_cancelled_call_with_an_effect_says_so() -> None:
    """Its response was complete, so it has been processed."""
    go_on, began = threading.Event(), anyio.Event()

    def made() -> None:
        anyio.from_thread.run_sync(began.set)
        _wait(go_on)

    _HOOK.made = made
    notes = list[str]()

    async def post() -> None:
        try:
            await _client().request("POST", "/v2/cases", into=_Text)
        except BaseException as error:
            notes.extend(error.__notes__)
            raise

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(post)
        await began.wait()
        tasks.cancel_scope.cancel()
    go_on.set()
    assert "POST /v2/cases was in progress and may have been processed" in notes[0]


async def test_one_large_response_is_decoded_at_a_time() -> None:
    """Several threads would keep the event loop from running."""
    running, most = 0, 0

    def made() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        time.sleep(0.01)
        running -= 1

    _HOOK.made = made

    async def get() -> None:
        await _client().request("GET", "/v2/cases", into=_Text)

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(get)
    assert most == 1


async def test_a_response_is_decoded_without_a_free_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """It must not get lost because the system has no thread left."""

    def refuse(*_: object, **__: object) -> None:
        msg = "can't start new thread"
        raise RuntimeError(msg)

    _HOOK.made = lambda: None
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        found = await _client().request("POST", "/v2/cases", into=_Text)
    assert len(found.text) == _LARGE


async def test_an_error_of_your_class_is_raised_once() -> None:
    """Decoding is not repeated."""
    calls = list[int]()

    def made() -> None:
        calls.append(1)
        raise RuntimeError(str(len(calls)))

    _HOOK.made = made
    with pytest.raises(RuntimeError, match="1"):
        await _client().request("GET", "/v2/cases", into=_Text)
    assert len(calls) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_response_that_was_read_too_late(method: str) -> None:
    """The event loop stood still. What has no effect ends as if nothing had arrived."""

    class Late(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"[]"
            time.sleep(0.3)  # noqa: ASYNC251 - the event loop stands still

    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Late()))
    sikoia = client(_ANYWHERE, transport=transport, timeout=0.2)
    if method == "POST":
        assert await sikoia.request(method, "/v2/cases") == []
        return
    with pytest.raises(DeadlineExceededError, match=r"within 0\.2 s"):
        await sikoia.request(method, "/v2/cases")


def _wait(event: threading.Event) -> None:
    assert event.wait(30)
