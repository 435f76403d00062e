"""Buys reports of companies into a file, and kills itself at a given step.

Arguments: backend, folder with the file `ids`, the step, and at which occurrence of it to die.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import IO, Any

import anyio

from sikoia_async import Quota, Sikoia
from sikoia_async.batch import Done

STEPS = ("before intent", "intended", "sent", "answered", "noted", "written", "flushed")


class Killer:
    """Kills this process at the nth occurrence of a step."""

    def __init__(self, step: str, count: int) -> None:
        self.step = step
        self.count = count

    def at(self, step: str) -> None:
        """Die if it is time to."""
        if step == self.step:
            self.count -= 1
            if not self.count:
                os.kill(os.getpid(), signal.SIGKILL)


async def main(folder: Path, killer: Killer) -> None:
    """Run the batch."""
    ids = (folder / "ids").read_text("utf-8").split()

    async def work(run: Any, company_id: str) -> str:
        killer.at("before intent")
        operation = await run.once("report", run.sikoia.credit_reports.request, company_id)
        killer.at("noted")
        report = await operation
        return str(report.to_json())

    async def on_request(call: Any) -> None:
        if call.method == "POST" and "credit" in call.path:
            killer.at("intended")
            sending.start_soon(sent)

    async def sent() -> None:
        await anyio.sleep(0.02)  # the response takes longer
        killer.at("sent")

    def on_response(response: Any) -> None:
        if response.method == "POST" and "credit" in response.path:
            killer.at("answered")

    async with (
        anyio.create_task_group() as sending,
        Sikoia(
            quota=Quota(1000, 1), timeout=2, on_request=on_request, on_response=on_response
        ) as sikoia,
        sikoia.batch(folder / "journal.db", grace=0.5) as batch,
    ):
        with (folder / "out").open("ab") as out:
            cut(out, folder / "out", await batch.position() or 0)

            def flush() -> int:
                out.flush()
                os.fsync(out.fileno())
                killer.at("flushed")
                return out.tell()

            async for result in batch.map(work, ids, key=str, at_once=8, flush=flush):
                assert isinstance(result, Done), result
                out.write(json.dumps([result.key, result.value]).encode() + b"\n")
                killer.at("written")


def cut(out: IO[bytes], path: Path, position: int) -> None:
    """Remove what the journal does not know: it is yielded again."""
    out.truncate(position)
    out.seek(0, os.SEEK_END)
    assert path.stat().st_size == position


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[2]), Killer(sys.argv[3], int(sys.argv[4])), backend=sys.argv[1])
