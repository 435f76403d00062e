"""A batch whose process is killed again and again buys nothing twice and loses nothing.

Each run is killed at another step; the last one ends. `benchmarks/stopped_batches.py` has two
hundred kills and stops for each backend.
"""

import random
import signal
from pathlib import Path

import pytest
from batch_ends import REPORTS, STEPS, Ends, Faults

from sikoia_async.sandbox import Rate, Sandbox


@pytest.mark.parametrize(
    ("backend", "steps"), [("asyncio", STEPS[::2]), ("trio", STEPS[1::2])], ids=["asyncio", "trio"]
)
def test_nothing_is_bought_twice(backend: str, steps: tuple[str, ...], tmp_path: Path) -> None:
    """Sikoia takes a while to respond."""
    chance = random.Random(backend)  # noqa: S311 - the same in each run
    with Sandbox(rate=Rate(requests_per_window=100_000)) as sandbox:
        sandbox.faults.add(REPORTS, delay=0.05, times=1_000)
        batch = Ends(sandbox, tmp_path, 40, backend=backend)
        for step in steps:
            assert batch.run(step, chance.randint(1, 4), "SIGKILL") == -signal.SIGKILL, step
        assert batch.run() == 0
        sandbox.ledger.assert_nothing_charged_twice()
        assert batch.faults() == Faults()
