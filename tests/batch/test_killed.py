"""A batch whose process is killed again and again buys nothing twice and loses nothing."""

import json
import random
import shutil
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from batch.companies import companies_of, spawn
from batch.killed_child import STEPS

from sikoia_async.sandbox import Rate, Sandbox

CHILD = Path(__file__).with_name("killed_child.py")
PATIENCE = 120


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_nothing_is_bought_twice(backend: str, tmp_path: Path) -> None:
    """Each run is killed at another step; the last one ends. Sikoia takes a while to respond."""
    chance = random.Random(backend)  # noqa: S311 - the same in each run
    with Sandbox(rate=Rate(requests_per_window=100_000)) as sandbox:
        sandbox.faults.add("POST /v2/company-credit-reports", delay=0.05, times=1_000)
        ids = companies_of(40, sandbox)
        (tmp_path / "ids").write_text("\n".join(ids), "utf-8")
        for step in STEPS:
            arguments = (backend, str(tmp_path), step, str(chance.randint(1, 4)))
            with spawn(sandbox, CHILD, *arguments) as child:
                assert child.wait(PATIENCE) == -signal.SIGKILL, step
        with spawn(sandbox, CHILD, backend, str(tmp_path), "never", "1") as child:
            assert child.wait(PATIENCE) == 0

        sandbox.ledger.assert_nothing_charged_twice()
        assert sandbox.ledger.spend == len(ids)
        undisturbed = tmp_path / "undisturbed"
        undisturbed.mkdir()
        shutil.copy(tmp_path / "ids", undisturbed)
        with spawn(sandbox, CHILD, backend, str(undisturbed), "never", "1") as child:
            assert child.wait(PATIENCE) == 0
    reports = written(tmp_path)
    assert Counter(key for key, _ in reports) == Counter(ids)
    assert len({report.pop("request_id") for _, report in reports}) == len(ids)
    whole = written(undisturbed)
    for _, report in whole:
        del report["request_id"]
    assert reports == whole


def written(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return the sorted reports in an output, without the times of the requests."""
    lines = [json.loads(line) for line in (folder / "out").read_text("utf-8").splitlines()]
    reports = [(key, json.loads(report)) for key, report in lines]
    for _, report in reports:
        del report["datetime_requested"]
    return sorted(reports, key=lambda one: str(one[0]))
