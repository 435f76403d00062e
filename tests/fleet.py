"""Worker processes that share a store, and the server that they call."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import attrs
from fleet_worker import TASKS, Job

sys.path.insert(1, str(Path(__file__).parents[1] / "benchmarks"))
from _window import Window, worst

__all__ = ["LIMIT", "PER", "TASKS", "Fleet", "Worker", "fleet", "job", "start", "worst"]

LIMIT: Final = 10
PER: Final = 1.0

_WORKER: Final = Path(__file__).with_name("fleet_worker.py")
_HOPELESS: Final = 60
_USER: Final = () if os.geteuid() else ("setpriv", "--bounding-set=-dac_override")
"""Lets root respect the permissions of files, as other users do."""


class Worker:
    """A process of `fleet_worker.py`."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.log = ""
        """What it has logged, once it has ended."""

    async def wait_until_ready(self) -> None:
        """Wait until it takes commands."""
        if await self.said() != "ready":
            _, log = await self.process.communicate()
            raise AssertionError(log.decode())

    async def ask(self, command: str) -> str:
        """Let it do something once, and return the result."""
        self.tell(command)
        return await self.said()

    def tell(self, command: str) -> None:
        """Let it do something."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{command}\n".encode())

    async def said(self) -> str:
        """Return its next line."""
        assert self.process.stdout is not None
        async with asyncio.timeout(_HOPELESS):
            return (await self.process.stdout.readline()).decode().strip()

    async def stop(self) -> list[str]:
        """Let it end, and return the types of the errors that its flood had."""
        async with asyncio.timeout(_HOPELESS):
            output, log = await self.process.communicate(b"stop\n")
        self.log = log.decode()
        *errors, last = output.decode().split()
        assert last == "done", self.log
        return errors

    async def kill(self) -> None:
        """End it by `kill -9`, also while it is stopped."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.communicate()


async def start(job: Job) -> Worker:
    """Start a worker."""
    command = (*_USER, sys.executable, str(_WORKER), json.dumps(attrs.asdict(job)))
    return Worker(
        await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    )


class Fleet:
    """Workers, and the server that they call: it counts in windows of random phase."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.workers = list[Worker]()

    @property
    def worst(self) -> int:
        """The most requests in any window."""
        return worst(self.window.arrivals, PER)

    async def start(self, *jobs: Job) -> list[Worker]:
        """Start more workers."""
        url = f"http://127.0.0.1:{self.window.port}"
        workers = [await start(attrs.evolve(one, url=url)) for one in jobs]
        self.workers += workers
        for worker in workers:
            await worker.wait_until_ready()
        return workers

    def flood(self) -> None:
        """Let all workers send as much as they may."""
        for worker in self.workers:
            worker.tell("flood")

    async def served(self, count: int) -> None:
        """Wait until the server has answered some more requests."""
        until = self.window.served + count
        async with asyncio.timeout(_HOPELESS):
            while self.window.served < until:  # noqa: ASYNC110 - the server sets no event
                await asyncio.sleep(0.02)

    async def stop(self) -> set[str]:
        """Let the workers end, and return the types of their errors."""
        running = [one for one in self.workers if one.process.returncode is None]
        return {error for one in running for error in await one.stop()}


def job(store: str, *, per: float = PER, **options: Any) -> Job:
    """Return what a worker does."""
    return Job(url="", store=store, limit=LIMIT, per=per, **options)


@asynccontextmanager
async def fleet(*jobs: Job) -> AsyncGenerator[Fleet]:
    """Run workers, which wait for what to do."""
    async with Window(LIMIT, jobs[0].per, 0.01) as window:
        running = Fleet(window)
        try:
            await running.start(*jobs)
            yield running
        finally:
            for worker in running.workers:
                await worker.kill()
