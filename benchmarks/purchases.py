"""Kills processes that buy at seeded moments, and counts what was bought twice or lost.

The moments are before and after the intent, while the request is in flight, once it is answered,
and once the outcome is recorded.
"""

import sys
import tempfile
from pathlib import Path

from _measure import Row, is_quick, print_table

sys.path.insert(1, str(Path(__file__).parent.parent / "tests"))

from purchase_kills import Figures, Runs, moments, serving

__all__ = ["compare"]


def compare(*, quick: bool) -> list[Row]:
    """Return the rows of the table."""
    seeds, kills, companies = (range(2, 3), 2, 3) if quick else (range(20), 5, 10)
    return [
        row
        for backend in ("asyncio", "trio")
        for row in _rows(backend, _figures(backend, seeds, kills, companies))
    ]


def _figures(backend: str, seeds: range, kills: int, companies: int) -> Figures:
    with tempfile.TemporaryDirectory() as folder, serving() as sandbox:
        runs = Runs(sandbox, Path(folder), backend=backend)
        for seed in seeds:
            runs.run(companies, moments(seed, kills, companies // 2))
    return runs.figures


def _rows(backend: str, figures: Figures) -> list[Row]:
    what = f"{figures.companies} purchases, {figures.kills} kills, {backend}"
    return [
        _counted(f"{what}: bought twice", figures.twice),
        _counted(f"{what}: lost | in doubt", figures.lost, figures.in_doubt),
    ]


def _counted(what: str, *counts: int) -> Row:
    met = "NO" if any(counts) else "yes"
    return Row(what, " | ".join(map(str, counts)), "-", None, "0", met)


if __name__ == "__main__":
    print_table(compare(quick=is_quick()))
