"""Kills processes that buy at 200 seeded moments, and counts what was bought twice or lost.

`python benchmarks/purchases.py [--quick]`; quick: 10 moments.
"""

import sys
import tempfile
from pathlib import Path

from _measure import is_quick

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from batch.purchase_kills import Runs, moments, serving

_COMPANIES = 10
_KILLS = 5


def main() -> bool:
    """Print the figures of asyncio and trio; return whether nothing was bought twice or lost."""
    rounds = 1 if is_quick() else 20
    is_good = True
    for backend in ("asyncio", "trio"):
        with tempfile.TemporaryDirectory() as folder, serving() as sandbox:
            runs = Runs(sandbox, Path(folder), backend=backend)
            for seed in range(rounds):
                runs.run(_COMPANIES, moments(seed, _KILLS, _COMPANIES // 2))
        print(backend, runs.figures, flush=True)
        is_good = is_good and not (runs.figures.twice or runs.figures.lost)
    return is_good


if __name__ == "__main__":
    sys.exit(not main())
