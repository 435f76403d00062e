"""How the benchmarks measure: contestants alternate in one run, and ratios are printed.

On shared, noisy machines, measurements made at different times cannot be compared. So contestants
alternate, each round starts with a different one, ratios are taken within a round, and the median
of the rounds is reported, with its quartiles.
"""

import argparse
import gc
import json
import platform
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import attrs

__all__ = [
    "Costs",
    "Row",
    "Unit",
    "at_least",
    "at_most",
    "counted",
    "is_quick",
    "print_table",
    "race",
    "shown",
    "take_turns",
]

_LEAST = 3
"""Rounds of which quartiles are shown."""
_FORMATS = {"s": (1e3, "ms"), "s/call": (1e6, "µs"), "bytes": (1 / 2**20, "MiB")}

Unit = Literal["s", "s/call", "bytes"]
Costs = Sequence[float]


@attrs.frozen
class Row:
    """A row of the table."""

    what: str
    ours: str
    peer: str
    ratio: float | None = None
    target: str = "-"
    met: str = "-"
    spread: str = "-"
    """The quartiles of the ratio: half of the rounds are between them."""


def at_most(target: float | None, what: str, ours: Costs, peer: Costs, unit: Unit = "s") -> Row:
    """Compare costs, one per round: ours divided by the peer's.

    A row without a target is informational.
    """
    ratios = [our / their for our, their in zip(ours, peer, strict=True)]
    ratio = statistics.median(ratios)
    goal = ("-", "-") if target is None else (f"≤ {target:g}", _yes(ratio <= target))
    return Row(what, shown(ours, unit), shown(peer, unit), ratio, *goal, _spread(ratios))


def at_least(target: float | None, what: str, ours: Costs, peer: Costs, unit: Unit = "s") -> Row:
    """Compare speeds: how many times faster ours is than the peer."""
    ratios = [their / our for our, their in zip(ours, peer, strict=True)]
    ratio = statistics.median(ratios)
    goal = ("-", "-") if target is None else (f"≥ {target:g}", _yes(ratio >= target))
    return Row(what, shown(ours, unit), shown(peer, unit), ratio, *goal, _spread(ratios))


def counted(what: str, ours: int, peer: int) -> Row:
    """Compare counts: ours divided by the peer's."""
    return Row(what, f"{ours:,}", f"{peer:,}", ours / peer if peer else None)


def take_turns(
    contestants: Mapping[str, Callable[[], float]], rounds: int
) -> dict[str, list[float]]:
    """Run each contestant once per round, and return their measurements."""
    names = list(contestants)
    costs: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        for name in _rotated(names, turn):
            gc.collect()  # so that no contestant collects another's garbage
            costs[name].append(contestants[name]())
    return costs


def race(turns: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Take turns after an uncounted warm-up round, which loads lazy modules."""
    take_turns(turns, 1)
    return take_turns(turns, rounds)


def is_quick() -> bool:
    """Return whether the command line has `--quick`, which only checks that a script works."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="check that it works")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return bool(parser.parse_args().quick)


def print_table(rows: Sequence[Row]) -> None:
    """Print the rows, and the Python version; with `--json` on the command line, as JSON."""
    if "--json" in sys.argv[1:]:
        print(json.dumps([attrs.asdict(row) for row in rows], ensure_ascii=False, indent=1))
        return
    head = ("measurement", "ours", "peer", "ratio", "quartiles", "target", "met")
    lines = [
        head,
        *((r.what, r.ours, r.peer, _ratio(r.ratio), r.spread, r.target, r.met) for r in rows),
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        cells = [cell.rjust(width) for cell, width in zip(line, widths, strict=True)]
        print("  ".join([line[0].ljust(widths[0]), *cells[1:]]), flush=True)
    print(f"\n{platform.python_implementation()} {platform.python_version()}, {platform.system()}")


def _rotated(names: Sequence[str], turn: int) -> Sequence[str]:
    start = turn % len(names)
    return [*names[start:], *names[:start]]


def shown(costs: Costs, unit: Unit = "s") -> str:
    """Format the median."""
    factor, name = _FORMATS[unit]
    return f"{statistics.median(costs) * factor:.1f} {name}"


def _ratio(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"


def _spread(ratios: Sequence[float]) -> str:
    if len(ratios) < _LEAST:
        return "-"
    low, _, high = statistics.quantiles(ratios, n=4)
    return f"{low:.2f} - {high:.2f}"


def _yes(met: bool) -> str:
    return "yes" if met else "no"
