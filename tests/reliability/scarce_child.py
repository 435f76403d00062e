"""Makes calls in a process that runs out of file descriptors, and reports how they ended.

Run by the rows about descriptors: `python scarce_child.py <backend> <url> <what>`. With the name of
a call, that call has no descriptor left once it is connected. With a number, 48 calls at once have
so many descriptors between them.
"""

import json
import os
import resource
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import anyio

from sikoia_async import CallError, Entity, Sikoia
from sikoia_async.environments import local

_CASE: Final = Entity("case", "64cd8202-2db4-44d5-85be-79438d65eb7b")
_CALLS: Final[dict[str, Callable[[Sikoia], Awaitable[Any]]]] = {
    "model": lambda sikoia: sikoia.identity.request("64cd8202-2db4-44d5-85be-79438d65eb7b"),
    "plain": lambda sikoia: sikoia.request("POST", "/v2/identity", chargeable=True),
    "task": lambda sikoia: sikoia.start("POST", "/v2/x", into=object, chargeable=True),
    "workbook": lambda sikoia: sikoia.reports.excel(_CASE),
}


async def _call(url: str, name: str) -> None:
    late: list[str] = []
    is_connected = False

    def watch(event: str, given: tuple[Any, ...]) -> None:
        nonlocal is_connected
        if event == "socket.connect" and not is_connected:
            is_connected = True
            used = max(int(one.name) for one in Path("/proc/self/fd").iterdir())
            resource.setrlimit(resource.RLIMIT_NOFILE, (used, 4096))
        elif event in {"open", "import"} and is_connected:
            late.append(f"{event} {given[0]}")

    async with Sikoia(environment=local(url), token="t", quota=None, retries=0) as sikoia:
        method, ended = _CALLS[name], "response"
        sys.addaudithook(watch)
        try:
            await method(sikoia)
        except CallError as error:
            ended = type(error).__name__
        except BaseException as error:  # noqa: BLE001 - reported
            ended = f"foreign: {error!r}"
        is_connected = False
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 4096))
        spend = dict(sikoia.spend)
    sys.stdout.write(json.dumps({"ended": ended, "late": late, "spend": spend}))


async def _calls(url: str, spare: str) -> None:
    ended: list[str] = []
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with Sikoia(environment=local(url), token="t", quota=None, retries=0) as sikoia:
        await sikoia.request("POST", "/v2/cases")  # so that everything is imported

    async def call(number: int) -> None:
        chargeable = number % 2 == 0
        method, path = ("POST", "/v2/identity") if chargeable else ("GET", "/v2/users")
        try:
            await sikoia.request(method, path, chargeable=chargeable)
            ended.append("response")
        except CallError as error:
            ended.append(f"{error.reached}: {error}".partition(" (")[0])

    async with Sikoia(environment=local(url), token="t", quota=None, retries=0) as sikoia:
        free = os.open(os.devnull, os.O_RDONLY)
        os.close(free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (free + int(spare), limits[1]))
        async with anyio.create_task_group() as tasks:
            for number in range(48):
                tasks.start_soon(call, number)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        attempts, spend = sikoia.stats().attempts, dict(sikoia.spend)
    sys.stdout.write(json.dumps({"ended": ended, "attempts": attempts, "spend": spend}))


if __name__ == "__main__":
    work = _calls if sys.argv[3].isdigit() else _call
    anyio.run(work, sys.argv[2], sys.argv[3], backend=sys.argv[1])
