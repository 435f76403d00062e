"""Virtual time for the tests of users: waits cost nothing, and threads are waited for."""

import asyncio
import threading
import time
from typing import Any

import anyio
import anyio.from_thread
import anyio.to_thread
import httpx
import pytest
from faults import client

from sikoia_async import ArgumentError, DeadlineExceededError, Quota, RateLimitError, Sikoia
from sikoia_async.sandbox import Rate, Time
from sikoia_async.testing import (
    MemorySandbox,
    VirtualEventLoop,
    client_of,
    virtual_backend,
    virtual_time,
)

pytestmark = pytest.mark.anyio

_HOUR = 3600
_BIG = [{"user_id": f"u-{number}", "first_name": "x" * 100} for number in range(4000)]


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """Run each test in virtual time, as users do."""
    return virtual_backend(request.param)


async def test_a_wait_takes_no_time() -> None:
    """The clock starts at 0, and jumps to the next timer."""
    before = time.monotonic()
    await anyio.sleep(_HOUR)
    assert virtual_time() == anyio.current_time() == pytest.approx(_HOUR)
    with anyio.move_on_after(_HOUR):
        await anyio.sleep_forever()
    assert anyio.current_time() == pytest.approx(2 * _HOUR)
    assert time.monotonic() - before < 60


def test_outside_of_an_event_loop_it_is_0() -> None:
    """Where fixtures create a local Sikoia."""
    assert virtual_time() == 0.0


async def test_a_used_up_quota_is_waited_for() -> None:
    """Two minutes for eleven calls of five a minute, on the clocks of both sides."""
    rate = Rate(requests_per_window=5, window=60)
    with MemorySandbox(rate=rate, time=Time(clock=virtual_time)) as sandbox:
        async with client_of(sandbox, quota=Quota(5, 60), timeout=_HOUR) as sikoia:
            for _ in range(11):
                await sikoia.users.list()
            assert anyio.current_time() > 100
        async with client_of(sandbox, quota=None, retries=0) as impatient:
            outcomes = [await _outcome(impatient) for _ in range(6)]
    assert RateLimitError in outcomes


async def _outcome(sikoia: Sikoia) -> type[object]:
    try:
        return type(await sikoia.users.list())
    except RateLimitError as error:
        return type(error)


async def test_a_large_response_is_decoded_before_the_clock_moves() -> None:
    """In a worker thread, which takes real time."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=_BIG))
    async with client("https://127.0.0.1:8400", transport=transport, timeout=0.001) as sikoia:
        assert len(await sikoia.users.list()) == len(_BIG)
    assert anyio.current_time() < 0.001


async def test_worker_threads_are_waited_for() -> None:
    """Also those of users, and the clock still jumps while such threads are idle."""
    with anyio.fail_after(1):
        await anyio.to_thread.run_sync(time.sleep, 0.2)
    assert anyio.current_time() == 0
    await anyio.sleep(_HOUR)
    assert anyio.current_time() == pytest.approx(_HOUR)


async def test_a_deadline_passes_if_nothing_happens() -> None:
    """A response that never comes costs no time."""

    class Silent(httpx.AsyncBaseTransport):
        """Never responds."""

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await anyio.sleep_forever()
            raise AssertionError(request)

    async with client("https://127.0.0.1:8400", transport=Silent(), timeout=_HOUR) as sikoia:
        with pytest.raises(DeadlineExceededError):
            await sikoia.users.list()
    assert anyio.current_time() == pytest.approx(_HOUR)


@pytest.mark.parametrize(
    "anyio_backend",
    [virtual_backend("asyncio", patience=0.1), virtual_backend("trio", patience=0.1)],
    ids=["asyncio", "trio"],
)
async def test_a_thread_that_waits_for_the_loop_does_not_hang() -> None:
    """The clock has to move in the end, because the thread waits for it."""
    await anyio.to_thread.run_sync(lambda: anyio.from_thread.run(anyio.sleep, _HOUR))
    assert anyio.current_time() == pytest.approx(_HOUR)


def test_the_loop_of_asyncio_works_alone() -> None:
    """Without plugins, with asyncio's own threads, and if nothing but a thread can wake it."""

    async def main() -> float:
        await asyncio.sleep(_HOUR)
        async with asyncio.timeout(1):
            await asyncio.to_thread(time.sleep, 0.1)
        loop, woken = asyncio.get_running_loop(), asyncio.Event()
        timer = threading.Timer(0.1, loop.call_soon_threadsafe, (woken.set,))
        timer.start()
        await woken.wait()
        return loop.time()

    with asyncio.Runner(loop_factory=VirtualEventLoop) as runner:
        assert runner.run(main()) == pytest.approx(_HOUR)


def test_other_backends_are_refused() -> None:
    """There are two."""
    with pytest.raises(ArgumentError, match="name: expected 'asyncio' or 'trio'"):
        virtual_backend("curio")  # type: ignore[arg-type]
