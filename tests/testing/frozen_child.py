"""Prints all results of the walk: `python frozen_child.py <backend> <freezer> <when>`.

`when` says what has been imported before the clock is frozen: nothing (`before`), the package
without most resources (`middle`), or everything (`after`). With `never`, no clock is frozen.
"""

import contextlib
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, cast

import anyio
import time_machine
from freezegun import freeze_time

EPOCH = datetime(2024, 2, 29, 12, 0, tzinfo=UTC)
FREEZERS: dict[str, Any] = {
    "freezegun": lambda: freeze_time(EPOCH),
    "freezegun-real-asyncio": lambda: freeze_time(EPOCH, real_asyncio=True),
    "freezegun-tick": lambda: freeze_time(EPOCH, tick=True),
    "time-machine": lambda: time_machine.travel(EPOCH, tick=False),
}


async def results() -> list[Any]:
    """Call every method of every resource."""
    from testing.cassette_walk import walk  # noqa: PLC0415 - imported while the clock is frozen

    from sikoia_async.sandbox import Rate, Time  # noqa: PLC0415 - as above
    from sikoia_async.testing import MemorySandbox, client_of  # noqa: PLC0415 - as above

    with MemorySandbox(
        time=Time(epoch=EPOCH, speed=0), work_time=0, rate=Rate(requests_per_window=10_000)
    ) as sandbox:
        async with client_of(sandbox, quota=None) as sikoia:
            found = await walk(sikoia, lambda _: None)
            assert not sikoia.drift, dict(sikoia.drift)
            return found


def leaves(value: Any, path: str = "$") -> Iterator[tuple[str, str, str]]:
    """Yield the path, the exact type and the repr of each value."""
    if hasattr(value, "reveal"):
        value = value.reveal()
    if isinstance(value, dict):
        for name, one in cast("dict[str, Any]", value).items():
            yield from leaves(one, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for index, one in enumerate(cast("list[Any]", value)):
            yield from leaves(one, f"{path}[{index}]")
    elif not isinstance(value, bytes):  # a workbook holds the time at which it was made
        yield path, str(cast("object", value.__class__)), repr(value)


def main(backend: str, freezer: str, when: str) -> None:
    """Print the results as JSON."""
    if when == "middle":
        import_module("sikoia_async.resources.cases")
    if when == "after":
        anyio.run(results, backend=backend)
    with contextlib.nullcontext() if when == "never" else FREEZERS[freezer]():
        found = anyio.run(results, backend=backend)
    sys.stdout.write(json.dumps(list(leaves(found))))


if __name__ == "__main__":
    main(*sys.argv[1:])
