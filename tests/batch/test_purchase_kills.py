"""Purchases of real processes that are killed with SIGKILL: none is made twice, none is lost.

The moments are seeded. `benchmarks/purchases.py` has more for each backend.
"""

import os
from pathlib import Path

import pytest
from purchase_kills import Figures, Runs, moments, serving, serving_late, some_time

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills processes by signals")


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_killed_processes_buy_each_report_once(backend: str, tmp_path: Path) -> None:
    """Before and after the intent, while the request is in flight, answered, and recorded."""
    with serving() as sandbox:
        runs = Runs(sandbox, tmp_path, backend=backend)
        runs.run(6, moments(1 if backend == "asyncio" else 3, 2, 3))
        sandbox.ledger.assert_nothing_charged_twice()
    assert runs.figures == Figures(companies=6, kills=runs.figures.kills, charged=6)
    assert runs.figures.kills


def test_a_request_that_takes_effect_after_the_crash_is_adopted(tmp_path: Path) -> None:
    """Within the grace."""
    with serving_late(some_time) as sandbox:
        runs = Runs(sandbox, tmp_path, timeout=4.0, grace=1.5)
        runs.run(4, [("sent", 3, 0.05)])
        sandbox.ledger.assert_nothing_charged_twice()
    assert runs.figures == Figures(companies=4, kills=1, charged=4)


def test_searches_of_killed_processes_are_never_repeated(tmp_path: Path) -> None:
    """Sikoia does not list them: some are in doubt."""
    with serving() as sandbox:
        runs = Runs(sandbox, tmp_path, is_listed=False)
        runs.run(6, [("sent", 3, 0.1)])
        sandbox.ledger.assert_nothing_charged_twice()
    assert runs.figures.twice == runs.figures.lost == 0
    assert runs.figures.in_doubt > 0


def test_two_processes_with_the_same_keys_buy_once(tmp_path: Path) -> None:
    """Both get the same reports, also if both are killed."""
    with serving() as sandbox:
        runs = Runs(sandbox, tmp_path)
        runs.run(5, [("sent", 3, 0.1)], at_once=2)
        sandbox.ledger.assert_nothing_charged_twice()
    assert runs.figures == Figures(companies=5, kills=runs.figures.kills, charged=5)
