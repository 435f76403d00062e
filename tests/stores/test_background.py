"""Work in the background belongs to the client: not to the task that started it."""

import logging
from contextvars import ContextVar

import anyio
import pytest
from faults import SECRET

from sikoia_async.stores.background import Background

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_caller: ContextVar[str] = ContextVar("_caller", default="nobody")


async def test_it_runs_on_after_its_caller_was_cancelled() -> None:
    """And without the caller's context variables."""
    background, seen = Background(), list[str]()

    async def work() -> None:
        await anyio.sleep(5)
        seen.append(_caller.get())

    with anyio.CancelScope() as scope:
        _caller.set("a request")
        background.start(work)
        scope.cancel()
        await anyio.sleep_forever()
    assert background.busy
    await anyio.sleep(6)

    assert seen == ["nobody"]
    assert not background.busy


async def test_closing_ends_it() -> None:
    """Several tasks, with their cleanup."""
    background, ended = Background(), list[str]()

    async def work() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.append("cleaned up")

    for _ in range(3):
        background.start(work)
    await anyio.wait_all_tasks_blocked()
    await background.aclose()

    assert ended == ["cleaned up"] * 3
    assert not background.busy
    await background.aclose()


async def test_closing_takes_a_second_at_most() -> None:
    """Work that does not end when it is cancelled cannot hold up the client, cancelled or not."""
    background, began = Background(), anyio.current_time()

    async def work() -> None:
        with anyio.CancelScope(shield=True):
            await anyio.sleep(10)

    background.start(work)
    await anyio.wait_all_tasks_blocked()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await background.aclose()

    assert anyio.current_time() - began == pytest.approx(1)
    await anyio.sleep(10)
    assert not background.busy


async def test_one_task_can_be_cancelled() -> None:
    """Even before it has begun."""
    background, seen = Background(), list[int]()

    async def work(number: int) -> None:
        await anyio.sleep(1)
        seen.append(number)

    background.start(lambda: work(1)).cancel()
    background.start(lambda: work(2))
    await anyio.sleep(2)

    assert seen == [2]


async def test_an_error_is_logged_without_its_message(caplog: pytest.LogCaptureFixture) -> None:
    """It ends neither the other tasks nor the event loop."""
    background, seen = Background(), list[str]()

    async def fail() -> None:
        await anyio.sleep(1)
        raise OSError(SECRET)

    async def work() -> None:
        await anyio.sleep(2)
        seen.append("done")

    with caplog.at_level(logging.WARNING, "sikoia_async"):
        background.start(fail)
        background.start(work)
        await anyio.sleep(3)

    assert seen == ["done"]
    assert caplog.messages == ["background work of the client failed with OSError"]
