"""Buys reports of companies into a file, and is killed or stopped at a given step.

`run` is called in a process of its own; `batch_ends.Ends` says what a job is.
"""

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import IO, Any

import anyio

from sikoia_async import Quota, Sikoia
from sikoia_async.batch import Done, Progress


class Ending:
    """Sends this process signals at the nth occurrence of a step."""

    def __init__(self, step: str, count: int, signals: list[str], gap: float) -> None:
        self._step = step
        self._count = count
        self._signals = [signal.Signals[name] for name in signals]
        self._gap = gap

    def at(self, step: str) -> None:
        """Send them if it is time to."""
        if step != self._step:
            return
        self._count -= 1
        if self._count:
            return
        for number, one in enumerate(self._signals):
            if number:
                timer = threading.Timer(number * self._gap, os.kill, (os.getpid(), one))
                timer.daemon = True
                timer.start()
            else:
                os.kill(os.getpid(), one)


def run(job: dict[str, Any]) -> None:
    """Run the batch, and exit with 1 if something failed, or 130 if it was stopped."""
    os.environ.update(job["variables"])
    code = 130
    try:
        code = anyio.run(_run, job, backend=job["backend"])
    except* KeyboardInterrupt:
        pass  # the batch had ended
    sys.exit(code)


async def _run(job: dict[str, Any]) -> int:
    folder = Path(job["folder"])
    ids = (folder / "ids").read_text("utf-8").split()
    summary: Progress | None = None
    ending = Ending(job["step"], job["count"], job["signals"], job["gap"])

    async def work(run: Any, company_id: str) -> str:
        ending.at("before intent")
        operation = await run.once("report", run.sikoia.credit_reports.request, company_id)
        ending.at("noted")
        report = await operation
        return str(report.to_json())

    async def on_request(call: Any) -> None:
        if call.method == "POST" and "credit" in call.path:
            ending.at("intended")
            sending.start_soon(sent)

    async def sent() -> None:
        await anyio.sleep(0.02)  # the response takes longer
        ending.at("sent")

    def on_response(response: Any) -> None:
        if response.method == "POST" and "credit" in response.path:
            ending.at("answered")

    async with (
        anyio.create_task_group() as sending,
        Sikoia(
            quota=Quota(1000, 1),
            timeout=job["timeout"],
            on_request=on_request,
            on_response=on_response,
        ) as sikoia,
        sikoia.batch(folder / "journal.db", grace=0.5, handle_signals=True) as batch,
    ):
        with (folder / "out").open("ab") as out:
            cut(out, folder / "out", await batch.position() or 0)

            def flush() -> int:
                out.flush()
                os.fsync(out.fileno())
                ending.at("flushed")
                return out.tell()

            async for result in batch.map(
                work, ids, key=str, at_once=job["at_once"], retry_failed=True, flush=flush
            ):
                if isinstance(result, Done):
                    out.write(json.dumps([result.key, result.value]).encode() + b"\n")
                    ending.at("written")
                else:
                    sys.stderr.write(f"{result}\n")
        summary = await batch.summary()
    assert summary is not None
    return 130 if summary.stopped else int(summary.failed + summary.in_doubt > 0)


def cut(out: IO[bytes], path: Path, position: int) -> None:
    """Remove what the journal does not know: it is yielded again."""
    out.truncate(position)
    out.seek(0, os.SEEK_END)
    assert path.stat().st_size == position
