"""How the benchmarks measure: contestants alternate in one run, and ratios are printed.

On shared, noisy machines, measurements made at different times cannot be compared. So contestants
alternate, each round starts with a different one, ratios are taken within a round, and the median
of the rounds is reported, with its quartiles.
"""

import argparse
import gc
import json
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

import attrs
from _kept import Run, change, keyed, last, load, quartiles, shown_ratio, surroundings
from _rows import Row, ranked

__all__ = [
    "Costs",
    "Row",
    "Unit",
    "at_least",
    "at_most",
    "counted",
    "is_quick",
    "parsed",
    "print_table",
    "print_tables",
    "race",
    "shown",
    "take_turns",
]

_LEAST: Final = 3
"""Rounds of which quartiles are shown."""
_HEAD: Final = ("ours", "peer", "ratio", "quartiles", "target", "met", "last", "change")
_FORMATS: Final = {"s": (1e3, "ms"), "s/call": (1e6, "µs"), "bytes": (1 / 2**20, "MiB")}

Unit = Literal["s", "s/call", "bytes"]
Costs = Sequence[float]
_Before = Mapping[str, Mapping[str, Row]]


def at_most(target: float | None, what: str, ours: Costs, peer: Costs, unit: Unit = "s") -> Row:
    """Compare costs, one per round: ours divided by the peer's.

    A row without a target is informational.
    """
    ratios = [our / their for our, their in zip(ours, peer, strict=True)]
    ratio = statistics.median(ratios)
    goal = ("-", "-") if target is None else (f"≤ {target:g}", _yes(ratio <= target))
    return Row(what, shown(ours, unit), shown(peer, unit), ratio, *goal, _quartiles(ratios), "less")


def at_least(target: float | None, what: str, ours: Costs, peer: Costs, unit: Unit = "s") -> Row:
    """Compare speeds: how many times faster ours is than the peer."""
    ratios = [their / our for our, their in zip(ours, peer, strict=True)]
    ratio = statistics.median(ratios)
    goal = ("-", "-") if target is None else (f"≥ {target:g}", _yes(ratio >= target))
    return Row(what, shown(ours, unit), shown(peer, unit), ratio, *goal, _quartiles(ratios), "more")


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
    return bool(parsed(argparse.ArgumentParser()).quick)


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Return the command line, with the options that all scripts take."""
    parser.add_argument("--quick", action="store_true", help="check that it works")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser.parse_args()


def print_table(rows: Sequence[Row]) -> None:
    """Print the rows of this script beside those of its last run."""
    print_tables({Path(sys.argv[0]).stem: rows})


def print_tables(rows: Mapping[str, Sequence[Row]], kept: Mapping[str, Run] | None = None) -> None:
    """Print the rows of some scripts, first those in which a peer wins; with `--json` as JSON.

    Args:
        rows: by script.
        kept: the last runs; by default, those in the repository.
    """
    kept = load() if kept is None else kept
    before = {name: last(name, kept) for name in rows}
    if "--json" in sys.argv[1:]:
        print(json.dumps(list(_as_json(rows, before)), ensure_ascii=False, indent=1))
        return
    for place, title in enumerate(("A peer wins, or a target is missed", "Everything else")):
        _print(title, {name: ranked(some)[place] for name, some in rows.items()}, before)
    for name in rows:
        if run := kept.get(name):
            print(f"last run of {name}.py: {run.on}")
    print(f"this run: {surroundings()}")


def _as_json(rows: Mapping[str, Sequence[Row]], before: _Before) -> Iterator[dict[str, object]]:
    for name, some in rows.items():
        for key, row in keyed(some):
            then = before[name].get(key)
            yield {
                "script": name,
                **attrs.asdict(row),
                "last": then and attrs.asdict(then),
                "change": change(row, then),
            }


def _print(title: str, rows: Mapping[str, Sequence[Row]], before: _Before) -> None:
    lines = [line for name, some in rows.items() for line in _lines(some, before[name])]
    if not lines:
        return
    table = [(title, *_HEAD), *lines]
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    for line in table:
        cells = [cell.rjust(width) for cell, width in zip(line, widths, strict=True)]
        print("  ".join([line[0].ljust(widths[0]), *cells[1:]]), flush=True)
    print()


def _lines(rows: Sequence[Row], before: Mapping[str, Row]) -> Iterator[tuple[str, ...]]:
    for key, row in keyed(rows):
        then = before.get(key)
        now = (row.what, row.ours, row.peer, shown_ratio(row), quartiles(row))
        yield *now, row.target, row.met, shown_ratio(then), change(row, then)


def _rotated(names: Sequence[str], turn: int) -> Sequence[str]:
    start = turn % len(names)
    return [*names[start:], *names[:start]]


def shown(costs: Costs, unit: Unit = "s") -> str:
    """Format the median."""
    factor, name = _FORMATS[unit]
    return f"{statistics.median(costs) * factor:.1f} {name}"


def _quartiles(ratios: Sequence[float]) -> tuple[float, float] | None:
    if len(ratios) < _LEAST:
        return None
    low, _, high = statistics.quantiles(ratios, n=4)
    return low, high


def _yes(met: bool) -> str:
    return "yes" if met else "no"
