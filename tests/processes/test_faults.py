"""What breaks while several real processes share one rate limit: counts at the server, not times.

The server has a window of random phase. A limit that is kept in every window of any phase is never
exceeded by more than chance.
"""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from servers import RedisServer

sys.path.insert(1, str(Path(__file__).parents[2] / "benchmarks"))
from _window import Window, worst

LIMIT, PER = 10, 1.0
WORKER = Path(__file__).with_name("worker.py")
TASKS = 3
"""How many requests a worker has in flight at most."""

pytestmark = [
    pytest.mark.anyio,
    # The server of the test is one of asyncio; the clients run in processes of their own.
    pytest.mark.parametrize("anyio_backend", ["asyncio"]),
]


class Fleet:
    """Worker processes and the server that they call."""

    def __init__(self, window: Window, workers: list[Process]) -> None:
        self.window = window
        self.workers = workers

    @property
    def worst(self) -> int:
        """The most requests in any window."""
        return worst(self.window.arrivals, PER)

    async def served(self, count: int) -> None:
        """Wait until the server has answered some more requests."""
        until = self.window.served + count
        async with asyncio.timeout(120):
            while self.window.served < until:  # noqa: ASYNC110 - the server sets no event
                await asyncio.sleep(0.02)

    async def stop(self) -> list[str]:
        """Let the workers end, and return the types of their errors."""
        errors = list[str]()
        for worker in self.workers:
            if worker.returncode is None:
                output, _ = await asyncio.wait_for(worker.communicate(b"\n"), 120)
                *found, last = output.decode().split()
                assert last == "done"
                errors += found
        return errors


@asynccontextmanager
async def fleet(at: str, count: int = 2) -> AsyncGenerator[Fleet]:
    """Run workers that share a store, from their first request on."""
    async with Window(LIMIT, PER, 0.01) as window:
        arguments = (f"http://127.0.0.1:{window.port}", at, str(LIMIT), str(PER))
        workers = [
            await asyncio.create_subprocess_exec(
                sys.executable, str(WORKER), *arguments, stdin=PIPE, stdout=PIPE
            )
            for _ in range(count)
        ]
        try:
            for worker in workers:
                assert worker.stdout is not None
                assert await worker.stdout.readline() == b"ready\n"
            for worker in workers:
                assert worker.stdin is not None
                worker.stdin.write(b"\n")
            yield Fleet(window, workers)
        finally:
            for worker in workers:
                if worker.returncode is None:
                    worker.send_signal(signal.SIGCONT)
                    worker.kill()
                await worker.wait()


@pytest.fixture(params=["sqlite", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return where the processes share their state."""
    if request.param == "sqlite":
        return str(tmp_path / "sikoia.db")
    pytest.importorskip("redis")
    return str(request.getfixturevalue("redis_server").url)


async def test_a_killed_process_costs_nobody_a_request(store: str) -> None:
    """Its slots stay leased for a while; the others go on inside the limit."""
    async with fleet(store) as running:
        await running.served(LIMIT // 2)
        running.workers[0].kill()
        await running.workers[0].wait()
        await running.served(LIMIT)

        assert await running.stop() == []
        assert running.window.refused == 0
        assert running.worst <= LIMIT


async def test_a_stopped_process_disturbs_nobody(store: str) -> None:
    """The others go on. When it does, at most what it had in flight is over the limit."""
    async with fleet(store) as running:
        await running.served(LIMIT // 2)
        running.workers[0].send_signal(signal.SIGSTOP)
        await running.served(LIMIT)
        running.workers[0].send_signal(signal.SIGCONT)
        await running.served(LIMIT)

        assert set(await running.stop()) <= {"RateLimitError"}
        assert running.window.refused <= TASKS
        assert running.worst <= LIMIT + TASKS


def _empty(server: RedisServer) -> None:
    server.kill()
    server.empty()


@pytest.mark.parametrize("fault", [RedisServer.freeze, RedisServer.kill, _empty])
async def test_a_lost_redis_is_no_error_of_a_call(
    redis_server: RedisServer, fault: Callable[[RedisServer], None]
) -> None:
    """Calls go on within each process's part of the limit, and with Redis when it is back."""
    pytest.importorskip("redis")
    async with fleet(redis_server.url) as running:
        await running.served(LIMIT // 2)
        await asyncio.to_thread(fault, redis_server)
        await running.served(LIMIT)
        back = RedisServer.thaw if redis_server.pids else RedisServer.start
        await asyncio.to_thread(back, redis_server)
        await running.served(LIMIT)

        assert set(await running.stop()) <= {"RateLimitError"}
        # The limit, the parts of the processes, and what was in flight when it was lost.
        assert running.worst <= 2 * LIMIT + 2 * TASKS
