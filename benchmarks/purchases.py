"""Kills processes that buy at seeded moments, and counts what was bought twice or lost.

The moments are before and after the intent, while the request is in flight, once it is answered,
and once the outcome is recorded. Through a proxy that hands requests on late, they take effect
after the death of their sender.
"""

import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

from _measure import Row, is_quick, print_table

sys.path.insert(1, str(Path(__file__).parent.parent / "tests"))

from purchase_kills import Figures, Runs, moments, serving, serving_late, some_time

__all__ = ["compare"]

_AT_ONCE: Final = 6
"""Rounds that run beside each other, because processes mostly wait."""


def compare(*, quick: bool) -> list[Row]:
    """Return the rows of the table."""
    seeds, kills, companies = (range(2, 3), 2, 3) if quick else (range(50), 5, 10)
    return [
        row
        for is_late in (False, True)
        for backend in ("asyncio", *(() if quick else ("trio",)))
        for row in _rows(backend, seeds, kills, companies, is_late=is_late)
    ]


def _rows(backend: str, seeds: range, kills: int, companies: int, *, is_late: bool) -> list[Row]:
    play = partial(_play, backend, kills, companies, is_late=is_late)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        lanes = pool.map(play, [seeds[n::_AT_ONCE] for n in range(min(_AT_ONCE, len(seeds)))])
        figures = list(lanes)
    bought, killed, twice, lost, in_doubt = (
        sum(getattr(one, name) for one in figures)
        for name in ("companies", "kills", "twice", "lost", "in_doubt")
    )
    kind = " before Sikoia works" if is_late else ""
    what = f"{bought} purchases of killed processes{kind}, {backend}"
    return [
        Row(f"{what}: kills", str(killed), "-"),
        _counted("… bought twice", twice),
        _counted("… lost | in doubt", lost, in_doubt),
    ]


def _play(backend: str, kills: int, companies: int, seeds: range, *, is_late: bool) -> Figures:
    """Play some rounds one after the other, with a local Sikoia of their own."""
    with (
        tempfile.TemporaryDirectory() as folder,
        serving_late(some_time) if is_late else serving() as sandbox,
    ):
        runs = Runs(sandbox, Path(folder), backend=backend, timeout=4.0 if is_late else 1.5)
        for seed in seeds:
            runs.run(companies, _late(seed) if is_late else moments(seed, kills, companies // 2))
    return runs.figures


def _late(seed: int) -> list[tuple[str, int, float]]:
    """Return one moment, in which a request is on its way."""
    return [("sent", 1 + seed % 4, 0.05)]


def _counted(what: str, *counts: int) -> Row:
    met = "NO" if any(counts) else "yes"
    return Row(what, " | ".join(map(str, counts)), "-", None, "0", met)


if __name__ == "__main__":
    print_table(compare(quick=is_quick()))
