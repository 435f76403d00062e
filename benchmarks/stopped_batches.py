"""Kills and stops batches at seeded moments, and counts what was bought twice, lost or different.

Processes that buy reports from a local Sikoia send themselves SIGKILL, or SIGINT once or twice,
and the next one goes on. A proxy can hand requests on late, so that they take effect after the
death of their sender.
"""

import random
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import attrs
from _measure import Row, is_quick, print_table

sys.path.insert(1, str(Path(__file__).parent.parent / "tests"))

from batch_ends import STEPS, Ends
from purchase_kills import serving, serving_late, some_time

__all__ = ["compare"]

_SEED: Final = 18
_STEPS_LATE: Final = ("intended", "sent")


@attrs.frozen
class _Way:
    """How processes end."""

    what: str
    signals: Sequence[str]
    steps: Sequence[str] = STEPS
    companies: int = 500
    at_once: int = 8
    timeout: float = 5.0
    """What a purchase in doubt waits for, so it is short if purchases are interrupted."""
    is_late: bool = False


_WAYS: Final = {
    "killed": _Way("kills", ["SIGKILL"]),
    "late": _Way("kills before Sikoia works", ["SIGKILL"], _STEPS_LATE, is_late=True),
    "once": _Way("Ctrl-C once", ["SIGINT"], companies=750, at_once=2, timeout=30),
    "twice": _Way("Ctrl-C twice", ["SIGINT", "SIGINT"], at_once=2),
}


def compare(*, quick: bool, ways: Sequence[str] = tuple(_WAYS)) -> list[Row]:
    """Return the rows of the table."""
    return [
        _row(_WAYS[way], backend, 2 if quick else 200, quick=quick)
        for way in ways
        for backend in ("asyncio", *(() if quick else ("trio",)))
    ]


def _row(way: _Way, backend: str, ends: int, *, quick: bool) -> Row:
    companies = 30 if quick else way.companies
    chance = random.Random(_SEED)  # noqa: S311 - the same in each run
    with (
        tempfile.TemporaryDirectory() as folder,
        serving_late(some_time, seconds=0.05) if way.is_late else serving(seconds=0.05) as sandbox,
    ):
        batch = Ends(
            sandbox, Path(folder), companies, backend=backend,
            at_once=way.at_once, timeout=way.timeout,
        )  # fmt: skip
        interrupted = 0
        for number in range(ends):
            count = chance.randint(1, 3)
            step = way.steps[number % len(way.steps)]
            ended = batch.run(step, count, *way.signals, gap=chance.random() * 0.1)
            interrupted += ended in (-signal.SIGKILL, 128 + signal.SIGINT)
        # On a busy machine a response may not be there in time: the next run has what failed.
        if all(batch.run() for _ in range(5)):
            msg = "the last run failed"
            raise RuntimeError(msg)
        faults = attrs.astuple(batch.faults())
    return Row(
        f"{companies} companies, {interrupted} times {way.what}, {backend}: "
        "bought twice | lost | written twice | different",
        " | ".join(map(str, faults)), "-", None, "0", "NO" if any(faults) else "yes",
    )  # fmt: skip


if __name__ == "__main__":
    chosen = [one for one in sys.argv[1:] if one in _WAYS]
    sys.argv[1:] = [one for one in sys.argv[1:] if one not in _WAYS]
    print_table(compare(quick=is_quick(), ways=chosen or tuple(_WAYS)))
